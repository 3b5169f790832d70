"""Clients that push and pull without pause. What a dying replica took along they try once more, and only once.

Once more is enough unless another replica dies under that very try, which is known here, and counted.
"""

import http.client
import random
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count

from tests.content import Piece, Pushable, image
from tests.faults.pushing import Answer, Client, Refused
from tests.volume import volume

#: Clients that push, and that pull, while replicas are killed or upgraded.
PUSHING, PULLING = volume(3, 16), volume(6, 64)
#: A client begins an image so often, in seconds: where two cores carry all of this without a pause, a second try takes
#: until the next kill.
PACE = volume(0.5, 8.0)

#: What a client may see of a replica that dies: the balancer's word for it, or that the session is still on lease.
_PASSING = frozenset({429, 502, 503, 504})

#: For how long a client waits before its second try, in seconds: for a moment after a process was killed the kernel
#: still takes connections for it, whose end is cut. Docker and containerd wait for longer.
_WAIT = 0.5
#: How long a replica that is killed takes to be gone, in seconds: its memory goes before its connections do.
_DYING = 0.5


class Trying(Client):
    """Tries each step of a push or a pull, a blob or a manifest, once more if a replica went away under it.

    `again` says how often it did, by what the first try saw. `kills` says when replicas were killed: a second try that
    one of them hit is `unlucky`.
    """

    def __init__(self, address: str, kills: list[float]) -> None:
        super().__init__(address)
        self.again: Counter[str] = Counter()
        self.unlucky = 0
        self._kills = kills

    def push_blob(self, piece: Piece) -> None:
        """In one request."""
        self._twice(lambda: super(Trying, self).push_blob(piece))

    def push_blob_in_chunks(self, piece: Piece) -> None:
        """In several; the second try is a session of its own."""
        self._twice(lambda: super(Trying, self).push_blob_in_chunks(piece))

    def push_manifest(self, what: Pushable, tag: str) -> None:
        """Under a tag."""
        self._twice(lambda: super(Trying, self).push_manifest(what, tag))

    def fetch(self, target: str, **headers: str) -> Answer:
        """Something that has to be there."""
        got: list[Answer] = []
        self._twice(lambda: got.append(super(Trying, self).fetch(target, **headers)))
        return got[-1]

    def _twice(self, step: Callable[[], None]) -> None:
        for attempt in count(1):
            began = time.monotonic()
            try:
                return step()
            except (OSError, http.client.HTTPException, Refused) as problem:
                if isinstance(problem, Refused) and problem.answer.status not in _PASSING:
                    raise
                told = problem.answer.headers.get("retry-after") if isinstance(problem, Refused) else None
                time.sleep(_WAIT if told is None else int(told))
                if attempt == 1:
                    self.again[str(problem.answer.status) if isinstance(problem, Refused) else "cut"] += 1
                elif self._kills and self._kills[-1] > began - _DYING:
                    self.unlucky += 1
                else:
                    raise
        return None


class Crowd:
    """`held` is everything that was acknowledged: tag → image. `wrong` is what failed twice in a row.

    Whoever kills replicas adds to `kills`, in seconds of the monotonic clock. Each client begins an image every `pace`
    seconds, or without pause.
    """

    def __init__(self, address: str, *, pushing: int, pulling: int, pace: float = 0.0) -> None:
        self.held: dict[str, Pushable] = {}
        self.wrong: list[BaseException] = []
        self.kills: list[float] = []
        self.again: Counter[str] = Counter()
        self.unlucky = 0
        self.pulled = 0
        self._address = address
        self._pace = pace
        self._counting = threading.Lock()
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
        assert self.pulled, "nobody could pull anything"

    def figures(self) -> dict[str, int]:
        """What they did, and how often one of them had to try a step again."""
        again = {f"again after {what}": times for what, times in sorted(self.again.items())}
        return {"pushed": len(self.held), "pulled": self.pulled, **again, "unlucky": self.unlucky}

    def check(self) -> None:
        """Everything that was acknowledged can be pulled, byte for byte."""
        with Client(self._address) as client:
            client.held.update(self.held)
            client.pull_everything()

    def _push(self, name: int) -> None:
        def push(client: Client, number: int) -> None:
            tag = f"client-{name}-{number}"
            what = image(tag, [f"{tag} code", "base", f"{tag} more"])
            client.push(what, tag)
            self.held[tag] = what

        self._go_on(push)

    def _pull(self, seed: int) -> None:
        choice = random.Random(seed)

        def pull(client: Client, _: int) -> None:
            tags = list(self.held)
            if not tags:
                self._ending.wait(0.05)
                return
            tag = choice.choice(tags)
            client.held[tag] = self.held[tag]
            client.pull(tag)
            with self._counting:
                self.pulled += 1

        self._go_on(pull)

    def _go_on(self, work: Callable[[Client, int], None]) -> None:
        """Until all of them end, or something went wrong with one."""
        with Trying(self._address, self.kills) as client:
            try:
                for number in range(1_000_000):
                    if self._ending.is_set() or self.wrong:
                        break
                    began = time.monotonic()
                    work(client, number)
                    self._ending.wait(began + self._pace - time.monotonic())
            except (OSError, http.client.HTTPException, Refused, AssertionError) as problem:
                self.wrong.append(problem)
            with self._counting:
                self.again += client.again
                self.unlucky += client.unlucky
