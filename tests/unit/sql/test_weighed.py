"""A page of large rows costs no more memory than it holds, however many there are and however large."""

from typing import Any

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.memory import open_memory
from orlop.adapters.sql.queue import SqlJobs
from orlop.adapters.sql.webhooks import SqlDeliveryLog
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Order
from orlop.ports.catalog import By
from orlop.ports.webhooks import Attempt, DeliveryState, NewDelivery

BY = By("root", 1)
LARGE = 100_000
COUNT = 8


class Watched:
    """A reader that knows how much was read of texts and bytes."""

    def __init__(self, reader: Session) -> None:
        self._reader = reader
        self.held = 0

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        rows = list(await self._reader.all(statement, *parameters))
        self.held += sum(len(value) for row in rows for value in row if isinstance(value, str | bytes))
        return rows


async def test_no_more_jobs_are_read_than_a_page_holds() -> None:
    opened = open_memory()
    for _ in range(COUNT):
        await opened.queue.jobs.ask(Order(kind="large", arguments={"text": "x" * LARGE}), BY)
    watched = Watched(opened.engine.reader)

    class Engine:
        reader = watched

    jobs = SqlJobs(Engine)  # type: ignore[arg-type]
    page = await jobs.page(PageRequest(COUNT, bytes=3 * LARGE))
    assert (len(page.items), page.more) == (2, True)
    assert watched.held < 4 * LARGE
    rest = await jobs.page(PageRequest(COUNT, str(page.items[-1].id)))
    assert (len(rest.items), rest.more) == (COUNT - 2, False)


async def test_no_more_deliveries_are_read_than_a_page_holds() -> None:
    opened = open_memory()
    new = NewDelivery(":all", "", 0, "tag.set", b"x" * LARGE)
    for dead in (True, False) * COUNT:
        state = DeliveryState.DEAD if dead else DeliveryState.DELIVERED
        await opened.webhooks.log.tried(new, Attempt(1, 1, 1, 200, "", ""), state, BY)
    log = SqlDeliveryLog(opened.engine)
    for dead, count in ((True, COUNT), (False, 2 * COUNT)):
        watched = log._reader = Watched(opened.engine.reader)  # type: ignore[assignment]
        page = await log.page(":all", PageRequest(100, bytes=3 * LARGE), dead=dead)
        assert (len(page.items), page.more) == (2, True)
        assert watched.held < 4 * LARGE
        rest = await log.page(":all", PageRequest(100, str(page.items[-1].id)), dead=dead)
        assert (len(rest.items), rest.more) == (count - 2, False)
