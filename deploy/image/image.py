"""The image for one platform, and the index of all of them, as OCI image-spec 1.1 has them."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from deploy.image.tree import Layer, Tree, digest

INDEX = "application/vnd.oci.image.index.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"
CONFIG = "application/vnd.oci.image.config.v1+json"
LAYER = "application/vnd.oci.image.layer.v1.tar+gzip"
EMPTY = "application/vnd.oci.empty.v1+json"
#: The user that everything runs as; a number, because Kubernetes believes no name (runAsNonRoot).
USER = 65532

_READY = """#!/usr/bin/python3 -IS
\"\"\"Whether the server in this container is ready, for the health check of engines: asks /readyz, as it listens.\"\"\"

import http.client
import os
import ssl
import sys

port = int(os.environ.get("ORLOP_LISTEN", "").rpartition(":")[2] or 5000)
if os.environ.get("ORLOP_TLS_CERT"):
    # The name in the certificate is that of clients, not of this machine.
    context = ssl._create_unverified_context()
    connection = http.client.HTTPSConnection("127.0.0.1", port, timeout=5, context=context)
else:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
try:
    connection.request("GET", "/readyz")
    answer = connection.getresponse()
    said = answer.read(2000).decode(errors="replace")
except OSError as error:
    sys.exit(f"no answer: {error}")
print(said.strip())
sys.exit(answer.status != 200)
"""


@dataclass(frozen=True)
class Blob:
    """Content of a layout, and its descriptor."""

    content: bytes
    descriptor: Mapping[str, Any]


@dataclass(frozen=True)
class Image:
    """An image for one platform: its manifest, its config and its layers, the lowest first."""

    architecture: str
    manifest: Blob
    config: Blob
    layers: tuple[Layer, ...]

    @property
    def packed(self) -> int:
        """What a client pulls, in bytes."""
        return len(self.manifest.content) + len(self.config.content) + sum(len(each.content) for each in self.layers)

    @property
    def unpacked(self) -> int:
        """What it takes on the disk of an engine, in bytes."""
        return sum(each.unpacked for each in self.layers)


def furnish(tree: Tree, program: str, licence: str) -> None:
    """What the image has beside packages: its user, its folder for data, the commands and the health check."""
    tree.file("etc/passwd", f"root:x:0:0:root:/root:/sbin/nologin\norlop:x:{USER}:{USER}:orlop:/data:/sbin/nologin\n")
    tree.file("etc/group", f"root:x:0:\norlop:x:{USER}:\n")
    tree.file("etc/nsswitch.conf", "passwd: files\ngroup: files\nhosts: files dns\n")
    tree.folder("data", 0o750, USER)
    for command, function in (("orlop", "main"), ("docker-credential-orlop", "docker_credential")):
        tree.file(
            f"usr/bin/{command}",
            f"#!/usr/bin/{program} -I\nfrom orlop.__main__ import {function}\n{function}()\n",
            0o755,
        )
    tree.file("usr/libexec/orlop-ready", _READY, 0o755)
    tree.file("usr/share/doc/orlop/copyright", licence)


def image(architecture: str, layers: Sequence[tuple[str, Layer]], labels: Mapping[str, str], epoch: int) -> Image:
    """The image of these layers, each with what made it."""
    at = created(epoch)
    config = {
        "created": at,
        "architecture": architecture,
        "os": "linux",
        "config": {
            "User": f"{USER}:{USER}",
            "ExposedPorts": {"5000/tcp": {}},
            "Env": [
                "PATH=/usr/bin",
                "LANG=C.UTF-8",
                "HOME=/data",
                "PYTHONDONTWRITEBYTECODE=1",
                "ORLOP_DATA=/data",
                # For whoever starts it by hand and wants to read how to sign in; where logs are gathered, `json`.
                "ORLOP_LOG_FORMAT=console",
                "ORLOP_LISTEN=0.0.0.0:5000",
            ],
            "Entrypoint": ["/usr/bin/orlop"],
            "Cmd": ["serve"],
            "Volumes": {"/data": {}},
            "WorkingDir": "/data",
            "Labels": dict(labels),
            "StopSignal": "SIGTERM",
            # No field of the OCI's, but engines of Docker take it from there. Times are in nanoseconds.
            "Healthcheck": {
                "Test": ["CMD", "/usr/libexec/orlop-ready"],
                "Interval": 30_000_000_000,
                "Timeout": 10_000_000_000,
                "StartPeriod": 60_000_000_000,
                "StartInterval": 1_000_000_000,
                "Retries": 3,
            },
        },
        "rootfs": {"type": "layers", "diff_ids": [layer.diff_id for _, layer in layers]},
        "history": [{"created": at, "created_by": said} for said, _ in layers],
    }
    if architecture == "arm64":
        config["variant"] = "v8"
    config_blob = blob(config, CONFIG)
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "config": config_blob.descriptor,
        "layers": [descriptor(layer.content, LAYER) for _, layer in layers],
        "annotations": dict(labels),
    }
    return Image(architecture, blob(manifest, MANIFEST), config_blob, tuple(layer for _, layer in layers))


def index(images: Sequence[Image], labels: Mapping[str, str]) -> Blob:
    """The index of images for several platforms."""
    entries = [
        {**each.manifest.descriptor, "platform": _platform(each.architecture)}
        for each in sorted(images, key=lambda each: each.architecture)
    ]
    return blob({"schemaVersion": 2, "mediaType": INDEX, "manifests": entries, "annotations": dict(labels)}, INDEX)


def attached(subject: Blob, content: bytes, kind: str, annotations: Mapping[str, str]) -> tuple[Blob, Blob, Blob]:
    """A manifest that refers to another one with one document, that document, and the empty config that it has."""
    empty = Blob(b"{}", descriptor(b"{}", EMPTY))
    document = Blob(content, descriptor(content, kind))
    manifest = {
        "schemaVersion": 2,
        "mediaType": MANIFEST,
        "artifactType": kind,
        "config": empty.descriptor,
        "layers": [document.descriptor],
        "subject": subject.descriptor,
        "annotations": dict(annotations),
    }
    whole = blob(manifest, MANIFEST)
    said = {**whole.descriptor, "artifactType": kind}
    return Blob(whole.content, said), document, empty


def blob(document: Mapping[str, Any], kind: str) -> Blob:
    """A document as JSON, always the same for the same document."""
    content = json.dumps(document, separators=(",", ":"), ensure_ascii=False).encode()
    return Blob(content, descriptor(content, kind))


def descriptor(content: bytes, kind: str) -> dict[str, Any]:
    """Its descriptor."""
    return {"mediaType": kind, "digest": digest(content), "size": len(content)}


def created(epoch: int) -> str:
    """Seconds since 1970 as RFC 3339 has them."""
    return datetime.fromtimestamp(epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _platform(architecture: str) -> dict[str, str]:
    return {"architecture": architecture, "os": "linux"} | ({"variant": "v8"} if architecture == "arm64" else {})
