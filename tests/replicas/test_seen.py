"""Replicas on one database are seen by each of them, and trace what they do there."""

import json
import subprocess
from pathlib import Path

import pytest

from tests.fleet import fleet
from tests.managed import PASSWORD, Managed
from tests.observing.otlp import span_receiver
from tests.postgres import PostgresServer
from tests.s3 import S3Server
from tests.servers import ORLOP
from tests.serving import eventually

pytestmark = pytest.mark.slow


def test_each_tells_of_all_and_one_that_ends_is_gone(tmp_path: Path, postgres: PostgresServer, store: S3Server) -> None:
    with (
        span_receiver() as receiver,
        fleet(
            *(tmp_path, postgres, store),
            count=2,
            open=False,
            admin_password=PASSWORD,
            tracing_endpoint=receiver.url,
            tracing_sample=1,
        ) as replicas,
    ):
        one, two = (Managed(replica) for replica in replicas.replicas)

        def seen(managed: Managed) -> set[str]:
            return {each["id"].rpartition(":")[2] for each in managed.ask("GET", "status")["replicas"]}

        ports = {str(replica.port) for replica in replicas.replicas}
        eventually("both are seen by both", lambda: seen(one) == seen(two) == ports)
        assert one.ask("GET", "status")["schema"] == two.ask("GET", "status")["schema"] > 50
        span = receiver.waited("GET api")
        assert any(each.name.startswith("catalog ") for each in receiver.below(span))
        eventually("both trace", lambda: len({each["service.instance.id"] for each in receiver.resources}) == 2)
        assert receiver.wrong == []
        replicas.replicas[1].stop()
        assert seen(one) == {str(replicas.replicas[0].port)}


def test_the_doctor_looks_at_a_database_and_a_bucket(tmp_path: Path, postgres: PostgresServer, store: S3Server) -> None:
    with fleet(tmp_path, postgres, store, count=1) as replicas:
        ended = subprocess.run(
            [*ORLOP, "doctor", "--json"],
            env=replicas.replicas[0].environment(),
            cwd=tmp_path,
            capture_output=True,
            text=True,
            timeout=60,
        )
    verdicts = {check["name"]: check["verdict"] for check in json.loads(ended.stdout)}
    well = ("rights in the database", "rights in the bucket", "schema", "clock of the database", "configuration")
    assert {name: verdicts.get(name) for name in well} == dict.fromkeys(well, "ok")
    assert verdicts["durability of the database"] == "warn"  # as tests have it
    assert ended.returncode == int("fail" in verdicts.values())
