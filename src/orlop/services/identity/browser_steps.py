"""What a page hands to the next one, kept here: taken once, in time, and by the browser that it was made for."""

import hmac
from typing import TypeVar

import msgspec

from orlop.domain.errors import Unauthorized
from orlop.domain.identity.secrets import Draw
from orlop.ports.browser import Step, Steps
from orlop.ports.clock import SECOND, Clock
from orlop.services.identity.sessions import hashed, new_secret

S = TypeVar("S", bound=msgspec.Struct)

#: How long a page may lie open, in microseconds, and how many pages of an address are under way at once.
_OPEN = 600 * SECOND
_AT_MOST = 1000


class _Envelope(msgspec.Struct):
    holder: str
    body: msgspec.Raw


class BrowserSteps:
    """`holder` is the secret of the browser's cookie, everywhere."""

    def __init__(self, steps: Steps, clock: Clock, draw: Draw) -> None:
        self._steps = steps
        self._clock = clock
        self._draw = draw

    async def begin(self, kind: str, body: msgspec.Struct, *, holder: str, address: str) -> str:
        """Keep something; returns what the page is to bring back. Raises TooManyRequests."""
        secret = new_secret(self._draw)
        now = self._clock.now()
        kept = msgspec.json.encode(_Envelope(hashed(holder), msgspec.Raw(msgspec.json.encode(body))))
        step = Step(id=hashed(secret), kind=kind, body=kept, address=address, expires_at=now + _OPEN)
        await self._steps.begin(step, now=now, at_most=_AT_MOST)
        return secret

    async def look(self, kind: str, secret: str, body: type[S], *, holder: str) -> S:
        """What was kept. Raises Unauthorized when it is not there any more, or was another browser's."""
        step = await self._steps.get(hashed(secret), kind, self._clock.now())
        envelope = msgspec.json.decode(step.body, type=_Envelope) if step else None
        if envelope is None or not holder or not hmac.compare_digest(envelope.holder, hashed(holder)):
            raise Unauthorized("the page was open for too long, or was used already; start over")
        return msgspec.json.decode(envelope.body, type=body)

    async def take(self, kind: str, secret: str, body: type[S], *, holder: str) -> S:
        """The same, and nobody gets it again."""
        found = await self.look(kind, secret, body, holder=holder)
        if await self._steps.take(hashed(secret), kind, self._clock.now()) is None:
            raise Unauthorized("the page was open for too long, or was used already; start over")
        return found

    async def forget(self) -> str:
        """Remove those that are over."""
        await self._steps.forget(self._clock.now())
        return "done"
