"""Certificates and keys as texts in a setting: whether they are some, by their form. Who signed them, and whether a key
is that of a certificate, is told by whoever uses them."""

import binascii
import re

from orlop.domain.upstreams.sign_in import is_kept

_BLOCK = re.compile(r"-----BEGIN (?P<what>[A-Z0-9 ]{1,64})-----\s(?P<body>[^-]*)-----END (?P=what)-----", re.ASCII)


def check_pem(ca: str, certificate: str, key: str) -> None:
    """Raises ValueError, which does not repeat the texts. Empty ones are not there."""
    for field, text in (("ca_certificate", ca), ("client_certificate", certificate)):
        if text and "CERTIFICATE" not in _blocks(text):
            raise ValueError(f"{field}: it holds no certificate in PEM (-----BEGIN CERTIFICATE-----)")
    if key and not is_kept(key):
        blocks = _blocks(key)
        if "ENCRYPTED PRIVATE KEY" in blocks or "Proc-Type: 4,ENCRYPTED" in key:
            raise ValueError("client_key: it has a password; write it without one, or keep it in a file (file:/PATH)")
        if not any(what.endswith("PRIVATE KEY") for what in blocks):
            raise ValueError("client_key: it holds no private key in PEM (-----BEGIN PRIVATE KEY-----)")


def _blocks(text: str) -> set[str]:
    """What a text holds whose bytes can be read."""
    found = set()
    for block in _BLOCK.finditer(text):
        lines = block["body"].split("\n\n")[-1] if "Proc-Type" in block["body"] else block["body"]
        try:
            decoded = binascii.a2b_base64("".join(lines.split()), strict_mode=True)
        except binascii.Error:
            continue
        if decoded:
            found.add(block["what"])
    return found
