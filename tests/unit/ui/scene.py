"""A registry with pages, in memory, and browsers that keep cookies and fill in forms."""

import html
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any, cast
from urllib.parse import parse_qsl, urlencode, urlsplit

import msgspec

from orlop.adapters.identity.passwords import Argon2Hasher
from orlop.adapters.sql.memory import open_memory
from orlop.bootstrap.server.browsers import build_browsers
from orlop.bootstrap.server.management import build_management
from orlop.bootstrap.server.pages import pages_app
from orlop.bootstrap.server.sign_in import Chance, Sources, build_sign_in
from orlop.config import Settings
from orlop.config.auth import Auth
from orlop.domain.access import SYSTEM
from orlop.domain.identity.passwords import prepared
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND
from orlop.ports.identity import Account, Document
from orlop.services.access.decisions import Access
from orlop.services.identity.failures import FailedSignIn
from orlop.services.jobs.work import Run
from orlop.services.limits.counters import Counters, counters_of_one
from orlop.services.limits.rates import RateLimits, Rates
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog
from tests.catalogs import rows
from tests.desks import desks_of, schedules_of
from tests.oidc.simulated import SimulatedProvider

START = 1_800_000_000 * SECOND
PASSWORD = "a rather long phrase"
BASE = "https://registry.example"


class HandClock:
    """See ports.clock.Clock: moves when told to."""

    def __init__(self) -> None:
        self.at = START

    def now(self) -> int:
        return self.at

    def forward(self, seconds: float) -> None:
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

    def __init__(self, base: str = BASE, *, failed_logins: int = 0) -> None:
        self.base = base
        self.clock = HandClock()
        self.chance = Chance(self.clock, Dice(), Argon2Hasher(memory_kib=8, passes=1))
        self.memory = open_memory()
        self.identity = self.memory.identity
        settings = Settings(auth=Auth(url=base))
        access = Access(self.identity.facts, self.memory.access_changes, self.clock, everyone=False)
        limits = RateLimits(Counters(counters_of_one()), self.clock.now, Rates(), Rates(), failed_logins)
        self.failures: list[FailedSignIn] = []

        def told(failed: FailedSignIn) -> None:
            self.failures.append(failed)
            limits.login_failed(failed.address, failed.proof)

        sources = Sources(on_failure=told, gate=limits.check_login)
        self.sign_in = build_sign_in(settings, self.identity, self.memory.access_changes, access, sources, self.chance)
        log = RequestLog(Metrics().requests, None)
        kept = self.identity.documents, self.memory.settings_changes
        terms = WriteTerms(access, SettingsInForce(*kept), Upstreams(*kept, self.memory.catalog.cached_content))
        management = build_management(
            settings,
            self.identity,
            access,
            self.sign_in,
            self.memory.catalog.repositories,
            terms,
            self.clock,
            self.chance.draw,
        )
        self.desks = desks_of(
            self.memory, management, access, terms, schedules_of(self.memory, self.clock), self.clock, settings
        )
        self.browsers = build_browsers(settings, self.identity, self.sign_in, told, self.chance, limits.check_login)
        self.app = pages_app(settings, self.identity, self.sign_in, self.browsers, self.desks, log, lambda: "r-1")
        self.providers: list[SimulatedProvider] = []

    def numbers(self, table: str) -> list[Any]:
        """The keys of the rows of a table, in the order in which they were made."""
        return [number for (number,) in rows(self.memory, f"SELECT id FROM {table} ORDER BY created_at, id")]

    def by(self) -> By:
        return By(SYSTEM.name, self.clock.now())

    async def close(self) -> None:
        """Let go of everything."""
        await self.desks.webhooks.close()
        await self.browsers.close()
        self.sign_in.close()
        for provider in self.providers:
            await provider.stop()

    async def user(self, name: str = "ada", *, must_change: bool = False, **more: Any) -> Account:
        """A local user with the password."""
        await self.identity.accounts.add(Account(name=name, **more), self.by())
        hashed = await self.sign_in.hasher.hash(prepared(PASSWORD))
        await self.identity.passwords.set(name, hashed, must_change=must_change, by=self.by())
        account = await self.identity.accounts.get(name)
        assert account is not None
        return account

    async def provider(self, name: str = "one", **rules: Any) -> SimulatedProvider:
        """A provider that runs and is known here."""
        provider = SimulatedProvider(self.clock, name)
        await provider.start()
        self.providers.append(provider)
        await self.tell(provider, **rules)
        return provider

    async def tell(self, provider: SimulatedProvider, **rules: Any) -> None:
        """Other rules for it."""
        document = Document("provider", provider.name, provider.body(**rules))
        await self.identity.documents.put(document, self.by())

    async def run(self, job: str) -> str:
        """Do a job of the background now."""
        work = next(each for each in self.browsers.jobs if each.kind.kind == job)
        return await work.do(cast("Run", None))  # none of these looks at what was asked

    def browser(self, address: str = "192.0.2.1") -> "Browser":
        """Somebody's browser."""
        return Browser(self, address)


class Answer(msgspec.Struct):
    """What a browser was answered."""

    status: int
    headers: list[tuple[str, str]]
    body: bytes

    @property
    def text(self) -> str:
        return self.body.decode()

    def header(self, name: str) -> str:
        return next((value for key, value in self.headers if key == name), "")

    @property
    def location(self) -> str:
        return self.header("location")

    def hidden(self, name: str) -> str:
        """The value of the first field of that name that has one."""
        found = re.search(rf'name="{name}" value="([^"]*)"', self.text)
        assert found, f"no field {name} in {self.text}"
        return html.unescape(found[1])

    def ticked(self) -> set[str]:
        """The names of the boxes that are ticked."""
        return set(re.findall(r'type="checkbox" name="([^"]*)" value="[^"]*" checked', self.text))


class Browser:
    """Keeps cookies, says where its requests come from, and follows nothing by itself."""

    def __init__(self, scene: Scene, address: str) -> None:
        self.scene = scene
        self.address = address
        self.cookies: dict[str, str] = {}
        self.page: Answer | None = None

    async def get(self, target: str, **headers: str) -> Answer:
        """Open a page."""
        return await self.send("GET", target, b"", headers)

    async def post(self, target: str, fields: Mapping[str, str], **headers: str) -> Answer:
        """Send a form, as the page of this site that holds it would."""
        said = {"origin": self.scene.base, "content-type": "application/x-www-form-urlencoded", **headers}
        return await self.send("POST", target, urlencode(fields).encode(), said)

    async def submit(self, target: str, fields: Mapping[str, str] | None = None) -> Answer:
        """Send the form of the page that is open, with what was hidden in it."""
        assert self.page is not None
        hidden = dict(re.findall(r'type="hidden" name="([^"]+)" value="([^"]*)"', self.page.text))
        kept = {name: html.unescape(value) for name, value in hidden.items() if name in {"csrf", "step", "next"}}
        return await self.post(target, {**kept, **(fields or {})})

    async def send(self, method: str, target: str, body: bytes, headers: Mapping[str, str]) -> Answer:
        """One request."""
        path, _, query = target.partition("?")
        lines = [(name.replace("_", "-").encode(), value.encode("latin-1")) for name, value in headers.items() if value]
        lines += [(b"host", urlsplit(self.scene.base).netloc.encode()), (b"user-agent", b"Test <b>1</b>")]
        if self.cookies:
            lines.append((b"cookie", "; ".join(f"{k}={v}" for k, v in self.cookies.items()).encode()))
        if body:
            lines.append((b"content-length", str(len(body)).encode()))
        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "path": path,
            "query_string": query.encode(),
            "headers": lines,
            "scheme": "https",
            "client": (self.address, 4000),
            "server": ("127.0.0.1", 5000),
        }
        sent: list[dict[str, Any]] = []

        async def receive() -> dict[str, Any]:
            return {"type": "http.request", "body": body, "more_body": False}

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        await self.scene.app(scope, receive, send)
        answer = Answer(
            sent[0]["status"],
            [(name.decode(), value.decode("latin-1")) for name, value in sent[0]["headers"]],
            b"".join(message.get("body", b"") for message in sent[1:]),
        )
        for name, value in answer.headers:
            if name == "set-cookie":
                key, _, rest = value.partition("=")
                kept = rest.partition(";")[0]
                if kept:
                    self.cookies[key] = kept
                else:
                    self.cookies.pop(key, None)
        self.page = answer
        return answer

    @property
    def session(self) -> str:
        """What the cookie of its session holds."""
        return self.cookies.get("__Host-orlop-session", "")

    async def sign_in(self, name: str = "ada", password: str = PASSWORD, next_: str = "/account") -> Answer:
        """Through the form."""
        await self.get(f"/login?{urlencode({'next': next_})}")
        return await self.submit("/login", {"name": name, "password": password})

    async def to_provider(self, name: str = "one", next_: str = "") -> dict[str, str]:
        """Begin at a provider; what it is told."""
        answer = await self.get(f"/login/oidc/{name}{'?' + urlencode({'next': next_}) if next_ else ''}")
        assert answer.status == 303, answer.text
        return dict(parse_qsl(urlsplit(answer.location).query))

    async def back(self, query: Mapping[str, str], name: str = "one") -> Answer:
        """Come back from a provider."""
        return await self.get(f"/login/callback/{name}?{urlencode(query)}")

    async def through(self, provider: SimulatedProvider, next_: str = "") -> Answer:
        """Sign in through a provider, from the beginning to the end."""
        asked = await self.to_provider(provider.name, next_)
        return await self.back({"code": provider.signed_in(asked), "state": asked["state"]}, provider.name)
