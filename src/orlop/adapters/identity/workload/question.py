"""The question that AWS is asked: read out of a token, and refused unless it is that one and nothing else.

A token is `orlop-aws-v1.` and, in base64url without padding, the URL of a presigned GetCallerIdentity: the form that
aws-iam-authenticator made known for Amazon EKS (`k8s-aws-v1.`, header `x-k8s-aws-id`). The header that its signature
covers beside `host` is `x-orlop-server-id`, whose value is the audience of the trust; it does not travel in the token,
because this registry sends its own. So a question that was signed for somebody else is one that AWS does not take.
"""

import base64
import binascii
import re
from datetime import UTC, datetime
from urllib.parse import parse_qsl, quote

import msgspec

from orlop.domain.errors import Unauthorized
from orlop.domain.identity.trusts.questions import QUESTION_PREFIX, SERVER_ID

#: Session tokens alone have more than a KiB.
_URL_MAX = 8 * 1024
#: AWS takes a question for 15 minutes after it was signed, whatever it says of itself.
_LIFETIME_MAX = 900
_LEEWAY = 60

#: Regional endpoints of the Security Token Service ("AWS STS endpoints and quotas", AWS General Reference): of the
#: partitions aws, aws-us-gov and aws-cn, with their FIPS endpoints.
_HOST = re.compile(
    r"sts(?:-fips)?\.(?P<region>(?:us|eu|ap|sa|ca|me|af|il|mx)-(?:gov-)?"
    r"(?:north|south|east|west|central|northeast|northwest|southeast|southwest)-[1-9])\.amazonaws\.com"
    r"|sts\.(?P<china>cn-(?:north|northwest)-[1-9])\.amazonaws\.com\.cn",
    re.ASCII,
)
_URL = re.compile(r"https://([a-z0-9.-]{1,100})/\?([!-~]+)", re.ASCII)
_ACCESS_KEY = re.compile(r"[A-Z0-9]{16,128}", re.ASCII)
_DATE = re.compile(r"[0-9]{8}T[0-9]{6}Z", re.ASCII)
_SIGNATURE = re.compile(r"[0-9a-f]{64}", re.ASCII)

_FIXED = {
    "Action": "GetCallerIdentity",
    "Version": "2011-06-15",
    "X-Amz-Algorithm": "AWS4-HMAC-SHA256",
    "X-Amz-SignedHeaders": f"host;{SERVER_ID}",
}
_FREE = {"X-Amz-Credential", "X-Amz-Date", "X-Amz-Expires", "X-Amz-Signature"}
_OPTIONAL = {"X-Amz-Security-Token"}


class Question(msgspec.Struct, frozen=True):
    """Whom to ask, and the signed parameters."""

    host: str
    """A regional endpoint of AWS's Security Token Service."""
    fields: dict[str, str]

    @property
    def query(self) -> str:
        """The parameters as they stand in a URL, each character that is not plain in percent encoding."""
        return "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in self.fields.items())


def read_question(token: str, now: float) -> Question:
    """What a token asks, if it was signed just now (seconds since 1970). Raises Unauthorized."""
    host, fields = _read(token)
    _check(host, fields, now)
    return Question(host, fields)


def _check(host: str, fields: dict[str, str], now: float) -> None:
    """Raises Unauthorized unless a question is exactly the one that may be asked, and was signed just now."""
    match = _HOST.fullmatch(host)
    if match is None:
        raise Unauthorized("the question is for a host that is no regional endpoint of AWS STS")
    region = match["region"] or match["china"]
    wrong = next((name for name, value in _FIXED.items() if fields.get(name) != value), None)
    if wrong or not fields.keys() >= _FREE or not fields.keys() <= _FREE | _OPTIONAL | _FIXED.keys():
        raise Unauthorized(f"the question is not GetCallerIdentity signed for {SERVER_ID} and nothing else")
    date = fields["X-Amz-Date"]
    credential = fields["X-Amz-Credential"].split("/")
    well_formed = (
        _DATE.fullmatch(date)
        and _SIGNATURE.fullmatch(fields["X-Amz-Signature"])
        and fields["X-Amz-Expires"].isascii()
        and fields["X-Amz-Expires"].isdigit()
        and len(fields["X-Amz-Expires"]) < 7
        and _ACCESS_KEY.fullmatch(credential[0])
        and credential[1:] == [date[:8], region, "sts", "aws4_request"]
    )
    if not well_formed:
        raise Unauthorized("the question is not signed as Signature Version 4 of AWS says")
    try:
        signed_at = datetime.strptime(date, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC).timestamp()
    except ValueError as cause:
        raise Unauthorized("the question is not signed as Signature Version 4 of AWS says") from cause
    if signed_at - _LEEWAY > now:
        raise Unauthorized("the question was signed in the future: a clock is wrong")
    if now >= signed_at + min(int(fields["X-Amz-Expires"]), _LIFETIME_MAX):
        raise Unauthorized("the question was signed too long ago; sign another")


def _read(token: str) -> tuple[str, dict[str, str]]:
    """Host and parameters. Raises Unauthorized."""
    encoded = token.removeprefix(QUESTION_PREFIX)
    try:
        if "=" in encoded or len(encoded) > _URL_MAX * 2:
            raise ValueError("no base64url")
        text = base64.b64decode(encoded + "=" * (-len(encoded) % 4), altchars=b"-_", validate=True).decode("ascii")
        match = _URL.fullmatch(text) if len(text) <= _URL_MAX else None
        pairs = parse_qsl(match[2], keep_blank_values=True, strict_parsing=True, max_num_fields=16) if match else []
        fields = dict(pairs)
    except (binascii.Error, ValueError) as cause:
        raise Unauthorized(f"what follows {QUESTION_PREFIX} is not the URL of a signed question to AWS") from cause
    if match is None or len(fields) != len(pairs) or "#" in match[2]:
        raise Unauthorized(f"what follows {QUESTION_PREFIX} is not the URL of a signed question to AWS")
    return match[1], fields
