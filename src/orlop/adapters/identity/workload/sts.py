"""AWS, asked who somebody is, with a question that they signed themselves."""

from collections.abc import Callable
from typing import Any

from yarl import URL

from orlop.adapters.addresses import Reach, reach
from orlop.adapters.identity.workload.fetching import Fetcher, NoAnswer
from orlop.adapters.identity.workload.question import read_question
from orlop.domain.errors import Unauthorized, Unavailable
from orlop.domain.identity.trusts.questions import QUESTION_PREFIX, SERVER_ID


class SecurityTokenService:
    """See ports.workload.CallerIdentities. `endpoint` takes the place of AWS's own; `wall`: seconds since 1970."""

    def __init__(self, fetcher: Fetcher, wall: Callable[[], float], endpoint: str = "") -> None:
        self._fetcher = fetcher
        self._wall = wall
        self._endpoint = endpoint.rstrip("/")

    def is_question(self, token: str) -> bool:
        return token.startswith(QUESTION_PREFIX)

    async def ask(self, token: str, audience: str) -> str:
        question = read_question(token, self._wall())
        host = question.host
        url = URL(f"{self._endpoint or f'https://{host}'}/?{question.query}", encoded=True)
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


def _arn(fields: dict[str, Any]) -> str | None:
    """Of the answer in JSON."""
    for name in ("GetCallerIdentityResponse", "GetCallerIdentityResult"):
        inner = fields.get(name)
        if not isinstance(inner, dict):
            return None
        fields = inner
    arn = fields.get("Arn")
    return arn if isinstance(arn, str) else None
