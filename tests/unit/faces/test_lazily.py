"""A face that is made late: once, however many ask at the same time, and again if that failed."""

import asyncio
from typing import Any

import pytest

from orlop.faces.http.lazily import Lazily


async def nothing(*_: Any) -> Any:
    """Neither comes nor goes."""


async def test_it_is_made_once_however_many_ask() -> None:
    made: list[int] = []
    asked: list[str] = []

    async def face(scope: Any, receive: Any, send: Any) -> None:
        asked.append(scope["path"])

    def make() -> Any:
        made.append(1)
        return face

    late = Lazily(make)
    assert made == []
    await asyncio.gather(*(late({"path": f"/{number}"}, nothing, nothing) for number in range(5)))
    assert (len(made), sorted(asked)) == (1, [f"/{number}" for number in range(5)])


async def test_what_failed_is_tried_again() -> None:
    tries: list[int] = []

    async def face(*_: Any) -> None:
        """Answers."""

    def make() -> Any:
        tries.append(1)
        if len(tries) == 1:
            raise RuntimeError("not yet")
        return face

    late = Lazily(make)
    with pytest.raises(RuntimeError):
        await late({}, nothing, nothing)
    await late({}, nothing, nothing)
    assert len(tries) == 2
