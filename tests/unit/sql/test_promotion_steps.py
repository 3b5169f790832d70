"""A promotion that fails at any of its steps leaves everything as it was, and is done when it is tried again."""

from typing import Any

from orlop.adapters.sql.engine import Row, Session
from orlop.adapters.sql.memory import open_memory
from orlop.domain.errors import Unavailable
from orlop.domain.pages import PageRequest
from orlop.ports.catalog import FREELY
from orlop.ports.promotion import Move
from tests.content import artifact, image, index
from tests.contract.promotion import DEV, PROD, asked, promoted, tags
from tests.contract.scene import V1, Scene


class Failing:
    """A session whose step of that number fails."""

    def __init__(self, session: Session, step: int) -> None:
        self._session = session
        self.left = step

    def _take(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise Unavailable("the disk is gone")

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


async def test_whatever_step_fails_nothing_is_left() -> None:
    opened = open_memory()
    engine: Any = opened.engine
    scene, rows = Scene(opened.catalog), opened.catalog.promotions
    both = index("both", [image("one"), image("two")])
    await scene.push(DEV, both, V1)
    await scene.push(DEV, artifact("sbom", subject=both))
    before = await scene.view()
    moves, session = [Move(promoted(both), (), FREELY)], engine.reader
    for step in range(200):
        engine.reader = Failing(session, step)
        try:
            done = await rows.carry_out(asked(promoted(both)), moves, scene.by())
            break
        except Unavailable:
            pass
        finally:
            engine.reader = session
        assert await scene.view() == before, step
        assert (await rows.page(PageRequest())).items == (), step
    assert done.promotion is not None
    assert step > 20
    assert await tags(opened.catalog, PROD) == {V1: both.digest}
    assert await scene.findings() == []
