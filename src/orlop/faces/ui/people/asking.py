"""May somebody do something somewhere: the answer, its rule, the grants looked at, and what would change it."""

from contextlib import suppress

from orlop.domain.access import ANONYMOUS, Action
from orlop.domain.errors import RegistryError, RequestInvalid
from orlop.domain.names import RepositoryName, Tag
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.services.management.all import Management
from orlop.services.management.explain import Explained, ExplainQuery

_ACTIONS = tuple(action for action in Action if action is not Action.PING)


class AccessPage:
    """About oneself for everybody; about others for those who administer the place, rule or audit."""

    def __init__(self, pages: Pages, management: Management) -> None:
        self._pages = pages
        self._management = management

    def routes(self) -> tuple[Route, ...]:
        """See `Route`."""
        return (Route("GET", "/access", self.show),)

    async def show(self, exchange: UiExchange) -> Reply:
        """The question as a form, and its answer when one was asked."""
        query = exchange.query
        subject = query.get("who", "").strip() or exchange.caller.subject.name
        answer: Explained | None = None
        refused: RegistryError | None = None
        if query.get("may"):
            try:
                asked = _query(subject, query["may"], query.get("on", "").strip(), query.get("from", "").strip())
                answer = await self._management.explaining.explain(exchange.caller, asked)
            except RegistryError as refusal:
                refused = refusal
        return self._pages.page(
            exchange,
            "people/access",
            refusal=refused,
            subject=subject,
            anonymous=ANONYMOUS.name,
            actions=_ACTIONS,
            may=query.get("may", Action.PULL.value),
            on=query.get("on", ""),
            address=query.get("from", ""),
            answer=answer,
        )


def _query(subject: str, action: str, on: str, address: str) -> ExplainQuery:
    """The question of a form. Raises RequestInvalid."""
    found: Action | None = None
    with suppress(ValueError):
        found = Action(action)
    if found is None:
        raise RequestInvalid(f"{action[:40]!r} is nothing that can be done")
    repository, colon, tag = on.partition(":")
    return ExplainQuery(
        subject=subject,
        action=found,
        repository=RepositoryName(repository) if repository else None,
        tag=Tag(tag) if colon else None,
        address=address,
    )
