"""`orlop credential-provider`: gives the kubelet what pulls need, by the identity of a pod's service account or a node.

The protocol is "Kubelet credential provider (v1)" and "Configure a kubelet image credential provider" (Kubernetes
documentation): one request on standard input, one response on standard output; a failure is an exit code above 0.
"""

import sys
import time
from typing import Annotated

import cyclopts
import msgspec
from cyclopts import Parameter

from orlop.domain.errors import NameInvalid
from orlop.domain.identity.trusts.tokens import TOKEN_MAX, object_of
from orlop.domain.references import parse_image_reference
from orlop.faces.cli.running import UsageError, run
from orlop.faces.cli.sign_in.ambient import USER, LoginTools, Looking
from orlop.ports.ambient import AmbientUnusable

_VERSIONS = frozenset({"credentialprovider.kubelet.k8s.io/v1", "credentialprovider.kubelet.k8s.io/v1beta1"})
_REQUEST = "CredentialProviderRequest"
_RESPONSE = "CredentialProviderResponse"
_SENT_MAX = 256 * 1024
_LOOKING = Looking()

#: Seconds before the end of a token from which on the kubelet asks anew: a pull takes its time.
_MARGIN = 60
_LONGEST = 3600


class _Request(msgspec.Struct, rename="camel"):
    kind: str
    api_version: str
    image: str
    service_account_token: str = ""
    """With `tokenAttributes` in the kubelet's configuration: a token of the pod's service account, for the audience
    that is named there."""


class _Auth(msgspec.Struct):
    username: str
    password: str


class _Response(msgspec.Struct, rename="camel"):
    kind: str
    api_version: str
    cache_key_type: str
    cache_duration: str
    auth: dict[str, _Auth]


def register(app: cyclopts.App, tools: LoginTools) -> None:
    """Add `orlop credential-provider` to `app`."""

    @app.command(name="credential-provider")
    def credential_provider(*, audience: Annotated[str, Parameter()] = "", looking: Looking = _LOOKING) -> int:
        """Answer the kubelet, which runs this as a plugin: a request on standard input, a response on standard output.

        Parameters
        ----------
        audience
            Whom a node's token is to be made for [default: the registry of the image].
        """

        async def work() -> None:
            sent = sys.stdin.buffer.read(_SENT_MAX)
            print(await respond(sent, tools, looking, audience, int(time.time())))

        return run(work)


async def respond(sent: bytes, tools: LoginTools, looking: Looking, audience: str, now: int) -> str:
    """The response to a request; `now` in seconds since 1970. Raises UsageError, AmbientUnusable."""
    try:
        request = msgspec.json.decode(sent, type=_Request)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UsageError(f"standard input holds no {_REQUEST}: {cause}") from cause
    if request.kind != _REQUEST or request.api_version not in _VERSIONS:
        raise UsageError(
            f"standard input holds a {request.kind[:60]!r} of {request.api_version[:60]!r}; that is not known"
        )
    try:
        registry = parse_image_reference(request.image).registry
    except NameInvalid as cause:
        raise UsageError(f"the request's image {request.image[:160]!r}: {cause.message}") from cause
    if request.service_account_token:
        text, expires_at = request.service_account_token, _expiry(request.service_account_token)
    else:
        found = await tools.identity().find(audience or registry, looking.search)
        if found is None:
            raise AmbientUnusable("nothing here says which node this is; name a token with --token-file or --from")
        text, expires_at = found.text, found.expires_at
    response = _Response(
        _RESPONSE,
        request.api_version,
        "Registry",
        f"{min(max(expires_at - now - _MARGIN, 0), _LONGEST)}s",
        {registry: _Auth(USER, text)},
    )
    return msgspec.json.encode(response).decode()


def _expiry(token: str) -> int:
    claims = object_of(token.split(".")[1]) if token.count(".") == 2 and len(token) <= TOKEN_MAX else None
    expires_at = claims.get("exp") if claims is not None else None
    if isinstance(expires_at, bool) or not isinstance(expires_at, int | float):
        raise AmbientUnusable("the request's serviceAccountToken is no token of a cluster")
    return int(expires_at)
