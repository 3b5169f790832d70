"""podman and buildah: images built without a daemon, pushed as OCI and as Docker images, lists, and a build cache."""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.clients import daemons
from tests.clients.contents import blob, document, in_layout, served, unpacked_layers
from tests.clients.layouts import GREETING
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow

_DOCKERFILE = """\
FROM {base}
COPY words /words
RUN cat /words /etc/greeting > /both
LABEL org.example.made=here
"""


@pytest.fixture
def builder(server: OrlopServer, tmp_path: Path) -> Iterator[Station]:
    """A station whose images lie in a folder of its own, and to which the server is an insecure registry."""
    storage, registries = tmp_path / "storage.conf", tmp_path / "registries.conf"
    storage.write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{tmp_path}/images"\nrunroot = "{tmp_path}/run"\n')
    registries.write_text(f'[[registry]]\nlocation = "{server.address}"\ninsecure = true\n')
    yield Station(tmp_path, CONTAINERS_STORAGE_CONF=str(storage), CONTAINERS_REGISTRIES_CONF=str(registries))
    daemons.unmount(tmp_path)
    shutil.rmtree(tmp_path / "images", ignore_errors=True)  # not there when nothing was pulled


def test_an_image_is_pulled_mounted_and_pushed(
    server: OrlopServer, builder: Station, debian_served: str, debian: Path
) -> None:
    image, copy = f"{server.address}/{debian_served}:12", f"{server.address}/podman/debian:12"
    builder.run("podman", "pull", "--quiet", image)
    assert builder.text("podman", "image", "inspect", "--format={{.Digest}}", image) == in_layout(debian).digest
    mounted = Path(builder.text("podman", "image", "mount", image))
    assert (mounted / "etc/greeting").read_text().strip() == GREETING
    builder.run("podman", "image", "unmount", image)

    for form in ("oci", "v2s2"):
        builder.run("podman", "push", "--quiet", f"--format={form}", "--digestfile=digest", image, f"{copy}-{form}")
        assert served(server, "podman/debian", f"12-{form}").digest == (builder.folder / "digest").read_text()
        # podman packs layers anew; what they unpack to is what counts.
        assert unpacked_layers(server, "podman/debian", f"12-{form}") == unpacked_layers(server, debian_served, "12")
    tags = builder.text("podman", "search", "--list-tags", f"{server.address}/podman/debian").splitlines()[1:]
    assert [line.split()[1] for line in tags] == ["12-oci", "12-v2s2"]
    assert f"{server.address}/podman/debian" in builder.text("podman", "search", "--limit=100", f"{server.address}/")


def test_an_image_is_built_on_one_that_is_pulled(server: OrlopServer, builder: Station, debian_served: str) -> None:
    image, cache = f"{server.address}/buildah/app:1", f"{server.address}/buildah/cache"
    (builder.folder / "words").write_text("words\n")
    (builder.folder / "Dockerfile").write_text(_DOCKERFILE.format(base=f"{server.address}/{debian_served}:12"))
    build = (
        *("bud", "--quiet", "--isolation=chroot", "--network=host", "--layers", "--timestamp=0"),
        *(f"--cache-to={cache}", f"--cache-from={cache}", "-t", image, "."),
    )
    first = builder.text("buildah", *build).splitlines()[-1]
    builder.run("buildah", "push", "--quiet", "--digestfile=digest", image)
    pushed = served(server, "buildah/app", "1")
    assert pushed.digest == (builder.folder / "digest").read_text()
    assert len(unpacked_layers(server, "buildah/app", "1")) == len(unpacked_layers(server, debian_served, "12")) + 2
    config = json.loads(blob(server, "buildah/app", document(server, "buildah/app", "1")["config"]["digest"]))
    assert config["config"]["Labels"]["org.example.made"] == "here"

    # Nothing is left here, so every step of the second build comes out of the registry.
    builder.run("buildah", "rmi", "--all", "--force")
    said = builder.text("buildah", *[argument for argument in build if argument != "--quiet"])
    assert said.count("Cache pulled from remote") == 3
    assert said.splitlines()[-1] == first


def test_a_list_of_platforms(server: OrlopServer, builder: Station, platforms: Path) -> None:
    parts, image = f"{server.address}/podman/parts", f"{server.address}/podman/list:1"
    builder.run("crane", "push", platforms, f"{parts}:1")
    builder.run("podman", "manifest", "create", image)
    for child in document(server, "podman/parts", "1")["manifests"]:
        builder.run("podman", "manifest", "add", image, f"docker://{parts}@{child['digest']}")
    builder.run("podman", "manifest", "push", "--all", "--format=oci", image, f"docker://{image}")
    children = {child["digest"] for child in document(server, "podman/list", "1")["manifests"]}
    assert children == {child["digest"] for child in document(server, "podman/parts", "1")["manifests"]}
    assert served(server, "podman/list", "1").sizes.keys() >= children
