"""The kinds of documents that are managed: trusts and sign-on providers, each as its owner describes it."""

from collections.abc import Mapping

from orlop.bootstrap.workload import TRUSTS
from orlop.services.management.documents import DocumentKind

#: By name.
DOCUMENTS: Mapping[str, DocumentKind] = {TRUSTS.kind: TRUSTS}
