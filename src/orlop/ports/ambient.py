"""Who a program is by where it runs: the tokens that CI systems, clusters and clouds give to what runs in them."""

from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.errors import RegistryError


class Surrounding(StrEnum):
    """Where a program can run."""

    GITHUB = "github"
    TOKEN = "token"  # noqa: S105 - the name of a place
    """Anywhere that gives a token by a variable or a file: GitLab CI, Kubernetes, Buildkite, CircleCI and others."""
    AWS = "aws"
    GOOGLE = "google"


class AmbientUnusable(RegistryError):
    """There is an identity here, and it cannot be had."""

    code = "UNAUTHORIZED"


class AmbientToken(msgspec.Struct, frozen=True):
    """A token and where it comes from. Never shown when printed."""

    text: str
    where: Surrounding
    expires_at: int
    """Seconds since 1970."""

    def __repr__(self) -> str:
        return f"AmbientToken({self.where.value}, {self.expires_at})"


class AmbientSearch(msgspec.Struct, frozen=True):
    """Where to look; nothing: everywhere."""

    surrounding: Surrounding | None = None
    variable: str = ""
    """The environment variable that holds a token."""
    file: str = ""
    """The file that holds a token."""


class AmbientIdentity(Protocol):
    """Finds the identity of this program."""

    async def find(self, audience: str, search: AmbientSearch) -> AmbientToken | None:
        """A token for one registry alone, by the name that clients know it under; None when this is no such place.

        Raises AmbientUnusable where there is one, and it fails.
        """
        ...
