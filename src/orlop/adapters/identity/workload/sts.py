"""AWS, asked who somebody is, with a question that they signed themselves.

A token is `orlop-aws-v1.` and, in base64url without padding, the URL of a presigned GetCallerIdentity: the form that
aws-iam-authenticator made known for Amazon EKS (`k8s-aws-v1.`, header `x-k8s-aws-id`). The header that its signature
covers beside `host` is `x-orlop-server-id`, whose value is the audience of the trust; it does not travel in the token,
because this registry sends its own. So a question that was signed for somebody else is one that AWS does not take.
"""

import base64
import binascii
import re
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, quote

from yarl import URL

from orlop.adapters.addresses import Reach, reach
from orlop.adapters.identity.workload.fetching import Fetcher, NoAnswer
from orlop.domain.errors import Unauthorized, Unavailable
from orlop.domain.trusts.questions import QUESTION_PREFIX, SERVER_ID

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


class SecurityTokenService:
    """See ports.workload.CallerIdentities. `endpoint` takes the place of AWS's own; `wall`: seconds since 1970."""

    def __init__(self, fetcher: Fetcher, wall: Callable[[], float], endpoint: str = "") -> None:
        self._fetcher = fetcher
        self._wall = wall
        self._endpoint = endpoint.rstrip("/")

    def is_question(self, token: str) -> bool:
        return token.startswith(QUESTION_PREFIX)

    async def ask(self, token: str, audience: str) -> str:
        host, fields = _read(token)
        self._check(host, fields)
        query = "&".join(f"{name}={quote(value, safe='-_.~')}" for name, value in fields.items())
        url = URL(f"{self._endpoint or f'https://{host}'}/?{query}", encoded=True)
        try:
            answer = await self._fetcher.get(
                url, self._permitted, headers={"Host": host, SERVER_ID: audience, "Accept": "application/json"}
            )
        except NoAnswer as cause:
            raise Unavailable(f"AWS cannot be asked at {host} who this is") from cause
        if answer.status >= 500 or answer.status == 429:
            raise Unavailable(f"AWS does not say at {host} who this is: it answers with status {answer.status}")
        if answer.status != 200:
            raise Unauthorized(
                "AWS does not take the question: nobody it knows signed it, or it is for another registry"
            )
        arn = _arn(answer.fields)
        if arn is None:
            raise Unavailable(f"AWS does not say at {host} who this is")
        return arn

    def _permitted(self, address: str) -> bool:
        """An endpoint of one's own network may stand in AWS's place; where clouds keep credentials is none."""
        where = reach(address)
        return where in {Reach.PUBLIC, Reach.PRIVATE} or (where is Reach.LOOPBACK and bool(self._endpoint))

    def _check(self, host: str, fields: dict[str, str]) -> None:
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
        now = self._wall()
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


def _arn(fields: dict[str, Any]) -> str | None:
    """Of the answer in JSON."""
    for name in ("GetCallerIdentityResponse", "GetCallerIdentityResult"):
        inner = fields.get(name)
        if not isinstance(inner, dict):
            return None
        fields = inner
    arn = fields.get("Arn")
    return arn if isinstance(arn, str) else None
