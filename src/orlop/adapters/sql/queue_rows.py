"""Rows of the queue as values, and a new one."""

from typing import Any

import msgspec

from orlop.adapters.sql.engine import Row, Session
from orlop.domain.queue import Job, JobState, Order, Progress
from orlop.ports.catalog import By

_arguments = msgspec.json.Decoder(dict[str, Any])


def job_of(row: Row) -> Job:
    """A row in the order of columns that every statement has which shows jobs."""
    (job, kind, arguments, place, asked_by, asked_at, priority, not_before, state, attempts, *rest) = row
    started_at, ended_at, owner, fence, lease_until, beat_at, done, total, unit, text, result, error, unwanted = rest
    return Job(
        id=job,
        kind=kind,
        arguments=_arguments.decode(arguments),
        place=place,
        asked_by=asked_by,
        asked_at=asked_at,
        priority=priority,
        not_before=not_before,
        state=JobState(state),
        attempts=attempts,
        started_at=started_at,
        ended_at=ended_at,
        owner=owner,
        fence=fence,
        lease_until=lease_until,
        beat_at=beat_at,
        progress=Progress(done, total, unit, text),
        result=result,
        error=error,
        is_unwanted=bool(unwanted),
    )


async def inserted(tx: Session, order: Order, by: By) -> Job | None:
    """A new job; None where one of the same `once` has not ended."""
    arguments, not_before = msgspec.json.encode(order.arguments).decode(), max(order.not_before, by.at)
    row = await tx.one(
        "queue_insert",
        *(order.kind, arguments, order.place, by.actor, by.at, order.priority, not_before, order.once),
    )
    if row is None:
        return None
    made = await tx.one("queue_get", row[0])
    assert made is not None
    return job_of(made)
