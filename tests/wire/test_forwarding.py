"""The audit log of a real server goes where the settings say, each entry once, across a restart of the server."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from tests.content import blob
from tests.serving import Server, eventually, serving
from tests.unit.forwarding.test_forwarding import Receiver

pytestmark = pytest.mark.slow

PIECES = [blob(f"piece {number}") for number in range(4)]
DIGESTS = [piece.digest for piece in PIECES]


def push(server: Server, number: int) -> None:
    """Something that is told."""
    piece = PIECES[number]
    assert server.ask("POST", f"/v2/app/blobs/uploads/?digest={piece.digest}", piece.content).status == 201


async def test_entries_arrive_as_syslog_messages_each_once(tmp_path: Path) -> None:
    receiver = Receiver()
    async with receiver.listening() as port:
        settings = {"ORLOP_AUDIT_SYSLOG": f"tcp://127.0.0.1:{port}"}
        await asyncio.to_thread(_serve, tmp_path, settings, 0)
        await asyncio.to_thread(_serve, tmp_path, settings, 2, receiver)
    entries = [_entry(message) for message in receiver.messages if b'"kind":' in message]
    assert [entry["digest"] for entry in entries if entry["kind"] == "blob.pushed"] == DIGESTS
    sequences = [entry["sequence"] for entry in entries]
    assert sequences == list(range(1, len(sequences) + 1))


def _serve(folder: Path, settings: dict[str, str], start: int, receiver: Receiver | None = None) -> None:
    """Push two blobs to a server; with a receiver it only ends when everything has arrived there. What a server has not
    sent when it ends the next one sends."""
    with serving(folder, "--workers", "2", settings=settings) as server:
        for number in (start, start + 1):
            push(server, number)
        if receiver is not None:
            eventually("every blob was told", lambda: all(_told(receiver, digest) for digest in DIGESTS))


def _told(receiver: Receiver, digest: str) -> bool:
    return any(digest.encode() in message for message in receiver.messages)


def _entry(message: bytes) -> dict[str, Any]:
    entry: dict[str, Any] = json.loads(message[message.index(b"{") :])
    return entry
