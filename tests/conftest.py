"""What every test has: an event loop of its own, in which `async def` tests run; in which order tests begin, and where
what they left open is noticed."""

import asyncio
import gc
import inspect
import os
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
from hypothesis import settings

from tests.postgres import drop_databases, shared_postgres

__all__ = ["shared_postgres"]

# Tests start the program some hundred times, and each worker of pytest imports all of them: what is compiled is kept,
# also where the machine is set up not to.
os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
sys.dont_write_bytecode = False

# The kits of contracts are imported by tests of others, and their assertions should explain themselves as those do.
_KITS = sorted(file.stem for file in (Path(__file__).parent / "contract").glob("*.py") if file.stem[:5] != "test_")
pytest.register_assert_rewrite(*(f"tests.contract.{name}" for name in _KITS))

# Machines that test are busy: how long an example takes says nothing.
settings.register_profile("orlop", deadline=None)
settings.register_profile("quick", deadline=None, max_examples=15)


def pytest_configure(config: pytest.Config) -> None:
    """Where slow tests are left out, properties are tried on fewer examples, too."""
    settings.load_profile("quick" if config.getoption("markexpr") == "not slow" else "orlop")


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Slow modules begin first, so that no worker is left with a long one when the others have ended; then those with
    most tests."""
    tests = Counter(item.path for item in items)
    first = {item.path for item in items if item.get_closest_marker("slow") or item.get_closest_marker("early")}
    items.sort(key=lambda item: (item.path not in first, -tests[item.path]))


def pytest_collection_finish() -> None:
    """What collecting left lives as long as the run: whoever collects garbage during it need not look there."""
    gc.collect()
    gc.freeze()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """What was skipped, by the reason: most lack one of a few programs, and each is worth a line, not each test."""
    reasons = Counter(
        report.longrepr[2].removeprefix("Skipped: ")
        for report in terminalreporter.stats.get("skipped", [])
        if isinstance(report.longrepr, tuple)
    )
    if reasons:
        terminalreporter.section("what was skipped, and why", "-")
        for reason, count in reasons.most_common():
            terminalreporter.write_line(f"{count:6}  {reason}")


@pytest.fixture(scope="module", autouse=True)
def _garbage() -> Iterator[None]:
    """What a module left open warns in that module, and not wherever garbage happens to be collected next.

    What outlives its module outlives the run, and is looked at once more at its end.
    """
    yield
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="module", autouse=True)
def _databases() -> Iterator[None]:
    """What a module had in the database server goes with it."""
    yield
    drop_databases()


def pytest_sessionfinish() -> None:
    """Garbage that was none when its module ended is collected, and warned of, with that of pytest itself."""
    gc.unfreeze()


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
