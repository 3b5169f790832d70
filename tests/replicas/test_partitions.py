"""The network between one replica and a store is cut, one way or both: the replica says so, and the others go on."""

import random
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
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
from tests.serving import unhurried
from tests.volume import told, volume

pytestmark = pytest.mark.slow

ROUNDS = volume(1, 3)
#: One that is cut off from each store in each way, and one that is not.
REPLICAS = len(PLACES) * len(Way) + 1
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
            postgres = running.enter_context(postgres_server(options=("fsync=off",), network="10.99.1.0/24"))
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


def test_replicas_that_are_cut_off_say_so_and_come_back(net: Networks, replicas: Fleet) -> None:
    """All but one at once, each from the catalog or from the blobs, one way or both."""
    choose = random.Random(4)
    for number in range(ROUNDS):
        other, *victims = choose.sample(range(REPLICAS), REPLICAS)
        cut = dict(zip(product(Way, PLACES), victims, strict=True))
        whole = replicas.replicas[other]
        cuts = [_Cut(way, place, number, replicas.replicas[victim], whole) for (way, place), victim in cut.items()]
        crowd = Crowd(whole.address, pushing=2, pulling=4, pace=0.1)
        with crowd.going(), ThreadPoolExecutor(len(cuts)) as beside:
            for (way, place), victim in cut.items():
                net.cut(place, victim, way)
            refused = list(beside.map(_Cut.said, cuts))
            net.mend()
            back = list(beside.map(_Cut.came_back, cuts))
        assert not crowd.again, "a client of another replica noticed"
        for (way, place), until, since in zip(cut, refused, back, strict=True):
            told(f"{place}: {way.value} is lost", refused_after=round(until, 1), back_after=round(since, 1))
        crowd.check()
    replicas.verify()


class _Cut:
    """A replica that does not reach a store, and another that reaches both."""

    def __init__(self, way: Way, place: str, number: int, replica: OrlopServer, other: OrlopServer) -> None:
        self._place, self._replica, self._other = place, replica, other
        self._what, self._tag = small(f"cut {number} {place} {way}"), f"cut-{number}-{place}-{way.name}"

    def said(self) -> float:
        """It refuses, and says why; after how many seconds it refused."""
        seconds = _refused(self._replica, lambda client: client.push(self._what, self._tag))
        ready = _comes_to_say(self._replica, 503, REFUSED)
        assert ready.body.count(b'"ok"') == 1, ready.body
        assert (b'"catalog":"ok"' in ready.body) == (self._place == "blobs"), ready.body
        with Client(self._replica.address) as client:
            assert client.ask("GET", "/healthz").status == 200
        return seconds

    def came_back(self) -> float:
        """What is pushed to it is there, and on the other one; after how many seconds."""
        mended = time.monotonic()
        _comes_to_say(self._replica, 200, BACK)
        with Client(self._replica.address) as client, Client(self._other.address) as other:
            client.push(self._what, self._tag)
            client.pull(self._tag)
            other.held[self._tag] = self._what
            other.pull(self._tag)
        return time.monotonic() - mended


def _refused(replica: OrlopServer, work) -> float:  # type: ignore[no-untyped-def]
    """What a client is told, and after how many seconds."""
    began = time.monotonic()
    with Client(replica.address) as client, pytest.raises(Refused) as refused:
        work(client)
    assert_unavailable(refused.value.answer)
    seconds = time.monotonic() - began
    assert seconds < unhurried(REFUSED)
    return seconds


def _comes_to_say(replica: OrlopServer, status: int, within: float) -> Answer:
    """What /readyz says once it says that."""
    began = time.monotonic()
    while True:
        with Client(replica.address) as client:
            answer = client.ask("GET", "/readyz")
        if answer.status == status:
            return answer
        assert time.monotonic() - began < unhurried(within), f"/readyz does not come to say {status}: {answer.body!r}"
        time.sleep(0.2)
