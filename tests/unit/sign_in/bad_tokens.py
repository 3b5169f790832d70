"""Tokens that must not be believed, made by hand, each with what it tries. `forge` gets a good one to start from."""

import base64
import hmac
from collections.abc import Callable
from hashlib import sha256, sha384, sha512
from typing import Any

import msgspec
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ed448, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.padding import PKCS1v15
from cryptography.hazmat.primitives.hashes import SHA256

from tests.unit.sign_in.scene import decoded, encoded


class Forger(msgspec.Struct, frozen=True):
    """What an attacker has: a good token of their own, and our public key."""

    token: str
    public: dict[str, str]
    """As /token/keys shows it."""

    @property
    def header(self) -> dict[str, Any]:
        """Of the good token."""
        return msgspec.json.decode(decoded(self.token.split(".")[0]))

    @property
    def claims(self) -> dict[str, Any]:
        """Of the good token."""
        return msgspec.json.decode(decoded(self.token.split(".")[1]))

    @property
    def signature(self) -> str:
        """Of the good token."""
        return self.token.split(".")[2]

    def signed(self, header: object, claims: object, sign: Callable[[bytes], bytes]) -> str:
        """A token that somebody else signs."""
        body = f"{encoded(header)}.{encoded(claims)}"
        return f"{body}.{encoded(sign(body.encode()))}"

    def own(self, header: dict[str, Any], claims: object | None = None) -> str:
        """A token that the attacker signs with a key of their own."""
        return self.signed(header, self.claims if claims is None else claims, OWN.sign)

    def kept(self, header: object, claims: object | None = None) -> str:
        """A token under the signature of the good one."""
        return f"{encoded(header)}.{encoded(self.claims if claims is None else claims)}.{self.signature}"

    def mac(self, algorithm: str, digest: Any, secret: bytes) -> str:
        """A token with a MAC whose key is something that everybody knows."""
        return self.signed(
            {**self.header, "alg": algorithm}, self.claims, lambda body: hmac.new(secret, body, digest).digest()
        )


OWN = ed25519.Ed25519PrivateKey.from_private_bytes(b"\1" * 32)
_OWN_448 = ed448.Ed448PrivateKey.from_private_bytes(b"\1" * 57)
_RSA = rsa.generate_private_key(65537, 2048)
_RAW = serialization.Encoding.Raw, serialization.PublicFormat.Raw
_PEM = serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
OWN_JWK = {"kty": "OKP", "crv": "Ed25519", "x": encoded(OWN.public_key().public_bytes(*_RAW))}

#: A signature whose R is the neutral element of the curve and whose s is zero.
_NEUTRAL = b"\1" + bytes(63)

Forge = Callable[[Forger], str]


def _point(forger: Forger) -> bytes:
    return decoded(forger.public["x"])


def _pem(forger: Forger) -> bytes:
    return ed25519.Ed25519PublicKey.from_public_bytes(_point(forger)).public_bytes(*_PEM)


def _with(**more: Any) -> Forge:
    """The attacker's own signature under a header that brings something along."""
    return lambda f: f.own({**f.header, **more})


def _without(name: str) -> Forge:
    return lambda f: f.own({key: value for key, value in f.header.items() if key != name})


def _tampered(**changes: Any) -> Forge:
    """Other claims under the good signature."""
    return lambda f: f.kept(f.header, {**f.claims, **changes})


def _flipped(part: int, place: int) -> Forge:
    """One bit of one byte."""

    def forge(f: Forger) -> str:
        parts = f.token.split(".")
        content = bytearray(decoded(parts[part]))
        content[place] ^= 1
        parts[part] = encoded(bytes(content))
        return ".".join(parts)

    return forge


_ALL = [{"type": "repository", "name": "team/secret", "actions": ["*"]}]

#: Whose signature or header is none of ours: by name, with the CVE that a case stands for where it has one.
FORGED: dict[str, Forge] = {
    # The algorithm is what a token may not choose: "none", and MACs whose key is the public one.
    "alg none (CVE-2015-9235)": lambda f: f"{encoded({'alg': 'none', 'typ': 'JWT'})}.{encoded(f.claims)}.",
    "alg none with our kid": lambda f: f.kept({**f.header, "alg": "none"}),
    "alg None": lambda f: f.kept({**f.header, "alg": "None"}),
    "alg NONE": lambda f: f.kept({**f.header, "alg": "NONE"}),
    "alg nOnE without signature": lambda f: f"{encoded({**f.header, 'alg': 'nOnE'})}.{encoded(f.claims)}.",
    "alg none with the good signature": lambda f: f.kept({"alg": "none", "kid": f.header["kid"], "typ": "JWT"}),
    "alg empty": lambda f: f.kept({**f.header, "alg": ""}),
    "alg null": lambda f: f.kept({**f.header, "alg": None}),
    "alg a number": lambda f: f.kept({**f.header, "alg": 0}),
    "alg a list": lambda f: f.kept({**f.header, "alg": ["Ed25519", "none"]}),
    "alg missing": lambda f: f.kept({"kid": f.header["kid"], "typ": "JWT"}),
    "alg twice, the last none": lambda f: f.kept(
        f'{{"alg":"Ed25519","kid":"{f.header["kid"]}","typ":"JWT","alg":"none"}}'.encode()
    ),
    "alg unknown": lambda f: f.kept({**f.header, "alg": "XX25519"}),
    "alg lower case": lambda f: f.kept({**f.header, "alg": "ed25519"}),
    "alg EdDSA": lambda f: f.own({**f.header, "alg": "EdDSA"}),
    "alg Ed448": lambda f: f.signed({**f.header, "alg": "Ed448"}, f.claims, _OWN_448.sign),
    "alg ES256": lambda f: f.kept({**f.header, "alg": "ES256"}),
    "alg PS256": lambda f: f.kept({**f.header, "alg": "PS256"}),
    "alg RS256 with a key of their own": lambda f: f.signed(
        {**f.header, "alg": "RS256"}, f.claims, lambda body: _RSA.sign(body, PKCS1v15(), SHA256())
    ),
    "alg dir": lambda f: f.kept({**f.header, "alg": "dir", "enc": "A256GCM"}),
    "HS256 with the public key as it is published": lambda f: f.mac("HS256", sha256, f.public["x"].encode()),
    "HS256 with the public key's bytes": lambda f: f.mac("HS256", sha256, _point(f)),
    "HS256 with the public key's PEM (CVE-2016-10555)": lambda f: f.mac("HS256", sha256, _pem(f)),
    "HS256 with the JWK": lambda f: f.mac("HS256", sha256, msgspec.json.encode(f.public)),
    "HS384 with the public key's bytes": lambda f: f.mac("HS384", sha384, _point(f)),
    "HS512 with the public key's PEM": lambda f: f.mac("HS512", sha512, _pem(f)),
    "HS256 with nothing": lambda f: f.mac("HS256", sha256, b""),
    "HS256 with the kid": lambda f: f.mac("HS256", sha256, f.header["kid"].encode()),
    # A token that brings its own key.
    "signed by nobody of ours": lambda f: f.own(f.header),
    "jwk in the header (CVE-2018-0114)": _with(jwk=OWN_JWK),
    "jwk with our kid (distribution CVE-2025-24976)": lambda f: f.own(
        {**f.header, "jwk": {**OWN_JWK, "kid": f.header["kid"]}}
    ),
    "jwk that is a string": _with(jwk="key"),
    "jwk with a private half": _with(jwk={**OWN_JWK, "d": encoded(b"\1" * 32)}),
    "x5c in the header": _with(x5c=[base64.b64encode(b"certificate").decode()]),
    "x5c that is empty": _with(x5c=[]),
    "x5c with ten thousand certificates": _with(x5c=["A"] * 10_000),
    "x5t in the header": _with(x5t="AAAA"),
    "x5t#S256 in the header": _with(**{"x5t#S256": "AAAA"}),
    "jku of their own": _with(jku="https://evil.example/keys"),
    "jku of ours": _with(jku="https://registry.example/token/keys"),
    "jku with a file": _with(jku="file:///etc/passwd"),
    "x5u of their own": _with(x5u="https://evil.example/cert"),
    "kid missing": _without("kid"),
    "kid empty": _with(kid=""),
    "kid null": _with(kid=None),
    "kid a number": _with(kid=1),
    "kid a list": _with(kid=["orlop-a"]),
    "kid of nobody": _with(kid="orlop-AAAAAAAAAAAAAAAAAAAAAA"),
    "kid without our prefix": _with(kid="default"),
    "kid a path": _with(kid="../../../../dev/null"),
    "kid a path with our prefix": _with(kid="orlop-../../../../etc/passwd"),
    "kid with a statement": _with(kid="orlop-' UNION SELECT 'key"),
    "kid with a command": _with(kid="orlop-$(id)"),
    "kid a URL": _with(kid="https://evil.example/key"),
    "kid with a NUL": lambda f: f.own({**f.header, "kid": f.header["kid"] + "\0"}),
    "kid with a space": lambda f: f.own({**f.header, "kid": " " + f.header["kid"]}),
    "kid upper case": lambda f: f.own({**f.header, "kid": f.header["kid"].upper()}),
    "kid twice": lambda f: f.kept(
        f'{{"alg":"Ed25519","kid":"orlop-x","typ":"JWT","kid":"{f.header["kid"]}x"}}'.encode()
    ),
    "kid very long": _with(kid="orlop-" + "a" * 10_000),
    "crit unknown": _with(crit=["exp"]),
    "crit with a claim": _with(crit=["iss"], iss="x"),
    "crit empty": _with(crit=[]),
    "crit that names b64": _with(crit=["b64"], b64=False),
    "b64 false": _with(b64=False),
    "crit a string": _with(crit="exp"),
    "zip in the header": _with(zip="DEF"),
    "cty JWT": _with(cty="JWT"),
    "enc in the header": _with(enc="A256GCM"),
    "typ another": _with(typ="at+jwt"),
    "typ missing": _without("typ"),
    "typ null": _with(typ=None),
    "a header with something of its own": _with(admin=True),
    "a header that is a list": lambda f: f.kept([f.header]),
    "a header that is a string": lambda f: f.kept("Ed25519"),
    "a header that is null": lambda f: f.kept(None),
    "a header that is empty": lambda f: f.kept({}),
    "a header that is no JSON": lambda f: f.kept(b"{"),
    "a header that is deep": lambda f: f.kept(b"[" * 100 + b"]" * 100),
    "a header in UTF-16": lambda f: f.kept('{"alg":"none"}'.encode("utf-16")),
    # A good signature over something else.
    "another subject": _tampered(sub="admin"),
    "another account": _tampered(acc=1),
    "no account": _tampered(acc=0),
    "more access": _tampered(access=_ALL),
    "no access": _tampered(access=[]),
    "a later end": _tampered(exp=1 << 40),
    "no end": lambda f: f.kept(f.header, {key: value for key, value in f.claims.items() if key != "exp"}),
    "an infinite end": lambda f: f.kept(
        f.header, msgspec.json.encode(f.claims).replace(str(f.claims["exp"]).encode(), b"1e400")
    ),
    "another version": _tampered(ver=1 << 40),
    "another credential": _tampered(cred=0, label="none"),
    "the same claims in another order": lambda f: f.kept(f.header, dict(reversed(f.claims.items()))),
    "claims that are a list": lambda f: f.kept(f.header, [f.claims]),
    "claims that are nothing": lambda f: f"{encoded(f.header)}..{f.signature}",
    "a bit of the header": _flipped(0, 5),
    "the first bit of the claims": _flipped(1, 0),
    "a bit of the claims": _flipped(1, 40),
    "the first bit of the signature": _flipped(2, 0),
    "a bit in the middle of the signature": _flipped(2, 32),
    "the last bit of the signature": _flipped(2, 63),
    # Damage.
    "cut by one": lambda f: f.token[:-1],
    "cut in half": lambda f: f.token[: len(f.token) // 2],
    "without its signature": lambda f: f.token.rpartition(".")[0],
    "with an empty signature (CVE-2020-28042)": lambda f: f.token.rpartition(".")[0] + ".",
    "with a signature of zeros": lambda f: f"{f.token.rpartition('.')[0]}.{encoded(bytes(64))}",
    "with a signature of the neutral element (CVE-2022-21449)": lambda f: (
        f"{f.token.rpartition('.')[0]}.{encoded(_NEUTRAL)}"
    ),
    "with a signature that is too short": lambda f: f"{f.token.rpartition('.')[0]}.{encoded(bytes(63))}",
    "with a signature that is too long": lambda f: f"{f.token}{encoded(bytes(64))}",
    "with the group's order added to the signature": lambda f: f"{f.token.rpartition('.')[0]}.{_malleated(f)}",
    "with a fourth part": lambda f: f"{f.token}.{f.signature}",
    "with five parts": lambda f: "a.b.c.d.e",
    "with padding": lambda f: f"{f.token}==",
    "with a line end inside": lambda f: f.token.replace(".", ".%0A", 1),
    "with plus and slash": lambda f: f"+/{f.token[2:]}",
    "with a dot before it": lambda f: f".{f.token}",
    "only dots": lambda f: "..",
    "one dot": lambda f: ".",
    "garbage": lambda f: "!!!!.????.****",
    "not even that": lambda f: "garbage",
    "in JSON": lambda f: msgspec.json.encode({"payload": f.token.split(".")[1], "signature": f.signature}).decode(),
    "twice": lambda f: f"{f.token}{f.token}",
    "huge": lambda f: f"{f.token}{'A' * 33_000}",
    "with huge claims": lambda f: f.own(f.header, {**f.claims, "pad": "x" * 30_000}),
    "with a huge header": lambda f: f.own({**f.header, "pad": "x" * 20_000}),
}


def _malleated(f: Forger) -> str:
    """The same signature with s + L in place of s, which RFC 8032, section 5.1.7, refuses."""
    raw = decoded(f.signature)
    order = (1 << 252) + 27742317777372353535851937790883648493
    scalar = int.from_bytes(raw[32:], "little") + order
    return encoded(raw[:32] + (scalar % (1 << 256)).to_bytes(32, "little"))


#: What only we can sign, and would still not believe: claims that do not hold or are none, by what is wrong with them.
UNTRUE: dict[str, tuple[Callable[[dict[str, Any]], object], str]] = {
    "expired a second ago": (lambda c: {**c, "exp": c["iat"]}, "expired"),
    "expired long ago": (lambda c: {**c, "exp": 0}, "expired"),
    "expired before it began": (lambda c: {**c, "exp": -1}, "expired"),
    "not yet": (lambda c: {**c, "nbf": c["iat"] + 61}, "not hold yet"),
    "made in the future": (lambda c: {**c, "iat": c["iat"] + 61}, "not hold yet"),
    "of another issuer": (lambda c: {**c, "iss": "https://evil.example"}, "another registry"),
    "of an issuer that is nearly ours": (lambda c: {**c, "iss": c["iss"] + "/"}, "another registry"),
    "of no issuer": (lambda c: {**c, "iss": ""}, "another registry"),
    "for another audience": (lambda c: {**c, "aud": "other"}, "another service"),
    "for many audiences": (lambda c: {**c, "aud": ["other", "orlop"]}, "does not say"),
    "for no audience": (lambda c: {**c, "aud": None}, "does not say"),
    "without exp": (lambda c: {k: v for k, v in c.items() if k != "exp"}, "does not say"),
    "without nbf": (lambda c: {k: v for k, v in c.items() if k != "nbf"}, "does not say"),
    "without iat": (lambda c: {k: v for k, v in c.items() if k != "iat"}, "does not say"),
    "without iss": (lambda c: {k: v for k, v in c.items() if k != "iss"}, "does not say"),
    "without aud": (lambda c: {k: v for k, v in c.items() if k != "aud"}, "does not say"),
    "without sub": (lambda c: {k: v for k, v in c.items() if k != "sub"}, "does not say"),
    "without acc": (lambda c: {k: v for k, v in c.items() if k != "acc"}, "does not say"),
    "without ver": (lambda c: {k: v for k, v in c.items() if k != "ver"}, "does not say"),
    "without access": (lambda c: {k: v for k, v in c.items() if k != "access"}, "does not say"),
    "exp a string": (lambda c: {**c, "exp": str(c["exp"])}, "does not say"),
    "exp a float": (lambda c: {**c, "exp": c["exp"] + 0.5}, "does not say"),
    "exp null": (lambda c: {**c, "exp": None}, "does not say"),
    "exp true": (lambda c: {**c, "exp": True}, "does not say"),
    "exp beyond all numbers": (
        lambda c: msgspec.json.encode(c).replace(str(c["exp"]).encode(), b"1e400"),
        "does not say",
    ),
    "exp a list": (lambda c: {**c, "exp": [c["exp"]]}, "does not say"),
    "sub a number": (lambda c: {**c, "sub": 1}, "does not say"),
    "acc a string": (lambda c: {**c, "acc": "1"}, "does not say"),
    "access a string": (lambda c: {**c, "access": "*"}, "does not say"),
    "access null": (lambda c: {**c, "access": None}, "does not say"),
    "access of strings": (lambda c: {**c, "access": ["repository:app:*"]}, "does not say"),
    "access with actions that are none": (
        lambda c: {**c, "access": [{"type": "repository", "name": "app", "actions": "*"}]},
        "does not say",
    ),
    "a list": (lambda c: [c], "does not say"),
    "a string": (lambda c: "claims", "does not say"),
    "null": (lambda c: None, "does not say"),
    "nothing": (lambda c: b"", "does not say"),
    "no JSON": (lambda c: b"{", "does not say"),
    "deep": (lambda c: b'{"iss":' + b"[" * 5000 + b"]" * 5000 + b"}", "does not say"),
    "no UTF-8": (lambda c: b'{"iss":"\xff\xfe"}', "does not say"),
    "a lone surrogate": (lambda c: b'{"iss":"\\ud800"}', "does not say"),
}
