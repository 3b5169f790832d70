"""Pushes: one large blob, and many small images at once."""

import hashlib
import os
import time
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial
from pathlib import Path

from bench.field import Field
from bench.findings import Finding, compared
from bench.load import crews
from bench.load.connection import Connection
from bench.load.images import share
from bench.load.pushing import pieces, push_blob
from bench.rounds import Turn, take_turns
from bench.scenes.content import noise
from bench.servers.process import Running

_SIZE = 256 << 20
_CLIENTS = 8
_IMAGES = 200

#: What the work comes to without any server, one thing after the other.
ALONE = "hash, write, fsync alone"
#: What the disk takes of it: flushed while it is written, not hashed, sent by nobody. Who syncs cannot be faster.
DISK = "write and flush alone"
_FLUSHED = 8 << 20


def large(field: Field) -> Finding:
    """One blob of 256 MiB by POST, PATCH and PUT."""
    blob = bytearray(noise(_SIZE, 1))
    rounds = field.plan.more_rounds
    with field.pushed() as servers:
        turns: dict[str, Turn] = {name: partial(_push, server, blob) for name, server in servers.items()}
        turns[ALONE] = partial(_alone, field.folder / "alone", blob)
        turns[DISK] = partial(_disk, field.folder / "alone", blob)
        figures = take_turns(turns, rounds)
    must = {"distribution 2.8": 3.0, "distribution 3": 1.5, "zot": 1.5, "zot, syncing": 1.5}
    checks = compared(figures, must, {ALONE: 1 / 1.3}, less_is_better=True)
    remarks = (
        f"in {rounds} rounds",
        "distribution and zot do not sync all they write; zot, syncing: with `commit`, it syncs the blob",
        f"{DISK}: what the disk needs for it, which no server can beat that answers when the blob is kept",
    )
    return Finding("push one 256 MiB blob", "s", figures, checks, remarks)


def images(field: Field) -> Finding:
    """200 small images by eight clients."""
    with field.pushed() as servers:

        def turn(name: str) -> float:
            shares = share(_CLIENTS, _IMAGES // _CLIENTS)
            os.sync()
            return _IMAGES / crews.push_all(servers[name], shares)

        rounds = field.plan.more_rounds
        figures = take_turns({name: partial(turn, name) for name in servers}, rounds)
    names = ("distribution 2.8", "distribution 3", "zot")
    checks = compared(figures, dict.fromkeys(names, 1.0), dict.fromkeys(names, 2.0))
    return Finding("push 200 small images, 8 clients", "images/s", figures, checks, (f"in {rounds} rounds",))


def _renewed(blob: bytearray) -> str:
    """Make the blob one that nobody has seen; its digest. Lets the disk finish what earlier turns left to it."""
    blob[:16] = os.urandom(16)
    digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
    os.sync()
    return digest


def _push(server: Running, blob: bytearray) -> float:
    digest = _renewed(blob)
    connection = Connection(server)
    try:
        began = time.perf_counter()
        push_blob(connection, "push/large", digest, pieces(blob), _SIZE)
        return time.perf_counter() - began
    finally:
        connection.close()


def _alone(path: Path, blob: bytearray) -> float:
    _renewed(blob)
    state = hashlib.sha256()
    began = time.perf_counter()
    with path.open("wb", buffering=0) as file:
        for piece in pieces(blob):
            state.update(piece)
            file.write(piece)
        os.fsync(file.fileno())
    taken = time.perf_counter() - began
    path.unlink()
    return taken


def _disk(path: Path, blob: bytearray) -> float:
    _renewed(blob)
    flushes: list[Future[None]] = []
    began = time.perf_counter()
    with ThreadPoolExecutor(1) as flushing, path.open("wb", buffering=0) as file:
        unflushed = 0
        for piece in pieces(blob):
            unflushed += file.write(piece) or 0
            if unflushed >= _FLUSHED and (not flushes or flushes[-1].done()):
                flushes.append(flushing.submit(os.fdatasync, file.fileno()))
                unflushed = 0
        for flush in flushes:
            flush.result()
        os.fsync(file.fileno())
    taken = time.perf_counter() - began
    path.unlink()
    return taken
