"""Whatever ends a login ends all that came of it, at the next request: each ending, each thing that a login yields."""

from collections.abc import Awaitable, Callable

import msgspec
import pytest

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.access.scopes import parse_scopes
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.passwords import prepared
from orlop.domain.pages import PageRequest
from orlop.ports.clock import SECOND
from orlop.ports.identity import AccountChange, Document
from orlop.ports.identity_words import gone_from
from orlop.ports.sign_on import Vouched
from orlop.services.identity.sessions import BrowserSessions
from orlop.services.management.passwords import NewPasswords
from orlop.services.management.trusts import TrustDocuments
from tests.unit.sign_in.scene import HOME, PASSWORD, START, Scene, basic, bearer

ANOTHER = "quite another phrase"
SCOPE = parse_scopes(["repository:team/app:pull"])

Way = Callable[[], Awaitable[object]]


class Signed:
    """Somebody who is signed in with everything that there is, and ways to see which of it is still good."""

    def __init__(self, scene: Scene) -> None:
        self.scene = scene
        self.sessions = BrowserSessions(scene.identity.sessions, scene.sign_in.uses, scene.clock, scene.draw)
        self.ways: dict[str, Way] = {}

    async def user(self) -> None:
        """Alice, by password, by a personal access token, and in a browser."""
        scene = self.scene
        account = await scene.user("alice")
        await scene.grant("alice", "reader")
        self.header("the password", basic("alice", PASSWORD))
        by_password = (await scene.caller(basic("alice", PASSWORD))).subject
        self.header("a token of the password", bearer(await self.minted(Caller(by_password, HOME))))
        kept = await scene.sign_in.tokens.keep(Caller(by_password, HOME), PASSWORD, "docker")

        async def refreshed() -> Caller:
            proof = await scene.sign_in.authentication.refreshed(kept, address=HOME, request="r")
            return Caller(proof.subject, HOME)

        self.ways["the login that a client keeps"] = refreshed
        self.header("a token of that login", bearer(await self.minted(await refreshed())))
        self.personal = await scene.secret("alice", expires_at=START + 200 * SECOND)
        self.header("a personal access token", bearer(self.personal))
        self.header(
            "a token of that token", bearer(await self.minted(await scene.caller(basic("alice", self.personal))))
        )
        account = await scene.identity.accounts.get("alice") or account
        cookie = await self.sessions.start(account, Caller(ANONYMOUS, HOME), agent="")
        self.ways["a browser"] = lambda: self.browser(cookie)

    async def robot(self) -> None:
        """A robot, by its secret and by the word of an issuer."""
        scene = self.scene
        await scene.robot("robot+ci")
        await scene.grant("robot+ci", "reader")
        secret = await scene.secret("robot+ci", "robot", expires_at=START + 200 * SECOND)
        self.header("its secret", basic("robot+ci", secret))
        self.header("a token of its secret", bearer(await self.minted(await scene.caller(bearer(secret)))))
        self.header("the word of an issuer", bearer("eyJ.good.one"))
        self.header("a token of that word", bearer(await self.minted(await scene.caller(bearer("eyJ.good.one")))))

    def header(self, what: str, authorization: str) -> None:
        """A way that is a header, which every face and the management API ask alike."""

        async def asked() -> object:
            return await self.scene.access.rights((await self.scene.caller(authorization)).subject)

        self.ways[what] = asked

    async def minted(self, caller: Caller) -> str:
        return (await self.scene.sign_in.tokens.mint(caller, SCOPE)).token

    async def browser(self, cookie: str) -> object:
        visitor = await self.sessions.visitor(cookie, address=HOME, request="r")
        if visitor is None:
            raise Unauthorized("the session is over")
        return visitor

    async def good(self) -> set[str]:
        """What is still good."""
        found = set()
        for what, way in self.ways.items():
            try:
                await way()
            except Unauthorized:
                continue
            found.add(what)
        return found

    async def number(self, kind: str, account: str = "alice") -> int:
        """The row of a secret."""
        page = await self.scene.identity.secrets.of(account, PageRequest(100))
        return next(each.id for each in page.items if each.kind == kind)


Ending = Callable[[Signed], Awaitable[object]]


async def _set(signed: Signed, *, must_change: bool) -> None:
    kept = await signed.scene.hasher.hash(prepared(ANOTHER))
    await signed.scene.identity.passwords.set("alice", kept, must_change=must_change, by=signed.scene.by())


async def _changed_by_oneself(signed: Signed) -> None:
    scene = signed.scene
    passwords = NewPasswords(scene.identity.passwords, scene.hasher, least=12)
    await passwords.change("alice", ANOTHER, by=scene.by())


async def _made_anew(signed: Signed, name: str) -> None:
    await signed.scene.identity.accounts.remove(name, signed.scene.by())
    if name == "alice":
        await signed.scene.user("alice", ANOTHER)
    else:
        await signed.scene.robot(name)


async def _change(signed: Signed, name: str, **change: object) -> None:
    await signed.scene.identity.accounts.change(name, AccountChange(**change), signed.scene.by())  # type: ignore[arg-type]


async def _revoke(signed: Signed, account: str, kind: str) -> None:
    await signed.scene.identity.secrets.revoke(account, await signed.number(kind, account), signed.scene.by())


async def _trusted(signed: Signed, *, end: bool) -> None:
    scene, trust = signed.scene, {"kind": "aws-iam", "robot": "robot+ci", "audience": "registry.example"}
    documents = TrustDocuments(scene.identity.documents, scene.identity.sessions)
    for role in ("ci", "deploy"):
        body = msgspec.json.encode({**trust, "principal": f"arn:aws:iam::123456789012:role/{role}"})
        await documents.put(Document("trust", "main", body), scene.by())
        if end:
            await documents.remove("trust", "main", scene.by())
            break


async def _later(signed: Signed) -> None:
    signed.scene.clock.forward(201)


async def _factor(signed: Signed) -> None:
    await signed.scene.identity.passwords.set_factors("alice", b"{}", ["totp"], signed.scene.by())


BY_PASSWORD = {
    "the password",
    "a token of the password",
    "the login that a client keeps",
    "a token of that login",
    "a browser",
}
BY_TOKEN = {"a personal access token", "a token of that token"}
EVERYTHING = BY_PASSWORD | BY_TOKEN

ENDINGS: dict[str, tuple[Ending, set[str]]] = {
    "disabled": (lambda s: _change(s, "alice", disabled="left"), EVERYTHING),
    "gone from the provider": (lambda s: _change(s, "alice", disabled=gone_from("corp")), EVERYTHING),
    "expired": (lambda s: _change(s, "alice", expires_at=START), EVERYTHING),
    "removed": (lambda s: s.scene.identity.accounts.remove("alice", s.scene.by()), EVERYTHING),
    "made anew": (lambda s: _made_anew(s, "alice"), EVERYTHING),
    "another password": (lambda s: _set(s, must_change=False), BY_PASSWORD),
    "another password, to be changed": (lambda s: _set(s, must_change=True), EVERYTHING),
    "changed by oneself": (_changed_by_oneself, BY_PASSWORD),
    "a first second factor": (_factor, BY_PASSWORD),
    "signed out everywhere": (
        lambda s: s.scene.identity.sessions.end_logins("alice", s.scene.by()),
        BY_PASSWORD - {"the password"},
    ),
    "the kept login is revoked": (
        lambda s: _revoke(s, "alice", "refresh"),
        {"the login that a client keeps", "a token of that login"},
    ),
    "the token is revoked": (lambda s: _revoke(s, "alice", "token"), BY_TOKEN),
    "the token has expired": (_later, BY_TOKEN),
}

OF_SECRET, OF_ISSUER = {"its secret", "a token of its secret"}, {"the word of an issuer", "a token of that word"}
ROBOT_ENDINGS: dict[str, tuple[Ending, set[str]]] = {
    "disabled": (lambda s: _change(s, "robot+ci", disabled="paused"), OF_SECRET | OF_ISSUER),
    "expired": (lambda s: _change(s, "robot+ci", expires_at=START), OF_SECRET | OF_ISSUER),
    "removed": (lambda s: s.scene.identity.accounts.remove("robot+ci", s.scene.by()), OF_SECRET | OF_ISSUER),
    "a trust is another": (lambda s: _trusted(s, end=False), {"a token of that word"}),
    "a trust is removed": (lambda s: _trusted(s, end=True), {"a token of that word"}),
    "its secret is revoked": (lambda s: _revoke(s, "robot+ci", "robot"), OF_SECRET),
    "its secret has expired": (_later, OF_SECRET),
}


@pytest.mark.parametrize("ending", ENDINGS)
async def test_what_ends_a_login_of_somebody_ends_what_came_of_it(scene: Scene, ending: str) -> None:
    signed = Signed(scene)
    await signed.user()
    assert await signed.good() == EVERYTHING
    end, ended = ENDINGS[ending]
    scene.clock.forward(1)
    await end(signed)
    assert await signed.good() == EVERYTHING - ended


@pytest.mark.parametrize("ending", ROBOT_ENDINGS)
async def test_what_ends_a_login_of_a_robot_ends_what_came_of_it(ending: str) -> None:
    scene = Scene(token_sources=[Issuer()])
    try:
        signed = Signed(scene)
        await signed.robot()
        assert await signed.good() == OF_SECRET | OF_ISSUER
        end, ended = ROBOT_ENDINGS[ending]
        await end(signed)
        assert await signed.good() == (OF_SECRET | OF_ISSUER) - ended
    finally:
        scene.close()


async def test_a_password_that_was_right_a_moment_ago_begins_nothing(scene: Scene) -> None:
    signed = Signed(scene)
    await signed.user()
    before = await scene.caller(basic("alice", PASSWORD))
    account = await scene.identity.accounts.get("alice")
    assert account is not None
    await _set(signed, must_change=False)
    with pytest.raises(Unauthorized):
        await scene.sign_in.tokens.mint(before, SCOPE)
    with pytest.raises(Unauthorized):
        await scene.sign_in.tokens.keep(before, PASSWORD, "docker")
    with pytest.raises(Unauthorized):
        await signed.sessions.start(account, Caller(ANONYMOUS, HOME), agent="")


class Issuer:
    """See ports.sign_on.TokenSource."""

    async def verify(self, token: str) -> Vouched | None:
        known = token == "eyJ.good.one"
        return Vouched("robot+ci", "trust github: repo:acme/app", START + 600 * SECOND) if known else None
