"""Another program has the catalog locked: writes wait, then are refused; reads go on."""

import sqlite3
import threading
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from tests.faults.pushing import Client, Refused, assert_clean, assert_unavailable, small
from tests.faults.running import running
from tests.volume import volume

pytestmark = pytest.mark.slow

LOCKS = volume(5, 50)


@contextmanager
def _locked(database: Path, seconds: float) -> Iterator[threading.Thread]:
    """Hold the write lock of the catalog, as a backup program or a shell would, for some seconds from now on."""
    held = threading.Event()

    def hold() -> None:
        with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as connection:
            connection.execute("BEGIN IMMEDIATE")
            held.set()
            time.sleep(seconds)
            connection.execute("ROLLBACK")

    holder = threading.Thread(target=hold)
    holder.start()
    assert held.wait(30)
    try:
        yield holder
    finally:
        holder.join()


def test_a_short_lock_is_waited_for(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as server, Client(server.address) as client:
        client.push(small("first"), "first")
        for number in range(LOCKS):
            with _locked(server.data / "catalog" / "catalog.sqlite", 0.7) as holder:
                client.pull("first")
                assert holder.is_alive(), "the read waited for the lock"
                client.push(small(f"later {number}"), f"later-{number}")
                assert not holder.is_alive(), "the push did not wait for the lock"
        client.pull_everything()
    assert_clean(server.data)


def test_a_long_lock_is_a_clear_refusal(tmp_path: Path) -> None:
    with running(tmp_path, workers=2) as server, Client(server.address) as client:
        client.push(small("first"), "first")
        with _locked(server.data / "catalog" / "catalog.sqlite", 12):
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
