"""What a virtual is as a value, and which repositories a name below one stands for, as against a model of it."""

import asyncio
from collections.abc import Iterator

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import Action, Caller, Limit, Place, PlaceKind, Subject
from orlop.domain.errors import NameUnknown
from orlop.domain.kinds import KINDS
from orlop.domain.names import REPOSITORY_MAX, RepositoryName
from orlop.domain.pages import Page, PageRequest, joined
from orlop.domain.virtuals import VIRTUALS, MemberOrder, Virtual, VirtualAt
from orlop.ports.catalog import By
from orlop.ports.identity import Account, NewGrant
from orlop.ports.settings import Document
from orlop.services.access.decisions import Access
from orlop.services.settings.placed import PlacedSettings
from orlop.services.upstreams.shown import Upstreams
from orlop.services.virtuals.virtuals import Virtuals, arriving
from tests.catalogs import make_repositories
from tests.registry import HandClock
from tests.volume import volume

BY = By("admin", 1)
OWN, FAR = ("a", "b/c"), ("x", "y/z")
MEMBERS = (*OWN, *FAR)
NAME = RepositoryName("all/app")


def test_a_name_is_the_same_name_below_another_node() -> None:
    at = VirtualAt("all/of", Virtual(members=("team/", "base/x"), push_to="base/x/"))
    assert at.members(RepositoryName("all/of/it/app")) == ("team/it/app", "base/x/it/app")
    assert at.target(RepositoryName("all/of/it/app")) == "base/x/it/app"
    assert at.members(RepositoryName("all/of")) == ("team", "base/x"), "the node itself may be a repository"
    assert VirtualAt("all", Virtual(members=("team/",))).target(NAME) is None


def test_a_name_that_would_be_too_long_is_not_shown() -> None:
    at = VirtualAt("a", Virtual(members=("long-namespace/", "b/"), push_to="long-namespace/"))
    name = RepositoryName(f"a/{'n' * (REPOSITORY_MAX - 2)}")
    assert at.members(name) == (f"b/{'n' * (REPOSITORY_MAX - 2)}",)
    assert at.target(name) is None


class World:
    """A catalog with every combination of own members that have a repository, and of members that somebody may pull
    from. What another registry has is not known before it is asked."""

    def __init__(self) -> None:
        self.runner = asyncio.Runner()
        self.opened = open_memory()
        identity, clock = self.opened.identity, HandClock()
        self.access = Access(identity.facts, self.opened.access_changes, clock, everyone=False)
        documents, changes = identity.documents, self.opened.settings_changes
        self.placed = PlacedSettings(VIRTUALS, documents, changes)
        shown = Upstreams(documents, changes, self.opened.catalog.cached_content)
        self.virtuals = Virtuals(self.placed, shown, self.access, identity.facts)
        self.callers: dict[frozenset[str], Caller] = {}
        self.runner.run(self._fill())
        make_repositories(self.opened, [f"{m}/{name_of(there)}" for there in self.callers for m in there & {*OWN}], BY)

    async def _fill(self) -> None:
        identity = self.opened.identity
        for far in FAR:
            await self.put("upstream", "it", far, {"url": "https://registry.example"})
        for number in range(1 << len(MEMBERS)):
            chosen = frozenset(member for bit, member in enumerate(MEMBERS) if number >> bit & 1)
            await identity.accounts.add(Account(name=f"user{number}"), BY)
            for member in chosen:
                place = Place(PlaceKind.NAMESPACE, member)
                await identity.grants.add(NewGrant(principal=f"user{number}", role="reader", place=place), BY)
            account = await identity.accounts.get(f"user{number}")
            assert account is not None
            self.callers[chosen] = Caller(Subject(account.name, account.kind, account.id, "password"))

    async def put(self, kind: str, name: str, path: str, body: dict[str, object]) -> None:
        kept = msgspec.json.encode(KINDS[kind].parse(name, body))
        await self.opened.identity.documents.put(Document(kind, name, kept, path=path), BY, rights=False)


def name_of(there: frozenset[str]) -> RepositoryName:
    """The repository that these members have."""
    return RepositoryName("in-" + "-".join(sorted(member.replace("/", "") for member in there)) if there else "none")


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    made = World()
    yield made
    made.runner.close()


_some = st.frozensets(st.sampled_from(MEMBERS))


@given(
    members=st.lists(st.sampled_from(MEMBERS), min_size=1, unique=True),
    order=st.sampled_from(MemberOrder),
    there=_some,
    may=_some,
)
@settings(max_examples=volume(150, 3_000), deadline=None)
def test_those_are_asked_that_a_model_says(
    world: World, members: list[str], order: MemberOrder, there: frozenset[str], may: frozenset[str]
) -> None:
    """The model: a name that one of the own namespaces has is asked for at no other registry behind it."""
    at = VirtualAt("all", Virtual(members=tuple(members), order=order))
    name = RepositoryName(f"all/{name_of(there)}")

    async def asked() -> list[str]:
        candidates = world.virtuals.candidates(at, name, world.callers[may])
        return [member.repository async for member in candidates.members(Action.PULL)]

    listed = members if order is MemberOrder.AS_LISTED else [*filter(OWN.__contains__, members)]
    listed = listed + [member for member in members if member not in listed]
    model = [
        f"{member}/{name_of(there)}"
        for place, member in enumerate(listed)
        if member in may and not (member in FAR and any(own in there for own in listed[:place] if own in OWN))
    ]
    assert world.runner.run(asked()) == model


async def _virtual_of(world: World, name: str) -> str | None:
    found = await world.virtuals.of(RepositoryName(name))
    return found.path if found is not None else None


def test_a_virtual_counts_from_the_next_request_on_and_for_its_own_names_alone(world: World) -> None:
    run = world.runner.run
    assert run(_virtual_of(world, "some/app")) is None
    assert not world.placed.may_concern(b"/v2/some/app/manifests/v1")
    run(world.put("virtual", "it", "some", {"members": ["a/"]}))
    assert world.placed.may_concern(b"/v2/other/app/manifests/v1"), "not known before it is read"
    assert run(_virtual_of(world, "some/app")) == "some"
    assert run(_virtual_of(world, "some/deep/app")) == "some"
    assert run(_virtual_of(world, "some")) == "some"
    assert run(_virtual_of(world, "something/app")) is None
    assert world.placed.may_concern(b"/v2/some/app/manifests/v1")
    assert not world.placed.may_concern(b"/v2/something/app/manifests/v1")
    run(world.put("virtual", "it", "some/deep", {"members": ["a/"]}))
    assert run(_virtual_of(world, "some/deep/app")) == "some/deep", "the nearest"
    for path in ("some", "some/deep"):
        run(world.opened.identity.documents.remove("virtual", "it", BY, path=path, rights=False))
    assert run(_virtual_of(world, "some/app")) is None


def test_a_member_below_another_virtual_is_passed_over(world: World) -> None:
    """Two who set them in the same moment may both be let through: nobody is led on and on by that."""
    run = world.runner.run
    run(world.put("virtual", "it", "one", {"members": ["two/", "a/"], "push_to": "two/"}))
    run(world.put("virtual", "it", "two", {"members": ["one/"]}))
    name, caller = RepositoryName("one/app"), world.callers[frozenset(MEMBERS)]
    at = run(world.virtuals.of(name))
    assert at is not None

    async def asked() -> list[str]:
        return [each.repository async for each in world.virtuals.candidates(at, name, caller).members(Action.PULL)]

    try:
        assert run(asked()) == ["a/app"]
        with pytest.raises(NameUnknown):
            run(world.virtuals.target(at, name, caller))
    finally:
        for path in ("one", "two"):
            run(world.opened.identity.documents.remove("virtual", "it", BY, path=path, rights=False))


def test_a_token_is_good_for_as_much_where_its_name_leads_and_for_nothing_beside_it() -> None:
    limits = (
        Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, "all/app")),
        Limit(frozenset({Action.DELETE}), Place(PlaceKind.REPOSITORIES, "all/other")),
    )
    came = Caller(Subject("ann", limits=limits))
    there = arriving(came, NAME, RepositoryName("team/app"))
    assert there.subject.limits == (
        *limits,
        Limit(frozenset({Action.PULL}), Place(PlaceKind.REPOSITORIES, "team/app")),
    )
    assert arriving(Caller(Subject("ann")), NAME, RepositoryName("team/app")).subject.limits is None


_lists = st.lists(st.frozensets(st.text("abcdefgh", min_size=1, max_size=3), max_size=12), max_size=4)


@given(lists=_lists, size=st.integers(0, 5), after=st.text("abcdefgh", max_size=3))
def test_a_joined_page_is_the_page_of_all_together(lists: list[frozenset[str]], size: int, after: str) -> None:
    def page_of(entries: frozenset[str]) -> Page[str]:
        behind = sorted(entry for entry in entries if entry > after)
        return Page(tuple(behind[:size]), more=size > 0 and len(behind) > size)

    found = joined([page_of(entries) for entries in lists], PageRequest(size, after), str)
    everything = page_of(frozenset().union(*lists))
    assert found == everything
