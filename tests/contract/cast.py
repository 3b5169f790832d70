"""Accounts and what they may do, made on a catalog at a given time, and the events that this leaves."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, NamedTuple

from orlop.domain.access import Grant, Place, PlaceKind, SubjectKind, Visibility
from orlop.domain.events import Event, EventKind, Origin
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import By, Catalog
from orlop.ports.clock import HOUR
from orlop.ports.identity import (
    Account,
    Document,
    Group,
    Identity,
    Namespace,
    NewGrant,
    Secret,
    Session,
    SigningKey,
)
from tests.contract.scene import START

REGISTRY, TEAM = Place(PlaceKind.REGISTRY), Place(PlaceKind.NAMESPACE, "team")
FROM = Origin("token 7 (laptop)", "192.0.2.7", "request-1")
PAGE = PageRequest(1000)


class Kept(NamedTuple):
    """Everything that was made, as it is now."""

    accounts: tuple[Account, ...]
    groups: tuple[Group, ...]
    members: dict[str, tuple[str, ...]]
    grants: tuple[Grant, ...]
    namespaces: tuple[Namespace, ...]
    secrets: dict[str, tuple[Secret, ...]]
    sessions: dict[str, tuple[Session, ...]]
    keys: tuple[SigningKey, ...]
    documents: tuple[Document, ...]
    version: int
    events: tuple[Event, ...]


class Cast:
    """Acts at `at`, which only the test moves."""

    def __init__(self, catalog: Catalog, identity: Identity, *, at: int = START) -> None:
        self.catalog = catalog
        self.identity = identity
        self.at = at
        self._seen = 0

    def by(self) -> By:
        """Who acts, now, and from where."""
        return By("admin", self.at, FROM)

    async def user(self, name: str, **more: Any) -> Account:
        """A new user."""
        return await self.identity.accounts.add(Account(name=name, **more), self.by())

    async def robot(self, name: str, namespace: str = "") -> Account:
        """A new robot."""
        return await self.user(name, kind=SubjectKind.ROBOT, namespace=namespace)

    async def group(self, name: str, *members: str) -> Group:
        """A new group with these members, as it is then."""
        await self.identity.groups.add(Group(name=name), self.by())
        await self.identity.members.set(name, add=members, by=self.by())
        made = await self.identity.groups.get(name)
        assert made is not None
        return made

    async def grant(self, principal: str, role: str = "reader", place: Place = TEAM, **more: Any) -> Grant:
        """A new grant."""
        asked = NewGrant(principal=principal, role=role, place=place, **more)
        return (await self.identity.grants.add(asked, self.by())).grant

    async def namespace(self, path: str, visibility: Visibility | None = None, description: str = "") -> Namespace:
        """Make a namespace like that."""
        wanted = Namespace(path=path, visibility=visibility, description=description)
        return await self.identity.namespaces.put(wanted, self.by())

    async def secret(self, account: str, lookup: str, kind: str = "token", **more: Any) -> Secret:
        """A new secret."""
        made = Secret(account=account, kind=kind, lookup=lookup, hash=f"hash of {lookup}", **more)
        return await self.identity.secrets.add(made, self.by(), at_most=10)

    async def session(self, account: str, id: str, **more: Any) -> Session:  # noqa: A002
        """A browser that signs in."""
        made = Session(id=id, account=account, created_at=self.at, expires_at=self.at + HOUR, **more)
        await self.identity.sessions.add(made, self.by())
        return made

    async def document(self, kind: str, name: str, body: bytes = b"{}") -> Document:
        """A document like that."""
        return await self.identity.documents.put(Document(kind, name, body), self.by())

    def key(self, id: str, active_at: int = START) -> SigningKey:  # noqa: A002
        """A key that nobody has added."""
        return SigningKey(id, "EdDSA", b"private", self.at, active_at, active_at + HOUR)

    async def news(self) -> list[tuple[EventKind, str, str]]:
        """What happened since this was last asked: kind, subject, detail. All by the same, from the same place."""
        events = await self.catalog.outbox.events(self._seen, 1000)
        if events:
            self._seen = events[-1].id
        assert {(event.actor, event.at, event.origin) for event in events} <= {("admin", self.at, FROM)}
        return [(event.kind, event.subject, event.detail) for event in events]

    async def kept(self) -> Kept:
        """Everything, as it is now."""
        identity = self.identity
        accounts = tuple([each for kind in SubjectKind for each in (await identity.accounts.page(kind, PAGE)).items])
        groups = (await identity.groups.page(PAGE)).items
        root = await identity.namespaces.get("")
        assert root is not None
        return Kept(
            accounts=accounts,
            groups=groups,
            members={group.name: (await identity.members.of_group(group.name, PAGE)).items for group in groups},
            grants=tuple(record.grant for record in (await identity.grants.page(PAGE)).items),
            namespaces=(root, *(await identity.namespaces.page("", PAGE)).items),
            secrets={each.name: (await identity.secrets.of(each.name, PAGE)).items for each in accounts},
            sessions={each.name: await identity.sessions.of(each.name) for each in accounts},
            keys=await identity.keys.all(),
            documents=await identity.documents.all("role"),
            version=await identity.facts.version(),
            events=await self.catalog.outbox.events(0, 1000),
        )

    @asynccontextmanager
    async def unchanged(self) -> AsyncIterator[None]:
        """What is done meanwhile changes nothing, writes no event and moves no version."""
        before = await self.kept()
        yield
        assert await self.kept() == before

    @asynccontextmanager
    async def moved(self, *, moves: bool = True) -> AsyncIterator[None]:
        """What is done meanwhile moves the version of who may do what, or does not."""
        before = await self.identity.facts.version()
        yield
        assert (await self.identity.facts.version() > before) is moves
