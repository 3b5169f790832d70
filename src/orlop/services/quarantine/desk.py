"""What waits in quarantine, for whoever pushed it or may let it out; and what they decide."""

from collections.abc import Collection

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import Conflict, Denied, NotFound, PageInvalid, RequestInvalid
from orlop.domain.names import RepositoryName
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import by
from orlop.ports.held import HeldPush, HeldPushes, HeldState
from orlop.services.access.decisions import Access
from orlop.services.content.quarantined import pushed_it, sees_quarantine
from orlop.services.management.operations import Gate, Operation
from orlop.services.quarantine.letting_out import LettingOut
from orlop.services.quarantine.standing import QuarantineStanding, Stand, Standing
from orlop.services.trash.trash import place_of

#: Rows that are read at once, and how often for one answer.
_AT_ONCE, _TIMES = 200, 20
_REASON = 512


class HeldShown(msgspec.Struct, frozen=True):
    """One of them; `standing`: None of what does not wait any more."""

    held: HeldPush
    standing: Standing | None


class HeldPage(msgspec.Struct, frozen=True):
    """Some, the last first; `goes_on`: where the next answer begins, empty: nowhere."""

    items: tuple[HeldShown, ...]
    goes_on: str


class QuarantineDesk:
    """What a caller may not see is not there for them."""

    def __init__(
        self,
        gate: Gate,
        access: Access,
        rows: HeldPushes,
        standing: QuarantineStanding,
        letting_out: LettingOut,
    ) -> None:
        self._gate = gate
        self._access = access
        self._rows = rows
        self._standing = standing
        self._letting_out = letting_out

    async def page(self, caller: Caller, place: str, state: HeldState, page: PageRequest) -> HeldPage:
        """Those of a place that the caller pushed, or may let out. Raises RequestInvalid, PageInvalid, Unauthorized."""
        await self._gate.check(caller, Operation.QUARANTINE_READ, own=True)
        within, before = (place_of(place).span,), _number(page.after)
        sees: dict[str, bool] = {}
        found: list[HeldShown] = []
        for _ in range(_TIMES):
            rows = await self._rows.page(within, state, before, _AT_ONCE)
            for held in rows:
                if len(found) == page.size:
                    return HeldPage(tuple(found), str(before))
                before = held.id
                if held.repository not in sees:
                    sees[held.repository] = await sees_quarantine(self._access, caller, held.repository)
                if sees[held.repository] or pushed_it(caller, held):
                    found.append(await self._shown(held))
            if len(rows) < _AT_ONCE:
                return HeldPage(tuple(found), "")
        return HeldPage(tuple(found), str(before))

    async def of(self, caller: Caller, repository: RepositoryName, digest: Digest) -> HeldShown | None:
        """What hides an image from others that the caller sees; None: nothing does."""
        held = await self._rows.of(repository, digest)
        if held is None or held.state is not HeldState.WAITING or not await self._is_seen(caller, held):
            return None
        return await self._shown(held)

    async def decidable(self, caller: Caller, pushes: Collection[HeldPush]) -> frozenset[int]:
        """The numbers of those that somebody may decide of."""
        may: dict[str, bool] = {}
        for held in pushes:
            if held.repository not in may:
                may[held.repository] = await self._gate.may(
                    caller, Operation.QUARANTINE_DECIDE, repository=held.repository
                )
        return frozenset(held.id for held in pushes if may[held.repository])

    async def release(self, caller: Caller, number: int, reason: str) -> HeldShown:
        """Let it out. Raises NotFound; Denied, also for whoever pushed it where a person has to let it out, and while a
        gate is against it; and as HeldPushes.release."""
        held = await self._decidable(caller, number)

        def check(standing: Standing) -> None:
            if standing.stand is Stand.GATES:
                raise Denied(f"{held.id} stays in quarantine: {standing.why}", {"id": held.id})
            if standing.stand is Stand.PERSON and pushed_it(caller, held):
                raise Denied(f"you pushed {held.id} yourself: somebody else has to let it out", {"id": held.id})

        await self._letting_out.release(held, by(caller, self._gate.now()), _line(reason), check)
        return await self._now(number)

    async def refuse(self, caller: Caller, number: int, reason: str) -> HeldShown:
        """Delete it, into the trash. Raises NotFound, Denied, RequestInvalid without a reason, and as
        HeldPushes.refuse."""
        held = await self._decidable(caller, number)
        said = _line(reason)
        if not said:
            raise RequestInvalid("say why, for whoever pushed it")
        await self._letting_out.refuse(held, by(caller, self._gate.now()), said)
        return await self._now(number)

    async def _decidable(self, caller: Caller, number: int) -> HeldPush:
        await self._gate.check(caller, Operation.QUARANTINE_READ, own=True)
        held = await self._rows.get(number)
        if held is None or not await self._is_seen(caller, held):
            raise NotFound(f"nothing is in quarantine as {number}", {"id": number})
        await self._gate.check(caller, Operation.QUARANTINE_DECIDE, repository=held.repository)
        if held.state is not HeldState.WAITING:
            what = "let out" if held.state is HeldState.RELEASED else "refused"
            raise Conflict(f"{number} was {what} by {held.decided_by} already", {"id": number})
        return held

    async def _is_seen(self, caller: Caller, held: HeldPush) -> bool:
        return pushed_it(caller, held) or await sees_quarantine(self._access, caller, held.repository)

    async def _shown(self, held: HeldPush) -> HeldShown:
        waits = held.state is HeldState.WAITING
        return HeldShown(held, await self._standing.of(held, remembered=True) if waits else None)

    async def _now(self, number: int) -> HeldShown:
        held = await self._rows.get(number)
        if held is None:
            raise NotFound(f"nothing is in quarantine as {number}", {"id": number})
        return await self._shown(held)


def _line(text: str) -> str:
    """A reason as it is kept. Raises RequestInvalid."""
    line = " ".join(text.split())
    if len(line) > _REASON or not (line.isprintable() or not line):
        raise RequestInvalid(f"a reason has {_REASON} characters at most, on one line")
    return line


def _number(text: str) -> int:
    if not text:
        return 0
    if not (text.isascii() and text.isdecimal() and len(text) <= 18):
        raise PageInvalid("a page goes on behind a number, as the one before says", {"after": text[:64]})
    return int(text)
