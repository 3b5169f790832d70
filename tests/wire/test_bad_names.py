"""Names, references, digests and paths that must be refused, at every end point that takes one."""

import pytest

from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess
from tests.wire.names import (
    BAD_DIGESTS,
    BAD_REFERENCES,
    BAD_REPOSITORIES,
    BAD_SESSIONS,
    HEX,
    NO_END_POINTS,
    WITH_NAME,
)


def refused(answer: Answer, method: str, status: int, code: str) -> None:
    """A refusal of `method`; that of HEAD has no body to look at."""
    if method == "HEAD":
        assert (answer.status, answer.body) == (status, b"")
        assert int(answer.header("content-length")) > 0
    else:
        assert_refused(answer, status, code)


@pytest.mark.parametrize("name", BAD_REPOSITORIES, ids=lambda name: repr(name[:24]))
def test_a_bad_repository_is_refused_everywhere(refusing: InProcess, name: str) -> None:
    for method, target, headers in WITH_NAME:
        refused(refusing.ask(method, target.format(name), b"", headers), method, 400, "NAME_INVALID")


@pytest.mark.parametrize("name", [name for name in BAD_REPOSITORIES if name], ids=lambda name: repr(name[:24]))
def test_a_mount_from_a_bad_repository_is_refused(refusing: InProcess, name: str) -> None:
    query = "".join(f"%{byte:02x}" for byte in name.encode())
    answer = refusing.ask("POST", f"/v2/app/blobs/uploads/?mount=sha256:{HEX}&from={query}")
    assert_refused(answer, 400, "NAME_INVALID")


@pytest.mark.parametrize(("reference", "code"), BAD_REFERENCES, ids=lambda text: repr(text[:24]))
def test_a_bad_reference_is_refused(refusing: InProcess, reference: str, code: str) -> None:
    for method in ("GET", "HEAD", "PUT", "DELETE"):
        refused(refusing.ask(method, f"/v2/app/manifests/{reference}"), method, 400, code)


@pytest.mark.parametrize("digest", BAD_DIGESTS, ids=lambda digest: repr(digest[:24]))
def test_what_is_no_digest_is_refused_before_any_path_is_made_of_it(refusing: InProcess, digest: str) -> None:
    session = "/v2/app/blobs/uploads/00000000-0000-4000-8000-000000000000"
    if "/" not in digest and digest:
        for method in ("GET", "HEAD", "DELETE"):
            refused(refusing.ask(method, f"/v2/app/blobs/{digest}"), method, 400, "DIGEST_INVALID")
        refused(refusing.ask("GET", f"/v2/app/referrers/{digest}"), "GET", 400, "DIGEST_INVALID")
    for target in ("/v2/app/blobs/uploads/?digest=", "/v2/app/blobs/uploads/?mount="):
        assert_refused(refusing.ask("POST", target + digest.replace("+", "%2b"), b"abc"), 400, "DIGEST_INVALID")
    assert_refused(refusing.ask("PUT", f"{session}?digest={digest.replace('+', '%2b')}", b"abc"), 400, "DIGEST_INVALID")


@pytest.mark.parametrize(("method", "target", "status", "code"), NO_END_POINTS, ids=lambda part: repr(part)[:40])
def test_what_the_api_does_not_have(refusing: InProcess, method: str, target: str, status: int, code: str) -> None:
    answer = refusing.ask(method, target)
    assert_refused(answer, status, code)
    assert bool(answer.header("allow")) == (status == 405), "RFC 9110: 405 says what is allowed"


@pytest.mark.parametrize("session", BAD_SESSIONS, ids=lambda session: repr(session[:24]))
def test_a_session_that_never_began_is_unknown(refusing: InProcess, session: str) -> None:
    for method in ("GET", "PATCH", "DELETE"):
        assert_refused(refusing.ask(method, f"/v2/app/blobs/uploads/{session}", b""), 404, "BLOB_UPLOAD_UNKNOWN")
    finish = f"/v2/app/blobs/uploads/{session}?digest=sha256:{HEX}"
    assert_refused(refusing.ask("PUT", finish, b"abc"), 404, "BLOB_UPLOAD_UNKNOWN")


def test_names_at_the_edge_of_the_grammar_are_fine(refusing: InProcess) -> None:
    for name in ("a", "0", "a" * 255, "a/" * 127 + "a", "a--b", "a---b", "a__b", "a.b_c-d", "v2", "blobs/uploads"):
        assert_refused(refusing.ask("GET", f"/v2/{name}/manifests/v1"), 404, "MANIFEST_UNKNOWN")
    for tag in ("_", "V1", "v" * 128, "1.0_rc-1", f"sha256-{HEX}", "list", "%76%31%2e0"):
        assert_refused(refusing.ask("GET", f"/v2/app/manifests/{tag}"), 404, "MANIFEST_UNKNOWN")
    for digest in (f"sha256:{HEX}", f"sha256%3A{HEX}", f"sha512:{HEX}{HEX}"):
        assert_refused(refusing.ask("GET", f"/v2/app/blobs/{digest}"), 404, "BLOB_UNKNOWN")
