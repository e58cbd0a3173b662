"""Frozen, slotted values without the import of `dataclasses`, which takes 1.6 to 2.4 times as long as all of `hycore`.

A leaf: imports nothing of ours.
"""

from __future__ import annotations

__all__ = ["Record", "fill"]

fill = object.__setattr__
"""Sets a field of a record; only a record's own `__init__` may call it."""


class Record:
    """A frozen value whose fields are its `__slots__`, in order, and none of its bases'.

    A subclass writes its own `__init__`. Equality, hash, `repr` and pickling go by the fields.
    """

    __slots__: tuple[str, ...] = ()

    def __setattr__(self, name: str, value: object) -> None:
        raise AttributeError(f"{type(self).__name__} is a value and cannot be changed: make a new one")

    def __delattr__(self, name: str) -> None:
        raise AttributeError(f"{type(self).__name__} is a value and cannot be changed: make a new one")

    def _values(self) -> tuple[object, ...]:
        return tuple(getattr(self, name) for name in self.__slots__)

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return self._values() == other._values()

    def __hash__(self) -> int:
        return hash((type(self), self._values()))

    def __repr__(self) -> str:
        fields = ", ".join(f"{name}={getattr(self, name)!r}" for name in self.__slots__)
        return f"{type(self).__name__}({fields})"

    def __reduce__(self) -> tuple[object, ...]:
        return _restore, (type(self), self._values())


def _restore(kind: type[Record], values: tuple[object, ...]) -> Record:
    record = kind.__new__(kind)
    for name, value in zip(kind.__slots__, values, strict=True):
        fill(record, name, value)
    return record
