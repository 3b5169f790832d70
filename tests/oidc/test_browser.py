"""A real browser signs in at a real server, through a real provider: what people do, from the first page to a pull."""

import asyncio
import json
import re
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import msgspec
import pyotp
import pytest

from orlop.adapters.sql.catalog import open_sqlite
from orlop.domain.access import Place, PlaceKind
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.identity import Account, Document, Identity, NewGrant
from tests.needs import need
from tests.oidc.machines import Chromium, Provider, browsing
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for a test"
ADA = {"preferred_username": "ada", "name": "Ada <b>Lovelace</b>", "email": "ada@example.org", "email_verified": True}
ERIN = {**ADA, "preferred_username": "erin", "name": "Erin"}
SESSION = "orlop-session"


class Scene:
    """A server with two providers, and a browser."""

    def __init__(self, server: OrlopServer, one: Provider, two: Provider, browser: Chromium) -> None:
        self.server = server
        self.base = f"http://localhost:{server.port}"
        self.one, self.two = one, two
        self.browser = browser

    def catalog(self, work: Callable[[Identity, By], Any]) -> Any:
        """Do something to the catalog beside the server, as its commands do."""

        async def run() -> Any:
            opened = open_sqlite(self.server.data / "catalog")
            try:
                return await work(opened.identity, By("admin", time.time_ns() // 1000))
            finally:
                await opened.engine.close()

        return asyncio.run(run())

    def sign_in(self, name: str, password: str = PASSWORD) -> None:
        """With the form."""
        self.browser.goto(f"{self.base}/login")
        self.browser.fill("[name=name]", name)
        self.browser.fill("[name=password]", password)
        self.browser.click("main button")

    def through(self, provider: Provider, name: str) -> None:
        """Sign in through a provider, whose own pages ask who one is and whether one agrees."""
        self.browser.goto(f"{self.base}/login?next=/account")
        self.browser.click(f'a[href^="/login/oidc/{provider.name}"]')
        if self.browser.count("[name=login]"):
            self.browser.fill("[name=login]", name)
            self.browser.fill("[name=password]", "anything")
            self.browser.click("button[type=submit]")
        if "/interaction/" in self.browser.url:
            self.browser.click("button[type=submit]")
        self.browser.wait(f"^{re.escape(self.base)}/")

    def token(self, use: str = "push") -> str:
        """A personal access token, made on the account page."""
        self.browser.goto(f"{self.base}/account")
        self.browser.fill("[name=name]", "laptop")
        self.browser.select("[name=use]", use)
        self.browser.click("text=Make a token")
        return self.browser.text("#token")

    def crane(self, *arguments: str, name: str, token: str = "") -> "subprocess.CompletedProcess[str]":
        """Run crane, signed in with a token."""
        program = need("crane")["crane"]
        home = self.server.folder / f"crane-{name}"
        home.mkdir(exist_ok=True)
        environment = {"HOME": str(home), "DOCKER_CONFIG": str(home), "PATH": "/usr/bin:/bin"}
        host = f"localhost:{self.server.port}"
        if token:
            login = [program, "auth", "login", host, "-u", name, "--password-stdin"]
            subprocess.run(login, input=token, text=True, env=environment, check=True, capture_output=True)
        return subprocess.run(
            [program, *(argument.replace("HOST", host) for argument in arguments)],
            env=environment,
            capture_output=True,
            text=True,
            check=False,
        )


@pytest.fixture(scope="module")
def scene(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Scene]:
    """One for all tests here: each starts with a browser that knows nothing."""
    folder = tmp_path_factory.mktemp("oidc")
    server = OrlopServer(folder, {"open": False, "admin_password": PASSWORD, "workers": 1})
    base = f"http://localhost:{server.port}"
    one = Provider(folder, "one", base, claims_in_token=False)
    two = Provider(folder, "two", base, claims_in_token=True)
    one.knows(ada={**ADA, "groups": ["developers"]}, erin={**ERIN, "groups": []})
    two.knows(**{"ada-of-two": {**ADA, "preferred_username": "ada.two", "groups": ["staff"]}})
    with ExitStack() as stack:
        stack.enter_context(one.running())
        stack.enter_context(two.running())
        server.start()
        stack.callback(server.kill)
        scene = Scene(server, one, two, stack.enter_context(browsing()))

        async def prepare(identity: Identity, by: By) -> None:
            rules = {"groups_claim": "groups", "groups": {"developers": "team", "staff": "staff"}, "check_every": 60}
            for provider in (one, two):
                body = msgspec.json.encode(provider.document(**rules, text=f"Sign in with {provider.name.title()}"))
                await identity.documents.put(Document("provider", provider.name, body), by)
            hashed = await identity.passwords.get("admin")
            assert hashed is not None
            for name in ("grace", "linus", "barbara"):
                await identity.accounts.add(Account(name=name), by)
                await identity.passwords.set(name, hashed.hash, must_change=name == "linus", by=by)

        scene.catalog(prepare)
        yield scene


def sign_out(browser: Chromium) -> None:
    """By the menu of one's name."""
    browser.click("header summary")
    browser.click("header form[action='/logout'] button")


@pytest.fixture
def browser(scene: Scene) -> Chromium:
    """It knows nothing."""
    scene.browser.fresh()
    return scene.browser


def grant(scene: Scene, principal: str, role: str, path: str) -> None:
    async def add(identity: Identity, by: By) -> None:
        place = Place(PlaceKind.REPOSITORIES, path)
        await identity.grants.add(NewGrant(principal=principal, role=role, place=place), by)

    scene.catalog(add)


def account(scene: Scene, name: str) -> Account:
    async def get(identity: Identity, _: By) -> Account:
        found = await identity.accounts.get(name)
        assert found is not None
        return found

    return scene.catalog(get)  # type: ignore[no-any-return]


def session(browser: Chromium) -> str:
    return next((cookie["value"] for cookie in browser.cookies() if cookie["name"] == SESSION), "")


def test_through_a_provider_to_a_push_and_out_again(scene: Scene, browser: Chromium, tmp_path: Path) -> None:
    scene.through(scene.one, "ada")
    assert browser.url == f"{scene.base}/account"
    assert browser.text("h1") == "Ada <b>Lovelace</b>"
    assert browser.text("#name") == "ada"
    assert "team" in browser.text()
    cookie = next(cookie for cookie in browser.cookies() if cookie["name"] == SESSION)
    assert cookie["httpOnly"]
    assert cookie["sameSite"] == "Lax"

    grant(scene, "group:team", "publisher", "team/**")
    token = scene.token()
    assert token.startswith("orlop_pat_")
    line = browser.text("#login")
    assert line == f"echo {token} | docker login localhost:{scene.server.port} -u ada --password-stdin"
    browser.goto(f"{scene.base}/account")
    assert token not in browser.text()

    layer = tmp_path / "layer.tar"
    layer.write_bytes(b"\0" * 1024)
    pushed = scene.crane("append", "-f", str(layer), "-t", "HOST/team/app:1", "--insecure", name="ada", token=token)
    assert pushed.returncode == 0, pushed.stderr
    assert scene.crane("digest", "HOST/team/app:1", "--insecure", name="ada").returncode == 0
    refused = scene.crane("append", "-f", str(layer), "-t", "HOST/other/app:1", "--insecure", name="ada")
    assert refused.returncode != 0

    # Signing out there signs out here: the provider tells the registry, not the browser.
    held = session(browser)
    browser.goto(f"{scene.one.issuer}/session/end")
    browser.click('button[value="yes"]')
    deadline = time.monotonic() + 30
    while browser.goto(f"{scene.base}/account") == 200 and "/login" not in browser.url:
        assert time.monotonic() < deadline, scene.one.log.read_text()
        time.sleep(0.2)
    assert session(browser) == held  # it still has its cookie, which is worth nothing now
    assert scene.crane("digest", "HOST/team/app:1", "--insecure", name="ada").returncode == 0
    assert browser.complaints(scene.base) == []


def test_two_providers_keep_their_people_apart(scene: Scene, browser: Chromium) -> None:
    scene.through(scene.two, "ada-of-two")
    assert browser.text("#name") == "ada.two"
    assert "staff" in browser.text()
    assert account(scene, "ada.two").source == "two"


def test_somebody_disabled_there_loses_every_way_in_here(scene: Scene, browser: Chromium, tmp_path: Path) -> None:
    scene.through(scene.one, "erin")
    token = scene.token("pull")
    assert scene.crane("catalog", "HOST", "--insecure", name="erin", token=token).returncode == 0

    async def long_ago(identity: Identity, by: By) -> None:
        for sign_on in await identity.sign_ons.due("one", by.at + SECOND, 100):
            assert await identity.sign_ons.renewed(sign_on, msgspec.structs.replace(sign_on, checked_at=0))

    # Everybody is asked about; erin is not known any more.
    scene.one.knows(ada={**ADA, "groups": ["developers"]})
    scene.catalog(long_ago)
    deadline = time.monotonic() + 120
    while not account(scene, "erin").disabled:
        assert time.monotonic() < deadline, scene.server.log_text()
        time.sleep(0.5)
    assert account(scene, "erin").disabled == "one does not know it any more"
    browser.goto(f"{scene.base}/account")
    assert "/login" in browser.url
    assert scene.crane("catalog", "HOST", "--insecure", name="erin").returncode != 0


def test_a_passkey_signs_in_without_a_password(scene: Scene, browser: Chromium) -> None:
    browser.authenticator()
    scene.sign_in("grace")
    browser.goto(f"{scene.base}/account/passkeys")
    browser.fill("[name=password]", PASSWORD)
    browser.click("main button")
    browser.click("main button")
    browser.wait("/account/passkeys/add$")
    codes = browser.text(".codes").split()
    assert len(codes) == 10
    assert account(scene, "grace").second_factors == ("passkey",)

    sign_out(browser)
    browser.click("text=Sign in with a passkey")
    browser.click("main button")
    browser.wait(f"^{re.escape(scene.base)}/$")
    assert browser.text("header summary").startswith("grace")

    # A password alone is not enough any more; a recovery code stands in for the passkey, once.
    for number, works in ((0, True), (0, False), (1, True)):
        browser.fresh()
        scene.sign_in("grace")
        assert "One more step" in browser.text()
        browser.fill("[name=code]", codes[number])
        browser.click("main form button")
        assert (browser.url == f"{scene.base}/") is works
    assert browser.complaints(scene.base) == []


def test_an_authenticator_is_asked_for(scene: Scene, browser: Chromium) -> None:
    scene.sign_in("barbara")
    browser.goto(f"{scene.base}/account/totp")
    browser.fill("[name=password]", PASSWORD)
    browser.click("main button")
    secret = browser.text("#secret")
    assert browser.count(".qr svg") == 1
    totp = pyotp.TOTP(secret)
    code = totp.now()
    browser.fill("[name=code]", code)
    browser.click("text=Confirm")
    assert len(browser.text(".codes").split()) == 10
    sign_out(browser)

    scene.sign_in("barbara")
    browser.fill("[name=code]", code)  # it was used to set it up
    browser.click("main form button")
    assert "used already" in browser.text()
    browser.fill("[name=code]", totp.at(int(time.time()) + 30))
    browser.click("main form button")
    assert browser.text("header summary").startswith("barbara")


def test_a_password_that_has_to_change_is_all_there_is_until_it_does(scene: Scene, browser: Chromium) -> None:
    scene.sign_in("linus")
    assert browser.url == f"{scene.base}/account/password"
    browser.goto(f"{scene.base}/account")
    assert browser.url == f"{scene.base}/account/password"
    before = session(browser)
    browser.fill("[name=old]", PASSWORD)
    browser.fill("[name=new]", "quite another phrase")
    browser.fill("[name=again]", "quite another phrase")
    browser.click("main button")
    assert browser.url == f"{scene.base}/account"
    assert session(browser) not in {"", before}


@pytest.mark.parametrize("dark", [False, True])
def test_pages_are_whole_in_light_and_dark(scene: Scene, browser: Chromium, tmp_path: Path, dark: bool) -> None:
    browser.fresh(dark=dark)
    browser.goto(f"{scene.base}/login")
    assert browser.count(".button.wide") == 3
    browser.shot(tmp_path / "login.png")
    scene.sign_in("admin")
    browser.shot(tmp_path / "account.png")
    assert (tmp_path / "login.png").stat().st_size > 5000
    assert browser.complaints(scene.base) == []


def test_no_secret_is_in_any_log(scene: Scene, browser: Chromium) -> None:
    said = scene.server.log_text() + scene.server.access_log.read_text()
    for line in scene.server.access_log.read_text().splitlines():
        assert "code=" not in json.loads(line)["path"]
    assert "orlop_pat_" not in said
    assert "state=" not in said
    assert PASSWORD not in said
