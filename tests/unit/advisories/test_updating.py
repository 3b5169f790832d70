"""Updates of advisories: what is due, what fails and leaves everything as it was, and what is forgotten."""

import json
from pathlib import Path

import pytest

from orlop.domain.durations import DAY, HOUR
from orlop.domain.errors import NotFound
from orlop.domain.events import EventKind
from orlop.domain.job_kinds import MATCHING
from orlop.domain.pages import PageRequest
from orlop.ports.advisories import SourceFailed
from tests.contract.advisories import advisory
from tests.unit.advisories.artifacts import Key, payload
from tests.unit.advisories.updating import Updater, zipped
from tests.unit.advisories.web import web


def records(*names: str, fixed: str = "2") -> dict[str, bytes]:
    """Records of invented advisories by their names."""
    return {name: advisory(name, "openssl9", fixed) for name in names}


@pytest.fixture
def updater(tmp_path: Path) -> Updater:
    return Updater(tmp_path)


async def test_a_source_is_asked_when_it_is_due(updater: Updater) -> None:
    updater.archive("osv.zip", records("TEST-1", "TEST-2"))
    await updater.set("osv", "osv.zip", every="6h")
    assert await updater.run() == "osv: 2 records, 2 new or changed, 0 refused"
    [job] = (await updater.opened.queue.jobs.page(PageRequest(10))).items
    assert job.kind == MATCHING.kind
    first = updater.clock.now()
    updater.clock.at += 6 * HOUR - 1
    assert await updater.run() == "no source is due"
    updater.clock.at += 1
    assert await updater.run() == "osv: nothing new"
    state = await updater.state("osv")
    assert (state.imported_at - first, state.records, state.changed) == (6 * HOUR, 2, 0)
    updater.archive("osv.zip", records("TEST-1", "TEST-2", "TEST-3"))
    assert await updater.run("osv") == "osv: 3 records, 1 new or changed, 0 refused"
    await updater.set("osv", "other.zip")
    updater.archive("other.zip", records("TEST-4"))
    assert await updater.run() == "osv: 1 record, 1 new or changed, 0 refused", "another address is due at once"


async def test_a_source_that_there_is_not_is_told(updater: Updater) -> None:
    await updater.set("osv-debian", "osv.zip")
    with pytest.raises(NotFound, match=r"there is no source 'osv-debain'.*osv-debian"):
        await updater.run("osv-debain")


async def test_what_fails_leaves_what_was_and_the_others_go_on(updater: Updater) -> None:
    path = updater.archive("osv.zip", records("TEST-1"))
    updater.archive("second.zip", records("OTHER-1"))
    await updater.set("first", "osv.zip")
    await updater.set("second", "second.zip")
    await updater.run()
    before = await updater.state("first")
    path.write_bytes(b"PK\x03\x04" + b"\0" * 1_000)
    updater.archive("second.zip", records("OTHER-1", "OTHER-2"))
    updater.clock.at += DAY
    with pytest.raises(SourceFailed, match=r"first: it is damaged.*; second: 2 records, 1 new or changed"):
        await updater.run()
    assert await updater.names() == ["OTHER-1", "OTHER-2", "TEST-1"]
    state = await updater.state("first")
    assert (state.imported_at, state.etag, state.tried_at) == (before.imported_at, before.etag, updater.clock.now())
    assert state.error == "it is damaged, or no file of advisories"
    events = await updater.opened.catalog.outbox.events(0, 100)
    [failed] = [event for event in events if event.kind is EventKind.ADVISORIES_FAILED]
    assert (failed.subject, failed.detail) == ("first", state.error)


async def test_nothing_is_taken_of_what_cannot_be_read_to_its_end(updater: Updater) -> None:
    """Whatever was read before what is beyond a bound, in the same file or in another layer."""
    many = records(*(f"NEW-{number}" for number in range(2_500)))
    await updater.artifacts.publish({"a.jsonl": b"\n".join(many.values()), "b.zip": b"PK\x03\x04 no archive"})
    await updater.set("osv", "oci:advisories/osv:latest")
    with pytest.raises(SourceFailed, match="osv: it is damaged"):
        await updater.run()
    assert await updater.names() == []
    await updater.artifacts.publish({"a.jsonl": b"\n".join(many.values())})
    assert await updater.run("osv") == "osv: 2500 records, 2500 new or changed, 0 refused"


async def test_nothing_is_taken_of_what_another_key_signed(updater: Updater) -> None:
    key, other = Key(), Key()
    digest = await updater.artifacts.publish({"osv.jsonl": records("TEST-1")["TEST-1"]})
    await updater.artifacts.sign(digest, (payload(digest), other.sign(payload(digest))))
    await updater.set("osv", "oci:advisories/osv:latest", key=key.public)
    with pytest.raises(SourceFailed, match="is not signed by the key of the source"):
        await updater.run()
    assert await updater.names() == []
    assert (await updater.state("osv")).error.endswith("nothing of it is taken")
    await updater.artifacts.sign(digest, (payload(digest), key.sign(payload(digest))))
    assert (await updater.run("osv")).startswith("osv: 1 record, 1 new")
    assert (await updater.state("osv")).error == ""


async def test_what_left_a_source_stays_unless_it_is_pruned(updater: Updater) -> None:
    updater.archive("osv.zip", records("TEST-1", "TEST-2", "TEST-3"))
    updater.archive("other.zip", records("OTHER-1"))
    await updater.set("osv", "osv.zip")
    await updater.set("other", "other.zip", prune=True)
    await updater.run()
    updater.archive("osv.zip", records("TEST-1", "TEST-3"))
    assert await updater.run("osv") == "osv: 2 records, 0 new or changed, 0 refused"
    assert await updater.names("osv") == ["TEST-1", "TEST-2", "TEST-3"]
    await updater.set("osv", "osv.zip", prune=True)
    updater.archive("osv.zip", records("TEST-1", "TEST-3") | {"TEST-4": b"{}"})
    assert await updater.run("osv") == "osv: 2 records, 0 new or changed, 1 refused"
    assert await updater.names("osv") == ["TEST-1", "TEST-2", "TEST-3"], "what is refused may be what is missing"
    updater.archive("osv.zip", records("TEST-1", "TEST-3"))
    assert await updater.run("osv") == "osv: 2 records, 0 new or changed, 1 forgotten, 0 refused"
    assert await updater.names() == ["OTHER-1", "TEST-1", "TEST-3"]


async def test_a_source_that_loses_most_of_what_it_had_is_not_believed(updater: Updater) -> None:
    updater.archive("osv.zip", records("TEST-1", "TEST-2", "TEST-3"))
    await updater.set("osv", "osv.zip", prune=True)
    await updater.run()
    updater.archive("osv.zip", records("TEST-1"))
    for _ in range(2):
        with pytest.raises(SourceFailed, match="2 advisories of 3 left the source at once: nothing is forgotten"):
            await updater.run("osv")
    assert await updater.names() == ["TEST-1", "TEST-2", "TEST-3"]
    updater.archive("osv.zip", records("TEST-1", "TEST-2"))
    await updater.run("osv")
    assert await updater.names() == ["TEST-1", "TEST-2"]
    assert (await updater.state("osv")).error == ""


async def test_a_catalogue_that_did_not_change_changes_nothing(updater: Updater) -> None:
    entry = {"cveID": "CVE-2026-1", "dateAdded": "2026-01-01", "dueDate": "2026-02-01"}
    (updater.folder / "kev.json").write_text(json.dumps({"vulnerabilities": [entry]}))
    (updater.folder / "epss.csv").write_text("#model_version:v1\ncve,epss,percentile\nCVE-2026-1,0.25,0.9\n")
    await updater.set("kev", "kev.json")
    await updater.set("epss", "epss.csv")
    assert await updater.run() == (
        "epss: 1 record, 1 new or changed, 0 refused; kev: 1 record, 1 new or changed, 0 refused"
    )
    for name in ("kev.json", "epss.csv"):  # the same content under another time is read again
        (updater.folder / name).write_bytes((updater.folder / name).read_bytes() + b"\n")
    assert await updater.run(everything=True) == (
        "epss: 1 record, 0 new or changed, 0 refused; kev: 1 record, 0 new or changed, 0 refused"
    )


async def test_of_a_bucket_with_a_list_what_changed_is_taken_in_and_what_left_the_list_is_forgotten(
    updater: Updater,
) -> None:
    there = records("TEST-1", "TEST-2", "TEST-3")
    lines = [f"2026-1{number - 1}-01T00:00:00Z,TEST-{number}" for number in (3, 2, 1)]
    async with web({"/Debian/modified_id.csv": "\n".join(lines).encode(), "/Debian/all.zip": zipped(there)}) as server:
        await updater.set("osv", f"http://127.0.0.1:{server.port}/Debian/modified_id.csv", prune=True)
        assert await updater.run() == "osv: 3 records, 3 new or changed, 0 refused"
        assert await updater.run("osv") == "osv: nothing new"
        server.files |= {f"/Debian/{name}.json": body for name, body in records("TEST-3", "TEST-4", fixed="3").items()}
        lines = ["2026-12-20T00:00:00Z,TEST-4", "2026-12-19T00:00:00Z,TEST-3", lines[1]]
        server.files["/Debian/modified_id.csv"] = "\n".join(lines).encode()
        server.asked.clear()
        assert await updater.run("osv") == "osv: 2 records, 2 new or changed, 1 forgotten, 0 refused"
        assert [path for path, _ in server.asked] == [
            f"/Debian/{n}" for n in ("modified_id.csv", "TEST-4.json", "TEST-3.json")
        ]
        assert await updater.names() == ["TEST-2", "TEST-3", "TEST-4"]
