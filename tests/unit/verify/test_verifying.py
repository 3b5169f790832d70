"""The job that verifies the stores of a running server: how far it came, how it ends, and what it says is wrong."""

from orlop.domain.job_kinds import VERIFICATION
from orlop.domain.queue import JobState, Progress
from orlop.ports.catalog import Finding, Totals
from orlop.services.stores.verify import Report
from orlop.services.stores.verifying import verified_so_far, verifying
from tests.content import blob, image
from tests.contract.scene import APP, V1
from tests.unit.worker.office import Office

ONE = image("one", ["base", "code"])


async def test_a_sound_store_is_whole_and_a_damaged_one_fails_the_job_for_good() -> None:
    office = Office()
    await office.registry.push(APP, ONE, V1)
    totals = office.registry.stores.catalog.vitals.totals
    job = verifying(office.registry.verification(), totals)
    worker = office.worker([job])

    asked = await office.ask(VERIFICATION.kind)
    await office.day(worker)
    done = await office.state(asked.id, JobState.DONE)
    size = sum(piece.size for piece in ONE.blobs)
    assert done.result == f"1 manifest and 3 blobs of {size} bytes are whole"
    assert (done.progress.done, done.progress.total, done.progress.unit) == (size, size, "bytes")

    base = blob("base").digest
    key = next(key for key in office.blobs.held if key.digest == base)
    office.blobs.held[key].content[3] ^= 1
    asked = await office.ask(VERIFICATION.kind)
    await office.day(office.worker([job]))
    failed = await office.state(asked.id, JobState.FAILED)
    assert failed.attempts == 1
    assert failed.error.startswith("1 finding, which orlop verify lists: ")
    assert base in failed.error


def test_how_far_it_came_is_told_by_bytes_or_by_rows() -> None:
    there = Totals(repositories=1, manifests=4, tags=1, blobs=6, blob_bytes=100, condemned=0, uploads=0)
    report = Report(manifests=4, blobs=3, read=60, findings=[Finding(1, "here", "it is wrong")])
    text = "4 manifests and 3 blobs looked at, 1 finding"
    assert verified_so_far(report, there, quick=False) == Progress(60, 100, "bytes", text)
    assert verified_so_far(report, there, quick=True) == Progress(7, 10, "rows", text)
    assert Progress(7, 10, "rows", text).words() == f"7 of 10 rows; {text}"
    assert Progress().words() == ""
