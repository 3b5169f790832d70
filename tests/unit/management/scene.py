"""A registry's people on a catalog in memory: `root` rules it, `ann` owns the namespace `team`, `bob` owns `team-b`."""

import hashlib
import itertools

from orlop.adapters.memory.catalog import MemoryCatalog, open_memory
from orlop.domain.access import SYSTEM, Caller, Effect, Limit, Place, PlaceKind, Subject, SubjectKind
from orlop.domain.errors import RequestInvalid, Unauthorized
from orlop.ports.catalog import By, by
from orlop.ports.identity import Account, Group, NewGrant, Secret
from orlop.ports.management import Minted
from orlop.services.access import Access
from orlop.services.management.all import Management
from orlop.services.management.documents import DocumentKind

NOW = 1_800_000_000_000_000
BY = By(SYSTEM.name, NOW)
REGISTRY = Place(PlaceKind.REGISTRY)


def namespace(path: str) -> Place:
    return Place(PlaceKind.NAMESPACE, path)


def repositories(pattern: str) -> Place:
    return Place(PlaceKind.REPOSITORIES, pattern)


class StillClock:
    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> int:
        return self.time


class CountingMint:
    """Secrets that are easy to tell apart."""

    def __init__(self) -> None:
        self._numbers = itertools.count(1)

    def new(self, kind: str) -> Minted:
        number = next(self._numbers)
        text = f"{kind}-secret-{number}"
        return Minted(text, f"lookup{number}", hashlib.sha256(text.encode()).hexdigest())


class PlainPasswords:
    """Passwords on a catalog, in a hash that is good enough for a test."""

    def __init__(self, catalog: MemoryCatalog) -> None:
        self._passwords = catalog.identity.passwords

    async def acceptable(self, name: str, password: str) -> None:
        if len(password) < 8:
            raise RequestInvalid("a password has at least 8 characters")

    async def set(self, name: str, password: str, *, must_change: bool, by: By) -> None:
        await self._passwords.set(name, _hash(password), must_change=must_change, by=by)

    async def change(self, caller: Caller, current: str, new: str) -> None:
        record = await self._passwords.get(caller.subject.name)
        if record is None or record.hash != _hash(current):
            raise Unauthorized("the current password is wrong")
        await self.acceptable(caller.subject.name, new)
        await self.set(caller.subject.name, new, must_change=False, by=by(caller, NOW))


def _hash(password: str) -> str:
    return f"$test${hashlib.sha256(password.encode()).hexdigest()}"


class CountingRotation:
    def __init__(self) -> None:
        self.rotations = 0

    async def rotate(self, by: By) -> None:
        self.rotations += 1


class Scene:
    """Everything on one catalog. Made by `scene`."""

    def __init__(self, kinds: dict[str, DocumentKind] | None = None) -> None:
        self.catalog = open_memory()
        self.identity = self.catalog.identity
        self.clock = StillClock()
        self.access = Access(self.identity.facts, self.catalog.access_changes, self.clock, everyone=False)
        self.rotation = CountingRotation()
        self.passwords = PlainPasswords(self.catalog)
        self.management = Management.on(
            self.identity,
            self.access,
            self.clock,
            passwords=self.passwords,
            mint=CountingMint(),
            rotation=self.rotation,
            kinds=kinds or {},
        )

    async def user(self, name: str, *grants: tuple[str, Place]) -> Caller:
        await self.identity.accounts.add(Account(name=name), BY)
        for role, place in grants:
            await self.grant(name, role, place)
        return await self.caller(name)

    async def robot(self, name: str, path: str, *grants: tuple[str, Place]) -> Caller:
        await self.identity.accounts.add(Account(kind=SubjectKind.ROBOT, name=name, namespace=path), BY)
        for role, place in grants:
            await self.grant(name, role, place)
        return await self.caller(name)

    async def group(self, name: str, members: tuple[str, ...] = (), *grants: tuple[str, Place]) -> None:
        await self.identity.groups.add(Group(name=name), BY)
        await self.identity.members.set(name, add=members, by=BY)
        for role, place in grants:
            await self.grant(f"group:{name}", role, place)

    async def grant(self, principal: str, role: str, place: Place, effect: Effect = Effect.ALLOW) -> int:
        new = NewGrant(effect=effect, principal=principal, role=role, place=place)
        return (await self.identity.grants.add(new, BY)).grant.id

    async def caller(self, name: str, secret: int = 0) -> Caller:
        account = await self.identity.accounts.get(name)
        assert account is not None
        credential = f"token {secret}" if secret else "password"
        return Caller(Subject(name, account.kind, account.id, credential, secret), "192.0.2.1", "request-1")

    async def with_token(self, name: str, limits: tuple[Limit, ...] | None, expires_at: int = 0) -> Caller:
        """Who comes with a token of theirs that has these limits."""
        lookup = f"made{len(self.catalog.state.identity.secrets)}"
        secret = await self.identity.secrets.add(
            Secret(account=name, kind="token", lookup=lookup, hash="", limits=limits, expires_at=expires_at),
            BY,
            at_most=100,
        )
        return await self.caller(name, secret.id)


async def scene(kinds: dict[str, DocumentKind] | None = None) -> Scene:
    """The people above; `eve`, who has nothing; `aud`, who audits; `help`, whose own role is `system` alone."""
    made = Scene(kinds)
    await made.user("root", ("admin", REGISTRY))
    await made.user("ann", ("owner", namespace("team")))
    await made.user("bob", ("owner", namespace("team-b")))
    await made.user("eve")
    await made.user("aud", ("auditor", REGISTRY))
    return made
