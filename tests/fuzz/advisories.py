"""What advisories and questions are read from: records, package URLs, versions and vectors."""

import gzip
import io
import zipfile

import msgspec

from orlop.adapters.advisories.child import answers
from orlop.domain.inside.cvss import cvss
from orlop.domain.inside.ecosystems import Key
from orlop.domain.inside.matching import hit
from orlop.domain.inside.osv import Advisory, parse
from orlop.domain.inside.purl import parse_purl, parse_question
from orlop.domain.inside.rows import AdvisoryRow, row_of, unpacked
from orlop.domain.inside.versions import order
from orlop.domain.inside.versions.order import VersionUnordered

_ECOSYSTEMS = ["Debian", "AlmaLinux", "Alpine", "PyPI", "npm", "Go", "Maven", "RubyGems", "Packagist", "NuGet", "Conda"]

_RECORD = msgspec.json.encode(
    {
        "id": "TEST-1",
        "modified": "2026-01-01T00:00:00Z",
        "severity": [{"type": "CVSS_V3", "score": "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:U/C:H/I:H/A:H"}],
        "affected": [
            {
                "package": {"ecosystem": "npm", "name": "a"},
                "ranges": [{"type": "SEMVER", "events": [{"introduced": "0"}, {"fixed": "1.2.3"}]}],
                "versions": ["1.0.0"],
            }
        ],
    }
)


class _Said(msgspec.Struct):
    rows: tuple[AdvisoryRow, ...] = ()
    last: bool = False
    refused: str = ""


def record(given: bytes) -> None:
    """Whatever a record says can be kept, and matched with each of its packages."""
    advisory = parse(given)
    assert msgspec.msgpack.decode(msgspec.msgpack.encode(advisory), type=Advisory) == advisory
    for each in advisory.affected:
        found = hit(advisory, Key(each.package.ecosystem, each.package.name, "1.0.0"))
        assert found is None or advisory.withdrawn is None


def file(given: bytes) -> None:
    """Whatever a file is, it is read to an end that is said; what is stored is what was read, and holds no NUL; all
    records of one name come together."""
    *batches, last = (msgspec.msgpack.decode(packed, type=_Said) for packed in answers(io.BytesIO(given), rows=True))
    assert last.last
    assert not any(batch.last for batch in batches)
    names = [name for batch in batches for name in {row.name for row in batch.rows}]
    assert last.refused or len(names) == len(set(names))
    for batch in batches:
        for row in batch.rows:
            assert row_of(unpacked(row.body)) == row
            stored = (row.name, row.summary, row.severity, *row.aliases, *(each.name for each in row.packages))
            assert "\0" not in "".join(stored)
    assert b"".join(answers(io.BytesIO(given), rows=False))


def url(text: str) -> None:
    """What is read is canonical."""
    read = parse_purl(text)
    assert parse_purl(str(read)) == read
    parse_question(text).has("1.0.0")


def versions(text: str) -> None:
    """Two versions of each ecosystem, with a line break between them, have one order or none."""
    one, _, other = text.partition("\n")
    for ecosystem in _ECOSYSTEMS:
        by = order(ecosystem)
        assert by is not None
        try:
            way = by.compare(one, other)
        except VersionUnordered:
            continue
        assert by.compare(other, one) == -way


def vector(text: str) -> None:
    found = cvss(text)
    assert found is None or 0.0 <= found.score <= 10.0


def _zipped(files: dict[str, bytes]) -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in files.items():
            archive.writestr(name, each)
    return content.getvalue()


FILES = (
    _zipped({"a.json": _RECORD, "b.json": _RECORD, "c.txt": b""}),
    gzip.compress(_RECORD + b"\n" + _RECORD, mtime=0),
    b"[" + _RECORD + b"]",
    b'{"vulnerabilities": [{"cveID": "CVE-2026-1", "dateAdded": "2026-01-01", "dueDate": 7}]}',
    b"#model_version:v1\ncve,epss,percentile\nCVE-2026-1,0.25,0.9\n",
)
RECORDS = (_RECORD, b'{"id":"X-1","withdrawn":"0001-01-01T00:00:00Z"}')
URLS = ("pkg:npm/%40a/b@>=1,<2?c=d#e", "pkg:deb/debian/curl@1:7.5-1~a%2Bb?arch=i386")
VERSIONS = ("1.0~rc1-1\n1:1.0", "v1.2.3-rc.1\n1.2.3+b", "1!1.0.post1.dev2\n1.0-alpha-1", "1.2_p1-r3\n1.2.x-dev")
VECTORS = (
    "CVSS:3.1/AV:N/AC:L/PR:N/UI:N/S:C/C:H/I:H/A:H",
    "CVSS:4.0/AV:N/AC:L/AT:N/PR:N/UI:N/VC:H/VI:H/VA:H/SC:N/SI:N/SA:N/E:P",
)
