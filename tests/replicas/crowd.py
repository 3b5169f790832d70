"""Clients that push and pull without pause. What a dying replica took along they try once more, and only once."""

import http.client
import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from tests.content import Pushable, image
from tests.faults.pushing import Client, Refused


class Crowd:
    """`held` is everything that was acknowledged: tag → image. `wrong` is what failed twice in a row."""

    def __init__(self, address: str, *, pushing: int, pulling: int) -> None:
        self.held: dict[str, Pushable] = {}
        self.wrong: list[BaseException] = []
        self.again = 0
        self.pulled = 0
        self._address = address
        self._ending = threading.Event()
        self._threads = [threading.Thread(target=self._push, args=(number,)) for number in range(pushing)]
        self._threads += [threading.Thread(target=self._pull, args=(number,)) for number in range(pulling)]

    @contextmanager
    def going(self) -> Iterator[None]:
        """Under load."""
        for thread in self._threads:
            thread.start()
        try:
            yield
        finally:
            self._ending.set()
            for thread in self._threads:
                thread.join(180)
        assert not self.wrong, self.wrong
        assert self.held, "nobody could push anything"

    def _push(self, name: int) -> None:
        with Client(self._address) as client:
            for number in range(1_000_000):
                if self._ending.is_set() or self.wrong:
                    return
                tag = f"client-{name}-{number}"
                what = image(tag, [f"{tag} code", "base", f"{tag} more"])
                if self._twice(lambda tag=tag, what=what: client.push(what, tag)):  # type: ignore[misc]
                    self.held[tag] = what

    def _pull(self, seed: int) -> None:
        choice = random.Random(seed)
        with Client(self._address) as client:
            while not self._ending.is_set() and not self.wrong:
                tags = list(self.held)
                if not tags:
                    self._ending.wait(0.05)
                    continue
                tag = choice.choice(tags)
                client.held[tag] = self.held[tag]
                self.pulled += self._twice(lambda tag=tag: client.pull(tag))  # type: ignore[misc]

    def _twice(self, work: Callable[[], None]) -> bool:
        """Do it, and once more if a replica went away under it."""
        for attempt in (1, 2):
            try:
                work()
            except (OSError, http.client.HTTPException, Refused, AssertionError) as problem:
                if attempt == 2 or isinstance(problem, AssertionError) or not _passes(problem):
                    self.wrong.append(problem)
                    return False
                self.again += 1
            else:
                return True
        return False


def _passes(problem: BaseException) -> bool:
    """Whether it is what a client may see of a replica that dies: a connection that breaks, the balancer's word for it,
    or that the session is still on lease to the dead."""
    return not isinstance(problem, Refused) or problem.answer.status in (429, 502, 503, 504)
