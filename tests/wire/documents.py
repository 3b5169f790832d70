"""Manifests that are none, as data: what is wrong, the bytes, the Content-Type, and how they have to be refused."""

import json
from collections.abc import Callable
from typing import Any

import msgspec

from orlop.domain import media_types
from tests.content import EMPTY, blob, config

OCI, INDEX = media_types.OCI_MANIFEST, media_types.OCI_INDEX
DOCKER, LIST = media_types.DOCKER_MANIFEST, media_types.DOCKER_LIST
HEX = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"

#: What the repository holds, so that only what the case is about is wrong.
CONFIG, LAYER = config("app"), blob("base")


class Document(msgspec.Struct, frozen=True):
    """Bytes to push as a manifest, and the refusal that is due."""

    what: str
    content: bytes
    content_type: str = OCI
    code: str = "MANIFEST_INVALID"
    status: int = 400


def image(**changes: Any) -> dict[str, Any]:
    """A sound image of what the repository holds, with `changes`; None as a value takes the key away."""
    document: dict[str, Any] = {
        "schemaVersion": 2,
        "mediaType": OCI,
        "config": CONFIG.descriptor(),
        "layers": [LAYER.descriptor()],
    }
    return {key: value for key, value in (document | changes).items() if value is not ...}


def index(**changes: Any) -> dict[str, Any]:
    """A sound and empty index, with `changes`."""
    document: dict[str, Any] = {"schemaVersion": 2, "mediaType": INDEX, "manifests": []}
    return {key: value for key, value in (document | changes).items() if value is not ...}


def _image(
    what: str, content_type: str = OCI, code: str = "MANIFEST_INVALID", status: int = 400, **changes: Any
) -> Document:
    return Document(what, json.dumps(image(**changes)).encode(), content_type, code, status)


def _index(
    what: str, content_type: str = INDEX, code: str = "MANIFEST_INVALID", status: int = 400, **changes: Any
) -> Document:
    return Document(what, json.dumps(index(**changes)).encode(), content_type, code, status)


def _layer(what: str, code: str = "MANIFEST_INVALID", status: int = 400, **changes: Any) -> Document:
    return _image(f"layer: {what}", code=code, status=status, layers=[_without(LAYER.descriptor(**changes))])


def _config(what: str, **changes: Any) -> Document:
    return _image(f"config: {what}", config=_without(CONFIG.descriptor(**changes)))


def _entry(what: str, code: str = "MANIFEST_INVALID", status: int = 400, **changes: Any) -> Document:
    entry = {"mediaType": OCI, "digest": f"sha256:{HEX}", "size": 7} | changes
    return _index(f"entry: {what}", code=code, status=status, manifests=[_without(entry)])


def _subject(what: str, **changes: Any) -> Document:
    subject = {"mediaType": OCI, "digest": f"sha256:{HEX}", "size": 7} | changes
    return _image(f"subject: {what}", subject=_without(subject))


def _without(entry: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if value is not ...}


def _text(what: str, change: Callable[[str], str]) -> Document:
    """The text of a sound image, changed where `json` would not write it so."""
    return Document(what, change(json.dumps(image())).encode("utf-8", "surrogatepass"))


def _raw(what: str, content: bytes | str, content_type: str = OCI) -> Document:
    return Document(what, content.encode() if isinstance(content, str) else content, content_type)


_SIZE = f'"size": {LAYER.size}'

#: Bytes that are no JSON object, or not this one.
NOT_JSON = (
    _raw("nothing", b""),
    _raw("a space", b" "),
    _raw("null", b"null"),
    _raw("a number", b"2"),
    _raw("a text", b'"manifest"'),
    _raw("a list", b"[]"),
    _raw("an empty object", b"{}"),
    _raw("true", b"true"),
    _raw("NaN", b"NaN"),
    _raw("words", b"not a manifest"),
    _raw("HTML", b"<html><body>404</body></html>"),
    _raw("YAML", b"schemaVersion: 2\nlayers: []\n"),
    _raw("gzip", b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"),
    _raw("NUL bytes", b"\0" * 64),
    _raw("an unclosed object", b'{"schemaVersion": 2'),
    _raw("single quotes", b"{'schemaVersion': 2}"),
    _raw("a comment", b'{"schemaVersion": 2 /* two */}'),
    _raw("a comma too many", b'{"schemaVersion": 2,}'),
    _raw("two objects", json.dumps(image()) * 2),
    _raw("trailing words", json.dumps(image()) + " and more"),
    _raw("a trailing NUL", json.dumps(image()) + "\0"),
    _raw("a byte order mark", b"\xef\xbb\xbf" + json.dumps(image()).encode()),
    _raw("UTF-16", json.dumps(image()).encode("utf-16")),
    _raw("UTF-16 without a mark", json.dumps(image()).encode("utf-16-le")),
    _raw("UTF-32", json.dumps(image()).encode("utf-32")),
    _raw("Latin-1", json.dumps(image(annotations={"a": "\xe4"}), ensure_ascii=False).encode("latin-1")),
    _raw(
        "bytes that are no UTF-8, in a field nobody knows",
        json.dumps(image(odd="?")).encode().replace(b'"?"', b'"\xff"'),
    ),
    _text("a lone surrogate, escaped, in an annotation", lambda text: text[:-1] + r', "annotations": {"a": "\ud800"}}'),
    _text("a lone surrogate, escaped, in a key", lambda text: text[:-1] + r', "annotations": {"\udfff": "a"}}'),
    _text("a lone surrogate, encoded", lambda text: text[:-1] + ', "annotations": {"a": "\ud800"}}'),
    _text("a control character in a text", lambda text: text.replace("layer", "lay\ner", 1)),
    _raw("10,000 lists in one another", "[" * 10_000),
    _raw("10,000 objects in one another", '{"a":' * 10_000 + "1" + "}" * 10_000),
    _raw("100,000 closed lists", "[" * 100_000 + "]" * 100_000),
    _text(
        "depth 10,000 in a field nobody knows", lambda text: text[:-1] + ', "a": ' + "[" * 10_000 + "]" * 10_000 + "}"
    ),
    _text(
        "depth 10,000 in the data of a platform", lambda text: text[:-1] + ', "manifests": ' + '[{"platform": ' * 5_000
    ),
)

#: JSON that says a thing twice, or says it in a way that two programs read differently.
AMBIGUOUS = (
    _text("schemaVersion twice", lambda text: '{"schemaVersion": 1, ' + text[1:]),
    _text("mediaType twice", lambda text: text[:-1] + f', "mediaType": "{INDEX}"}}'),
    _text("layers twice", lambda text: text[:-1] + ', "layers": []}'),
    _text("config twice", lambda text: text[:-1] + f', "config": {json.dumps(EMPTY.descriptor())}}}'),
    _text("a key twice, once escaped", lambda text: text[:-1] + r', "l\u0061yers": []}'),
    _text("a digest twice in a layer", lambda text: text.replace(_SIZE, f'{_SIZE}, "digest": "sha256:{HEX}"')),
    _text("an annotation twice", lambda text: text[:-1] + ', "annotations": {"a": "1", "a": "2"}}'),
    _text("a key twice in a field nobody knows", lambda text: text[:-1] + ', "x": {"a": 1, "a": 2}}'),
    _image("both layers and manifests (CVE-2021-41190)", manifests=[]),
    _image(
        "both layers and manifests, as an index (CVE-2021-41190)", content_type=INDEX, mediaType=INDEX, manifests=[]
    ),
    _image("both, and no mediaType (CVE-2021-41190)", mediaType=..., manifests=[]),
    _index("a config in an index (CVE-2021-41190)", config=CONFIG.descriptor()),
    _index("layers in an index (CVE-2021-41190)", layers=[]),
    _index("layers: null in an index (CVE-2021-41190)", layers=None),
    _image("manifests: null in an image (CVE-2021-41190)", manifests=None),
    _image("an image as an index (CVE-2021-41190)", content_type=INDEX),
    _image("an image as a Docker image (CVE-2021-41190)", content_type=DOCKER),
    _image("an image as a Docker list (CVE-2021-41190)", content_type=LIST),
    _index("an index as an image (CVE-2021-41190)", content_type=OCI),
    _index("an index as a Docker list (CVE-2021-41190)", content_type=LIST),
    _image("no mediaType, pushed as an index (CVE-2021-41190)", content_type=INDEX, mediaType=...),
    _index("no mediaType, pushed as an image (CVE-2021-41190)", content_type=OCI, mediaType=...),
    _image("a Docker mediaType under an OCI Content-Type", mediaType=DOCKER),
)

#: Fields of the document itself.
FIELDS = (
    _image("no schemaVersion", schemaVersion=...),
    _image("schemaVersion 1", schemaVersion=1),
    _image("schemaVersion 0", schemaVersion=0),
    _image("schemaVersion 3", schemaVersion=3),
    _image("schemaVersion -2", schemaVersion=-2),
    _image("schemaVersion 2**70", schemaVersion=2**70),
    _image("schemaVersion as a text", schemaVersion="2"),
    _image("schemaVersion true", schemaVersion=True),
    _image("schemaVersion null", schemaVersion=None),
    _image("schemaVersion 2.5", schemaVersion=2.5),
    _image("mediaType a number", mediaType=2),
    _image("mediaType a list", mediaType=[OCI]),
    _image("a mediaType that is no manifest's", mediaType="application/json", content_type=""),
    _image("the mediaType of a config", mediaType=media_types.OCI_CONFIG, content_type=media_types.OCI_CONFIG),
    _image("the mediaType of a layer", mediaType=media_types.OCI_LAYER, content_type=""),
    _image("a mediaType with a line break", mediaType=OCI + "\r\nset-cookie: a=b", content_type=""),
    _image("a mediaType of 100,000 letters", mediaType="a/" + "b" * 100_000, content_type=""),
    _image("Docker schema 1", mediaType=..., content_type="application/vnd.docker.distribution.manifest.v1+json"),
    _image("signed schema 1", mediaType=..., content_type="application/vnd.docker.distribution.manifest.v1+prettyjws"),
    _image("a Content-Type of text", content_type="text/plain", mediaType=...),
    _image("a Content-Type of nothing known", content_type="application/vnd.example+json", mediaType=...),
    _image("an ORAS artifact manifest", content_type="application/vnd.oci.artifact.manifest.v1+json", mediaType=...),
    _image("two Content-Types", content_type=f"{OCI}, {INDEX}", mediaType=...),
    _image("no config", config=...),
    _image("config: null", config=None),
    _image("config a list", config=[]),
    _image("config a text", config=CONFIG.digest),
    _image("config empty", config={}),
    _image("layers an object", layers={}),
    _image("layers a text", layers="base"),
    _image("layers of texts", layers=[LAYER.digest]),
    _image("layers with null", layers=[None]),
    _image("layers with an empty object", layers=[{}]),
    _index("manifests an object", manifests={}),
    _index("manifests with null", manifests=[None]),
    _index("manifests a number", manifests=0),
    _image("annotations a list", annotations=["a"]),
    _image("annotations a text", annotations="a"),
    _image("an annotation that is a number", annotations={"a": 1}),
    _image("an annotation that is null", annotations={"a": None}),
    _image("an annotation that is an object", annotations={"a": {}}),
    _image("artifactType a number", artifactType=1),
    _image("artifactType a list", artifactType=["a"]),
    _image("subject a digest", subject=f"sha256:{HEX}"),
    _image("subject a list", subject=[]),
    _image("subject empty", subject={}),
    _image("100,000 layers with nothing in them", layers=[{}] * 100_000),
    _image("20,000 layers", layers=[LAYER.descriptor()] * 20_000),
    _image("a mediaType of 100,000 letters under a true Content-Type", mediaType="a/" + "b" * 100_000),
    _image("an artifactType of 4 MiB", artifactType=["a" * 4_000_000]),
    _index("20,000 entries", manifests=[{"mediaType": OCI, "digest": f"sha256:{HEX}", "size": 7}] * 20_000),
)

#: Descriptors: of layers, of the config, of an index's entries and of the subject.
DESCRIPTORS = (
    _layer("size -1", size=-1),
    _layer("size -2**63", size=-(2**63)),
    _layer("size 2**63", size=2**63),
    _layer("size 2**64", size=2**64),
    _layer("size of 4,000 digits", size=10**4_000),
    _layer("size 1.5", size=1.5),
    _layer("size as a text", size=str(LAYER.size)),
    _layer("size null", size=None),
    _layer("size true", size=True),
    _layer("no size", size=...),
    _layer("size a list", size=[1]),
    _text("layer: size 1e400", lambda text: text.replace(_SIZE, '"size": 1e400')),
    _text("layer: size -1e400", lambda text: text.replace(_SIZE, '"size": -1e400')),
    _text("layer: size 1e-400", lambda text: text.replace(_SIZE, '"size": 1.5e-400')),
    _text("layer: size NaN", lambda text: text.replace(_SIZE, '"size": NaN')),
    _text("layer: size Infinity", lambda text: text.replace(_SIZE, '"size": Infinity')),
    _text("layer: size of 100,000 digits", lambda text: text.replace(_SIZE, '"size": ' + "9" * 100_000)),
    _text("layer: size with a leading zero", lambda text: text.replace(_SIZE, '"size": 01')),
    _text("layer: size in hex", lambda text: text.replace(_SIZE, '"size": 0x10')),
    _layer("size is not that of the blob", size=LAYER.size + 1),
    _layer("size 0 for a blob that has bytes", size=0),
    _layer("no digest", digest=...),
    _layer("digest null", digest=None),
    _layer("digest a number", digest=5),
    _layer("digest empty", digest=""),
    _layer("digest without algorithm", digest=HEX),
    _layer("digest in upper case", digest=f"sha256:{HEX.upper()}"),
    _layer("digest too short", digest=f"sha256:{HEX[:-1]}"),
    _layer("digest of sha1", digest="sha1:" + HEX[:40]),
    _layer("digest of md5", digest="md5:" + HEX[:32]),
    _layer("digest with a line break", digest=f"sha256:{HEX}\n"),
    _layer("digest that is a path", digest="sha256:../../../../etc/passwd"),
    _layer("digest with NUL", digest=f"sha256:{HEX[:-1]}\0"),
    _layer("digest of full-width digits", digest="sha256:" + "\uff10" * 64),
    _layer("no mediaType", mediaType=...),
    _layer("mediaType null", mediaType=None),
    _layer("mediaType a number", mediaType=7),
    _layer("annotations a text", annotations="a"),
    _layer("urls a text", urls="https://example.com"),
    _layer("urls of numbers", urls=[1]),
    _layer("data a number", data=1),
    _layer("platform a text", platform="linux/amd64"),
    _layer("a blob that nobody pushed", "MANIFEST_BLOB_UNKNOWN", 404, digest=f"sha256:{HEX}"),
    _config("size -1", size=-1),
    _config("size is not that of the blob", size=CONFIG.size - 1),
    _config("no digest", digest=...),
    _config("digest of sha1", digest="sha1:" + HEX[:40]),
    _config("no mediaType", mediaType=...),
    _entry("size -1", size=-1),
    _entry("size 2**63", size=2**63),
    _entry("digest of sha1", digest="sha1:" + HEX[:40]),
    _entry("no digest", digest=...),
    _entry("platform a list", platform=[]),
    _entry("a manifest that nobody pushed", "MANIFEST_BLOB_UNKNOWN", 404),
    _entry("a blob that nobody pushed", "MANIFEST_BLOB_UNKNOWN", 404, mediaType="application/octet-stream"),
    _entry("a blob named as a manifest", "MANIFEST_BLOB_UNKNOWN", 404, digest=LAYER.digest, size=LAYER.size),
    _subject("no digest", digest=...),
    _subject("digest of sha1", digest="sha1:" + HEX[:40]),
    _subject("digest that is a path", digest="../../etc/passwd"),
    _subject("no size", size=...),
    _subject("no mediaType", mediaType=...),
    _subject("size -1", size=-1),
    _subject("size 2**63", size=2**63),
)

#: More bytes than a manifest has: distribution read them all into memory (CVE-2017-11468).
TOO_LARGE = (
    Document("4 MiB and a byte", json.dumps(image()).encode().ljust(4 * 1024**2 + 1), OCI, "SIZE_INVALID", 413),
    Document("8 MiB of nothing", b" " * 8 * 1024**2, OCI, "SIZE_INVALID", 413),
)

ALL = (*NOT_JSON, *AMBIGUOUS, *FIELDS, *DESCRIPTORS, *TOO_LARGE)
