"""Counts who goes through: limits how often somebody may, and tells the audit log of refusals and pulls."""

from contextlib import AbstractContextManager, nullcontext

import msgspec

from orlop.domain.access import Caller
from orlop.domain.digest import Digest
from orlop.domain.errors import RegistryError
from orlop.domain.limits import Allowance
from orlop.faces.distribution import request as requests
from orlop.faces.distribution.exchange import Exchange
from orlop.faces.distribution.responses import Response
from orlop.faces.distribution.sending import LARGE
from orlop.ports.catalog import Pull
from orlop.services.limits import FairShare, Kind, Limits
from orlop.services.notices import Notices

#: What requests count as, beside requests; only a GET of a manifest is a pull.
_KINDS = {requests.Kind.MANIFEST_GET: Kind.PULL, requests.Kind.UPLOAD_START: Kind.UPLOAD}


class Turnstile(msgspec.Struct, frozen=True):
    """`limits` is None where nothing is limited: then there is nothing to count."""

    notices: Notices
    limits: Limits | None
    uploads: FairShare
    lists: FairShare

    def admit(self, caller: Caller, kind: requests.Kind, method: str) -> Allowance | None:
        """Count a request. Raises TooManyRequests."""
        if self.limits is None:
            return None
        counted = Kind.REQUEST if method == "HEAD" else _KINDS.get(kind, Kind.REQUEST)
        return self.limits.admit(caller, counted)

    def upload(self, caller: Caller) -> AbstractContextManager[None]:
        """A place to upload until the block ends. Raises TooManyRequests."""
        return self.uploads.place(caller)

    def held(self, caller: Caller, response: Response) -> AbstractContextManager[None]:
        """A place for a list while it is sent, if it is large: whoever does not read it keeps it in memory. Raises
        TooManyRequests."""
        return self.lists.place(caller) if len(response.body) > LARGE else nullcontext()

    def pulled(self, caller: Caller, pull: Pull, method: str) -> None:
        """Somebody gets a manifest, not only its headers."""
        if method == "GET":
            self.notices.pulled(caller, pull.repository, pull.digest, pull.tag or "")

    def read(self, exchange: Exchange, repository: str | None, digest: Digest | None) -> None:
        """Somebody gets a blob, or a part of one."""
        if exchange.method == "GET" and repository and digest:
            self.notices.pulled(exchange.caller, repository, digest, blob=True)

    def refused(self, caller: Caller, refusal: RegistryError) -> None:
        """Somebody is answered with an error."""
        if refusal.refused is not None:
            self.notices.noted(caller, refusal)
