"""Extensions that need more than the standard library: each is enabled by name, and brought by an extra."""
