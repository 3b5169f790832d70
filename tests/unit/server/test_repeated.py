"""Heads that are the same but for their target are not parsed again: nobody may be able to tell."""

import asyncio
from typing import Any

import pytest

from orlop.server.http import AtOnce, Terms
from orlop.server.http.repeated import SAME_HEAD, Repeated
from tests.unit.server.test_http import asking, body, get, saying, start

LONG = saying(start(200, (b"x-way", b"long"), (b"content-length", b"2")), body(b"ok"), reads=True)
SIGNED = ("accept: a/b", "authorization: Basic YTpi")


def following(target: str, method: str = "GET") -> bytes:
    """The head of before, with another target."""
    return get(target, "1.1", *SIGNED).replace(b"GET", method.encode(), 1)


FIRST = following("/v2/app/manifests/v1")

#: What follows on a connection, in pieces as they arrive.
FOLLOWING: dict[str, list[bytes]] = {
    "the same": [FIRST],
    "another target": [following("/v2/app/manifests/sha256:0a")],
    "one after another": [following(f"/{number}") for number in range(20)],
    "a query": [following("/v2/app?n=1")],
    "something escaped": [following("/v2/%61pp")],
    "a fragment": [following("/v2/app#a")],
    "two slashes": [following("//v2/app")],
    "a whole URL": [following("http://b/v2/app")],
    "any server": [following("*")],
    "nothing for a target": [following("")],
    "a second space": [following("/a /b")],
    "a tab": [following("/a\tb")],
    "an end of line in the target": [following("/a HTTP/1.1\r\nhost: b\r\n\r\nGET /b")],
    "half an end of line in the target": [following("/a\n/b")],
    "a zero in the target": [following("/a\0b")],
    "no ASCII": [following("/\xe9")],
    "another method": [following("/v2/app", "HEAD")],
    "another case": [following("/v2/app", "get")],
    "another version": [get("/v2/app", "1.0", *SIGNED)],
    "another header": [get("/v2/app", "1.1", *SIGNED, "range: bytes=1-2")],
    "another credential": [get("/v2/app", "1.1", "accept: a/b", "authorization: Basic YTpj")],
    "the end": [get("/v2/app", "1.1", *SIGNED, "connection: close")],
    "two at once": [following("/one") + following("/two")],
    "two at once, the second cut": [following("/one") + following("/two")[:-9], following("/two")[-9:]],
    "cut in the target": [following("/one")[:6], following("/one")[6:]],
    "cut before the last byte": [following("/one")[:-1], b"\n"],
    "a head within a head": [following("/one")[:-2], following("/two")],
    "an empty line before": [b"\r\n", following("/one")],
    "half an empty line before": [b"\r", following("/one")],
    "a body": [get("/one", "1.1", *SIGNED, "content-length: 3") + b"abc", following("/two")],
    "a body that is a head": [
        get("/one", "1.1", *SIGNED, f"content-length: {len(following('/two'))}"),
        following("/two"),
        following("/three"),
    ],
    "a body in chunks": [get("/one", "1.1", *SIGNED, "transfer-encoding: chunked"), b"0\r\n", b"\r\n", following("/a")],
    "a target that is too long": [following("/" + "a" * 3_000)],
    "a target that is long": [following("/" + "a" * 1_500)],
    "no request": [b"\0" * 9],
    "another protocol": [FIRST.replace(b"HTTP/1.1", b"RTSP/1.1")],
    "no host": [FIRST.replace(b"host: a\r\n", b"")],
    "two hosts": [FIRST.replace(b"host: a\r\n", b"host: a\r\nhost: a\r\n")],
    "another host in the target": [following("http://b/v2/app/manifests/v1"), following("/two")],
    "another host in the target only": [FIRST, following("http://b/v2/app/manifests/v1"), FIRST],
    "kept by HTTP/1.0": [get("/v2/app", "1.0", *SIGNED, "connection: keep-alive")] * 3,
    "a body by HTTP/1.0": [
        get("/v2/app", "1.0", *SIGNED, "connection: keep-alive", "transfer-encoding: chunked") + b"0\r\n\r\n"
    ],
}


async def told(
    pieces: list[bytes], *, waits: bool, remembers: bool, monkeypatch: pytest.MonkeyPatch
) -> tuple[list[Any], bytes]:
    """What the application is asked after FIRST, and what the client hears, which is all that anybody learns. The
    application answers at once, or `waits`."""
    asked: list[Any] = []

    def at_once(scope: dict[str, Any]) -> tuple[int, bytes, bytes] | None:
        asked.append({name: value for name, value in scope.items() if name not in {"client", "server", "extensions"}})
        if waits or any(name in {b"content-length", b"transfer-encoding"} for name, _ in scope["headers"]):
            return None
        return 200, b"content-length: %d\r\n" % len(scope["raw_path"]), scope["raw_path"]

    with monkeypatch.context() as patched:
        if not remembers:
            patched.setattr(Repeated, "of", lambda *_: None)
        async with asking(LONG, Terms(2_048, 30.0, 100), at_once) as client:
            for piece in [FIRST, *pieces]:
                client.writer.write(piece)
                await client.writer.drain()
                await asyncio.sleep(0.005)  # so that it arrives by itself
            client.writer.write_eof()
            heard = await client.rest()
    return asked, b"\n".join(line for line in heard.split(b"\n") if not line.startswith(b"date:"))


@pytest.mark.parametrize("waits", [False, True], ids=["at once", "later"])
@pytest.mark.parametrize("pieces", FOLLOWING.values(), ids=FOLLOWING.keys())
async def test_nobody_can_tell_whether_a_head_was_parsed(
    pieces: list[bytes], *, waits: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    parsed = await told(pieces, waits=waits, remembers=False, monkeypatch=monkeypatch)
    assert await told(pieces, waits=waits, remembers=True, monkeypatch=monkeypatch) == parsed
    assert len(parsed[0]) >= 1
    assert parsed[1].startswith(b"HTTP/1.1 200 OK")


def kept(scopes: list[dict[str, Any]], *, fails: bool = False) -> AtOnce:
    """Answers everything, and keeps what it was asked."""

    def at_once(scope: dict[str, Any]) -> tuple[int, bytes, bytes] | None:
        scopes.append(scope)
        if fails and len(scopes) > 1:
            raise ZeroDivisionError
        return None if scope["path"] == "/later" else (200, b"content-length: 0\r\n", b"")

    return at_once


async def test_what_was_worked_out_of_a_head_is_there_for_the_same_head_alone() -> None:
    scopes: list[dict[str, Any]] = []
    async with asking(LONG, at_once=kept(scopes)) as client:
        for asked in (FIRST, following("/2"), following("/3"), get("/4"), get("/5"), following("/6")):
            await client.answer(asked)
    same = [scope["extensions"].get(SAME_HEAD) for scope in scopes]
    assert [place is not None for place in same] == [False, True, True, False, True, False]
    assert same[1] is same[2]
    assert same[1] is not same[4]


async def test_two_connections_share_nothing() -> None:
    scopes: list[dict[str, Any]] = []
    for _ in range(2):
        async with asking(LONG, at_once=kept(scopes)) as client:
            await client.answer(FIRST)
            await client.answer(FIRST)
    first, second = (scope["extensions"][SAME_HEAD] for scope in scopes if SAME_HEAD in scope["extensions"])
    assert first is not second


async def test_who_is_not_answered_at_once_is_asked_as_everybody() -> None:
    scopes: list[dict[str, Any]] = []
    async with asking(LONG, at_once=kept(scopes)) as client:
        await client.answer(FIRST)
        _, headers = await client.answer(following("/later"))
        assert headers[b"x-way"] == b"long"
        assert await client.reader.readexactly(2) == b"ok"
        _, headers = await client.answer(following("/2"))
        assert b"x-way" not in headers, "and the connection goes on"
    assert len(scopes) == 3, "nobody was asked twice"


async def test_what_the_application_notes_about_one_request_is_not_there_for_the_next() -> None:
    scopes: list[dict[str, Any]] = []

    def noting(scope: dict[str, Any]) -> None:
        scopes.append({**scope})
        scope["noted"] = True

    async with asking(LONG, at_once=noting) as client:
        for _ in range(3):
            await client.answer(FIRST)
            await client.reader.readexactly(2)
    assert [SAME_HEAD in scope["extensions"] for scope in scopes] == [False, True, True]
    assert not any("noted" in scope for scope in scopes)


async def test_a_defect_is_a_500_here_too() -> None:
    async with asking(LONG, at_once=kept([], fails=True)) as client:
        await client.answer(FIRST)
        status, headers = await client.answer(following("/2"))
        assert status.split()[1] == b"500"
        assert headers[b"connection"] == b"close"
