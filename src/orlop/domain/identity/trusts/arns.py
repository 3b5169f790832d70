"""ARNs: whom AWS says that somebody is, and which of them a trust names.

The forms are those of "IAM identifiers" and of GetCallerIdentity (AWS Security Token Service API Reference).
"""

import re

import msgspec

from orlop.domain.access.patterns import pattern

_PARTITION = "aws|aws-cn|aws-us-gov"
_NAME = r"[A-Za-z0-9+=,.@_-]{1,64}"
_TRUSTED = re.compile(
    rf"arn:(?P<partition>{_PARTITION}):iam::(?P<account>[^:]*):(?P<kind>[a-z-]+)/(?P<name>[A-Za-z0-9+=,.@_/*-]{{1,512}})",
    re.ASCII,
)
_ASSUMED = re.compile(
    rf"arn:({_PARTITION}):sts::([0-9]{{12}}):assumed-role/({_NAME})/[A-Za-z0-9+=,.@_-]{{2,64}}", re.ASCII
)
_USER = re.compile(rf"arn:({_PARTITION}):iam::([0-9]{{12}}):user/((?:[!-.0-~]{{1,510}}/)*{_NAME})", re.ASCII)
_ACCOUNT = re.compile(r"[0-9]{12}", re.ASCII)


class Principal(msgspec.Struct, frozen=True):
    """A role or user of AWS: of a role its name alone, because a session does not say the role's path."""

    partition: str
    account: str
    kind: str
    name: str

    def __str__(self) -> str:
        return f"arn:{self.partition}:iam::{self.account}:{self.kind}/{self.name}"


def principal_of(arn: str) -> Principal | None:
    """Whom an ARN out of GetCallerIdentity stands for; None for roots, federated users and whatever else there is."""
    if match := _ASSUMED.fullmatch(arn):
        return Principal(match[1], match[2], "role", match[3])
    if match := _USER.fullmatch(arn):
        return Principal(match[1], match[2], "user", match[3])
    return None


def check_trusted(text: str) -> None:
    """Raises ValueError unless it names a role or user, or several of one account by a pattern."""
    match = _TRUSTED.fullmatch(text)
    if match is None or match["kind"] not in {"role", "user"}:
        raise ValueError(
            f"principal {text[:160]!r} is not the ARN of a role or user, such as arn:aws:iam::123456789012:role/ci-push"
        )
    if not _ACCOUNT.fullmatch(match["account"]):
        raise ValueError(f"principal {text[:160]!r} needs the twelve digits of one account; others have roles, too")
    name = match["name"]
    if match["kind"] == "role" and "/" in name:
        raise ValueError(
            f"principal {text[:160]!r}: what AWS says of a session leaves the role's path out; write"
            f" role/{name.rpartition('/')[2]}"
        )
    if name.startswith(("*", "/")) or name.endswith("/") or "//" in name:
        raise ValueError(f"principal {text[:160]!r}: a name begins with a letter or digit, not with a wildcard")


def names(trusted: str, principal: Principal) -> bool:
    """Whether a trust's ARN names this principal; `*` stands for anything within a component."""
    return pattern(trusted, separator="/").matches(str(principal))
