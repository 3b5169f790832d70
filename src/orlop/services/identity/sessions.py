"""Browsers that are signed in: a session for each, known by a random secret that only its cookie holds."""

import hmac
from base64 import urlsafe_b64encode
from hashlib import sha256

import msgspec

from orlop.domain.access import Caller, Subject
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.secrets import Draw
from orlop.ports.catalog import by
from orlop.ports.clock import HOUR, SECOND, Clock
from orlop.ports.identity import Account, AccountFacts, Session, Sessions
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.uses import UseLog

#: Bits of a session's secret are eight times this.
_SECRET_BYTES = 32

_TOKEN_BYTES = 32

#: A session goes on for this long after a request, and ends after so long whatever happens, in microseconds.
IDLE, ABSOLUTE = 2 * HOUR, 24 * HOUR

#: The end of a session is moved at most this often, so that reading pages does not write.
_MOVED_EVERY = 300 * SECOND

_AGENT_MAX = 256


class Visitor(msgspec.Struct, frozen=True):
    """A browser that is signed in, in one request."""

    caller: Caller
    account: Account
    session: Session


class BrowserSessions:
    """Begins and finds sessions. What a cookie holds is kept as a hash: who reads the catalog has none."""

    def __init__(self, sessions: Sessions, uses: UseLog, clock: Clock, draw: Draw) -> None:
        self._sessions = sessions
        self._uses = uses
        self._clock = clock
        self._draw = draw

    async def start(
        self, account: Account, caller: Caller, *, agent: str, provider: str = "", provider_session: str = ""
    ) -> str:
        """Sign a browser in, and return what its cookie is to hold: always new, whatever the browser held before.

        Raises Unauthorized for an account that may not sign in.
        """
        now = self._clock.now()
        subject = subject_of(account, provider)
        refuse_unfit(AccountFacts(account, None, (), (), 0), subject, now)
        secret = new_secret(self._draw)
        session = Session(
            id=hashed(secret),
            account=account.name,
            provider=provider,
            provider_session=provider_session,
            created_at=now,
            expires_at=now + IDLE,
            address=caller.address,
            agent="".join(c for c in agent[:_AGENT_MAX] if c.isprintable()),
        )
        done = by(msgspec.structs.replace(caller, subject=subject), now)
        await self._sessions.add(session, done, epoch=account.epoch)
        self._uses.signed_in(account.id, caller.address)
        return secret

    async def visitor(self, secret: str, *, address: str, request: str) -> Visitor | None:
        """Whose session it is, which lasts longer for it; None as `look`."""
        found = await self.look(secret, address=address, request=request)
        if found is None:
            return None
        session, now = found.session, self._clock.now()
        until = min(now + IDLE, session.created_at + ABSOLUTE)
        if until - session.expires_at > _MOVED_EVERY:
            await self._sessions.extend(session.id, until)
        return found

    async def look(self, secret: str, *, address: str, request: str) -> Visitor | None:
        """Whose session it is; None when it is over, or its account may not sign in any more."""
        found = await self._sessions.get(hashed(secret)) if secret else None
        if found is None:
            return None
        session, account = found
        now = self._clock.now()
        subject = subject_of(account, session.provider)
        over = session.created_at + ABSOLUTE
        if not now < min(session.expires_at, over):
            return None
        try:
            refuse_unfit(AccountFacts(account, None, (), (), 0), subject, now)
        except Unauthorized:
            return None
        return Visitor(Caller(subject, address, request), account, session)

    async def end(self, visitor: Visitor, session: str) -> None:
        """End one of the visitor's own sessions; fine when it is gone."""
        await self._sessions.end(id=session, account=visitor.account.name, by=by(visitor.caller, self._clock.now()))

    async def forget(self) -> str:
        """Remove those that are over."""
        await self._sessions.forget(self._clock.now() - ABSOLUTE)
        return "done"


def subject_of(account: Account, provider: str) -> Subject:
    """The subject that a browser acts as."""
    signed_in_with = f"browser ({provider})" if provider else "browser"
    return Subject(account.name, account.kind, account.id, signed_in_with, epoch=account.epoch)


def new_secret(draw: Draw) -> str:
    """256 random bits, fit for a cookie and an address."""
    return urlsafe_b64encode(draw(_SECRET_BYTES)).rstrip(b"=").decode()


def hashed(secret: str) -> str:
    """What is kept of a secret."""
    return sha256(secret.encode("utf-8", "replace")).hexdigest()


def form_token(secret: str, draw: Draw) -> str:
    """What every form of a page has to bring back: made from the cookie, so that only a page that we gave to this
    browser has it, and not the cookie itself, so that it may stand in a page. Masked anew each time: how short a page
    gets when it is compressed tells nothing of it (https://www.breachattack.com)."""
    mask, token = draw(_TOKEN_BYTES), _form_token(secret)
    return (mask + _masked(token, mask)).hex()


def is_form_token(text: str, secret: str) -> bool:
    """Whether a form came from a page of ours in the browser that holds this secret."""
    try:
        sent = bytes.fromhex(text)
    except ValueError:
        return False
    token = _masked(sent[_TOKEN_BYTES:], sent[:_TOKEN_BYTES])
    return bool(secret) and hmac.compare_digest(token, _form_token(secret))


def _form_token(secret: str) -> bytes:
    return sha256(b"form:" + secret.encode("utf-8", "replace")).digest()


def _masked(token: bytes, mask: bytes) -> bytes:
    return bytes(one ^ other for one, other in zip(token, mask, strict=False))
