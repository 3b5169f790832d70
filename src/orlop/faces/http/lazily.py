"""A face that is made when it is first asked for something: what it takes to import is no cost of a start."""

import asyncio
from collections.abc import Callable

from orlop.faces.http.asgi import Application, Receive, Scope, Send


class Lazily:
    """`make` runs once, in a thread, while other requests go on; what it raises is raised to everybody who asks."""

    def __init__(self, make: Callable[[], Application]) -> None:
        self._make = make
        self._made: Application | None = None
        self._making = asyncio.Lock()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """One request."""
        if self._made is None:
            async with self._making:
                if self._made is None:
                    self._made = await asyncio.to_thread(self._make)
        await self._made(scope, receive, send)
