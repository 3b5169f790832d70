"""Real clients behind a balancer that sends each of their requests to the next of three replicas."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.clients.contents import in_layout, served, unpacked_layers
from tests.clients.layouts import GREETING, noise
from tests.clients.programs import Station
from tests.fleet import Fleet, fleet
from tests.postgres import PostgresServer
from tests.s3 import versitygw

pytestmark = pytest.mark.slow

_SKOPEO = ("copy", "--quiet", "--all", "--preserve-digests")


@pytest.fixture(name="replicas", scope="module")
def _replicas(scratch: Callable[[str], Path], postgres: PostgresServer) -> Iterator[Fleet]:
    """Three replicas, which have to verify when all clients are done, and each of which was asked."""
    folder = scratch("replicas")
    with versitygw(folder / "versitygw") as store:
        store.made("fleet")
        with fleet(folder, postgres, store) as replicas:
            yield replicas
            replicas.verify()
        asked = [replica.access_log.read_text().count('"route"') for replica in replicas.replicas]
        assert min(asked) > max(asked) // 2, asked


def test_docker_pushes_pulls_and_runs(replicas: Fleet, station: Station, dockerd: Path, debian: Path) -> None:
    def docker(*arguments: str) -> str:
        return station.text("docker", "-H", f"unix://{dockerd}", *arguments)

    image, copy = f"{replicas.address}/docker/debian:12", f"{replicas.address}/docker/copy:12"
    station.run("skopeo", *_SKOPEO, "--dest-tls-verify=false", f"oci:{debian}:debian", f"docker://{image}")
    docker("pull", "--quiet", image)
    docker("tag", image, copy)
    assert "digest: sha256:" in docker("push", copy)
    docker("rmi", image, copy)
    docker("pull", "--quiet", copy)
    assert docker("run", "--rm", "--network=none", copy) == GREETING
    docker("rmi", copy)
    assert unpacked_layers(replicas, "docker/copy", "12") == unpacked_layers(replicas, "docker/debian", "12")


def test_crane_pushes_validates_and_copies(replicas: Fleet, station: Station, single: Path, platforms: Path) -> None:
    image = f"{replicas.address}/crane/image:1"
    station.run("crane", "push", single, image)
    station.run("crane", "validate", "--remote", image)
    station.run("crane", "push", platforms, f"{replicas.address}/crane/index:1")
    station.run("crane", "cp", f"{replicas.address}/crane/index:1", f"{replicas.address}/crane/copy:1")
    assert served(replicas, "crane/image", "1") == in_layout(single)
    assert served(replicas, "crane/copy", "1") == in_layout(platforms)


def test_skopeo_copies_from_registry_to_registry(replicas: Fleet, station: Station, platforms: Path) -> None:
    first, second = (f"docker://{replicas.address}/skopeo/{name}:1" for name in ("source", "target"))
    station.run("skopeo", *_SKOPEO, "--dest-tls-verify=false", f"oci:{platforms}:multi", first)
    station.run("skopeo", *_SKOPEO, "--src-tls-verify=false", "--dest-tls-verify=false", first, second)
    assert served(replicas, "skopeo/target", "1") == in_layout(platforms)


def test_regctl_uploads_in_chunks_each_of_which_goes_elsewhere(replicas: Fleet, station: Station) -> None:
    station.run("regctl", "registry", "set", replicas.address, "--tls", "disabled")
    station.run("regctl", "registry", "set", replicas.address, "--blob-chunk", "1000000", "--blob-max", "1000000")
    content = noise("chunks", 7_000_001)
    at = f"{replicas.address}/regctl/chunks"
    digest = station.run("regctl", "blob", "put", at, sent=content).decode().split()[-1]
    assert station.run("regctl", "blob", "get", at, digest) == content


def test_oras_attaches_and_discovers(replicas: Fleet, station: Station) -> None:
    at = f"{replicas.address}/oras/artifact:1"
    (station.folder / "model.bin").write_bytes(noise("model", 2_000_000))
    (station.folder / "sbom.json").write_bytes(b"{}")
    station.run("oras", "push", "--plain-http", "--artifact-type=application/vnd.example.model", at, "model.bin")
    station.run("oras", "attach", "--plain-http", "--artifact-type=application/spdx+json", at, "sbom.json")
    assert "application/spdx+json" in station.text("oras", "discover", "--plain-http", at)
    station.run("oras", "pull", "--plain-http", "-o", "out", at)
    assert (station.folder / "out" / "model.bin").read_bytes() == noise("model", 2_000_000)
