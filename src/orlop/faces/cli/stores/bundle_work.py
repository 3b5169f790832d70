"""What `orlop support-bundle` puts together. Every text goes through a veil that hides secrets."""

import io
import os
import platform
import sys
import tarfile
import time
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import msgspec

from orlop import __version__
from orlop.config.meaning import ValueKind
from orlop.config.sources import ADMIN_PASSWORD_VARIABLE, PREFIX, Loaded, all_settings, value_of, value_text
from orlop.domain.errors import RegistryError
from orlop.domain.veil import Veil
from orlop.faces.cli.running import UsageError, run, tell
from orlop.faces.cli.servers import ServerChoice, Servers, kept, signed_in
from orlop.faces.cli.stores.doctor_work import CheckingUp, unusable
from orlop.ports.management import ManagementServer

#: Bytes of the end of each log, jobs, and entries of the audit log that are counted.
_LOG, _JOBS, _ENTRIES, _PAGE = 2 << 20, 200, 1000, 200
_SECRETS = ("password", "secret", "token", "key")


def bundle(
    checking: CheckingUp,
    servers: Servers,
    choice: ServerChoice,
    loaded: "Loaded | str",
    file: Path | None,
    logs: Sequence[Path],
) -> int:
    """Write the archive; the exit code."""
    now = datetime.now(UTC)
    target = file or Path(f"orlop-support-{now:%Y%m%dT%H%M%SZ}.tar.gz")

    async def work() -> None:
        parts = _Parts(Veil(_known(loaded, servers, choice)))
        await parts.add("configuration.json", lambda: _at_once(_configuration(loaded)))
        await parts.add("doctor.json", lambda: _doctor(checking, loaded))
        try:
            async with signed_in(servers, choice) as server:
                for name, ask in _asked(server).items():
                    await parts.add(name, ask)
        except (UsageError, RegistryError) as failure:
            parts.missing["server"] = str(failure)
        for number, log in enumerate(logs, 1):
            await parts.add(f"logs/{number}-{log.name}", lambda log=log: _at_once(_end_of(log)))  # type: ignore[misc]
        parts.note(now)
        try:
            _write(target, parts.files, now)
        except OSError as cause:
            raise UsageError(f"{target} cannot be written: {cause.strerror}") from cause
        for name, why in parts.missing.items():
            tell(f"without {name}: {why}")
        print(target)

    return run(work)


class _Parts:
    """The files of a bundle, and what could not be had with the reason."""

    def __init__(self, veil: Veil) -> None:
        self._veil = veil
        self.files: dict[str, bytes] = {}
        self.missing: dict[str, str] = {}

    async def add(self, name: str, make: Callable[[], Awaitable[Any]]) -> None:
        """What `make` gives: a text as it is, anything else as JSON."""
        try:
            content = await make()
        except (RegistryError, OSError) as failure:
            self.missing[name] = self._veil.over(str(failure))
            return
        text = content if isinstance(content, str) else msgspec.json.format(msgspec.json.encode(content)).decode()
        self.files[name] = self._veil.over(text).encode()

    def note(self, now: datetime) -> None:
        """What the bundle is, which comes first."""
        about = {
            "orlop": __version__,
            "python": sys.version.split()[0],
            "system": f"{platform.system()} {platform.release()} {platform.machine()}",
            "libc": "-".join(platform.libc_ver()),
            "processors": len(os.sched_getaffinity(0)),
            "at": now.isoformat(timespec="seconds"),
            "files": sorted(self.files),
            "missing": self.missing,
        }
        self.files = {"about.json": msgspec.json.format(msgspec.json.encode(about)), **self.files}


async def _at_once(content: Any) -> Any:
    return content


def _configuration(loaded: "Loaded | str") -> Any:
    if isinstance(loaded, str):
        return {"unusable": loaded}
    return [
        {
            "key": key,
            "value": value_text(setting, value_of(loaded.settings, key)),
            "source": loaded.sources[key],
        }
        for key, setting in all_settings().items()
    ]


async def _doctor(checking: CheckingUp, loaded: "Loaded | str") -> Any:
    if isinstance(loaded, str):
        return [unusable(loaded)]
    if loaded.settings.in_memory:
        return []
    return await checking.here(loaded.settings).checks()


def _asked(server: ManagementServer) -> dict[str, Callable[[], Awaitable[Any]]]:
    """What a server is asked, by the file that it goes into. Jobs go without what they were told to do."""

    async def value(path: str) -> Any:
        return (await server.ask("GET", path)).value

    async def jobs() -> Any:
        left_out = {"arguments", "asked_by", "result"}
        found = await _some(server, "/jobs", _JOBS)
        return [{name: told for name, told in job.items() if name not in left_out} for job in found]

    async def audit() -> Any:
        entries = await _some(server, "/audit", _ENTRIES)
        counts = Counter((entry.get("kind"), bool(entry.get("refused"))) for entry in entries)
        times = [entry["at"] for entry in entries]
        return {
            "entries": len(entries),
            "from": min(times, default=None),
            "until": max(times, default=None),
            "kinds": [{"kind": kind, "refused": refused, "count": n} for (kind, refused), n in counts.most_common()],
        }

    return {
        "server/status.json": lambda: value("/status"),
        "server/configuration.json": lambda: value("/configuration"),
        "server/jobs.json": jobs,
        "server/audit-counts.json": audit,
        "server/metrics.txt": server.metrics,
    }


async def _some(server: ManagementServer, path: str, most: int) -> list[Any]:
    """The first so many of a list."""
    reply = await server.ask("GET", path, query={"n": str(min(most, _PAGE))})
    found = list(reply.value)
    while reply.next and len(found) < most:
        reply = await server.ask("GET", reply.next)
        found += reply.value
    return found[:most]


def _end_of(log: Path) -> str:
    with log.open("rb") as opened:
        size = opened.seek(0, io.SEEK_END)
        opened.seek(max(0, size - _LOG))
        text = opened.read(_LOG).decode("utf-8", "replace")
    return text if size <= _LOG else text.partition("\n")[2]


def _known(loaded: "Loaded | str", servers: Servers, choice: ServerChoice) -> Iterator[str]:
    """Secrets that are known here, whole: of settings, the environment and the sign-in."""
    if not isinstance(loaded, str):
        for key, setting in all_settings().items():
            if setting.meaning.kind is ValueKind.SECRET:
                yield str(value_of(loaded.settings, key) or "")
    for name, value in os.environ.items():
        ours = name.startswith(PREFIX) and any(word in name.lower() for word in _SECRETS)
        if ours or name == ADMIN_PASSWORD_VARIABLE or name == "AWS_SECRET_ACCESS_KEY":
            yield value
    try:
        saved = kept(servers, choice)
    except (UsageError, RegistryError):
        return
    if saved is not None:
        yield saved.secret


def _write(target: Path, files: dict[str, bytes], now: datetime) -> None:
    """For its owner alone."""
    descriptor = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as opened, tarfile.open(fileobj=opened, mode="w:gz") as archive:
        for name, content in files.items():
            entry = tarfile.TarInfo(f"orlop-support/{name}")
            entry.size, entry.mtime, entry.mode = len(content), int(time.mktime(now.timetuple())), 0o600
            archive.addfile(entry, io.BytesIO(content))
