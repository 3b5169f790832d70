"""Where each page of the documentation stands in the site: the one place to add a page to."""

from pathlib import Path
from typing import NamedTuple


class Section(NamedTuple):
    """A part of the site, with its pages in the order in which they are listed."""

    name: str
    """Of its own page, without an ending."""
    title: str
    about: str
    pages: tuple[str, ...]
    """Paths from the root of the repository; `*` stands for all pages of a folder, by name."""


#: Made from docs/openapi.json when the site is built.
ROUTES = "routes.md"

SECTIONS = (
    Section(
        "start",
        "Start here",
        "What Orlop is, how to install it, and the way to each task.",
        (
            "README.md",
            "docs/first-afternoon.md",
            "docs/installing.md",
            "docs/clients.md",
            "docs/i-want-to.md",
            "docs/comparison.md",
        ),
    ),
    Section(
        "how-to",
        "How to, by task",
        "What people who use a registry, or look after what lies in it, want to do.",
        (
            "docs/management.md",
            "docs/access.md",
            "docs/authentication.md",
            "docs/single-sign-on.md",
            "docs/ldap.md",
            "docs/client-certificates.md",
            "docs/ci.md",
            "docs/browse.md",
            "docs/ui.md",
            "docs/tags.md",
            "docs/retention.md",
            "docs/trash.md",
            "docs/quotas.md",
            "docs/promotion.md",
            "docs/quarantine.md",
            "docs/gates.md",
            "docs/inside.md",
            "docs/vulnerabilities.md",
            "docs/scanners.md",
            "docs/signatures.md",
            "docs/signing.md",
            "docs/upstreams.md",
            "docs/upstream-sign-in.md",
            "docs/caches.md",
            "docs/virtual.md",
            "docs/webhooks.md",
            "docs/references.md",
            "docs/import.md",
        ),
    ),
    Section(
        "concepts",
        "Concepts",
        "How it works, what it survives, and how fast it is.",
        (
            "docs/concepts.md",
            "docs/architecture.md",
            "docs/reliability.md",
            "docs/performance.md",
            "bench/results.md",
            "bench/inside/results.md",
        ),
    ),
    Section(
        "operation",
        "Operation",
        "Running a registry: on one machine or several, backed up, watched and upgraded.",
        (
            "docs/running.md",
            "docs/sizing.md",
            "docs/hardening.md",
            "docs/operation.md",
            "docs/observing.md",
            "docs/backup.md",
            "docs/collection.md",
            "docs/jobs.md",
            "docs/audit.md",
            "docs/read-only.md",
            "docs/postgresql.md",
            "docs/s3.md",
            "docs/scaling.md",
            "docs/moving.md",
        ),
    ),
    Section(
        "reference",
        "Reference",
        "Every setting, command, limit and route.",
        (
            "docs/configuration.md",
            "docs/settings.md",
            "docs/commands.md",
            ROUTES,
            "docs/limits.md",
            "CHANGELOG.md",
            "CONTRIBUTING.md",
        ),
    ),
    Section("runbooks", "Runbooks", "One for each alert.", ("docs/runbooks.md",)),
    Section(
        "decisions",
        "Decisions",
        "Why it is built as it is: context, decision, consequences.",
        ("docs/adr/*",),
    ),
)


def pages(section: Section, root: Path) -> list[str]:
    """The pages of a section, by their paths below `root`."""
    found: list[str] = []
    for page in section.pages:
        folder = page.removesuffix("/*")
        listed = [path.relative_to(root).as_posix() for path in sorted((root / folder).glob("*.md"))]
        found += [page] if folder == page else listed
    return found


def astray(root: Path) -> list[str]:
    """What is wrong with the navigation, a sentence each: pages that stand nowhere or twice, or are not there."""
    listed = [page for section in SECTIONS for page in pages(section, root)]
    there = {path.relative_to(root).as_posix() for path in (root / "docs").rglob("*.md")}
    twice = {page for page in listed if listed.count(page) > 1}
    gone = {page for page in listed if page != ROUTES and not (root / page).is_file()}
    return [
        *(f"{page} stands in no section of deploy/site/navigation.py" for page in sorted(there - set(listed))),
        *(f"{page} stands twice in deploy/site/navigation.py" for page in sorted(twice)),
        *(f"{page} stands in deploy/site/navigation.py, and is not there" for page in sorted(gone)),
    ]
