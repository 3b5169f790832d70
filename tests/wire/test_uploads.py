"""Upload sessions: what they answer, and that whatever goes wrong leaves them where they stood."""

import json
from pathlib import Path
from urllib.parse import quote

import pytest

from orlop.domain.digest import digest_of
from tests.content import blob
from tests.wire.answer import assert_refused
from tests.wire.footprint import footprint
from tests.wire.inprocess import InProcess, Interrupted

CONTENT = blob("upload", 1_000).content
DIGEST = digest_of(CONTENT)


def finish(registry: InProcess, session: str, rest: bytes = b"", digest: str = DIGEST) -> None:
    """End a session, which must go well, and see that the blob is whole."""
    done = registry.ask("PUT", f"{session}?digest={digest}", rest)
    assert done.status == 201, done
    assert done.header("location") == f"/v2/app/blobs/{digest}"
    assert done.header("docker-content-digest") == digest
    assert registry.ask("GET", f"/v2/app/blobs/{digest}").body == CONTENT
    assert_refused(registry.ask("GET", session), 404, "BLOB_UPLOAD_UNKNOWN")


def stands_at(registry: InProcess, session: str, offset: int) -> None:
    """The session says that it has `offset` bytes: 204, `Location`, and `Range` without a unit ("0-0" when empty)."""
    status = registry.ask("GET", session)
    assert (status.status, status.body) == (204, b"")
    assert status.header("location") == session
    assert status.header("range") == f"0-{max(offset - 1, 0)}"


def test_the_answers_of_a_session(registry: InProcess) -> None:
    begun = registry.ask("POST", "/v2/app/blobs/uploads/")
    assert (begun.status, begun.body) == (202, b"")
    ticket = begun.header("location")
    assert ticket == f"/v2/app/blobs/uploads/{begun.header('docker-upload-uuid')}"
    assert begun.header("range") == "0-0"
    assert begun.header("content-length") == "0"
    stands_at(registry, ticket, 0)
    chunk = registry.ask("PATCH", ticket, CONTENT[:600], [("content-range", "0-599")])
    assert (chunk.status, chunk.body) == (202, b"")
    session = chunk.header("location")
    assert session == f"/v2/app/blobs/uploads/{chunk.header('docker-upload-uuid')}"
    assert chunk.header("range") == "0-599"
    stands_at(registry, session, 600)
    more = registry.ask("PATCH", session, CONTENT[600:700], [("content-range", "600-699")])
    assert (more.header("location"), more.header("range")) == (session, "0-699")
    finish(registry, session, CONTENT[700:])


@pytest.mark.parametrize("streamed", [False, True])
def test_a_client_may_keep_to_the_first_address(registry: InProcess, streamed: bool) -> None:
    ticket = registry.ask("POST", "/v2/app/blobs/uploads/").header("location")
    chunk = [CONTENT[:300], CONTENT[300:600]] if streamed else CONTENT[:600]
    assert registry.ask("PATCH", ticket, chunk).status == 202
    assert registry.ask("GET", ticket).header("range") == "0-599"
    assert_refused(registry.ask("PATCH", ticket, b"x", [("content-range", "0-0")]), 416, "BLOB_UPLOAD_INVALID")
    wrong = registry.ask("PUT", f"{ticket}?digest={digest_of(b'else')}", CONTENT[600:])
    assert_refused(wrong, 400, "DIGEST_INVALID")
    for rest in (CONTENT[600:], CONTENT):  # the second is a repetition from the beginning
        assert registry.ask("PUT", f"{ticket}?digest={DIGEST}", rest).status == 201
    assert registry.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT


@pytest.mark.parametrize("content_range", ["1-10", "0-1000", "5", "9-0", "0-0x5"])
def test_a_first_chunk_that_lies_begins_nothing(tmp_path: Path, content_range: str) -> None:
    data = tmp_path / "data"
    with InProcess(data) as registry:
        ticket, before = registry.ask("POST", "/v2/app/blobs/uploads/").header("location"), footprint(data)
        for target, method in ((ticket, "PATCH"), (f"{ticket}?digest={DIGEST}", "PUT")):
            refused = registry.ask(method, target, CONTENT, [("content-range", content_range)])
            assert refused.status == (416 if content_range == "1-10" else 400)
        assert_refused(registry.ask("PATCH", ticket, [CONTENT], [("content-length", "1001")]), 408, "SIZE_INVALID")
        assert footprint(data) == before
        assert registry.ask("PUT", f"{ticket}?digest={DIGEST}", CONTENT).status == 201


@pytest.mark.parametrize(
    "name",
    [
        "{}-sha256-1",
        "{}-md5-5f5e100000000",
        "{}-sha256-",
        "{}-sha256--1",
        "{}-sha256-1 ",
        "{}-sha256-" + "f" * 400,
        "0-sha256-5f5e100000000",
        "{}-SHA256-5f5e100000000",
        "{}-sha256-5f5e100000000\n",
        "{}" + "-sha256" * 9_000,
    ],
)
def test_a_ticket_that_nobody_gave_out_begins_nothing(lasting: InProcess, name: str) -> None:
    target = f"/v2/app/blobs/uploads/{quote(name.format('0' * 36))}"
    for method, asked in (("GET", target), ("PATCH", target), ("PUT", f"{target}?digest={DIGEST}"), ("DELETE", target)):
        body = CONTENT if method.startswith("P") else b""
        assert_refused(lasting.ask(method, asked, body), 404, "BLOB_UPLOAD_UNKNOWN")


def test_an_upload_that_is_cancelled_before_it_begins_is_over(registry: InProcess) -> None:
    ticket = registry.ask("POST", "/v2/app/blobs/uploads/").header("location")
    assert registry.ask("DELETE", ticket).status == 204
    for method in ("GET", "PATCH", "DELETE"):
        assert_refused(registry.ask(method, ticket), 404, "BLOB_UPLOAD_UNKNOWN")


def test_chunks_may_be_of_any_size(registry: InProcess) -> None:
    """No `OCI-Chunk-Min-Length` is announced, so chunks of a single byte have to be fine."""
    begun = registry.ask("POST", "/v2/app/blobs/uploads/")
    assert begun.all("oci-chunk-min-length") == []
    session = begun.header("location")
    for offset in range(5):
        answer = registry.ask("PATCH", session, CONTENT[offset : offset + 1], [("content-range", f"{offset}-{offset}")])
        session = answer.header("location")
        assert (answer.status, answer.header("range")) == (202, f"0-{offset}")
    finish(registry, session, CONTENT[5:])


def test_a_post_with_digest_and_content_is_the_whole_upload(registry: InProcess) -> None:
    answer = registry.ask("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}", CONTENT)
    assert (answer.status, answer.body) == (201, b"")
    assert answer.header("location") == f"/v2/app/blobs/{DIGEST}"
    assert registry.ask("HEAD", f"/v2/app/blobs/{DIGEST}").header("content-length") == "1000"


def test_a_post_with_a_digest_and_no_content_begins_a_session(registry: InProcess) -> None:
    """Some clients name the digest first and bring the content later."""
    answer = registry.ask("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}")
    assert answer.status == 202
    assert registry.ask("PUT", f"{answer.header('location')}?digest={DIGEST}", CONTENT).status == 201
    assert registry.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT


@pytest.mark.parametrize("announced", ["", "?digest-algorithm=sha512", "?digest-algorithm=sha256"])
def test_sha512_needs_no_announcement(lasting: InProcess, announced: str) -> None:
    digest = digest_of(CONTENT, "sha512")
    for chunks in ([CONTENT], [CONTENT[:1], CONTENT[1:]], [b""]):
        session = lasting.ask("POST", f"/v2/app/blobs/uploads/{announced}").header("location")
        for chunk in chunks:
            answer = lasting.ask("PATCH", session, chunk)
            assert answer.status == 202
            session = answer.header("location")
        finish(lasting, session, CONTENT if chunks == [b""] else b"", digest)
    ticket = lasting.ask("POST", f"/v2/app/blobs/uploads/{announced}").header("location")
    assert lasting.ask("PUT", f"{ticket}?digest={digest}", CONTENT).status == 201
    assert lasting.ask("POST", f"/v2/app/blobs/uploads/?digest={digest}", CONTENT).status == 201


@pytest.mark.parametrize("algorithm", ["sha256", "sha512"])
def test_a_blob_may_be_empty(lasting: InProcess, algorithm: str) -> None:
    digest = digest_of(b"", algorithm)
    posted = lasting.ask("POST", f"/v2/whole/blobs/uploads/?digest={digest}", b"")
    assert posted.status == 201
    for chunks in ([], [b""], [b"", b""]):
        session = lasting.session("app")
        for chunk in chunks:
            answer = lasting.ask("PATCH", session, chunk)
            assert (answer.status, answer.header("range")) == (202, "0-0")
        assert lasting.ask("PUT", f"{session}?digest={digest}").status == 201
    for repository in ("whole", "app"):
        for method in ("GET", "HEAD"):
            answer = lasting.ask(method, f"/v2/{repository}/blobs/{digest}")
            assert (answer.status, answer.body, answer.header("content-length")) == (200, b"", "0")


@pytest.mark.parametrize(
    "content_range",
    ["0-9", "599-699", "601-700", "999-1000", "1000000000-1000000009", "9999999999999999999-9999999999999999999"],
)
def test_a_chunk_out_of_order_is_refused_and_the_session_intact(lasting: InProcess, content_range: str) -> None:
    """ "If a chunk is uploaded out of order, the registry MUST respond with a 416 Requested Range Not Satisfiable"."""
    session = lasting.session("app")
    assert lasting.ask("PATCH", session, CONTENT[:600]).status == 202
    chunk = CONTENT[600:610]
    for answer in (
        lasting.ask("PATCH", session, chunk, [("content-range", content_range)]),
        lasting.ask("PUT", f"{session}?digest={DIGEST}", chunk, [("content-range", content_range)]),
    ):
        assert_refused(answer, 416, "BLOB_UPLOAD_INVALID")
        assert answer.json()["errors"][0]["detail"] == {"offset": 600}
        assert answer.header("range") == "0-599"
        stands_at(lasting, session, 600)
    finish(lasting, session, CONTENT[600:])


@pytest.mark.parametrize(
    "content_range",
    [
        "",
        " ",
        "-",
        "600",
        "600-",
        "-699",
        "699-600",
        "600-699-700",
        "600-0x2bb",
        "600.0-699.0",
        "+600-699",
        "600--699",
        "600 699",
        "600-699/",
        "600-699/many",
        "bytes=600-699,700-799",
        "items 600-699",
        "bytes */1000",
        "9" * 20 + "-" + "9" * 20,
        "600-" + "9" * 50_000,
        "\xb2-\xb3",
        "600-689",
        "600-709",
    ],
    ids=lambda text: repr(text[:20]),
)
def test_a_content_range_that_is_none_or_lies_is_refused(lasting: InProcess, content_range: str) -> None:
    session = lasting.session("app")
    assert lasting.ask("PATCH", session, CONTENT[:600]).status == 202
    headers = [("content-range", content_range)]
    if content_range.strip():  # an empty header is none
        for body in (CONTENT[600:700], [CONTENT[600:650], CONTENT[650:700]]):
            assert_refused(lasting.ask("PATCH", session, body, headers), 400, "BLOB_UPLOAD_INVALID")
            put = lasting.ask("PUT", f"{session}?digest={DIGEST}", body, headers)
            assert_refused(put, 400, "BLOB_UPLOAD_INVALID")
            stands_at(lasting, session, 600)
    finish(lasting, session, CONTENT[600:])


@pytest.mark.parametrize("form", ["600-999", "bytes 600-999/1000", "bytes 600-999/*", "bytes=600-999", " 600-999 "])
def test_forms_of_content_range_that_clients_send(lasting: InProcess, form: str) -> None:
    session = lasting.session("app")
    assert lasting.ask("PATCH", session, CONTENT[:600], [("content-range", "0-599")]).status == 202
    assert lasting.ask("PATCH", session, [CONTENT[600:], b""], [("content-range", form)]).status == 202
    finish(lasting, session)


def test_a_wrong_digest_leaves_the_session_for_the_right_one(registry: InProcess) -> None:
    session = registry.session("app")
    assert registry.ask("PATCH", session, CONTENT[:600]).status == 202
    wrong = digest_of(b"something else")
    for rest in (b"", CONTENT[600:], CONTENT):
        refused = registry.ask("PUT", f"{session}?digest={wrong}", rest)
        assert_refused(refused, 400, "DIGEST_INVALID")
        assert refused.json()["errors"][0]["detail"]["expected"] == wrong
        stands_at(registry, session, 600)
    assert_refused(registry.ask("PUT", session, CONTENT[600:]), 400, "DIGEST_INVALID")
    assert_refused(registry.ask("GET", f"/v2/app/blobs/{wrong}"), 404, "BLOB_UNKNOWN")
    finish(registry, session, CONTENT[600:])


def test_a_refused_whole_upload_leaves_nothing(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with InProcess(data) as registry:
        before = footprint(data)
        for query in (f"digest={digest_of(b'else')}", f"digest={digest_of(b'else', 'sha512')}"):
            for content in (CONTENT, [CONTENT, CONTENT], b"x"):
                assert_refused(registry.ask("POST", f"/v2/new/blobs/uploads/?{query}", content), 400, "DIGEST_INVALID")
        for arrived in ([CONTENT[:500]], [CONTENT], []):
            broken: list[bytes | Interrupted] = [*arrived, Interrupted()]
            answer = registry.ask("POST", f"/v2/new/blobs/uploads/?digest={DIGEST}", broken)
            assert_refused(answer, 408, "SIZE_INVALID")
        assert_refused(registry.ask("POST", "/v2/new/blobs/uploads/?digest-algorithm=md5"), 400, "DIGEST_INVALID")
        assert footprint(data) == before


def test_a_session_belongs_to_its_repository(registry: InProcess) -> None:
    session = registry.session("app")
    assert registry.ask("PATCH", session, CONTENT[:600]).status == 202
    stolen = session.replace("/app/", "/other/")
    for answer in (
        registry.ask("GET", stolen),
        registry.ask("PATCH", stolen, CONTENT[600:]),
        registry.ask("PUT", f"{stolen}?digest={DIGEST}", CONTENT[600:]),
        registry.ask("DELETE", stolen),
    ):
        assert_refused(answer, 404, "BLOB_UPLOAD_UNKNOWN")
    stands_at(registry, session, 600)
    finish(registry, session, CONTENT[600:])


def test_a_session_ends_once(registry: InProcess) -> None:
    session = registry.session("app")
    assert registry.ask("PATCH", session, CONTENT).status == 202
    cancelled = registry.ask("DELETE", session)
    assert (cancelled.status, cancelled.body) == (204, b"")
    for method, target in (
        ("GET", session),
        ("DELETE", session),
        ("PATCH", session),
        ("PUT", f"{session}?digest={DIGEST}"),
    ):
        assert_refused(registry.ask(method, target), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_refused(registry.ask("GET", f"/v2/app/blobs/{DIGEST}"), 404, "BLOB_UNKNOWN")


def test_the_end_of_a_session_may_arrive_twice(registry: InProcess) -> None:
    """A balancer repeats what a replica that died did not answer; the blob is there, so it is told so."""
    session = registry.session("app")
    finish(registry, session, CONTENT)
    for rest in (b"", CONTENT):
        again = registry.ask("PUT", f"{session}?digest={DIGEST}", rest)
        assert (again.status, again.header("location")) == (201, f"/v2/app/blobs/{DIGEST}")
    missing = digest_of(b"never pushed")
    elsewhere = session.replace("/app/", "/other/")
    for target in (f"{session}?digest={missing}", f"{elsewhere}?digest={DIGEST}"):
        assert_refused(registry.ask("PUT", target), 404, "BLOB_UPLOAD_UNKNOWN")
    assert_refused(registry.ask("GET", session), 404, "BLOB_UPLOAD_UNKNOWN")


def test_one_of_two_writers_at_the_same_time_is_told_to_wait(registry: InProcess) -> None:
    session = registry.session("app")
    answers = registry.together(*[("PATCH", session, CONTENT[:600])] * 8)
    won = [answer for answer in answers if answer.status == 202]
    for answer in answers:
        if answer not in won:
            assert_refused(answer, 429, "TOOMANYREQUESTS")
            assert int(answer.header("retry-after")) >= 1
    assert won, "somebody must get on"
    stands_at(registry, session, 600 * len(won))
    stands_at(registry, session, int(registry.ask("GET", session).header("range").partition("-")[2]) + 1)
    assert registry.ask("DELETE", session).status == 204


def test_two_writers_of_the_same_chunk_do_not_double_it(registry: InProcess) -> None:
    session = registry.session("app")
    chunk = ("PATCH", session, CONTENT[:600], [("content-range", "0-599")])
    answers = registry.together(*[chunk] * 8)
    assert sorted({answer.status for answer in answers} - {202, 416, 429}) == []
    assert sum(answer.status == 202 for answer in answers) == 1
    stands_at(registry, session, 600)
    finish(registry, session, CONTENT[600:])


def test_two_that_finish_at_the_same_time_make_one_blob(registry: InProcess) -> None:
    session = registry.session("app")
    assert registry.ask("PATCH", session, CONTENT).status == 202
    answers = registry.together(*[("PUT", f"{session}?digest={DIGEST}")] * 6)
    assert {answer.status for answer in answers} - {429} == {201}
    assert registry.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT


def test_the_same_blob_from_many_sessions_is_stored_once(tmp_path: Path) -> None:
    data = tmp_path / "data"
    with InProcess(data) as registry:
        target = f"/v2/app/blobs/uploads/?digest={DIGEST}"
        answers = registry.together(*[("POST", target, CONTENT)] * 8)
        assert {answer.status for answer in answers} == {201}
        assert registry.ask("GET", f"/v2/app/blobs/{DIGEST}").body == CONTENT
        left = footprint(data)
        assert (left.rows["blob_links"], left.sessions, left.stages) == (1, 0, ())


def test_what_arrived_before_a_body_broke_off_is_kept(registry: InProcess) -> None:
    session = registry.session("app")
    assert_refused(registry.ask("PATCH", session, [CONTENT[:250], Interrupted()]), 408, "SIZE_INVALID")
    stands_at(registry, session, 250)
    lie = registry.ask("PATCH", session, [CONTENT[250:300]], [("content-length", "100")])
    assert_refused(lie, 408, "SIZE_INVALID")
    stands_at(registry, session, 300)
    finish(registry, session, CONTENT[300:])


@pytest.mark.parametrize("length", ["-1", "1e3", "0x10", "ten", "", "1 0", "+5", "9" * 20, "5, 5", "\xb2"])
def test_a_length_that_is_no_number_is_refused_and_the_connection_closed(refusing: InProcess, length: str) -> None:
    answer = refusing.ask("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}", CONTENT, [("content-length", length)])
    assert_refused(answer, 400, "UNSUPPORTED")
    assert answer.header("connection") == "close"


@pytest.mark.parametrize("algorithm", ["md5", "sha1", "SHA256", "sha384", "../..", "%00", "sha256 ", "x" * 10_000])
def test_an_algorithm_that_is_not_supported_is_refused(refusing: InProcess, algorithm: str) -> None:
    answer = refusing.ask("POST", f"/v2/app/blobs/uploads/?digest-algorithm={algorithm}")
    assert_refused(answer, 400, "DIGEST_INVALID")


def test_more_parameters_than_anybody_sends_are_refused(refusing: InProcess) -> None:
    for query in ("&".join(["a=b"] * 65), "&" * 10_000, "digest=" + "&digest=" * 100):
        assert_refused(refusing.ask("POST", f"/v2/app/blobs/uploads/?{query}"), 400, "UNSUPPORTED")


def test_the_largest_blob_can_be_limited(tmp_path: Path) -> None:
    from orlop.config.settings import Limits

    data = tmp_path / "data"
    with InProcess(data, limits=Limits(blob_bytes=999)) as registry:
        before = footprint(data)
        for body in (CONTENT, [CONTENT[:500], CONTENT[500:]]):
            refused = registry.ask("POST", f"/v2/app/blobs/uploads/?digest={DIGEST}", body)
            assert_refused(refused, 413, "SIZE_INVALID")
            session = registry.session("app")
            assert_refused(registry.ask("PATCH", session, body), 413, "SIZE_INVALID")
            stands_at(registry, session, 0)
            assert registry.ask("PATCH", session, CONTENT[:999]).status == 202
            assert_refused(registry.ask("PUT", f"{session}?digest={DIGEST}", b"x"), 413, "SIZE_INVALID")
            stands_at(registry, session, 999)
            assert registry.ask("DELETE", session).status == 204
        assert json.loads(refused.body)["errors"][0]["message"]
        assert footprint(data) == before
