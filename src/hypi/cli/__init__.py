"""The command `hyperion`."""

from collections.abc import Sequence

try:
    import hypi._intact  # noqa: F401  # pyright: ignore[reportUnusedImport]  it raises if the packages are not ours
except ImportError as error:
    _problem = f"hyperion: {error}"

    def main(argv: Sequence[str] | None = None) -> int:
        """Says what is wrong with the installation."""
        import sys

        print(_problem, file=sys.stderr)
        return 1
else:
    from hypi.cli._main import main

__all__ = ["main"]
