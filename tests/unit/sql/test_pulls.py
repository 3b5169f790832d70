"""What the catalog in SQLite keeps of pulls."""

from pathlib import Path

from orlop.adapters.sql.catalog import DATABASE, open_sqlite
from orlop.adapters.sql.migrations.sqlite import migrate
from orlop.adapters.sql.sqlite import connect
from tests.content import image
from tests.contract.scene import APP, START, V1, Scene

ONE = image("one", ["base"])


async def test_pulls_add_up_and_the_last_one_counts(tmp_path: Path) -> None:
    migrate(tmp_path / DATABASE, lambda: START)
    opened = open_sqlite(tmp_path)
    scene = Scene(opened.catalog)
    await scene.push(APP, ONE, V1)
    by_tag, by_digest = await scene.pull(APP, V1), await scene.pull(APP, ONE.digest)
    await opened.catalog.pulls.record([(by_tag, 2, 70)] * 600)  # more than one transaction takes
    await opened.catalog.pulls.record([(by_tag, 0, 50), (by_digest, 1, 90)])
    await opened.engine.close()
    rows = connect(tmp_path / DATABASE)
    pulled = "SELECT tag, pulls, pulled_at FROM pulls ORDER BY tag"
    assert rows.execute(pulled).fetchall() == [("", 1, 90), (V1, 1200, 70)]
    assert rows.execute("SELECT pulls, pulled_at FROM repositories").fetchall() == [(1201, 90)]
    rows.close()
