"""`orlop backup` beside a registry that is used: what was acknowledged is in it, and what is damaged is found."""

import json
import random
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from pyrage.x25519 import Identity

from orlop.domain.digest import digest_of
from tests.content import Pushable, artifact, blob, image
from tests.faults.backing_up import backup, begin, content, orlop
from tests.faults.pushing import REPOSITORY, Client, small
from tests.faults.running import running
from tests.postgres import PostgresServer
from tests.s3 import ACCESS_KEY, SECRET_KEY, S3Server, versitygw
from tests.servers import OrlopServer
from tests.volume import volume

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[OrlopServer]:
    with running(tmp_path_factory.mktemp("registry")) as server:
        with Client(server.address) as client:
            for number in range(3):
                client.push(small(f"early {number}"), f"early-{number}")
        yield server


@pytest.fixture(scope="module")
def made(server: OrlopServer, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with a backup."""
    target = tmp_path_factory.mktemp("made") / "bk"
    backup({"data": server.data}, "create", str(target))
    return target


def holds(folder: Path, held: dict[str, Any]) -> None:
    """The restored registry in `folder` serves all of that, and nothing is wrong with it."""
    with running(folder) as restored:
        with Client(restored.address) as client:
            client.held = held
            client.pull_everything()
        restored.verify()
        assert restored.errors() == []


class Pushing:
    """Clients that push without a pause, and remember when each push was acknowledged."""

    def __init__(self, server: OrlopServer, clients: int) -> None:
        self.held: list[tuple[float, str, Any]] = []
        self._server = server
        self._enough = threading.Event()
        self._threads = [threading.Thread(target=self._work, args=(number,)) for number in range(clients)]

    def __enter__(self) -> "Pushing":
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        for thread in self._threads:
            thread.join(60)

    def before(self, moment: float) -> dict[str, Any]:
        return {tag: what for at, tag, what in self.held if at < moment}

    def _work(self, number: int) -> None:
        turn = 0
        with Client(self._server.address) as client:
            while not self._enough.is_set():
                turn += 1
                tag, what = f"v{number}-{turn}", small(f"pushed {number} {turn}")
                client.push(what, tag)
                self.held.append((time.time(), tag, what))


def test_what_was_acknowledged_before_a_backup_began_is_in_it(server: OrlopServer, tmp_path: Path) -> None:
    target = tmp_path / "bk"
    with Pushing(server, volume(4, 8)) as pushing:
        for _ in range(volume(2, 20)):
            began = time.time()
            last = backup({"data": server.data}, "create", str(target))
    held = pushing.before(began)
    assert len(held) > 5
    assert len(pushing.held) > len(held)
    assert backup({}, "verify", str(target))["wrong"] == 0
    said = backup({}, "restore", str(target), "--name", last["name"], "--into", str(tmp_path / "b" / "data"))
    assert said["blobs"] == last["blobs"]
    holds(tmp_path / "b", held)


def test_what_is_there_already_is_not_copied_again(server: OrlopServer, tmp_path: Path) -> None:
    target = tmp_path / "bk"
    first = backup({"data": server.data}, "create", str(target))
    assert first["new_size"] == first["bytes"]
    with Client(server.address) as client:
        client.push(image("more", [blob("one more", 70_000)]), "more")
    second = backup({"data": server.data}, "create", str(target))
    assert second["new_blobs"] == 2
    assert second["blobs"] == first["blobs"] + 2
    assert 70_000 < second["new_size"] < second["bytes"]
    files = content(target)
    assert len([name for name in files if name.startswith("blobs/")]) == second["blobs"]
    assert sum(size for name, size in files.items() if not name.startswith("backups/")) == (
        first["new_size"] + second["new_size"]
    )


def test_a_backup_that_is_killed_goes_on_where_it_was(server: OrlopServer, tmp_path: Path) -> None:
    data, target = {"data": server.data}, tmp_path / "bk"
    with Client(server.address) as client:
        client.push(image("large", [blob(f"large {number}", 300_000) for number in range(6)]), "large")
    brought: dict[str, int] = {}
    for _ in range(volume(2, 20)):
        process = begin(data, "create", str(target), "--limit", "600KiB")
        known = len(content(target))
        while process.poll() is None and len(content(target)) < known + 3:
            time.sleep(0.01)
        process.kill()
        process.communicate()
        assert not list((target / "backups").glob("*.json"))
        now = content(target)
        assert brought.items() <= now.items()
        brought = now
        _let_go(server)
    made = backup(data, "create", str(target))
    assert made["new_blobs"] + made["new_chunks"] < len(content(target)) - 1
    assert not list((target / "tmp").iterdir())
    assert backup({}, "verify", str(target))["wrong"] == 0


def _let_go(server: OrlopServer) -> None:
    """Its lease ends by itself after two minutes: nobody waits here."""
    with sqlite3.connect(server.data / "catalog" / "catalog.sqlite", timeout=10) as catalog:
        (until,) = catalog.execute("SELECT lease_until FROM jobs WHERE name = 'backup'").fetchone()
        assert until > time.time() * 1e6
        catalog.execute("UPDATE jobs SET lease_until = 0 WHERE name = 'backup'")


def test_one_flipped_bit_is_found_and_not_restored(made: Path, tmp_path: Path) -> None:
    target = tmp_path / "bk"
    subprocess.run(["cp", "-a", made, target], check=True)
    chance = random.Random(26)
    files = sorted(name for name, size in content(target).items() if size)
    for kind in ("backups/", "blobs/", "chunks/"):
        for name in chance.sample(
            [file for file in files if file.startswith(kind)], 1 if kind == "backups/" else volume(1, 20)
        ):
            file = target / name
            whole = file.read_bytes()
            place, bit = chance.randrange(len(whole)), chance.randrange(8)
            file.write_bytes(whole[:place] + bytes([whole[place] ^ 1 << bit]) + whole[place + 1 :])
            found = backup({}, "verify", str(target), code=1)
            assert [finding["where"] for finding in found["findings"]] == [name]
            into = tmp_path / digest_of(name.encode()).hex
            backup({}, "restore", str(target), "--into", str(into), code=1)
            assert not into.exists()
            file.write_bytes(whole)
    assert backup({}, "verify", str(target))["wrong"] == 0
    # The same command goes on with what it had begun.
    backup({}, "restore", str(target), "--into", str(into))
    assert into.is_dir()
    assert not into.with_name(f"{into.name}.restoring").exists()
    assert not into.with_name(f"{into.name}.restoring-of").exists()


def test_a_collection_beside_a_backup_takes_nothing_from_it(tmp_path: Path) -> None:
    target = tmp_path / "bk"
    with running(tmp_path / "a") as server:
        doomed = image("doomed", [blob(f"doomed {number}", 400_000) for number in range(4)])
        with Client(server.address) as client:
            client.push(doomed, "doomed")
            process = begin({"data": server.data}, "create", str(target), "--limit", "500KiB", "--json")
            while process.poll() is None and not any(name.startswith("blobs/") for name in content(target)):
                time.sleep(0.01)
            assert client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/{doomed.digest}").status == 202
            _empty_trash(server)
            _collect(server)
            assert process.poll() is None
            assert len(_copies(server, doomed)) == 5
        said, errors = process.communicate()
        assert process.returncode == 0, errors
        assert json.loads(said)["damaged"] == []
        assert _collect(server)["removed"] == 5  # and what the backup held back goes after it
        assert _copies(server, doomed) == []
    assert backup({}, "verify", str(target))["wrong"] == 0
    assert {f"blobs/sha256/{piece.digest.hex[:2]}/{piece.digest.hex}" for piece in doomed.blobs} <= content(
        target
    ).keys()


def _copies(server: OrlopServer, what: Pushable) -> list[Path]:
    return [
        copy
        for digest in {piece.digest for piece in what.blobs}
        for copy in (server.data / "blobs" / "sha256" / digest.hex[:2]).glob(f"{digest.hex}.*")
    ]


def _empty_trash(server: OrlopServer) -> None:
    with sqlite3.connect(server.data / "catalog" / "catalog.sqlite", timeout=10) as catalog:
        catalog.execute("UPDATE trash SET expires_at = 1")


def _collect(server: OrlopServer) -> Any:
    ended, output, errors = orlop({"data": server.data}, "gc", "--grace", "0s", "--json")
    assert ended == 0, errors
    return json.loads(output)


def test_a_blob_that_the_registry_lost_is_named_and_the_rest_is_kept(tmp_path: Path) -> None:
    target = tmp_path / "bk"
    with running(tmp_path / "a") as server:
        with Client(server.address) as client:
            lost, kept = image("lost", [blob("lost layer", 5_000)]), small("kept")
            client.push(lost, "lost")
            client.push(kept, "kept")
        digest = lost.blobs[-1].digest
        (copy,) = (server.data / "blobs" / "sha256" / digest.hex[:2]).glob(f"{digest.hex}.*")
        copy.write_bytes(b"x" * 5_000)
        made = backup({"data": server.data}, "create", str(target), code=1)
        assert [damage["digest"] for damage in made["damaged"]] == [digest]
    assert backup({}, "verify", str(target))["wrong"] == 0
    drilled = backup({}, "drill", str(target), "--scratch", str(tmp_path), code=1)
    assert digest in json.dumps(drilled["report"]["findings"])
    assert not list(tmp_path.glob("orlop-drill-*"))
    backup({}, "restore", str(target), "--into", str(tmp_path / "b" / "data"), code=1)
    with running(tmp_path / "b") as restored, Client(restored.address) as client:
        client.held = {"kept": kept}
        client.pull_everything()
        assert client.ask("GET", f"/v2/{REPOSITORY}/blobs/{digest}").status >= 400


def test_the_newest_from_before_a_time_is_restored_and_old_ones_go(server: OrlopServer, tmp_path: Path) -> None:
    target = tmp_path / "bk"
    names = []
    for number in range(3):
        with Client(server.address) as client:
            client.push(small(f"aged {number}"), f"aged-{number}")
        names.append(backup({"data": server.data}, "create", str(target)))
    assert [one["name"] for one in backup({}, "ls", str(target))] == [one["name"] for one in names]
    said = backup({}, "restore", str(target), "--at", names[1]["at"], "--into", str(tmp_path / "b" / "data"))
    assert said["backup"]["name"] == names[1]["name"]
    with sqlite3.connect(tmp_path / "b" / "data" / "catalog" / "catalog.sqlite") as catalog:
        tags = {name for (name,) in catalog.execute("SELECT name FROM tags WHERE name LIKE 'aged-%'")}
    assert tags == {"aged-0", "aged-1"}
    before = content(target)
    planned = backup({}, "prune", str(target), "--keep", "1", "--dry-run")
    assert content(target) == before
    pruned = backup({}, "prune", str(target), "--keep", "1")
    assert pruned == planned
    assert pruned["backups"] == [names[0]["name"], names[1]["name"]]
    after = content(target)
    assert sum(before.values()) - sum(after.values()) - pruned["freed"] == sum(
        size for name, size in before.items() if name.startswith("backups/") and name not in after
    )
    assert backup({}, "verify", str(target))["wrong"] == 0
    (unreadable,) = (target / "backups").iterdir()
    unreadable.write_bytes(unreadable.read_bytes()[:-2])
    assert "cannot be read" in backup({}, "prune", str(target), "--keep", "1", code=1)
    assert len(content(target)) == len(after)


def test_nothing_is_overwritten(server: OrlopServer, made: Path, tmp_path: Path) -> None:
    full = tmp_path / "full"
    full.mkdir()
    (full / "notes.txt").write_text("mine")
    assert "not empty" in backup({}, "restore", str(made), "--into", str(full), code=1)
    assert "not empty" in backup({"data": server.data}, "create", str(full), code=1)
    assert [entry.name for entry in full.iterdir()] == ["notes.txt"]
    assert "no backups" in backup({}, "ls", str(full), code=1)
    assert "no backup" in backup({}, "restore", str(made), "--at", "2020-01-01", "--into", str(tmp_path / "x"), code=1)


def test_one_repository_comes_back_beside_what_is_there(tmp_path: Path) -> None:
    target, into = tmp_path / "bk", ["--as", "restored/app"]
    signed = artifact("signature", subject=small("kept"))
    with running(tmp_path / "a") as server:
        with Client(server.address) as client:
            client.push(small("kept"), "kept")
            client.push(signed, "sha256-of-nothing")
            client.push(small("moved"), "moved")
        backup({"data": server.data}, "create", str(target))
        here = ["--server", server.address]
        with Client(server.address) as client:
            # What happened since: one tag is gone, and one is another image.
            assert client.ask("DELETE", f"/v2/{REPOSITORY}/manifests/kept").status == 202
            client.push(small("moved since"), "moved")
        asked = [str(target), "--repository", REPOSITORY]
        said = backup({}, "restore", *asked, "--as", REPOSITORY, *here, code=1)
        assert [(each["reference"], each["code"]) for each in said["failures"]] == [("moved", "CONFLICT")]
        with Client(server.address) as client:
            answer = client.ask("GET", f"/v2/{REPOSITORY}/manifests/kept")
            assert answer.body == small("kept").content
            answer = client.ask("GET", f"/v2/{REPOSITORY}/manifests/moved")
            assert answer.body == small("moved since").content
        said = backup({}, "restore", *asked, *into, *here)
        assert (said["brought"], said["failures"]) == (3, [])
        assert backup({}, "restore", *asked, *into, *here)["brought"] == 0
        with Client(server.address) as client:
            listed = client.ask("GET", f"/v2/restored/app/referrers/{small('kept').digest}")
            assert [each["digest"] for each in json.loads(listed.body)["manifests"]] == [signed.digest]
            moved = client.ask("GET", "/v2/restored/app/manifests/moved")
            assert moved.body == small("moved").content
        space = REPOSITORY.rpartition("/")[0] or REPOSITORY
        if space != REPOSITORY:
            whole = backup({}, "restore", str(target), "--repository", f"{space}/", "--as", "all/of/it/", *here)
            assert whole["repositories"] == 1
        assert "has no nothing/here" in backup(
            {}, "restore", str(target), "--repository", "nothing/here", *into, *here, code=1
        )
        server.verify()


@pytest.mark.parametrize(
    ("arguments", "what"),
    [
        (["--repository", "app"], "need each other"),
        (["--repository", "team/", "--as", "app"], "both end with a slash"),
        (["--repository", "App", "--as", "app"], "lower-case"),
        (["--repository", "app", "--as", "b", "--into", "x"], "name one place"),
    ],
)
def test_what_cannot_be_restored_so_is_said(made: Path, arguments: list[str], what: str) -> None:
    assert what in backup({}, "restore", str(made), *arguments, code=2)


def test_an_encrypted_one_is_read_and_restored_by_whoever_has_the_key(server: OrlopServer, tmp_path: Path) -> None:
    target, key = tmp_path / "bk", tmp_path / "key.txt"
    identity = Identity.generate()
    key.write_text(f"# of a test\n{identity}\n")
    secret = image("secret", [blob("nobody else reads this", 70_000)])
    with Client(server.address) as client:
        client.push(secret, "secret")
        held = dict(client.held)
    first = backup({"data": server.data}, "create", str(target), "--encrypt-to", str(identity.to_public()))
    again = backup({"data": server.data, "backup_encrypt_to": identity.to_public()}, "create", str(target))
    assert again["new_blobs"] == 0
    clear = secret.blobs[-1].content[:200]
    assert not [file for file in target.rglob("*") if file.is_file() and clear in file.read_bytes()]
    mine = ["--identity", str(key)]
    assert [one["name"] for one in backup({}, "ls", str(target), *mine)] == [first["name"], again["name"]]
    assert backup({}, "verify", str(target), *mine)["wrong"] == 0
    assert backup({}, "verify", str(target), "--quick", *mine)["wrong"] == 0
    assert backup({}, "drill", str(target), "--scratch", str(tmp_path), *mine)["report"]["findings"] == []
    key_in_file = {"backup_identity_file": key}
    assert backup(key_in_file, "prune", str(target), "--keep", "1")["backups"] == [first["name"]]
    # Nobody else learns more than for whom it is.
    for arguments in (["ls", str(target)], ["verify", str(target)], ["create", str(target)]):
        said = backup({"data": server.data}, *arguments, code=1)
        assert str(identity.to_public()) in said
    stranger = tmp_path / "stranger.txt"
    stranger.write_text(str(Identity.generate()))
    said = backup({}, "restore", str(target), "--into", str(tmp_path / "x"), "--identity", str(stranger), code=1)
    assert "encrypted for somebody else" in said
    layer = secret.blobs[-1].digest
    (file,) = (target / "blobs" / "sha256" / layer.hex[:2]).glob(f"{layer.hex}.age")
    whole = file.read_bytes()
    for place in (60, 150, len(whole) // 2, len(whole) - 1):
        file.write_bytes(whole[:place] + bytes([whole[place] ^ 4]) + whole[place + 1 :])
        found = backup({}, "verify", str(target), *mine, code=1)
        assert [layer.hex in finding["where"] for finding in found["findings"]] == [True]
    file.write_bytes(whole)
    backup({}, "restore", str(target), "--into", str(tmp_path / "b" / "data"), *mine)
    holds(tmp_path / "b", held)


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    with versitygw(tmp_path_factory.mktemp("versitygw")) as server:
        for bucket in ("blobs", "others", "backups", "third"):
            server.made(bucket)
        yield server


def test_postgresql_and_a_bucket_into_a_bucket_and_back(
    postgres: PostgresServer, store: S3Server, tmp_path: Path
) -> None:
    reach = {
        "backup_endpoint": store.endpoint,
        "backup_access_key_id": ACCESS_KEY,
        "backup_secret_access_key": SECRET_KEY,
        "backup_addressing": "path",
    }
    source, target = postgres.database(), postgres.database()
    here = {"catalog_url": source, "blobs_addressing": "path"} | store.settings("blobs")
    there = {"catalog_url": target, "blobs_addressing": "path"} | store.settings("others")
    with running(tmp_path / "a", **here) as server:
        with Client(server.address) as client:
            client.push(small("one"), "one")
            client.push(image("large", [blob("larger than a part", 17 << 20)]), "large")
            held = dict(client.held)
        made = backup(here | reach, "create", "s3://backups/orlop")
        with Client(server.address) as client:
            client.push(small("two"), "two")
            held |= client.held
        again = backup(here | reach, "create", "s3://backups/orlop")
        assert again["new_blobs"] < made["blobs"]
    assert backup(reach, "verify", "s3://backups/orlop")["wrong"] == 0
    settings = tmp_path / "to.toml"
    settings.write_text("")
    to = reach | {f"to_{name}": value for name, value in there.items()}
    said = backup(to, "restore", "s3://backups/orlop", "--to", str(settings))
    assert said["blobs"] == again["blobs"]
    assert "not empty" in backup(to, "restore", "s3://backups/orlop", "--to", str(settings), code=1)
    with running(tmp_path / "b", **there) as restored:
        with Client(restored.address) as client:
            client.held = dict(held)
            client.pull_everything()
            client.push(small("three"), "three")
        restored.verify()
        restored.audit()
    backup(reach, "prune", "s3://backups/orlop", "--keep", "1")
    assert backup(reach, "verify", "s3://backups/orlop")["wrong"] == 0
    # One repository of it, beside what a registry has.
    with running(tmp_path / "live") as live:
        one = ["--repository", REPOSITORY, "--as", "restored/app", "--server", live.address]
        brought = backup(reach, "restore", "s3://backups/orlop", *one)
        assert (brought["failures"], brought["brought"]) == ([], len(held))
        with Client(live.address) as client:
            for tag, what in held.items():
                assert client.ask("GET", f"/v2/restored/app/manifests/{tag}").body == what.content
        live.verify()
    # A prefix of its own, with a passphrase; what is larger than a part is encrypted in parts.
    phrase = tmp_path / "phrase"
    phrase.write_text("correct horse battery staple\n")
    locked = ["s3://backups/locked", "--passphrase-file", str(phrase)]
    with running(tmp_path / "b", **there):
        made = backup(there | reach, "create", *locked)
        assert backup(there | reach, "create", *locked)["new_blobs"] == 0
    assert backup(reach, "verify", *locked)["wrong"] == 0
    assert "passphrase" in backup(reach, "verify", "s3://backups/locked", code=1)
    third = postgres.database()
    into = {"catalog_url": third, "blobs_addressing": "path"} | store.settings("third")
    to = reach | {f"to_{name}": value for name, value in into.items()}
    assert backup(to, "restore", *locked, "--name", made["name"], "--to", str(settings))["blobs"] == made["blobs"]
    with running(tmp_path / "c", **into) as restored:
        with Client(restored.address) as client:
            client.held = held
            client.pull_everything()
        restored.verify()
