"""How registries want to be signed in to, and what a setting has to say for each way."""

import re
from enum import StrEnum

import msgspec

from orlop.domain.identity.providers import is_loopback_host
from orlop.domain.upstreams.clouds import ecr_api, is_region

_TENANT = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.-]{0,251}[A-Za-z0-9])?", re.ASCII)
_URL = re.compile(
    r"(?P<scheme>https?)://(?P<host>[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?P<port>:[0-9]{1,5})?/[!-~]*", re.ASCII
)


class SignIn(StrEnum):
    """How a registry wants to be signed in to."""

    REGISTRY = "registry"
    """As it asks itself: Basic, or a token of the server that it names. With no user: as nobody."""
    ECR = "ecr"
    """Amazon ECR: `GetAuthorizationToken`, signed with SigV4 by an access key; the token holds for 12 hours."""
    GOOGLE = "google"
    """Google Artifact Registry: an access token for the key of a service account, or for the machine's own identity."""
    AZURE = "azure"
    """Azure ACR: `/oauth2/exchange` of an access token of a service principal, or of the machine's own identity."""


def is_kept(text: str) -> bool:
    """Whether a secret says where it is kept."""
    return text.startswith(("env:", "file:"))


class _GoogleKey(msgspec.Struct):
    client_email: str
    private_key: str


class Signing(msgspec.Struct, frozen=True, kw_only=True):
    """What a setting says of it: see Upstream."""

    host: str
    sign_in: SignIn
    user: str
    passwords: tuple[str, ...]
    session_token: str
    region: str
    tenant: str
    sign_in_url: str
    trust_realms: tuple[str, ...]


def check_sign_in(setting: Signing) -> None:
    """Raises ValueError for a setting that cannot be signed in with, as far as its words tell."""
    for field, text, way in (
        ("session_token", setting.session_token, SignIn.ECR),
        ("region", setting.region, SignIn.ECR),
        ("tenant", setting.tenant, SignIn.AZURE),
    ):
        if text and setting.sign_in is not way:
            raise ValueError(f"{field} is for the sign-in {way} alone")
    if setting.sign_in_url:
        _check_url(setting)
    match setting.sign_in:
        case SignIn.ECR:
            _check_ecr(setting)
        case SignIn.GOOGLE:
            for password in setting.passwords:
                _check_google(password)
        case SignIn.AZURE:
            if setting.tenant and not _TENANT.fullmatch(setting.tenant):
                raise ValueError("tenant: write the id of the directory, or a domain of it")
            if setting.user and not setting.tenant:
                raise ValueError("tenant: name the directory that the service principal is of, by its id or a domain")


def _check_ecr(setting: Signing) -> None:
    if setting.region and not is_region(setting.region):
        raise ValueError(f"region: {setting.region!r} is no region such as eu-central-1")
    if ecr_api(setting.host, setting.region) is None:
        raise ValueError(
            f"region: it cannot be told from {setting.host}, which is not like "
            "123456789012.dkr.ecr.eu-central-1.amazonaws.com; write it"
        )
    if setting.session_token and not setting.user:
        raise ValueError("session_token goes with user and password")


def _check_google(password: str) -> None:
    if is_kept(password):
        return
    try:
        key = msgspec.json.decode(password, type=_GoogleKey)
    except (msgspec.MsgspecError, RecursionError) as cause:
        raise ValueError(
            "password: for the sign-in google it is the key of a service account, as JSON; an access token or a key for"
            " _json_key is given with the sign-in registry"
        ) from cause
    if "PRIVATE KEY-----" not in key.private_key:
        raise ValueError("password: the key of the service account has no private_key in PEM")


def _check_url(setting: Signing) -> None:
    """Credentials go there: only where the setting says that they may."""
    if setting.sign_in is SignIn.REGISTRY:
        raise ValueError("sign_in_url is for the sign-ins ecr, google and azure; a registry names its token server")
    found = _URL.fullmatch(setting.sign_in_url)
    if found is None:
        raise ValueError("sign_in_url: write it as https://tokens.example.org/path")
    host = found["host"].strip("[]").lower()
    if found["scheme"] != "https" and not is_loopback_host(host):
        raise ValueError("sign_in_url: credentials are sent over https alone, or to this machine")
    authority = f"{host}{found['port'] or ''}"
    if host != setting.host and not {host, authority} & set(setting.trust_realms):
        raise ValueError(f"sign_in_url: credentials go to {host} only if trust_realms names it")
