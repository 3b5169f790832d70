"""The content as distribution stores it in a file system, versions 2.8 and 3 alike: shared blobs, and links to them.

Left out is what only pushing and deleting read (the index of each tag's past, the layers of the crowd's repositories):
fewer files for the same answers, which favours distribution if anything.
"""

from pathlib import Path

from bench.scenes import content
from bench.scenes.content import Piece


def write(root: Path, repositories: int) -> None:
    """Blobs, revisions and tags under the root directory."""
    top = root / "docker" / "registry" / "v2"
    for each in (content.config(), *content.layers()):
        _blob(top, each)
    for name, tagged in content.crowd(repositories):
        _manifests(top, name, tagged)
    for size in content.BLOB_COUNTS:
        for each in content.blobs(size):
            _blob(top, each)
            _link(top / "repositories" / content.BLOBS / "_layers" / "sha256" / each.hex, each)
    for each in (content.config(), *content.image_layers()):
        _blob(top, each)
        _link(top / "repositories" / content.IMAGE / "_layers" / "sha256" / each.hex, each)
    _manifests(top, content.IMAGE, [("v0", content.manifest(content.image_layers(), "image"))])


def _manifests(top: Path, name: str, tagged: list[tuple[str, Piece]]) -> None:
    folder = top / "repositories" / name / "_manifests"
    for tag, manifest in tagged:
        _blob(top, manifest)
        _link(folder / "revisions" / "sha256" / manifest.hex, manifest)
        _link(folder / "tags" / tag / "current", manifest)


def _blob(top: Path, each: Piece) -> None:
    folder = top / "blobs" / "sha256" / each.hex[:2] / each.hex
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").write_bytes(each.content)


def _link(folder: Path, each: Piece) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link").write_text(each.digest)
