"""A program is signed in by a browser: what it is told while it waits, what the page shows, and every way around it."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

import msgspec
import pytest

from orlop.bootstrap.server.browsers import build_devices
from orlop.bootstrap.server.sign_in import token_app
from orlop.domain.access import Action
from orlop.domain.identity.authorization import Basic
from orlop.domain.identity.devices import new_user_code, read_user_code, shown_user_code
from orlop.domain.identity.secrets import parse_secret
from orlop.domain.job_kinds import SIGN_IN_STEPS
from orlop.ports.identity import AccountChange
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog
from tests.catalogs import rows
from tests.unit.ui.scene import PASSWORD, Answer, Browser, Scene

GRANT = "urn:ietf:params:oauth:grant-type:device_code"
HERE, AWAY = "192.0.2.1", "203.0.113.9"
HOSTILE = "<script>alert(1)</script>\x1b[31m\u202e' onload='x"


class Program:
    """Something like `orlop login`, at another machine than the browser."""

    def __init__(self, scene: Scene, address: str = AWAY) -> None:
        self.scene = scene
        self.address = address
        devices = build_devices(scene.identity, scene.desks.management.gate, scene.browsers)
        log = RequestLog(Metrics().requests, None)
        self._app = token_app(scene.sign_in, log, lambda: "r-1", lambda _: None, devices)
        self.device = self.user = ""

    async def begin(self, client: str = "orlop login on laptop") -> dict[str, Any]:
        given = await self.post("/token/device", {"client_id": client})
        assert given[0] == 200, given
        self.device, self.user = given[1]["device_code"], given[1]["user_code"]
        return given[1]

    async def ask(self, wait: float = 5.0, device: str = "") -> tuple[int, dict[str, Any]]:
        """Whether somebody confirmed, after a while."""
        self.scene.clock.forward(wait)
        return await self.post("/token", {"grant_type": GRANT, "device_code": device or self.device})

    async def post(self, path: str, fields: Mapping[str, str], method: str = "POST") -> tuple[int, dict[str, Any]]:
        body = urlencode(fields).encode()
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": b"",
            "headers": [
                (b"content-type", b"application/x-www-form-urlencoded"),
                (b"host", b"registry.example"),
                (b"content-length", str(len(body)).encode()),
            ],
            "scheme": "https",
            "client": (self.address, 4000),
            "server": ("127.0.0.1", 5000),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self._app(scope, receive, send)
        answered = b"".join(message.get("body", b"") for message in sent[1:])
        return sent[0]["status"], msgspec.json.decode(answered)


async def signed_in(scene: Scene, name: str = "ada", address: str = HERE) -> Browser:
    if await scene.identity.accounts.get(name) is None:
        await scene.user(name)
    browser = scene.browser(address)
    assert (await browser.sign_in(name)).status == 303
    return browser


async def typed(browser: Browser, code: str) -> Answer:
    """The page of who waits behind a code."""
    await browser.get("/device")
    return await browser.submit("/device", {"code": code})


async def confirm(browser: Browser, code: str, answer: str = "yes", **fields: str) -> Answer:
    assert (await typed(browser, code)).status == 200
    return await browser.submit("/device", {"code": code, "answer": answer, "use": "all", "days": "90", **fields})


async def kinds(scene: Scene) -> list[str]:
    return [kind for (kind,) in rows(scene.memory, "SELECT kind FROM secrets")]


async def test_a_program_is_signed_in_once_somebody_confirms_its_code(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    given = await program.begin()
    assert given["verification_uri"] == "https://registry.example/device"
    assert "verification_uri_complete" not in given
    assert (given["expires_in"], given["interval"]) == (600, 5)
    assert (await program.ask())[1]["error"] == "authorization_pending"
    page = (await typed(browser, program.user)).text
    for shown in (program.user, "orlop login on laptop", AWAY, "not where you are", "ada"):
        assert shown in page
    assert "Go back to the program" in (await confirm(browser, program.user)).text
    status, token = await program.ask()
    assert status == 200
    assert token["account"] == "ada"
    parsed = parse_secret(token["access_token"])
    assert parsed is not None
    kept = await scene.identity.secrets.find(parsed.lookup)
    assert kept is not None
    assert (kept[0].kind, kept[0].id, kept[0].limits) == ("token", token["id"], None)
    assert abs(token["expires_in"] - 90 * 86_400) < 60
    who = await scene.sign_in.authentication.proof(Basic("ada", token["access_token"]), address=AWAY, request="r")
    assert who.subject.name == "ada"
    assert "command line at 203.0.113.9" in (await browser.get("/account")).text


async def test_no_address_fills_a_code_in(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    page = await browser.get(f"/device?code={program.user}")
    assert (page.status, program.user in page.text, "orlop login" in page.text) == (200, False, True)
    assert "orlop login on laptop" not in page.text
    assert (await browser.post("/device", {"code": program.user})).status == 403, "nor does a form of elsewhere"


async def test_the_audit_log_says_who_confirmed_from_where_for_which_address(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    await confirm(browser, program.user)
    await program.ask()
    [body] = [str(row) for row in rows(scene.memory, "SELECT * FROM outbox ORDER BY id DESC LIMIT 1")]
    assert "device code, confirmed from 192.0.2.1" in body
    assert AWAY in body
    assert "ada" in body
    assert program.device not in body


async def test_a_token_is_given_once_whoever_asks(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    await confirm(browser, program.user)
    assert (await program.ask())[0] == 200
    assert (await program.ask())[1]["error"] == "expired_token"
    assert await kinds(scene) == ["token"]
    await browser.get("/account")
    again = await browser.submit("/device", {"code": program.user, "answer": "yes", "use": "all", "days": "90"})
    assert again.status == 404, "a code is confirmed once"


async def test_what_is_refused_stays_out(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    assert "Nothing was given to it" in (await confirm(browser, program.user, "no")).text
    status, refused = await program.ask()
    assert (status, refused["error"]) == (400, "access_denied")
    assert (await program.ask())[1]["error"] == "expired_token"
    assert await kinds(scene) == []


async def test_a_code_is_over_after_ten_minutes_on_both_sides(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    scene.clock.forward(600)
    assert (await typed(browser, program.user)).status == 404
    assert (await program.ask(0))[1]["error"] == "expired_token"
    scene.clock.forward(1)
    await scene.run(SIGN_IN_STEPS.kind)
    assert rows(scene.memory, "SELECT count(*) FROM sign_in_steps WHERE kind LIKE 'device%'") == [(0,)]


async def test_a_program_that_hurries_is_slowed_down(scene: Scene) -> None:
    program = Program(scene)
    await program.begin()
    assert (await program.ask(5))[1]["error"] == "authorization_pending"
    assert (await program.ask(1))[1]["error"] == "slow_down"
    assert (await program.ask(5))[1]["error"] == "authorization_pending"


@pytest.mark.parametrize("code", ["", "x", "0" * 500, "orlop_pat_x", "'; DROP TABLE sign_in_steps --"])
async def test_device_codes_that_are_none(scene: Scene, code: str) -> None:
    program = Program(scene)
    await program.begin()
    status, refused = await program.post("/token", {"grant_type": GRANT, "device_code": code})
    assert status == 400
    assert refused["error"] in {"expired_token", "invalid_request"}
    user = await program.post("/token", {"grant_type": GRANT, "device_code": program.user})
    assert user[1]["error"] == "expired_token", "what people type fetches nothing"


async def test_codes_are_kept_as_hashes(scene: Scene) -> None:
    program = Program(scene)
    await program.begin()
    kept = str(rows(scene.memory, "SELECT id, CAST(body AS TEXT) FROM sign_in_steps"))
    assert "orlop login on laptop" in kept
    for code in (program.device, program.user, program.user.replace("-", "")):
        assert code not in kept


async def test_codes_cannot_be_guessed_without_end(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    statuses = [(await typed(browser, f"BBBB-BB{number:02}".replace("0", "C"))).status for number in range(9)]
    assert statuses[:5] == [404] * 5
    assert statuses[-1] == 429
    assert (await typed(browser, program.user)).status == 429, "nor is a right one looked at meanwhile"
    assert scene.failures
    scene.clock.forward(120)
    assert (await typed(browser, program.user)).status == 200


async def test_what_was_confirmed_ends_with_who_confirmed_it(scene: Scene) -> None:
    browser = await signed_in(scene)
    first, second = Program(scene), Program(scene)
    for program in (first, second):
        await program.begin()
        await confirm(browser, program.user)
    account = await scene.identity.accounts.get("ada")
    assert account is not None
    await scene.identity.accounts.change("ada", AccountChange(disabled="left"), scene.by())
    assert (await first.ask())[1]["error"] == "invalid_grant"
    await scene.identity.accounts.change("ada", AccountChange(disabled=""), scene.by())
    scene.clock.forward(1)
    await scene.identity.sessions.end_logins("ada", scene.by())
    assert (await second.ask())[1]["error"] == "invalid_grant", "signed out everywhere means here, too"
    assert await kinds(scene) == []


async def test_an_account_that_was_made_anew_is_somebody_else(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    await confirm(browser, program.user)
    await scene.identity.accounts.remove("ada", scene.by())
    await scene.user("ada")
    assert (await program.ask())[1]["error"] == "invalid_grant"


async def test_what_is_confirmed_is_as_narrow_as_was_chosen(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin()
    for fields in ({"use": "everything"}, {"days": "0"}, {"days": "x"}, {"days": "9" * 17}, {"repositories": "a b"}):
        refused = await confirm(browser, program.user, **fields)
        assert refused.status == 400, fields
    await confirm(browser, program.user, use="pull", repositories="team/*", days="1")
    token = (await program.ask())[1]
    parsed = parse_secret(token["access_token"])
    assert parsed is not None
    kept = await scene.identity.secrets.find(parsed.lookup)
    assert kept is not None
    [limit] = kept[0].limits or ()
    assert limit.place.path == "team/*"
    assert Action.PULL in limit.actions
    assert Action.PUSH_NEW not in limit.actions


async def test_what_a_program_calls_itself_does_nothing_on_the_page(scene: Scene) -> None:
    program, browser = Program(scene), await signed_in(scene)
    await program.begin(HOSTILE + "x" * 10_000)
    page = (await typed(browser, program.user)).text
    assert "<script>alert" not in page
    assert "\x1b" not in page
    assert "\u202e" not in page
    assert "x" * 101 not in page
    assert "Confirm only if you started it yourself just now" in page


async def test_nobody_confirms_without_a_page_of_ours_and_a_sign_in(scene: Scene) -> None:
    program = Program(scene)
    await program.begin()
    nobody = scene.browser()
    leads = await nobody.get(f"/device?code={program.user}")
    assert leads.location == f"/login?next=/device%3Fcode%3D{program.user}"
    browser = await signed_in(scene)
    fields = {"code": program.user, "answer": "yes", "use": "all", "days": "90"}
    assert (await browser.post("/device", fields)).status == 403
    token = (await browser.get("/device")).hidden("csrf")
    assert (await browser.post("/device", {**fields, "csrf": token}, origin="https://evil.example")).status == 403
    await signed_in(scene, "eve")
    assert (await browser.get(f"/device?code={program.user}&answer=yes&use=all&days=90")).status == 200
    assert (await program.ask())[1]["error"] == "authorization_pending", "to open an address confirms nothing"


async def test_only_forms_begin(scene: Scene) -> None:
    program = Program(scene)
    assert (await program.post("/token/device", {}, method="GET"))[0] == 405
    assert (await program.post("/token/device", {}))[0] == 200
    doubled = await program.post("/token", {"grant_type": "urn:ietf:params:oauth:grant-type:device_codes"})
    assert doubled[1]["error"] == "unsupported_grant_type"


def test_user_codes_are_read_however_they_are_typed(scene: Scene) -> None:
    codes = {new_user_code(scene.chance.draw) for _ in range(200)}
    assert len(codes) == 200
    for code in codes:
        assert len(code) == 8
        assert not set(code) & set("AEIOUY0123456789")
        shown = shown_user_code(code)
        for typed in (shown, shown.lower(), f" {code} ", shown.replace("-", " ")):
            assert read_user_code(typed) == code


async def test_the_password_of_a_page_is_no_device_code(scene: Scene) -> None:
    await scene.user()
    program = Program(scene)
    assert (await program.post("/token", {"grant_type": GRANT, "device_code": PASSWORD}))[1]["error"] == "expired_token"
