"""`orlop backup restore --repository`: one repository, or a namespace, of a backup into a registry that runs."""

from contextlib import AbstractAsyncContextManager
from typing import Protocol

import msgspec

from orlop.config import ConfigurationInvalid
from orlop.domain.backup import Backup
from orlop.domain.errors import NameInvalid, NotFound
from orlop.domain.importing.outcome import Imported
from orlop.domain.importing.plan import PlannedRepository
from orlop.domain.names import RepositoryName
from orlop.faces.cli import shown
from orlop.faces.cli.content.stores import Connecting
from orlop.faces.cli.importing.report import failed
from orlop.faces.cli.importing.work import server_of, telling
from orlop.faces.cli.moments import moment, now
from orlop.faces.cli.running import DONE, FAILED, counted, run, size_text, tell
from orlop.faces.cli.servers import ServerChoice, Servers
from orlop.faces.cli.stores.backup_work import BackingUp, Lying, chosen_of
from orlop.ports.backup import BackupTarget
from orlop.ports.importing import ImportSource, ImportTargets
from orlop.services.importing.bringing import Bringing

#: Images under way at once.
_JOBS = 4


class PartOpening(Protocol):
    """Opens both ends of it."""

    def contents(self, target: BackupTarget, backup: Backup) -> AbstractAsyncContextManager[ImportSource]:
        """What the repositories of a backup held. Raises ContentCorrupt, Unavailable."""
        ...

    def targets(self, server: str, connecting: Connecting) -> AbstractAsyncContextManager[ImportTargets]:
        """The registry that runs, as `host:port`."""
        ...

    @property
    def servers(self) -> Servers:
        """Where sign-ins are kept."""
        ...


class BackupPart(msgspec.Struct, frozen=True):
    """What of a backup is restored, and as what: both a repository, or both a namespace, with a slash at the end."""

    repository: str
    called: str

    def __post_init__(self) -> None:
        if not self.repository or not self.called:
            raise ConfigurationInvalid("--repository and --as need each other")
        if self.repository.endswith("/") != self.called.endswith("/"):
            raise ConfigurationInvalid("--repository and --as both end with a slash, as namespaces do, or neither does")
        for text in (self.repository, self.called):
            try:
                RepositoryName(text.removesuffix("/"))
            except NameInvalid as error:
                raise ConfigurationInvalid(f"{text[:160]!r}: {error.message}") from error

    def target_of(self, name: str) -> str | None:
        """What a repository is called where it is restored to; None where it is no part of this."""
        if not self.repository.endswith("/"):
            return self.called if name == self.repository else None
        return self.called + name.removeprefix(self.repository) if name.startswith(self.repository) else None


def restore(
    part: PartOpening,
    backing_up: BackingUp,
    target: Lying,
    which: tuple[str, str],
    wanted: BackupPart,
    choice: ServerChoice,
    *,
    json: bool,
) -> int:
    """Restore it; the exit code, which is 1 where something of it is not there as it was."""

    async def work() -> int:
        name, at = which
        server = server_of(part.servers, choice)
        async with backing_up.target(target.place, target.sealing) as there:
            backup = await chosen_of(there, name, moment(at, now()))
            async with (
                part.contents(there, backup.backup) as source,
                part.targets(server, Connecting()) as targets,
            ):
                found = await _found(source, wanted, backup.name)
                with telling(quiet=json) as progress:
                    bringing = Bringing(source, targets, progress, jobs=_JOBS, keep=True)
                    report = await bringing.run(found, untagged=True)
        return _told(report, wanted, backup.name, json=json)

    return run(work)


async def _found(source: ImportSource, wanted: BackupPart, backup: str) -> list[PlannedRepository]:
    """Raises NotFound where the backup has nothing of it."""
    found = [
        PlannedRepository(source=each.name, target=called, tags=each.tags)
        async for each in source.repositories()
        if (called := wanted.target_of(each.name)) is not None
    ]
    if not found:
        raise NotFound(f"the backup {backup} has no {wanted.repository}")
    return found


def _told(report: Imported, wanted: BackupPart, backup: str, *, json: bool) -> int:
    if json:
        shown.print_json(report)
        return DONE if report.whole else FAILED
    print(
        f"restored {wanted.repository} of {backup} as {wanted.called}: {counted(report.brought, 'image')}"
        f" ({size_text(report.copied_bytes)}), {report.present} there already"
    )
    for each in report.failures:
        print(failed(each.repository, each.reference, each.message))
    if report.stopped:
        tell(f"orlop: stopped: {report.stopped}; the same command goes on from here")
    return DONE if report.whole else FAILED
