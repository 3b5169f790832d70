"""Artifacts of advisories in a layout of a folder, and keys that sign them as `cosign sign --key` does."""

import base64
import io
import json
from collections.abc import Mapping
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from orlop.adapters.layout.repository import open_folder
from orlop.domain.digest import Digest, digest_of
from orlop.domain.inside.sources import AdvisoryFeed, ArtifactPlace
from orlop.domain.media_types import OCI_MANIFEST
from orlop.ports.upstream import ContentSource, ManifestContent
from orlop.services.advisories.publishing import publish
from tests.clientside.clients import opener

#: What a payload is made of (cosign's specs/SIGNATURE_SPEC.md, "Simple Signing").
_TYPE, _ANNOTATION = "cosign container image signature", "dev.cosignproject.cosign/signature"

_CONFIG = b"{}"


class Artifacts:
    """A layout that holds the artifact `latest`."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    async def publish(self, files: Mapping[str, bytes]) -> Digest:
        """Push files as the artifact; its digest."""
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(open_folder(self.folder, writing=True))
            return (await publish(target, "latest", [(name, io.BytesIO(each)) for name, each in files.items()])).digest

    async def sign(self, digest: Digest, *signed: tuple[bytes, str]) -> None:
        """Put payloads with their signatures where cosign looks for them."""
        layers = []
        async with AsyncExitStack() as stack:
            target = await stack.enter_async_context(open_folder(self.folder, writing=True))
            for payload, signature in signed:
                await target.push_blob(digest_of(payload), len(payload), opener(payload))
                layers.append(
                    {
                        "mediaType": "application/vnd.dev.cosign.simplesigning.v1+json",
                        "digest": str(digest_of(payload)),
                        "size": len(payload),
                        "annotations": {_ANNOTATION: signature},
                    }
                )
            await target.push_blob(digest_of(_CONFIG), len(_CONFIG), opener(_CONFIG))
            content = _manifest(layers)
            tag = f"{digest.replace(':', '-')}.sig"
            await target.put_manifest(ManifestContent(digest_of(content), OCI_MANIFEST, content), (tag,))

    def write(self, layers: list[dict[str, Any]]) -> None:
        """Let `latest` be a manifest with these layers, whatever they say."""
        content = _manifest(layers)
        blobs = self.folder / "blobs" / "sha256"
        blobs.mkdir(parents=True, exist_ok=True)
        (blobs / digest_of(content).removeprefix("sha256:")).write_bytes(content)
        entry = {
            "mediaType": OCI_MANIFEST,
            "digest": str(digest_of(content)),
            "size": len(content),
            "annotations": {"org.opencontainers.image.ref.name": "latest"},
        }
        (self.folder / "oci-layout").write_text('{"imageLayoutVersion": "1.0.0"}')
        (self.folder / "index.json").write_text(json.dumps({"schemaVersion": 2, "manifests": [entry]}))

    async def opened(self, feed: AdvisoryFeed, place: ArtifactPlace, identity: str) -> ContentSource:
        """See services.advisories.artifacts.Opener."""
        async with open_folder(self.folder, writing=False) as layout:
            return layout


def _manifest(layers: list[dict[str, Any]]) -> bytes:
    media_type, digest = "application/vnd.oci.image.config.v1+json", str(digest_of(_CONFIG))
    config = {"mediaType": media_type, "digest": digest, "size": len(_CONFIG)}
    return json.dumps({"schemaVersion": 2, "mediaType": OCI_MANIFEST, "config": config, "layers": layers}).encode()


def payload(digest: Digest) -> bytes:
    """What is signed to say that an image is one's own."""
    critical = {"identity": {"docker-reference": ""}, "image": {"docker-manifest-digest": digest}, "type": _TYPE}
    return json.dumps({"critical": critical, "optional": None}).encode()


class Key:
    """A pair of keys; `kind`: ecdsa, ed25519, rsa, or rsa-small."""

    def __init__(self, kind: str = "ecdsa") -> None:
        self._private: Any
        self._how: tuple[Any, ...]
        if kind == "ecdsa":
            self._private, self._how = ec.generate_private_key(ec.SECP256R1()), (ec.ECDSA(SHA256()),)
        elif kind == "ed25519":
            self._private, self._how = ed25519.Ed25519PrivateKey.generate(), ()
        else:
            size = 1024 if kind == "rsa-small" else 2048
            self._private = rsa.generate_private_key(65537, size)
            self._how = (PKCS1v15(), SHA256())

    @property
    def public(self) -> str:
        """PEM."""
        pem: bytes = self._private.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
        return pem.decode()

    def sign(self, content: bytes) -> str:
        """A signature in base64."""
        return base64.b64encode(self._private.sign(content, *self._how)).decode()
