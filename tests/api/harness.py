"""The API on a catalog in memory, asked as a server asks it; people sign in with tokens of theirs."""

import base64
import secrets
from collections.abc import Mapping
from typing import Any
from urllib.parse import unquote

import msgspec

from orlop.adapters.sql.catalog import OpenCatalog
from orlop.adapters.sql.memory import open_memory
from orlop.bootstrap.clocks import SystemClock, request_ids
from orlop.bootstrap.server.api import api_app
from orlop.bootstrap.server.management import build_management
from orlop.bootstrap.server.sign_in import build_sign_in
from orlop.config import Settings
from orlop.domain.access import SYSTEM, Action, Effect, Limit, Place, PlaceKind, SubjectKind
from orlop.domain.attesting.receipts import RECEIPT_RULES
from orlop.domain.backup_schedules import BACKUP_SCHEDULES
from orlop.domain.clean_up import CLEAN_UP_RULES
from orlop.domain.custom_roles import CUSTOM_ROLES
from orlop.domain.gates.gate import GATES
from orlop.domain.identity.certificates import CERTIFICATE_RULES
from orlop.domain.identity.passwords import prepared
from orlop.domain.identity.secrets import new_secret, parse_secret
from orlop.domain.inside.exceptions import EXCEPTIONS
from orlop.domain.inside.licence_rules import LICENCE_RULES
from orlop.domain.inside.sbom_rules import SBOM_RULES
from orlop.domain.inside.sources import ADVISORY_SOURCES
from orlop.domain.inside.vex.trust import VEX_FILES, VEX_TRUSTS
from orlop.domain.promotion.pipeline import PIPELINES
from orlop.domain.quarantine.rules import QUARANTINE_RULES
from orlop.domain.quotas import QUOTAS
from orlop.domain.read_only import READ_ONLY
from orlop.domain.repository_rules import REPOSITORY_RULES
from orlop.domain.retention.rules import RETENTION
from orlop.domain.scanning.scanner import SCANNERS
from orlop.domain.schedules import JOB_SCHEDULES
from orlop.domain.settings import SettingKind, SpeaksFor, nobody
from orlop.domain.tag_rules import TAG_RULES
from orlop.domain.trash_rules import TRASH_RULES
from orlop.domain.trust.signers import SIGNERS
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.domain.virtuals import VIRTUALS
from orlop.domain.webhooks.hook import WEBHOOKS
from orlop.faces.http.counted import UNCOUNTED, Counted
from orlop.faces.http.shell import Shell
from orlop.ports.catalog import By
from orlop.ports.identity import Account, Group, NewGrant, Secret
from orlop.services.access.decisions import Access
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.tags.terms import WriteTerms
from orlop.services.upstreams.shown import Upstreams
from orlop.telemetry.metrics import Metrics
from orlop.telemetry.requests import RequestLog
from tests.catalogs import make_repositories, restore, snapshot
from tests.desks import desks_of, schedules_of
from tests.wire.answer import Answer

REGISTRY = Place(PlaceKind.REGISTRY)
PREFIX = "/api/v1"


def namespace(path: str) -> Place:
    return Place(PlaceKind.NAMESPACE, path)


def basic(name: str, password: str) -> str:
    return f"Basic {base64.b64encode(f'{name}:{password}'.encode()).decode()}"


class Issuer(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A trust as small as one can be."""

    issuer: str
    robot: str


class Directory(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A provider with a secret, and one deeper down."""

    url: str
    note: str = ""
    bind_password: str = ""
    replicas: tuple["Directory", ...] = ()


KINDS = {
    "role": CUSTOM_ROLES,
    "trust": SettingKind(
        kind="trust",
        plural="trusts",
        text="Trusts.",
        body=Issuer,
        speaks_for=lambda name, before, body: SpeaksFor((body.robot,)),
        placed=False,
        read=Action.SYSTEM,
        change=Action.SYSTEM,
        rights=True,
    ),
    "tag-rule": TAG_RULES,
    "repository-rule": REPOSITORY_RULES,
    "quota": QUOTAS,
    "retention": RETENTION,
    "trash-rule": TRASH_RULES,
    "quarantine-rule": QUARANTINE_RULES,
    "receipt-rule": RECEIPT_RULES,
    "certificate-rule": CERTIFICATE_RULES,
    "clean-up-rule": CLEAN_UP_RULES,
    "webhook": WEBHOOKS,
    "job-schedule": JOB_SCHEDULES,
    "upstream": UPSTREAMS,
    "virtual": VIRTUALS,
    "exception": EXCEPTIONS,
    "signers": SIGNERS,
    "sbom-rule": SBOM_RULES,
    "vex-trust": VEX_TRUSTS,
    "vex": VEX_FILES,
    "licence-rule": LICENCE_RULES,
    "advisory-source": ADVISORY_SOURCES,
    "gate": GATES,
    "pipeline": PIPELINES,
    "scanner": SCANNERS,
    "read-only": READ_ONLY,
    "backup-schedule": BACKUP_SCHEDULES,
    "provider": SettingKind(
        kind="provider",
        plural="providers",
        text="Providers.",
        body=Directory,
        speaks_for=nobody,
        placed=False,
        read=Action.SYSTEM,
        change=Action.SYSTEM,
        rights=True,
        secrets=frozenset({"bind_password"}),
        destination=lambda body: body.url,
    ),
}


class Api:
    """An API and the people of its registry."""

    def __init__(self, everyone: bool = False, kinds: Mapping[str, SettingKind] = KINDS) -> None:
        settings = Settings(open=everyone)
        clock = SystemClock()
        self.catalog: OpenCatalog = open_memory()
        self.identity = self.catalog.identity
        self.now = clock.now()
        self.access = access = Access(self.identity.facts, self.catalog.access_changes, clock, everyone=everyone)
        self.sign_in = build_sign_in(settings, self.identity, self.catalog.access_changes, access)
        in_force = SettingsInForce(self.identity.documents, self.catalog.settings_changes)
        kept = self.identity.documents, self.catalog.settings_changes
        terms = WriteTerms(access, in_force, Upstreams(*kept, self.catalog.catalog.cached_content))
        self.management = build_management(
            settings, self.identity, access, self.sign_in, self.catalog.catalog.repositories, terms, kinds=kinds
        )
        self.schedules = schedules_of(self.catalog, clock)
        self.desks = desks_of(self.catalog, self.management, access, terms, self.schedules, clock, settings)
        self.hooks = self.desks.webhooks
        self.log = RequestLog(Metrics().requests, None)
        self.app = self.built(UNCOUNTED)
        self._authorizations: dict[str, str] = {"": ""}

    def built(self, counted: Counted) -> Shell:
        """The application, whose requests are told to somebody."""
        answers = self.identity.answers
        return api_app(Settings(), self.desks, self.sign_in, answers, self.log, request_ids(), counted)

    @property
    def by(self) -> By:
        return By(SYSTEM.name, self.now)

    async def account(
        self, name: str, *grants: tuple[str, Place], path: str = "", limits: tuple[Limit, ...] | None = None
    ) -> None:
        """A user, or a robot of a namespace, with a token to sign in with."""
        kind = SubjectKind.ROBOT if name.startswith("robot+") else SubjectKind.USER
        await self.identity.accounts.add(Account(kind=kind, name=name, namespace=path), self.by)
        for role, place in grants:
            await self.grant(name, role, place)
        await self.token(name, name, limits)

    async def token(self, name: str, known_as: str, limits: tuple[Limit, ...] | None) -> None:
        """A token of an account, to be asked with as `known_as`."""
        kind = "robot" if name.startswith("robot+") else "token"
        text = new_secret(kind, secrets.token_bytes)
        parsed = parse_secret(text)
        assert parsed is not None
        kept = Secret(account=name, kind=kind, lookup=parsed.lookup, hash=parsed.hash, limits=limits)
        await self.identity.secrets.add(kept, self.by, at_most=10)
        self._authorizations[known_as] = basic(name, text)

    async def password(self, name: str, password: str, *, must_change: bool = False) -> None:
        """Give a user a password."""
        kept = await self.sign_in.hasher.hash(prepared(password))
        await self.identity.passwords.set(name, kept, must_change=must_change, by=self.by)

    async def grant(self, principal: str, role: str, place: Place, effect: Effect = Effect.ALLOW) -> int:
        new = NewGrant(effect=effect, principal=principal, role=role, place=place)
        return (await self.identity.grants.add(new, self.by)).grant.id

    async def group(self, name: str, *members: str) -> None:
        await self.identity.groups.add(Group(name=name), self.by)
        await self.identity.members.set(name, add=members, by=self.by)

    async def repository(self, name: str) -> None:
        make_repositories(self.catalog, [name], self.by)

    async def ask(
        self,
        method: str,
        target: str,
        who: str = "",
        body: Any = None,
        *,
        raw: bytes | None = None,
        headers: dict[str, str] | None = None,
    ) -> Answer:
        """The answer to one request; `target` is below /api/v1 unless it begins with /api."""
        target = target if target.startswith("/api") else PREFIX + target
        content = raw if raw is not None else (b"" if body is None else msgspec.json.encode(body))
        lines = {"host": "registry.example", "content-length": str(len(content))}
        if body is not None or raw is not None:
            lines["content-type"] = "application/json"
        if self._authorizations[who]:
            lines["authorization"] = self._authorizations[who]
        lines |= {name.lower(): value for name, value in (headers or {}).items()}
        path, _, query = target.partition("?")
        sent: list[dict[str, Any]] = []
        messages = iter([{"type": "http.request", "body": content, "more_body": False}])

        async def receive() -> dict[str, Any]:
            return next(messages, {"type": "http.disconnect"})

        async def send(message: dict[str, Any]) -> None:
            sent.append(message)

        scope = {
            "type": "http",
            "http_version": "1.1",
            "method": method,
            "scheme": "http",
            "path": unquote(path, errors="replace"),
            "raw_path": path.encode("latin-1"),
            "root_path": "",
            "query_string": query.encode("latin-1"),
            "headers": [(name.encode("latin-1"), value.encode("latin-1")) for name, value in lines.items()],
            "client": ("192.0.2.7", 40000),
            "server": ("127.0.0.1", 5000),
            "extensions": {},
        }
        await self.app(scope, receive, send)
        start, *rest = sent
        kept = tuple((name.decode("latin-1"), value.decode("latin-1")) for name, value in start["headers"])
        return Answer(start["status"], kept, b"".join(message.get("body", b"") for message in rest))

    def snapshot(self) -> bytes:
        """Everything that there is, to go back to."""
        return snapshot(self.catalog)

    def restore(self, kept: bytes) -> None:
        """Go back to it."""
        restore(self.catalog, kept)

    def close(self) -> None:
        self.sign_in.close()


async def registry(kinds: Mapping[str, SettingKind] = KINDS) -> Api:
    """`root` rules, `aud` audits, `ann` owns `team` and `bob` `team-b`; `eve` has nothing; each tenant has a robot, a
    repository and a namespace below."""
    api = Api(kinds=kinds)
    await api.account("root", ("admin", REGISTRY))
    await api.account("aud", ("auditor", REGISTRY))
    await api.account("ann", ("owner", namespace("team")))
    await api.account("bob", ("owner", namespace("team-b")))
    await api.account("eve")
    for path in ("team", "team-b"):
        await api.identity.namespaces.put(_namespace(path), api.by)
        await api.identity.namespaces.put(_namespace(f"{path}/empty"), api.by)
        await api.account(f"robot+{path}", ("publisher", namespace(path)), path=path)
        await api.repository(f"{path}/app")
    return api


def _namespace(path: str) -> Any:
    from orlop.ports.identity import Namespace

    return Namespace(path=path)


def assert_problem(answer: Answer, status: int, code: str = "") -> dict[str, Any]:
    """A refusal is a problem detail that names the request; what it says."""
    assert answer.status == status, (answer.status, answer.body)
    assert answer.header("content-type") == "application/problem+json"
    told: dict[str, Any] = answer.json()
    assert told["status"] == status
    assert told["request_id"] == answer.header("x-request-id") != ""
    assert 8 < len(told["detail"]) < 1_000
    assert told["detail"].isprintable()
    if code:
        assert told["code"] == code
    return told
