"""What those who lend credentials have in common: a question over HTTP, and what its refusal means."""

from collections.abc import Awaitable, Callable
from typing import TypeVar
from urllib.parse import urlencode

import msgspec
from yarl import URL

from orlop.adapters.upstream.errors import error_of, told
from orlop.adapters.upstream.transport import Answer, Call
from orlop.domain.errors import Unauthorized
from orlop.ports.upstream import UpstreamError

#: Sends a request without following redirects, and again where that may help.
Ask = Callable[[Call], Awaitable[Answer]]

_T = TypeVar("_T")


class _Refusal(msgspec.Struct):
    """RFC 6749, section 5.2."""

    error: str = ""
    error_description: str = ""


def form(url: str, **fields: str) -> Call:
    """A POST of a form."""
    headers = {"Content-Type": "application/x-www-form-urlencoded", "Accept": "application/json"}
    return Call("POST", URL(url), headers, urlencode(fields).encode())


def refuse_oauth(answer: Answer, who: str) -> None:
    """Raises Unauthorized, UpstreamError and so on for an answer without a token."""
    if answer.status == 200:
        return
    if answer.status not in (400, 401, 403):
        raise error_of(answer, f"signing in at {answer.url.authority}", UpstreamError)
    try:
        refusal = msgspec.json.decode(answer.body, type=_Refusal)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError):
        refusal = _Refusal()
    words = refusal.error_description or refusal.error or told(answer) or f"status {answer.status}"
    raise Unauthorized(f"{who} gives no token: {shown(words)}; {answer.advice.sign_in}")


def read(answer: Answer, kind: type[_T]) -> _T:
    """The body of a success. Raises UpstreamError."""
    try:
        return msgspec.json.decode(answer.body, type=kind)
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
        raise UpstreamError(f"{answer.url.authority} did not answer with a token") from cause


def shown(text: str) -> str:
    """What a server says, fit for people: printable, the first line, bounded."""
    line = text.strip().partition("\n")[0][:300]
    return "".join(c if c.isprintable() else " " for c in line).strip().rstrip(".")
