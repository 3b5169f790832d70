"""Promotion on a server: how long it takes, what it does not touch, and what is left where the server is killed."""

import json
import os
import random
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.content import artifact, image, index
from tests.managed import PASSWORD, Managed
from tests.servers import ORLOP, OrlopServer
from tests.serving import unhurried
from tests.volume import volume
from tests.wire.sockets import Gone

pytestmark = pytest.mark.slow

STAGES = ["dev=dev/", "prod=prod/"]
#: Times that a server is killed while it promotes.
KILLS = volume(4, 200)


@pytest.fixture(scope="module")
def api(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Managed]:
    server = OrlopServer(
        tmp_path_factory.mktemp("promotion"),
        {"open": False, "admin_password": PASSWORD, "workers": 1},
    )
    server.start()
    try:
        made = Managed(server)
        made.put("pipelines/app", {"stages": STAGES})
        yield made
    finally:
        server.kill()


@pytest.fixture(name="killed", params=["sqlite", "postgres"])
def _killed(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Managed]:
    """A server on each of the engines that nobody else needs."""
    settings = {"open": False, "admin_password": PASSWORD, "workers": 1}
    if request.param == "postgres":
        settings["catalog_url"] = request.getfixturevalue("postgres").catalog()
    server = OrlopServer(tmp_path, settings)
    server.start()
    try:
        made = Managed(server)
        made.put("pipelines/app", {"stages": STAGES})
        yield made
    finally:
        server.kill()


def promoted(api: Managed, *images: str) -> tuple[dict[str, object], float]:
    """What comes of promoting images, and how many seconds that takes."""
    begun = time.monotonic()
    found = api.ask("POST", "promotions", {"images": images, "stage": "prod"})
    return found, time.monotonic() - begun


def test_an_image_with_twenty_referrers_in_a_moment_and_no_blob_is_read_or_written(api: Managed) -> None:
    what = image("figures", [f"layer {number}" for number in range(12)])
    api.push("dev/figures", what, "1")
    for number in range(20):
        api.push("dev/figures", artifact(f"referrer {number}", subject=what))
    blobs = api.server.data / "blobs"
    blobs.rename(blobs.with_name("away"))
    try:
        found, seconds = promoted(api, "dev/figures:1")
    finally:
        blobs.with_name("away").rename(blobs)
    assert (found["manifests"], seconds < unhurried(0.15)) == (21, True), seconds
    print(f"an image with 20 referrers was promoted in {seconds * 1000:.0f} ms")
    listed = json.loads(api.manifest("prod/figures", "1").body)
    assert len(listed["layers"]) == 12


def test_a_bundle_of_fifty_images_in_two_seconds(api: Managed) -> None:
    names = [f"dev/many/app{number}" for number in range(50)]
    for number, name in enumerate(names):
        api.push(name, image(f"many {number}", ["base", f"own {number}"]), "1")
    api.ask("POST", "bundles", {"name": "fifty", "images": [f"{name}:1" for name in names]})
    begun = time.monotonic()
    found = api.ask("POST", "promotions", {"bundle": "fifty", "stage": "prod"})
    seconds = time.monotonic() - begun
    assert (found["manifests"], seconds < unhurried(2.0)) == (50, True), seconds
    print(f"a bundle of 50 images was promoted in {seconds * 1000:.0f} ms")


def test_a_server_that_is_killed_leaves_all_or_nothing_and_once(killed: Managed) -> None:
    api, chance = killed, random.Random(27)
    names = [f"dev/killed/app{number}" for number in range(8)]
    for number, name in enumerate(names):
        api.push(name, index(f"killed {number}", [image(f"a {number}"), image(f"b {number}")]))
    done_before = 0
    for turn in range(KILLS):
        for number, name in enumerate(names):
            api.push(name, index(f"killed {number}", [image(f"a {number}"), image(f"b {number}")]), f"t{turn}")
        images = [f"{name}:t{turn}" for name in names]
        api.ask("GET", "me")  # the password is known, so that what is killed is the promotion
        asking = threading.Thread(target=_asked, args=(api, images))
        asking.start()
        time.sleep(chance.uniform(0, 0.06))
        os.killpg(api.server.pid, signal.SIGKILL)
        asking.join()
        api.server.kill()
        api.server.start()
        there = {api.manifest(name.replace("dev/", "prod/"), f"t{turn}").status for name in names}
        assert len(there) == 1, there
        done_before += there == {200}
        found, _ = promoted(api, *images)
        assert (found["promotion"] is None) == (there == {200})
        again, _ = promoted(api, *images)
        assert again["promotion"] is None
    print(f"{done_before} of {KILLS} promotions were done when the server was killed")
    assert api.server.stop() == 0
    done = subprocess.run([*ORLOP, "verify"], env=api.server.environment(), capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr


def _asked(api: Managed, images: list[str]) -> None:
    """Ask a server that may be gone before it answers."""
    with suppress(Gone, OSError):
        promoted(api, *images)


def test_the_commands(api: Managed, tmp_path: Path) -> None:
    api.push("dev/typed", image("typed"), "1")
    environment = {**os.environ, "HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path / ".config")}

    def typed(*words: str, sent: str = "", code: int = 0) -> str:
        done = subprocess.run([*ORLOP, *words], env=environment, input=sent, capture_output=True, text=True, timeout=60)
        assert done.returncode == code, done.stderr
        return done.stdout or done.stderr

    typed("login", api.server.address, "--user", "admin", "--password-stdin", sent=PASSWORD)
    said = typed("promote", f"{api.server.address}/dev/typed:1", "--to", "prod", "--json")
    number = json.loads(said)["promotion"]["id"]
    assert f"{number} " in typed("promotion", "ls", "--state", "done")
    assert json.loads(typed("promotion", "show", str(number), "--json"))["state"] == "done"
    typed("promotion", "refuse", str(number), "--reason", "too late", code=1)
    back = typed("promotion", "rollback", f"{api.server.address}/prod/typed", "--reason", "it broke")
    assert back == f"prod/typed:1 is removed\npromotion {number} is rolled back\n"
    made = typed("bundle", "create", "release-1", f"{api.server.address}/dev/typed:1")
    assert made.endswith("\nbundle release-1 has 1 image\n")
    assert "release-1  dev/" in typed("bundle", "ls")
    assert json.loads(typed("bundle", "show", "release-1", "--json"))["images"][0]["tag"] == "1"
    assert "there is no bundle release-1" in typed("bundle", "show", "release-1", "--at", "prod/", code=1)
    of_bundle = json.loads(typed("promote", "release-1", "--to", "prod", "--json"))
    assert of_bundle["promotion"]["bundle"] == "release-1"
    typed("bundle", "rm", "release-1")
    assert len(json.loads(typed("promotion", "ls", "--image", "prod/typed:1", "--json"))) == 2
    assert f"(rollback of promotion {number}: it broke)" in typed("history", f"{api.server.address}/prod/typed:1")
    assert "without a tag" in typed(
        "promotion", "rollback", f"{api.server.address}/prod/typed:1", "--reason", "it broke", code=2
    )
