"""Analyzers and a table reporter for `inspect_host`, one module each."""

# size, docs, cycles, hotspots and table are the extensions. What they know is in complexity, docstrings and
# imports: plain functions that import nothing of the runtime.
