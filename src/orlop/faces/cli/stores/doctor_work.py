"""What `orlop doctor` does, and what it prints. How it is typed is in `doctor`."""

from collections.abc import Iterable
from typing import Protocol

import msgspec

from orlop.config import Settings
from orlop.domain.checkup import Check, Verdict, worst
from orlop.faces.cli.running import DONE, FAILED, UsageError, counted, run
from orlop.faces.cli.servers import ServerChoice, url_of
from orlop.services.checkup.doctor import Doctor


class CheckingUp(Protocol):
    """Knows what there is to be looked at."""

    def here(self, settings: Settings) -> Doctor:
        """The stores of these settings."""
        ...

    def at(self, url: str, choice: ServerChoice) -> Doctor:
        """A server, as its clients find it. Raises UpstreamError for authorities that cannot be read."""
        ...


def here(checking: CheckingUp, settings: Settings, *, json: bool) -> int:
    """Check the stores of these settings; the exit code."""

    async def work() -> int:
        return told(await checking.here(settings).checks(), json=json)

    return run(work)


def at(checking: CheckingUp, choice: ServerChoice, *, json: bool) -> int:
    """Check a server; the exit code."""

    async def work() -> int:
        url = url_of(choice)
        if not url:
            raise UsageError("name the server with --server")
        return told(await checking.at(url, choice).checks(), json=json)

    return run(work)


def unusable(reason: str) -> Check:
    """The one check of settings that cannot be used."""
    return Check("configuration", Verdict.FAIL, reason, "mend it; orlop config show tells where each value comes from")


def misconfigured(reason: str, *, json: bool) -> int:
    """Say that the settings cannot be used; the exit code."""
    return told((unusable(reason),), json=json)


def told(checks: tuple[Check, ...], *, json: bool) -> int:
    """Print the checks; the exit code."""
    if json:
        print(msgspec.json.encode(checks).decode())
    else:
        print("\n".join(lines(checks)))
    return FAILED if worst(checks) is Verdict.FAIL else DONE


def lines(checks: tuple[Check, ...]) -> Iterable[str]:
    """For people: each check, what to do below it, and how many there are of each kind."""
    width = max(len(check.name) for check in checks)
    for check in checks:
        yield f"{check.verdict.value:4}  {check.name.ljust(width)}  {_plain(check.says)}"
        if check.do:
            yield f"{'':4}  {'':{width}}  → {_plain(check.do)}"
    numbers = {verdict: sum(check.verdict is verdict for check in checks) for verdict in Verdict}
    yield f"{counted(len(checks), 'check')}: {numbers[Verdict.WARN]} warn, {numbers[Verdict.FAIL]} fail"


def _plain(text: str) -> str:
    return "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in text)
