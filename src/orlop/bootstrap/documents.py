"""The kinds of documents that are managed: trusts and sign-on providers, each as its owner describes it."""

from collections.abc import Mapping
from typing import Any

from orlop.bootstrap.workload import TRUSTS
from orlop.domain.errors import RequestInvalid
from orlop.domain.providers import PROVIDER, Provider, check_provider_name
from orlop.services.management.documents import DocumentKind


def _check_provider(name: str, body: Any) -> None:
    try:
        check_provider_name(name)
    except ValueError as problem:
        raise RequestInvalid(str(problem), {"field": "name"}) from problem


PROVIDERS = DocumentKind(
    PROVIDER, Provider, secrets=frozenset({"client_secret", "bind_password"}), check=_check_provider
)

#: By name.
DOCUMENTS: Mapping[str, DocumentKind] = {kind.kind: kind for kind in (TRUSTS, PROVIDERS)}
