"""What cp does."""

from collections import Counter

from orlop.domain import media_types
from orlop.domain.platforms import parse_platform
from orlop.faces.cli.content.show import image_argument, print_json
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.locations import Location, StoreKind
from orlop.faces.cli.progress import progress
from orlop.faces.cli.running import UsageError, argument, size_text
from orlop.ports.upstream import ContentRepository
from orlop.services.content.copy import MAX_JOBS, CopyReport, CopyRequest, Outcome, copy


async def cp(
    stores: ContentStores,
    src: str,
    dst: str,
    connecting: Connecting,
    *,
    referrers: bool,
    platform: str | None,
    jobs: int,
    json: bool,
) -> None:
    """Copy an image; see `orlop cp --help`."""
    if not 1 <= jobs <= MAX_JOBS:
        raise UsageError(f"--jobs is a number from 1 to {MAX_JOBS}")
    wanted = argument(parse_platform, platform) if platform is not None else None
    source, target = image_argument(src), image_argument(dst)
    if platform is not None and target.image is not None and target.image.digest:
        raise UsageError("--platform chooses the digest; give the destination a tag instead")
    if referrers and target.kind is StoreKind.DOCKER_ARCHIVE:
        raise UsageError("a docker archive has no place for referrers; use oci-archive:")
    if source.path and (source.kind, source.path) == (target.kind, target.path):
        raise UsageError("source and destination are the same folder or archive; use tag for another name in it")
    request = CopyRequest(
        reference=source.name,
        tags=target_names(target),
        platform=wanted,
        referrers=referrers,
        foreign=target.kind is StoreKind.DOCKER_ARCHIVE,
        jobs=jobs,
    )
    async with stores.repository(source, connecting) as reading:
        # Before the destination is opened, which may make it.
        await _check(reading, source, target, platform=platform)
        async with stores.repository(target, connecting, writing=True) as writing, progress(quiet=json) as shown:
            report = await copy(reading, writing, request, shown)
    if json:
        print_json(_fields(source, target, report))
    else:
        print(_sentence(source, target, report))


async def _check(reading: ContentRepository, source: Location, target: Location, *, platform: str | None) -> None:
    """What can be known to fail before anything is sent. Raises UsageError, and whatever is wrong with the source."""
    digest = target.image.digest if target.image else None
    found = await reading.resolve(source.name)
    if platform is not None:
        return
    if digest is not None and found.digest != digest:
        raise UsageError(f"{source} is {found.digest}, not what the destination names")
    if target.kind is StoreKind.DOCKER_ARCHIVE and found.media_type in media_types.INDEXES:
        raise UsageError("a docker archive holds an image of one platform; choose it with --platform os/architecture")


def target_names(target: Location) -> tuple[str, ...]:
    """The tags to set at the destination: none where it is given by digest or without a name."""
    if target.image is None:
        return (target.name,) if target.name else ()
    return (target.image.tag,) if target.image.tag else ()


def _counts(report: CopyReport) -> dict[str, int]:
    counted = Counter(report.blobs.values())
    return {outcome.value: counted[outcome] for outcome in Outcome}


def _fields(source: Location, target: Location, report: CopyReport) -> dict[str, object]:
    return {
        "source": str(source),
        "destination": str(target),
        "digest": str(report.digest),
        "mediaType": report.media_type,
        "manifests": {str(digest): outcome.value for digest, outcome in report.manifests.items()},
        "blobs": {str(digest): outcome.value for digest, outcome in report.blobs.items()},
        "copiedBytes": report.copied_bytes,
    }


def _sentence(source: Location, target: Location, report: CopyReport) -> str:
    counts = _counts(report)
    blobs = ", ".join(f"{number} {name}" for name, number in counts.items() if number) or "none"
    sent = size_text(report.copied_bytes)
    counted = f"manifests: {len(report.manifests)}; blobs: {blobs}; {sent} sent"
    return f"copied {source} to {target}: {report.digest} ({counted})"
