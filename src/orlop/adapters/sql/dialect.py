"""Turns the one text of a statement into that of each engine.

The shared text is what both accept, but for three things: parameters are written `?1`; a lock (`FOR UPDATE`, perhaps
with `SKIP LOCKED`, at the end of a query) is left out for SQLite, where a transaction that writes is alone; and
`json_each(?1) AS wanted`, a table whose column `value` has the elements of a JSON array, has another name in
PostgreSQL: as text, or, where it is called `spans`, as JSON.
"""

import re

_LOCK = re.compile(r"\s+FOR UPDATE(?: SKIP LOCKED)?(?=\)|\Z)")
_PARAMETER = re.compile(r"\?(\d+)")
_EACH = re.compile(r"json_each\((\?\d+)\) AS (\w+)")


def for_sqlite(text: str) -> str:
    """The statement as SQLite reads it."""
    return _LOCK.sub("", text)


def for_postgres(text: str) -> str:
    """The statement as PostgreSQL reads it."""
    return _PARAMETER.sub(r"$\1", _EACH.sub(_elements, text))


def _elements(found: re.Match[str]) -> str:
    function = "jsonb_array_elements" if found[2] == "spans" else "jsonb_array_elements_text"
    return f"{function}({found[1]}) AS {found[2]}(value)"
