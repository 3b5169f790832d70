"""Every route, asked by everybody: generated from the table of routes, so that a new one is asked about too."""

from collections.abc import Callable, Iterator
from typing import NamedTuple

import pytest
import structlog

from orlop.domain.access import ROLES as BUILT_IN
from orlop.domain.access import Action
from orlop.faces.distribution.request import RequestKind
from orlop.faces.distribution.table import FILTERED, NEEDS
from tests.content import artifact, blob, image
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess, Lines
from tests.wire.people import ACME, EVERYBODY, ROLES, Private

pytestmark = pytest.mark.slow

APP = image("app", ["base", "code"])
NEXT = image("app", ["base", "code"], annotations={"build": "2"})
BASE, LOOSE, NEW = blob("base"), blob("loose"), blob("new")
SBOM = artifact("sbom", subject=APP)
TYPE: Lines = [("content-type", APP.media_type)]

#: Stands for the name of a repository in a target.
NAME = "{name}"


class Asking(NamedTuple):
    """A request of one kind that is answered with `status` where it is allowed. `session` is an upload of the asker."""

    method: str
    target: str
    status: int
    body: bytes = b""
    headers: Lines = ()
    actions: tuple[Action, ...] = ()
    """What it takes, where that is more or less than what the table says."""


#: Requests of every kind. A kind without one fails the test below.
REQUESTS: dict[RequestKind, tuple[Asking, ...]] = {
    RequestKind.PING: (Asking("GET", "/v2/", 200), Asking("HEAD", "/v2/", 200)),
    RequestKind.CATALOG: (Asking("GET", "/v2/_catalog", 200), Asking("HEAD", "/v2/_catalog?n=1", 200)),
    RequestKind.TAGS: (Asking("GET", f"/v2/{NAME}/tags/list", 200), Asking("HEAD", f"/v2/{NAME}/tags/list?n=1", 200)),
    RequestKind.REFERRERS: (
        Asking("GET", f"/v2/{NAME}/referrers/{APP.digest}", 200),
        Asking("GET", f"/v2/{NAME}/referrers/{APP.digest}?artifactType=a/b", 200),
    ),
    RequestKind.MANIFEST_GET: (
        Asking("GET", f"/v2/{NAME}/manifests/v1", 200),
        Asking("HEAD", f"/v2/{NAME}/manifests/v1", 200),
        Asking("GET", f"/v2/{NAME}/manifests/{APP.digest}", 200),
    ),
    RequestKind.MANIFEST_PUT: (
        Asking("PUT", f"/v2/{NAME}/manifests/v1", 201, APP.content, TYPE),
        Asking("PUT", f"/v2/{NAME}/manifests/v1", 201, NEXT.content, TYPE),
        Asking("PUT", f"/v2/{NAME}/manifests/v2", 201, APP.content, TYPE),
        Asking("PUT", f"/v2/{NAME}/manifests/{NEXT.digest}?tag=v3", 201, NEXT.content, TYPE),
    ),
    RequestKind.MANIFEST_DELETE: (
        Asking("DELETE", f"/v2/{NAME}/manifests/v1", 202, actions=(Action.UNTAG,)),
        Asking("DELETE", f"/v2/{NAME}/manifests/{APP.digest}", 202, actions=(Action.DELETE,)),
    ),
    RequestKind.BLOB_GET: (
        Asking("GET", f"/v2/{NAME}/blobs/{BASE.digest}", 200),
        Asking("HEAD", f"/v2/{NAME}/blobs/{BASE.digest}", 200),
        Asking("GET", f"/v2/{NAME}/blobs/{BASE.digest}", 206, headers=[("range", "bytes=0-1")]),
    ),
    RequestKind.BLOB_DELETE: (Asking("DELETE", f"/v2/{NAME}/blobs/{LOOSE.digest}", 202),),
    RequestKind.UPLOAD_START: (
        Asking("POST", f"/v2/{NAME}/blobs/uploads/", 202),
        Asking("POST", f"/v2/{NAME}/blobs/uploads/?digest={NEW.digest}", 201, NEW.content),
        Asking("POST", f"/v2/{NAME}/blobs/uploads/?mount={NEW.digest}&from=rival/secret", 202),
    ),
    RequestKind.UPLOAD_STATUS: (Asking("GET", "{session}", 204),),
    RequestKind.UPLOAD_APPEND: (Asking("PATCH", "{session}", 202, b"abc"),),
    RequestKind.UPLOAD_FINISH: (Asking("PUT", f"{{session}}?digest={NEW.digest}", 201, NEW.content),),
    RequestKind.UPLOAD_CANCEL: (Asking("DELETE", "{session}", 204),),
}

EVERY = [(kind, asking) for kind, several in REQUESTS.items() for asking in several]
REFUSED = [
    (kind, asking, who)
    for kind, asking in EVERY
    for who in EVERYBODY
    if kind not in FILTERED and not (kind is RequestKind.PING and who != "anonymous")
]


def test_every_kind_of_request_is_asked_about() -> None:
    assert set(REQUESTS) == set(RequestKind)


def may(who: str, kind: RequestKind, asking: Asking) -> bool:
    """Whether somebody may, by their role alone."""
    if kind is RequestKind.PING:
        return who != "anonymous"
    held = BUILT_IN[who].actions if who in ROLES else frozenset[Action]()
    return bool(held & set(asking.actions or NEEDS[kind].actions))


def named(asking: Asking, repository: str, session: str = "") -> str:
    """The target of a request about a repository."""
    target = asking.target.replace("{session}", session or f"/v2/{repository}/blobs/uploads/{'0' * 8}-{'0' * 27}")
    return target.replace(NAME, repository)


def filled(registry: InProcess) -> Private:
    """A registry with people, a repository of theirs, and one of another tenant."""
    people = Private(registry)
    people.push("owner", f"{ACME}/app", APP, "v1")
    people.push("owner", f"{ACME}/app", SBOM)
    for piece in (LOOSE,):
        people.ask("owner", "POST", f"/v2/{ACME}/app/blobs/uploads/?digest={piece.digest}", piece.content)
    people.push("other", "rival/secret", image("secret", ["new"]), "v1")
    return people


@pytest.fixture(name="people")
def _people() -> Iterator[Private]:
    with structlog.testing.capture_logs(), InProcess(open=False) as registry:
        yield filled(registry)


@pytest.fixture(name="lasting_people", scope="module", params=["memory", "disk"])
def _lasting_people(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Callable[..., Answer]]:
    data = None if request.param == "memory" else tmp_path_factory.mktemp("people") / "data"
    with structlog.testing.capture_logs(), InProcess(data, open=False) as registry:
        people = filled(registry)
        ticket = people.ask("owner", "POST", f"/v2/{ACME}/app/blobs/uploads/").header("location")
        session = people.ask("owner", "PATCH", ticket).header("location")

        def asked(who: str, asking: Asking, repository: str) -> Answer:
            target = named(asking, repository, session if repository == f"{ACME}/app" else "")
            return people.ask(who, asking.method, target, asking.body, asking.headers)

        yield asked


ALLOWED = [
    pytest.param(kind, asking, who, id=f"{who} {asking.method} {asking.target[:60]} {position}")
    for position, (kind, asking) in enumerate(EVERY)
    for who in EVERYBODY
    if kind not in FILTERED and may(who, kind, asking)
]


@pytest.mark.parametrize(("kind", "asking", "who"), ALLOWED)
def test_who_may_is_let_in(people: Private, kind: RequestKind, asking: Asking, who: str) -> None:
    session = ""
    if "{session}" in asking.target:
        session = people.ask(who, "POST", f"/v2/{ACME}/app/blobs/uploads/").header("location")
    if kind is RequestKind.MANIFEST_DELETE and APP.digest in asking.target:
        assert people.ask("owner", "GET", f"/v2/{ACME}/app/referrers/{APP.digest}").status == 200
    target = named(asking, f"{ACME}/app", session)
    answer = people.ask(who, asking.method, target, asking.body, asking.headers)
    assert answer.status == asking.status, answer
    if kind is RequestKind.MANIFEST_GET or kind is RequestKind.REFERRERS:
        assert answer.body or asking.method == "HEAD"


@pytest.mark.parametrize(
    ("kind", "asking", "who"),
    [
        pytest.param(kind, asking, who, id=f"{who} {asking.method} {asking.target[:60]} {position}")
        for position, (kind, asking, who) in enumerate(REFUSED)
        if not may(who, kind, asking)
    ],
)
def test_who_may_not_learns_nothing(
    lasting_people: Callable[..., Answer], kind: RequestKind, asking: Asking, who: str
) -> None:
    """What is there and what is not look the same to who may not know: status, code, message, headers."""
    there = lasting_people(who, asking, f"{ACME}/app")
    nowhere = lasting_people(who, asking, f"{ACME}/none")
    assert shape(there, f"{ACME}/app") == shape(nowhere, f"{ACME}/none")
    if who == "anonymous":
        assert there.status == 401
        assert there.header("www-authenticate").startswith("Bearer realm=")
        return
    if who not in ROLES:
        assert shape(there, f"{ACME}/app") == shape(lasting_people(who, asking, "none"), "none")
    reads = kind in {RequestKind.TAGS, RequestKind.REFERRERS, RequestKind.MANIFEST_GET, RequestKind.BLOB_GET}
    if not reads or who in ROLES:
        assert there.status == 403
    elif kind is RequestKind.REFERRERS:
        assert there.status == 200
        assert b'"manifests":[]' in there.body
    else:
        assert there.status == 404


def shape(answer: Answer, repository: str) -> tuple[object, ...]:
    """An answer without what names the request and the repository."""
    drop = {"x-request-id", "content-length", "ratelimit", "ratelimit-policy"}
    headers = [(name, value.replace(repository, NAME)) for name, value in answer.headers if name not in drop]
    body = answer.body.replace(repository.encode(), NAME.encode())
    request_id = answer.header("x-request-id").encode()
    session = b"0" * 8 + b"-" + b"0" * 27
    return answer.status, headers, body.replace(request_id, b"ID").replace(session, b"SESSION")


@pytest.mark.parametrize(
    ("who", "seen"),
    [
        ("stranger", []),
        ("guest", []),
        ("reader", [f"{ACME}/app"]),
        ("owner", [f"{ACME}/app"]),
        ("other", ["rival/secret"]),
        ("root", [f"{ACME}/app", "rival/secret"]),
    ],
)
def test_the_catalog_shows_each_their_own(people: Private, who: str, seen: list[str]) -> None:
    answer = people.ask(who, "GET", "/v2/_catalog")
    assert (answer.status, answer.json()) == (200, {"repositories": seen})


def test_the_catalog_asks_nobody_to_sign_in(people: Private) -> None:
    answer = people.ask("anonymous", "GET", "/v2/_catalog")
    assert answer.status == 401
    assert 'scope="registry:catalog:*"' in answer.header("www-authenticate")
