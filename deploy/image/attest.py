"""What is attached to the image: an SBOM, as Orlop reads what is in it, and where it came from, as SLSA has it."""

import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

from deploy.image.debian import SUITE, Deb
from deploy.image.image import Image
from deploy.image.tree import Layer, digest
from orlop import __version__
from orlop.adapters.inside.process import ProcessLayerReader
from orlop.domain.digest import Digest
from orlop.domain.inside.assembly import assemble
from orlop.domain.inside.purl import made
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.inside import LayerPacking
from orlop.ports.insides import HeldPackage, Inside, InsideState
from orlop.services.inside.cyclonedx import cyclonedx
from orlop.services.inside.image import ImageInside

SBOM = "application/vnd.cyclonedx+json"
PROVENANCE = "application/vnd.in-toto+json"
_BUILD = "https://orlop.example/buildtypes/image/v1"


def sbom(image: Image, epoch: int) -> bytes:
    """What is in an image, as CycloneDX."""

    async def read() -> bytes:
        facts = [await ProcessLayerReader().facts(_pieces(layer), LayerPacking.TAR_GZIP) for layer in image.layers]
        found = assemble(facts)
        if found.unread:
            raise ValueError(f"not all of the image could be read: {'; '.join(found.unread)}")
        packages = tuple(
            HeldPackage(each.package, each.purl, layer, each.path, reader) for layer, reader, each in found.packages
        )
        digest = Digest(str(image.manifest.descriptor["digest"]))
        inside = Inside(digest=digest, state=InsideState.READ, since=0, distribution=found.distribution)
        whole = ImageInside(
            repository=RepositoryName("orlop"),
            reference=Tag(__version__),
            digest=digest,
            platform=f"linux/{image.architecture}",
            inside=inside,
            packages=packages,
        )
        return cyclonedx(whole, epoch * 1_000_000, __version__)

    return asyncio.run(read())


def provenance(image: Image, debs: Sequence[Deb], commit: str, lock: bytes, epoch: int) -> bytes:
    """A statement of in-toto with the predicate https://slsa.dev/provenance/v1. It is not signed here."""
    sources: list[dict[str, Any]] = [{"name": "orlop", "digest": {"gitCommit": commit}}] if commit else []
    sources.append({"name": "requirements/run.txt", "digest": {"sha256": digest(lock).partition(":")[2]}})
    sources += [
        {
            "uri": str(made("deb", "debian", deb.name, deb.version, {"arch": deb.architecture})),
            "digest": {"sha256": deb.sha256},
        }
        for deb in debs
    ]
    statement = {
        "_type": "https://in-toto.io/Statement/v1",
        "subject": [
            {"name": "orlop", "digest": {"sha256": str(image.manifest.descriptor["digest"]).partition(":")[2]}}
        ],
        "predicateType": "https://slsa.dev/provenance/v1",
        "predicate": {
            "buildDefinition": {
                "buildType": _BUILD,
                "externalParameters": {
                    "command": "make image",
                    "platform": f"linux/{image.architecture}",
                    "suite": SUITE,
                    "SOURCE_DATE_EPOCH": epoch,
                },
                "resolvedDependencies": sources,
            },
            "runDetails": {"builder": {"id": "https://orlop.example/builders/make"}},
        },
    }
    return json.dumps(statement, separators=(",", ":")).encode()


async def _pieces(layer: Layer) -> AsyncIterator[bytes]:
    for at in range(0, len(layer.content), 1 << 20):
        yield layer.content[at : at + (1 << 20)]
