"""Range, If-Range, If-None-Match and Accept on content that never changes: what is sent, and what is refused."""

import pytest

from tests.content import blob
from tests.wire.answer import Answer, assert_refused
from tests.wire.conftest import APP
from tests.wire.inprocess import InProcess

BASE = blob("base")
TARGET = f"/v2/app/blobs/{BASE.digest}"
ETAG = f'"{BASE.digest}"'
SIZE = BASE.size
assert SIZE == 22

#: A Range header, and the bytes [start, stop) that it means.
SATISFIABLE = (
    ("bytes=0-0", 0, 1),
    ("bytes=0-", 0, SIZE),
    ("bytes=0-21", 0, SIZE),
    ("bytes=0-22", 0, SIZE),
    ("bytes=0-9999999999999999999", 0, SIZE),
    ("bytes=5-9", 5, 10),
    ("bytes=21-", 21, 22),
    ("bytes=21-21", 21, 22),
    ("bytes=21-1000", 21, 22),
    ("bytes=-1", 21, 22),
    ("bytes=-22", 0, SIZE),
    ("bytes=-23", 0, SIZE),
    ("bytes=-9999999999999999999", 0, SIZE),
    ("bytes=007-009", 7, 10),
    ("Bytes=1-2", 1, 3),
    ("bytes= 1-2", 1, 3),
)

#: A Range header that means no byte at all.
NOT_SATISFIABLE = (
    "bytes=22-",
    "bytes=22-22",
    "bytes=23-100",
    "bytes=9999999999999999999-",
    "bytes=1000-2000",
    "bytes=-0",
    "bytes=-00",
    "bytes=5-4",
    "bytes=21-0",
)

#: A Range header that a server may and Orlop does ignore (RFC 9110, section 14.2).
IGNORED = (
    "bytes",
    "bytes=",
    "bytes=-",
    "bytes=a-b",
    "bytes=1",
    "bytes=--1",
    "bytes=1--2",
    "bytes=+1-2",
    "bytes=-1-2",
    "bytes=0x1-0x2",
    "bytes=1.5-2",
    "bytes=0-99999999999999999999",
    "bytes 0-1",
    "bytes:0-1",
    "0-1",
    "octets=0-1",
    "items=0-1",
    "bytes=0-1,3-4",
    "bytes=0-0,-1",
    "bytes=0-,0-",
    "bytes=0-1, 22-",
    "bytes=,",
    "bytes=0-1,",
    "bytes=" + ",".join(f"{number}-{number}" for number in range(10_000)),
    "bytes=" + "0-0," * 10_000,
    "bytes=" + "9" * 100_000 + "-",
    "bytes=\xb2-\xb3",
    "bytes=1-2;q=1",
)


def whole(answer: Answer) -> None:
    """The whole content was sent."""
    assert (answer.status, answer.body) == (200, BASE.content)
    assert answer.header("content-length") == str(SIZE)
    assert answer.header("content-range") == ""
    assert answer.header("accept-ranges") == "bytes"


@pytest.mark.parametrize(("asked", "start", "stop"), SATISFIABLE)
def test_one_range_is_sent_alone(refusing: InProcess, asked: str, start: int, stop: int) -> None:
    answer = refusing.ask("GET", TARGET, headers=[("range", asked)])
    assert (answer.status, answer.body) == (206, BASE.content[start:stop])
    assert answer.header("content-range") == f"bytes {start}-{stop - 1}/{SIZE}"
    assert answer.header("content-length") == str(stop - start)
    assert answer.header("content-type") == "application/octet-stream"
    assert answer.header("docker-content-digest") == BASE.digest
    assert answer.header("etag") == ETAG


@pytest.mark.parametrize("asked", NOT_SATISFIABLE)
def test_a_range_without_a_byte_is_refused_with_the_size(refusing: InProcess, asked: str) -> None:
    answer = refusing.ask("GET", TARGET, headers=[("range", asked)])
    assert_refused(answer, 416, "RANGE_INVALID")
    assert answer.header("content-range") == f"bytes */{SIZE}"
    whole(refusing.ask("GET", TARGET))


@pytest.mark.parametrize("asked", IGNORED, ids=lambda asked: asked[:32])
def test_what_is_no_single_range_is_ignored(refusing: InProcess, asked: str) -> None:
    whole(refusing.ask("GET", TARGET, headers=[("range", asked)]))


def test_two_range_headers_are_a_list_and_ignored(refusing: InProcess) -> None:
    whole(refusing.ask("GET", TARGET, headers=[("range", "bytes=0-1"), ("range", "bytes=3-4")]))


def test_no_range_of_an_empty_blob_can_be_met(registry: InProcess) -> None:
    empty = blob("empty", 0)
    registry.push_blob("app", empty)
    for asked in ("bytes=0-", "bytes=0-0", "bytes=-1", "bytes=-0"):
        answer = registry.ask("GET", f"/v2/app/blobs/{empty.digest}", headers=[("range", asked)])
        assert_refused(answer, 416, "RANGE_INVALID")
        assert answer.header("content-range") == "bytes */0"


def test_a_head_answers_for_the_whole_whatever_range_it_names(refusing: InProcess) -> None:
    """ "A server MUST ignore a Range header field received with a request method that is unrecognized or for which
    range handling is not defined" (RFC 9110, section 14.2): it is defined for GET alone."""
    for asked in ("bytes=0-1", "bytes=100-", "bytes=-1"):
        answer = refusing.ask("HEAD", TARGET, headers=[("range", asked)])
        assert (answer.status, answer.body) == (200, b"")
        assert answer.header("content-length") == str(SIZE)
        assert answer.header("content-range") == ""


@pytest.mark.parametrize(
    ("unless_changed", "status"),
    [
        (ETAG, 206),
        (f"W/{ETAG}", 200),
        ('"other"', 200),
        (BASE.digest, 200),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 200),
        ("*", 200),
        (f'{ETAG}, "other"', 200),
    ],
)
def test_if_range_needs_the_strong_tag_itself(refusing: InProcess, unless_changed: str, status: int) -> None:
    """RFC 9110, section 13.1.5: anything but a strong match means that the whole is sent, also for a range that
    could not be met."""
    answer = refusing.ask("GET", TARGET, headers=[("range", "bytes=1-2"), ("if-range", unless_changed)])
    assert answer.status == status
    if status == 200:
        whole(answer)
        whole(refusing.ask("GET", TARGET, headers=[("range", "bytes=99-"), ("if-range", unless_changed)]))


@pytest.mark.parametrize(
    ("condition", "status"),
    [
        (ETAG, 304),
        (f"W/{ETAG}", 304),
        ("*", 304),
        (f'"a", {ETAG}', 304),
        (f'"a",W/{ETAG},"b"', 304),
        (", ," + ETAG, 304),
        ('"a"', 200),
        (BASE.digest, 200),
        (f'"{BASE.digest.upper()}"', 200),
        ('"', 200),
        (",", 200),
        ('"' * 10_000, 200),
        ('"a",' * 10_000, 200),
    ],
    ids=lambda part: str(part)[:24],
)
def test_if_none_match_is_compared_weakly(refusing: InProcess, condition: str, status: int) -> None:
    for method in ("GET", "HEAD"):
        answer = refusing.ask(method, TARGET, headers=[("if-none-match", condition)])
        assert answer.status == status
        if status == 304:
            assert answer.body == b""
            assert answer.header("etag") == ETAG
            assert answer.header("docker-content-digest") == BASE.digest
            assert not answer.header("content-type")


def test_a_condition_comes_before_a_range(refusing: InProcess) -> None:
    """RFC 9110, section 13.2.2: If-None-Match is looked at before Range."""
    for asked in ("bytes=0-1", "bytes=99-"):
        headers = [("if-none-match", ETAG), ("range", asked), ("if-range", ETAG)]
        assert refusing.ask("GET", TARGET, headers=headers).status == 304


def test_manifests_have_no_ranges_and_meet_conditions(refusing: InProcess) -> None:
    target = "/v2/app/manifests/v1"
    ranged = refusing.ask("GET", target, headers=[("range", "bytes=0-1")])
    assert (ranged.status, ranged.body) == (200, APP.content)
    for condition in (f'"{APP.digest}"', f'W/"{APP.digest}"', "*"):
        met = refusing.ask("GET", target, headers=[("if-none-match", condition)])
        assert (met.status, met.body) == (304, b"")
        assert met.header("docker-content-digest") == APP.digest
    assert refusing.ask("GET", target, headers=[("if-none-match", f'"{BASE.digest}"')]).status == 200


@pytest.mark.parametrize(
    "lines",
    [
        [],
        [""],
        ["*/*"],
        ["application/*"],
        [APP.media_type],
        [f"{APP.media_type};q=0"],
        ["*/*;q=0"],
        ["text/html"],
        ["application/json"],
        ["application/vnd.docker.distribution.manifest.v2+json"],
        ["application/vnd.oci.image.index.v1+json"],
        ["application/vnd.oci.image.index.v1+json", "application/vnd.docker.distribution.manifest.list.v2+json"],
        [";"],
        ["\xff"],
        ["a/b," * 20_000],
    ],
    ids=lambda lines: ", ".join(lines)[:32],
)
def test_what_is_there_is_sent_with_its_own_type_whatever_is_accepted(refusing: InProcess, lines: list[str]) -> None:
    """The one representation is better than none to a client that names too few types (RFC 9110, section 12.5.1). The
    second time it is remembered."""
    for reference in ("v1", APP.digest):
        for method in ("GET", "HEAD", "GET", "HEAD"):
            answer = refusing.ask(
                method, f"/v2/app/manifests/{reference}", headers=[("accept", accept) for accept in lines]
            )
            assert (answer.status, answer.header("content-type")) == (200, APP.media_type)
            assert answer.body == (APP.content if method == "GET" else b"")
