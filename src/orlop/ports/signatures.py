"""Says by which keys something was signed."""

from collections.abc import Sequence
from enum import StrEnum
from typing import Protocol

import msgspec

from orlop.domain.digest import Digest


class SignatureForm(StrEnum):
    """How a signature is written."""

    SIMPLE = "simple"
    """A payload of cosign, whose signature stands beside it."""
    ENVELOPE = "envelope"
    """A DSSE envelope: an attestation of cosign."""
    BUNDLE = "bundle"
    """A bundle of Sigstore."""


class FoundSignature(msgspec.Struct, frozen=True, kw_only=True):
    """A signature as it is stored. `signature`: that of a simple payload, in base64."""

    form: SignatureForm
    content: bytes
    signature: str = ""


class JudgedSignature(msgspec.Struct, frozen=True, kw_only=True):
    """What there is to a signature. `keys`: the places of those keys that made it, each once; `problem`: why it is none
    of this image, or of nobody known. An attestation says what it is of by `predicate`, the type of its statement."""

    keys: tuple[int, ...] = ()
    predicate: str = ""
    problem: str = ""


class SignatureVerifier(Protocol):
    """Looks at signatures in a process that can be killed."""

    async def judge(
        self, subject: Digest, found: Sequence[FoundSignature], keys: Sequence[str]
    ) -> tuple[JudgedSignature, ...]:
        """Each of them, for an image and public keys in PEM. Raises Unavailable where the process came to no end."""
        ...
