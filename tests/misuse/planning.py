"""Requests that cannot be planned."""

from __future__ import annotations

from hycore import InstanceContext
from hypi import api as front
from misuse import MODULE, Place, Right, Told, misuse

MINE = "from hycore.ext import Inventory\nmine = Inventory(None)"


@misuse
def unknown_name(place: Place) -> None:
    """A name is asked for that is not known."""
    place.plugin("__EXT_words")
    place.create("__EXT_wrods")


@misuse
def twice_in_a_list(place: Place) -> None:
    """A name is asked for twice in one list."""
    place.plugin("__EXT_words")
    place.create("__EXT_words", "__EXT_words")


@misuse
def twice_in_both_lists(place: Place) -> None:
    """A name is asked for in both lists."""
    place.plugin("__EXT_words")
    place.world.create(["__EXT_words"], ["__EXT_words"])


@misuse
def two_of_one_uuid(place: Place) -> None:
    """Two enabled extensions have one UUID."""
    copied = MODULE.replace('"__EXT_words"', '"__EXT_lines"')
    place.install("words", MODULE, __EXT_words="@:Words")
    place.install("lines", copied, __EXT_lines="@:Words")
    place.create("__EXT_words", "__EXT_lines")


@misuse
def another_engine(place: Place) -> None:
    """An extension is for another engine."""
    place.plugin("__EXT_words", REQUIRES_ENGINE=">=2.0,<3")
    place.create("__EXT_words", engine=(1, 4, 0))


@misuse
def requirement_that_is_not_asked_for(place: Place) -> None:
    """An extension requires another that is known and not asked for."""
    place.plugin("__EXT_words", REQUIRES=("__EXT_lines",))
    place.plugin("__EXT_lines")
    place.create("__EXT_words")


@misuse
def requirement_that_is_not_there(place: Place) -> None:
    """An extension requires another that is not known."""
    place.plugin("__EXT_words", REQUIRES=("__EXT_dictionary",))
    place.create("__EXT_words")


@misuse
def requirement_with_a_slip(place: Place) -> None:
    """An extension requires another with a slip of the pen."""
    place.plugin("__EXT_words", REQUIRES=("__EXT_line",))
    place.plugin("__EXT_lines")
    place.create("__EXT_words", "__EXT_lines")


@misuse
def circle(place: Place) -> None:
    """Three extensions wait for each other."""
    place.plugin("__EXT_words", REQUIRES=("__EXT_lines",))
    place.plugin("__EXT_lines", AFTER=("__EXT_table",))
    place.plugin("__EXT_table", REQUIRES=("__EXT_words",))
    place.create("__EXT_words", "__EXT_lines", "__EXT_table")


@misuse
def asynchronous_hooks(place: Place) -> None:
    """An extension with asynchronous hooks in a synchronous host."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None: ...
        async def teardown(self) -> None: ...

    place.create("__EXT_words")


@misuse
def six_problems(place: Place) -> None:
    """Six things are wrong with one request."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None: ...

    place.install("broken", "import dictionary_of_words", __EXT_broken="@:Words")
    place.define(Words)
    place.plugin("__EXT_new", REQUIRES_ENGINE=">=2")
    place.plugin("__EXT_table", REQUIRES=("__EXT_columns",))
    place.plugin("__EXT_report", AFTER=("__EXT_summary",))
    place.plugin("__EXT_summary", AFTER=("__EXT_report",))
    place.create(
        "__EXT_wrods",
        "__EXT_broken",
        "__EXT_new",
        "__EXT_table",
        "__EXT_report",
        "__EXT_summary",
        "__EXT_words",
    )


@misuse
def what_is_set_aside(place: Place) -> Told:
    """Optional extensions that cannot come up: what their plan says."""
    place.plugin("__EXT_words", REQUIRES=("__EXT_pages",))
    place.plugin("__EXT_pages")
    place.plugin("__EXT_lines", REQUIRES_ENGINE=">=2")
    place.plugin("__EXT_table", REQUIRES=("__EXT_lines",))
    plan = place.world.plan(["__EXT_words"], ["__EXT_pages", "__EXT_lines", "__EXT_table", "__EXT_wrods"])
    return Told("told by str(plan)", str(plan))


@misuse
def create_with_a_dictionary(place: Place) -> None:
    """An instance is created with something else than an InstanceCreateInfo."""
    InstanceContext.create({"enabled_extensions": []})


@misuse
def create_with_the_other_info(place: Place) -> None:
    """An instance is created with the create info of the other package."""
    version = front.Version(1)
    info = front.InstanceCreateInfo(front.ApplicationInfo("shop", version, "Engine", version))
    InstanceContext.create(info)


@misuse
def create_in_an_entry(place: Place) -> None:
    """An instance is created in something else than an inventory."""
    InstanceContext.create(place.info(), inventory=[Right])


@misuse
def create_with_a_list_for_a_plan(place: Place) -> None:
    """An instance is created with something else than a plan."""
    InstanceContext.create(place.info(), plan=["__EXT_words"])


@misuse
def create_with_another_plan(place: Place) -> None:
    """An instance is created with the plan of another request."""
    place.plugin("__EXT_words")
    plan = place.world.plan([], ["__EXT_words"])
    InstanceContext.create(place.info("__EXT_words"), plan=plan)


@misuse
def create_with_an_asynchronous_plan(place: Place) -> None:
    """A synchronous instance is created with a plan for an asynchronous one."""

    @place.define
    class Words(Right):
        async def initialize(self) -> None: ...

    info = place.info("__EXT_words")
    plan = InstanceContext.plan(info, inventory=place.world.inventory, asynchronous=True)
    InstanceContext.create(info, plan=plan)


@misuse
def create_by_the_class(place: Place) -> None:
    """An instance is constructed by its class."""
    InstanceContext(place.info())
