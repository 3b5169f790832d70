"""Processes that read a document: what ends one from outside says nothing of the document, what it does itself does."""

import signal
import subprocess
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from orlop.adapters.inside.documents.process import ProcessDocumentReader
from orlop.adapters.inside.exchange import OUTSIDE, Bounds, exchange
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.adapters.inside.vex_process import ProcessVexReader
from orlop.domain.errors import Unavailable
from orlop.ports.inside import LayerPacking

_CHILD = "orlop.adapters.inside.documents.child"


async def pieces(*given: bytes) -> AsyncIterator[bytes]:
    for piece in given:
        yield piece


async def test_what_the_system_ends_is_no_fault_of_what_it_reads(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """A system that is short of memory ends a process by SIGKILL."""
    ended = tmp_path / "ended"
    ended.write_text("#!/bin/sh\nkill -KILL $$\n")
    ended.chmod(0o700)
    monkeypatch.setattr(sys, "executable", str(ended))
    for reading in (
        ProcessDocumentReader().facts(pieces(b"{}")),
        ProcessLayerReader().facts(pieces(b""), LayerPacking.TAR),
        ProcessVexReader().read(b"{}"),
    ):
        with pytest.raises(Unavailable, match="ended by the system"):
            await reading


def test_what_is_out_of_seconds_is_told_apart_from_that() -> None:
    busy = "from orlop.adapters.confined import confine; confine(1 << 30, 1, 32)\nwhile True: pass"
    code = subprocess.run([sys.executable, "-c", busy], timeout=60, check=False).returncode
    assert code == -signal.SIGXCPU
    assert code not in OUTSIDE


async def test_what_comes_to_a_bound_says_nothing() -> None:
    assert await exchange(_CHILD, pieces(b"{}"), Bounds(60, 1_000, 1_000)) != b""
    assert await exchange(_CHILD, pieces(b"{}"), Bounds(60, 1_000, 3)) == b""
    assert await exchange(_CHILD, pieces(b"{}"), Bounds(0, 1_000, 1_000)) == b""


async def test_what_is_not_given_raises_why() -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield b"{"
        raise Unavailable("x")

    with pytest.raises(Unavailable, match="x"):
        await exchange(_CHILD, broken(), Bounds(60, 1_000, 1_000))
