"""The workers that listen on one address, and who of them lets the next client in.

Whoever is awake takes a client, so that nothing is handed on. With keep-alive a client stays where it is, and of eight
one worker may get six: a third less is done then than with four each.
"""

from collections.abc import MutableSequence, Sequence

#: For how long a client is left to a worker that has fewer, in seconds: longer than a busy one takes to look up.
_COURTESY = 0.01


class Siblings:
    """`clients` of each worker, in memory that they share; `serving`: which of them serve; `own`: the place of this
    one."""

    def __init__(self, clients: MutableSequence[int], serving: Sequence[int], own: int) -> None:
        self._clients = clients
        self._serving = serving
        self._own = own
        self._courtesy = _COURTESY
        self._before = list(clients)

    def tell(self, clients: int) -> None:
        """So many are here."""
        self._clients[self._own] = clients

    def patience(self) -> float:
        """For how long to leave the next client to others, in seconds: 0 when none of them has fewer."""
        self._before = list(self._clients)
        own = self._clients[self._own]
        for place, is_serving in enumerate(self._serving):
            if is_serving and self._clients[place] < own:
                return self._courtesy
        return 0.0

    def was_in_vain(self) -> bool:
        """Whether nobody of them came for it. They are waited for half as long next time: who has fewer may hang, and
        clients do not wait."""
        in_vain = self._before == list(self._clients)
        self._courtesy = self._courtesy / 2 if in_vain else _COURTESY
        return in_vain


def alone() -> Siblings:
    """Of a worker without siblings."""
    return Siblings([0], [1], 0)
