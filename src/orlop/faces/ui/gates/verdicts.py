"""What the gates of its place say of an image: which holds it back, where that is set, why, and what to do."""

import re

import msgspec

from orlop.domain.gates.gate import GATES, GateAt
from orlop.domain.names import Reference, RepositoryName
from orlop.domain.settings import place_words
from orlop.faces.ui.addresses import finding_address, image_address, settings_address
from orlop.faces.ui.exchange import Reply, UiExchange
from orlop.faces.ui.pages import Pages
from orlop.services.gates.desk import GateDesk, GateWord

#: The identifier of a vulnerability that a reason begins with, as CVE-2026-1234 in openssl.
_FINDING = re.compile(r"([A-Z][A-Za-z]*-[A-Za-z0-9:.-]{1,96}) in ", re.ASCII)
#: Colours of what a gate says.
_STATES = {"passes": "good", "refuses": "bad", "warns": "bad"}


class ShownVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What one gate says. `why` and `remedy`: the two halves of its sentence; `finding`: the page of the vulnerability
    that it is about, where there is an exception to be made."""

    gate: str
    place: str
    address: str
    mode: str
    outcome: str
    state: str
    why: str
    remedy: str
    finding: str


class VerdictsTab:
    """See places.ImageTab."""

    def __init__(self, pages: Pages, gates: GateDesk) -> None:
        self._pages = pages
        self._gates = gates

    async def show(self, exchange: UiExchange, repository: RepositoryName, reference: Reference) -> Reply:
        """Of each gate, also of those that are off."""
        asked = exchange.query.get("on", "")
        at = GateAt(asked) if asked in {each.value for each in GateAt} else GateAt.PULL
        found = await self._gates.explain(exchange.caller, repository, reference, at)
        return self._pages.page(
            exchange,
            "gates/verdicts",
            repository=repository,
            reference=reference,
            found=found,
            at=at.value,
            points=[each.value for each in GateAt],
            verdicts=[shown(one) for one in found.gates],
            address=image_address,
        )


def shown(word: GateWord) -> ShownVerdict:
    """As a page tells it."""
    why, separator, remedy = word.sentence.partition(": ")[2].rpartition("; ")
    why, remedy = (why, remedy) if separator else (remedy, "")
    named = _FINDING.match(why)
    return ShownVerdict(
        gate=word.gate,
        place=place_words(word.path),
        address=settings_address(GATES.plural, word.gate, path=word.path),
        mode=word.mode.value,
        outcome=word.outcome,
        state=_STATES.get(word.outcome, "soft"),
        why=why,
        remedy=remedy,
        finding=finding_address(named[1]) if named is not None else "",
    )
