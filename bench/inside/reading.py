"""What Orlop and syft say that a layer holds, and the processor time that each took for it."""

import hashlib
import json
import os
import resource
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec

from orlop.domain.inside.assembly import ImagePackages, assemble
from orlop.domain.inside.layers import LayerFacts

_TYPES = "application/vnd.oci.image"


class Said(msgspec.Struct, frozen=True):
    """What one program says of an image."""

    purls: frozenset[str]
    seconds: float
    """Of processors, user and system, of the processes that it took."""
    unread: tuple[str, ...] = ()


def image_of(layer: Path) -> tuple[ImagePackages, float]:
    """What Orlop's process that reads a layer, which gets it as it gets it from a store, finds, and its seconds."""
    with layer.open("rb") as source:
        told, seconds = _run([sys.executable, "-m", "orlop.adapters.inside.child"], source.fileno())
    return assemble([msgspec.msgpack.decode(told, type=LayerFacts)]), seconds


def orlop(layer: Path) -> Said:
    """Package URLs by Orlop."""
    image, seconds = image_of(layer)
    return Said(frozenset(each.purl for _, _, each in image.packages), seconds, image.unread)


def syft(program: str, layer: Path, folder: Path) -> Said:
    """Package URLs by syft, of an image layout with this one layer that is made in a folder, on one core."""
    _layout(layer, folder)
    told, seconds = _run([program, "scan", f"oci-dir:{folder}", "-q", "-o", "cyclonedx-json"])
    listed = json.loads(told).get("components", [])
    return Said(frozenset(each["purl"] for each in listed if "purl" in each), seconds)


def _run(command: list[str], given: int = subprocess.DEVNULL) -> tuple[bytes, float]:
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    environment = os.environ | {"GOMAXPROCS": "1", "SYFT_CHECK_FOR_APP_UPDATE": "false"}
    told = subprocess.run(command, stdin=given, capture_output=True, check=True, env=environment).stdout
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return told, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def _layout(layer: Path, folder: Path) -> None:
    """An image layout (image-spec, image-layout.md) of one layer: a copy, for syft follows no link out of it."""
    blobs = folder / "blobs" / "sha256"
    blobs.mkdir(parents=True)
    with layer.open("rb") as source:
        digest = hashlib.file_digest(source, "sha256").hexdigest()
    shutil.copyfile(layer, blobs / digest)
    layers = [_descriptor("layer.v1.tar", digest, layer.stat().st_size)]
    config = _stored(
        blobs,
        "config.v1+json",
        {
            "architecture": "amd64",
            "os": "linux",
            "config": {},
            "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
        },
    )
    kept = {"schemaVersion": 2, "mediaType": f"{_TYPES}.manifest.v1+json", "config": config, "layers": layers}
    manifest = _stored(blobs, "manifest.v1+json", kept)
    (folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [manifest]}))
    (folder / "oci-layout").write_text(json.dumps({"imageLayoutVersion": "1.0.0"}))


def _stored(blobs: Path, kind: str, value: object) -> dict[str, object]:
    content = json.dumps(value).encode()
    digest = hashlib.sha256(content).hexdigest()
    (blobs / digest).write_bytes(content)
    return _descriptor(kind, digest, len(content))


def _descriptor(kind: str, digest: str, size: int) -> dict[str, object]:
    return {"mediaType": f"{_TYPES}.{kind}", "digest": f"sha256:{digest}", "size": size}
