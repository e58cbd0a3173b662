"""Extensions and callbacks that need more than the runtime; each needs an extra of its own."""
