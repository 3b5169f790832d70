"""The view of parts that documents are in knows the readers of documents as the domain does."""

from pathlib import Path

import apsw
import pytest

from orlop.adapters.sql.catalog import DATABASE
from orlop.adapters.sql.migrations.postgres import __file__ as postgres
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.domain.inside.claimed import DOCUMENT_READERS

_LISTED = ", ".join(f"'{reader}'" for reader in DOCUMENT_READERS)


def test_the_view_lists_the_readers_of_documents(tmp_path: Path) -> None:
    migrate(tmp_path / DATABASE, lambda: 1)
    [(text,)] = apsw.Connection(str(tmp_path / DATABASE)).execute(
        "SELECT sql FROM sqlite_master WHERE type = 'view' AND name = 'documented_parts'"
    )
    assert f"reader IN ({_LISTED})" in str(text)


@pytest.mark.parametrize("engine", ["sqlite", "postgres"])
def test_both_engines_make_the_same_view(engine: str) -> None:
    folder = Path(postgres).parent / engine
    made = [path.read_text() for path in sorted(folder.glob("*.sql")) if "VIEW documented_parts" in path.read_text()]
    assert [f"reader IN ({_LISTED})" in text for text in made] == [True]
