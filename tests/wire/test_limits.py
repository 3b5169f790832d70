"""Rate limits and the audit log on a server with two workers, people with tokens, and others who are not to suffer."""

import asyncio
import base64
import json
import resource
import secrets
import socket
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from orlop.adapters.sql.catalog import open_sqlite
from orlop.bootstrap.stores.catalogs import sqlite_file
from orlop.config import Settings
from orlop.domain.access import Place, PlaceKind
from orlop.domain.identity.secrets import new_secret, parse_secret
from orlop.ports.catalog import By
from orlop.ports.identity import Account, NewGrant, Secret
from tests.content import artifact, image
from tests.serving import PATIENCE, Reply, Server, Wire, alone, command, environment, eventually, head, serving

pytestmark = pytest.mark.slow

BY = By("admin", 1)
LIMITED = {
    "ORLOP_WORKERS": "2",
    "ORLOP_ADMIN_PASSWORD": "correct horse battery",
    "ORLOP_RATE_LIMITS_REQUESTS": "30",
    "ORLOP_RATE_LIMITS_FAILED_LOGINS": "3",
    "ORLOP_AUDIT_PULLS": "all",
    "ORLOP_UPLOADS_CONCURRENT": "6",
}


@pytest.fixture(scope="module", name="server")
def _server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    with serving(tmp_path_factory.mktemp("limited"), settings=LIMITED, opened=False) as server:
        yield server


@pytest.fixture(scope="module", name="people")
def _people(server: Server) -> dict[str, str]:
    """Authorization headers of people who may push below `team`."""
    return asyncio.run(joined(server.data, "alice", "bob", "carol", "dave", "erin", "fay", "gina", "hana", "ivan"))


async def joined(data: Path, *names: str) -> dict[str, str]:
    opened = open_sqlite(sqlite_file(Settings(data=data)).parent)
    headers = {}
    for name in names:
        await opened.identity.accounts.add(Account(name=name), BY)
        text = new_secret("token", secrets.token_bytes)
        parsed = parse_secret(text)
        assert parsed is not None
        kept = Secret(account=name, kind="token", lookup=parsed.lookup, hash=parsed.hash)
        await opened.identity.secrets.add(kept, BY, at_most=9)
        place = Place(PlaceKind.NAMESPACE, "team")
        await opened.identity.grants.add(NewGrant(principal=name, role="publisher", place=place), BY)
        headers[name] = f"Basic {base64.b64encode(f'{name}:{text}'.encode()).decode()}"
    await opened.engine.close()
    return headers


def log(server: Server, *arguments: str) -> list[dict[str, object]]:
    """What `orlop audit ls` prints."""
    done = subprocess.run(
        command("audit", "ls", "--data", str(server.data), "--json", *arguments),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    found: list[dict[str, object]] = json.loads(done.stdout)
    return found


def test_blobs_that_are_at_hand_are_counted_as_well(server: Server, people: dict[str, str]) -> None:
    who = people["gina"]
    what = image("limited", layers=[])
    [config] = what.blobs
    post = f"/v2/team/limited/blobs/uploads/?digest={config.digest}"
    assert server.ask("POST", post, config.content, authorization=who).status == 201
    put = "/v2/team/limited/manifests/v1"
    assert server.ask("PUT", put, what.content, authorization=who, content_type=what.media_type).status == 201
    target = f"/v2/team/limited/blobs/{config.digest}"
    replies = [server.ask("GET", target, authorization=who) for _ in range(50)]
    assert {reply.status for reply in replies} == {200, 429}
    assert 28 <= sum(reply.status == 200 for reply in replies) <= 43
    left = [int(reply.headers["ratelimit"].partition("r=")[2].partition(";")[0]) for reply in replies[:20]]
    assert left == sorted(left, reverse=True)
    assert json.loads(replies[-1].body)["errors"][0]["code"] == "TOOMANYREQUESTS"

    eventually(
        "who pulled it is on record",
        lambda: (
            {entry["digest"] for entry in log(server, "--actor", "gina", "--kind", "blob.pulled")}
            == {str(config.digest)}
        ),
    )


def test_large_lists_that_nobody_reads_are_few(server: Server, people: dict[str, str]) -> None:
    """Each is in memory until its client has taken it. Small lists, and lists for others, are not held up."""
    who = people["hana"]
    subject = image("listed", layers=[])
    large = artifact("large", subject=subject, annotations={"k": "x" * 3_900_000})
    for what in (subject, large):
        for piece in what.blobs:
            post = f"/v2/team/listed/blobs/uploads/?digest={piece.digest}"
            assert server.ask("POST", post, piece.content, authorization=who).status == 201
        put = f"/v2/team/listed/manifests/{what.digest}"
        assert server.ask("PUT", put, what.content, authorization=who, content_type=what.media_type).status == 201
    target = f"/v2/team/listed/referrers/{subject.digest}"
    workers = server.workers()
    with alone(workers[0], workers), ExitStack() as stack:
        answered = []
        for _ in range(18):
            wire = stack.enter_context(Wire(slowly(server.port)))
            wire.send(head("GET", target, authorization=who))
            answered.append(int(wire.connection.recv(12).split(b" ")[1]))
        assert answered == [200] * 16 + [429] * 2
        assert server.ask("GET", "/v2/team/listed/tags/list", authorization=who).status == 200
        others = server.ask("GET", target, authorization=people["ivan"])
        assert (others.status, len(others.body) > 3_900_000) == (200, True)
    eventually("its places are free again", lambda: server.ask("GET", target, authorization=who).status == 200)


def slowly(port: int) -> socket.socket:
    """A connection of somebody for whom the system keeps next to nothing."""
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", port))
    return connection


def test_a_burst_is_limited_by_both_workers_together_and_others_are_not(server: Server, people: dict[str, str]) -> None:
    replies: list[Reply] = []
    workers = server.workers()
    for worker in workers:
        with alone(worker, workers):
            replies += [server.ask("GET", "/v2/", authorization=people["alice"]) for _ in range(30)]
    passed = [reply for reply in replies if reply.status == 200]
    refused = [reply for reply in replies if reply.status == 429]
    assert len(passed) + len(refused) == 60
    assert len({reply.headers["x-request-id"].partition("-")[0] for reply in replies}) == 2
    # One more each two seconds, while it lasts.
    assert 30 <= len(passed) <= 45
    assert passed[0].headers["ratelimit-policy"] == '"requests-subject";q=30;w=60'
    assert passed[0].headers["ratelimit"] == '"requests-subject";r=29;t=2'
    last = refused[-1]
    assert last.headers["ratelimit-policy"] == '"requests-subject";q=30;w=60'
    assert last.headers["ratelimit"].startswith('"requests-subject";r=0;t=')
    assert 1 <= int(last.headers["retry-after"]) <= 2
    (error,) = json.loads(last.body)["errors"]
    assert error["code"] == "TOOMANYREQUESTS"
    assert "alice made more than 30 requests a minute" in error["message"]
    other = server.ask("GET", "/v2/", authorization=people["bob"])
    assert other.status == 200
    assert other.headers["ratelimit"] == '"requests-subject";r=29;t=2'


def test_what_happens_is_in_the_log_and_the_log_is_whole(server: Server, people: dict[str, str]) -> None:
    carol = people["carol"]
    digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    pushed = server.ask("POST", f"/v2/team/app/blobs/uploads/?digest={digest}", b"x", authorization=carol)
    assert pushed.status == 201
    assert server.ask("GET", f"/v2/team/app/blobs/{digest}", authorization=carol).status == 200
    assert server.ask("DELETE", f"/v2/team/app/blobs/{digest}", authorization=carol).status == 403
    assert server.ask("GET", "/v2/secret/app/tags/list", authorization=carol).status == 404

    def logged() -> bool:
        return {str(entry["kind"]) for entry in log(server, "--actor", "carol")} >= {
            "repository.created",
            "blob.pushed",
            "blob.pulled",
            "access.refused",
        }

    eventually("everything is in the log", logged)
    # Each worker writes down what it refused when it comes to it.
    eventually("both refusals are", lambda: len(log(server, "--actor", "carol", "--refused")) >= 2)
    entries = log(server, "--actor", "carol", "--refused")
    assert {(entry["subject"], entry["repository"]) for entry in entries} == {
        ("delete", "team/app"),
        ("list", "secret/app"),
    }
    assert all(entry["address"] == "127.0.0.1" for entry in entries)
    assert all("token" in str(entry["credential"]) for entry in entries)
    done = subprocess.run(
        command("audit", "verify", "--data", str(server.data), "--json"),
        env=environment(),
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
    )
    assert json.loads(done.stdout)["findings"] == []


def test_an_address_that_fails_to_sign_in_again_and_again_has_to_wait(server: Server) -> None:
    wrong = "Basic " + base64.b64encode(b"nobody:wrong").decode()
    statuses = [server.ask("GET", "/v2/", authorization=wrong).status for _ in range(6)]
    assert statuses[:3] == [401, 401, 401]
    assert statuses[-1] == 429
    eventually(
        "the failures are in the log",
        lambda: any(entry["subject"] == "nobody" for entry in log(server, "--kind", "sign-in.failed")),
    )


def test_a_client_that_trickles_its_uploads_leaves_room_for_others(server: Server, people: dict[str, str]) -> None:
    digest = "sha256:2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881"
    target = f"/v2/team/slow/blobs/uploads/?digest={digest}"
    started = head("POST", target, content_length="1000", authorization=people["dave"]) + b"x"
    with ExitStack() as stack:
        for _ in range(20):
            stack.enter_context(server.connect()).send(started)
        for _ in range(12):
            others = server.ask("POST", target, b"x", authorization=people["erin"])
            assert others.status == 201


def test_who_abandons_uploads_is_stopped_and_others_are_not(tmp_path: Path) -> None:
    settings = {"ORLOP_UPLOADS_SESSIONS": "5", "ORLOP_ADMIN_PASSWORD": "correct horse battery"}
    with serving(tmp_path, "--workers", "2", settings=settings, opened=False) as server:
        people = asyncio.run(joined(server.data, "alice", "bob"))

        def begin(name: str) -> Reply:
            ticket = server.ask("POST", "/v2/team/app/blobs/uploads/", authorization=people[name])
            return server.ask("PATCH", ticket.headers["location"], b"x", authorization=people[name])

        begun = [begin("alice") for _ in range(5)]
        assert {reply.status for reply in begun} == {202}
        refused = begin("alice")
        assert (refused.status, refused.headers["retry-after"]) == (429, "60")
        assert b"alice has 5 uploads under way" in refused.body
        assert begin("bob").status == 202
        session = begun[0].headers["location"]
        assert server.ask("DELETE", session, authorization=people["alice"]).status == 204
        assert begin("alice").status == 202
        assert begin("alice").status == 429


def test_two_thousand_slow_sockets_keep_nobody_from_signing_in(server: Server, people: dict[str, str]) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 4096), hard))
    whole = head("GET", "/v2/team/app/tags/list", authorization=people["dave"])
    with ExitStack() as stack:
        for number in range(2000):
            stack.enter_context(server.connect()).send(whole[: -1 - number % 40])
        for _ in range(10):
            assert server.ask("GET", "/v2/", authorization=people["fay"]).status == 200
            assert server.ask("GET", "/token?service=orlop", authorization=people["fay"]).status == 200
