"""Certificates of clients, and the rules that say which account one stands for."""

import re
from collections.abc import Iterable
from functools import lru_cache, partial
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.access.roles import ROLES
from orlop.domain.access.subjects import ROBOT_PREFIX, is_robot_name, is_user_name
from orlop.domain.errors import Unauthorized
from orlop.domain.settings import SettingKind, SpeaksFor

#: What a placeholder stands for, by what of the certificate is looked at: nothing that would end its part of a name.
_PARTS = {"dns": r"[a-z0-9_-]+", "email": r"[a-z0-9._-]+", "uri": r"[A-Za-z0-9._-]+", "subject": r"[A-Za-z0-9._@-]+"}
_PLACEHOLDER = re.compile(r"\{([a-z][a-z0-9_]{0,31})\}", re.ASCII)
_FINGERPRINT = re.compile(r"[0-9a-f]{64}", re.ASCII)
#: Names in which case means nothing: "the domain names "Example.com" and "example.com" … MUST be treated as equivalent"
#: (RFC 5280, section 7.2); mailboxes are told apart by case nowhere.
_FOLDED = ("dns:", "email:")


class ClientCertificate(msgspec.Struct, frozen=True):
    """A certificate that was found good: signed by an authority that is trusted, in its time, and not revoked."""

    subject: str
    """As RFC 4514 writes it, the most specific part first: `CN=ci,OU=Build,O=Example`."""
    issuer: str
    names: tuple[str, ...]
    """What a rule may look at: `subject:…`, `sha256:…` of the whole, and the subjectAltNames as `dns:`, `uri:` and
    `email:`."""
    ends_at: int
    """Until when it is good, in microseconds since 1970."""

    @property
    def shown(self) -> str:
        """What it is called in sentences and in the audit log: its subject, or a name where that is empty."""
        return self.subject or next((name for name in self.names if not name.startswith(("subject:", "sha256:"))), "-")


def folded(name: str) -> str:
    """A name as it is compared."""
    return name.lower() if name.startswith(_FOLDED) else name


class CertificateRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Whoever comes with such a certificate is this account."""

    match: Annotated[
        str,
        Meta(
            max_length=1024,
            description="What the certificate says: `subject:CN=ci,O=Example` (RFC 4514, the most specific part "
            "first), `dns:`, `uri:` or `email:` with one of its subjectAltNames, or `sha256:` with its fingerprint. "
            "`{name}` stands for one part of a name.",
        ),
    ]
    account: Annotated[
        str,
        Meta(
            max_length=160,
            description="The user or robot that it stands for, such as `robot+ci`; `{name}` is what stood there in the "
            "certificate.",
        ),
    ]
    issuer: Annotated[
        str,
        Meta(max_length=1024, description="Who has to have issued it (RFC 4514); empty: any authority in tls.clients."),
    ] = ""
    description: Annotated[str, Meta(max_length=1000, description="What it is for.")] = ""

    def __post_init__(self) -> None:
        kind, colon, pattern = self.match.partition(":")
        if not colon or not pattern or kind not in {*_PARTS, "sha256"}:
            raise ValueError("match begins with subject:, dns:, uri:, email: or sha256:, and says what stands there")
        if not self.match.isprintable():
            raise ValueError("match has characters that cannot be shown")
        if kind == "sha256" and not _FINGERPRINT.fullmatch(pattern):
            raise ValueError("match: a fingerprint is 64 digits from 0 to f, without colons")
        found = _PLACEHOLDER.findall(pattern)
        if len(found) != len(set(found)):
            raise ValueError("match has a placeholder twice")
        missing = sorted(set(_PLACEHOLDER.findall(self.account)) - set(found))
        if missing:
            raise ValueError(f"account has {{{missing[0]}}}, which stands nowhere in match")
        if not _is_account(_PLACEHOLDER.sub("x", self.account)):
            raise ValueError(f"account {self.account!r} is the name of no user and no robot, such as robot+ci")

    @property
    def is_template(self) -> bool:
        """Whether the certificate decides which account it is."""
        return _PLACEHOLDER.search(self.account) is not None

    @property
    def is_exact(self) -> bool:
        """Whether it matches one name alone."""
        return _PLACEHOLDER.search(self.match) is None

    def account_of(self, certificate: ClientCertificate) -> str | None:
        """Whom the certificate stands for by this rule; None: the rule is not about it. What a placeholder took and is
        no name here stands for nobody."""
        if self.issuer and self.issuer != certificate.issuer:
            return None
        pattern = _compiled(self.match)
        for name in certificate.names:
            found = pattern.fullmatch(folded(name))
            said = found and _PLACEHOLDER.sub(partial(_taken, found), self.account)
            if said and _is_account(said):
                return said
        return None


def account_for(rules: Iterable[tuple[str, CertificateRule]], certificate: ClientCertificate) -> tuple[str, str]:
    """The account that a certificate stands for, and the name of the rule that says so. A rule without a placeholder
    goes before those with one.

    Raises Unauthorized where no rule speaks of it, or several do that name different accounts.
    """
    found = [
        (not rule.is_exact, name, account)
        for name, rule in rules
        if (account := rule.account_of(certificate)) is not None
    ]
    if not found:
        raise Unauthorized(
            f"the client's certificate {certificate.shown} stands for no account here; ask an administrator for a "
            "certificate-rule, or sign in without it"
        )
    found.sort()
    best = [each for each in found if each[0] == found[0][0]]
    if len({account for _, _, account in best}) > 1:
        told = " and ".join(name for _, name, _ in best[:2])
        raise Unauthorized(
            f"the client's certificate {certificate.shown} stands for more than one account, by the certificate-rules "
            f"{told}; ask an administrator"
        )
    _, name, account = best[0]
    return account, name


def _taken(found: re.Match[str], placeholder: re.Match[str]) -> str:
    return found[placeholder[1]]


@lru_cache(maxsize=4096)
def _compiled(match: str) -> re.Pattern[str]:
    kind = match.partition(":")[0]
    # What is between placeholders is compared as it is, without regard to case where case means nothing.
    text, expression, at = folded(match), "", 0
    for found in _PLACEHOLDER.finditer(text):
        expression += f"{re.escape(text[at : found.start()])}(?P<{found[1]}>{_PARTS[kind]})"
        at = found.end()
    return re.compile(expression + re.escape(text[at:]), re.ASCII)


def _is_account(name: str) -> bool:
    return is_robot_name(name) if name.startswith(ROBOT_PREFIX) else is_user_name(name)


def _speaks_for(name: str, before: CertificateRule | None, after: CertificateRule) -> SpeaksFor:
    """A template may name anybody, so it takes the right to everything."""
    return SpeaksFor(actions=ROLES["admin"].actions) if after.is_template else SpeaksFor((after.account,))


#: Rules for certificates as settings: to make one takes the right to all that its account may do.
CERTIFICATE_RULES = SettingKind(
    kind="certificate-rule",
    plural="certificate-rules",
    text="Rules for certificates of clients: which account one stands for, so that nobody needs a password.",
    body=CertificateRule,
    speaks_for=_speaks_for,
    placed=False,
    read=Action.SYSTEM,
    change=Action.SYSTEM,
    rights=True,
)
