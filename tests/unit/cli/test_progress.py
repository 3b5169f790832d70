"""Whatever takes long draws the same bar, wherever it runs."""

import io
from pathlib import Path

import pytest

import orlop.faces.cli
from orlop.faces.cli.stores.store_work import _progress
from orlop.services.moving.report import MoveReport


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_move_draws_the_bar_of_everything_else(monkeypatch: pytest.MonkeyPatch) -> None:
    terminal = Terminal()
    monkeypatch.setattr("sys.stderr", terminal)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with _progress(silent=False) as progress:
        progress.moved(MoveReport(copied=2, present=1, size=3 << 20, rows=7))
        progress.pause()
        assert "moving: 3 blobs; 3.1 MB copied, 7 rows" in terminal.getvalue()
        progress.moved(MoveReport(copied=2, present=1, size=3 << 20, rows=8))
    assert "8 rows" in terminal.getvalue()


def test_bars_are_drawn_in_one_place_but_for_those_of_many_blobs_at_once() -> None:
    folder = Path(orlop.faces.cli.__file__).parent
    drawing = {str(file.relative_to(folder)) for file in folder.rglob("*.py") if "rich.progress" in file.read_text()}
    assert drawing == {"progress_bar.py", "bars.py"}
