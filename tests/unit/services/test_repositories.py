"""The list of repositories that somebody may see: the same as asking about each, for far less."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import (
    ANONYMOUS,
    Action,
    Caller,
    Conditions,
    Effect,
    Limit,
    Place,
    PlaceKind,
    Question,
    Subject,
    Visibility,
    decide,
)
from orlop.domain.access.spans import NameSpan
from orlop.domain.names import RepositoryName
from orlop.domain.pages import Page, PageRequest
from orlop.ports.catalog import Browse, By
from orlop.ports.identity import Account, Namespace, NewGrant, Secret
from orlop.services.access.decisions import Access
from orlop.services.content import repositories
from orlop.services.content.repositories import Repositories
from tests.catalogs import make_repositories, rows
from tests.registry import HandClock

BY = By("admin", 1)

_component = st.sampled_from(["a", "b", "a-b", "a.b", "a0", "a_b"])
_path = st.lists(_component, min_size=1, max_size=3).map("/".join)
_pattern = st.lists(st.sampled_from(["a", "b", "a-b", "*", "**", "a*", "*b"]), min_size=1, max_size=3).map("/".join)
_place = st.one_of(
    st.just(Place(PlaceKind.REGISTRY)),
    st.builds(Place, st.just(PlaceKind.NAMESPACE), _path),
    st.builds(Place, st.just(PlaceKind.REPOSITORIES), st.one_of(_path, _pattern)),
)
_conditions = st.sampled_from(
    [Conditions()] * 4 + [Conditions(networks=("10.0.0.0/8",)), Conditions(only_by_digest=True)]
)
_grant = st.builds(
    NewGrant,
    effect=st.sampled_from([Effect.ALLOW, Effect.ALLOW, Effect.DENY]),
    principal=st.just("alice"),
    role=st.sampled_from(["reader", "owner", "guest"]),
    place=_place,
    conditions=_conditions,
    expires_at=st.sampled_from([0, 0, 0, 5]),
)
_limit = st.builds(Limit, st.sampled_from([frozenset({Action.LIST}), frozenset({Action.PULL})]), _place)


class Scenery:
    """A catalog in memory with an account, and who may see what there."""

    def __init__(self, names: Sequence[str]) -> None:
        self.opened = open_memory()
        self.clock = HandClock()
        self.access = Access(self.opened.identity.facts, self.opened.access_changes, self.clock, everyone=False)
        make_repositories(self.opened, names, BY)

    async def alice(self, limits: tuple[Limit, ...] | None) -> Subject:
        """An account with a secret that is limited to less."""
        account = await self.opened.identity.accounts.add(Account(name="alice"), BY)
        secret = await self.opened.identity.secrets.add(
            Secret(account="alice", kind="token", lookup="x", hash="y", limits=limits), BY, at_most=1
        )
        return Subject("alice", id=account.id, credential_id=secret.id)

    def listing(self, browse: Browse | None = None) -> Repositories:
        """The service."""
        return Repositories(browse or self.opened.catalog.browse, self.access, self.opened.identity.facts, self.clock)

    async def visible(self, caller: Caller, name: str, action: Action = Action.LIST) -> bool:
        """Whether a repository may be seen, by the one function that decides."""
        rights = await self.access.rights(caller.subject)
        place = await self.opened.identity.facts.place(name)
        question = Question(action, name, at=self.clock.now(), address=caller.address)
        return decide(rights, question, place.visible).allowed


async def everything(listing: Repositories, caller: Caller, size: int, start: str = "") -> list[str]:
    """Every page, joined."""
    found: list[str] = []
    while True:
        page = await listing.page(caller, PageRequest(size, found[-1] if found else start))
        found += page.items
        assert len(page.items) <= size
        if not page.more:
            return found
        assert len(page.items) == size


@pytest.mark.parametrize("at_once", [2, 1_000])
@given(
    names=st.sets(_path, max_size=30),
    namespaces=st.dictionaries(st.one_of(st.just(""), _path), st.sampled_from(list(Visibility)), max_size=8),
    grants=st.lists(_grant, max_size=5, unique_by=str),
    limits=st.one_of(st.none(), st.none(), st.lists(_limit, max_size=3).map(tuple)),
    size=st.sampled_from([1, 2, 3, 100]),
    start=st.one_of(st.just(""), _path, st.sampled_from(["a/", "a//", "!", "a/b/" * 99, "\u1234"])),
    signed_in=st.booleans(),
)
def test_the_list_is_what_deciding_about_each_name_says(
    at_once: int,
    names: set[str],
    namespaces: dict[str, Visibility],
    grants: list[NewGrant],
    limits: tuple[Limit, ...] | None,
    size: int,
    start: str,
    signed_in: bool,
) -> None:
    async def compare() -> None:
        scenery = Scenery(sorted(names))
        identity = scenery.opened.identity
        subject = await scenery.alice(limits) if signed_in else ANONYMOUS
        for path, visibility in namespaces.items():
            await identity.namespaces.put(Namespace(path=path, visibility=visibility), BY)
        for grant in grants if signed_in else []:
            await identity.grants.add(grant, BY)
        caller = Caller(subject, "10.1.2.3")
        expected = [name for name in sorted(names) if name > start and await scenery.visible(caller, name)]
        assert await everything(scenery.listing(), caller, size, start) == expected
        for namespace in {name.rpartition("/")[0] for name in names}:
            spans, sees = await scenery.listing().visible_in(caller, Action.LIST, namespace)
            directly = {name for name in names if name.rpartition("/")[0] == namespace}
            seen = {name for name in directly if any(low <= name < high for low, high in spans) and sees(name)}
            assert seen == {name for name in directly if await scenery.visible(caller, name)}
        target = RepositoryName(f"{start}/target" if start in names else "target")
        around = await scenery.listing().around(caller, target, 100)
        assert sorted(around) == [name for name in sorted(names) if await scenery.visible(caller, name, Action.PULL)]
        beside = [name for name in around if name.startswith(f"{target.namespace}/")]
        assert beside == list(around[: len(beside)]), "first come those in the namespace of the target"

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(repositories, "_NAMESPACES", at_once)
        patch.setattr(repositories, "_SPANS", at_once)
        patch.setattr(repositories, "_NAMES", at_once)
        patch.setattr(repositories, "_PAGES", 100)
        asyncio.run(compare())


class Counted:
    """Stands before lists, and counts how often they are asked and how many names they give."""

    def __init__(self, browse: Browse) -> None:
        self._browse = browse
        self.asked = self.read = 0

    async def repositories(self, page: PageRequest, within: Sequence[NameSpan] | None = None) -> Page[RepositoryName]:
        """See ports.catalog.Browse."""
        found = await self._browse.repositories(page, within)
        self.asked += 1
        self.read += len(found.items)
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._browse, name)


async def test_a_few_visible_ones_among_many_hidden_ones_are_found_without_reading_those() -> None:
    hidden = [f"hidden{number % 97}/app{number}" for number in range(10_000)]
    shown = [f"team{number}/app" for number in range(100)]
    scenery = Scenery([*hidden, *shown])
    caller = Caller(await scenery.alice(None))
    for number in range(100):
        await scenery.opened.identity.grants.add(
            NewGrant(principal="alice", role="reader", place=Place(PlaceKind.NAMESPACE, f"team{number}")), BY
        )
    counted = Counted(scenery.opened.catalog.browse)
    listing = scenery.listing(counted)
    assert await everything(listing, caller, 1_000) == sorted(shown)
    assert (counted.asked, counted.read) == (3, 100)


async def test_many_public_namespaces_are_gone_through_as_far_as_the_page_goes() -> None:
    scenery = Scenery([f"open{number:05}/app" for number in range(20_000)] + ["hidden/app", "zzz/app"])
    public = "SELECT id, path, 'public', '', 1 FROM namespaces WHERE path LIKE 'open%'"
    rows(
        scenery.opened,
        f"INSERT INTO namespace_settings (namespace_id, path, visibility, description, version) {public}",
    )
    counted = Counted(scenery.opened.catalog.browse)
    page = await scenery.listing(counted).page(Caller(ANONYMOUS), PageRequest(10))
    assert page == Page(tuple(f"open{number:05}/app" for number in range(10)), more=True)
    assert (counted.asked, counted.read) == (1, 11)
    page = await scenery.listing(counted).page(Caller(ANONYMOUS), PageRequest(10, "open19995/app"))
    assert page == Page(tuple(f"open{number:05}/app" for number in range(19_996, 20_000)))
