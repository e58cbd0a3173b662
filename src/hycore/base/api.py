"""What a host says when it creates an instance.

Layer: `base`. The values hold what was given, checked once; creating an instance changes none of them.
"""

from __future__ import annotations

from sys import _getframe

from hycore.utils._record import Record, fill
from hycore.utils.error import ArgumentTypeError, ArgumentValueError

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Iterable
    from types import CodeType
    from typing import Literal, Self

    from hycore.base._instance import InstanceContext
    from hycore.base._origin import Origin
    from hycore.base._plan import Plan
    from hycore.ext import Inventory

__all__ = ["ApplicationInfo", "InstanceCreateInfo", "VersionInfo", "acreate_instance", "create_instance"]


class VersionInfo(Record):
    """A version of three numbers, each from 0 to 65535.

    >>> str(VersionInfo(1, 2, 3))
    '1.2.3'
    """

    __slots__ = ("major", "minor", "patch")

    major: int
    minor: int
    patch: int

    def __init__(self, major: int, minor: int = 0, patch: int = 0) -> None:
        for name, number in (("major", major), ("minor", minor), ("patch", patch)):
            _check_number(name, number, 0xFFFF)
            fill(self, name, number)

    def to_tuple(self) -> tuple[int, int, int]:
        """The three numbers."""
        return self.major, self.minor, self.patch

    def __str__(self) -> str:
        return f"{self.major}.{self.minor}.{self.patch}"


class ApplicationInfo(Record):
    """Which application this is, and the engine whose version extensions may require."""

    __slots__ = ("application_name", "application_version", "engine_name", "engine_version")

    application_name: str
    application_version: VersionInfo
    engine_name: str
    engine_version: VersionInfo

    def __init__(
        self,
        application_name: str,
        application_version: VersionInfo,
        engine_name: str,
        engine_version: VersionInfo,
    ) -> None:
        for field, name in (("application_name", application_name), ("engine_name", engine_name)):
            if not isinstance(name, str):
                raise ArgumentTypeError(field, "a string", name)
            fill(self, field, name)
        for field, version in (
            ("application_version", application_version),
            ("engine_version", engine_version),
        ):
            if not isinstance(version, VersionInfo):
                raise ArgumentTypeError(field, "a VersionInfo, such as VersionInfo(1, 0, 0)", version)
            fill(self, field, version)


class _Request(Record):
    """What a request has beside its fields: where it was written, for reports. It is no part of its value."""

    __slots__ = ("_origin",)

    _origin: tuple[CodeType, int] | Origin | None  # code and instruction; never a frame

    def _written_at(self, origin: tuple[CodeType, int] | Origin | None) -> Self:
        """Says where it was really written, of a request that was made of something else and is new; returns it."""
        fill(self, "_origin", origin)
        return self

    def __reduce__(self) -> tuple[object, ...]:
        from hycore.base._origin import origin_of

        return _restored, (type(self), self._values(), origin_of(self._origin))


def _restored(kind: type[_Request], values: tuple[object, ...], origin: object) -> _Request:
    request = kind.__new__(kind)
    for name, value in zip(kind.__slots__, values, strict=True):
        fill(request, name, value)
    fill(request, "_origin", origin)
    return request


class InstanceCreateInfo(_Request):
    """What a host asks for.

    - `application_info`: who asks.
    - `enabled_extensions`: the names that must all come up, in the order that they should have where their needs
      leave a choice.
    - `node_id`: goes into every UUID that the instance generates; 32 bits.
    - `ext`: configuration objects for the extensions, handed over as they are.
    - `optional_extensions`: names that may be missing or fail.
    - `unused_ext`: what to do about configuration that no extension took: `"error"`, `"warn"` or `"ignore"`.

    One value can create any number of instances.
    """

    __slots__ = (
        "application_info",
        "enabled_extensions",
        "node_id",
        "ext",
        "optional_extensions",
        "unused_ext",
    )

    application_info: ApplicationInfo
    enabled_extensions: tuple[str, ...]
    node_id: int
    ext: tuple[object, ...]
    optional_extensions: tuple[str, ...]
    unused_ext: Literal["error", "warn", "ignore"]

    def __init__(
        self,
        application_info: ApplicationInfo,
        enabled_extensions: Iterable[str] = (),
        node_id: int = 0,
        ext: Iterable[object] = (),
        *,
        optional_extensions: Iterable[str] = (),
        unused_ext: Literal["error", "warn", "ignore"] = "error",
    ) -> None:
        if not isinstance(application_info, ApplicationInfo):
            raise ArgumentTypeError("application_info", "an ApplicationInfo", application_info)
        _check_number("node_id", node_id, 0xFFFF_FFFF)
        if unused_ext not in ("error", "warn", "ignore"):
            raise ArgumentValueError("unused_ext", '"error", "warn" or "ignore"', repr(unused_ext))
        fill(self, "application_info", application_info)
        fill(self, "enabled_extensions", _names("enabled_extensions", enabled_extensions))
        fill(self, "node_id", node_id)
        fill(self, "ext", _objects(ext))
        fill(self, "optional_extensions", _names("optional_extensions", optional_extensions))
        fill(self, "unused_ext", unused_ext)
        frame = _getframe(1)
        fill(self, "_origin", (frame.f_code, frame.f_lasti))

    def _without_ext(self) -> InstanceCreateInfo:
        """The request without its configuration, which goes to the extensions and is not kept."""
        values = [() if name == "ext" else getattr(self, name) for name in InstanceCreateInfo.__slots__]
        bare = _restored(InstanceCreateInfo, tuple(values), self._origin)
        assert isinstance(bare, InstanceCreateInfo)
        return bare

    def __repr__(self) -> str:
        # Configuration is shown by type: it may hold secrets.
        types = ", ".join(type(thing).__name__ for thing in self.ext)
        return (
            f"InstanceCreateInfo({self.application_info!r}, {list(self.enabled_extensions)!r}, {self.node_id!r}, "
            f"[{types}], optional_extensions={list(self.optional_extensions)!r}, unused_ext={self.unused_ext!r})"
        )


def create_instance(
    info: InstanceCreateInfo,
    *,
    inventory: Inventory | None = None,
    plan: Plan | None = None,
    profile: bool = False,
) -> InstanceContext:
    """Brings up an instance; the same as `InstanceContext.create`, which tells what is raised."""
    from hycore.base._instance import InstanceContext

    return InstanceContext.create(info, inventory=inventory, plan=plan, profile=profile)


async def acreate_instance(
    info: InstanceCreateInfo,
    *,
    inventory: Inventory | None = None,
    plan: Plan | None = None,
    profile: bool = False,
    initialize_timeout: float | None = None,
    undo_timeout: float | None = None,
    import_in_thread: bool = False,
) -> InstanceContext:
    """Brings up an instance whose hooks may be `async def`; the same as `InstanceContext.acreate`."""
    from hycore.base._instance import InstanceContext

    return await InstanceContext.acreate(
        info,
        inventory=inventory,
        plan=plan,
        profile=profile,
        initialize_timeout=initialize_timeout,
        undo_timeout=undo_timeout,
        import_in_thread=import_in_thread,
    )


def _check_number(field: str, number: int, most: int) -> None:
    if type(number) is bool or not isinstance(number, int):
        raise ArgumentTypeError(field, f"a whole number from 0 to {most}", number)
    if not 0 <= number <= most:
        raise ArgumentValueError(field, f"a whole number from 0 to {most}", repr(number))


def _names(field: str, names: Iterable[str]) -> tuple[str, ...]:
    if isinstance(names, str):
        raise ArgumentTypeError(field, f"a list of names, such as [{names!r}]", names)
    try:
        each_name = iter(names)
    except TypeError:
        raise ArgumentTypeError(field, "a list of names", names) from None
    given = tuple(each_name)
    for name in given:
        if not isinstance(name, str):
            known = (
                f", such as {name.__name__}.NAME" if hasattr(name, "NAME") and isinstance(name, type) else ""
            )
            raise ArgumentTypeError(f"each name in {field}", f"a string{known}", name)
    # A member of a string enumeration is taken as the name that it stands for.
    return tuple([name if type(name) is str else str.__str__(name) for name in given])


def _objects(ext: Iterable[object]) -> tuple[object, ...]:
    expected = "a list of configuration objects, such as [MyConfig(…)]"
    if isinstance(ext, str | bytes | dict):
        raise ArgumentTypeError("ext", expected, ext)
    try:
        objects = iter(ext)
    except TypeError:
        raise ArgumentTypeError("ext", expected, ext) from None
    return tuple(objects)
