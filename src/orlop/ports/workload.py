"""Those who can be asked whether a foreign token is genuine: OpenID Connect issuers, and AWS."""

from collections.abc import Mapping
from typing import Any, Protocol

from orlop.domain.identity.trusts import OidcTrust


class TokenIssuers(Protocol):
    """Issuers of signed tokens, each known by its public keys."""

    async def verify(self, token: str, trust: OidcTrust) -> Mapping[str, Any]:
        """The claims of a token that the trust's issuer signed with an algorithm that the trust believes.

        What they say is not looked at. Raises Unauthorized for a token that it did not sign, and Unavailable when it
        cannot be asked for its keys.
        """
        ...


class CallerIdentities(Protocol):
    """AWS, asked in the name of somebody who signed the question."""

    def is_question(self, token: str) -> bool:
        """Whether a token is such a question, or wants to be one."""
        ...

    async def ask(self, token: str, audience: str) -> str:
        """The ARN of whoever signed it for this audience.

        Raises Unauthorized for a question that is not exactly that one or that AWS does not take, and Unavailable when
        AWS cannot be asked.
        """
        ...
