"""What a person reads when something fails: one block on standard error.

Layer: `hypi.cli`, a leaf within it.
"""

from __future__ import annotations

import sys
import traceback

__all__ = ["show_error"]


def show_error(error: BaseException, *, headline: str = "", with_traceback: bool = False) -> None:
    """Prints an error, and its notes; where it was raised only when that is asked for."""
    if with_traceback:
        text = "".join(traceback.format_exception(error)).rstrip()
    else:
        text = "\n".join([_text_of(error), *getattr(error, "__notes__", ())])
    print(f"hyperion: {headline}{text}", file=sys.stderr, flush=True)


def _text_of(error: BaseException) -> str:
    from hycore.utils.error import HyError, describe

    return str(error) if isinstance(error, HyError) else describe(error)
