"""What a provider says of itself (OpenID Connect Discovery 1.0), as far as it is used here."""

from collections.abc import Callable
from typing import Any

import msgspec

from orlop.domain.errors import Unavailable


class Metadata(msgspec.Struct, frozen=True):
    """Section 3 of the specification; addresses are checked."""

    issuer: str
    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    userinfo_endpoint: str = ""
    token_endpoint_auth_methods_supported: tuple[str, ...] = ("client_secret_basic",)
    id_token_signing_alg_values_supported: tuple[str, ...] = ()
    response_types_supported: tuple[str, ...] = ("code",)
    authorization_response_iss_parameter_supported: bool = False
    """RFC 9207: the answer in the browser says which provider it is of."""


def discovery_address(issuer: str) -> str:
    """Where the document is: "If the Issuer value contains a path component, any terminating / MUST be removed before
    appending /.well-known/openid-configuration" (section 4.1)."""
    return f"{issuer.rstrip('/')}/.well-known/openid-configuration"


def parse_metadata(said: dict[str, Any], issuer: str, permitted: Callable[[str], bool]) -> Metadata:
    """The document of the provider that calls itself `issuer`. Raises Unavailable for one that cannot be used."""
    try:
        found = msgspec.convert(said, Metadata)
    except msgspec.ValidationError as cause:
        raise Unavailable(f"the discovery document of {issuer} cannot be used: {cause}") from cause
    # "The issuer value returned MUST be identical to the Issuer URL that was used as the prefix" (section 4.3)
    if found.issuer != issuer:
        raise Unavailable(
            f"the provider at {issuer} says of itself that it is another issuer; set issuer to what it says"
        )
    addresses = {
        "authorization_endpoint": found.authorization_endpoint,
        "token_endpoint": found.token_endpoint,
        "jwks_uri": found.jwks_uri,
        "userinfo_endpoint": found.userinfo_endpoint,
    }
    for name, address in addresses.items():
        if address and not permitted(address):
            raise Unavailable(f"the discovery document of {issuer} names an address that may not be used: {name}")
    if "code" not in found.response_types_supported:
        raise Unavailable(f"the provider {issuer} has no code flow, and no other is used here")
    return found
