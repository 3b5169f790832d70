"""When settings end by themselves: a row for each that does, with the time of what is to be told next."""

from datetime import UTC, datetime, timedelta

from orlop.adapters.sql.engine import Engine, Session
from orlop.adapters.sql.ledger import Ledger, recorded
from orlop.domain.events import EventKind
from orlop.domain.settings import Ends
from orlop.ports.identity_words import warning
from orlop.ports.setting_ends import EndingSetting

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def next_of(ends: Ends, now: int) -> tuple[int, int, int]:
    """When something is told before the end, when it ends, and which is to be told next; 0: nothing is."""
    if ends.ends_at <= now:  # it never held
        return ends.remind_at, ends.ends_at, 0
    return ends.remind_at, ends.ends_at, ends.remind_at or ends.ends_at


class SqlSettingEnds:
    """See ports.settings.SettingEnds."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._reader = engine.reader

    async def tell(self, now: int, limit: int) -> int:
        async def steps(tx: Session, ledger: Ledger) -> int:
            due = await tx.all("ends_due", now, limit)
            told = []
            for kind, path, name, ends_at in due:
                over = ends_at <= now
                event = EventKind.EXCEPTION_EXPIRED if over else EventKind.EXCEPTION_EXPIRING
                ledger.event(event, path, subject=f"{kind} {name}", detail=_words(ends_at, over=over))
                told.append((kind, path, name, 0 if over else ends_at))
            if told:
                await tx.many("ends_told", told)
            return len(told)

        if not await self._reader.all("ends_due_now", now, 1):
            return 0
        return await self._engine.write(recorded(warning(now), steps), changes=False)

    async def ending(self, kind: str, now: int, limit: int) -> tuple[EndingSetting, ...]:
        rows = await self._reader.all("ends_next", kind, now, limit)
        return tuple(EndingSetting(kind, path, name, Ends(remind, ends)) for path, name, remind, ends in rows)


def _words(ends_at: int, *, over: bool) -> str:
    """Such as `2027-01-31 is the last day on which it holds`."""
    day = (_EPOCH + timedelta(microseconds=ends_at - 1)).date()
    return f"{day} {'was' if over else 'is'} the last day on which it holds"
