"""What is asked for again is answered the short way, without being parsed, and as the first time in every respect."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog

from orlop.adapters.filesystem.open_copies import OpenCopies
from orlop.config.audit import Audit
from orlop.config.jobs import JobSettings
from orlop.config.settings import Cache
from orlop.domain.errors import TooManyRequests
from orlop.faces.distribution import app as distribution
from orlop.faces.distribution import plain, pulling
from orlop.faces.distribution.turnstile import Turnstile
from orlop.server.http import repeated
from tests.content import Piece, blob, image
from tests.wire.answer import Answer, assert_refused
from tests.wire.inprocess import InProcess

MIB = 1024 * 1024
SMALL, LARGE = blob("small"), blob("large", MIB + 7)
APP = image("app", layers=[SMALL, LARGE])
MANIFEST = f"/v2/app/manifests/{APP.digest}"
CONTENT = f"/v2/app/blobs/{SMALL.digest}"

#: Requests that are plain the second time, as (method, target, headers).
PLAIN: tuple[tuple[str, str, list[tuple[str, str]]], ...] = (
    ("GET", "/v2/app/manifests/v1", []),
    ("GET", "/v2/app/manifests/v1", [("accept", "application/vnd.oci.image.manifest.v1+json")]),
    ("GET", "/v2/app/manifests/v1", [("accept", "text/plain")]),
    ("HEAD", "/v2/app/manifests/v1", []),
    ("GET", MANIFEST, []),
    *(
        (method, f"/v2/app/blobs/{piece.digest}", headers)
        for piece in (SMALL, LARGE)
        for method in ("GET", "HEAD")
        for headers in (
            [],
            [("range", "bytes=3-9")],
            [("if-none-match", f'"{piece.digest}"')],
            [("if-none-match", '"another"')],
        )
    ),
    ("GET", f"/v2/app/blobs/{str(LARGE.digest).replace(':', '%3A')}", []),
)

#: Requests that never are.
OTHERS: tuple[tuple[str, str, list[tuple[str, str]]], ...] = (
    ("GET", f"/v2/app/blobs/{SMALL.digest}?ns=docker.io", []),
    ("GET", f"/v2/app/blobs/{SMALL.digest}", [("accept", "a/b"), ("accept", "c/d")]),
    ("GET", f"/v2/app/blobs/{SMALL.digest}", [("content-length", "0")]),
    ("GET", "/v2/app/manifests/v1", [("if-none-match", '"another"')]),
    ("GET", f"/v2/app/blobs/{blob('another').digest}", []),
    ("GET", "/v2/app/tags/list", []),
)


@pytest.fixture
def registry(tmp_path: Path) -> Iterator[InProcess]:
    """A registry with one image."""
    settings = {"audit": Audit(pulls="none"), "jobs": JobSettings(serve=False)}
    with structlog.testing.capture_logs(), InProcess(tmp_path / "data", **settings) as registry:
        registry.push("app", APP, "v1")
        yield registry


def said(answer: Answer) -> Any:
    """All of an answer but what is of the moment."""
    passing = {"x-request-id", "ratelimit", "ratelimit-policy"}
    return answer.status, sorted(line for line in answer.headers if line[0] not in passing), answer.body


@contextmanager
def unparsed(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Nothing is parsed in the meantime, or it stands in the list."""
    parsed: list[str] = []
    with monkeypatch.context() as patched:
        for module in (distribution, pulling):
            before = module.parse_request  # type: ignore[attr-defined]

            def parse(method: str, path: str, query: str, before: Any = before) -> Any:
                parsed.append(path)
                return before(method, path, query)

            patched.setattr(module, "parse_request", parse)
        yield parsed


@pytest.mark.slow
@pytest.mark.parametrize(("method", "target", "headers"), PLAIN)
def test_the_second_answer_is_that_of_the_first_and_takes_no_parsing(
    registry: InProcess, monkeypatch: pytest.MonkeyPatch, method: str, target: str, headers: list[tuple[str, str]]
) -> None:
    first = registry.ask(method, target, headers=headers)
    assert first.status in {200, 206, 304}
    is_conditional_manifest = "manifests" in target and headers and headers[0][0] == "if-none-match"
    assert is_conditional_manifest or any(
        said(again) == said(first) and parsed == []
        for again, parsed in (asked_again(registry, monkeypatch, method, target, headers) for _ in tries(registry))
    )


def tries(registry: InProcess, most: int = 200) -> Iterator[None]:
    """What follows a push writes to the catalog, and then what was remembered is dropped; after each try it goes on."""
    for _ in range(most):
        yield
        registry.run(asyncio.sleep(0.01))


def asked_again(
    registry: InProcess, monkeypatch: pytest.MonkeyPatch, method: str, target: str, headers: list[tuple[str, str]]
) -> tuple[Answer, list[str]]:
    """An answer, and what was parsed for it."""
    with unparsed(monkeypatch) as parsed:
        return registry.ask(method, target, headers=headers), parsed


@pytest.mark.slow
@pytest.mark.parametrize(
    ("method", "target", "headers", "is_at_once"),
    [
        *((*plain, "/manifests/" in plain[1] or (plain[1] == CONTENT and not plain[2])) for plain in PLAIN),
        *((*other, False) for other in OTHERS),
    ],
)
def test_manifests_and_small_blobs_that_are_remembered_are_answered_at_once(
    registry: InProcess, method: str, target: str, headers: list[tuple[str, str]], is_at_once: bool
) -> None:
    def asked_at_once() -> bool:
        registry.ask("GET", target)
        before = registry.answered_at_once
        registry.ask(method, target, headers=headers)
        return registry.answered_at_once == before + 1

    assert any(asked_at_once() for _ in tries(registry, 200 if is_at_once else 10)) == is_at_once


@pytest.mark.parametrize(
    ("method", "headers"), [(method, headers) for method, target, headers in PLAIN if target == CONTENT]
)
def test_what_is_said_of_a_small_blob_is_the_same_when_its_content_is_remembered(
    registry: InProcess, method: str, headers: list[tuple[str, str]]
) -> None:
    first = registry.ask(method, CONTENT, headers=headers)
    assert registry.ask("GET", CONTENT).body == SMALL.content
    again = registry.ask(method, CONTENT, headers=headers)
    assert said(again) == said(first)


def _copies(folder: Path, piece: Piece) -> list[Path]:
    return [file for file in (folder / "data" / "blobs").rglob("*") if file.is_file() and piece.digest[7:] in file.name]


def test_the_content_of_a_small_blob_is_read_once_for_all_who_hold_it(registry: InProcess, tmp_path: Path) -> None:
    """Whatever is pushed and deleted meanwhile: only where it is has to be looked up again."""
    assert registry.ask("GET", CONTENT).body == SMALL.content
    [copy] = _copies(tmp_path, SMALL)
    copy.write_bytes(bytes(SMALL.size))
    registry.push("app", image("another", layers=[SMALL]), "v2")
    registry.push_blob("elsewhere", SMALL)
    for target in (CONTENT, f"/v2/elsewhere/blobs/{SMALL.digest}"):
        assert [registry.ask("GET", target).body for _ in range(2)] == [SMALL.content] * 2


@pytest.mark.parametrize("size", [1, 16 * 1024, 64 * 1024])
def test_a_small_copy_that_is_damaged_is_never_remembered(tmp_path: Path, size: int) -> None:
    piece = blob("damaged", size)
    with structlog.testing.capture_logs() as log, InProcess(tmp_path / "data", audit=Audit(pulls="none")) as registry:
        registry.push("app", image("app", layers=[piece]), "v1")
        [copy] = _copies(tmp_path, piece)
        copy.write_bytes(bytes([piece.content[0] ^ 1]) + piece.content[1:])
        for _ in range(3):
            assert_refused(registry.ask("GET", f"/v2/app/blobs/{piece.digest}"), 404, "BLOB_UNKNOWN")
        registry.push_blob("app", piece)
        assert registry.ask("GET", f"/v2/app/blobs/{piece.digest}").body == piece.content
    [told] = [entry for entry in log if entry["event"] == "a copy is damaged and no longer given out"]
    assert told["what"] == f"the stored bytes of {piece.digest} are not what was pushed"


def test_what_is_larger_than_a_small_blob_or_has_no_room_is_not_remembered(tmp_path: Path) -> None:
    pieces = (blob("one more", 64 * 1024 + 1), blob("small"))
    for number, (piece, room) in enumerate(zip(pieces, (192 * MIB, 0), strict=True)):
        with InProcess(tmp_path / str(number), audit=Audit(pulls="none"), cache=Cache(bytes=room)) as registry:
            registry.push("app", image("app", layers=[piece]), "v1")
            for _ in range(3):
                assert registry.ask("GET", f"/v2/app/blobs/{piece.digest}").body == piece.content
            assert registry.answered_at_once == 0


def test_server_and_application_mean_the_same_place_for_what_a_head_says() -> None:
    assert plain.SAME_HEAD == repeated.SAME_HEAD


@pytest.mark.parametrize(
    "target", [MANIFEST, CONTENT, f"/v2/app/blobs/{LARGE.digest}", "/v2/app/manifests/v1?ns=docker.io"]
)
def test_who_asks_too_often_is_counted_once(registry: InProcess, monkeypatch: pytest.MonkeyPatch, target: str) -> None:
    assert [registry.ask("GET", target).status for _ in range(2)] == [200, 200]
    counted: list[object] = []

    def refuse(_: Turnstile, caller: object, *__: object) -> None:
        counted.append(caller)
        raise TooManyRequests("somebody asked too often")

    monkeypatch.setattr(Turnstile, "admit", refuse)
    assert_refused(registry.ask("GET", target), 429, "TOOMANYREQUESTS")
    assert len(counted) == 1


@pytest.mark.parametrize(("method", "target", "headers"), OTHERS)
def test_what_is_not_plain_goes_the_long_way(
    registry: InProcess, monkeypatch: pytest.MonkeyPatch, method: str, target: str, headers: list[tuple[str, str]]
) -> None:
    first = registry.ask(method, target, headers=headers)
    with unparsed(monkeypatch) as parsed:
        again = registry.ask(method, target, headers=headers)
    assert again.status == first.status
    assert parsed


def test_what_was_deleted_is_gone_at_the_next_request(registry: InProcess) -> None:
    targets = [f"/v2/app/blobs/{piece.digest}" for piece in (SMALL, LARGE)]
    for target in targets:
        assert [registry.ask("GET", target).status for _ in range(3)] == [200] * 3
    assert registry.ask("DELETE", MANIFEST).status == 202
    for target in targets:
        assert registry.ask("DELETE", target).status == 202
        assert registry.ask("GET", target).status == 404
        assert registry.ask("HEAD", target).status == 404


def test_a_copy_that_is_gone_is_a_blob_that_is_not_there(tmp_path: Path) -> None:
    """Not a bare failure: in the words of the specification, and in the log."""
    with (
        structlog.testing.capture_logs() as log,
        InProcess(tmp_path / "data", audit=Audit(pulls="none")) as registry,
    ):
        registry.push("app", APP, "v1")
        target = f"/v2/app/blobs/{LARGE.digest}"
        assert [registry.ask("GET", target).status for _ in range(2)] == [200, 200]
        registry.stores.blobs.serving.close()  # type: ignore[attr-defined]
        for file in (tmp_path / "data" / "blobs").rglob("*"):
            if file.is_file() and file.stat().st_size == LARGE.size:
                file.unlink()
        assert_refused(registry.ask("GET", target), 404, "BLOB_UNKNOWN")
    [told] = [entry for entry in log if entry["event"] == "a copy is damaged and no longer given out"]
    assert "are missing" in told["what"]


def test_nothing_is_opened_for_who_asks_too_often(registry: InProcess, monkeypatch: pytest.MonkeyPatch) -> None:
    """On a bucket that would be a request to the store for each one that is refused."""
    target = f"/v2/app/blobs/{LARGE.digest}"
    assert [registry.ask("GET", target).status for _ in range(2)] == [200, 200]
    opened: list[object] = []

    def refuse(*_: object) -> None:
        raise TooManyRequests("somebody asked too often")

    monkeypatch.setattr(Turnstile, "admit", refuse)
    monkeypatch.setattr(OpenCopies, "open", lambda _, blob: opened.append(blob))
    assert_refused(registry.ask("GET", target), 429, "TOOMANYREQUESTS")
    assert opened == []
