"""What every test has: an event loop of its own, in which `async def` tests run."""

import asyncio
import inspect
from collections.abc import Iterator
from typing import cast

import pytest
from hypothesis import settings

from tests.postgres import shared_postgres

__all__ = ["shared_postgres"]

# Machines that test are busy: how long an example takes says nothing.
settings.register_profile("orlop", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)


def pytest_configure(config: pytest.Config) -> None:
    """Where slow tests are left out, properties are tried on fewer examples, too."""
    settings.load_profile("quick" if config.getoption("markexpr") == "not slow" else "orlop")


@pytest.fixture(autouse=True)
def runner() -> Iterator[asyncio.Runner]:
    """The event loop of one test and its fixtures; made when it is first used, closed when the test ends."""
    with asyncio.Runner() as runner:
        yield runner


@pytest.hookimpl(tryfirst=True)
def pytest_pyfunc_call(pyfuncitem: pytest.Function) -> bool | None:
    """Run a test that is a coroutine function to its end."""
    if not inspect.iscoroutinefunction(pyfuncitem.obj):
        return None
    arguments = {name: pyfuncitem.funcargs[name] for name in inspect.signature(pyfuncitem.obj).parameters}
    cast("asyncio.Runner", pyfuncitem.funcargs["runner"]).run(pyfuncitem.obj(**arguments))
    return True
