"""What `orlop` alone and `orlop --help` print: every command in a line, by what it is about."""

import shutil
import textwrap
from collections.abc import Mapping, Sequence

import cyclopts

from orlop.domain.kinds import KINDS

#: Headings, and the commands below each.
GROUPS: Mapping[str, Sequence[str]] = {
    "Content, in any registry, folder or archive": (
        *("ls", "inspect", "diff", "digest", "cp", "import", "tag", "rm", "repo", "ref"),
    ),
    "Running a server": (
        "serve",
        "worker",
        "jobs",
        "job-schedule",
        "config",
        "read-only",
        "gc",
        "scrub",
        "backup",
        "backup-schedule",
        "store",
        "migrate",
        "status",
        "doctor",
        "support-bundle",
    ),
    "People and rights, on a server": (
        *("login", "logout", "whoami", "user", "robot", "token", "group", "role", "grant", "namespace"),
        *(
            "trust",
            "certificate-rule",
            "provider",
            "session",
            "key",
            "signing",
            "apply",
            "export",
            "credential-provider",
        ),
    ),
    "Tags, on a server": (
        *("tags", "history", "rollback", "promote", "promotion", "bundle", "lock", "label", "trash", "quarantine"),
    ),
    "Rules, on a server": ("rules", "in-use", *(kind.kind for kind in KINDS.values() if kind.placed)),
    "Looking into it": (
        *("browse", "search", "sbom", "scan", "vulns", "licences", "report", "advisories"),
        *("advisory-source", "signatures"),
        *("usage", "attention", "health", "access", "audit", "followers", "verify", "version"),
    ),
}
_WIDEST, _NARROWEST = 110, 60


def overview(app: cyclopts.App) -> str:
    """The whole text, as wide as the terminal."""
    width = min(max(shutil.get_terminal_size().columns, _NARROWEST), _WIDEST)
    column = max(len(name) for names in GROUPS.values() for name in names) + 4
    lines = ["Usage: orlop COMMAND", "", "A container registry, and tools for what registries hold."]
    named = {name for names in GROUPS.values() for name in names}
    more = tuple(name for name in app if not name.startswith("-") and name not in named)
    for heading, names in {**GROUPS, **({"More": more} if more else {})}.items():
        lines += ["", f"{heading}:"]
        for name in names:
            if name in app:
                lines += _line(name, _summary(app[name]), column, width)
    lines += ["", "orlop COMMAND --help says what a command takes."]
    return "\n".join(lines)


def _line(name: str, summary: str, column: int, width: int) -> list[str]:
    return textwrap.wrap(
        summary, width, initial_indent=f"  {name}".ljust(column), subsequent_indent=" " * column, break_on_hyphens=False
    )


def _summary(command: cyclopts.App) -> str:
    """The first sentence of a command's help."""
    text = command.help or getattr(command.default_command, "__doc__", None) or ""
    first = " ".join(text.strip().partition("\n\n")[0].split())
    return first.partition(". ")[0].rstrip(".") + "."
