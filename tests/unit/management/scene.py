"""A registry's people on a catalog in memory: `root` rules it, `ann` owns the namespace `team`, `bob` owns `team-b`."""

import hashlib
import secrets

from orlop.adapters.identity.tokens import JoseSigner
from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import SYSTEM, Caller, Effect, Limit, Place, PlaceKind, Subject, SubjectKind
from orlop.domain.custom_roles import CUSTOM_ROLES
from orlop.domain.identity.secret_references import SecretPlaces
from orlop.domain.identity.tokens import Terms
from orlop.domain.settings import SettingKind
from orlop.ports.catalog import By
from orlop.ports.clock import HOUR
from orlop.ports.identity import Account, Group, NewGrant, Secret
from orlop.services.access.decisions import Access
from orlop.services.identity.signing import Signing
from orlop.services.management.all import Management
from orlop.services.management.passwords import NewPasswords
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from tests.catalogs import rows

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


class QuickHasher:
    """See ports.credentials.PasswordHasher: as quick as a test wants it, and no good for anything else."""

    async def hash(self, password: str) -> str:
        return f"$quick${hashlib.sha256(password.encode()).hexdigest()}"

    async def verify(self, hash: str | None, password: str) -> bool:  # noqa: A002
        return hash == await self.hash(password)


class Scene:
    """Everything on one catalog. Made by `scene`."""

    def __init__(self, kinds: dict[str, SettingKind] | None = None) -> None:
        self.catalog = open_memory()
        self.identity = self.catalog.identity
        self.clock = StillClock()
        self._mark = (0, 0)
        self.access = Access(self.identity.facts, self.catalog.access_changes, self.clock, everyone=False)
        self.signing = Signing(
            self.identity.keys,
            JoseSigner(),
            self.clock,
            Terms("orlop", "orlop"),
            lifetime=90 * 24 * HOUR,
            longest=HOUR,
        )
        kept = self.identity.documents, self.catalog.settings_changes
        self.management = Management.on(
            self.identity,
            self.access,
            self.clock,
            self.catalog.catalog.repositories,
            WriteTerms(self.access, SettingsInForce(*kept), Upstreams(*kept, self.catalog.catalog.cached_content)),
            passwords=NewPasswords(self.identity.passwords, QuickHasher(), least=8),
            draw=secrets.token_bytes,
            signing=self.signing,
            kinds={CUSTOM_ROLES.kind: CUSTOM_ROLES, **(kinds or {})},
            places=SecretPlaces(("/etc/orlop/secrets",), "ORLOP_SECRET_"),
        )

    def marked(self) -> None:
        """Remember what there is."""
        self._mark = self._state()

    def is_as_marked(self) -> bool:
        """Whether that is what there is now: no other version, no other event."""
        return self._mark == self._state()

    def _state(self) -> tuple[int, int]:
        counts = "SELECT (SELECT version FROM access_state), (SELECT count(*) FROM outbox)"
        [(version, events)] = rows(self.catalog, counts)
        return version, events

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

    async def with_token(
        self, name: str, limits: tuple[Limit, ...] | None, expires_at: int = 0, kind: str = "token"
    ) -> Caller:
        """Who comes with a token of theirs that has these limits."""
        [(made,)] = rows(self.catalog, "SELECT count(*) FROM secrets")
        lookup = f"made{made}"
        secret = await self.identity.secrets.add(
            Secret(account=name, kind=kind, lookup=lookup, hash="", limits=limits, expires_at=expires_at),
            BY,
            at_most=100,
        )
        return await self.caller(name, secret.id)


async def scene(kinds: dict[str, SettingKind] | None = None) -> Scene:
    """The people above; `eve`, who has nothing; `aud`, who audits; `help`, whose own role is `system` alone."""
    made = Scene(kinds)
    await made.user("root", ("admin", REGISTRY))
    await made.user("ann", ("owner", namespace("team")))
    await made.user("bob", ("owner", namespace("team-b")))
    await made.user("eve")
    await made.user("aud", ("auditor", REGISTRY))
    return made
