"""A move takes along every table, or says why not."""

import re
from pathlib import Path

from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.moving import SqlRows
from orlop.adapters.sql.sqlite import connect
from orlop.adapters.sql.statements import SQLITE

#: What does not move, and why.
STAY = {
    "migrations": "says which schema the catalog there has",
    "moving": "says where that catalog stands in the move",
    "totals": "are set anew: their rows are others on the other engine",
    "uploads": "their bytes are at the old place; clients begin anew",
    "rates": "are over within two minutes",
    "replicas": "are the servers on the catalog there",
    "queue_state": "counts for those who take jobs from the catalog there",
    "sqlite_sequence": "ids go on behind the greatest",
}


def test_every_table_moves_with_every_column(tmp_path: Path) -> None:
    migrate(tmp_path / DATABASE, lambda: 0)
    connection = connect(tmp_path / DATABASE)
    tables = {str(row[0]) for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    assert tables == {*SqlRows.tables, *STAY}
    for table in SqlRows.tables:
        columns = {str(row[1]) for row in connection.execute(f"PRAGMA table_info({table})")}
        for statement in (f"rows_{table}", f"row_{table}"):
            names = set(re.findall(r"\w+", re.sub(r"\sFROM\s.*|VALUES.*", "", SQLITE[statement], flags=re.DOTALL)))
            assert columns <= names, (statement, columns - names)
    connection.close()
