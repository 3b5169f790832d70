"""Every route of the API, asked by everybody, about their own tenant and another's: who gets in is written down here.

The routes are the application's own: one that is not in the table fails the test.
"""

import asyncio
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from litestar import Litestar

from orlop.domain.access import Action, Caller, Limit, Subject, SubjectKind
from orlop.domain.inside.assembly import assemble
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.promotion.bundle import Bundle, BundledImage
from orlop.domain.promotion.promotion import NewPromotion, PromotedImage
from orlop.domain.queue import Order
from orlop.domain.retention.plans import PlanFigures
from orlop.ports.catalog import By, ManifestPush, Terms
from orlop.ports.clock import HOUR
from orlop.ports.identity import Document, Namespace
from orlop.ports.promotion import Move
from orlop.ports.webhooks import Attempt, DeliveryState, NewDelivery
from orlop.services.following import known
from orlop.services.management.operations import RULES, Operation
from tests.api.harness import PREFIX, Api, assert_problem, namespace, registry
from tests.catalogs import rows
from tests.content import image
from tests.contract.advisories import advisory, batch
from tests.contract.scene import Scene
from tests.wire.answer import Answer

pytestmark = pytest.mark.slow

#: Who asks, each with a token: those who rule and audit the registry; by role in `team`; others. `limited` is a token
#: of eve's that is good for pulling alone.
PEOPLE = (
    "root",
    "aud",
    "owner",
    "maintainer",
    "publisher",
    "reader",
    "guest",
    "bob",
    "eve",
    "robot+team",
    "limited",
    "",
)
_RULER = frozenset({"root"})
_SEES = frozenset({"root", "aud"})
_HERE = frozenset({"root", "owner"})
_SEES_HERE = frozenset({"root", "aud", "owner"})
_ANY = frozenset(PEOPLE) - {""}
_OWN = _ANY - {"limited"}
_USERS = _OWN - {"robot+team"}
_DELETES = frozenset({"root", "owner", "maintainer"})
_PULLS = frozenset({"root", "owner", "maintainer", "publisher", "reader", "guest", "robot+team"})
_PUSHES = frozenset({"root", "owner", "maintainer", "publisher", "robot+team"})
_LISTS = frozenset({"root", "aud", "owner", "maintainer", "publisher", "reader", "robot+team"})
_NOBODY = frozenset[str]()

#: Nobody listens there, and nothing is looked up: the registry does not go to addresses of its own.
_WEBHOOK = {"url": "https://127.0.0.1:9/x", "events": ["tag.*"]}

_ONE, _TWO = image("one"), image("two")
_ROLLBACK = {"tag": "dev", "digest": str(_ONE.digest)}
_REMOVALS = {"tags": {"nothing": str(_ONE.digest)}}
_LOCK = {"digest": str(_ONE.digest), "reason": "audit"}
_TAG_RULE = {"tags": ["v*"], "immutable": True}
_REPOSITORY_RULE = {"depth": 9}
_QUOTA = {"tags": 1000}
_UPSTREAM, _VIRTUAL = {"url": "https://registry.example"}, {"members": ["lab/"]}
_RETENTION_RULE = {"delete": [{"not_pulled_within": "90d"}]}
_IN_USE = {"digests": [str(_ONE.digest)], "expires_at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
_TRASH_RULE = {"keep": "12h"}
_QUARANTINE_RULE = {"person": True}
_RECEIPT_RULE = {"promotions": False}
_CLEAN_UP_RULE = {"empty_days": 7}
_NIGHTLY = {"to": "/srv/backups/orlop", "cron": "0 2 * * *"}
_SOURCE = {"url": "oci:advisories/osv:latest"}
_EXCEPTION = {"cves": ["CVE-2026-1"], "until": "2099-01-31", "reason": "it has no network"}
_PUBLIC_KEY = """-----BEGIN PUBLIC KEY-----
MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAELJGZZwDlfnW9mRwu2PpOiGoLxMYU
uu0ECLOaM5YPybFEvbExC1uxl+2BpTQyPyz0ycgZr8nggnqA6tCYwVHX3g==
-----END PUBLIC KEY-----
"""
_SIGNERS = {"keys": [_PUBLIC_KEY]}
_SBOM_RULE = {"attach": ["spdx"]}
_VEX_TRUST = {"pushers": ["robot+scan"]}
_VEX = {"statements": [{"ids": ["CVE-2026-1"], "status": "fixed", "products": [{"names": ["pkg:deb/debian/zlib9"]}]}]}
_LICENCE_RULE = {"refused": ["AGPL-*"]}
_GATE = {"deny_severity": "critical"}
_REFUSAL, _UNDONE = {"reason": "not now"}, {"reason": "it broke"}
_CERTIFICATE_RULE = {"match": "subject:CN=ci", "account": "robot+team"}
_READ_ONLY, _ENDED = {"reason": "moving"}, {"reason": "moved", "until": "2026-01-01T00:00:00Z"}
_SCANNER = {"url": "https://127.0.0.1:9"}
_PREFETCH = {"images": ["library/debian:*-slim"]}


def _rules(plural: str, body: object, ruler: frozenset[str] | None = None) -> dict[tuple[str, str], list[Any]]:
    """Of rules that whoever may pull may see, and whoever administers their place may change, or `ruler` alone."""
    one = ("GET", f"/{plural}/{{name}}"), ("PUT", f"/{plural}/{{name}}"), ("DELETE", f"/{plural}/{{name}}")
    changed = {"team": _DELETES, "team-b": frozenset({"root", "bob"}), "": _RULER}
    if ruler is not None:
        changed = dict.fromkeys(changed, ruler)
    seen = {"team": _PULLS | _SEES, "team-b": _SEES | {"bob"}, "": _SEES}
    return {
        ("GET", f"/{plural}"): [(f"/{plural}", None, _ANY)],
        one[0]: [(f"/{plural}/made?path={path}", None, who) for path, who in seen.items()],
        one[1]: [(f"/{plural}/new?path={path}", body, who) for path, who in changed.items()],
        one[2]: [(f"/{plural}/made?path={path}", None, who) for path, who in changed.items()],
    }


def _showing(plural: str, below: str, body: object, seeing: frozenset[str], *, removing: bool) -> dict[Any, Any]:
    """Of what shows something in a namespace below `team` and `team-b`: only who rules the registry may show what lies
    elsewhere. `removing`: whoever administers the place may remove it."""
    places = [f"team/{below}", f"team-b/{below}"]
    seen = [seeing | _SEES, _SEES | {"bob"}]
    removed = [_HERE, frozenset({"root", "bob"})] if removing else [_RULER, _RULER]
    return {
        ("GET", f"/{plural}"): [(f"/{plural}", None, _ANY)],
        ("GET", f"/{plural}/{{name}}"): [
            (f"/{plural}/made?path={place}", None, who) for place, who in zip(places, seen, strict=True)
        ],
        ("PUT", f"/{plural}/{{name}}"): [(f"/{plural}/new?path={place}/new", body, _RULER) for place in places],
        ("DELETE", f"/{plural}/{{name}}"): [
            (f"/{plural}/made?path={place}", None, who) for place, who in zip(places, removed, strict=True)
        ],
    }


def _pipeline(path: str) -> dict[str, object]:
    """Of stages within a place."""
    return {"stages": [f"dev={path or 'team'}/dev/", f"prod={path or 'team'}/prod/"], "approvals": ["prod=1"]}


#: What each route is asked with: (path, body, who may about `team`, who may about `team-b`).
CASES: dict[tuple[str, str], list[tuple[str, Any, frozenset[str]]]] = {
    ("GET", "/me"): [("/me", None, _ANY)],
    ("GET", "/attention"): [("/attention", None, _ANY)],
    ("GET", "/read-only"): [("/read-only", None, _ANY)],
    ("GET", "/read-only-switches"): [("/read-only-switches", None, _ANY)],
    ("GET", "/read-only-switches/{name}"): [("/read-only-switches/made", None, _ANY)],
    ("PUT", "/read-only-switches/{name}"): [("/read-only-switches/new", _READ_ONLY, _RULER)],
    ("DELETE", "/read-only-switches/{name}"): [("/read-only-switches/made", None, _RULER)],
    ("GET", "/configuration"): [("/configuration", None, _SEES)],
    ("GET", "/health"): [("/health", None, _SEES)],
    ("GET", "/status"): [("/status", None, _SEES)],
    ("PUT", "/me/password"): [("/me/password", {"password": "correct horse battery"}, _NOBODY)],
    ("GET", "/tokens"): [("/tokens", None, _USERS)],
    ("POST", "/tokens"): [("/tokens", {"name": "x"}, _USERS)],
    ("DELETE", "/tokens/{number}"): [("/tokens/{eve-token}", None, frozenset({"eve"}))],
    ("GET", "/users"): [("/users", None, _ANY)],
    ("POST", "/users"): [("/users", {"name": "made"}, _RULER)],
    ("GET", "/users/{name}"): [("/users/eve", None, _SEES | {"eve", "limited"})],
    ("PATCH", "/users/{name}"): [("/users/eve", {"display": "x"}, _RULER)],
    ("DELETE", "/users/{name}"): [("/users/eve", None, _RULER)],
    ("PUT", "/users/{name}/password"): [("/users/eve/password", {"password": "correct horse battery"}, _RULER)],
    ("GET", "/users/{name}/sessions"): [("/users/eve/sessions", None, _RULER | {"eve"})],
    ("DELETE", "/users/{name}/sessions"): [("/users/eve/sessions", None, _RULER | {"eve"})],
    ("GET", "/sessions"): [("/sessions", None, _OWN)],
    ("DELETE", "/sessions/{id}"): [("/sessions/none", None, _NOBODY)],
    ("GET", "/robots"): [("/robots", None, _ANY)],
    ("POST", "/robots"): [
        ("/robots", {"name": "robot+made", "namespace": "team"}, _HERE),
        ("/robots", {"name": "robot+made", "namespace": "team-b"}, frozenset({"root", "bob"})),
        ("/robots", {"name": "robot+made"}, _RULER),
    ],
    ("GET", "/robots/{name}"): [
        ("/robots/robot+team", None, _SEES_HERE | {"robot+team"}),
        ("/robots/robot+team-b", None, _SEES | {"bob"}),
    ],
    ("PATCH", "/robots/{name}"): [
        ("/robots/robot+team", {"display": "x"}, _HERE),
        ("/robots/robot+team-b", {"display": "x"}, frozenset({"root", "bob"})),
    ],
    ("DELETE", "/robots/{name}"): [
        ("/robots/robot+team", None, _HERE),
        ("/robots/robot+team-b", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/robots/{name}/secrets"): [
        ("/robots/robot+team/secrets", None, _SEES_HERE),
        ("/robots/robot+team-b/secrets", None, _SEES | {"bob"}),
    ],
    ("POST", "/robots/{name}/secrets"): [
        ("/robots/robot+team/secrets", {}, _HERE),
        ("/robots/robot+team-b/secrets", {}, frozenset({"root", "bob"})),
    ],
    ("POST", "/robots/{name}/rotate"): [
        ("/robots/robot+team/rotate", {}, _HERE),
        ("/robots/robot+team-b/rotate", {}, frozenset({"root", "bob"})),
    ],
    ("DELETE", "/robots/{name}/secrets/{number}"): [
        ("/robots/robot+team/secrets/{robot-secret}", None, _HERE),
    ],
    ("GET", "/groups"): [("/groups", None, _ANY)],
    ("POST", "/groups"): [("/groups", {"name": "made"}, _RULER)],
    ("GET", "/groups/{name}"): [("/groups/staff", None, _SEES | {"eve", "limited"})],
    ("DELETE", "/groups/{name}"): [("/groups/staff", None, _RULER)],
    ("GET", "/groups/{name}/members"): [("/groups/staff/members", None, _SEES)],
    ("PUT", "/groups/{name}/members/{account}"): [("/groups/staff/members/bob", None, _RULER)],
    ("DELETE", "/groups/{name}/members/{account}"): [("/groups/staff/members/eve", None, _RULER)],
    ("GET", "/roles"): [("/roles", None, _ANY)],
    ("GET", "/roles/{name}"): [("/roles/reader", None, _ANY)],
    ("PUT", "/roles/{name}"): [("/roles/made", {"actions": ["pull"]}, _RULER)],
    ("DELETE", "/roles/{name}"): [("/roles/spare", None, _RULER)],
    ("GET", "/grants"): [("/grants", None, _ANY)],
    ("POST", "/grants"): [
        ("/grants", {"principal": "eve", "role": "guest", "place": {"kind": "namespace", "path": "team"}}, _HERE),
        (
            "/grants",
            {"principal": "eve", "role": "guest", "place": {"kind": "namespace", "path": "team-b"}},
            frozenset({"root", "bob"}),
        ),
        ("/grants", {"principal": "eve", "role": "guest", "place": {"kind": "registry", "path": ""}}, _RULER),
        ("/grants", {"principal": "eve", "role": "admin", "place": {"kind": "registry", "path": ""}}, _RULER),
    ],
    ("GET", "/grants/{number}"): [
        ("/grants/{reader-grant}", None, _SEES_HERE | {"reader"}),
        ("/grants/{bob-grant}", None, _SEES | {"bob"}),
    ],
    ("DELETE", "/grants/{number}"): [
        ("/grants/{reader-grant}", None, _HERE),
        ("/grants/{bob-grant}", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/namespaces"): [("/namespaces", None, _ANY)],
    ("GET", "/namespaces/{path}"): [
        ("/namespaces/team", None, _SEES_HERE),
        ("/namespaces/team-b", None, _SEES | {"bob"}),
        ("/namespaces/-", None, _SEES),
    ],
    ("PUT", "/namespaces/{path}"): [
        ("/namespaces/team/made", {"visibility": "public"}, _HERE),
        ("/namespaces/team-b/made", {"visibility": "public"}, frozenset({"root", "bob"})),
        ("/namespaces/made", {"visibility": "public"}, _RULER),
    ],
    ("DELETE", "/namespaces/{path}"): [
        ("/namespaces/team/empty", None, _HERE),
        ("/namespaces/team-b/empty", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/repositories"): [("/repositories", None, _ANY)],
    ("GET", "/repositories/{path}"): [
        ("/repositories/team/app", None, _LISTS),
        ("/repositories/team-b/app", None, frozenset({"root", "aud", "bob", "robot+team-b"})),
    ],
    ("GET", "/untagged-manifests"): [
        ("/untagged-manifests?repository=team/app", None, _LISTS),
        ("/untagged-manifests?repository=team-b/app", None, frozenset({"root", "aud", "bob", "robot+team-b"})),
    ],
    ("DELETE", "/repositories/{path}"): [
        ("/repositories/team/app", None, _DELETES),
        ("/repositories/team-b/app", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/browse"): [
        ("/browse", None, _ANY),
        ("/browse?path=team", None, _LISTS),
        ("/browse?path=team-b", None, frozenset({"root", "aud", "bob"})),
    ],
    ("GET", "/search"): [("/search?q=app", None, _ANY)],
    ("GET", "/tags"): [
        ("/tags?repository=team/app", None, _PULLS),
        ("/tags?repository=team-b/app", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/tag-history"): [
        ("/tag-history?repository=team/app&tag=dev", None, _PULLS),
        ("/tag-history?repository=team-b/app&tag=dev", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/tag-at"): [
        ("/tag-at?repository=team/app&tag=dev&at=2100-01-01T00:00:00Z", None, _PULLS),
        ("/tag-at?repository=team-b/app&tag=dev&at=2100-01-01T00:00:00Z", None, frozenset({"root", "bob"})),
    ],
    ("POST", "/tag-rollbacks"): [
        ("/tag-rollbacks", {**_ROLLBACK, "repository": "team/app"}, _PUSHES),
        ("/tag-rollbacks", {**_ROLLBACK, "repository": "team-b/app"}, frozenset({"root", "bob"})),
    ],
    ("POST", "/tag-removals"): [
        ("/tag-removals", {**_REMOVALS, "repository": "team/app"}, _DELETES),
        ("/tag-removals", {**_REMOVALS, "repository": "team-b/app"}, frozenset({"root", "bob"})),
    ],
    ("GET", "/locks"): [
        ("/locks?repository=team/app", None, _PULLS),
        ("/locks?repository=team-b/app", None, frozenset({"root", "bob"})),
    ],
    ("POST", "/locks"): [
        ("/locks", {**_LOCK, "repository": "team/app"}, _DELETES),
        ("/locks", {**_LOCK, "repository": "team-b/app"}, frozenset({"root", "bob"})),
    ],
    ("DELETE", "/locks"): [
        (f"/locks?repository=team/held&digest={_TWO.digest}&reason=x", None, _HERE),
        (f"/locks?repository=team-b/held&digest={_TWO.digest}&reason=x", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/trash"): [("/trash", None, _ANY), ("/trash?place=team-b/", None, _ANY)],
    ("POST", "/trash-restorations"): [
        ("/trash-restorations", {"repository": "team/gone", "tag": "dev"}, _PUSHES),
        ("/trash-restorations", {"repository": "team/gone", "digest": str(_TWO.digest)}, _PUSHES),
        ("/trash-restorations", {"repository": "team/gone"}, _PUSHES),
        ("/trash-restorations", {"repository": "team-b/gone", "tag": "dev"}, frozenset({"root", "bob"})),
        ("/trash-restorations", {"repository": "team-b/gone"}, frozenset({"root", "bob"})),
        ("/trash-restorations", {"namespace": "team/was"}, _HERE),
        ("/trash-restorations", {"namespace": "team-b/was"}, frozenset({"root", "bob"})),
    ],
    ("POST", "/trash-emptyings"): [
        ("/trash-emptyings", {"place": "team/"}, _HERE),
        ("/trash-emptyings", {"place": "team/gone"}, _HERE),
        ("/trash-emptyings", {"number": 3}, _HERE),
        ("/trash-emptyings", {"place": "team-b/"}, frozenset({"root", "bob"})),
        ("/trash-emptyings", {"number": 4}, frozenset({"root", "bob"})),
        ("/trash-emptyings", {"place": "/"}, _RULER),
    ],
    ("GET", "/history"): [
        ("/history?repository=team/app", None, _PULLS),
        ("/history?repository=team-b/app", None, frozenset({"root", "bob"})),
    ],
    **{
        ("GET", path): [
            (f"{path}?repository=team/app&reference=dev", None, _PULLS),
            (f"{path}?repository=team-b/app&reference=dev", None, frozenset({"root", "bob"})),
        ]
        for path in (
            "/images",
            "/image-texts",
            "/image-packages",
            "/image-vulnerabilities",
            "/image-licences",
            "/image-signatures",
            "/sboms",
            *("/images", "/image-texts", "/image-packages", "/image-vulnerabilities"),
            *("/image-licences", "/sboms", "/attached-sboms"),
        )
    },
    ("GET", "/scan-reports"): [
        ("/scan-reports?repository=team/app&reference=dev", None, _PULLS),
        ("/scan-reports?repository=team-b/app&reference=dev", None, frozenset({"root", "bob"})),
    ],
    ("POST", "/scan-reports"): [
        ("/scan-reports", {"image": "team/app:dev"}, _PUSHES),
        ("/scan-reports", {"image": "team-b/app:dev"}, frozenset({"root", "bob"})),
    ],
    ("POST", "/image-readings"): [
        ("/image-readings", {"image": "team/app:dev"}, _PUSHES),
        ("/image-readings", {"image": "team-b/app:dev"}, frozenset({"root", "bob"})),
    ],
    ("GET", "/package-differences"): [
        ("/package-differences?from=team/app:dev&to=team/app:dev", None, _PULLS),
        ("/package-differences?from=team/app:dev&to=team-b/app:dev", None, frozenset({"root"})),
    ],
    ("GET", "/image-differences"): [
        ("/image-differences?from=team/app:dev&to=team/app:dev", None, _PULLS),
        ("/image-differences?from=team/app:dev&to=team-b/app:dev", None, frozenset({"root"})),
        (f"/image-differences?from=team-b/app:dev&to=team-b/app@{_ONE.digest}", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/labels"): [
        (f"/labels?repository={name}{of}", None, who)
        for name, who in {"team/app": _PULLS, "team-b/app": frozenset({"root", "bob"})}.items()
        for of in ("", "&reference=dev")
    ],
    **{
        (method, "/labels"): [
            ("/labels?repository=team/app", body, _DELETES),
            ("/labels?repository=team/app&reference=dev", body, _PUSHES),
            ("/labels?repository=team-b/app", body, frozenset({"root", "bob"})),
            ("/labels?repository=team-b/app&reference=dev", body, frozenset({"root", "bob"})),
        ]
        for method, body in {"PUT": {"labels": {"a": "b"}}, "PATCH": {"set": {"a": "b"}}}.items()
    },
    ("GET", "/labelled"): [("/labelled?selector=stage", None, _ANY)],
    ("GET", "/labelled-repositories"): [("/labelled-repositories", None, _ANY)],
    ("GET", "/trusts"): [("/trusts", None, _SEES)],
    ("GET", "/trusts/{name}"): [("/trusts/ci", None, _SEES)],
    ("PUT", "/trusts/{name}"): [("/trusts/made", {"issuer": "https://ci.example", "robot": "robot+team"}, _RULER)],
    ("DELETE", "/trusts/{name}"): [("/trusts/ci", None, _RULER)],
    ("GET", "/certificate-rules"): [("/certificate-rules", None, _SEES)],
    ("GET", "/certificate-rules/{name}"): [("/certificate-rules/made", None, _SEES)],
    ("PUT", "/certificate-rules/{name}"): [("/certificate-rules/new", _CERTIFICATE_RULE, _RULER)],
    ("DELETE", "/certificate-rules/{name}"): [("/certificate-rules/made", None, _RULER)],
    ("GET", "/providers"): [("/providers", None, _SEES)],
    ("GET", "/providers/{name}"): [("/providers/ldap", None, _SEES)],
    ("PUT", "/providers/{name}"): [("/providers/made", {"url": "ldaps://ldap.example"}, _RULER)],
    ("DELETE", "/providers/{name}"): [("/providers/ldap", None, _RULER)],
    **_rules("tag-rules", _TAG_RULE),
    **_rules("exceptions", _EXCEPTION),
    **_rules("signers", _SIGNERS),
    **_rules("sbom-rules", _SBOM_RULE),
    **_rules("vex-trusts", _VEX_TRUST),
    **_rules("vex-documents", _VEX),
    **_rules("licence-rules", _LICENCE_RULE),
    **_rules("gates", _GATE),
    **_rules("pipelines", None),
    ("PUT", "/pipelines/{name}"): [
        (f"/pipelines/new?path={path}", _pipeline(path), who)
        for path, who in {"team": _DELETES, "team-b": frozenset({"root", "bob"}), "": _RULER}.items()
    ],
    ("GET", "/promotions"): [("/promotions", None, _ANY)],
    ("POST", "/promotions"): [
        (
            "/promotions",
            {"images": [f"{path}/dev/app:dev"], "stage": "prod", "pipeline": "of-" + path},
            who,
        )
        for path, who in {"team": _PUSHES, "team-b": frozenset({"root", "bob"})}.items()
    ],
    ("GET", "/promotions/{number}"): [
        ("/promotions/{promotion-of-team}", None, _PULLS | _SEES),
        ("/promotions/{promotion-of-team-b}", None, _SEES | {"bob"}),
    ],
    ("GET", "/promotions/{number}/trial"): [
        ("/promotions/{promotion-of-team}/trial", None, _PUSHES),
        ("/promotions/{promotion-of-team-b}/trial", None, frozenset({"root", "bob"})),
    ],
    ("POST", "/promotions/{number}/approvals"): [  # root asked for them
        ("/promotions/{promotion-of-team}/approvals", None, _PUSHES - {"root"}),
        ("/promotions/{promotion-of-team-b}/approvals", None, frozenset({"bob"})),
    ],
    ("POST", "/promotions/{number}/refusal"): [
        ("/promotions/{promotion-of-team}/refusal", _REFUSAL, _PUSHES),
        ("/promotions/{promotion-of-team-b}/refusal", _REFUSAL, frozenset({"root", "bob"})),
    ],
    ("GET", "/promotion-boards/{name}"): [
        ("/promotion-boards/of-team?path=team", None, _PULLS | _SEES),
        ("/promotion-boards/of-team-b?path=team-b", None, _SEES | {"bob"}),
    ],
    ("POST", "/promotion-trials"): [  # whoever pulls the source is told what promoting it would be refused with
        ("/promotion-trials", {"images": [f"{path}/dev/app:dev"], "stage": "prod", "pipeline": "of-" + path}, who)
        for path, who in {"team": _PULLS, "team-b": frozenset({"root", "bob"})}.items()
    ],
    ("POST", "/promotion-rollbacks"): [
        ("/promotion-rollbacks", {"repository": "team/prod/app", **_UNDONE}, _DELETES),
        ("/promotion-rollbacks", {"repository": "team-b/prod/app", **_UNDONE}, frozenset({"root", "bob"})),
    ],
    ("GET", "/bundles"): [("/bundles", None, _ANY)],
    ("POST", "/bundles"): [
        ("/bundles", {"name": "new", "images": ["team/app:dev"]}, _PULLS),
        ("/bundles", {"name": "new", "images": ["team-b/app:dev"]}, frozenset({"root", "bob"})),
    ],
    ("GET", "/bundles/{name}"): [
        ("/bundles/kept?path=team/dev", None, _PULLS | _SEES),
        ("/bundles/kept?path=team-b/dev", None, _SEES | {"bob"}),
    ],
    ("GET", "/bundles/{name}/standing"): [
        ("/bundles/kept/standing?path=team/dev", None, _PULLS | _SEES),
        ("/bundles/kept/standing?path=team-b/dev", None, _SEES | {"bob"}),
    ],
    ("DELETE", "/bundles/{name}"): [
        ("/bundles/kept?path=team/dev", None, _DELETES),
        ("/bundles/kept?path=team-b/dev", None, frozenset({"root", "bob"})),
    ],
    **_rules("quarantine-rules", _QUARANTINE_RULE),
    **_rules("receipt-rules", _RECEIPT_RULE),
    ("GET", "/held-pushes"): [("/held-pushes", None, _ANY), ("/held-pushes?place=team-b/", None, _ANY)],
    **{
        ("POST", f"/held-pushes/{{number}}/{what}"): [
            (f"/held-pushes/{{held-in-team}}/{what}", {"reason": "it is so"}, _DELETES),
            (f"/held-pushes/{{held-in-team-b}}/{what}", {"reason": "it is so"}, frozenset({"root", "bob"})),
        ]
        for what in ("release", "refuse")
    },
    ("GET", "/gate-verdicts"): [
        ("/gate-verdicts?repository=team/app&reference=dev", None, _PULLS),
        ("/gate-verdicts?repository=team-b/app&reference=dev", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/gate-dry-runs/{name}"): [
        ("/gate-dry-runs/made?path=team", None, _DELETES),
        ("/gate-dry-runs/made?path=team-b", None, frozenset({"root", "bob"})),
    ],
    ("POST", "/gate-trials"): [
        ("/gate-trials", {"path": "team", "name": "x", "gate": {"no_root": True}}, _DELETES),
        ("/gate-trials", {"path": "team-b", "name": "x", "gate": {"no_root": True}}, frozenset({"root", "bob"})),
        ("/gate-trials", {"name": "x", "gate": {"no_root": True}}, _RULER),
    ],
    **_rules("quotas", _QUOTA, _RULER),
    **{
        ("GET", path): [
            (f"{path}?path=team", None, _DELETES | _SEES),
            (f"{path}?path=team/app", None, _DELETES | _SEES),
            (f"{path}?path=team-b", None, _SEES | {"bob"}),
            (path, None, _SEES),
        ]
        for path in ("/usage", "/usage/below", "/usage/days", "/usage/sharing")
    },
    **_showing("upstreams", "far", _UPSTREAM, _DELETES, removing=False),
    **_showing("virtuals", "all", _VIRTUAL, _PULLS, removing=True),
    ("GET", "/upstreams/{name}/status"): [
        ("/upstreams/made/status?path=team/far", None, _DELETES | _SEES),
        ("/upstreams/made/status?path=team-b/far", None, _SEES | {"bob"}),
    ],
    ("POST", "/upstreams/{name}/prefetches"): [
        ("/upstreams/made/prefetches?path=team/far", _PREFETCH, _HERE),
        ("/upstreams/made/prefetches?path=team-b/far", _PREFETCH, frozenset({"root", "bob"})),
    ],
    ("GET", "/upstreams/{name}/prefetches/{number}"): [
        ("/upstreams/made/prefetches/{prefetch-of-team}?path=team/far", None, _HERE),
        ("/upstreams/made/prefetches/{prefetch-of-team-b}?path=team-b/far", None, frozenset({"root", "bob"})),
        ("/upstreams/made/prefetches/{prefetch-of-team-b}?path=team/far", None, _NOBODY),
    ],
    ("POST", "/upstreams/{name}/prefetches/{number}/cancel"): [
        ("/upstreams/made/prefetches/{prefetch-of-team}/cancel?path=team/far", None, _HERE),
        ("/upstreams/made/prefetches/{prefetch-of-team-b}/cancel?path=team-b/far", None, frozenset({"root", "bob"})),
        ("/upstreams/made/prefetches/{prefetch-of-team-b}/cancel?path=team/far", None, _NOBODY),
    ],
    **_rules("repository-rules", _REPOSITORY_RULE),
    **_rules("retention-rules", _RETENTION_RULE),
    **_rules("trash-rules", _TRASH_RULE),
    **_rules("clean-up-rules", _CLEAN_UP_RULE),
    ("GET", "/rules"): [
        ("/rules?path=team", None, _PULLS | {"aud"}),
        ("/rules?path=team-b", None, _SEES | {"bob"}),
        ("/rules?repository=team/app", None, _PULLS | {"aud"}),
        ("/rules?repository=team-b/none", None, _SEES | {"bob"}),
        ("/rules", None, _SEES),
    ],
    ("GET", "/scanners"): [("/scanners", None, _ANY)],
    **{
        ("GET", f"/scanners/{{name}}{more}"): [
            (f"/scanners/made{more}?path=team", None, _DELETES | _SEES),
            (f"/scanners/made{more}?path=team-b", None, _SEES | {"bob"}),
            (f"/scanners/made{more}", None, _SEES),
        ]
        for more in ("", "/status")
    },
    **{
        (method, f"/scanners/{{name}}{more}"): [
            (f"/scanners/{name}{more}?path=team", body, _DELETES),
            (f"/scanners/{name}{more}?path=team-b", body, frozenset({"root", "bob"})),
            (f"/scanners/{name}{more}", body, _RULER),
        ]
        for method, name, more, body in (
            ("PUT", "new", "", _SCANNER),
            ("DELETE", "made", "", None),
            ("POST", "made", "/checks", None),
        )
    },
    ("GET", "/webhooks"): [("/webhooks", None, _ANY)],
    ("GET", "/webhooks/{name}"): [
        ("/webhooks/made?path=team", None, _DELETES | _SEES),
        ("/webhooks/made?path=team-b", None, _SEES | {"bob"}),
        ("/webhooks/made", None, _SEES),
    ],
    ("PUT", "/webhooks/{name}"): [
        ("/webhooks/new?path=team", _WEBHOOK, _DELETES),
        ("/webhooks/new?path=team-b", _WEBHOOK, frozenset({"root", "bob"})),
        ("/webhooks/new", _WEBHOOK, _RULER),
    ],
    ("DELETE", "/webhooks/{name}"): [
        ("/webhooks/made?path=team", None, _DELETES),
        ("/webhooks/made?path=team-b", None, frozenset({"root", "bob"})),
        ("/webhooks/made", None, _RULER),
    ],
    ("GET", "/webhooks/{name}/health"): [
        ("/webhooks/made/health?path=team", None, _DELETES | _SEES),
        ("/webhooks/made/health?path=team-b", None, _SEES | {"bob"}),
        ("/webhooks/made/health", None, _SEES),
    ],
    ("GET", "/webhooks/{name}/deliveries"): [
        ("/webhooks/made/deliveries?path=team", None, _DELETES | _SEES),
        ("/webhooks/made/deliveries?path=team-b", None, _SEES | {"bob"}),
        ("/webhooks/made/deliveries", None, _SEES),
    ],
    ("POST", "/webhooks/{name}/test"): [
        ("/webhooks/made/test?path=team", None, _DELETES),
        ("/webhooks/made/test?path=team-b", None, frozenset({"root", "bob"})),
        ("/webhooks/made/test", None, _RULER),
    ],
    ("POST", "/webhooks/{name}/resume"): [
        ("/webhooks/made/resume?path=team", None, _DELETES),
        ("/webhooks/made/resume?path=team-b", None, frozenset({"root", "bob"})),
        ("/webhooks/made/resume", None, _RULER),
    ],
    ("GET", "/deliveries/{number}"): [
        ("/deliveries/{delivery-of-team}", None, _DELETES | _SEES),
        ("/deliveries/{delivery-of-team-b}", None, _SEES | {"bob"}),
        ("/deliveries/{delivery-of-}", None, _SEES),
    ],
    ("POST", "/deliveries/{number}/redeliver"): [
        ("/deliveries/{delivery-of-team}/redeliver", None, _DELETES),
        ("/deliveries/{delivery-of-team-b}/redeliver", None, frozenset({"root", "bob"})),
        ("/deliveries/{delivery-of-}/redeliver", None, _RULER),
    ],
    ("GET", "/followers"): [("/followers", None, _SEES)],
    ("POST", "/followers/{name}/skip"): [("/followers/webhooks/skip", {"position": 7}, _RULER)],
    ("POST", "/providers/{name}/adopt"): [("/providers/corp/adopt", {}, _RULER)],
    ("POST", "/providers/{name}/test"): [("/providers/corp/test", None, _RULER)],
    ("GET", "/keys"): [("/keys", None, _SEES)],
    ("POST", "/keys/rotate"): [("/keys/rotate", None, _RULER)],
    ("GET", "/signing/keys"): [("/signing/keys", None, _ANY)],
    ("GET", "/signing/status"): [("/signing/status", None, _SEES)],
    **{("POST", f"/signing/{what}"): [(f"/signing/{what}", None, _RULER)] for what in ("init", "rotate", "stop")},
    ("GET", "/access/explain"): [
        ("/access/explain?action=pull&repository=team/app", None, _ANY),
        ("/access/explain?action=pull&repository=team/app&subject=eve", None, _SEES_HERE | {"eve", "limited"}),
        ("/access/explain?action=pull&repository=team-b/app&subject=reader", None, _SEES | {"bob", "reader"}),
    ],
    ("GET", "/access/who"): [
        ("/access/who?repository=team/app", None, _SEES_HERE),
        ("/access/who?repository=team-b/app", None, _SEES | {"bob"}),
    ],
    ("GET", "/advisory-sources"): [("/advisory-sources", None, _SEES)],
    ("GET", "/advisory-sources/{name}"): [("/advisory-sources/made", None, _SEES)],
    ("PUT", "/advisory-sources/{name}"): [("/advisory-sources/new", _SOURCE, _RULER)],
    ("DELETE", "/advisory-sources/{name}"): [("/advisory-sources/made", None, _RULER)],
    ("GET", "/job-schedules"): [("/job-schedules", None, _SEES)],
    ("GET", "/job-schedules/{name}"): [("/job-schedules/collection", None, _SEES)],
    ("PUT", "/job-schedules/{name}"): [("/job-schedules/sweep", {"every": 3600}, _RULER)],
    ("DELETE", "/job-schedules/{name}"): [("/job-schedules/collection", None, _RULER)],
    ("GET", "/backup-schedules"): [("/backup-schedules", None, _SEES)],
    ("GET", "/backup-schedules/{name}"): [("/backup-schedules/made", None, _SEES)],
    ("PUT", "/backup-schedules/{name}"): [("/backup-schedules/new", _NIGHTLY, _RULER)],
    ("DELETE", "/backup-schedules/{name}"): [("/backup-schedules/made", None, _RULER)],
    ("GET", "/backup-status"): [("/backup-status", None, _SEES)],
    ("GET", "/backups"): [("/backups?schedule=made", None, _SEES)],
    ("POST", "/backups"): [("/backups", {"schedule": "made"}, _RULER)],
    ("POST", "/backup-drills"): [("/backup-drills", {"schedule": "made"}, _RULER)],
    ("GET", "/scrub"): [("/scrub", None, _SEES)],
    ("GET", "/advisories"): [("/advisories", None, _ANY)],
    ("GET", "/advisories/{name}"): [("/advisories/TEST-1", None, _ANY)],
    ("POST", "/advisories"): [
        ("/advisories", {"source": "test", "exploited": [["CVE-2026-1", "2026-01-02", "", False]]}, _RULER)
    ],
    ("GET", "/package-search"): [("/package-search?package=openssl9", None, _ANY)],
    ("GET", "/licence-search"): [("/licence-search?licence=MIT", None, _ANY)],
    ("GET", "/new-findings"): [("/new-findings?since=2026-01-01T00:00:00Z", None, _ANY)],
    ("GET", "/vulnerability-search"): [("/vulnerability-search?id=TEST-1", None, _ANY)],
    ("GET", "/vulnerability-reports"): [("/vulnerability-reports?at=team", None, _ANY)],
    ("GET", "/vulnerability-days"): [("/vulnerability-days?at=team", None, _ANY)],
    ("GET", "/advisory-status"): [("/advisory-status", None, _SEES)],
    ("GET", "/quarantine"): [("/quarantine", None, _SEES)],
    ("GET", "/job-kinds"): [("/job-kinds", None, _SEES)],
    ("GET", "/jobs"): [("/jobs", None, _SEES)],
    ("POST", "/jobs"): [("/jobs", {"kind": "collection"}, _RULER)],
    ("GET", "/jobs/{number}"): [("/jobs/{waiting-job}", None, _SEES)],
    ("POST", "/jobs/{number}/cancel"): [("/jobs/{waiting-job}/cancel", None, _RULER)],
    ("POST", "/jobs/{number}/retry"): [("/jobs/{cancelled-job}/retry", None, _RULER)],
    ("GET", "/retention-plans"): [("/retention-plans", None, _ANY)],
    ("POST", "/retention-plans"): [
        ("/retention-plans", {"path": "team"}, _DELETES),
        ("/retention-plans", {"path": "team-b"}, frozenset({"root", "bob"})),
        ("/retention-plans", {}, _RULER),
    ],
    ("POST", "/retention-trials"): [
        ("/retention-trials", {"path": "team", "name": "x", "rule": {"untagged_after": "7d"}}, _DELETES),
        (
            "/retention-trials",
            {"path": "team-b", "name": "x", "rule": {"untagged_after": "7d"}},
            frozenset({"root", "bob"}),
        ),
        ("/retention-trials", {"name": "x", "rule": {"untagged_after": "7d"}}, _RULER),
    ],
    ("GET", "/retention-plans/{number}"): [
        ("/retention-plans/{plan-of-team}", None, _DELETES | _SEES),
        ("/retention-plans/{plan-of-team-b}", None, _SEES | {"bob"}),
        ("/retention-plans/{plan-of-}", None, _SEES),
    ],
    ("GET", "/retention-plans/{number}/items"): [
        ("/retention-plans/{plan-of-team}/items", None, _DELETES | _SEES),
        ("/retention-plans/{plan-of-team-b}/items", None, _SEES | {"bob"}),
        ("/retention-plans/{plan-of-}/items", None, _SEES),
    ],
    ("POST", "/retention-plans/{number}/apply"): [
        ("/retention-plans/{plan-of-team}/apply", {}, _DELETES),
        ("/retention-plans/{plan-of-team-b}/apply", {}, frozenset({"root", "bob"})),
        ("/retention-plans/{plan-of-}/apply", {}, _RULER),
    ],
    ("GET", "/retention-inventory"): [
        ("/retention-inventory?path=team", None, _DELETES | _SEES),
        ("/retention-inventory?path=team-b", None, _SEES | {"bob"}),
        ("/retention-inventory", None, _SEES),
    ],
    ("GET", "/in-use"): [("/in-use", None, _ANY)],
    ("PUT", "/in-use/{name}"): [
        ("/in-use/new?path=team", _IN_USE, _PULLS),
        ("/in-use/new?path=team-b", _IN_USE, frozenset({"root", "bob"})),
        ("/in-use/new", _IN_USE, _RULER),
        ("/in-use/made?path=team", _IN_USE, _DELETES),
    ],
    ("DELETE", "/in-use/{name}"): [
        ("/in-use/made?path=team", None, _DELETES),
        ("/in-use/made?path=team-b", None, frozenset({"root", "bob"})),
    ],
    ("GET", "/audit"): [
        ("/audit", None, _SEES),
        ("/audit?place=team", None, _SEES_HERE),
        ("/audit?place=team-b", None, _SEES | {"bob"}),
    ],
}


async def _peopled() -> tuple[Api, dict[str, str]]:
    """The registry, with somebody of each role in `team`; and the numbers of what is asked about."""
    api = await registry()
    for role in ("owner", "maintainer", "publisher", "reader", "guest"):
        await api.account(role, (role, namespace("team")))
    await api.group("staff", "eve")
    await api.token("eve", "limited", (Limit(frozenset({Action.PULL}), namespace("team")),))
    await api.management.settings.put(_caller(api, "root"), "role", "spare", {"actions": [Action.PULL]}, 0)
    root = _caller(api, "root")
    await api.management.settings.put(root, "read-only", "made", _ENDED, 0, "")
    await api.management.settings.put(root, "certificate-rule", "made", _CERTIFICATE_RULE, 0)
    await api.management.settings.put(root, "trust", "ci", {"issuer": "https://a.example", "robot": "robot+team"}, 0)
    await api.management.settings.put(root, "provider", "ldap", {"url": "x", "bind_password": "secret"}, 0)
    for name in ("team/app", "team-b/app"):
        for what in (_ONE, _TWO):
            await Scene(api.catalog.catalog).push(RepositoryName(name), what, Tag("dev"))
    for name in ("team/held", "team-b/held"):
        await Scene(api.catalog.catalog).push(RepositoryName(name), _TWO)
        await api.catalog.catalog.locks.add(RepositoryName(name), _TWO.digest, "audit", api.by)
    for path in ("team/was", "team-b/was"):
        await api.identity.namespaces.put(Namespace(path=path), api.by)
        await api.identity.namespaces.remove(path, api.by, HOUR)
    for name in ("team/gone", "team-b/gone"):
        scene = Scene(api.catalog.catalog, at=api.now)
        await scene.push(RepositoryName(name), _TWO, Tag("dev"))
        await api.catalog.catalog.repositories.remove(RepositoryName(name), api.by, Terms(trash=HOUR))
    insides = api.catalog.catalog.insides.images
    for pushed in (_ONE, _TWO):
        await insides.again(pushed.digest, 1)
        [claimed] = await insides.claim(1, 2, 1)
        assert await insides.read(claimed, assemble(()), 1, 1)
    await api.catalog.catalog.advisories.advisories.store("test", batch(advisory("TEST-1", "openssl9", "3.0.2-1")))
    for path in ("", "team", "team-b"):
        await api.management.settings.put(root, "tag-rule", "made", _TAG_RULE, 0, path)
        await api.management.settings.put(root, "exception", "made", _EXCEPTION, 0, path)
        await api.management.settings.put(root, "signers", "made", _SIGNERS, 0, path)
        await api.management.settings.put(root, "sbom-rule", "made", _SBOM_RULE, 0, path)
        await api.management.settings.put(root, "vex-trust", "made", _VEX_TRUST, 0, path)
        await api.management.settings.put(root, "vex", "made", _VEX, 0, path)
        await api.management.settings.put(root, "licence-rule", "made", _LICENCE_RULE, 0, path)
        await api.management.settings.put(root, "gate", "made", _GATE, 0, path)
        await api.management.settings.put(root, "quota", "made", _QUOTA, 0, path)
        await api.management.settings.put(root, "repository-rule", "made", _REPOSITORY_RULE, 0, path)
        await api.management.settings.put(root, "retention", "made", _RETENTION_RULE, 0, path)
        retention = api.catalog.catalog.retention
        plan = await retention.plans.add(path, By("somebody", 1))
        await retention.plans.planned(plan.id, PlanFigures(), By("somebody", 1))
        await retention.in_use.put(path, "made", [_ONE.digest], 1, By("somebody", 1))
        await api.management.settings.put(root, "trash-rule", "made", _TRASH_RULE, 0, path)
        await api.management.settings.put(root, "quarantine-rule", "made", _QUARANTINE_RULE, 0, path)
        await api.management.settings.put(root, "receipt-rule", "made", _RECEIPT_RULE, 0, path)
        await api.management.settings.put(root, "clean-up-rule", "made", _CLEAN_UP_RULE, 0, path)
        await api.management.settings.put(root, "webhook", "made", _WEBHOOK, 0, path)
        await api.management.settings.put(root, "scanner", "made", _SCANNER, 0, path)
        if path:
            await api.management.settings.put(root, "upstream", "made", _UPSTREAM, 0, f"{path}/far")
            await api.management.settings.put(root, "virtual", "made", _VIRTUAL, 0, f"{path}/all")
        attempt = Attempt(1, 1, 1, 200, "", "")
        hook = await api.identity.documents.get("webhook", "made", path)
        assert hook is not None
        delivery = NewDelivery(hook.identity, f"{path}/app", 1, "tag.set", b"{}")
        await api.catalog.webhooks.log.tried(delivery, attempt, DeliveryState.DELIVERED, By("root", 1))
    await api.desks.attestation_keys.begin(root)
    for path in ("team", "team-b"):
        for name in ("made", f"of-{path}"):
            await api.management.settings.put(root, "pipeline", name, _pipeline(path), 0, path)
        await Scene(api.catalog.catalog).push(RepositoryName(f"{path}/dev/app"), _ONE, Tag("dev"))
        await _promoted(api, path)
    await api.management.settings.put(root, "pipeline", "made", _pipeline(""), 0, "")
    stuck = known.WEBHOOKS
    await api.catalog.cursors.register(stuck)
    await api.catalog.cursors.stumble(stuck, 7, "it makes no sense", 1)
    await api.management.settings.put(root, "advisory-source", "made", _SOURCE, 0)
    await api.management.settings.put(root, "backup-schedule", "made", _NIGHTLY, 0)
    await api.management.settings.put(root, "job-schedule", "collection", {"every": 60}, 0)
    jobs = api.catalog.queue.jobs
    prefetches, held = {}, {}
    for path in ("team", "team-b"):
        held[f"{{held-in-{path}}}"] = str(await _held(api, RepositoryName(f"{path}/waiting")))
        arguments = {"upstream": "made", "images": ["library/debian:12"]}
        job = await jobs.ask(Order(kind="upstream-prefetch", arguments=arguments, place=f"{path}/far"), By("root", 1))
        assert job is not None
        prefetches[f"{{prefetch-of-{path}}}"] = str(job.id)
    waiting, cancelled = [await jobs.ask(Order(kind="collection"), By("root", 1)) for _ in range(2)]
    assert waiting is not None
    assert cancelled is not None
    await jobs.cancel(cancelled.id, By("root", 1))
    real = {"type": "oidc", "issuer": "https://corp.example", "client_id": "orlop"}
    await api.identity.documents.put(Document("provider", "corp", msgspec.json.encode(real)), By("root", 1))
    grants = dict(rows(api.catalog, "SELECT a.name, g.id FROM grants g JOIN accounts a ON a.id = g.account_id"))
    unlimited = "SELECT a.name, s.id FROM secrets s JOIN accounts a ON a.id = s.account_id WHERE s.limits IS NULL"
    secrets = dict(rows(api.catalog, unlimited))
    return api, {
        "{eve-token}": str(secrets["eve"]),
        "{robot-secret}": str(secrets["robot+team"]),
        "{reader-grant}": str(grants["reader"]),
        "{bob-grant}": str(grants["bob"]),
        **{
            f"{{delivery-of-{hook.partition(':')[0]}}}": str(number)
            for number, hook in rows(api.catalog, "SELECT id, hook FROM deliveries")
        },
        **{
            f"{{plan-of-{path}}}": str(number)
            for number, path in rows(api.catalog, "SELECT id, path FROM retention_plans")
        },
        **{
            f"{{promotion-of-{path}}}": str(number)
            for number, path in rows(api.catalog, "SELECT id, path FROM promotions WHERE state = 0")
        },
        **prefetches,
        **held,
        "{waiting-job}": str(waiting.id),
        "{cancelled-job}": str(cancelled.id),
    }


async def _promoted(api: Api, path: str) -> None:
    """One promotion of a place that is done, and one that waits; and a bundle."""
    source, target, promotions = f"{path}/dev/app", f"{path}/prod/app", api.catalog.catalog.promotions
    for tag, needed in (("first", 0), ("dev", 1)):
        one = PromotedImage(RepositoryName(source), Tag("dev"), _ONE.digest, RepositoryName(target), Tag(tag))
        asked = NewPromotion(
            path=path,
            pipeline=f"of-{path}",
            source="dev",
            stage="prod",
            images=(one,),
            asked_id=_caller(api, "root").subject.id,
            needed=needed,
            expires_at=api.now + HOUR,
        )
        if needed:
            await promotions.ask(asked, By("root", api.now))
        else:
            await promotions.carry_out(asked, [Move(one, (), Terms())], By("root", api.now))
    kept = BundledImage(RepositoryName(source), Tag("dev"), _ONE.digest)
    bundle = Bundle(
        path=f"{path}/dev", name="kept", created_by="root", created_id=1, created_at=api.now, images=(kept,)
    )
    await api.catalog.catalog.bundles.add(bundle, 10, By("root", api.now))


async def _held(api: Api, repository: RepositoryName) -> int:
    """Something that waits in quarantine."""
    scene = Scene(api.catalog.catalog)
    await scene.hold_missing(repository, _ONE)
    push = ManifestPush(repository, _ONE.digest, _ONE.content, _ONE.manifest, held=True)
    assert await api.catalog.catalog.manifests.put(push, By("somebody", 1))
    found = await api.catalog.catalog.held_pushes.of(repository, _ONE.digest)
    assert found is not None
    return found.id


def _caller(api: Api, name: str) -> Any:
    [(kind, number)] = rows(api.catalog, "SELECT kind, id FROM accounts WHERE name = ?", name)
    return Caller(Subject(name, SubjectKind(kind), number))


def _version(api: Api) -> int:
    [(version,)] = rows(api.catalog, "SELECT version FROM access_state")
    return int(version)


def _routes(app: Litestar) -> dict[tuple[str, str], Operation]:
    found: dict[tuple[str, str], Operation] = {}
    for route in app.routes:
        for handler in getattr(route, "route_handlers", ()):
            operation = handler.opt.get("operation")
            if operation is None:
                assert (
                    not route.path.startswith(PREFIX)
                    or route.path.startswith(f"{PREFIX}/schema")
                    or (handler.http_methods == {"OPTIONS"})
                ), f"{route.path} names no operation"
                continue
            path = route.path_format.removeprefix(PREFIX)
            found |= {(method, path): operation for method in handler.http_methods}
    return found


@pytest.fixture(scope="module")
def peopled() -> Iterator[tuple[asyncio.Runner, Api, dict[str, str], bytes]]:
    """One registry for all cases, each of which finds it as it was."""
    with asyncio.Runner() as own:
        api, numbers = own.run(_peopled())
        yield own, api, numbers, api.snapshot()
        own.run(api.hooks.close())
        api.close()


@pytest.fixture(scope="module")
def routed(peopled: Any) -> dict[tuple[str, str], Operation]:
    return _routes(peopled[1].app.face.routes)


def test_every_route_is_asked(routed: dict[tuple[str, str], Operation]) -> None:
    assert set(routed) == set(CASES)


def test_every_operation_is_in_the_table_and_every_one_has_a_route(
    routed: dict[tuple[str, str], Operation],
) -> None:
    assert set(RULES) == set(Operation)
    assert set(routed.values()) == set(Operation)


@pytest.mark.parametrize(("method", "route"), CASES, ids=lambda value: str(value))
def test_who_gets_in(method: str, route: str, peopled: Any) -> None:
    own, api, numbers, snapshot = peopled

    async def asked(path: str, body: Any, who: str) -> Answer:
        headers = {"if-none-match": "*"} if method == "PUT" and "members" not in path else {}
        return await api.ask(method, path, who, body, headers=headers)

    for path, body, allowed in CASES[method, route]:
        for name, number in numbers.items():
            path = path.replace(name, number)
        for who in PEOPLE:
            api.restore(snapshot)
            version = _version(api)
            answer = own.run(asked(path, body, who))
            what = f"{who or 'nobody'}: {method} {path} → {answer.status} {answer.body[:300]!r}"
            if who in allowed:
                assert answer.status < 300, what
                continue
            ruler_of_nothing = who == "root" and answer.status in {400, 404, 409}
            assert answer.status == 401 if not who else answer.status in {401, 403, 404} or ruler_of_nothing, what
            assert_problem(answer, answer.status)
            assert _version(api) == version, f"a refusal changes nothing: {what}"
