"""Whatever small configuration is applied: then there is nothing more to do, and an export of it is the same."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from typing import Any

import msgspec
import pytest
import yaml
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orlop.domain.names import RepositoryName
from orlop.faces.cli.management.carrying import carry_out, read
from orlop.faces.cli.management.documents import Document, Step, Verb, parse_document, plan, written
from orlop.ports.management import Reply, RequestRefused
from tests.api.harness import REGISTRY, Api
from tests.content import image
from tests.contract.scene import Scene
from tests.volume import volume

pytestmark = pytest.mark.slow

_USERS = ("ann", "bob", "eve")
_PATHS = ("team", "team/prod", "other")
_REPOSITORIES = ("app", "lib")
_TEXTS = ("", "a", "ä: #x", "- no list", "'quoted'")


class Direct:
    """See ports.management.ManagementServer: the API of this process, asked as `root`."""

    def __init__(self, api: Api) -> None:
        self._api = api

    async def ask(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, str] | None = None,
        body: Any = None,
        match: str = "",
        create: bool = False,
    ) -> Reply:
        headers = {"if-match": match} if match else {"if-none-match": "*"} if create else {}
        target = path + ("?" + "&".join(f"{name}={value}" for name, value in query.items()) if query else "")
        answer = await self._api.ask(method, target, "root", body, headers=headers)
        if answer.status >= 300:
            told = answer.json()
            raise RequestRefused(told["detail"], status=answer.status, code=told["code"])
        link = answer.header("link")
        following = link.partition(">")[0].removeprefix("<") if link else ""
        return Reply(answer.json() if answer.body else None, answer.header("etag"), following)


def _unique(key: str) -> Any:
    return lambda one: one[key]


_ends = st.sampled_from((None, "2100-01-01T00:00:00Z", "2100-01-01T02:00:00+02:00"))
_users = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("user"), "name": st.sampled_from(_USERS)},
        optional={"display": st.sampled_from(_TEXTS), "disabled": st.sampled_from((None, "left")), "expires_at": _ends},
    ),
    unique_by=_unique("name"),
)
_roles = st.lists(
    st.fixed_dictionaries(
        {
            "kind": st.just("role"),
            "name": st.sampled_from(("puller", "mover")),
            "actions": st.lists(st.sampled_from(("pull", "list", "tag")), min_size=1, max_size=4),
        },
        optional={"description": st.sampled_from(_TEXTS)},
    ),
    unique_by=_unique("name"),
)
_spaces = st.lists(
    st.fixed_dictionaries(
        {"kind": st.just("namespace"), "path": st.sampled_from((*_PATHS, "/"))},
        optional={
            "visibility": st.sampled_from((None, "public", "private")),
            "description": st.sampled_from(_TEXTS),
        },
    ),
    unique_by=_unique("path"),
)


@st.composite
def configurations(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Documents whose groups and grants name what is there."""
    users, roles, spaces = draw(_users), draw(_roles), draw(_spaces)
    names = [user["name"] for user in users]
    members = st.lists(st.sampled_from(names), max_size=3) if names else st.just([])
    groups = [{"kind": "group", "name": "staff", "members": draw(members)}] if draw(st.booleans()) else []
    robots = (
        [{"kind": "robot", "name": "robot+ci", "display": draw(st.sampled_from(_TEXTS))}] if draw(st.booleans()) else []
    )
    principals = [*names, *(f"group:{group['name']}" for group in groups), *(robot["name"] for robot in robots)]
    grants: list[dict[str, Any]] = []
    if principals:
        grant = st.fixed_dictionaries(
            {
                "kind": st.just("grant"),
                "principal": st.sampled_from(principals),
                "role": st.sampled_from(["reader", "owner", *(role["name"] for role in roles)]),
                "place": st.sampled_from(
                    [{"kind": "namespace", "path": "team"}, {"kind": "repositories", "path": "team/*"}]
                ),
            },
            optional={
                "effect": st.sampled_from(("allow", "deny")),
                "tags": st.sampled_from(("", "v*")),
                "expires_at": _ends,
                "conditions": st.just({"networks": ["10.0.0.0/8"]}),
            },
        )
        grants = draw(st.lists(grant, max_size=4))
    labels = st.dictionaries(st.sampled_from(("stage", "a.example/b")), st.sampled_from(_TEXTS), min_size=1, max_size=2)
    labelled = [
        {"kind": "label-set", "repository": name, "labels": draw(labels)}
        for name in _REPOSITORIES
        if draw(st.booleans())
    ]
    return [*labelled, *grants, *spaces, *groups, *robots, *roles, *users]


def _parsed(values: list[dict[str, Any]]) -> list[Document]:
    """The documents, as a file has them; two that say the same are one."""
    texts = [yaml.safe_load(yaml.safe_dump(value)) for value in values]
    found = {(value["kind"], one.key): one for value in texts if (one := parse_document(value, "it"))}
    return list(found.values())


def _todo(steps: list[Step]) -> list[Step]:
    return [step for step in steps if step.verb is not Verb.DRIFT]


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[asyncio.Runner, Api, Callable[[], None]]]:
    with asyncio.Runner() as own:
        api = Api()
        own.run(api.account("root", ("admin", REGISTRY)))
        for name in _REPOSITORIES:
            own.run(Scene(api.catalog.catalog).push(RepositoryName(name), image("one")))
        snapshot = api.snapshot()
        yield own, api, lambda: api.restore(snapshot)
        api.close()


@settings(suppress_health_check=[HealthCheck.too_slow], max_examples=volume(15, 500))
@given(first=configurations(), second=configurations())
@example(  # the grant goes with its user, and so nothing names the role any more
    first=[
        {"kind": "grant", "principal": "bob", "role": "mover", "place": {"kind": "namespace", "path": "team"}},
        {"kind": "role", "name": "mover", "actions": ["pull"]},
        {"kind": "user", "name": "bob"},
    ],
    second=[{"kind": "role", "name": "puller", "actions": ["pull"]}, {"kind": "user", "name": "ann"}],
)
def test_what_is_applied_is_what_there_is(
    shared: tuple[asyncio.Runner, Api, Callable[[], None]], first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    own, api, restore = shared
    restore()
    server = Direct(api)

    async def check() -> None:
        for values in (first, second):
            wanted = _parsed(values)
            # First what is made and changed, and then what goes: a role can only go when no grant names it.
            await carry_out(server, plan(await read(server), wanted, prune=True))
            assert _todo(plan(await read(server), wanted, prune=True)) == []
        exported = [written(there.document) for there in await read(server)]
        again = [parse_document(yaml.safe_load(yaml.safe_dump(value)), "export") for value in exported]
        assert plan(await read(server), again, prune=True) == []
        assert msgspec.json.encode(exported) == msgspec.json.encode(
            [written(there.document) for there in await read(server)]
        )

    own.run(check())
