"""Workers and replicas that fetch the same from an upstream, and what becomes of it when one of them dies, freezes, or
stops: others go on, once for all, and nobody is told wrong bytes."""

import base64
import hashlib
import json
import os
import signal
import socket
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.content import Piece, Pushable, blob, image
from tests.fleet import fleet
from tests.postgres import PostgresServer
from tests.s3 import versitygw
from tests.servers import OrlopServer, orlop_server
from tests.serving import PATIENCE, Reply, Wire, alone, eventually, head, unhurried
from tests.upstreams import Gate, Large, UpstreamRegistry, upstream_registry
from tests.volume import told, volume

pytestmark = pytest.mark.slow

APP = "hub/app"
PASSWORD = "a phrase for upstreams"
BASIC = f"Basic {base64.b64encode(f'admin:{PASSWORD}'.encode()).decode()}"
#: The program asks for more in a minute than a client does, and the upstream is this machine.
SETTINGS = {
    "open": False,
    "admin_password": PASSWORD,
    "outbound_networks": "127.0.0.0/8",
    **{f"rate_limits_{name}": 0 for name in ("pulls", "uploads", "address_pulls", "address_uploads")},
}
SIZE = 6_000_000
HALF = SIZE // 2
#: A blob of so many bytes may make a worker grow by so many.
LARGE = volume(1 << 30, 20 << 30)
GROWTH = volume(80, 200) << 20


class House:
    """Processes that serve the same, each of which a client can choose."""

    def __init__(self, servers: list[OrlopServer], upstream: UpstreamRegistry) -> None:
        self.servers = servers
        self.upstream = upstream
        body = json.dumps({"url": upstream.url}).encode()
        with self.connect(0) as wire:
            said = wire.ask(
                "PUT",
                "/api/v1/upstreams/hub?path=hub",
                body,
                authorization=BASIC,
                content_type="application/json",
                if_none_match="*",
            )
        assert said.status in {200, 201}, said

    def pid(self, number: int) -> int:
        """A worker of the only server, or a replica with all of its processes."""
        return sorted(self.servers[0].workers())[number] if len(self.servers) == 1 else self.servers[number].pid

    def connect(self, number: int) -> Wire:
        """A connection to that process."""
        server = self.servers[number % len(self.servers)]
        if len(self.servers) > 1:
            return Wire(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
        workers = sorted(server.workers())
        with alone(workers[number], workers):
            connection = Wire(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))
            assert connection.ask("GET", "/v2/", authorization=BASIC).status == 200
            return connection

    def anywhere(self, number: int) -> Wire:
        """A connection to some process."""
        server = self.servers[number % len(self.servers)]
        return Wire(socket.create_connection(("127.0.0.1", server.port), timeout=PATIENCE))

    def kill(self, number: int) -> None:
        """With no warning."""
        if len(self.servers) == 1:
            os.kill(self.pid(number), signal.SIGKILL)
        else:
            self.servers[number].kill()

    def tell(self, number: int, what: signal.Signals) -> None:
        """A signal to all of its processes."""
        for process in [self.pid(number)] if len(self.servers) == 1 else self.servers[number].processes():
            os.kill(process, what)

    def verify(self) -> None:
        """Nothing is wrong in the stores."""
        self.servers[-1].verify()

    def show(self, layer: Piece) -> Pushable:
        """An image of the upstream with this layer, its manifest cached."""
        what = image(f"app of {layer.name}", layers=[layer])
        self.upstream.push("app", what)
        with self.anywhere(0) as wire:
            assert wire.ask("GET", f"/v2/{APP}/manifests/{what.digest}", authorization=BASIC).status == 200
        return what

    def ranges(self, layer: Piece) -> list[str]:
        """What the upstream was asked for of a blob."""
        return [each.range for each in self.upstream.asked if each.method == "GET" and layer.digest in each.path]


@contextmanager
def _workers(folder: Path, workers: int = 4) -> Iterator[House]:
    with upstream_registry() as upstream, orlop_server(folder, workers=workers, **SETTINGS) as server:
        yield House([server], upstream)


@contextmanager
def _replicas(folder: Path, postgres: PostgresServer) -> Iterator[House]:
    with versitygw(folder / "versitygw") as store:
        store.made("fleet")
        with upstream_registry() as upstream, fleet(folder, postgres, store, count=2, **SETTINGS) as replicas:
            yield House(replicas.replicas, upstream)


@pytest.fixture(name="house", scope="module", params=["workers", "replicas"])
def _house(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    if request.param == "workers":
        with _workers(folder) as house:
            yield house
    else:
        with _replicas(folder, request.getfixturevalue("postgres")) as house:
            yield house


class Reading:
    """A client that asked for a blob, and reads it as far as the test wants."""

    def __init__(self, wire: Wire, piece: Piece, span: str = "") -> None:
        self._wire = wire
        more = {"range": span} if span else {}
        wire.send(head("GET", f"/v2/{APP}/blobs/{piece.digest}", authorization=BASIC, **more))
        self.got = b""

    def begin(self) -> Reply:
        """Read the head; its body is what came with it."""
        while b"\r\n\r\n" not in self.got:
            received = self._wire.connection.recv(1 << 16)
            assert received, "the connection ended"
            self.got += received
        said, _, self.got = self.got.partition(b"\r\n\r\n")
        lines = said.decode().split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines[1:])}
        return Reply(int(lines[0].split(" ")[1]), headers, b"")

    def upto(self, count: int) -> bytes:
        """Read so many bytes of the body; fewer when the connection ends."""
        while len(self.got) < count:
            received = self._wire.connection.recv(1 << 16)
            if not received:
                break
            self.got += received
        return self.got


def _pull(house: House, number: int, what: Pushable, tag: str) -> None:
    with house.anywhere(number) as wire:
        manifest = wire.ask("GET", f"/v2/{APP}/manifests/{tag}", authorization=BASIC)
        assert (manifest.status, manifest.body) == (200, what.content), manifest
        for piece in what.blobs:
            found = wire.ask("GET", f"/v2/{APP}/blobs/{piece.digest}", authorization=BASIC)
            assert (found.status, found.body == piece.content) == (200, True), found.headers


def test_fifty_clients_of_all_processes_at_once_are_one_for_the_upstream(house: House) -> None:
    what = image("crowded", layers=[blob("crowded one", 2_000_000), blob("crowded two", 1_000_000)])
    house.upstream.push("app", what, "crowded")
    house.upstream.forget()
    with ThreadPoolExecutor(50) as clients:
        pulls = [clients.submit(_pull, house, number, what, "crowded") for number in range(50)]
        for pull in pulls:
            pull.result(PATIENCE * 2)
    assert set(house.upstream.counted().values()) == {1}, house.upstream.counted()
    assert house.upstream.count("HEAD") <= 4, "each process may ask once what a tag leads to"
    house.verify()


def test_bytes_flow_at_once_and_others_join(house: House) -> None:
    """Also in another process; a range that is here already comes, one that is not waits."""
    layer = blob("flowing", SIZE)
    house.show(layer)
    gate = house.upstream.gate(layer.digest, HALF)
    with house.connect(0) as one, house.connect(1) as two, house.connect(0) as three, house.connect(1) as four:
        readings = [Reading(one, layer), Reading(two, layer)]
        for reading in readings:
            assert reading.begin().status == 200
            assert reading.upto(HALF - 200_000) == layer.content[: len(reading.got)]
        early, late = Reading(three, layer, "bytes=1000-1999"), Reading(four, layer, f"bytes={SIZE - 10}-")
        assert early.begin().headers["content-range"] == f"bytes 1000-1999/{SIZE}"
        assert early.upto(1000) == layer.content[1000:2000]
        gate.open()
        for reading in readings:
            assert reading.upto(SIZE) == layer.content
        assert late.begin().status == 206
        assert late.upto(10) == layer.content[-10:]
    assert house.ranges(layer) == [""]
    house.verify()


def test_a_fetcher_that_is_killed_is_followed_by_one_that_goes_on(house: House) -> None:
    layer, gate = _half_fetched(house, "killed")
    with house.connect(0) as dying, house.connect(1) as going_on:
        first, second = _one_after_the_other(dying, going_on, layer)
        assert gate.reached.wait(PATIENCE)
        time.sleep(1)  # its session says how far it came
        house.kill(0)
        assert len(first.upto(SIZE)) < SIZE
        gate.open()
        began = time.monotonic()
        assert second.upto(SIZE) == layer.content
        assert time.monotonic() - began < unhurried(20), "a lease is ten seconds"
    first_range, resumed = house.ranges(layer)
    assert (first_range, resumed.startswith("bytes=")) == ("", True)
    assert int(resumed.removeprefix("bytes=").rstrip("-")) > 0
    _again(house)
    house.verify()


def test_a_fetcher_that_freezes_does_no_harm_when_it_wakes_up(house: House) -> None:
    layer, gate = _half_fetched(house, "frozen")
    with house.connect(0) as sleeping, house.connect(1) as going_on:
        first, second = _one_after_the_other(sleeping, going_on, layer)
        assert gate.reached.wait(PATIENCE)
        house.tell(0, signal.SIGSTOP)
        try:
            gate.open()
            if len(house.servers) > 1:
                assert second.upto(SIZE) == layer.content
            else:  # workers share a file that stays locked, and is begun anew after a while: readers are cut off
                time.sleep(12)
        finally:
            house.tell(0, signal.SIGCONT)
        for reading in (first, second):
            assert reading.upto(SIZE) == layer.content[: len(reading.got)], "right, or cut"
    with house.connect(1) as once_more:
        reading = Reading(once_more, layer)
        assert reading.begin().status == 200
        assert reading.upto(SIZE) == layer.content
    house.verify()


def test_a_shutdown_while_something_is_fetched_ends_in_time_and_the_next_start_goes_on(
    tmp_path: Path,
) -> None:
    with _workers(tmp_path, 1) as house:
        layer, gate = _half_fetched(house, "stopped")
        with house.anywhere(0) as wire:
            reading = Reading(wire, layer)
            assert reading.begin().status == 200
            reading.upto(HALF - 500_000)
        assert gate.reached.wait(PATIENCE)
        server = house.servers[0]
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < unhurried(20)
        gate.open()
        server.start()
        with house.anywhere(0) as wire:
            reading = Reading(wire, layer)
            assert reading.begin().status == 200
            assert reading.upto(SIZE) == layer.content
        assert house.ranges(layer) == ["", f"bytes={HALF}-"]
        house.verify()


def test_a_large_blob_takes_little_memory_and_holds_up_nobody(tmp_path: Path) -> None:
    """The worker that fetches it, verifies it, stores it and sends it on."""
    large = Large(LARGE)
    digest = large.digest()
    with _workers(tmp_path, 1) as house:
        house.upstream.push_large(digest, large)
        server = house.servers[0]
        small = blob("small", 3_000_000)
        house.upstream.push_blob("app", small)
        with house.anywhere(0) as wire:
            assert wire.ask("GET", f"/v2/{APP}/blobs/{small.digest}", authorization=BASIC).body == small.content
        (worker,) = server.workers()
        before, waits, began = server.peak_memory()[worker], [0.0], time.monotonic()
        done = threading.Event()

        def ask_others() -> None:
            with house.anywhere(0) as wire:
                while not done.wait(0.05):
                    asked = time.monotonic()
                    assert wire.ask("GET", "/v2/", authorization=BASIC).status == 200
                    waits.append(time.monotonic() - asked)

        with ThreadPoolExecutor(1) as others, house.anywhere(0) as wire:
            asking = others.submit(ask_others)
            try:
                wire.send(head("GET", f"/v2/{APP}/blobs/{digest}", authorization=BASIC))
                assert _drained(wire.connection, LARGE)
            finally:
                done.set()
            asking.result(PATIENCE)
        growth, waits = server.peak_memory()[worker] - before, sorted(waits)
        told(
            "a large blob through an upstream",
            bytes=LARGE,
            seconds=round(time.monotonic() - began, 1),
            growth=growth,
            median_wait=round(waits[len(waits) // 2], 4),
            longest_wait=round(waits[-1], 3),
        )
        assert growth < GROWTH
        assert waits[len(waits) // 2] < 0.25, "whoever asks for something else meanwhile"


def _drained(connection: socket.socket, size: int) -> bool:
    """Read a whole answer of so many bytes, and check what can be checked without holding it."""
    state, rest, begun = hashlib.sha256(), size, b""
    while b"\r\n\r\n" not in begun:
        begun += connection.recv(1 << 16)
    piece = begun.partition(b"\r\n\r\n")[2]
    while True:
        state.update(piece)
        rest -= len(piece)
        if not rest:
            return state.digest() == bytes.fromhex(Large(size).digest().partition(":")[2])
        piece = connection.recv(1 << 20)
        if not piece:
            return False


def _one_after_the_other(one: Wire, two: Wire, layer: Piece) -> tuple[Reading, Reading]:
    """Two clients who read almost as far as there is: it is the process of the first that fetches."""
    readings = []
    for wire in (one, two):
        reading = Reading(wire, layer)
        assert reading.begin().status == 200
        reading.upto(HALF - 500_000)
        readings.append(reading)
    return readings[0], readings[1]


def _half_fetched(house: House, name: str) -> tuple[Piece, Gate]:
    layer = blob(name, SIZE)
    house.show(layer)
    return layer, house.upstream.gate(layer.digest, HALF)


def _again(house: House) -> None:
    """As many processes as before."""
    if len(house.servers) > 1:
        house.servers[0].start()
    else:
        eventually("four workers", lambda: len(house.servers[0].workers()) == 4)
