"""What SBOMs are read from that others attached to images."""

import base64
import json

import msgspec

from orlop.adapters.inside.documents.child import facts
from orlop.domain.digest import digest_of
from orlop.domain.inside.assembly import ImageClaims, assemble
from orlop.domain.inside.claimed import ClaimedDocument
from orlop.domain.inside.layers import LayerFacts
from orlop.domain.inside.purl import parse_purl


def document(given: bytes) -> None:
    """Whatever a document says can be kept, and its packages have package URLs that can be read again."""
    read = facts(given)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(read), type=LayerFacts) == read
    assert len(read.unread) < 1_000
    made = assemble((), ImageClaims((ClaimedDocument(digest_of(given), read),), instead=True))
    for _, _, package in made.packages:
        parse_purl(package.purl)


_CYCLONEDX = {
    "bomFormat": "CycloneDX",
    "specVersion": "1.6",
    "components": [
        {"type": "operating-system", "name": "debian", "version": "12"},
        {
            "type": "library",
            "name": "a",
            "purl": "pkg:deb/debian/a@1%3A2-3?arch=amd64&distro=debian-12&upstream=b%402",
            "licenses": [{"license": {"id": "MIT"}}, {"expression": "MIT OR ISC"}],
            "properties": [{"name": "orlop:layer", "value": "0"}],
            "components": [{"purl": "pkg:rpm/fedora/b@1-1?epoch=1&upstream=c-2-1.src.rpm"}],
        },
    ],
}
_SPDX = {
    "spdxVersion": "SPDX-2.3",
    "packages": [
        {
            "name": "a",
            "licenseDeclared": "LicenseRef-1",
            "sourceInfo": "found by dpkg in layer 0: var/lib/dpkg/status",
            "externalRefs": [{"referenceType": "purl", "referenceLocator": "pkg:golang/example.org/a@v1.0.0"}],
        }
    ],
    "hasExtractedLicensingInfos": [{"licenseId": "LicenseRef-1", "name": "words"}],
}
_STATEMENT = {
    "subject": [{"digest": {"sha256": "00"}}],
    "predicateType": "https://spdx.dev/Document",
    "predicate": _SPDX,
}
_ENVELOPE = {
    "payloadType": "application/vnd.in-toto+json",
    "payload": base64.b64encode(json.dumps(_STATEMENT).encode()).decode(),
}
DOCUMENTS = tuple(
    json.dumps(each).encode()
    for each in (_CYCLONEDX, _SPDX, _STATEMENT, _ENVELOPE, {"dsseEnvelope": _ENVELOPE}, {"messageSignature": {}})
)
