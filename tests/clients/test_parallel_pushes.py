"""32 pushes at once, by a real client, of images that share layers: nothing lost, nothing stored twice."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from tests.clients.contents import Content, in_layout, served
from tests.clients.layouts import Layer, Layout, layer, noise
from tests.clients.programs import Station
from tests.clients.streams import copies
from tests.servers import orlop_server

pytestmark = pytest.mark.slow

_IMAGES, _REPOSITORIES, _LAYERS = 32, 5, 12


def test_parallel_pushes_of_overlapping_layers(tmp_path: Path) -> None:
    layouts = list(_layouts(tmp_path))
    with orlop_server(tmp_path / "server", workers=2) as server:

        def push(number: int) -> None:
            station = Station(tmp_path / f"station{number}")
            image = f"{server.address}/parallel/{number % _REPOSITORIES}:{number}"
            station.run("crane", "push", layouts[number], image)

        with ThreadPoolExecutor(_IMAGES) as pool:
            list(pool.map(push, range(_IMAGES)))

        expected: dict[str, Content] = {}
        for number, layout in enumerate(layouts):
            expected[f"parallel/{number % _REPOSITORIES}:{number}"] = in_layout(layout)
        for name, content in expected.items():
            repository, _, tag = name.partition(":")
            assert served(server, repository, tag) == content
        blobs = {digest for content in expected.values() for digest in content.sizes if digest != content.digest}
        # Two that bring the same blob at the same time both store it; the copy of the second goes at once, because
        # nothing leads to it.
        server.collect()
        assert copies(server) == dict.fromkeys(blobs, 1)
        report = server.verify()
        assert (report["manifests"], report["blobs"], report["copies"]) == (_IMAGES, len(blobs), len(blobs))


def _layouts(folder: Path) -> Iterator[Path]:
    """Images with a layer that all share, three that some share, and a config of their own."""
    pool: list[Layer] = [
        layer({f"layer{number}": noise(f"layer{number}", 1_000_000)}, level=0) for number in range(_LAYERS)
    ]
    for number in range(_IMAGES):
        chosen = [pool[0], *(pool[1 + (number * step + step) % (_LAYERS - 1)] for step in (1, 3, 4))]
        layout = Layout(folder / f"layout{number}")
        layout.tag(layout.image(list(dict.fromkeys(chosen)), f"machine{number}"), "image")
        yield layout.folder
