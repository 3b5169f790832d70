"""Signers: whose signatures are known at a place, and how many of their keys an image has to be signed with."""

import base64
import binascii
import re
from typing import Annotated

import msgspec
from msgspec import Meta

from orlop.domain.access.actions import Action
from orlop.domain.settings import Holds, SettingKind, nobody

#: Characters of one key: one of RSA with 8,192 bits takes 1,500.
KEY_MAX = 4_096
#: Keys of one setting.
KEYS_MAX = 32

#: A public key of any kind (RFC 7468, section 13), and nothing beside it.
_PUBLIC = re.compile(r"\s*-----BEGIN PUBLIC KEY-----\s+([A-Za-z0-9+/=\s]+)-----END PUBLIC KEY-----\s*", re.ASCII)
#: How the DER of a SubjectPublicKeyInfo begins, and how many bytes it has, by kind: on a curve with the point written
#: out (RFC 5480, section 2; RFC 8410, section 10.1).
_CURVES = {
    bytes.fromhex("3059301306072a8648ce3d020106082a8648ce3d03010703420004"): 91,
    bytes.fromhex("3076301006072a8648ce3d020106052b8104002203620004"): 120,
    bytes.fromhex("30819b301006072a8648ce3d020106052b810400230381860004"): 158,
    bytes.fromhex("302a300506032b6570032100"): 44,
}
#: The algorithm of RSA (RFC 3279, section 2.3.1), and the bytes of a key of 2,048 bits.
_RSA, _RSA_MIN = bytes.fromhex("300d06092a864886f70d0101010500"), 294

Key = Annotated[str, Meta(min_length=1, max_length=KEY_MAX)]


class Signers(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, omit_defaults=True):
    """Public keys whose signatures count as those of one signer, and how many of them must have signed."""

    keys: Annotated[
        tuple[Key, ...],
        Meta(
            min_length=1,
            max_length=KEYS_MAX,
            description="Public keys in PEM, as cosign.pub holds one: ECDSA on P-256, P-384 or P-521, Ed25519, or RSA "
            "of 2,048 bits or more.",
            extra_json_schema={"contentMediaType": "application/x-pem-file"},
        ),
    ]
    required: Annotated[
        int, Meta(ge=1, le=KEYS_MAX, description="With how many of the keys an image has to be signed.")
    ] = 1

    def __post_init__(self) -> None:
        for key in self.keys:
            if "PRIVATE KEY" in key:
                raise ValueError("keys: a private key has no place here; give the public one, and make another pair")
            _check(key)
        if len({"".join(key.split()) for key in self.keys}) < len(self.keys):
            raise ValueError("keys: one is there twice, and would count as two")
        if self.required > len(self.keys):
            raise ValueError(f"required: {self.required} cannot have signed where there are {len(self.keys)} keys")


def _check(key: str) -> None:
    """Raises ValueError for what is no public key of a kind that signs images."""
    found = _PUBLIC.fullmatch(key)
    if found is None:
        raise ValueError("keys: one is no public key in PEM, which begins with -----BEGIN PUBLIC KEY-----")
    try:
        content = base64.b64decode("".join(found[1].split()), validate=True)
    except binascii.Error as cause:
        raise ValueError("keys: what stands in a PEM is no base64") from cause
    if any(content.startswith(begins) and len(content) == size for begins, size in _CURVES.items()):
        return
    if _RSA in content[:24] and content[:1] == b"0":
        if len(content) < _RSA_MIN:
            raise ValueError("keys: a key of RSA has fewer than 2,048 bits, and can be forged")
        return
    raise ValueError("keys: one is of a kind that signs no images; ECDSA on P-256, P-384 or P-521, Ed25519 and RSA do")


#: Signers as settings. Whoever may pull may see whose signatures are trusted.
SIGNERS = SettingKind(
    kind="signers",
    plural="signers",
    text="Signers: whose signatures of images are trusted, by their public keys.",
    body=Signers,
    speaks_for=nobody,
    holds=Holds.ALL,
    read=Action.PULL,
    most=100,
)
