"""Amazon ECR: a password for 12 hours by GetAuthorizationToken, signed with Signature Version 4 ("Amazon ECR API
Reference", GetAuthorizationToken; "Amazon ECR Public API Reference", the same)."""

import asyncio
import base64
import binascii
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import msgspec
from yarl import URL

from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import Lent
from orlop.adapters.upstream.errors import error_of
from orlop.adapters.upstream.lending import Ask, read, shown
from orlop.adapters.upstream.transport import Answer, Call
from orlop.domain.errors import TooManyRequests, Unauthorized
from orlop.domain.upstreams.clouds import EcrApi
from orlop.ports.upstream import UpstreamError

_TARGETS = {
    "ecr": "AmazonEC2ContainerRegistry_V20150921.GetAuthorizationToken",
    "ecr-public": "SpencerFrontendService.GetAuthorizationToken",
}


class AccessKey(NamedTuple):
    """Of an account of AWS."""

    name: str
    secret: str
    session: str = ""


class _Authorization(msgspec.Struct, rename="camel"):
    authorization_token: str
    expires_at: float


class _Granted(msgspec.Struct, rename="camel"):
    authorization_data: tuple[_Authorization, ...] | _Authorization


class _Refusal(msgspec.Struct):
    kind: str = msgspec.field(name="__type", default="")
    message: str = ""
    other: str = msgspec.field(name="Message", default="")


class EcrLender:
    """Lends what `docker login` takes. `wall` tells the seconds since 1970."""

    def __init__(
        self, ask: Ask, api: EcrApi, key: Callable[[], Awaitable[AccessKey]], wall: Callable[[], float]
    ) -> None:
        self._ask = ask
        self._api = api
        self._key = key
        self._wall = wall

    async def __call__(self) -> Lent:
        """Raises Unauthorized, UpstreamError."""
        call = await asyncio.to_thread(_signed, self._api, await self._key())
        answer = await self._ask(call)
        if answer.status != 200:
            raise _error(answer)
        granted = read(answer, _Granted).authorization_data
        first = granted if isinstance(granted, _Authorization) else next(iter(granted), None)
        try:
            user, colon, password = base64.b64decode(first.authorization_token if first else "").decode().partition(":")
        except (binascii.Error, ValueError):
            colon = ""
        if first is None or not colon:
            raise UpstreamError(f"{answer.url.authority} did not answer with a token")
        return Lent(Credentials(user, password), first.expires_at - self._wall())


async def key_of_this_machine() -> AccessKey:
    """What AWS's own tools find: variables, files, web identity, containers, instances. Raises UpstreamError."""
    from aiobotocore.session import get_session
    from botocore.exceptions import BotoCoreError

    try:
        found = await get_session().get_credentials()
        frozen = await found.get_frozen_credentials() if found is not None else None
    except BotoCoreError as cause:
        raise UpstreamError(f"the credentials of AWS of this machine cannot be had: {cause}") from cause
    if frozen is None:
        raise UpstreamError("this machine has no credentials of AWS; give the upstream a user and a password")
    return AccessKey(frozen.access_key, frozen.secret_key, frozen.token or "")


def _signed(api: EcrApi, key: AccessKey) -> Call:
    from botocore.auth import SigV4Auth
    from botocore.awsrequest import AWSRequest
    from botocore.credentials import Credentials as Keys

    headers = {"Content-Type": "application/x-amz-json-1.1", "X-Amz-Target": _TARGETS[api.service]}
    request = AWSRequest("POST", api.url, headers=headers, data=b"{}")
    SigV4Auth(Keys(key.name, key.secret, key.session or None), api.service, api.region).add_auth(request)
    return Call("POST", URL(api.url), dict(request.headers.items()), b"{}")


def _error(answer: Answer) -> Exception:
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refusal = _Refusal()
    kind = refusal.kind.rpartition("#")[2]
    words = shown(refusal.message or refusal.other or kind or f"status {answer.status}")
    if kind == "ThrottlingException":
        return TooManyRequests(f"{answer.url.authority}: {words}", retry_after=round(answer.retry_after or 1))
    if answer.status in (400, 401, 403):
        return Unauthorized(f"Amazon ECR gives no token: {words}; {answer.advice.sign_in}")
    return error_of(answer, f"signing in at {answer.url.authority}", UpstreamError)
