"""The kinds of documents that are managed: trusts and sign-on providers, each as its owner describes it."""

from collections.abc import Mapping
from typing import Any

from orlop.bootstrap.workload import TRUSTS
from orlop.domain.errors import RequestInvalid
from orlop.domain.providers import PROVIDER, Provider, authority_of, check_provider_name, destination_of, vouching
from orlop.services.management.documents import DocumentKind
from orlop.services.management.giving import NOBODY, SpeaksFor


def _named(name: str, _: Any) -> None:
    try:
        check_provider_name(name)
    except ValueError as error:
        raise RequestInvalid(str(error), {"name": name[:160]}) from error


def _speaks_for(name: str, before: Provider | None, after: Provider) -> SpeaksFor:
    """Everybody whom the provider vouches for, unless it vouched for the same in the same way before."""
    if before is not None and vouching(before) == vouching(after):
        return NOBODY
    return SpeaksFor(source=name, authority=authority_of(after))


PROVIDERS = DocumentKind(
    PROVIDER,
    Provider,
    speaks_for=_speaks_for,
    secrets=frozenset({"client_secret", "bind_password"}),
    destination=destination_of,
    check=_named,
)

#: By name.
DOCUMENTS: Mapping[str, DocumentKind] = {TRUSTS.kind: TRUSTS, PROVIDERS.kind: PROVIDERS}
