"""Typed configuration: what is taken has the type that was asked for."""

from typing import assert_type

from hycore.utils.opaque import OpaqueList, OpaqueObject


class Retries(OpaqueObject):
    limit = 3


class Verbose(Retries):
    pass


ext = OpaqueList([Retries(), Verbose()])

assert_type(ext.take_ext(Retries), Retries | None)
assert_type(ext.require_ext(Verbose), Verbose)
assert_type(len(ext), int)

ext.take_ext("Retries")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
ext.take_ext(Retries).limit  # type: ignore[union-attr]  # pyright: ignore[reportOptionalMemberAccess]
