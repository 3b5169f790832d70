"""Asking providers whether those who signed in through them are still known there, and ending what is theirs if not."""

import msgspec
import structlog

from orlop.domain.errors import Denied, RegistryError, Unauthorized, Unavailable
from orlop.domain.events import Origin
from orlop.domain.identity.claims import person_of
from orlop.domain.identity.providers import OidcProvider, authority_of
from orlop.ports.browser import SignOn, SignOns
from orlop.ports.catalog import By
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import AccountChange, Accounts, Sessions
from orlop.ports.identity_words import gone_from
from orlop.ports.sign_on import OpenId
from orlop.services.identity.provisioning import Provisioning
from orlop.services.identity.sign_on import ProviderDirectory, identity_of

_log = structlog.get_logger("orlop.sign-on")

_BATCH = 100


class SignOnChecks:
    """Asks with the refresh token that the provider gave. Its `invalid_grant` means that it does not know somebody any
    more: their account is disabled, so that every token of theirs ends with it, until they sign in again."""

    def __init__(
        self,
        directory: ProviderDirectory,
        openid: OpenId,
        provisioning: Provisioning,
        accounts: Accounts,
        sessions: Sessions,
        sign_ons: SignOns,
        clock: Clock,
    ) -> None:
        self._directory = directory
        self._openid = openid
        self._provisioning = provisioning
        self._accounts = accounts
        self._sessions = sessions
        self._sign_ons = sign_ons
        self._clock = clock

    async def run(self) -> str:
        """Check everybody who is due, with each provider until it cannot be asked; what came of it, in words."""
        known = ended = 0
        for name, provider in await self._directory.all():
            try:
                still, over = await self._check_all(name, provider)
            except Unavailable as failure:
                _log.warning("the sign-on provider cannot be asked", provider=name, reason=failure.message)
                continue
            known, ended = known + still, ended + over
        return f"{known} still known, {ended} ended"

    async def _check_all(self, name: str, provider: OidcProvider) -> tuple[int, int]:
        known = ended = 0
        before = self._clock.now() - provider.check_every * SECOND
        seen: set[str] = set()
        while due := [each for each in await self._sign_ons.due(name, before, _BATCH) if each.external not in seen]:
            for sign_on in due:
                seen.add(sign_on.external)
                if await self._check(name, provider, sign_on):
                    known += 1
                else:
                    ended += 1
        return known, ended

    async def _check(self, name: str, provider: OidcProvider, sign_on: SignOn) -> bool:
        """Whether they are still known. Raises Unavailable."""
        account = await self._accounts.get(sign_on.account)
        if account is None or account.authority not in (authority_of(provider), ""):
            # What another provider gave is none of this one's business; '' is not known, see domain.settings.SpeaksFor.
            await self._sign_ons.remove(name, sign_on.external)
            return False
        try:
            said = await self._openid.renew(provider, sign_on.refresh_token, sign_on.external)
            renewed = msgspec.structs.replace(sign_on, refresh_token=said.refresh_token, checked_at=self._clock.now())
            if not await self._sign_ons.renewed(sign_on, renewed):
                return True  # they signed in anew meanwhile
            if said.claims:
                identity = identity_of(name, provider, person_of(provider, said.claims))
                await self._provisioning.account_of(identity, self._by(name))
        except Denied as gone:
            await self._end(sign_on, gone.message)
            return False
        except Unavailable:
            raise
        except Unauthorized as failure:
            _log.warning("a check of somebody failed", provider=name, account=sign_on.account, reason=failure.message)
        return True

    async def _end(self, sign_on: SignOn, reason: str) -> None:
        by = self._by(sign_on.provider)
        _log.info("the provider does not know somebody any more", account=sign_on.account, reason=reason)
        try:
            await self._accounts.change(sign_on.account, AccountChange(disabled=gone_from(sign_on.provider)), by)
        except RegistryError as failure:
            _log.warning("an account was not disabled", account=sign_on.account, reason=failure.message)
        await self._sessions.end_logins(sign_on.account, by)
        await self._sign_ons.remove(sign_on.provider, sign_on.external)

    def _by(self, name: str) -> By:
        return By(f"provider {name}", self._clock.now(), Origin(f"check by {name}"))
