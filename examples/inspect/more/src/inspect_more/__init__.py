"""A JSON reporter and two more analyzers for `inspect_host`, one module each."""
