"""Another program has the catalog locked: writes wait, then are refused; reads go on."""

import sqlite3
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path
from typing import Self

import pytest

from tests.faults.pushing import Client, Refused, assert_clean, assert_unavailable, small
from tests.faults.running import running
from tests.volume import volume

pytestmark = pytest.mark.slow

LOCKS = volume(5, 50)


#: How long a lock is held at most, in seconds, whatever becomes of the test.
_HELD = 120


class _Lock:
    """The write lock of a catalog, held as a backup program or a shell would, until it is let go."""

    def __init__(self, database: Path) -> None:
        self._database = database
        self._held = threading.Event()
        self._enough = threading.Event()
        self._holder = threading.Thread(target=self._hold)

    def __enter__(self) -> Self:
        self._holder.start()
        assert self._held.wait(30)
        return self

    def __exit__(self, *_: object) -> None:
        self.let_go()

    def let_go(self) -> None:
        """Hold it no longer. It was held up to now."""
        assert self._holder.is_alive() or self._enough.is_set()
        self._enough.set()
        self._holder.join()

    def _hold(self) -> None:
        with closing(sqlite3.connect(self._database, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            self._held.set()
            self._enough.wait(_HELD)
            connection.execute("ROLLBACK")


def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as server, Client(server.address) as client, Client(server.address) as reader:
        client.push(small("first"), "first")
        reader.held = dict(client.held)
        for number in range(LOCKS):
            with _Lock(server.data / "catalog" / "catalog.sqlite") as lock, ThreadPoolExecutor(1) as beside:
                reader.pull("first")
                pushed = beside.submit(client.push, small(f"later {number}"), f"later-{number}")
                time.sleep(0.5)
                reader.pull("first")
                assert not pushed.done(), "the push did not wait for the lock"
                lock.let_go()
                pushed.result()
        client.pull_everything()
    assert_clean(server.data)


def test_a_long_lock_is_a_clear_refusal(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as server, Client(server.address) as client:
        client.push(small("first"), "first")
        with _Lock(server.data / "catalog" / "catalog.sqlite"):
            began = time.monotonic()
            with pytest.raises(Refused) as refused:
                client.push(small("second"), "second")
            assert time.monotonic() - began > 1
            assert_unavailable(refused.value.answer)
            assert "another program keeps the catalog locked" in refused.value.answer.errors()[0]["message"]
            client.pull_everything()
            assert client.ask("GET", "/healthz").status == 200
            assert client.ask("GET", "/readyz").status == 503
        client.push(small("second"), "second")
        client.pull_everything()
    assert_clean(server.data)
