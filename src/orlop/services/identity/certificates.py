"""Whom a client's certificate stands for."""

from functools import lru_cache

import msgspec

from orlop.domain.access import Subject
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.authorization import Shown
from orlop.domain.identity.certificates import CERTIFICATE_RULES, CertificateRule, account_for
from orlop.ports.certificates import CertificateReader
from orlop.ports.clock import SECOND, Clock
from orlop.ports.identity import AccountFacts, Accounts, Documents
from orlop.services.access.decisions import refuse_unfit
from orlop.services.identity.failures import OnFailure, ProofKind, failure
from orlop.services.identity.remembered import Proof

#: For how long one is believed without being looked at again: it may have been revoked meanwhile.
_BELIEVED = 60 * SECOND
_CREDENTIAL_MAX = 200
#: Rules that a process remembers as they were read.
_RULES = 4096


class CertificateSignIn:
    """The rules are read from the catalog each time; what a worker remembers ends with any change of one."""

    def __init__(
        self,
        reader: CertificateReader,
        documents: Documents,
        accounts: Accounts,
        clock: Clock,
        on_failure: OnFailure,
    ) -> None:
        self._reader = reader
        self._documents = documents
        self._accounts = accounts
        self._clock = clock
        self._on_failure = on_failure

    async def proof(self, shown: Shown, address: str, request: str) -> Proof:
        """The account that a certificate stands for, and until when. Raises Unauthorized, Unavailable."""
        name, now = "", self._clock.now()
        try:
            certificate = await self._reader.read(shown.pem, check=shown.forwarded, now=now)
            name = certificate.shown
            if certificate.ends_at <= now:
                raise Unauthorized("the client's certificate has expired")
            known, rule = account_for(await self._rules(), certificate)
            account = await self._accounts.get(known)
            if account is None:
                raise Unauthorized(f"the account {known} that the client's certificate stands for does not exist")
            credential = f"certificate {name} (rule {rule})"
            if len(credential) > _CREDENTIAL_MAX:
                credential = f"certificate {name[:100]}… (rule {rule})"
            subject = Subject(account.name, account.kind, account.id, credential, epoch=account.epoch)
            refuse_unfit(AccountFacts(account, None, (), (), 0), subject, now)
        except Unauthorized as refusal:
            self._on_failure(failure(name, address, request, refusal.message, ProofKind.CERTIFICATE))
            raise
        return Proof(subject, min(now + _BELIEVED, certificate.ends_at), ends=certificate.ends_at)

    async def _rules(self) -> list[tuple[str, CertificateRule]]:
        found = []
        for document in await self._documents.all(CERTIFICATE_RULES.kind):
            rule = _read(document.body)
            if rule is not None:
                found.append((document.name, rule))
        return found


@lru_cache(maxsize=_RULES)
def _read(body: bytes) -> CertificateRule | None:
    """None for one that a newer release wrote: it lets nobody in until it can be read."""
    try:
        return msgspec.json.decode(body, type=CertificateRule)
    except msgspec.MsgspecError:
        return None
