"""Signatures as Standard Webhooks writes them: whoever has the secret knows who sent a message, and when."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Sequence

_PREFIX = "whsec_"
#: What a key between `whsec_` and its end may have, in bytes (Standard Webhooks, "Signature scheme").
_SHORTEST, _LONGEST = 24, 64
#: Secrets that are kept elsewhere are checked when they are fetched.
_KEPT = ("env:", "file:")


def key_of(secret: str) -> bytes:
    """The key that a secret is: base64 behind `whsec_`, or the text as it is. Raises ValueError."""
    if not secret.startswith(_PREFIX):
        return secret.encode()
    try:
        key = base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
    except (binascii.Error, ValueError) as cause:
        raise ValueError("a secret that begins with whsec_ goes on in base64") from cause
    if not _SHORTEST <= len(key) <= _LONGEST:
        raise ValueError(f"a secret that begins with whsec_ has {_SHORTEST} to {_LONGEST} bytes")
    return key


def check_secret(secret: str) -> None:
    """Raises ValueError, which does not repeat it."""
    if secret and not secret.startswith(_KEPT):
        key_of(secret)


def signed(secrets: Sequence[str], message: str, timestamp: int, body: bytes) -> tuple[tuple[str, str], ...]:
    """The headers of a message: its id, when it is sent (seconds since 1970), and a signature by each secret.

    Raises ValueError for a secret that is none.
    """
    headers = [("webhook-id", message), ("webhook-timestamp", str(timestamp))]
    if secrets:
        content = b".".join((message.encode(), str(timestamp).encode(), body))
        signatures = (hmac.new(key_of(secret), content, hashlib.sha256).digest() for secret in secrets)
        words = " ".join(f"v1,{base64.b64encode(each).decode()}" for each in signatures)
        headers.append(("webhook-signature", words))
    return tuple(headers)
