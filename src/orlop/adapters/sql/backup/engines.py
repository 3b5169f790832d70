"""Of which engine a backup is, and what it is restored to."""

from orlop.domain.backup import Backup
from orlop.domain.errors import Denied

_ELSEWHERE = {
    "postgres": "PostgreSQL; name an empty database with --to, and move from there with `orlop store migrate`",
    "sqlite": "SQLite; restore it with --into, and move from there with `orlop store migrate`",
}


def refuse_other(backup: Backup, engine: str) -> None:
    """Raises Denied where a backup is not of this engine: `sqlite` or `postgres`."""
    if backup.engine != engine:
        raise Denied(f"the backup is of a catalog in {_ELSEWHERE.get(backup.engine, 'something else')}")
