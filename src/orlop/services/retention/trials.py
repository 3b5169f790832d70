"""What a rule for retention would do if it said something else: looked at at once, and kept nowhere."""

from typing import Any

import msgspec

from orlop.domain.access import Caller
from orlop.domain.names import RepositoryName
from orlop.domain.retention.plans import PlanFigures
from orlop.domain.retention.rules import RETENTION
from orlop.domain.settings import checked_name, checked_path
from orlop.ports.settings import Document
from orlop.ports.usage import Usages
from orlop.services.management.operations import Gate, Operation
from orlop.services.retention.desk import ShownItem
from orlop.services.retention.planning import Planner, PlanSum

#: Repositories that are looked at for one answer, the manifests and tags that they may have together, and how many
#: items of what goes and of what stays are told.
_REPOSITORIES, _READ, _ITEMS = 100, 20_000, 50


class RetentionTrial(msgspec.Struct, frozen=True):
    """What all rules would do at a place with one of them changed. `cut`: there is more there than was looked at, so
    that a plan says more; `items`: the first that go, and the first that stay."""

    figures: PlanFigures
    items: tuple[ShownItem, ...]
    cut: bool


class RetentionTrials:
    """For whoever may make plans at the place of the rule."""

    def __init__(self, gate: Gate, planner: Planner, usages: Usages) -> None:
        self._gate = gate
        self._planner = planner
        self._usages = usages

    async def trial(self, caller: Caller, path: str, name: str, body: dict[str, Any]) -> RetentionTrial:
        """Raises Denied, and RequestInvalid for a body that no rule has."""
        path = checked_path(path)
        await self._gate.check(caller, Operation.RETENTION_PLAN, namespace=path)
        checked_name(RETENTION.kind, name)
        rule = RETENTION.parse(name, body)
        document = Document(RETENTION.kind, name, msgspec.json.encode(rule), version=0, path=path)
        looked, read, cut = 0, 0, False

        async def fits(repository: RepositoryName) -> bool:
            nonlocal looked, read, cut
            used = await self._usages.of([repository], self._gate.now())
            usage = used[repository][0] if repository in used else None
            looked, read = looked + 1, read + (usage.manifests + usage.tags if usage is not None else 0)
            cut = looked > _REPOSITORIES or read > _READ
            return not cut

        total = PlanSum()
        going: list[ShownItem] = []
        kept: list[ShownItem] = []
        async for current, freed in self._planner.tried(path, document, fits):
            total.add(current, freed)
            for item in current.plan.items:
                column = going if item.goes else kept
                if len(column) < _ITEMS:
                    column.append(ShownItem(current.inventory.repository, item, ""))
        return RetentionTrial(total.figures((), rule.brake), (*going, *kept), cut)
