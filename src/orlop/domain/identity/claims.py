"""What an OpenID provider says of somebody, as this registry understands it by the provider's rules."""

import re
from collections.abc import Mapping
from typing import Any

import msgspec

from orlop.domain.access.subjects import is_user_name
from orlop.domain.errors import Denied
from orlop.domain.identity.providers import OidcProvider, UserNameRule

_NOT_IN_NAMES = re.compile(r"[^a-z0-9._@-]+", re.ASCII)
_DISPLAY_MAX, _EMAIL_MAX, _GROUPS_MAX = 128, 254, 10_000
_EMAIL = re.compile(r"[^\s@<>\"(),:;\\\[\]]{1,64}@[A-Za-z0-9.-]{1,189}", re.ASCII)


class Person(msgspec.Struct, frozen=True):
    """Somebody who may sign in."""

    external: str
    """The `sub`."""
    name: str
    display: str
    email: str
    """Empty unless the provider vouches for it."""
    groups: tuple[str, ...] | None
    """Groups here, in order; None where the provider knows no groups."""


def person_of(provider: OidcProvider, claims: Mapping[str, Any]) -> Person:
    """The person that verified claims are about. Raises Denied, with the rule, for one who may not sign in."""
    sub = claims.get("sub")
    if not isinstance(sub, str) or not 0 < len(sub) <= 255 or not sub.isprintable():
        raise Denied("the provider does not say who this is: the claim sub is missing or no text")
    email = _email(provider, claims)
    _check_domain(provider, email)
    there = _groups(provider, claims)
    if provider.allowed_groups and not set(provider.allowed_groups) & there:
        raise Denied("the provider says that this account is in none of the groups that may sign in here")
    return Person(
        external=sub,
        name=_user_name(provider.user_name, provider, claims, email),
        display=_line(_text(claims, provider.display_claim), _DISPLAY_MAX),
        email=email,
        groups=_mapped(provider, there),
    )


def claim(claims: Mapping[str, Any], path: str) -> Any:
    """The claim of that name, or else what the path of names with dots leads to; None where there is nothing."""
    if path in claims:
        return claims[path]
    found: Any = claims
    for name in path.split("."):
        if not isinstance(found, Mapping) or name not in found:
            return None
        found = found[name]
    return found


def names_groups(provider: OidcProvider, claims: Mapping[str, Any]) -> bool:
    """Whether claims hold what is to be known of groups, so that nobody else has to be asked."""
    return not provider.groups_claim or claim(claims, provider.groups_claim) is not None


def user_name(rule: UserNameRule, text: str) -> str:
    """The name that somebody gets here. Raises Denied when none can be made of it."""
    name = text.partition("@")[0] if rule.strip_domain else text
    name = rule.prefix + _NOT_IN_NAMES.sub("-", name.lower()).strip("._@-")
    if not is_user_name(name):
        raise Denied(f"no user name can be made of {_line(text, 64)!r}: let the provider's rule use another claim")
    return name


def _user_name(rule: UserNameRule, provider: OidcProvider, claims: Mapping[str, Any], email: str) -> str:
    text = email if rule.claim == provider.email_claim else _text(claims, rule.claim)
    if not text:
        raise Denied(f"the provider does not say what to call this account: there is no claim {rule.claim}")
    if rule.strip_domain and "@" in text and text.rpartition("@")[2].lower() not in provider.allowed_domains:
        raise Denied(f"the name {_line(text, 64)!r} is of a domain that may not sign in here")
    return user_name(rule, text)


def _email(provider: OidcProvider, claims: Mapping[str, Any]) -> str:
    """The address, if the provider says that it was verified, or is trusted with that."""
    text = _text(claims, provider.email_claim)
    said = claims.get("email_verified")
    verified = said is True or said == "true" or (provider.trust_email and said is None)
    return text if verified and len(text) <= _EMAIL_MAX and _EMAIL.fullmatch(text) else ""


def _check_domain(provider: OidcProvider, email: str) -> None:
    if not provider.allowed_domains:
        return
    if not email:
        raise Denied("only some domains may sign in here, and the provider vouches for no address of this account")
    if email.rpartition("@")[2].lower() not in provider.allowed_domains:
        raise Denied("the address of this account is of a domain that may not sign in here")


def _groups(provider: OidcProvider, claims: Mapping[str, Any]) -> frozenset[str]:
    if not provider.groups_claim:
        return frozenset()
    said = claim(claims, provider.groups_claim)
    distributed = claims.get("_claim_names")  # OpenID Connect Core 1.0, section 5.6.2
    if said is None and isinstance(distributed, Mapping) and provider.groups_claim in distributed:
        raise Denied("the provider left out the groups, which are too many: let it send only those of this application")
    if isinstance(said, str):
        return frozenset({said})
    if not isinstance(said, list):
        return frozenset()
    return frozenset(each for each in said[:_GROUPS_MAX] if isinstance(each, str))


def _mapped(provider: OidcProvider, there: frozenset[str]) -> tuple[str, ...] | None:
    if not provider.groups_claim and not provider.groups:
        return None
    return tuple(sorted({here for name, here in provider.groups.items() if name == "*" or name in there}))


def _text(claims: Mapping[str, Any], path: str) -> str:
    found = claim(claims, path)
    return found if isinstance(found, str) else ""


def _line(text: str, limit: int) -> str:
    """Fit to be shown: one line of printable characters, bounded."""
    return " ".join("".join(c if c.isprintable() else " " for c in text[: 4 * limit]).split())[:limit]
