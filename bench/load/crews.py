"""Clients that work at the same time, each a process with a connection of its own."""

import multiprocessing
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from multiprocessing.context import ForkProcess
from multiprocessing.synchronize import Barrier, Event
from typing import TypeVar

from bench.load.connection import Connection
from bench.load.images import small
from bench.load.pushing import Image, push_image
from bench.scenes import content
from bench.servers.process import Running

T = TypeVar("T")

_fork = multiprocessing.get_context("fork")

#: Seconds within which every crew must have done its work.
_PATIENCE = 600.0


class CrewFailed(Exception):
    """A client could not do its work; its own output says why."""


def push_all(server: Running, shares: Sequence[Sequence[Image]]) -> float:
    """Seconds until every client has pushed its images."""
    return _timed(_pusher, server, shares)


def pull_all(server: Running, clients: int) -> float:
    """Seconds until every client has pulled the whole image."""
    content.image_layers()  # made here, once, and not by every client
    return _timed(_puller, server, [()] * clients)


def _timed(
    work: Callable[[Running, Sequence[Image], Barrier], None], server: Running, shares: Sequence[Sequence[Image]]
) -> float:
    barrier = _fork.Barrier(len(shares) + 1)
    crew = [_fork.Process(target=work, args=(server, share, barrier)) for share in shares]
    for client in crew:
        client.start()
    barrier.wait(_PATIENCE)
    began = time.perf_counter()
    _ended(crew)
    return time.perf_counter() - began


def _ended(crew: Sequence[ForkProcess]) -> None:
    for client in crew:
        client.join(_PATIENCE)
        if client.exitcode is None:
            client.kill()
    if any(client.exitcode for client in crew):
        raise CrewFailed(f"clients ended with {[client.exitcode for client in crew]}")


def _pusher(server: Running, share: Sequence[Image], barrier: Barrier) -> None:
    connection = Connection(server)
    connection.request("GET", "/v2/", expect=200)
    barrier.wait(_PATIENCE)
    for image in share:
        push_image(connection, image)


def _puller(server: Running, share: Sequence[Image], barrier: Barrier) -> None:
    connection = Connection(server)
    manifest = content.manifest(content.image_layers(), "image")
    accept = f"Accept: {content.MANIFEST}\r\n"
    barrier.wait(_PATIENCE)
    connection.request("HEAD", f"/v2/{content.IMAGE}/manifests/v0", headers=accept, expect=200)
    answer = connection.request("GET", f"/v2/{content.IMAGE}/manifests/v0", headers=accept, expect=200)
    if answer.body != manifest.content:
        raise CrewFailed("the manifest is not the one that was pushed")
    for each in (content.config(), *content.image_layers()):
        connection.request("GET", f"/v2/{content.IMAGE}/blobs/{each.digest}", expect=200, keep=False)


@contextmanager
def pushing_without_pause(server: Running, clients: int) -> Iterator[None]:
    """Clients that push small images for as long as the block runs."""
    stop = _fork.Event()
    barrier = _fork.Barrier(clients + 1)
    crew = [_fork.Process(target=_restless, args=(server, number, stop, barrier)) for number in range(clients)]
    for client in crew:
        client.start()
    try:
        barrier.wait(_PATIENCE)
        yield
    finally:
        stop.set()
        _ended(crew)


def _restless(server: Running, number: int, stop: Event, barrier: Barrier) -> None:
    connection = Connection(server)
    barrier.wait(_PATIENCE)
    while not stop.is_set():
        push_image(connection, small(f"push/restless-{number}"))
