"""Method and target to a typed request: a table of what there is, and that nothing else comes of anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.faces.distribution.request import Request, RequestKind, parse_request
from orlop.faces.http.errors import MethodNotAllowed, RouteUnknown, render, status_of
from tests.wire.names import HEX

DIGEST = f"sha256:{HEX}"
SESSION = "0a1b2c3d-0000-4000-8000-00000000000f"

#: Method, path, and the request they are.
TABLE: tuple[tuple[str, str, Request], ...] = tuple(
    (method, path, Request(kind, **fields))  # type: ignore[arg-type]
    for methods, path, kind, fields in (
        ("GET HEAD", "/v2/", RequestKind.PING, {}),
        ("GET HEAD", "/v2", RequestKind.PING, {}),
        ("GET HEAD", "/v2/_catalog", RequestKind.CATALOG, {}),
        ("GET HEAD", "/v2/app/tags/list", RequestKind.TAGS, {"repository": "app"}),
        ("GET HEAD", "/v2/a/b/tags/list", RequestKind.TAGS, {"repository": "a/b"}),
        ("GET", "/v2/tags/tags/list", RequestKind.TAGS, {"repository": "tags"}),
        ("GET", "/v2/tags/list/tags/list", RequestKind.TAGS, {"repository": "tags/list"}),
        ("GET", "/v2/v2/tags/list", RequestKind.TAGS, {"repository": "v2"}),
        ("GET HEAD", f"/v2/app/referrers/{DIGEST}", RequestKind.REFERRERS, {"repository": "app", "digest": DIGEST}),
        ("GET HEAD", "/v2/app/manifests/v1", RequestKind.MANIFEST_GET, {"repository": "app", "reference": "v1"}),
        (
            "GET HEAD",
            f"/v2/app/manifests/{DIGEST}",
            RequestKind.MANIFEST_GET,
            {"repository": "app", "reference": DIGEST},
        ),
        (
            "GET",
            f"/v2/app/manifests/sha256%3a{HEX}",
            RequestKind.MANIFEST_GET,
            {"repository": "app", "reference": DIGEST},
        ),
        ("GET", "/v2/app/manifests/list", RequestKind.MANIFEST_GET, {"repository": "app", "reference": "list"}),
        (
            "GET",
            "/v2/a/manifests/manifests/b",
            RequestKind.MANIFEST_GET,
            {"repository": "a/manifests", "reference": "b"},
        ),
        (
            "GET",
            "/v2/blobs/uploads/manifests/b",
            RequestKind.MANIFEST_GET,
            {"repository": "blobs/uploads", "reference": "b"},
        ),
        ("PUT", "/v2/app/manifests/v1", RequestKind.MANIFEST_PUT, {"repository": "app", "reference": "v1"}),
        ("DELETE", "/v2/app/manifests/v1", RequestKind.MANIFEST_DELETE, {"repository": "app", "reference": "v1"}),
        ("GET HEAD", f"/v2/app/blobs/{DIGEST}", RequestKind.BLOB_GET, {"repository": "app", "digest": DIGEST}),
        ("GET", f"/v2/a/blobs/blobs/{DIGEST}", RequestKind.BLOB_GET, {"repository": "a/blobs", "digest": DIGEST}),
        ("DELETE", f"/v2/app/blobs/{DIGEST}", RequestKind.BLOB_DELETE, {"repository": "app", "digest": DIGEST}),
        ("POST", "/v2/app/blobs/uploads/", RequestKind.UPLOAD_START, {"repository": "app"}),
        ("POST", "/v2/app/blobs/uploads", RequestKind.UPLOAD_START, {"repository": "app"}),
        (
            "GET HEAD",
            f"/v2/app/blobs/uploads/{SESSION}",
            RequestKind.UPLOAD_STATUS,
            {"repository": "app", "upload": SESSION},
        ),
        (
            "PATCH",
            f"/v2/app/blobs/uploads/{SESSION}",
            RequestKind.UPLOAD_APPEND,
            {"repository": "app", "upload": SESSION},
        ),
        (
            "PUT",
            f"/v2/app/blobs/uploads/{SESSION}",
            RequestKind.UPLOAD_FINISH,
            {"repository": "app", "upload": SESSION},
        ),
        (
            "DELETE",
            f"/v2/app/blobs/uploads/{SESSION}",
            RequestKind.UPLOAD_CANCEL,
            {"repository": "app", "upload": SESSION},
        ),
    )
    for method in methods.split()
)

_METHODS = st.sampled_from(["GET", "HEAD", "PUT", "POST", "PATCH", "DELETE", "OPTIONS"]) | st.text(max_size=8)
_PARTS = st.sampled_from(
    ["", "v2", "app", "a-b", "..", "%2e", "%", "manifests", "blobs", "uploads", "tags", "list", "referrers", "_catalog",
     "v1", DIGEST, SESSION, "%00", "\xff"]
)  # fmt: skip
_PATHS = st.lists(_PARTS | st.text(max_size=6), max_size=8).map("/".join) | st.text(max_size=40)
_TARGETS = _PATHS.map(lambda path: "/v2/" + path) | _PATHS


@pytest.mark.parametrize(("method", "path", "request_"), TABLE, ids=lambda part: str(part)[:40])
def test_what_there_is(method: str, path: str, request_: Request) -> None:
    assert parse_request(method, path, "") == request_


def test_every_kind_is_reached() -> None:
    assert {request.kind for _, _, request in TABLE} == set(RequestKind)


@pytest.mark.parametrize("path", sorted({path for _, path, _ in TABLE}))
def test_other_methods_are_told_which_ones_there_are(path: str) -> None:
    there_are = {method for method, other, _ in TABLE if other == path}
    for method in ("OPTIONS", "TRACE", "get", "", "BREW" * 1_000):
        with pytest.raises(MethodNotAllowed) as refusal:
            parse_request(method, path, "")
        assert there_are <= set(refusal.value.allowed)
        assert len(refusal.value.message) < 200


def test_parameters_in_order() -> None:
    request = parse_request("PUT", "/v2/app/manifests/v1", "tag=a&x=&tag=b%26c&y&tag=%FF")
    assert request.parameters("tag") == ["a", "b&c", "\ufffd"]
    assert (request.parameter("tag"), request.parameter("x"), request.parameter("y")) == ("a", "", "")
    assert request.parameter("z") is None


def test_more_parameters_than_anybody_sends() -> None:
    assert len(parse_request("GET", "/v2/", "&".join(["a=b"] * 64)).query) == 64
    with pytest.raises(RequestInvalid):
        parse_request("GET", "/v2/", "&".join(["a=b"] * 65))


def test_paths_of_others() -> None:
    for path in ("", "/", "*", "v2/app/tags/list", "/v3/app/tags/list", "//v2/app/manifests/v1", "/v2/app"):
        with pytest.raises(RouteUnknown):
            parse_request("GET", path, "")


@given(_METHODS, _TARGETS, st.text(max_size=60))
def test_anything_is_a_request_or_a_refusal_that_can_be_rendered(method: str, path: str, query: str) -> None:
    """Text as a server hands it over: bytes read as Latin-1."""
    path, query = (text.encode("utf-8", "replace").decode("latin-1") for text in (path, query))
    refused: RegistryError | None = None
    try:
        request = parse_request(method, path, query)
    except RegistryError as refusal:
        refused = refusal
    if refused is not None:
        assert 400 <= status_of(refused) < 500
        assert render(refused, "id").status == status_of(refused)
        return
    assert path.startswith("/v2")
    assert request.repository is None or str(request.repository) in path
    assert "%" not in (request.repository or "") + request.upload
