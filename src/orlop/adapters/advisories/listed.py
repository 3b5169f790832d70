"""The list of a bucket of OSV: `modified_id.csv` has a line for each record with when it was changed and its name, the
newest first; `NAME.json` and `all.zip` lie beside it (google.github.io/osv.dev/data, "Data Dumps").
"""

import re
from typing import IO, NamedTuple

from orlop.domain.errors import RequestInvalid
from orlop.domain.inside.osv import moment
from orlop.ports.advisories import SourceFailed

NAME, ARCHIVE = "modified_id.csv", "all.zip"
#: Lines of a list and characters of one, and records that are fetched one by one: of more the archive is.
LINES, LINE, SINGLE = 2_000_000, 512, 2_000

#: In the list of a whole bucket names have the ecosystem before them.
_ID = re.compile(r"(?:[A-Za-z0-9][A-Za-z0-9 .:_()+-]*/)?[A-Za-z0-9][A-Za-z0-9.:_-]*", re.ASCII)


class Listing(NamedTuple):
    """`newest`: when the newest was changed, in microseconds since 1970; `changed`: those that were since; `names`: of
    all, without ecosystems."""

    newest: int
    changed: tuple[str, ...]
    names: frozenset[str]


def listing(file: IO[bytes], since: int) -> Listing:
    """What a list says. Raises SourceFailed."""
    newest = 0
    changed: list[str] = []
    names: set[str] = set()
    for number, line in enumerate(iter(lambda: file.readline(LINE), b""), 1):
        if number > LINES:
            raise SourceFailed(f"its list has more than {LINES} lines")
        when, _, name = line.decode("utf-8", "replace").strip().partition(",")
        try:
            at = moment(when)
        except RequestInvalid:
            at = 0
        if not at or not _ID.fullmatch(name):
            raise SourceFailed(f"line {number} of its list is none of a time and a name: {line[:80]!r}")
        newest = max(newest, at)
        names.add(name.rpartition("/")[2])
        if at >= since:
            changed.append(name)
    if not names:
        raise SourceFailed("its list is empty")
    return Listing(newest, tuple(dict.fromkeys(changed)), frozenset(names))
