"""ipopo: one framework that runs throughout; for each instance all components are instantiated, then killed in reverse.

Not alike: its components come and go one by one while others run, and offer and need services by the specification; these
offer and need none. Each is validated before the next one is constructed. What fails is logged. Starting the framework
does not count.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from pelix.framework import create_framework
from pelix.ipopo.constants import use_ipopo
from pelix.ipopo.decorators import ComponentFactory, Invalidate, Validate

from benchmarks._classes import make_classes

_SOURCE = """\
@ComponentFactory(f"made-{number}")
class Made:
    @Validate
    def initialize(self, context):
        pass

    @Invalidate
    def teardown(self, context):
        pass
"""


def come_and_go(count: int) -> Callable[[], object]:
    """Once through the life of so many components."""
    kinds = make_classes(
        "ipopo", count, _SOURCE, ComponentFactory=ComponentFactory, Validate=Validate, Invalidate=Invalidate
    )
    framework = create_framework(("pelix.ipopo.core",))
    framework.start()
    context: Any = framework.get_bundle_context()
    names = [(f"made-{number}", f"component-{number}") for number in range(count)]
    with use_ipopo(context) as service:
        ipopo: Any = service
        for kind in kinds:
            ipopo.register_factory(context, kind)

    def go() -> None:
        for factory, name in names:
            ipopo.instantiate(factory, name)
        for _, name in reversed(names):
            ipopo.kill(name)

    return go
