"""What the runtime costs, as ratios to a floor and to its peers: `make bench`, or `python -m benchmarks --help`.

A module for each subject gives cases and what is compared; `_harness` measures them in interleaved rounds; `_report`
prints, and keeps, what was measured. Only ratios of one run are meant to be read; nothing here is a test.
"""
