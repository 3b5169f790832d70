"""The network between one replica and a store is cut, one way or both: the replica says so, and the others go on."""

import random
import time
from collections.abc import Iterator
from contextlib import ExitStack
from itertools import product
from pathlib import Path

import pytest

from tests.faults.pushing import Answer, Client, Refused, assert_unavailable, small
from tests.fleet import Fleet, fleet_with
from tests.networks import PLACES, Networks, Way, networks
from tests.postgres import postgres_server
from tests.replicas.crowd import Crowd
from tests.s3 import versitygw
from tests.servers import OrlopServer
from tests.volume import told, volume

pytestmark = pytest.mark.slow

ROUNDS = volume(1, 3)
REPLICAS = 3
#: A client is told within so many seconds, and so many after the network is whole again the replica serves.
REFUSED, BACK = 40.0, 30.0


@pytest.fixture(name="net")
def _net() -> Iterator[Networks]:
    with networks(REPLICAS) as made:
        yield made


@pytest.fixture(name="replicas")
def _replicas(net: Networks, tmp_path: Path) -> Iterator[Fleet]:
    """Replicas, each of which reaches the stores at addresses of its own; the test is beside them."""
    with ExitStack() as running:
        with net.inside("catalog"):
            postgres = running.enter_context(postgres_server(options=(), network="10.99.1.0/24"))
            database = postgres.catalog().rpartition("/")[2]
        with net.inside("blobs"):
            store = running.enter_context(versitygw(tmp_path / "versitygw", host="0.0.0.0"))
            store.made("fleet")
        settings = [
            {
                **store.settings("fleet", "all"),
                "catalog_url": postgres.url(database, host=net.address("catalog", replica)),
                "blobs_endpoint": store.endpoint.replace("127.0.0.1", net.address("blobs", replica)),
                "blobs_redirect": "never",
                "uploads_lease": "2s",
                "workers": 1,
            }
            for replica in range(REPLICAS)
        ]
        with net.inside("hub"), fleet_with(tmp_path / "fleet", settings) as replicas:
            yield replicas


def test_a_replica_that_is_cut_off_says_so_and_comes_back(net: Networks, replicas: Fleet) -> None:
    choose = random.Random(4)
    cuts = [*product(PLACES, Way)] * ROUNDS
    for number, (place, way) in enumerate(cuts):
        victim = choose.randrange(REPLICAS)
        cut_off = replicas.replicas[victim]
        others = [replica for replica in replicas.replicas if replica is not cut_off]
        crowds = [Crowd(other.address, pushing=1, pulling=2) for other in others]
        what, tag = small(f"cut {number}"), f"cut-{number}"
        with ExitStack() as going:
            for crowd in crowds:
                going.enter_context(crowd.going())
            net.cut(place, victim, way)
            seconds = _refused(cut_off, lambda client: client.push(what, tag))  # noqa: B023 - called at once
            ready = _comes_to_say(cut_off, 503, REFUSED)
            assert ready.body.count(b'"ok"') == 1, ready.body
            assert (b'"catalog":"ok"' in ready.body) == (place == "blobs"), ready.body
            with Client(cut_off.address) as client:
                assert client.ask("GET", "/healthz").status == 200
            net.mend()
            mended = time.monotonic()
            _comes_to_say(cut_off, 200, BACK)
            with Client(cut_off.address) as client, Client(others[0].address) as other:
                client.push(what, tag)
                client.pull(tag)
                other.held[tag] = what
                other.pull(tag)
            back = time.monotonic() - mended
        assert not any(crowd.again for crowd in crowds), "a client of another replica noticed"
        told(f"{place}: {way.value} is lost", refused_after=round(seconds, 1), back_after=round(back, 1))
        for crowd in crowds:
            crowd.check()
    replicas.verify()


def _refused(replica: OrlopServer, work) -> float:  # type: ignore[no-untyped-def]
    """What a client is told, and after how many seconds."""
    began = time.monotonic()
    with Client(replica.address) as client, pytest.raises(Refused) as refused:
        work(client)
    assert_unavailable(refused.value.answer)
    seconds = time.monotonic() - began
    assert seconds < REFUSED
    return seconds


def _comes_to_say(replica: OrlopServer, status: int, within: float) -> Answer:
    """What /readyz says once it says that."""
    deadline = time.monotonic() + within
    while True:
        with Client(replica.address) as client:
            answer = client.ask("GET", "/readyz")
        if answer.status == status:
            return answer
        assert time.monotonic() < deadline, f"/readyz does not come to say {status}: {answer.body!r}"
        time.sleep(0.2)
