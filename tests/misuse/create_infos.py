"""Values of create infos."""

from __future__ import annotations

import subprocess
import sys

from hycore.base import api
from hypi import api as front
from misuse import Limit, Place, Right, Told, misuse


@misuse
def version_as_string(place: Place) -> None:
    """A number of a version is a string."""
    api.VersionInfo("1.2.3")


@misuse
def version_number_beyond(place: Place) -> None:
    """A number of a version is beyond what fits."""
    api.VersionInfo(1, 65536)


@misuse
def application_without_a_name(place: Place) -> None:
    """An application has no name."""
    api.ApplicationInfo(None, api.VersionInfo(1), "Engine", api.VersionInfo(1))


@misuse
def application_of_a_version_in_words(place: Place) -> None:
    """The version of an application is a string."""
    api.ApplicationInfo("shop", "1.0.0", "Engine", api.VersionInfo(1))


@misuse
def info_of_a_name(place: Place) -> None:
    """The application is its name."""
    api.InstanceCreateInfo("shop")


@misuse
def node_of_a_name(place: Place) -> None:
    """The node is a name."""
    place.info(node_id="node-1")


@misuse
def node_below_zero(place: Place) -> None:
    """The node is below zero."""
    place.info(node_id=-1)


@misuse
def one_name_for_several(place: Place) -> None:
    """The enabled extensions are one name."""
    place.world.info("__EXT_words")


@misuse
def number_for_names(place: Place) -> None:
    """The enabled extensions are a number."""
    place.world.info(3)


@misuse
def class_among_names(place: Place) -> None:
    """An enabled extension is a class."""
    place.info(Right)


@misuse
def one_object_for_several(place: Place) -> None:
    """The configuration is one object."""
    place.info(ext=Limit(3))


@misuse
def dictionary_of_objects(place: Place) -> None:
    """The configuration is a dictionary."""
    place.info(ext={"__EXT_words": Limit(3)})


@misuse
def another_word_for_leftovers(place: Place) -> None:
    """unused_ext is none of its words."""
    place.info(unused_ext="raise")


@misuse
def info_is_changed(place: Place) -> None:
    """A create info is changed."""
    place.info().node_id = 3


@misuse
def info_loses_a_field(place: Place) -> None:
    """A field of a create info is deleted."""
    del place.info().node_id


VERSION = front.Version(1, 0, 0)


@misuse
def parse_a_number(place: Place) -> None:
    """hypi: a version is parsed from a number."""
    front.Version.parse(1.0)


@misuse
def parse_two_numbers(place: Place) -> None:
    """hypi: a version is parsed from two numbers."""
    front.Version.parse("1.0")


@misuse
def parse_beyond(place: Place) -> None:
    """hypi: a version is parsed from a number beyond what fits."""
    front.Version.parse("1.0.65536")


@misuse
def version_that_is_not_parsed(place: Place) -> None:
    """hypi: the version of an application is a string."""
    front.ApplicationInfo("shop", "1.0.0", "Engine", VERSION)


@misuse
def front_name_for_names(place: Place) -> None:
    """hypi: the enabled extensions are one name."""
    front.InstanceCreateInfo(front.ApplicationInfo("shop", VERSION, "Engine", VERSION), "__EXT_words")


@misuse
def front_level(place: Place) -> None:
    """hypi: a logger of a level that there is not."""
    front.LogCreateInfoEXT(level="LOUD")


@misuse
def front_dictionary(place: Place) -> None:
    """hypi: an instance is created with a dictionary."""
    front.create_instance({"enabled_extensions": []})


@misuse
def another_hypi(place: Place) -> Told:
    """Another distribution has overwritten one of the packages."""
    (place.folder / "hycore").mkdir()
    (place.folder / "hycore" / "__init__.py").write_text("")
    script = (
        "import sys\nsys.path.insert(0, sys.argv[1])\n"
        "try:\n    import hypi.api\nexcept ImportError as error:\n    print(error)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", script, place.folder],
        capture_output=True,
        text=True,
        check=True,
        timeout=50,
    )
    return Told("told by `import hypi.api`: ImportError", done.stdout.strip())
