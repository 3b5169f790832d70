"""Second factors as they are kept with an account, and what can be said of a code without asking anybody."""

import re
from base64 import b32encode
from hashlib import sha256

import msgspec

from orlop.domain.identity.secrets import Draw

#: A code of RFC 6238 is good for so many seconds.
PERIOD = 30

#: "the validator … is RECOMMENDED at most one time step allowed as the network delay" (RFC 6238, section 5.2); the
#: second one is for clocks that are ahead.
DRIFT = (0, -1, 1)

#: 160 bits, the length of the hash (RFC 4226, section 4, R6).
_SECRET_BYTES = 20

RECOVERY_CODES = 10
_RECOVERY = re.compile(r"[a-z2-7]{16}", re.ASCII)

#: Passkeys that an account has at most.
PASSKEYS_MAX = 20


class Passkey(msgspec.Struct, frozen=True, omit_defaults=True):
    """A public key that a device, or whoever keeps passkeys for people, signs for."""

    id: str
    """The credential's id, base64url."""
    key: str
    """COSE, base64url."""
    name: str
    count: int = 0
    """The signature counter that came last; devices that do not count say 0."""
    created_at: int = 0


class Factors(msgspec.Struct, frozen=True, omit_defaults=True):
    """All of an account's."""

    totp: str = ""
    """The shared secret of RFC 6238, base 32."""
    recovery: tuple[str, ...] = ()
    """Hashes of codes that were not used yet."""
    passkeys: tuple[Passkey, ...] = ()

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds that are set up."""
        return tuple(kind for kind, there in (("totp", self.totp), ("passkey", self.passkeys)) if there)

    def __repr__(self) -> str:
        return f"Factors({', '.join(self.kinds)})"


def read_factors(kept: bytes) -> Factors:
    """What was kept; none where nothing was."""
    return msgspec.json.decode(kept, type=Factors) if kept else Factors()


def new_totp_secret(draw: Draw) -> str:
    """A shared secret to show to an authenticator."""
    return b32encode(draw(_SECRET_BYTES)).decode()


def new_recovery_codes(draw: Draw) -> tuple[str, ...]:
    """Codes to be written down, as they are shown: 80 bits each."""
    texts = (b32encode(draw(10)).decode().lower() for _ in range(RECOVERY_CODES))
    return tuple("-".join(text[at : at + 4] for at in range(0, 16, 4)) for text in texts)


def recovery_hash(text: str) -> str | None:
    """The hash of what may be a recovery code; None of anything else. It is random enough to need no slow one."""
    plain = re.sub(r"[\s-]", "", text[:64]).lower()
    return sha256(plain.encode()).hexdigest() if _RECOVERY.fullmatch(plain) else None


def totp_code(text: str) -> str | None:
    """The six digits of what may be a code of RFC 6238; None of anything else."""
    plain = re.sub(r"\s", "", text[:32])
    return plain if len(plain) == 6 and plain.isascii() and plain.isdigit() else None
