"""crane: go-containerregistry's way with registries, on which ko, kaniko and cosign are built."""

import io
import tarfile
from pathlib import Path

import pytest

from tests.clients.contents import document, in_layout, served
from tests.clients.layouts import GREETING, layer
from tests.clients.programs import Station
from tests.servers import OrlopServer

pytestmark = pytest.mark.slow


def test_an_image_goes_in_and_comes_out_byte_for_byte(server: OrlopServer, station: Station, single: Path) -> None:
    image = f"{server.address}/crane/image:1"
    station.run("crane", "push", single, image)
    pushed = served(server, "crane/image", "1")
    assert pushed == in_layout(single)

    station.run("crane", "validate", "--remote", image)
    station.run("crane", "pull", "--format=oci", image, station.folder / "pulled")
    assert in_layout(station.folder / "pulled") == pushed
    assert station.text("crane", "digest", image) == pushed.digest


def test_the_files_of_an_image_come_out(server: OrlopServer, station: Station, single: Path) -> None:
    image = f"{server.address}/crane/files:1"
    station.run("crane", "push", single, image)
    with tarfile.open(fileobj=io.BytesIO(station.run("crane", "export", image, "-"))) as exported:
        greeting = exported.extractfile("etc/greeting")
        assert greeting is not None
        assert greeting.read().decode().strip() == GREETING


def test_an_index_is_copied_to_another_repository(server: OrlopServer, station: Station, platforms: Path) -> None:
    first, second = f"{server.address}/crane/index:1", f"{server.address}/crane/copy/of/index:1"
    station.run("crane", "push", platforms, first)
    station.run("crane", "cp", first, second)
    assert served(server, "crane/index", "1") == served(server, "crane/copy/of/index", "1") == in_layout(platforms)

    station.run("crane", "copy", "--all-tags", f"{server.address}/crane/index", f"{server.address}/crane/all")
    assert served(server, "crane/all", "1") == in_layout(platforms)


def test_an_index_is_composed_and_filtered(
    server: OrlopServer, station: Station, platforms: Path, single: Path
) -> None:
    image, index = f"{server.address}/crane/parts:one", f"{server.address}/crane/parts:index"
    station.run("crane", "push", single, image)
    station.run("crane", "push", platforms, f"{server.address}/crane/parts:many")
    station.run("crane", "index", "append", "-m", image, "-m", f"{server.address}/crane/parts:many", "-t", index)
    composed = served(server, "crane/parts", "index")
    assert composed.sizes.keys() > in_layout(single).sizes.keys()
    assert len(document(server, "crane/parts", "index")["manifests"]) == 3

    station.run("crane", "index", "filter", index, "--platform", "linux/arm64", "-t", f"{index}-arm")
    (kept,) = document(server, "crane/parts", "index-arm")["manifests"]
    assert kept["platform"]["architecture"] == "arm64"
    assert served(server, "crane/parts", kept["digest"]).digest == kept["digest"]


def test_images_are_changed_in_place(server: OrlopServer, station: Station, single: Path) -> None:
    image = f"{server.address}/crane/changed:1"
    station.run("crane", "push", single, image)
    more = station.folder / "more.tar.gz"
    more.write_bytes(layer({"more": b"more"}).content)

    station.run("crane", "mutate", "--annotation", "org.example.changed=yes", "--tag", f"{image}-mutated", image)
    station.run("crane", "append", "-b", image, "-f", more, "-t", f"{image}-appended")
    station.run("crane", "flatten", image, "-t", f"{image}-flat")
    station.run("crane", "tag", image, "again")

    assert document(server, "crane/changed", "1-mutated")["annotations"]["org.example.changed"] == "yes"
    assert len(document(server, "crane/changed", "1-appended")["layers"]) == 4
    assert len(document(server, "crane/changed", "1-flat")["layers"]) == 1
    assert served(server, "crane/changed", "again") == in_layout(single)
    for tag in ("1-mutated", "1-appended", "1-flat"):
        station.run("crane", "validate", "--remote", f"{server.address}/crane/changed:{tag}")


def test_what_is_there_is_listed_and_deleted(server: OrlopServer, station: Station, single: Path) -> None:
    repository = f"{server.address}/crane/deleted"
    for tag in ("1", "2", "latest"):
        station.run("crane", "push", single, f"{repository}:{tag}")
    assert station.text("crane", "ls", repository).split() == ["1", "2", "latest"]
    assert "crane/deleted" in station.text("crane", "catalog", server.address).split()

    digest = station.text("crane", "digest", f"{repository}:1")
    station.run("crane", "delete", f"{repository}:2")
    assert station.text("crane", "ls", repository).split() == ["1", "latest"]
    station.run("crane", "delete", f"{repository}@{digest}")
    assert station.text("crane", "ls", repository) == ""
    assert "MANIFEST_UNKNOWN" in station.refused("crane", "manifest", f"{repository}@{digest}")
