"""What VEX documents and rules for licences are read from."""

import json

import msgspec

from orlop.domain.inside.licence_rules import LicenceRule
from orlop.domain.inside.vex.parsing import parse_vex
from orlop.domain.inside.vex.saying import VexImage, VexSayings, VexSource
from orlop.domain.inside.vex.statements import VexDocument

_PURL = "pkg:deb/debian/curl@7.5?arch=amd64"
_IMAGE = VexImage(repository="team/app", digests=frozenset({"sha256:00"}), tags=frozenset(), purls=(_PURL,))
_RULE = LicenceRule(allowed=("MIT",), refused=("AGPL-*",), unknown=True)


def document(given: bytes) -> None:
    """Whatever a document says can be kept, in bounds, and compared with findings."""
    read = parse_vex(given)
    packed = msgspec.msgpack.encode(read)
    assert msgspec.msgpack.decode(packed, type=VexDocument) == read
    sayings = VexSayings(_IMAGE, [VexSource(document=read, referrer="sha256:01")])
    for statement in read.statements[:10]:
        sayings.of(statement.ids, _PURL)


def licence(text: str) -> None:
    """A rule says the same of a licence again."""
    assert _RULE.wrong((text,), "deb", "pkg:deb/debian/curl") == _RULE.wrong((text,), "deb", "pkg:deb/debian/curl")


DOCUMENTS = (
    b'{"statements":[{"vulnerability":{"name":"CVE-1"},"status":"fixed","products":[{"@id":"pkg:oci/app"}]}]}',
    json.dumps(
        {
            "document": {"tracking": {"current_release_date": "2026-01-01T00:00:00Z"}},
            "product_tree": {"branches": [{"product": {"product_id": "a", "name": "a"}}]},
            "vulnerabilities": [{"cve": "CVE-1", "product_status": {"fixed": ["a"]}}],
        }
    ).encode(),
    b'{"payloadType":"application/vnd.in-toto+json","payload":"e30="}',
)
LICENCES = ("(MIT OR GPL-2.0-only WITH Classpath-exception-2.0) AND Zlib", "as is")
