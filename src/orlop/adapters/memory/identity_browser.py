"""Steps of signing in with a browser, and what is kept of sign-ins through providers."""

from orlop.adapters.memory.state import State
from orlop.domain.errors import Conflict, TooManyRequests
from orlop.ports.browser import SignOn, Step


class MemorySteps:
    """See ports.browser.Steps."""

    def __init__(self, state: State) -> None:
        self._rows = state.identity

    async def begin(self, step: Step, *, now: int, at_most: int = 0) -> None:
        steps = self._rows.steps
        known = steps.get(step.id)
        if known is not None and known.expires_at > now:
            raise Conflict("that was begun already")
        under_way = sum(each.address == step.address and each.expires_at > now for each in steps.values())
        if at_most and under_way >= at_most:
            raise TooManyRequests("too many have begun to sign in from this address; try again in a few minutes")
        steps[step.id] = step

    async def get(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        step = self._rows.steps.get(id)
        return step if step and step.kind == kind and step.expires_at > now else None

    async def take(self, id: str, kind: str, now: int) -> Step | None:  # noqa: A002
        step = await self.get(id, kind, now)
        if step is not None:
            del self._rows.steps[id]
        return step

    async def forget(self, expired_before: int) -> None:
        self._rows.steps = {key: step for key, step in self._rows.steps.items() if step.expires_at >= expired_before}


class MemorySignOns:
    """See ports.browser.SignOns."""

    def __init__(self, state: State) -> None:
        self._rows = state.identity

    async def put(self, sign_on: SignOn) -> None:
        self._rows.account(sign_on.account)
        self._rows.sign_ons[sign_on.provider, sign_on.external] = sign_on

    async def due(self, provider: str, before: int, limit: int) -> tuple[SignOn, ...]:
        found = [each for each in self._rows.sign_ons.values() if each.provider == provider]
        over = [each for each in found if each.checked_at < before and each.account in self._rows.accounts]
        return tuple(sorted(over, key=lambda each: (each.checked_at, each.external))[:limit])

    async def renewed(self, old: SignOn, new: SignOn) -> bool:
        key = (old.provider, old.external)
        if self._rows.sign_ons.get(key) != old:
            return False
        self._rows.sign_ons[key] = new
        return True

    async def remove(self, provider: str, external: str) -> None:
        self._rows.sign_ons.pop((provider, external), None)
