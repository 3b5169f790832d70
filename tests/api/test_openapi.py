"""The description of the API: what is checked in is what is served, and what is described is what there is."""

import asyncio
import json
import re
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, Phase, given, settings

from orlop.domain.kinds import KINDS
from tests.api.harness import Api, assert_problem, registry

pytestmark = pytest.mark.slow

_FILE = Path(__file__).parents[2] / "docs" / "openapi.json"


def _labels() -> list[str]:
    """Every operation as method and path."""
    paths = json.loads(_FILE.read_text())["paths"]
    return [f"{method.upper()} {path}" for path, methods in paths.items() for method in methods]


@cache
def _operations() -> dict[str, Any]:
    """Every operation by its label. What reads the description takes seconds to import, which is only done here."""
    from schemathesis import openapi

    schema = openapi.from_dict(json.loads(_FILE.read_text()))
    return {found.ok().label: found.ok() for found in schema.get_all_operations()}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[asyncio.Runner, Api]]:
    """One registry for whatever is made up."""
    with asyncio.Runner() as own:
        api = own.run(registry(KINDS))
        yield own, api
        api.close()


@pytest.fixture
def api(runner: asyncio.Runner) -> Iterator[Api]:
    made = runner.run(registry(KINDS))
    yield made
    made.close()


async def test_what_is_checked_in_is_what_is_served(api: Api) -> None:
    served = (await api.ask("GET", "/openapi.json")).body
    assert _FILE.read_bytes() == served, "docs/openapi.json is not current: write down what /api/v1/openapi.json says"


def test_it_fetches_nothing_from_elsewhere() -> None:
    fetched = re.findall(r'"(?:\$ref|\$schema|url|externalValue|operationRef)": "([^"]*)"', _FILE.read_text())
    assert fetched
    assert {each for each in fetched if not each.startswith("#/")} <= {"/"}


def test_every_operation_has_a_name_and_says_what_it_does() -> None:
    described = json.loads(_FILE.read_text())
    operations = [one for path in described["paths"].values() for one in path.values()]
    names = [one["operationId"] for one in operations]
    assert len(names) == len(set(names)) == len(operations)
    assert all(len(one.get("description", "")) > 5 for one in operations)


#: Requests made up for each operation.
_EXAMPLES = 12


@pytest.mark.parametrize("label", _labels())
def test_whatever_the_description_lets_pass_breaks_nothing(label: str, shared: tuple[asyncio.Runner, Api]) -> None:
    from schemathesis.core import NotSet

    runner, api = shared
    operation = _operations()[label]

    @settings(
        max_examples=_EXAMPLES,
        deadline=None,
        derandomize=True,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.explicit, Phase.generate],
    )
    @given(case=operation.as_strategy())
    def ask(case: Any) -> None:
        parts = {name: quote(str(value), safe="") for name, value in (case.path_parameters or {}).items()}
        query = urlencode(list((case.query or {}).items()), doseq=True, errors="replace")
        target = operation.path.format(**parts) + (f"?{query}" if query else "")
        headers = {name: str(value) for name, value in (case.headers or {}).items()}
        sendable = all(value.isprintable() and value.isascii() for value in headers.values())
        body = None if isinstance(case.body, NotSet) else case.body
        answer = runner.run(
            api.ask(operation.method.upper(), target, "root", body, headers=headers if sendable else {})
        )
        assert answer.status < 500, (target, body, answer)
        if answer.status >= 400:
            assert_problem(answer, answer.status)

    ask()
