"""Every door counts failures by the same counter, and each kind of proof for itself."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Iterator

import pytest

from orlop.domain.errors import TooManyRequests, Unauthorized
from orlop.domain.identity.authorization import Basic
from orlop.domain.identity.secrets import new_secret
from tests.unit.ui.scene import PASSWORD, Browser, Scene

FAILURES = 3
HERE, ELSEWHERE = "192.0.2.1", "198.51.100.7"


@pytest.fixture(name="scene")
def _scene(runner: asyncio.Runner) -> Iterator[Scene]:
    """A registry where an address may fail three times a minute."""
    scene = Scene(failed_logins=FAILURES)
    yield scene
    runner.run(scene.close())


def basic(name: str, secret: str) -> str:
    return "Basic " + base64.b64encode(f"{name}:{secret}".encode()).decode()


async def status(asked: Awaitable[object]) -> int:
    """As what is raised would be answered."""
    try:
        await asked
    except TooManyRequests:
        return 429
    except Unauthorized:
        return 401
    return 200


class Somebody:
    """Comes from an address: to each door where a password, or something else, is asked for."""

    def __init__(self, scene: Scene, address: str) -> None:
        self.scene = scene
        self.address = address
        self.signed_in: Browser | None = None

    async def basic(self, password: str) -> int:
        header = basic("ada", password)
        return await status(self.scene.sign_in.authentication.caller(header, address=self.address, request="r"))

    async def token(self, password: str) -> int:
        given = Basic("ada", password)
        return await status(self.scene.sign_in.authentication.proof(given, address=self.address, request="r"))

    async def change(self, password: str) -> int:
        ask = self.scene.sign_in.authentication.caller_for_password_change
        return await status(ask(basic("ada", password), address=self.address, request="r"))

    async def page(self, password: str) -> int:
        return (await self.scene.browser(self.address).sign_in(password=password)).status

    async def confirmation(self, password: str) -> int:
        """In a browser that was signed in before."""
        assert self.signed_in is not None
        await self.signed_in.get("/account/totp")
        return (await self.signed_in.submit("/account/totp", {"password": password})).status

    async def own_page(self, password: str) -> int:
        """The page where one's own password is changed."""
        assert self.signed_in is not None
        await self.signed_in.get("/account/password")
        again = {"new": "quite another phrase", "again": "quite another phrase"}
        return (await self.signed_in.submit("/account/password", {"old": password, **again})).status

    async def secret(self) -> int:
        unknown = new_secret("token", self.scene.chance.draw)
        header = basic("ada", unknown)
        return await status(self.scene.sign_in.authentication.caller(header, address=self.address, request="r"))

    async def mistyped(self) -> int:
        header = basic("ada", new_secret("token", self.scene.chance.draw)[:-1] + "_")
        return await status(self.scene.sign_in.authentication.caller(header, address=self.address, request="r"))

    async def kept_login(self) -> int:
        unknown = new_secret("refresh", self.scene.chance.draw)
        return await status(self.scene.sign_in.authentication.refreshed(unknown, address=self.address, request="r"))

    async def foreign(self) -> int:
        header = basic("oidc", "eyJhbGciOiJub25lIn0.e30.x")
        return await status(self.scene.sign_in.authentication.caller(header, address=self.address, request="r"))

    async def passkey(self) -> int:
        browser = self.scene.browser(self.address)
        await browser.get("/login/passkey")
        return (await browser.submit("/login/passkey", {"response": "{}"})).status

    async def code(self, name: str = "bob") -> int:
        """The second factor of somebody whose password was right."""
        browser = self.scene.browser(self.address)
        page = await browser.sign_in(name)
        return page.status if page.status != 200 else (await browser.submit("/login/totp", {"code": "000000"})).status


DOORS: dict[str, Callable[[Somebody, str], Awaitable[int]]] = {
    "Basic": Somebody.basic,
    "/token": Somebody.token,
    "PUT /api/v1/me/password": Somebody.change,
    "/login": Somebody.page,
    "a page that asks for it again": Somebody.confirmation,
    "/account/password": Somebody.own_page,
}
OTHERS: dict[str, Callable[[Somebody], Awaitable[int]]] = {
    "a token that was revoked": Somebody.secret,
    "a token that is mistyped": Somebody.mistyped,
    "a login that has ended": Somebody.kept_login,
    "a token of somebody else": Somebody.foreign,
    "a passkey": Somebody.passkey,
    "a code": Somebody.code,
}
#: What cannot be guessed is looked at whatever failed before.
NEVER_LOCKED = {
    "a token that was revoked",
    "a token that is mistyped",
    "a login that has ended",
    "a token of somebody else",
}


async def people(scene: Scene) -> tuple[Somebody, Somebody]:
    """Ada with a password, bob with a second factor; somebody here and somebody elsewhere, each signed in as ada."""
    await scene.user()
    await scene.user("bob")
    await scene.identity.passwords.set_factors(
        "bob", b'{"totp":"JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"}', ["totp"], scene.by()
    )
    found = Somebody(scene, HERE), Somebody(scene, ELSEWHERE)
    for each in found:
        each.signed_in = scene.browser(each.address)
        assert (await each.signed_in.sign_in()).status == 303
    return found


@pytest.mark.parametrize("door", DOORS)
async def test_failures_at_one_door_close_every_door_to_passwords_of_an_address(scene: Scene, door: str) -> None:
    here, elsewhere = await people(scene)
    for _ in range(FAILURES):
        assert await DOORS[door](here, "wrong") == 401
    for other, ask in DOORS.items():
        assert await ask(here, PASSWORD) == 429, other
        assert await ask(elsewhere, "wrong") in {401, 429}, other
    assert {each.address for each in scene.failures[FAILURES:]} == {ELSEWHERE}, "nothing was looked at here"
    scene.clock.forward(60)
    assert await DOORS[door](here, PASSWORD) in {200, 303}


@pytest.mark.parametrize("kind", OTHERS)
async def test_failures_of_another_kind_close_no_door_to_passwords(scene: Scene, kind: str) -> None:
    here, _ = await people(scene)
    answers = [await OTHERS[kind](here) for _ in range(FAILURES + 2)]
    assert answers == [401] * (FAILURES + 2) if kind in NEVER_LOCKED else [401] * FAILURES + [429] * 2
    for door, ask in list(DOORS.items())[:5]:
        assert await ask(here, PASSWORD) in {200, 303}, door
    for other, again in OTHERS.items():
        if other != kind:
            assert await again(here) == 401, other


async def test_failures_with_passwords_keep_nobody_from_anything_else(scene: Scene) -> None:
    here, _ = await people(scene)
    for _ in range(FAILURES):
        assert await here.basic("wrong") == 401
    for kind in [*NEVER_LOCKED, "a passkey"]:
        assert await OTHERS[kind](here) == 401, kind
