"""A registry with accounts, in memory: everything that asks who somebody is, on a clock and a chance of our own."""

import base64
from collections.abc import Sequence
from hashlib import sha256

import msgspec

from orlop.adapters.identity.passwords import Argon2Hasher
from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.bootstrap.server.sign_in import Chance, SignIn, Sources, build_sign_in
from orlop.config import Settings
from orlop.config.auth import Auth
from orlop.domain.access import Caller, Limit, Place, PlaceKind, Subject, SubjectKind
from orlop.domain.access.scopes import parse_scopes
from orlop.domain.identity.passwords import prepared
from orlop.domain.identity.secrets import new_secret, parse_secret
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.identity import Account, Identity, NewGrant, Secret
from orlop.services.access.decisions import Access
from orlop.services.identity.failures import FailedSignIn

START = 1_800_000_000 * SECOND
PASSWORD = "a rather long phrase"
HOME, ELSEWHERE = "192.0.2.1", "198.51.100.7"


class HandClock:
    """See ports.clock.Clock: moves when told to."""

    def __init__(self, at: int = START) -> None:
        self.at = at

    def now(self) -> int:
        return self.at

    def forward(self, seconds: float) -> None:
        """Back, for less than nothing."""
        self.at += int(seconds * SECOND)


class Dice:
    """Random bytes that are the same each time."""

    def __init__(self) -> None:
        self.rolled = 0

    def __call__(self, count: int) -> bytes:
        self.rolled += 1
        return b"".join(sha256(b"%d %d" % (self.rolled, i)).digest() for i in range(count // 32 + 1))[:count]


class Scene:
    """The registry, and shorthand for what tests do to it."""

    def __init__(self, *, password_sources: Sequence = (), token_sources: Sequence = (), open: bool = False) -> None:  # noqa: A002
        self.clock = HandClock()
        self.draw = Dice()
        self.hasher = Argon2Hasher(memory_kib=8, passes=1)
        self.memory: OpenCatalog = open_memory()
        self.identity: Identity = self.memory.identity
        self.failures: list[FailedSignIn] = []
        self.settings = Settings(open=open, auth=Auth(url="https://registry.example"))
        self.access = Access(self.identity.facts, self.memory.access_changes, self.clock, everyone=open)
        self.sources = Sources(password_sources, token_sources, self.failures.append)
        self.sign_in: SignIn = self.worker()

    def worker(self) -> SignIn:
        """Another process on the same catalog."""
        return build_sign_in(
            self.settings,
            self.identity,
            self.memory.access_changes,
            self.access,
            self.sources,
            Chance(self.clock, self.draw, self.hasher),
        )

    def by(self) -> By:
        """An administrator."""
        return By("admin", self.clock.now())

    async def user(self, name: str, password: str | None = PASSWORD, *, must_change: bool = False) -> Account:
        """A local user."""
        account = await self.identity.accounts.add(Account(name=name), self.by())
        if password is not None:
            kept = await self.hasher.hash(prepared(password))
            await self.identity.passwords.set(name, kept, must_change=must_change, by=self.by())
        return account

    async def robot(self, name: str) -> Account:
        """A robot."""
        return await self.identity.accounts.add(Account(kind=SubjectKind.ROBOT, name=name), self.by())

    async def secret(
        self, owner: str, kind: str = "token", *, limits: tuple[Limit, ...] | None = None, expires_at: int = 0
    ) -> str:
        """A secret of somebody, as it is shown to them once."""
        text = new_secret(kind, self.draw)
        parsed = parse_secret(text)
        assert parsed is not None
        secret = Secret(
            account=owner,
            kind=kind,
            name="laptop",
            lookup=parsed.lookup,
            hash=parsed.hash,
            limits=limits,
            expires_at=expires_at,
        )
        await self.identity.secrets.add(secret, self.by(), at_most=100)
        return text

    async def grant(self, principal: str, role: str, path: str = "") -> int:
        """Give somebody a role on the registry, or on repositories."""
        place = Place(PlaceKind.REPOSITORIES, path) if path else Place(PlaceKind.REGISTRY)
        made = await self.identity.grants.add(NewGrant(principal=principal, role=role, place=place), self.by())
        return made.grant.id

    async def caller(self, authorization: str, *, address: str = HOME) -> Caller:
        """Who sends this header."""
        return await self.sign_in.authentication.caller(authorization, address=address, request="r-1")

    async def token(self, name: str, *scopes: str, secret: str = "") -> str:
        """A token for somebody, without asking for their password."""
        account = await self.identity.accounts.get(name)
        assert account is not None
        subject = Subject(name, account.kind, account.id, "password")
        if secret:
            subject = (await self.caller(basic(name, secret))).subject
        return (await self.sign_in.tokens.mint(Caller(subject, HOME), parse_scopes(list(scopes)))).token

    def close(self) -> None:
        """Let go of its threads."""
        self.hasher.close()


def basic(name: str, secret: str) -> str:
    """The header of a name and a secret."""
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


def bearer(token: str) -> str:
    """The header of a token."""
    return f"Bearer {token}"


def encoded(part: object) -> str:
    """A part of a token: JSON, or bytes as they are."""
    content = part if isinstance(part, bytes) else msgspec.json.encode(part)
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def decoded(part: str) -> bytes:
    """The bytes of a part of a token."""
    return base64.urlsafe_b64decode(part + "=" * (-len(part) % 4))
