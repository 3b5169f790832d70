"""The Docker Engine: build, push, pull, run, mirror, and manifest lists, as people type it."""

import json
from pathlib import Path
from typing import Any

import pytest

from tests.clients.contents import document, served, unpacked_layers
from tests.clients.layouts import GREETING
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_DOCKERFILE = """\
FROM scratch
ADD system.tar /
COPY greet /usr/local/bin/greet
RUN mkdir -p /srv && echo 'made on the spot' > /srv/words && rm -rf /usr/share/doc
LABEL org.example.made=here
CMD ["/usr/local/bin/greet"]
"""
_RUN = ("run", "--rm", "--network=none")


class Docker:
    """The `docker` command, talking to the engine of the tests."""

    def __init__(self, station: Station, socket: Path) -> None:
        self._station = station
        self._socket = socket

    def __call__(self, *arguments: str | Path) -> str:
        """The output of a command."""
        return self._station.text("docker", "-H", f"unix://{self._socket}", *arguments, DOCKER_BUILDKIT="0")

    def inspect(self, image: str) -> Any:
        """What the engine knows of an image."""
        (found,) = json.loads(self("image", "inspect", image))
        return found


@pytest.fixture
def docker(station: Station, dockerd: Path) -> Docker:
    """The command, in a home of this test's own."""
    return Docker(station, dockerd)


def test_an_image_is_built_pushed_removed_pulled_and_run(
    server: OrlopServer, docker: Docker, station: Station, system: Path
) -> None:
    folder = station.folder / "build"
    folder.mkdir()
    (folder / "Dockerfile").write_text(_DOCKERFILE)
    (folder / "greet").write_text("#!/bin/sh\ncat /srv/words\n")
    (folder / "greet").chmod(0o755)
    (folder / "system.tar").hardlink_to(system)
    image, other = f"{server.address}/docker/built:1", f"{server.address}/docker/other:1"
    docker("build", "--network=none", "-t", image, folder)
    built = docker.inspect(image)

    pushed = docker("push", image)
    stored = served(server, "docker/built", "1")
    assert f"digest: {stored.digest}" in pushed
    assert document(server, "docker/built", "1")["config"]["digest"] == built["Id"]
    assert unpacked_layers(server, "docker/built", "1") == built["RootFS"]["Layers"]

    docker("tag", image, other)
    assert docker("push", other).count("Mounted from docker/built") == len(built["RootFS"]["Layers"])
    assert docker("push", other).count("Layer already exists") == len(built["RootFS"]["Layers"])
    assert served(server, "docker/other", "1") == stored

    docker("rmi", image, other)
    assert image not in docker("images", "--format={{.Repository}}:{{.Tag}}")
    docker("pull", "--quiet", image)
    again = docker.inspect(image)
    assert (again["Id"], again["RootFS"]) == (built["Id"], built["RootFS"])
    assert again["RepoDigests"] == [f"{server.address}/docker/built@{stored.digest}"]
    assert docker(*_RUN, image) == "made on the spot"
    docker("rmi", image)


def test_an_image_of_another_client_is_pulled_by_digest_and_run(
    server: OrlopServer, docker: Docker, debian_served: str
) -> None:
    stored = served(server, debian_served, "12")
    image = f"{server.address}/{debian_served}@{stored.digest}"
    docker("pull", "--quiet", image)
    assert docker.inspect(image)["RootFS"]["Layers"] == unpacked_layers(server, debian_served, "12")
    assert docker(*_RUN, image) == GREETING
    docker("rmi", image)


def test_a_name_without_a_registry_comes_from_the_mirror(
    server: OrlopServer, docker: Docker, station: Station, single: Path
) -> None:
    station.run("crane", "push", single, f"{server.address}/library/mirrored:3")
    station.run("crane", "push", single, f"{server.address}/team/mirrored:latest")
    stored = served(server, "library/mirrored", "3")
    docker("pull", "--quiet", "mirrored:3")
    docker("pull", "--quiet", "team/mirrored")
    assert docker.inspect("mirrored:3")["RepoDigests"][0].endswith(f"mirrored@{stored.digest}")
    assert docker.inspect("team/mirrored")["Id"] == docker.inspect("mirrored:3")["Id"]
    docker("rmi", "mirrored:3", "team/mirrored")


def test_all_tags_are_pulled_at_once(server: OrlopServer, docker: Docker, station: Station, single: Path) -> None:
    repository = f"{server.address}/docker/tags"
    for tag in ("1", "2", "3.0-rc.1"):
        station.run("crane", "push", single, f"{repository}:{tag}")
    docker("pull", "--quiet", "--all-tags", repository)
    assert set(docker("images", "--format={{.Tag}}", repository).split()) == {"1", "2", "3.0-rc.1"}
    docker("push", "--quiet", "--all-tags", repository)
    docker("rmi", *(f"{repository}:{tag}" for tag in ("1", "2", "3.0-rc.1")))


def test_a_manifest_list_is_made_and_its_platform_is_pulled(
    server: OrlopServer, docker: Docker, station: Station, platforms: Path
) -> None:
    repository = f"{server.address}/docker/list"
    station.run(
        "skopeo",
        *("copy", "--quiet", "--all", "--format=v2s2", "--dest-tls-verify=false", f"oci:{platforms}:multi"),
        f"docker://{repository}:parts",
    )
    children = document(server, "docker/list", "parts")["manifests"]
    parts = [f"{repository}@{child['digest']}" for child in children]
    docker("manifest", "create", "--insecure", f"{repository}:all", *parts)
    docker("manifest", "annotate", "--variant=v8", f"{repository}:all", parts[1])
    digest = docker("manifest", "push", "--insecure", f"{repository}:all").splitlines()[-1]
    assert served(server, "docker/list", "all").digest == digest
    made = document(server, "docker/list", "all")
    assert made["mediaType"] == "application/vnd.docker.distribution.manifest.list.v2+json"
    assert {child["digest"] for child in made["manifests"]} == {child["digest"] for child in children}
    assert json.loads(docker("manifest", "inspect", "--insecure", f"{repository}:all")) == made

    for platform in ("amd64", "arm64"):
        docker("pull", "--quiet", f"--platform=linux/{platform}", f"{repository}:all")
        assert docker.inspect(f"{repository}:all")["Architecture"] == platform
    docker("rmi", f"{repository}:all")


def test_what_is_not_there_is_refused_in_words(server: OrlopServer, docker: Docker) -> None:
    with pytest.raises(AssertionError, match="manifest unknown"):
        docker("pull", f"{server.address}/docker/nothing:here")
