"""The pytest plugin: an inventory of one's own, instances that are closed for you, a record of the lifecycle.

pytest loads this module in every run, also where nothing of ours is tested: it imports nothing of ours until a fixture
is used. `-p no:hyperion` turns it off.

Layer: `testing`, beside the rest.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

    from hycore.ext import Inventory
    from hycore.testing import InstanceFactory, LifecycleRecorder

__all__ = ["hyperion_instance", "hyperion_inventory", "hyperion_recorder"]


@pytest.fixture
def hyperion_inventory() -> Inventory:
    """An inventory of one's own: no installed plugin, and no other test's, is in it."""
    from hycore.ext import Inventory

    return Inventory(group=None)


@pytest.fixture
def hyperion_instance(hyperion_inventory: Inventory) -> Iterator[InstanceFactory]:
    """Makes instances of plugin classes, `hyperion_instance(FooPlugin, config=FooConfig())`.

    They are closed at the end of the test, newest first; what fails then is an error of the test.
    """
    from hycore.testing import InstanceFactory

    instances = InstanceFactory(hyperion_inventory)
    yield instances
    instances.close()


@pytest.fixture
def hyperion_recorder() -> Iterator[LifecycleRecorder]:
    """Records what happens to the plugins of every instance that is created in the test, from whichever inventory."""
    from hycore.testing import record_lifecycle

    with record_lifecycle() as recorder:
        yield recorder
