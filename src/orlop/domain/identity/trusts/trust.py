"""The two kinds of trusts, checked as they are made: one that exists is safe to ask."""

import re
from typing import Any, Literal

import msgspec

from orlop.domain.access.actions import Action
from orlop.domain.access.subjects import is_robot_name
from orlop.domain.errors import RequestInvalid
from orlop.domain.identity.trusts.arns import check_trusted
from orlop.domain.identity.trusts.claims import Wanted, check_claims
from orlop.domain.identity.trusts.issuers import GITHUB, GITLAB, GOOGLE, check_network, check_url, shared_preset
from orlop.domain.identity.trusts.pinned import check_pinned
from orlop.domain.settings import SettingKind, SpeaksFor

#: The kind of the documents that hold trusts.
KIND = "trust"

Preset = Literal["", "github", "gitlab", "kubernetes", "google"]

#: Signatures that are believed (RFC 7518, section 3.1; RFC 8037; RFC 9864). Nothing that a public key could have made.
ALGORITHMS = frozenset(
    {"RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512", "EdDSA", "Ed25519"}
)

#: Audiences that tokens are made for everywhere: whoever receives one there could come with it here.
_EVERYWHERE = frozenset(
    {
        "sts.amazonaws.com",
        "api://azureadtokenexchange",
        "sigstore",
        "vault",
        "kubernetes",
        "pypi",
        "https://kubernetes.default.svc",
        "https://kubernetes.default.svc.cluster.local",
        "https://iam.googleapis.com",
    }
)

_DEFAULT_ISSUERS = {"github": GITHUB, "gitlab": GITLAB, "google": GOOGLE}
_AUDIENCE = re.compile(r"[!-~]{1,255}", re.ASCII)
_CERTIFICATES = re.compile(
    r"\s*(?:-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)+", re.ASCII
)
_MINUTES_MAX = 60
_DESCRIPTION_MAX = 1000
_NETWORKS_MAX = 16
_CA_MAX = 256 * 1024


class _Common(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """What every trust says. Raises ValueError for what is wrong, which is a ValidationError where JSON is read."""

    robot: str
    """The robot that whoever comes with such a token is."""
    audience: str
    """Whom the token has to be made for: this registry, by the name that clients know it under (`host[:port]`)."""
    minutes: int = 15
    """How long what they get for it may be used."""
    description: str = ""

    def __post_init__(self) -> None:
        if not is_robot_name(self.robot):
            raise ValueError(f"robot {self.robot[:130]!r} is not the name of a robot, such as robot+ci")
        if not 1 <= self.minutes <= _MINUTES_MAX:
            raise ValueError(f"minutes is a number from 1 to {_MINUTES_MAX}, not {self.minutes}")
        if len(self.description) > _DESCRIPTION_MAX:
            raise ValueError(f"description is longer than {_DESCRIPTION_MAX} characters")
        if not _AUDIENCE.fullmatch(self.audience):
            raise ValueError("audience is 1 to 255 visible characters: this registry's name")
        if self.audience.lower().rstrip("/") in _EVERYWHERE or "*" in self.audience:
            raise ValueError(
                f"audience {self.audience!r} is not this registry's alone: tokens made for others would do here;"
                " use this registry's name"
            )


class OidcTrust(_Common, frozen=True, kw_only=True, tag="oidc", tag_field="kind"):
    """Tokens of an OpenID Connect issuer become a robot. `issuer` is their `iss`, character by character."""

    preset: Preset = ""
    """What is known of the issuer's claims; empty: nothing."""
    issuer: str = ""
    """Empty: the public one of the preset."""
    claims: dict[str, Wanted]
    """What the token's claims have to be, all of them."""
    algorithms: tuple[str, ...] = ("RS256", "ES256")
    """The signatures that are believed."""
    jwks: dict[str, Any] | None = None
    """The issuer's public keys (RFC 7517); None: the issuer is asked for them."""
    ca: str = ""
    """The authorities that the issuer's own certificate may come from, in PEM; empty: the machine's."""
    addresses: tuple[str, ...] = ()
    """Private addresses and networks that the issuer may have; those of this machine, too, only if they stand here."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if not self.issuer and self.preset in _DEFAULT_ISSUERS:
            msgspec.structs.force_setattr(self, "issuer", _DEFAULT_ISSUERS[self.preset])
        if not self.issuer:
            raise ValueError("issuer is missing: the iss of the tokens, such as https://issuer.example.com")
        check_url(self.issuer, "issuer")
        if self.preset == "google" and self.issuer != GOOGLE:
            raise ValueError(f"issuer of Google's tokens is {GOOGLE}")
        known = shared_preset(self.issuer)
        if known and self.preset != known:
            raise ValueError(f"preset has to be {known}: {self.issuer} signs for everybody")
        if not self.algorithms or not ALGORITHMS.issuperset(self.algorithms):
            raise ValueError(f"algorithms are some of {', '.join(sorted(ALGORITHMS))}")
        check_claims(self.preset, self.claims)
        if self.jwks is not None:
            check_pinned(self.jwks)
        if self.jwks is not None and (self.ca or self.addresses):
            raise ValueError("ca and addresses are for asking the issuer, and pinned jwks are not asked for")
        if len(self.ca) > _CA_MAX or (self.ca and not _CERTIFICATES.fullmatch(self.ca)):
            raise ValueError("ca is not a list of certificates in PEM")
        if len(self.addresses) > _NETWORKS_MAX:
            raise ValueError(f"addresses: more than {_NETWORKS_MAX} of them")
        for text in self.addresses:
            check_network(text)


class AwsTrust(_Common, frozen=True, kw_only=True, tag="aws-iam", tag_field="kind"):
    """Whoever AWS says they are becomes a robot: they bring a signed question who they are, which AWS answers."""

    principal: str
    """ARN of a role or user, such as `arn:aws:iam::123456789012:role/ci-push`, a role without its path. A `*` in the
    name stands for anything within a component."""

    def __post_init__(self) -> None:
        super().__post_init__()
        check_trusted(self.principal)


Trust = OidcTrust | AwsTrust

#: Trusts as settings: to make one takes the right to sign in as its robot.
TRUSTS = SettingKind(
    kind=KIND,
    plural="trusts",
    text="Issuers whose tokens stand for robots, so that CI keeps no secret.",
    body=Trust,
    speaks_for=lambda name, before, trust: SpeaksFor((trust.robot,)),
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    rights=True,
)

_decoder: msgspec.json.Decoder[OidcTrust | AwsTrust] = msgspec.json.Decoder(OidcTrust | AwsTrust)


def read_trust(body: bytes) -> Trust:
    """The trust that a document says. Raises RequestInvalid."""
    try:
        return _decoder.decode(body)
    except msgspec.ValidationError as cause:
        raise RequestInvalid(f"not a trust: {cause}") from cause
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as cause:
        raise RequestInvalid("not a trust: the body is not JSON") from cause


def write_trust(trust: Trust) -> bytes:
    """The body of the document."""
    return msgspec.json.encode(trust)
