"""envisage: a plugin manager for each instance, started and stopped; its application is made once.

Not alike: its plugins are observed objects (`HasTraits`), made to offer extension points and contributions to each other,
and these offer none. The application itself is left out, since each one makes a folder and writes its preferences into it.
When a plugin does not start, nothing is undone.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable

from envisage.api import Application, Plugin, PluginManager

from benchmarks._classes import make_classes

_SOURCE = """\
class Made(Plugin):
    id = f"made.{number}"
    name = f"Made {number}"

    def start(self):
        pass

    def stop(self):
        pass
"""


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many plugins."""
    kinds = make_classes("envisage", count, _SOURCE, Plugin=Plugin)
    folder = tempfile.TemporaryDirectory()
    application = Application(id="made", home=folder.name, user_data=folder.name)
    folder.cleanup()

    def go() -> None:
        manager = PluginManager(plugins=[kind() for kind in kinds], application=application)
        manager.start()
        manager.stop()

    return go
