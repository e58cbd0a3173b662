"""Plugin classes that are written wrongly."""

from __future__ import annotations

import uuid
from abc import abstractmethod
from typing import Any

from hycore import OpaqueList, PluginEXT
from hycore.utils.opaque import OpaqueObject
from misuse import Limits, Place, Right, misuse


@misuse
def no_uuid(place: Place) -> None:
    """A plugin has no UUID."""

    @place.define
    class Words(PluginEXT):
        NAME = "__EXT_words"
        DESCRIPTION = "Counts words"


@misuse
def uuid_as_string(place: Place) -> None:
    """A UUID is written as a string."""
    place.wrong(UUID="cdb726aa-8656-586f-a5b5-ff09f37a83fb")


@misuse
def uuid_of_words(place: Place) -> None:
    """A UUID is a string that is none."""
    place.wrong(UUID="words")


@misuse
def uuid_as_number(place: Place) -> None:
    """A UUID is a number."""
    place.wrong(UUID=7)


@misuse
def uuid_as_class(place: Place) -> None:
    """A UUID is the class of UUIDs."""
    place.wrong(UUID=uuid.UUID)


@misuse
def uuid_of_zeros(place: Place) -> None:
    """A UUID is all zeros."""
    place.wrong(UUID=uuid.UUID(int=0))


@misuse
def no_name(place: Place) -> None:
    """A plugin has no name."""

    @place.define
    class Words(PluginEXT):
        UUID = Right.UUID
        DESCRIPTION = "Counts words"


@misuse
def name_of_bytes(place: Place) -> None:
    """A name is no string."""
    place.wrong(NAME=b"__EXT_words")


@misuse
def empty_name(place: Place) -> None:
    """A name is empty."""
    place.wrong(NAME="")


@misuse
def name_with_spaces(place: Place) -> None:
    """A name ends with a space."""
    place.wrong(NAME="__EXT_words ")


@misuse
def no_description(place: Place) -> None:
    """A plugin has no description."""

    @place.define
    class Words(PluginEXT):
        UUID = Right.UUID
        NAME = "__EXT_words"


@misuse
def description_as_tuple(place: Place) -> None:
    """A description is a tuple, by a comma too many."""
    place.wrong(DESCRIPTION=("Counts words",))


@misuse
def no_base_class(place: Place) -> None:
    """A plugin does not derive from PluginEXT."""

    @place.define
    class Words:
        UUID = Right.UUID


@misuse
def object_for_class(place: Place) -> None:
    """An object of a plugin is submitted, and not its class."""
    place.world.inventory.submit(Right())


@misuse
def new_as_method(place: Place) -> None:
    """new is a plain method."""

    @place.define
    class Words(Right):
        def new(self, ext: OpaqueList) -> Any: ...


@misuse
def new_without_ext(place: Place) -> None:
    """new does not take the configuration."""

    @place.define
    class Words(Right):
        @classmethod
        def new(cls) -> Any: ...


@misuse
def static_new(place: Place) -> None:
    """new is a staticmethod, and takes the class."""

    @place.define
    class Words(Right):
        @staticmethod
        def new(kind: Any, ext: OpaqueList) -> Any: ...


@misuse
def new_that_waits(place: Place) -> None:
    """new is asynchronous."""

    @place.define
    class Words(Right):
        @classmethod
        async def new(cls, ext: OpaqueList) -> Any: ...


@misuse
def attach_to_nothing(place: Place) -> None:
    """attach_to does not take the reference to the instance."""

    @place.define
    class Words(Right):
        def attach_to(self) -> None: ...


@misuse
def initialize_takes_more(place: Place) -> None:
    """initialize wants something that nobody gives."""

    @place.define
    class Words(Right):
        def initialize(self, limit: int, *, strict: bool) -> None: ...


@misuse
def teardown_as_property(place: Place) -> None:
    """teardown is a property."""

    @place.define
    class Words(Right):
        @property
        def teardown(self) -> None: ...


@misuse
def hook_as_value(place: Place) -> None:
    """initialize is no function."""

    @place.define
    class Words(Right):
        initialize = True


@misuse
def hook_with_yield(place: Place) -> None:
    """initialize is a generator, like a fixture of pytest."""

    @place.define
    class Words(Right):
        def initialize(self) -> Any:
            yield


@misuse
def own_instance(place: Place) -> None:
    """A plugin has an attribute that hides the one of the runtime."""

    @place.define
    class Words(Right):
        instance = None


@misuse
def own_defer(place: Place) -> None:
    """A plugin has a method that hides the one of the runtime."""

    @place.define
    class Words(Right):
        def defer(self) -> None: ...


@misuse
def abstract_plugin(place: Place) -> None:
    """A plugin is abstract."""
    from abc import ABC

    @place.define
    class Words(Right, ABC):
        @abstractmethod
        def count(self) -> int: ...


@misuse
def configuration_as_object(place: Place) -> None:
    """CREATE_INFO is an object, and not its class."""
    place.wrong(CREATE_INFO=OpaqueObject())


@misuse
def constructor_without_configuration(place: Place) -> None:
    """An extension has a CREATE_INFO, and its constructor does not take it."""

    @place.define
    class Words(Right):
        CREATE_INFO = Limits

        def __init__(self) -> None: ...


@misuse
def constructor_of_something(place: Place) -> None:
    """A constructor takes something, and there is no CREATE_INFO."""

    @place.define
    class Words(Right):
        def __init__(self, limit: int) -> None: ...


@misuse
def requires_as_string(place: Place) -> None:
    """REQUIRES is a string: a comma is missing."""
    place.wrong(REQUIRES="__EXT_lines")


@misuse
def requires_as_number(place: Place) -> None:
    """REQUIRES is no list of names."""
    place.wrong(REQUIRES={"__EXT_lines": ">=1"})


@misuse
def after_of_classes(place: Place) -> None:
    """AFTER holds a class, and not its name."""
    place.wrong(AFTER=(Right,))


@misuse
def requires_itself(place: Place) -> None:
    """An extension requires itself."""
    place.wrong(REQUIRES=("__EXT_words",))


@misuse
def engine_as_number(place: Place) -> None:
    """REQUIRES_ENGINE is no string."""
    place.wrong(REQUIRES_ENGINE=1.0)


@misuse
def engine_without_operator(place: Place) -> None:
    """REQUIRES_ENGINE is a version, without an operator."""
    place.wrong(REQUIRES_ENGINE="1.0")


@misuse
def engine_of_four_numbers(place: Place) -> None:
    """REQUIRES_ENGINE has more than three numbers."""
    place.wrong(REQUIRES_ENGINE=">=1.0.0.1")


@misuse
def engine_about_one_number(place: Place) -> None:
    """REQUIRES_ENGINE is about equal to one number."""
    place.wrong(REQUIRES_ENGINE="~=1")


@misuse
def timeout_as_string(place: Place) -> None:
    """INITIALIZE_TIMEOUT is no number."""
    place.wrong(INITIALIZE_TIMEOUT="30s")


@misuse
def timeout_of_nothing(place: Place) -> None:
    """INITIALIZE_TIMEOUT is zero."""
    place.wrong(INITIALIZE_TIMEOUT=0)


@misuse
def identity_of_the_class(place: Place) -> None:
    """The name of a class is read as if it were an object."""
    Right.name
