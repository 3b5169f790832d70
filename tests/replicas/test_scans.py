"""Scanners and several replicas: each image is one replica's to have scanned, and a killed one's are taken up."""

from pathlib import Path

import pytest

from tests.content import image
from tests.fleet import fleet
from tests.managed import PASSWORD, Managed
from tests.postgres import PostgresServer
from tests.s3 import S3Server
from tests.scanning.adapter import Adapter, until
from tests.wire.test_inside import BASE
from tests.wire.test_scanners import ended, report, scanner

pytestmark = [pytest.mark.slow, pytest.mark.early]


def test_each_image_is_scanned_once_and_what_a_killed_replica_was_at_is_taken_up(
    tmp_path: Path, postgres: PostgresServer, store: S3Server
) -> None:
    settings = {"open": False, "admin_password": PASSWORD, "outbound_networks": "127.0.0.0/8"}
    with Adapter().listening() as adapter, fleet(tmp_path, postgres, store, count=2, **settings) as replicas:
        apis = [Managed(replica) for replica in replicas.replicas]
        scanner(apis[0], adapter, "team")
        adapter.waits = 2
        for number in range(4):
            apis[number % 2].push(f"team/app{number}", image(f"image {number}", [BASE]), "1")
        until(lambda: len(adapter.orders) == 4)
        asking = {order["registry"]["url"] for order in adapter.orders}
        adapter.hangs.clear()  # whatever is asked now is broken off in the middle of a step
        apis[0].push("team/last", image("the last one", [BASE]), "1")
        before = len(adapter.asked)
        until(lambda: len(adapter.asked) > before)
        [killed] = [each for each in apis if each.server.url in asking]
        [left] = [each for each in apis if each is not killed]
        killed.server.kill()
        adapter.hangs.set()
        for name in (*(f"team/app{number}" for number in range(4)), "team/last"):
            assert ended(left, name)["verdict"] == "findings"
        digests = [order["artifact"]["digest"] for order in adapter.orders]
        assert (len(digests), len(set(digests))) == (5, 5), "an image was scanned twice"
        assert adapter.orders[-1]["registry"]["url"] == left.server.url
        assert report(left, "team/last")["error"] == ""
        assert adapter.wrong == []
