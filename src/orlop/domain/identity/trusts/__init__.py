"""Trusts: "this issuer, these claims, become this robot for so many minutes". The body of Documents of kind `trust`.

Whether a token is what it says, by its signature, is not decided here; nor is where trusts are kept.
"""

from orlop.domain.identity.trusts.advice import advice
from orlop.domain.identity.trusts.arns import Principal, names, principal_of
from orlop.domain.identity.trusts.claims import Mismatch, mismatch, subject_of
from orlop.domain.identity.trusts.tokens import TokenHead, check_times, head_of, is_for
from orlop.domain.identity.trusts.trust import KIND, AwsTrust, OidcTrust, Preset, Trust, read_trust, write_trust

__all__ = [
    "KIND",
    "AwsTrust",
    "Mismatch",
    "OidcTrust",
    "Preset",
    "Principal",
    "TokenHead",
    "Trust",
    "advice",
    "check_times",
    "head_of",
    "is_for",
    "mismatch",
    "names",
    "principal_of",
    "read_trust",
    "subject_of",
    "write_trust",
]
