"""The kinds of documents that are managed: trusts and sign-on providers, each as its owner describes it."""

from collections.abc import Mapping
from typing import Any

from orlop.bootstrap.workload import TRUSTS
from orlop.domain.errors import RequestInvalid
from orlop.domain.providers import PROVIDER, Provider, check_provider_name
from orlop.services.management.documents import DocumentKind


def _named(name: str, _: Any) -> None:
    try:
        check_provider_name(name)
    except ValueError as error:
        raise RequestInvalid(str(error), {"name": name[:160]}) from error


PROVIDERS = DocumentKind(PROVIDER, Provider, secrets=frozenset({"client_secret", "bind_password"}), check=_named)

#: By name.
DOCUMENTS: Mapping[str, DocumentKind] = {TRUSTS.kind: TRUSTS, PROVIDERS.kind: PROVIDERS}
