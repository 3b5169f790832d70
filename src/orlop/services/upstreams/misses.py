"""What upstreams do not have, remembered by a worker for a moment: whoever asks again at once asks nobody."""

from collections import OrderedDict
from typing import Any

from orlop.domain.durations import SECOND
from orlop.domain.errors import RegistryError
from orlop.domain.names import RepositoryName
from orlop.ports.clock import Clock

#: For how long, in microseconds, and of how many things.
_HOLDS, _REMEMBERED = 10 * SECOND, 10_000


class Misses:
    """The manifests, tags or blobs of repositories that were not there."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._known: OrderedDict[tuple[RepositoryName, str], tuple[int, type[RegistryError], str, Any]] = OrderedDict()

    def refuse(self, repository: RepositoryName, what: str) -> None:
        """Raises what was remembered."""
        until, kind, message, detail = self._known.get((repository, what), _NOTHING)
        if until > self._clock.now():
            raise kind(message, detail)

    def remember(self, repository: RepositoryName, what: str, failure: RegistryError) -> RegistryError:
        """That something is missing, as `failure` says, which comes back."""
        self._known[repository, what] = self._clock.now() + _HOLDS, type(failure), failure.message, failure.detail
        self._known.move_to_end((repository, what))
        if len(self._known) > _REMEMBERED:
            self._known.popitem(last=False)
        return failure


_NOTHING: tuple[int, type[RegistryError], str, Any] = (0, RegistryError, "", None)
