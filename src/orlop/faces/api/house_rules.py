"""The end point that says in sentences what holds at a place."""

from typing import Annotated

import msgspec
from litestar import get
from litestar.handlers import HTTPRouteHandler
from litestar.params import QueryParameter

from orlop.domain.house_rules import Sentence
from orlop.faces.api.exchange import ApiRequest, caller_of
from orlop.services.management.all import Management
from orlop.services.management.operations import Operation


class SentenceValue(msgspec.Struct, frozen=True):
    """A sentence, and what makes it so: a rule by kind, name and place, or a `grant` by its number. `place` is as
    it is typed: `team/`, and `/` for the registry."""

    text: str
    kind: str
    name: str
    place: str

    @classmethod
    def of(cls, said: Sentence) -> "SentenceValue":
        return cls(said.text, said.kind, said.name, said.place)


class HouseRulesValue(msgspec.Struct, frozen=True):
    """What holds at a place, from the registry down. `retention`: how long images stay. `people`: who may push and
    retag; null: that is not for the caller to see. `complete`: whether all grants were looked at, and nothing is left
    out that would be too much."""

    place: str
    repositories: tuple[SentenceValue, ...]
    tags: tuple[SentenceValue, ...]
    retention: tuple[SentenceValue, ...]
    trash: tuple[SentenceValue, ...]
    people: tuple[SentenceValue, ...] | None
    complete: bool


def house_rules(management: Management) -> list[HTTPRouteHandler]:
    """`/rules`."""

    @get("/rules", operation_id="showRules", tags=["rules"], operation=Operation.HOUSE_RULES_READ)
    async def show_rules(
        request: ApiRequest,
        path: Annotated[
            str | None, QueryParameter(name="path", max_length=255, description="A namespace; empty: the registry.")
        ] = None,
        repository: Annotated[
            str | None,
            QueryParameter(name="repository", max_length=255, description="A repository instead, there or to be made."),
        ] = None,
    ) -> HouseRulesValue:
        """What rules and grants say of repositories, tags and pushes at a place, in sentences."""
        found = await management.house_rules.show(caller_of(request), namespace=path, repository=repository)
        return HouseRulesValue(
            place=found.place,
            repositories=tuple(map(SentenceValue.of, found.repositories)),
            tags=tuple(map(SentenceValue.of, found.tags)),
            retention=tuple(map(SentenceValue.of, found.retention)),
            trash=tuple(map(SentenceValue.of, found.trash)),
            people=tuple(map(SentenceValue.of, found.people)) if found.people is not None else None,
            complete=found.complete,
        )

    return [show_rules]
