"""Every kind of job: how many run side by side, and how often one is tried."""

from collections.abc import Mapping
from typing import Annotated, Any

import msgspec
from msgspec import Meta

from orlop.domain.durations import HOUR
from orlop.domain.errors import RequestInvalid
from orlop.domain.fields import nearest, refuse_unknown


class NoArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """There is nothing to say."""


class PlanArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan."""

    plan: int


class ScheduledPlan(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which plan; 0: one of everything is made and applied."""

    plan: int = 0


Image = Annotated[str, Meta(min_length=1, max_length=512)]


class PrefetchArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is to be fetched from which upstream of the place of the job. `images`: see domain.upstreams.wanted;
    `platforms`: as `linux/amd64`, none: all; `referrers`: signatures and whatever else refers to an image, too."""

    upstream: Annotated[str, Meta(min_length=1, max_length=63)]
    images: Annotated[tuple[Image, ...], Meta(min_length=1, max_length=100)]
    platforms: Annotated[tuple[Annotated[str, Meta(max_length=200)], ...], Meta(max_length=16)] = ()
    referrers: bool = False


class ClearArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The upstream whose cache it is, at the place of the job; it may have been removed."""

    upstream: Annotated[str, Meta(min_length=1, max_length=63)]


class UpdateArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Sources of advisories, by name, whether they are due or not; none: those that are due."""

    sources: Annotated[tuple[Annotated[str, Meta(min_length=1, max_length=63)], ...], Meta(max_length=64)] = ()
    all: bool = False
    """All sources, whether they are due or not."""


class BackupArguments(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which schedule of backups."""

    schedule: Annotated[str, Meta(min_length=1, max_length=63)]


class JobKind(msgspec.Struct, frozen=True, kw_only=True):
    """A kind of job, declared once."""

    kind: str
    """In commands, such as `collection`."""
    text: str
    """What it does, as a sentence for people."""
    placed: bool = False
    """Whether one is about a place; without, it is about the registry as a whole."""
    at_once: int = 1
    """How many of it run at the same time, in all processes together."""
    at_once_per_place: int = 1
    """How many of these are about the same place; what is about the registry as a whole is not counted here."""
    attempts: int = 5
    """How often one is begun before it has failed for good."""
    arguments: Any = NoArguments
    """The struct of its arguments."""
    forgotten_after: int = 0
    """How long one that ended well is kept, in microseconds; 0: as long as others. For what runs every other minute."""

    def checked(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """Arguments as they are kept. Raises RequestInvalid."""
        refuse_unknown(self.arguments, arguments)
        try:
            parsed = msgspec.convert(arguments, self.arguments)
        except msgspec.ValidationError as error:
            raise RequestInvalid(f"the arguments of a job of the kind {self.kind} cannot be read: {error}") from error
        made: dict[str, Any] = msgspec.to_builtins(parsed)
        return made


COLLECTION = JobKind(
    kind="collection",
    text="Removes what expired in the trash, the blobs that nothing needs, and uploads that nobody finished.",
)
EXPIRY = JobKind(kind="expire-uploads", text="Clears away uploads that nobody finished in time.", forgotten_after=HOUR)
SWEEP = JobKind(
    kind="sweep", text="Looks through the whole store for files that no row names, which a power cut can leave behind."
)
VERIFICATION = JobKind(
    kind="verification",
    text="Looks whether everything stored is whole, as orlop verify does, down to every byte of every blob.",
    attempts=1,
)
SCRUB = JobKind(
    kind="scrub",
    text="Reads blobs again, at a pace, so that each is read within a period; what is damaged is no longer given out.",
)
DIRECTORIES = JobKind(
    kind="synchronise-directories", text="Asks the directories who is still there, and who is in which group."
)
KEYS = JobKind(kind="rotate-keys", text="Makes the next key that signs tokens when its time has come.")
WARNINGS = JobKind(kind="warn-of-expiry", text="Writes an event for each secret that expires within a week.")
SIGN_ONS = JobKind(
    kind="check-sign-ons",
    text="Asks sign-on providers whether those who signed in through them are still known there.",
    forgotten_after=HOUR,
)
SESSIONS = JobKind(kind="forget-sessions", text="Removes the sessions of browsers that are over.")
SIGN_IN_STEPS = JobKind(kind="forget-sign-in-steps", text="Removes sign-ins that were begun and given up.")
PLANNING = JobKind(
    kind="plan-retention",
    text="Makes a plan of what rules for retention would delete.",
    at_once=2,
    arguments=PlanArguments,
    forgotten_after=HOUR,
)
RETENTION_RUN = JobKind(
    kind="retention",
    text="Deletes what a plan shows; without one, makes a plan of everything and applies it unless the brake stops it.",
    arguments=ScheduledPlan,
)
HISTORY = JobKind(kind="forget-jobs", text="Removes jobs that ended longer ago than the setting jobs.keep says.")

PREFETCH = JobKind(
    kind="upstream-prefetch",
    text="Fetches images of an upstream that nobody asked for yet, and goes on when its budget lets it.",
    placed=True,
    at_once=4,
    arguments=PrefetchArguments,
)
CACHE_EXPIRY = JobKind(
    kind="cache-expiry",
    text="Removes what is cached of upstreams and was not pulled for long, is beyond a bound, or is gone there.",
    forgotten_after=HOUR,
)
CACHE_CLEARING = JobKind(
    kind="clear-cache",
    text="Removes all that is cached of an upstream.",
    placed=True,
    at_once=4,
    arguments=ClearArguments,
)
USAGE_HISTORY = JobKind(
    kind="record-usage", text="Writes down how much every namespace holds, once for each day.", forgotten_after=HOUR
)
USAGE_RECOUNT = JobKind(
    kind="recount-usage", text="Counts anew how much every namespace holds, and mends what is wrong, beside any load."
)

INSIDE = JobKind(
    kind="read-images",
    text="Reads which packages images hold that were pushed, one after another.",
    at_once=2,
    forgotten_after=HOUR,
)
INSIDE_UPKEEP = JobKind(
    kind="look-for-images",
    text="Looks for images that were not read yet, and forgets what was known of those that are gone.",
)
SBOM_RULES_APPLIED = JobKind(
    kind="apply-sbom-rules",
    text="Has the images of a place told anew whose rules for SBOMs changed: whose documents count, what is attached.",
    placed=True,
    forgotten_after=HOUR,
)

SCANNING = JobKind(
    kind="scan-images",
    text="Asks scanners about images that wait for them, and takes in their reports.",
    forgotten_after=HOUR,
)
SCANNING_UPKEEP = JobKind(
    kind="look-for-scans",
    text="Looks for images that scanners were not asked about yet or are to be asked again, and forgets what is gone.",
)
ATTESTING = JobKind(
    kind="sign-statements",
    text="Signs what the registry attests of images, such as receipts of pushes, and attaches that to them.",
    forgotten_after=HOUR,
)
VEX = JobKind(
    kind="read-vex",
    text="Reads VEX documents that were pushed as referrers of images.",
    forgotten_after=HOUR,
)
VEX_UPKEEP = JobKind(
    kind="look-for-vex",
    text="Looks for VEX documents that were not read yet: pushed before they were known, or back out of the trash.",
)
QUARANTINE = JobKind(
    kind="release-quarantine",
    text="Lets out of quarantine what rules and gates are content with, and refuses what nobody let out in time.",
    forgotten_after=HOUR,
)
ENDS = JobKind(
    kind="tell-of-ends",
    text="Writes an event for each exception that ends soon or has ended.",
    forgotten_after=HOUR,
)

PROMOTIONS = JobKind(
    kind="promote",
    text="Carries out promotions whose time has come, and ends those that waited for too long.",
    forgotten_after=HOUR,
)
MATCHING = JobKind(
    kind="match-advisories",
    text="Looks which advisories hit which packages, of those that are new or others since the last time.",
    forgotten_after=HOUR,
)
ADVISORY_UPDATE = JobKind(
    kind="update-advisories",
    text="Fetches advisories from their sources: from those that are due, or from those that are named.",
    attempts=1,
    arguments=UpdateArguments,
    forgotten_after=HOUR,
)

FINDING_HISTORY = JobKind(
    kind="record-findings",
    text="Writes down how much is known to be wrong with every repository, once for each day.",
    forgotten_after=HOUR,
)

BACKUP = JobKind(
    kind="backup",
    text="Makes a backup as a schedule says, and lets old ones go.",
    arguments=BackupArguments,
)
BACKUP_DRILL = JobKind(
    kind="backup-drill",
    text="Restores the newest backup of a schedule into a scratch folder, and verifies everything there.",
    attempts=3,
    arguments=BackupArguments,
)

#: By name, in the order of the reference.
JOB_KINDS: Mapping[str, JobKind] = {
    kind.kind: kind
    for kind in (
        *(COLLECTION, EXPIRY, SWEEP, VERIFICATION, SCRUB, DIRECTORIES, KEYS, WARNINGS),
        *(SIGN_ONS, SESSIONS, SIGN_IN_STEPS, HISTORY, PLANNING, RETENTION_RUN),
        *(USAGE_HISTORY, USAGE_RECOUNT, PREFETCH),
        *(CACHE_EXPIRY, CACHE_CLEARING),
        *(INSIDE, INSIDE_UPKEEP, SBOM_RULES_APPLIED, VEX, VEX_UPKEEP, ENDS, PROMOTIONS),
        *(MATCHING, ADVISORY_UPDATE, FINDING_HISTORY),
        *(SCANNING, SCANNING_UPKEEP, QUARANTINE, ATTESTING),
        *(BACKUP, BACKUP_DRILL),
    )
}


#: Commands that do what a job does, by their names.
_COMMANDS = {"gc": COLLECTION.kind, "verify": VERIFICATION.kind}


def job_kind(name: str) -> JobKind:
    """The kind of this name. Raises RequestInvalid."""
    found = JOB_KINDS.get(name)
    if found is None:
        near = nearest(_COMMANDS.get(name, name), tuple(JOB_KINDS))
        message = f"there is no job {name[:64]!r}{near}, and orlop jobs schedule ls lists all"
        raise RequestInvalid(message, {"kind": name[:64]})
    return found
