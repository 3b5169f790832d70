"""How far a verification came, and the job that verifies the stores of a running server."""

from collections.abc import Awaitable, Callable

from orlop.domain.counts import counted
from orlop.domain.errors import ContentCorrupt
from orlop.domain.job_kinds import VERIFICATION
from orlop.domain.queue import Progress
from orlop.ports.catalog import Totals
from orlop.services.jobs.work import Run, Work
from orlop.services.stores.verify import Report, Verification

#: How many findings the error of a job names.
_NAMED = 3


def verified_so_far(report: Report, totals: Totals, *, quick: bool) -> Progress:
    """How far it came: by bytes when blobs are read, else by rows. It stays full when the store grew meanwhile."""
    text = (
        f"{counted(report.manifests, 'manifest')} and {counted(report.blobs, 'blob')} looked at,"
        f" {counted(len(report.findings), 'finding')}"
    )
    if quick:
        return Progress(report.manifests + report.blobs, totals.manifests + totals.blobs, "rows", text)
    return Progress(report.read, totals.blob_bytes, "bytes", text)


def verifying(verification: Verification, totals: Callable[[], Awaitable[Totals]]) -> Work:
    """The job; it does not run by itself. It fails where anything is wrong."""

    async def verify(run: Run) -> str:
        there = await totals()
        report = await verification.run(progress=lambda found: run.tell(verified_so_far(found, there, quick=False)))
        if not report.is_clean:
            named = "; ".join(f"{each.where}: {each.what}" for each in report.findings[:_NAMED])
            raise ContentCorrupt(f"{counted(len(report.findings), 'finding')}, which orlop verify lists: {named}")
        return (
            f"{counted(report.manifests, 'manifest')} and {counted(report.blobs, 'blob')} of"
            f" {counted(report.read, 'byte')} are whole"
        )

    return Work(VERIFICATION, verify)
