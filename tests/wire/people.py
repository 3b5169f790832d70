"""Somebody in every role of one tenant, somebody of another, and what they come with."""

import base64
import itertools
from hashlib import sha256

from orlop.domain.access import Effect, Limit, Place, PlaceKind, SubjectKind, Visibility
from orlop.domain.identity.secrets import new_secret, parse_secret
from orlop.ports.catalog import By
from orlop.ports.identity import Account, GrantRecord, Identity, Namespace, NewGrant, Secret
from tests.content import Pushable
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess, Lines

BY = By("admin", 1)
ACME, RIVAL = "acme", "rival"
#: Roles that somebody has in the namespace `acme`; their names are the accounts'.
ROLES = ("guest", "reader", "publisher", "maintainer", "owner")
#: Everybody: without a sign-in, without a grant, in each role, and owner of another tenant's namespace.
EVERYBODY = ("anonymous", "stranger", *ROLES, "other")


class Dice:
    """Random bytes that are the same each time."""

    def __init__(self) -> None:
        self._rolled = itertools.count()

    def __call__(self, count: int) -> bytes:
        number = next(self._rolled)
        return b"".join(sha256(b"%d %d" % (number, part)).digest() for part in range(count // 32 + 1))[:count]


class Private:
    """A registry that asks who comes, and whoever is known there."""

    def __init__(self, registry: InProcess) -> None:
        self.registry = registry
        self.identity: Identity = registry.stores.identity
        self._draw = Dice()
        self._headers: dict[str, str] = {}
        for name in (*EVERYBODY[1:], "root"):
            self.join(name)
        for role in ROLES:
            self.grant(role, role, Place(PlaceKind.NAMESPACE, ACME))
        self.grant("other", "owner", Place(PlaceKind.NAMESPACE, RIVAL))
        self.grant("root", "admin", Place(PlaceKind.REGISTRY))

    def join(self, name: str, limits: tuple[Limit, ...] | None = None) -> str:
        """A new account, if there is none, with a token; the token."""
        if name not in self._headers:
            self.registry.run(self.identity.accounts.add(Account(name=name, kind=SubjectKind.USER), BY))
        text = new_secret("token", self._draw)
        parsed = parse_secret(text)
        assert parsed is not None
        secret = Secret(account=name, kind="token", lookup=parsed.lookup, hash=parsed.hash, limits=limits)
        self.registry.run(self.identity.secrets.add(secret, BY, at_most=9))
        self._headers[name] = f"Basic {base64.b64encode(f'{name}:{text}'.encode()).decode()}"
        return text

    def leave(self, name: str) -> None:
        """Forget an account that was removed."""
        del self._headers[name]

    def grant(self, who: str, role: str, place: Place, **more: object) -> GrantRecord:
        """Give a role somewhere, or deny it with `effect`."""
        given = NewGrant(principal=who, role=role, place=place, **more)  # type: ignore[arg-type]
        return self.registry.run(self.identity.grants.add(given, BY))

    def deny(self, who: str, role: str, place: Place, **more: object) -> GrantRecord:
        """Take a role away somewhere."""
        return self.grant(who, role, place, effect=Effect.DENY, **more)

    def show(self, namespace: str, visibility: Visibility) -> None:
        """Say who may pull from a namespace without a grant."""
        shown = Namespace(path=namespace, visibility=visibility)
        self.registry.run(self.identity.namespaces.put(shown, BY))

    def ask(self, who: str, method: str, target: str, body: bytes = b"", headers: Lines = ()) -> Answer:
        """A request of somebody's."""
        return self.registry.ask(method, target, body, [*headers, *self.credentials(who)])

    def credentials(self, who: str) -> list[tuple[str, str]]:
        """The headers that somebody signs in with."""
        return [("authorization", self._headers[who])] if who != "anonymous" else []

    def push(self, who: str, repository: str, what: Pushable, *tags: str) -> None:
        """Push a manifest after everything that it needs, as somebody."""
        for pushable in what.everything():
            for piece in pushable.blobs:
                posted = self.ask(who, "POST", f"/v2/{repository}/blobs/uploads/?digest={piece.digest}", piece.content)
                assert posted.status == 201, posted
            for reference in tags if pushable is what and tags else (pushable.digest,):
                put = self.put(who, repository, pushable, reference)
                assert put.status == 201, put

    def put(self, who: str, repository: str, what: Pushable, reference: str) -> Answer:
        """Push a manifest alone."""
        lines = [("content-type", what.media_type)]
        return self.ask(who, "PUT", f"/v2/{repository}/manifests/{reference}", what.content, lines)
