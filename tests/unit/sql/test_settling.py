"""After a move to PostgreSQL every table goes on numbering its rows behind the greatest number that came."""

import re

from orlop.adapters.sql import migrations
from orlop.adapters.sql.statements import POSTGRES


def test_every_table_that_numbers_its_rows_is_settled() -> None:
    tables = {
        name
        for step in migrations.known("postgres")
        for name, columns in re.findall(r"CREATE TABLE (\w+) \((.*?)\n\)", step.sql, re.DOTALL)
        if "AS IDENTITY" in columns
    }
    assert "promotions" in tables
    assert set(re.findall(r"pg_get_serial_sequence\('(\w+)', 'id'\)", POSTGRES["ids_settle"])) == tables
