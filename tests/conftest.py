"""What all tests share: they write nothing outside their own folders, and run the same way twice in CI."""

from __future__ import annotations

import os
from collections.abc import Iterator

import hypothesis
import pytest

collect_ignore = ["typing"]  # only checked, by test_typing.py; never run

hypothesis.settings.register_profile("local", deadline=None)
hypothesis.settings.register_profile("ci", deadline=None, derandomize=True)
hypothesis.settings.load_profile("ci" if os.environ.get("CI") else "local")


@pytest.fixture(scope="session", autouse=True)
def home_of_the_cache(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Keeps the cache of discovery away from the user's own, in this process and in those that tests start."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HY_HOME", str(tmp_path_factory.mktemp("hy_home")))
        yield
