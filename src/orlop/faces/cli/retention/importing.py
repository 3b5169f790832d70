"""What `orlop retention import` does and prints: it reads files, and asks a server only for the tags of a place."""

import json as text_format
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path

import msgspec

from orlop.domain.counts import counted
from orlop.domain.errors import RequestInvalid
from orlop.domain.retention.elsewhere.compared import Difference, differences, read_policy
from orlop.domain.retention.inventory import Inventory, Kept, Tagged
from orlop.faces.cli import shown
from orlop.faces.cli.management.typed import here, text_of
from orlop.faces.cli.running import DONE, FAILED, UsageError, tell
from orlop.faces.cli.servers import everything
from orlop.ports.management import ManagementServer

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)


class InventoryRow(msgspec.Struct, frozen=True):
    """A tag of an inventory."""

    repository: str
    tag: str
    digest: str
    pushed_at: datetime
    pulled_at: datetime | None = None
    set_at: datetime | None = None
    listed: bool = False


def rows_of(file: Path) -> tuple[InventoryRow, ...]:
    """The tags that a file lists. Raises UsageError."""
    try:
        return msgspec.json.decode(text_of(file), type=tuple[InventoryRow, ...])
    except (msgspec.DecodeError, msgspec.ValidationError) as error:
        raise UsageError(f"{file} is no inventory: {error}") from error


async def rows_at(server: ManagementServer, place: str) -> tuple[InventoryRow, ...]:
    """The tags of a place of a server."""
    found = await everything(server, "/retention-inventory", path=here(place).strip("/"), n="1000")
    return msgspec.convert(found, tuple[InventoryRow, ...])


def translate(file: Path, system: str, against: Sequence[InventoryRow] | None, *, json: bool) -> int:
    """Print the rule, and what differs; the exit code. Raises UsageError."""
    try:
        policy = read_policy(system, text_of(file))
        made = policy.translate()
        found: list[Difference] = []
        if against is not None and made.body:
            now = (datetime.now(UTC) - _EPOCH) // _MICROSECOND
            for inventory in _inventories(against):
                found += differences(policy, made.body, inventory, now)
    except RequestInvalid as error:
        raise UsageError(f"{file}: {error.message}") from error
    if json:
        shown.print_json({"body": made.body, "differs": made.differs, "tags": found})
    else:
        _print(made.body)
        for said in made.differs:
            tell(f"{system}: {said}")
        if against is not None:
            _told(found)
    if not made.body:
        tell(f"{file}: nothing of it can be said by a rule here")
    return DONE if made.body else FAILED


def _print(body: dict[str, object]) -> None:
    """As YAML, for `orlop retention set NAME -f FILE`: JSON is YAML, and each selector has a line."""
    for field, value in body.items():
        if isinstance(value, list):
            print(f"{field}:")
            for each in value:
                print(f"  - {text_format.dumps(each)}")
        else:
            print(f"{field}: {value}")


def _told(found: list[Difference]) -> None:
    for one in found:
        which = "is deleted there, and kept here" if one.deleted_there else "is kept there, and deleted here"
        print(f"# {one.repository}:{one.tag} {which}: {one.why}")
    print(f"# treated differently: {counted(len(found), 'tag')}" if found else "# every tag is treated alike")


def _inventories(rows: Sequence[InventoryRow]) -> Iterable[Inventory]:
    """The repositories of tags."""
    by_name: dict[str, list[InventoryRow]] = {}
    for row in rows:
        by_name.setdefault(row.repository, []).append(row)
    for name, found in sorted(by_name.items()):
        yield Inventory(
            name,
            [Tagged(row.tag, row.digest, _at(row.set_at or row.pushed_at)) for row in found],
            {
                row.digest: Kept(
                    row.digest,
                    pushed_at=_at(row.pushed_at),
                    pulled_at=max((_at(one.pulled_at) for one in found if one.digest == row.digest), default=0),
                )
                for row in sorted(found, key=lambda row: _at(row.pushed_at), reverse=True)
            },
            {"": [row.digest for row in found if row.listed]},
        )


def _at(moment: datetime | None) -> int:
    if moment is None:
        return 0
    return ((moment if moment.tzinfo else moment.replace(tzinfo=UTC)) - _EPOCH) // _MICROSECOND
