"""Files of advisories that somebody made to do harm: each ends soon, and with a reason."""

import copy
import gzip
import io
import json
import random
import struct
import zipfile
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import msgspec
import pytest

from orlop.adapters.advisories import files
from orlop.adapters.advisories.child import answers
from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.domain.errors import RequestInvalid
from orlop.domain.inside import osv
from orlop.domain.inside.rows import row_of
from orlop.ports.advisories import ImportRefused, ReadBatch
from tests.contract.advisories import advisory

GOOD = advisory("GOOD-1", "openssl9", "2")
DAMAGED = "it is damaged, or no file of advisories"


def zipped(*members: tuple[str, bytes]) -> bytes:
    """An archive."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, each in members:
            archive.writestr(name, each)
    return content.getvalue()


async def read(content: bytes) -> tuple[list[str], list[str]]:
    """Names that are taken, and reasons for what is not, by a process as the server starts it."""
    batches: list[ReadBatch] = [batch async for batch in ProcessAdvisoryReader().read(io.BytesIO(content))]
    return (
        [row.name for batch in batches for row in batch.rows],
        [refusal.why for batch in batches for refusal in batch.refusals],
    )


def here(content: bytes) -> tuple[list[str], list[str]]:
    """The same without a process of its own, so that bounds may be lowered. Raises ImportRefused."""
    *batches, last = (msgspec.msgpack.decode(packed) for packed in answers(io.BytesIO(content), rows=True))
    if last["refused"]:
        raise ImportRefused(last["refused"])
    return (
        [row["name"] for batch in batches for row in batch["rows"]],
        [refusal["why"] for batch in batches for refusal in batch["refusals"]],
    )


def _patched(content: bytes, signature: bytes, offset: int, value: bytes) -> bytes:
    """An archive, a field of whose headers with this signature says something else (APPNOTE.TXT 4.3)."""
    changed = bytearray(content)
    at = changed.find(signature)
    while at >= 0:
        changed[at + offset : at + offset + len(value)] = value
        at = changed.find(signature, at + 4)
    return bytes(changed)


def _central(content: bytes, offset: int, value: bytes) -> bytes:
    return _patched(content, b"PK\x01\x02", offset, value)


def _overlapping(members: int) -> bytes:
    """An archive all of whose members are the same bytes (Fifield, "A better zip bomb", WOOT 2019)."""
    whole = zipped(("a.json", b'{"id": "' + b"A" * 4_000_000 + b'"}'))
    start = whole.index(b"PK\x01\x02")
    end = whole.index(b"PK\x05\x06")
    entry, body = whole[start:end], whole[:start]
    directory = entry * members
    closing = struct.pack("<4s4H2LH", b"PK\x05\x06", 0, 0, members, members, len(directory), len(body), 0)
    return body + directory + closing


#: What no file of advisories is, or what is beyond a bound, by a word of the reason.
REFUSED: dict[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "white space": (b" \n" * 100, "empty"),
    "the beginning of an archive": (b"PK\x03\x04", DAMAGED),
    "an archive that is cut": (zipped(("a.json", GOOD))[:-10], DAMAGED),
    "the end of an archive alone": (b"PK\x05\x06" + b"\xff" * 18, DAMAGED),
    "an archive for a reader of the future": (_central(zipped(("a.json", GOOD)), 6, b"\xff\x00"), DAMAGED),
    "a name that is no UTF-8": (_central(zipped(("é.json", GOOD)), 46, b"\xff\xff"), DAMAGED),
    "gzip that is cut": (gzip.compress(GOOD * 100)[:-20], DAMAGED),
    "gzip with a wrong checksum": (gzip.compress(GOOD)[:-8] + b"\0" * 8, DAMAGED),
    "gzip of gzip": (gzip.compress(gzip.compress(GOOD)), ""),
    "a bomb of gzip": (gzip.compress(b" " * (64 << 20)), "unpacks to more than 200 times its size"),
    "zstd": (b"\x28\xb5\x2f\xfd" + b"\0" * 100, "unpack it first"),
    "members that say that they are immense": (
        _central(_central(_overlapping(60_000), 24, struct.pack("<L", 1 << 31)), 20, struct.pack("<L", 1 << 30)),
        "says that it holds more than the 16 GiB",
    ),
    "a field of a table without an end": (b"cve,epss,percentile\n" + b"x" * 300_000 + b",1,1\n", DAMAGED),
}


@pytest.mark.parametrize("name", REFUSED)
async def test_what_is_no_file_of_advisories_is_refused(name: str) -> None:
    content, why = REFUSED[name]
    if not why:  # it is read, and nothing in it is a record
        assert (await read(content))[0] == []
        return
    with pytest.raises(ImportRefused, match=why):
        await read(content)


#: What does not stop the record beside it, by what is said of it.
BESIDE: dict[str, tuple[bytes, list[str]]] = {
    "a member that is a bomb": (b'{"id": "' + b"A" * (64 << 20) + b'"}', ["unpacks to more than 200 times its size"]),
    "deep JSON": (b'{"id": "A", "affected": ' + b"[" * 100_000, ["it is not JSON"]),
    "deep JSON in a list": (b"[" * 100_000, ["it is not JSON"]),
    "an endless number": (b'{"id": "A-1", "modified": ' + b"9" * 10_000 + b"}", ["it is"]),
    "a number beyond all": (b'{"id": 1e400}', ["it is"]),
    "a list of what is no record": (b'[1, null, "x", [], {}]', ["it is no record"] * 5),
    "half a character": (b'{"id": "A-1", "summary": "\\ud800"}', ["it is not JSON"]),
    "half a character in a list": (b'[{"id": "A-1", "summary": "\\ud800"}]', ["it is not JSON"]),
    "no UTF-8": (b'{"id": "A-1", "summary": "\xff\xfe"}', ["it is not JSON"]),
    "UTF-16": ('{"id": "A-1"}'.encode("utf-16"), ["it is not JSON"]),
    "an id with a line break": (b'{"id": "A-1\\nB"}', ["its id is not one of letters"]),
    "an id with a path": (b'{"id": "../../etc/passwd"}', ["its id is not one of letters"]),
    "a time of no calendar": (b'{"id": "A-1", "modified": "2026-13-41T99:99:99Z"}', ["is no time of RFC 3339"]),
    "a catalogue of anything": (
        b'{"vulnerabilities": [{"cveID": 7}, {"cveID": "\\u0000\\ud800"}, [], null, {"cveID": "../x"},'
        b' {"a": "cveID"}]}',
        ["is no CVE"] * 2 + ["it has no cveID"] * 2 + ["is no CVE", "it has no cveID"],
    ),
    "a catalogue that is no list": (b'{"vulnerabilities": {"cveID": 7}}', []),
    "an archive in an archive": (zipped(("b.json", GOOD)), ["it is not JSON"]),
}


@pytest.mark.parametrize("name", BESIDE)
async def test_what_is_wrong_does_not_stop_the_rest(name: str) -> None:
    content, why = BESIDE[name]
    names, reasons = await read(zipped(("../../a.json", content), ("b.json", GOOD)))
    assert names == ["GOOD-1"]
    assert len(reasons) == len(why)
    assert all(expected in said for expected, said in zip(why, reasons, strict=True)), reasons


async def test_members_that_lie_are_refused_one_by_one() -> None:
    """What is said of a size is not believed, whichever way it lies."""
    good = zipped(("a.json", GOOD), ("b.json", GOOD.replace(b"GOOD-1", b"GOOD-2")))
    for lie in (
        _central(good, 24, struct.pack("<L", 10)),
        _central(good, 20, struct.pack("<L", 10)),
        _central(good, 16, b"\0\0\0\0"),
        _central(good, 10, struct.pack("<H", 99)),
        _central(good, 42, struct.pack("<L", 1)),
        _patched(good, b"PK\x03\x04", 26, struct.pack("<H", 60_000)),
    ):
        names, reasons = await read(lie)
        assert (names, len(reasons)) == ([], 2)
        assert all(why.startswith("it cannot be unpacked: ") for why in reasons)
    assert await read(_central(good, 24, struct.pack("<L", 1_000_000))) == (["GOOD-1", "GOOD-2"], [])
    encrypted = _central(good, 8, struct.pack("<H", 1))
    assert await read(encrypted) == ([], ["it is encrypted"] * 2)


async def test_an_archive_of_one_member_many_times_is_bounded() -> None:
    names, reasons = await read(_overlapping(20))
    assert names == []
    assert set(reasons) <= {"it unpacks to more than 200 times its size"} | {
        why for why in reasons if why.startswith(("its id is not", "it cannot be unpacked"))
    }


async def test_an_archive_of_very_many_members_is_read() -> None:
    many = [(f"{number}.json", b"{}") for number in range(30_000)]
    names, reasons = await read(zipped(("good.json", GOOD), *many))
    assert names == ["GOOD-1"]
    assert len(reasons) == files.REFUSALS, "no more reasons are kept than that"


def test_more_than_may_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    many = [(f"{number}.json", GOOD) for number in range(20)]
    monkeypatch.setattr(files, "RECORDS", 10)
    for content in (zipped(*many), b"\n".join([GOOD] * 20), b"cve,epss,percentile\n" + b"CVE-2026-1,0,0\n" * 20):
        with pytest.raises(ImportRefused, match="more than the 10 "):
            here(content)
    monkeypatch.setattr(files, "UNPACKED", 1_000)
    for content in (zipped(*many[:9]), gzip.compress(b"\n".join([GOOD] * 9))):
        with pytest.raises(ImportRefused, match="holds more than the 0 GiB"):
            here(content)


def test_a_record_and_a_document_have_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "RECORD", 1_000)
    monkeypatch.setattr(files, "DOCUMENT", 2_000)
    long = advisory("LONG-1", "a", "1", details="x" * 1_200)
    longer = advisory("LONG-2", "a", "1", details="x" * 2_500)
    names, reasons = here(b"\n".join((GOOD, long, longer, GOOD.replace(b"GOOD-1", b"GOOD-2"))))
    assert names == ["GOOD-1", "GOOD-2"]
    assert [why.partition(" that ")[0] for why in reasons] == ["it is larger than the 0 MiB"] * 2
    names, reasons = here(zipped(("a.json", long), ("b.json", longer), ("c.json", GOOD)))
    assert (names, len(reasons)) == (["GOOD-1"], 2)


def test_names_that_come_again_are_stored_together_or_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    others = [advisory(f"OTHER-{number}", "a", "1") for number in range(2_500)]
    first, second = advisory("TWICE-1", "a", "1"), advisory("TWICE-1", "b", "1")
    lines = b"\n".join([first, *others, second])
    *batches, _ = (msgspec.msgpack.decode(packed) for packed in answers(io.BytesIO(lines), rows=True))
    assert [[row["name"] for row in batch["rows"]].count("TWICE-1") for batch in batches if batch["rows"]][-1] == 2
    members = [(f"{number}.json", each) for number, each in enumerate([first, *others, second])]
    names, reasons = here(zipped(*members))
    assert names.count("TWICE-1") == 1
    assert reasons == ["TWICE-1 is the id of another record, farther ahead in the file"]
    monkeypatch.setattr(files, "REPEATED", 3)
    names, reasons = here(b"\n".join([first] * 5))
    assert (len(names), reasons) == (3, ["too many names of this file come more than once"] * 2)


def _filled(**more: Any) -> bytes:
    return json.dumps({"id": "MANY-1", **more}).encode()


_PACKAGE = {"ecosystem": "npm", "name": "a"}
#: More of something than a record may have.
MANY: dict[str, Callable[[], bytes]] = {
    "packages": lambda: _filled(affected=[{"package": _PACKAGE}] * (osv.PACKAGES + 1)),
    "ranges for one package": lambda: _filled(
        affected=[{"package": _PACKAGE, "ranges": [{"type": "SEMVER"}] * (osv.RANGES + 1)}]
    ),
    "events in one range": lambda: _filled(
        affected=[{"package": _PACKAGE, "ranges": [{"type": "SEMVER", "events": [{}] * (osv.EVENTS + 1)}]}]
    ),
    "versions of one package": lambda: _filled(
        affected=[{"package": _PACKAGE, "versions": ["1"] * (osv.VERSIONS + 1)}]
    ),
    "other ids": lambda: _filled(aliases=[f"A-{number}" for number in range(osv.NAMES + 1)]),
    "references": lambda: _filled(references=[{"url": "x"}] * (osv.REFERENCES + 1)),
    # Each is kept for every package: twenty thousand packages times a megabyte of these would be twenty gigabytes.
    "severities": lambda: _filled(severity=[{"type": "x", "score": "y"}] * (osv.SCORES + 1)),
}


@pytest.mark.parametrize("what", MANY)
def test_a_record_has_no_more_of_anything_than_it_may_have(what: str) -> None:
    with pytest.raises(RequestInvalid, match=f"it has [0-9,]+ {what}"):
        row_of(MANY[what]())


def test_a_record_has_no_severity_without_an_end() -> None:
    with pytest.raises(RequestInvalid, match="a severity is longer than"):
        row_of(_filled(severity=[{"type": "CVSS_V3", "score": "x" * 10_000}]))


def test_any_field_may_be_of_any_type() -> None:
    """What is no record of OSV is refused with a sentence; nothing else comes out of it."""
    whole = json.loads(advisory("TYPE-1", "a", "1", aliases=["CVE-2026-1"], severity=[{"type": "x", "score": "y"}]))
    values: list[Any] = [None, 7, -1, 1e300, True, "x", [], [[]], {}, {"id": {}}, [None], "\0"]
    chosen = random.Random(7)
    for _ in range(600):
        record = copy.deepcopy(whole)
        for _ in range(chosen.randint(1, 3)):
            _spoil(record, chosen, values)
        with suppress(RequestInvalid):
            assert row_of(json.dumps(record).encode()).name


def _spoil(record: Any, chosen: random.Random, values: list[Any]) -> None:
    """Put something else somewhere into it."""
    while True:
        keys: list[Any] = list(record) if isinstance(record, dict) else list(range(len(record)))
        if not keys:
            return
        key = chosen.choice(keys)
        if not isinstance(record[key], dict | list) or chosen.random() < 0.3:
            record[key] = copy.deepcopy(chosen.choice(values))
            return
        record = record[key]


def test_of_a_key_that_comes_twice_the_last_is_meant_everywhere() -> None:
    """One reader that believes the first and one that believes the last would store what nobody looked at."""
    names, _ = here(b"\n".join([b'{"id": "A-1", "summary": "x", "id": "B-1"}', b'{"id": "B-1"}']))
    assert names == ["B-1", "B-1"]
    row = row_of(b'{"id": "A-1", "id": "B-1"}')
    assert (row.name, b"A-1" in msgspec.msgpack.encode(row)) == ("B-1", False)


def test_a_nul_is_left_out_of_what_is_stored() -> None:
    """PostgreSQL keeps none in a text: such a record would stop all others of its batch."""
    row = row_of(
        advisory("NUL-1", "open\0ssl", "1\0.2", aliases=["CVE\0-2026-1"], summary="a\0b \\u0000 \\\0c", details="\0")
    )
    assert (row.summary, row.aliases) == ("ab \\u0000 \\c", ("CVE-2026-1",))
    assert row.packages[0].name == "openssl"
    assert b"\0.2" not in row.packages[0].entry


async def test_a_process_that_says_nothing_for_too_long_is_ended() -> None:
    with pytest.raises(ImportRefused, match="nothing came out of it for 0 seconds"):
        _ = [batch async for batch in ProcessAdvisoryReader(deadline=0.0).read(io.BytesIO(GOOD))]
