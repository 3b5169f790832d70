"""What a registry serves and what an OCI layout holds, down to the last byte: everything hashed, never believed."""

import gzip
import hashlib
import json
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from tests.fleet import Fleet
from tests.servers import OrlopServer

_PIECE = 1 << 20


class Content(NamedTuple):
    """An image, artifact or index: the digest of its top, and the size of everything by its digest."""

    digest: str
    sizes: dict[str, int]


def served(server: OrlopServer | Fleet, repository: str, reference: str) -> Content:
    """What the registry serves under a reference."""
    url = f"{server.url}/v2/{repository}"

    def manifest(wanted: str) -> bytes:
        request = urllib.request.Request(f"{url}/manifests/{wanted}", headers={"Accept": "*/*"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            content: bytes = answer.read()
            assert answer.headers["Docker-Content-Digest"] == _digest(content)
        return content

    def blob(digest: str) -> Iterator[bytes]:
        with urllib.request.urlopen(f"{url}/blobs/{digest}", timeout=60) as answer:
            while piece := answer.read(_PIECE):
                yield piece

    return _walk(manifest(reference), manifest, blob)


def in_layout(folder: Path) -> Content:
    """What an OCI layout with one entry holds."""
    index = json.loads((folder / "index.json").read_bytes())
    (entry,) = index["manifests"]
    return below(folder, entry["digest"])


def below(folder: Path, digest: str) -> Content:
    """What an OCI layout holds from a manifest on."""

    def manifest(wanted: str) -> bytes:
        algorithm, _, name = wanted.partition(":")
        return (folder / "blobs" / algorithm / name).read_bytes()

    def blob(wanted: str) -> Iterator[bytes]:
        yield manifest(wanted)

    return _walk(manifest(digest), manifest, blob)


def document(server: OrlopServer | Fleet, repository: str, reference: str) -> Any:
    """A manifest, read."""
    request = urllib.request.Request(f"{server.url}/v2/{repository}/manifests/{reference}", headers={"Accept": "*/*"})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.loads(answer.read())


def blob(server: OrlopServer | Fleet, repository: str, digest: str) -> bytes:
    """The bytes of a blob, hashed."""
    with urllib.request.urlopen(f"{server.url}/v2/{repository}/blobs/{digest}", timeout=60) as answer:
        content: bytes = answer.read()
    assert _digest(content) == digest
    return content


def unpacked_layers(server: OrlopServer | Fleet, repository: str, reference: str) -> list[str]:
    """The digests of the layers of an image as they are when decompressed: what its config calls diff ids.

    Fails when the config says otherwise.
    """
    manifest = document(server, repository, reference)
    found = []
    for layer in manifest["layers"]:
        content = blob(server, repository, layer["digest"])
        found.append(_digest(gzip.decompress(content) if "gzip" in layer["mediaType"] else content))
    config = json.loads(blob(server, repository, manifest["config"]["digest"]))
    assert config["rootfs"]["diff_ids"] == found
    return found


def _walk(top: bytes, manifest: Callable[[str], bytes], blob: Callable[[str], Iterator[bytes]]) -> Content:
    sizes = {_digest(top): len(top)}
    waiting = [json.loads(top)]
    while waiting:
        parsed = waiting.pop()
        for child in parsed.get("manifests", ()):
            content = manifest(child["digest"])
            assert (_digest(content), len(content)) == (child["digest"], child["size"])
            sizes[child["digest"]] = len(content)
            waiting.append(json.loads(content))
        for part in (*([parsed["config"]] if "config" in parsed else []), *parsed.get("layers", ())):
            state, size = hashlib.sha256(), 0
            for piece in blob(part["digest"]):
                state.update(piece)
                size += len(piece)
            assert (f"sha256:{state.hexdigest()}", size) == (part["digest"], part["size"])
            sizes[part["digest"]] = size
    return Content(_digest(top), sizes)


def _digest(content: bytes) -> str:
    return f"sha256:{hashlib.sha256(content).hexdigest()}"
