"""docs/access.md has the roles as they are."""

from pathlib import Path

from orlop.domain.access import ROLES, Action

_PAGE = Path(__file__).parents[2] / "docs" / "access.md"


def test_the_table_of_roles_is_what_the_roles_are() -> None:
    expected = [
        f"| `{role.name}` | {' '.join(f'`{action}`' for action in Action if action in role.actions)} "
        f"| {role.description} |"
        for role in ROLES.values()
    ]
    assert [line for line in _PAGE.read_text().splitlines() if line.startswith("| `")][: len(expected)] == expected
