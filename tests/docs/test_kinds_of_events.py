"""The page about webhooks names every kind of event."""

import re
from fnmatch import fnmatchcase
from pathlib import Path

from orlop.domain.events import EventKind

PAGE = Path(__file__).parents[2] / "docs" / "webhooks.md"


def test_each_kind_of_event_is_in_the_table_once() -> None:
    _, _, table = PAGE.read_text().partition("| kinds | when |\n|---|---|\n")
    rows = table.partition("\n\n")[0].splitlines()
    patterns = [pattern for row in rows for pattern in re.findall(r"`([^`]+)`", row.split("|")[1])]
    named = {kind.value: [pattern for pattern in patterns if fnmatchcase(kind, pattern)] for kind in EventKind}
    assert [kind for kind, by in named.items() if len(by) != 1] == []
    assert set(patterns) == {pattern for by in named.values() for pattern in by}, "and no kind that there is not"
