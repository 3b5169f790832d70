"""docs/configuration.md says what the program does."""

from pathlib import Path

from orlop.config.reference import document
from orlop.config.sources import all_settings

PAGE = Path(__file__).parents[3] / "docs" / "configuration.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == document(), "run `make docs`"


def test_every_setting_is_explained() -> None:
    page = PAGE.read_text()
    for setting in all_settings().values():
        assert f"| `{setting.key}` | `{setting.variable}` |" in page
        assert setting.meaning.text.endswith(".")
