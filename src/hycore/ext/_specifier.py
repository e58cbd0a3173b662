"""Version specifiers, such as `">=0.1,<0.3"`, for versions of three numbers.

Layer: beside `_traits`, a leaf within `ext`. The operators mean what they mean in PEP 440 for final releases.
"""

from __future__ import annotations

__all__ = ["check_specifier", "satisfies"]

_OPERATORS = ("~=", "==", "!=", "<=", ">=", "<", ">")


def satisfies(specifier: str, version: tuple[int, int, int]) -> bool:
    """Whether a version satisfies every clause of a specifier; raises `ValueError` for what is none."""
    return all(
        _holds(operator, numbers, prefix, version) for operator, numbers, prefix in _clauses(specifier)
    )


def check_specifier(text: str) -> None:
    """Raises `ValueError`, with the reason, for what is no specifier."""
    _clauses(text)


def _clauses(specifier: str) -> list[tuple[str, tuple[int, ...], bool]]:
    return [_clause(part.strip()) for part in specifier.split(",")]


def _clause(text: str) -> tuple[str, tuple[int, ...], bool]:
    """The operator, the numbers, and whether only these are compared (`==1.*`)."""
    operator = next((each for each in _OPERATORS if text.startswith(each)), None)
    if operator is None:
        raise ValueError(f"{text!r} does not begin with one of {' '.join(_OPERATORS)}")
    digits = text[len(operator) :].strip()
    prefix = digits.endswith(".*") and operator in ("==", "!=")
    parts = digits.removesuffix(".*").split(".") if prefix else digits.split(".")
    if len(parts) > 3 or not all(part.isascii() and part.isdigit() for part in parts):
        raise ValueError(f"{digits!r} is not a version of one to three numbers")
    if operator == "~=" and len(parts) == 1:
        raise ValueError(f"{text!r} needs two numbers or three")
    return operator, tuple([int(part) for part in parts]), prefix


def _holds(operator: str, numbers: tuple[int, ...], prefix: bool, version: tuple[int, int, int]) -> bool:
    full = (*numbers, 0, 0)[:3]
    if operator == "~=":  # at least this, and the same but for the last number
        return version >= full and version[: len(numbers) - 1] == numbers[:-1]
    if operator in ("==", "!="):
        same = version[: len(numbers)] == numbers if prefix else version == full
        return same == (operator == "==")
    if operator == "<":
        return version < full
    if operator == "<=":
        return version <= full
    if operator == ">":
        return version > full
    return version >= full
