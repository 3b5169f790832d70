"""The database goes away for a while: what goes on, what is refused and how, and that all of it comes back."""

import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.faults.pushing import REPOSITORY, Client, Refused, assert_unavailable, small
from tests.fleet import fleet
from tests.postgres import postgres_server
from tests.s3 import S3Server
from tests.serving import eventually
from tests.wire.place import APP, TARGET, pulls, two_replicas
from tests.wire.sockets import Connection

pytestmark = pytest.mark.slow


def test_what_is_named_by_its_digest_is_served_while_the_database_is_away(tmp_path: Path, store: S3Server) -> None:
    held, other = small("held"), small("other")
    with (
        postgres_server(options=("fsync=off",)) as postgres,  # what is acknowledged is written
        fleet(tmp_path, postgres, store, count=1) as replicas,
        Client(replicas.address) as client,
    ):
        client.push(held, "held")
        manifest = f"/v2/{REPOSITORY}/manifests/{held.digest}"
        blobs = [f"/v2/{REPOSITORY}/blobs/{piece.digest}" for piece in held.blobs]
        for target in (manifest, *blobs):
            assert client.ask("GET", target).status == 200
        postgres.stop()

        assert client.ask("GET", manifest).body == held.content
        for target, piece in zip(blobs, held.blobs, strict=True):
            assert client.ask("GET", target).body == piece.content
        assert_unavailable(client.ask("GET", f"/v2/{REPOSITORY}/manifests/held"))
        with pytest.raises(Refused) as refused:
            client.push(other, "other")
        assert_unavailable(refused.value.answer)
        ready = client.ask("GET", "/readyz")
        assert ready.status == 503
        assert b"catalog" in ready.body
        assert client.ask("GET", "/healthz").status == 200

        postgres.start()
        deadline = time.monotonic() + 30
        while client.ask("GET", "/readyz").status != 200:
            assert time.monotonic() < deadline, "the replica does not find the database again"
            time.sleep(0.2)
        client.push(other, "other")
        client.pull_everything()
        replicas.verify()


def test_those_who_were_signed_in_go_on_pulling_by_digest_while_the_database_is_away(tmp_path: Path) -> None:
    with (
        postgres_server(options=("fsync=off",)) as postgres,
        two_replicas(tmp_path, postgres, auth_outage_grace="10s") as place,
    ):
        place.let_in()
        here = place.connections[0]
        token, manifest = place.token(here), f"/v2/team/app/manifests/{APP.digest}"
        targets = [manifest, *(f"/v2/team/app/blobs/{piece.digest}" for piece in APP.blobs)]
        for _ in range(6):  # until the replica has also seen in the database what it changed itself
            for who in (place.robot, token):
                assert [here.ask("GET", target, who).status for target in targets] == [200] * len(targets)
            time.sleep(0.3)
        assert place.connections[1].ask("GET", "/healthz").status == 200  # or it is cut off for its silence
        postgres.stop()
        time.sleep(1)  # until nobody remembers as if nothing had happened

        for who in (place.robot, token):
            assert here.ask("GET", manifest, who).body == APP.content
            for target, piece in zip(targets[1:], APP.blobs, strict=True):
                assert here.ask("GET", target, who).body == piece.content

        def status(connection: Connection, method: str, target: str, who: str) -> int:
            # On a connection of its own: all at once, since each refusal takes as long as a database may be away.
            with Connection(connection.socket.getpeername()[1]) as own:
                return own.ask(method, target, who).status

        elsewhere, there = f"/v2/team/other/manifests/{APP.digest}", place.connections[1]
        refused = [
            (here, "GET", TARGET, place.robot, {503}),  # what a tag points at cannot be known
            (here, "GET", TARGET, token, {503}),
            (here, "GET", elsewhere, place.robot, {503}),
            (here, "GET", elsewhere, token, {503}),
            (here, "GET", manifest, "authorization: Basic eDp5", {401, 503}),
            (here, "GET", manifest, "authorization: Bearer x", {401, 503}),
            (there, "GET", manifest, place.robot, {503}),  # who was never there is not known
            (here, "POST", "/v2/team/app/blobs/uploads/", place.robot, {503}),
        ]
        with ThreadPoolExecutor(len(refused)) as beside:
            answers = [(beside.submit(status, *asked), right) for *asked, right in refused]
        assert [answer.result() in right for answer, right in answers] == [True] * len(refused), answers

        eventually("it ends", lambda: here.ask("GET", manifest, place.robot).status == 503, patience=30)
        postgres.start()
        eventually("it is back", lambda: pulls(here, place.robot).status == 200, patience=30)
