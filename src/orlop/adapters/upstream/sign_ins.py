"""Whom to be at a registry: what `orlop login` keeps comes before what docker and podman keep."""

from collections.abc import Callable

from orlop.adapters.upstream.credentials import Credentials, CredentialSource
from orlop.domain.errors import Unauthorized
from orlop.domain.names import RepositoryName
from orlop.ports.management import SavedSignIns

_ORLOP = "orlop login"


class SignIns:
    """See CredentialSource. `url_of` tells under which URL a registry is asked: a secret kept for https stays there.

    `ambient`: the name of sign-ins of a place, of which `others` have a fresher one. `wanted`: nobody else than the
    account of this name will do, where anybody is signed in at all.
    """

    def __init__(
        self,
        saved: SavedSignIns,
        others: CredentialSource,
        url_of: Callable[[str], str],
        *,
        ambient: str,
        wanted: str = "",
    ) -> None:
        self._saved = saved
        self._others = others
        self._url_of = url_of
        self._ambient = ambient
        self._wanted = wanted

    async def find(self, registry: str, repository: RepositoryName | None = None) -> Credentials | None:
        """For a registry, or a repository of it. Raises UpstreamError; Unauthorized where others are signed in."""
        kept = self._kept(registry)
        if kept is not None and self._wanted in ("", kept.username):
            return kept
        other = await self._others.find(registry, repository)
        if self._wanted and (kept or other) and (other is None or other.username != self._wanted):
            there = ", ".join(f"{one.username or 'somebody'} (by {one.kept_by})" for one in (kept, other) if one)
            raise Unauthorized(f"nobody is signed in at {registry} as {self._wanted}; signed in: {there}")
        return other

    def _kept(self, registry: str) -> Credentials | None:
        found = self._saved.find(self._url_of(registry))
        if found is None or found.name == self._ambient:
            return None
        return Credentials(found.name, found.secret, kept_by=_ORLOP)
