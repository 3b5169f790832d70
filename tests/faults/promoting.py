"""A program that promotes an image with all that belongs to it, and is killed at each statement of the transaction, one
after the other; what it leaves behind is looked at each time by a process of its own.

Started as `python -m tests.faults.promoting sqlite FOLDER` or `… postgres URL`, for a catalog that is empty; it prints
at how many statements it was killed. Nothing is open where it forks.
"""

import asyncio
import os
import signal
import sys
import tempfile
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from orlop.adapters.sql.catalog import OpenCatalog, open_sqlite
from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.postgres.catalog import open_postgres
from orlop.adapters.sql.postgres.connections import Database
from orlop.domain.errors import Stale
from orlop.domain.pages import PageRequest
from orlop.domain.promotion.promotion import PromotionState
from orlop.ports.catalog import FREELY
from orlop.ports.promotion import Move
from tests.content import artifact, image, index
from tests.contract.promotion import DEV, PROD, asked, promoted, tags
from tests.contract.scene import V1, Scene
from tests.postgres import SURROUNDINGS

BOTH = index("both", [image("one"), image("two")])
_MOST = 500


class Killing:
    """A session that kills the process instead of a statement."""

    def __init__(self, session: Session, left: int) -> None:
        self._session = session
        self._left = left

    def _take(self) -> None:
        self._left -= 1
        if self._left < 0:
            os.kill(os.getpid(), signal.SIGKILL)

    async def one(self, statement: str, *parameters: Any) -> Row | None:
        self._take()
        return await self._session.one(statement, *parameters)

    async def all(self, statement: str, *parameters: Any) -> list[Row]:
        self._take()
        return await self._session.all(statement, *parameters)

    async def run(self, statement: str, *parameters: Any) -> None:
        self._take()
        await self._session.run(statement, *parameters)

    async def many(self, statement: str, rows: Any) -> None:
        self._take()
        await self._session.many(statement, rows)


def opened(engine: str, where: str) -> OpenCatalog:
    if engine == "sqlite":
        return open_sqlite(Path(where))
    return open_postgres(Database(where), None, [0], 0, SURROUNDINGS)


async def fill(catalog: OpenCatalog) -> str:
    scene = Scene(catalog.catalog)
    await scene.push(DEV, BOTH, V1)
    await scene.push(DEV, artifact("sbom", subject=BOTH))
    await scene.catalog.promotions.ask(asked(promoted(BOTH), needed=1), scene.by())
    return ""


async def promote(catalog: OpenCatalog, step: int) -> str:
    """`done`, unless it is killed at the statement of that number; `late` where it was done before."""
    engine: Any = catalog.engine
    write = engine.write
    rows = catalog.catalog.promotions
    [promotion] = (await rows.page(PageRequest())).items
    move = Move(promotion.images[0], await rows.beside(DEV, BOTH.digest), FREELY)

    def killing(script: Callable[[Session], Awaitable[Any]], **how: Any) -> Any:
        return write(lambda tx: script(Killing(tx, step)), **how)

    engine.write = killing
    try:
        await rows.carry_out(promotion, [move], Scene(catalog.catalog).by())
    except Stale:
        return "late"
    return "done"


async def look(catalog: OpenCatalog) -> str:
    scene = Scene(catalog.catalog)
    [promotion] = (await catalog.catalog.promotions.page(PageRequest())).items
    assert await scene.findings() == []
    if promotion.state is PromotionState.DONE:
        assert await tags(catalog.catalog, PROD) == {V1: BOTH.digest}
        assert [image.moved for image in promotion.images] == [True]
    return f"{promotion.state.word} {await scene.view()!r}"


def in_a_child(engine: str, where: str, do: Callable[[OpenCatalog], Awaitable[str]]) -> str | None:
    """What it gives in a process of its own; None where that was killed."""

    async def work() -> str:
        catalog = opened(engine, where)
        try:
            return await do(catalog)
        finally:
            await catalog.engine.close()

    with tempfile.NamedTemporaryFile("r") as answer:
        child = os.fork()
        if not child:
            code = 1
            try:
                Path(answer.name).write_text(asyncio.run(work()))
                code = 0
            finally:
                os._exit(code)
        _, status = os.waitpid(child, 0)
        if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
            return None
        assert os.waitstatus_to_exitcode(status) == 0, "see what it wrote"
        return answer.read()


def main(engine: str, where: str) -> None:
    in_a_child(engine, where, fill)
    before = in_a_child(engine, where, look)
    assert before is not None
    for step in range(_MOST):
        became = in_a_child(engine, where, lambda catalog, step=step: promote(catalog, step))  # type: ignore[misc]
        after = in_a_child(engine, where, look)
        assert after is not None
        if became is not None:
            assert (became, after.split()[0]) == ("done", "done")
            break
        assert after == before, f"killed at statement {step}"
    assert in_a_child(engine, where, lambda catalog: promote(catalog, _MOST)) == "late"
    assert in_a_child(engine, where, look) == after
    print(step)


if __name__ == "__main__":
    main(*sys.argv[1:])
