"""Whose rules they are, and which tags of a repository theirs and ours treat differently."""

from collections.abc import Callable, Mapping
from typing import Any

import msgspec

from orlop.domain.errors import RequestInvalid
from orlop.domain.retention.elsewhere import artifact_registry, ecr, gitlab, harbor
from orlop.domain.retention.elsewhere.policy import ForeignPolicy
from orlop.domain.retention.inventory import Inventory
from orlop.domain.retention.plan import Rules
from orlop.domain.retention.rules import RETENTION

#: Longer files are none.
LONGEST = 1024 * 1024

#: By the name in commands.
SYSTEMS: Mapping[str, Callable[[Any], ForeignPolicy]] = {
    "ecr": ecr.read,
    "gar": artifact_registry.read,
    "harbor": harbor.read,
    "gitlab": gitlab.read,
}


class Difference(msgspec.Struct, frozen=True):
    """A tag of which one keeps what the other deletes; `why`: what ours says of it."""

    repository: str
    tag: str
    deleted_there: bool
    why: str


def read_policy(system: str, text: str) -> ForeignPolicy:
    """Rules of another registry. Raises RequestInvalid for what is none of that system."""
    if len(text) > LONGEST:
        raise RequestInvalid(f"a policy has at most {LONGEST} bytes, this one {len(text)}")
    try:
        return SYSTEMS[system](msgspec.json.decode(text))
    except msgspec.DecodeError as error:
        raise RequestInvalid(f"it is no policy of {system}: {str(error)[:300]}") from error
    except (ValueError, TypeError, AttributeError, RecursionError) as error:
        raise RequestInvalid(f"it is no policy of {system}: {str(error)[:300]}") from error


def differences(policy: ForeignPolicy, body: dict[str, Any], inventory: Inventory, now: int) -> tuple[Difference, ...]:
    """The tags of a repository that the two treat differently. Raises RequestInvalid for a body that is none."""
    rule = RETENTION.parse("imported", body)
    ours = {item.tag: item for item in Rules([("", "imported", rule)], now).plan(inventory, {}).items if item.tag}
    theirs = policy.deletes(inventory, now)
    return tuple(
        Difference(inventory.repository, tag, tag in theirs, item.reason)
        for tag, item in ours.items()
        if item.goes != (tag in theirs)
    )
