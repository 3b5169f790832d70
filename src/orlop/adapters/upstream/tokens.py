"""What stands in the Authorization header of a registry: nothing, Basic, or a Bearer token for the scopes asked."""

import asyncio
import base64
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from urllib.parse import urlencode

import msgspec
from yarl import URL

from orlop.adapters.upstream.advice import COMMAND, Advice
from orlop.adapters.upstream.challenge import Challenge, may_see_credentials, parse_challenges, realm_url
from orlop.adapters.upstream.credentials import Credentials
from orlop.adapters.upstream.current import CurrentCredentials
from orlop.adapters.upstream.errors import error_of, sign_in, told
from orlop.adapters.upstream.refusals import Refusals
from orlop.adapters.upstream.transport import USER_AGENT, Answer, Call, Site
from orlop.domain.errors import Denied, Unauthorized
from orlop.ports.upstream import UpstreamError

#: "For compatibility with older clients, a token should never be returned with less than 60 seconds to live"
#: (distribution, token specification): also what is assumed where none is named.
_SHORTEST = 60.0
#: A token is not used in its last seconds, so that it does not run out under way.
_MARGIN = 5.0
#: So many ask for tokens at once: so many tries at most has a password that is not right any more.
_AT_ONCE = 4
#: Scopes are bounded by the repositories a client talks to; beyond this the oldest tokens are forgotten.
_KEPT = 1_000


class _TokenAnswer(msgspec.Struct):
    token: str = ""
    access_token: str = ""
    expires_in: float | None = None


class _Token(msgspec.Struct, frozen=True):
    text: str
    until: float


_decoder = msgspec.json.Decoder(_TokenAnswer)

#: Sends a request without Authorization of its own and without following redirects.
Send = Callable[[Call], Awaitable[Answer]]


class Authorizer:
    """Signs in to one registry, with the credentials kept for one of its repositories, or as nobody.

    `careful`: a password is tried by one request before others use it, and not again for long where it was refused.
    """

    def __init__(
        self,
        registry: Site,
        credentials: CurrentCredentials,
        send: Send,
        monotonic: Callable[[], float],
        trusted_realms: frozenset[str] = frozenset(),
        advice: Advice = COMMAND,
        *,
        careful: bool = False,
    ) -> None:
        self._registry = registry
        self._credentials = credentials
        self._send = send
        self._monotonic = monotonic
        self._trusted = trusted_realms
        self._advice = advice
        self._careful = careful
        self._challenge: Challenge | None = None
        self._tokens: dict[frozenset[str], _Token] = {}
        self._refusals = Refusals(monotonic, careful=careful)
        self._tried: Credentials | None = None
        self._proven = ""
        self._turn = asyncio.Lock()
        self._turns: dict[frozenset[str], asyncio.Lock] = {}
        self._few = asyncio.Semaphore(_AT_ONCE)

    async def header(self, scopes: Iterable[str]) -> str | None:
        """The Authorization header for `scopes`, as far as the challenges are known; None before the first."""
        if self._challenge is None:
            return None
        if self._challenge.scheme == "basic":
            return await self._basic()
        return await self._bearer(self._challenge, frozenset(scopes), frozenset())

    async def challenged(self, headers: Iterable[str], scopes: Iterable[str], refused: str | None) -> str | None:
        """The header to try again with, after a 401 with these WWW-Authenticate headers to a request with `refused`.

        None when there is nothing to try. Only challenges of the registry itself come here, never those of a host that
        it redirected to.
        """
        known = {challenge.scheme: challenge for challenge in reversed(parse_challenges(headers))}
        chosen = known.get("bearer") or known.get("basic")
        if chosen is None:
            return None
        self._challenge = chosen
        if chosen.scheme == "basic":
            return await self._basic(refused)
        wanted = frozenset(scopes)
        kept = self._tokens.get(wanted)
        if kept is not None and f"Bearer {kept.text}" == refused:
            del self._tokens[wanted]
        # What the registry names may be more than what was asked for, and is about this very request.
        named = frozenset(
            scope for scope in chosen.parameters.get("scope", "").split() if not any(_covers(w, scope) for w in wanted)
        )
        return await self._bearer(chosen, wanted, named)

    async def _basic(self, refused: str | None = None) -> str | None:
        """The header of a user and password; None where there are none, or none but those that were refused."""
        async with self._turn:
            credentials = await self._current()
            header = _basic_of(credentials)
            if credentials is not None and header == refused:
                self._credentials.refuse(credentials)
                self._proven = ""
                credentials = await self._current()
                header = _basic_of(credentials)
            if header and self._careful and self._proven != header:
                await self._prove(header)
        return header if header != refused else None

    async def _prove(self, header: str) -> None:
        """Try a password where nothing but the sign-in is asked for. Raises Unauthorized."""
        self._refusals.check()
        url = URL.build(scheme=self._registry.scheme, host=self._registry.host, port=self._registry.port, path="/v2/")
        answer = await self._send(Call("GET", url, {"Authorization": header}))
        if answer.status == 401:
            refusal = self._refusal(answer)
            self._refusals.refused(refusal)
            raise refusal
        self._refusals.accepted()
        self._proven = header

    async def _current(self) -> Credentials | None:
        """Whom to be; what was refused of another is forgotten."""
        credentials = await self._credentials.current()
        if credentials != self._tried:
            self._tried = credentials
            self._refusals.forget()
        return credentials

    async def _bearer(self, challenge: Challenge, scopes: frozenset[str], named: frozenset[str]) -> str | None:
        kept = self._tokens.get(scopes)
        if kept is None or kept.until <= self._monotonic():
            async with self._turn_for(scopes):
                kept = self._tokens.get(scopes)
                if kept is None or kept.until <= self._monotonic():
                    kept = await self._fetch_as_somebody(challenge, scopes | named)
                    if len(self._tokens) >= _KEPT:
                        del self._tokens[next(iter(self._tokens))]
                    self._tokens[scopes] = kept
        return f"Bearer {kept.text}"

    @asynccontextmanager
    async def _turn_for(self, scopes: frozenset[str]) -> AsyncGenerator[None, None]:
        """One asks for a token at a time: of all, until a sign-in was accepted, and then of those who need the same."""
        if not self._refusals.none:
            async with self._turn:
                yield
            return
        turn = self._turns.setdefault(scopes, asyncio.Lock())
        try:
            async with turn, self._few:
                yield
        finally:
            if not turn.locked():
                self._turns.pop(scopes, None)

    async def _fetch_as_somebody(self, challenge: Challenge, scopes: frozenset[str]) -> _Token:
        credentials = await self._current()
        try:
            return await self._fetch_unless_refused(challenge, scopes, credentials)
        except Unauthorized:
            if credentials is None:
                raise
            self._credentials.refuse(credentials)
            others = await self._current()
            if others == credentials:
                raise
            return await self._fetch_unless_refused(challenge, scopes, others)

    async def _fetch_unless_refused(
        self, challenge: Challenge, scopes: frozenset[str], credentials: Credentials | None
    ) -> _Token:
        self._refusals.check(scopes)
        try:
            token = await self._fetch(challenge, scopes, credentials)
        except (Unauthorized, Denied) as refusal:
            self._refusals.refused(refusal, scopes, nobody=credentials is None)
            raise
        self._refusals.accepted(scopes)
        return token

    async def _fetch(self, challenge: Challenge, scopes: frozenset[str], credentials: Credentials | None) -> _Token:
        realm = realm_url(challenge, self._registry)
        if credentials and not may_see_credentials(realm, self._registry, self._trusted):
            raise Denied(
                f"{self._registry.authority} wants its credentials sent to {realm.authority}, which is not beside it; "
                f"{self._advice.realm.format(host=realm.host)}"
            )
        service = challenge.parameters.get("service", "")
        asked_at = self._monotonic()
        answer = await self._send(self._token_call(realm, service, sorted(scopes), credentials))
        if answer.status == 401:
            raise self._refusal(answer)
        if answer.status == 403 and credentials and self._advice.denied:
            raise Denied(f"{self._registry.authority}: {told(answer) or 'denied'}; {self._advice.denied}")
        if answer.status != 200:
            raise error_of(answer, f"signing in to {self._registry.authority} at {realm.authority}", UpstreamError)
        try:
            granted = _decoder.decode(answer.body)
        except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as cause:
            raise UpstreamError(f"the token server {realm.authority} did not answer with a token") from cause
        text = granted.token or granted.access_token
        if not text or not text.isascii() or not text.isprintable():
            raise UpstreamError(f"the token server {realm.authority} did not answer with a token")
        lifetime = max(granted.expires_in or _SHORTEST, _SHORTEST)
        return _Token(text, asked_at + lifetime - _MARGIN)

    def _refusal(self, answer: Answer) -> Unauthorized:
        why = told(answer) or "user name or password are wrong"
        return Unauthorized(f"{self._registry.authority}: {why}; {sign_in(answer, self._registry.authority)}")

    @staticmethod
    def _token_call(realm: URL, service: str, scopes: list[str], credentials: Credentials | None) -> Call:
        if credentials and credentials.identity_token:
            # RFC 6749, section 6, as distribution's "oauth2 token authentication" has it: scopes are one parameter.
            form = {
                "grant_type": "refresh_token",
                "service": service,
                "client_id": USER_AGENT,
                "scope": " ".join(scopes),
                "refresh_token": credentials.identity_token,
            }
            headers = {"Content-Type": "application/x-www-form-urlencoded"}
            return Call("POST", realm, headers, urlencode(form).encode())
        query = [("service", service)] if service else []
        query += [("scope", scope) for scope in scopes]
        if not credentials:
            return Call("GET", realm.extend_query(query))
        query.append(("account", credentials.username))
        headers = {"Authorization": basic(credentials.username, credentials.password)}
        return Call("GET", realm.extend_query(query), headers)


def _covers(scope: str, other: str) -> bool:
    """Whether whoever asks for `scope` need not ask for `other`, too: the same place, and no other action."""
    (place, _, actions), (others, _, less) = scope.rpartition(":"), other.rpartition(":")
    return place == others and set(less.split(",")) <= set(actions.split(","))


def _basic_of(credentials: Credentials | None) -> str | None:
    if credentials is None or credentials.identity_token:
        return None
    return basic(credentials.username, credentials.password)


def basic(username: str, password: str) -> str:
    """The header of RFC 7617, in UTF-8."""
    return "Basic " + base64.b64encode(f"{username}:{password}".encode()).decode("ascii")
