"""The storage of other registries, as they write it, made without them."""

from pathlib import Path

from tests.content import Piece, Pushable


def store_distribution(root: Path, repository: str, what: Pushable, *tags: str) -> None:
    """An image in a folder of distribution (registry/storage/paths.go), added to what is there."""
    base = root / "docker/registry/v2"
    here = base / "repositories" / repository
    for part in what.everything():
        for piece in part.blobs:
            _blob(base, piece)
            _link(here / "_layers" / piece.digest.algorithm / piece.digest.hex, piece)
        _blob(base, part.piece)
        _link(here / "_manifests/revisions" / part.digest.algorithm / part.digest.hex, part.piece)
    for tag in tags:
        _link(here / "_manifests/tags" / tag / "current", what.piece)
        _link(here / "_manifests/tags" / tag / "index" / what.digest.algorithm / what.digest.hex, what.piece)


def _blob(base: Path, piece: Piece) -> None:
    folder = base / "blobs" / piece.digest.algorithm / piece.digest.hex[:2] / piece.digest.hex
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "data").write_bytes(piece.content)


def _link(folder: Path, piece: Piece) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "link").write_text(piece.digest)
