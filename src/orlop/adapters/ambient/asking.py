"""A short question over HTTP to whoever gives out tokens, and what a token says of its end."""

import aiohttp

from orlop.domain.identity.trusts.tokens import TOKEN_MAX, object_of
from orlop.ports.ambient import AmbientToken, AmbientUnusable, Surrounding

_SECONDS = 10.0
_ANSWER_MAX = 64 * 1024


class NobodyThere(Exception):
    """No connection could be made."""


async def ask(url: str, headers: dict[str, str], *, proxies: bool, seconds: float = _SECONDS) -> tuple[int, bytes, str]:
    """Status, body and `Metadata-Flavor` of an answer. Raises NobodyThere, and AmbientUnusable for a broken answer."""
    timeout = aiohttp.ClientTimeout(total=seconds)
    try:
        async with (
            aiohttp.ClientSession(trust_env=proxies, timeout=timeout) as session,
            session.get(url, headers={"User-Agent": "orlop", **headers}, allow_redirects=False) as response,
        ):
            body = await response.content.read(_ANSWER_MAX)
            return response.status, body, response.headers.get("Metadata-Flavor", "")
    except (aiohttp.ClientConnectorError, TimeoutError) as cause:
        raise NobodyThere from cause
    except (aiohttp.ClientError, OSError, ValueError) as cause:
        raise AmbientUnusable(f"whoever gives out tokens here does not answer: {cause}") from cause


def read(text: str, where: Surrounding, source: str) -> AmbientToken:
    """A token that is one by its looks. Raises AmbientUnusable."""
    token = text.strip()
    claims = object_of(token.split(".")[1]) if token.count(".") == 2 and len(token) <= TOKEN_MAX else None
    expires_at = claims.get("exp") if claims is not None else None
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise AmbientUnusable(f"{source} holds no token of an OpenID Connect issuer")
    return AmbientToken(token, where, int(expires_at))
