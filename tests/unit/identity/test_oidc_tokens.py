"""ID tokens that are not what they say: each is refused, and none makes anybody ask where it points to."""

import hashlib
import hmac
import json
from collections.abc import Callable
from typing import Any

import pytest
from joserfc.jwk import ECKey, RSAKey

from orlop.adapters.identity.oidc.keys import Keys, parse_keys
from orlop.adapters.identity.oidc.tokens import check_common, check_id_token, verified
from orlop.domain.errors import Unauthorized, Unavailable
from orlop.domain.identity.providers import OidcProvider
from orlop.ports.clock import HOUR, SECOND
from tests.oidc.simulated import EC, ED, OTHER_RSA, RSA, part, sign

NOW = 1_800_000_000
ISSUER = "https://login.example.org"
PROVIDER = OidcProvider(issuer=ISSUER, client_id="orlop")
NONCE = "n" * 43
GOOD: dict[str, Any] = {"iss": ISSUER, "aud": "orlop", "sub": "ada", "iat": NOW, "exp": NOW + 300, "nonce": NONCE}
#: "the left-most half of the hash … base64url encode them" (OpenID Connect Core 1.0, section 3.1.3.6), of "at".
HALF = part(hashlib.sha256(b"at").digest()[:16])
OTHER_EC = ECKey.generate_key("P-384", {"kid": "ec384"})


class FixedClock:
    """See ports.clock.Clock."""

    at = NOW * SECOND

    def now(self) -> int:
        return self.at


class Published:
    """A provider's keys, and how often somebody asked for them."""

    def __init__(self, *keys: Any) -> None:
        self.keys = [key.as_dict(private=False) for key in keys or (RSA, EC, ED)]
        self.asked = 0
        self.broken = False

    async def __call__(self) -> dict[str, Any]:
        self.asked += 1
        if self.broken:
            raise Unavailable("away")
        return {"keys": self.keys}


async def accept(token: str, published: Published | None = None, *, access_token: str = "at") -> dict[str, Any]:
    """Everything that a sign-in asks of an ID token."""
    keys = Keys(published or Published(), FixedClock())
    found = await verified(token, PROVIDER, keys, types=frozenset({"jwt"}))
    check_common(found.claims, PROVIDER, NOW * SECOND)
    check_id_token(found, nonce=NONCE, access_token=access_token, external=None)
    return found.claims


def said(**more: Any) -> dict[str, Any]:
    """The claims of a good token with changes; None leaves one out."""
    return {name: value for name, value in {**GOOD, **more}.items() if value is not None}


def raw(header: Any, claims: Any, signature: bytes = b"x" * 256) -> str:
    return f"{part(header)}.{part(claims)}.{part(signature)}"


def with_secret(secret: bytes, algorithm: str = "HS256") -> str:
    """By hand: the library does not take a public key for a secret."""
    signed = f"{part({'alg': algorithm, 'kid': 'rsa'})}.{part(GOOD)}"
    name = {"HS256": "sha256", "HS512": "sha512"}[algorithm]
    return f"{signed}.{part(hmac.digest(secret, signed.encode(), name))}"


def swapped(token: str, claims: dict[str, Any]) -> str:
    header, _, signature = token.split(".")
    return f"{header}.{part(claims)}.{signature}"


@pytest.mark.parametrize(
    "token",
    [
        sign(GOOD),
        sign(GOOD, EC, "ES256"),
        sign(GOOD, ED, "EdDSA"),
        sign(GOOD, ED, "Ed25519"),
        sign(GOOD, RSA, "PS256"),
        sign(GOOD, typ="JWT"),
        sign(GOOD, typ="application/jwt"),
        sign(said(aud=["orlop"])),
        sign(said(aud=["orlop", "api"], azp="orlop")),
        sign(said(iat=NOW + 59)),
        sign(said(iat=float(NOW))),
        sign(said(exp=NOW - 59)),
        sign(said(nbf=NOW + 59)),
        sign(said(at_hash=HALF)),
        sign(GOOD, jku="https://evil.example/keys"),
        sign(GOOD, **{"x-vendor": "1"}),
    ],
)
async def test_good_ones(token: str) -> None:
    assert (await accept(token))["sub"] == "ada"


FORGED: dict[str, Callable[[], str]] = {
    "empty": lambda: "",
    "not a token": lambda: "a",
    "two parts": lambda: "a.b",
    "four parts": lambda: f"{sign(GOOD)}.x",
    "encrypted, five parts": lambda: "a.b.c.d.e",
    "not ascii": lambda: f"{sign(GOOD)[:-2]}é",
    "too long": lambda: sign(said(padding="x" * 300_000)),
    "alg none": lambda: raw({"alg": "none"}, GOOD, b""),
    "alg None": lambda: raw({"alg": "None"}, GOOD, b""),
    "alg none with a kid": lambda: raw({"alg": "none", "kid": "rsa"}, GOOD, b""),
    "no alg": lambda: raw({"kid": "rsa"}, GOOD),
    "alg is a number": lambda: raw({"alg": 1}, GOOD),
    "alg is a list": lambda: raw({"alg": ["RS256"]}, GOOD),
    "unknown alg": lambda: raw({"alg": "XX256", "kid": "rsa"}, GOOD),
    "alg in lower case": lambda: raw({"alg": "rs256", "kid": "rsa"}, GOOD),
    "HS256 with the public key as PEM": lambda: with_secret(RSA.as_pem(private=False)),
    "HS256 with the public key as JSON": lambda: with_secret(json.dumps(RSA.as_dict(private=False)).encode()),
    "HS256 with the client secret": lambda: with_secret(b"the client's own secret, long enough"),
    "HS512": lambda: with_secret(b"the client's own secret, long enough" * 2, "HS512"),
    "HS256 with an empty secret": lambda: raw({"alg": "HS256", "kid": "rsa"}, GOOD, b""),
    "an alg that is not allowed": lambda: sign(GOOD, RSA, "RS512"),
    "another's key under the same kid": lambda: sign(GOOD, OTHER_RSA),
    "unknown kid": lambda: sign(GOOD, RSA, kid="other"),
    "kid is a path": lambda: sign(GOOD, RSA, kid="../../etc/passwd"),
    "kid is a number": lambda: raw({"alg": "RS256", "kid": 5}, GOOD),
    "kid is null": lambda: raw({"alg": "RS256", "kid": None}, GOOD),
    "kid of a key of another kind": lambda: sign(GOOD, RSA, kid="ec"),
    "ES256 by a key on another curve": lambda: sign(GOOD, OTHER_EC, "ES384", kid="ec"),
    "its own key in jwk": lambda: sign(GOOD, OTHER_RSA, jwk=OTHER_RSA.as_dict(private=False), kid="mine"),
    "its own key in jku": lambda: sign(GOOD, OTHER_RSA, jku="https://evil.example/keys", kid="mine"),
    "its own key in x5u": lambda: sign(GOOD, OTHER_RSA, x5u="https://evil.example/cert", kid="mine"),
    "its own key in x5c": lambda: sign(GOOD, OTHER_RSA, x5c=["MIIB"], kid="mine"),
    "crit": lambda: raw({"alg": "RS256", "kid": "rsa", "crit": ["exp"], "exp": 1}, GOOD),
    "crit is empty": lambda: raw({"alg": "RS256", "kid": "rsa", "crit": []}, GOOD),
    "b64": lambda: raw({"alg": "RS256", "kid": "rsa", "b64": False}, GOOD),
    "typ of an access token": lambda: sign(GOOD, typ="at+jwt"),
    "typ of a logout token": lambda: sign(GOOD, typ="logout+jwt"),
    "typ is a number": lambda: raw({"alg": "RS256", "kid": "rsa", "typ": 1}, GOOD),
    "header is a list": lambda: raw(["alg", "RS256"], GOOD),
    "header is no JSON": lambda: raw(b"{", GOOD),
    "header nests deep": lambda: raw(b'{"alg":"RS256","a":' + b"[" * 5000 + b"]" * 5000 + b"}", GOOD),
    "header is long": lambda: sign(GOOD, padding="x" * 40_000),
    "claims are a list": lambda: sign([GOOD]),
    "claims are text": lambda: sign("ada"),
    "claims are no JSON": lambda: sign(b"{"),
    "claims nest deep": lambda: sign(b'{"a":' + b"[" * 60_000 + b"]" * 60_000 + b"}"),
    "claims are no UTF-8": lambda: sign(b'{"sub":"\xff"}'),
    "no signature": lambda: sign(GOOD).rpartition(".")[0] + ".",
    "half a signature": lambda: sign(GOOD)[:-100],
    "a signature of zeros": lambda: raw({"alg": "ES256", "kid": "ec"}, GOOD, b"\0" * 64),
    "a long signature": lambda: raw({"alg": "RS256", "kid": "rsa"}, GOOD, b"x" * 3000),
    "claims were changed": lambda: swapped(sign(GOOD), said(sub="root")),
    "signature is padded": lambda: f"{sign(GOOD)}=",
    "issuer of another": lambda: sign(said(iss="https://evil.example")),
    "issuer with a slash more": lambda: sign(said(iss=f"{ISSUER}/")),
    "issuer in capitals": lambda: sign(said(iss=ISSUER.upper())),
    "issuer is a list": lambda: sign(said(iss=[ISSUER])),
    "no issuer": lambda: sign(said(iss=None)),
    "audience of another": lambda: sign(said(aud="another")),
    "audience begins like ours": lambda: sign(said(aud="orlop2")),
    "audience is ours in a text": lambda: sign(said(aud="orlop another")),
    "audience is an object": lambda: sign(said(aud={"orlop": True})),
    "audience is empty": lambda: sign(said(aud=[])),
    "no audience": lambda: sign(said(aud=None)),
    "several audiences, and no azp": lambda: sign(said(aud=["orlop", "another"])),
    "azp of another": lambda: sign(said(azp="another")),
    "azp is a list": lambda: sign(said(azp=["orlop"])),
    "expired": lambda: sign(said(exp=NOW - 60)),
    "expired long ago": lambda: sign(said(exp=1)),
    "never expires": lambda: sign(said(exp=None)),
    "exp is text": lambda: sign(said(exp=str(NOW + 300))),
    "exp is true": lambda: sign(said(exp=True)),
    "exp is endless": lambda: sign(b'{"iss":"%s","aud":"orlop","sub":"ada","exp":1e999}' % ISSUER.encode()),
    "exp is far beyond": lambda: sign(said(exp=10**15)),
    "issued in the future": lambda: sign(said(iat=NOW + 61)),
    "issued long ago": lambda: sign(said(iat=NOW - 601)),
    "no iat": lambda: sign(said(iat=None)),
    "not valid yet": lambda: sign(said(nbf=NOW + 61)),
    "nbf is text": lambda: sign(said(nbf="now")),
    "no sub": lambda: sign(said(sub=None)),
    "sub is empty": lambda: sign(said(sub="")),
    "sub is a number": lambda: sign(said(sub=7)),
    "sub is long": lambda: sign(said(sub="x" * 256)),
    "nonce of another": lambda: sign(said(nonce="m" * 43)),
    "nonce is shorter": lambda: sign(said(nonce="n")),
    "nonce is a list": lambda: sign(said(nonce=[NONCE])),
    "no nonce": lambda: sign(said(nonce=None)),
    "at_hash of another token": lambda: sign(said(at_hash="77QmUPtjPfzWtF2AnpK9RQ")),
    "at_hash is a number": lambda: sign(said(at_hash=1)),
    "at_hash is null": lambda: sign({**GOOD, "at_hash": None}),
}


@pytest.mark.parametrize("forged", FORGED.values(), ids=FORGED.keys())
async def test_forged_ones(forged: Callable[[], str]) -> None:
    published = Published()
    with pytest.raises(Unauthorized) as refused:
        await accept(forged(), published)
    assert refused.value.message
    assert published.asked <= 1


async def test_the_access_token_belongs_to_the_id_token() -> None:
    token = sign(said(at_hash=HALF))
    assert await accept(token)
    for other in ("", "another"):
        with pytest.raises(Unauthorized):
            await accept(token, access_token=other)


async def test_without_a_kid_there_must_be_exactly_one_key() -> None:
    assert await accept(sign(GOOD, kid=None), Published(RSA, EC))
    with pytest.raises(Unauthorized, match="does not name its key"):
        await accept(sign(GOOD, kid=None), Published(RSA, RSAKey.generate_key(2048, {"kid": "second"})))


async def test_a_token_of_two_keys_with_one_name_is_refused() -> None:
    with pytest.raises(Unauthorized):
        await accept(sign(GOOD), Published(RSA, OTHER_RSA))


@pytest.mark.parametrize(
    "set_",
    [
        {},
        {"keys": None},
        {"keys": {}},
        {"keys": [None, 1, "x", []]},
        {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]},
        {"keys": [{"kty": "RSA", "n": "x"}]},
        {"keys": [{"kty": "RSA", "n": "!", "e": "AQAB"}]},
        {"keys": [{"kty": "EC", "crv": "P-256", "x": "AA", "y": "AA"}]},
        {"keys": [{"kty": "OKP", "crv": "Ed25519", "x": "AA"}]},
        {"keys": [{**RSA.as_dict(private=False), "use": "enc"}]},
        {"keys": [{**RSA.as_dict(private=False), "key_ops": ["encrypt"]}]},
        {"keys": [{"kty": "RSA", "e": "AQAB", "n": part((1 << 1023 | 1).to_bytes(128, "big"))}]},
    ],
)
def test_keys_that_are_none(set_: dict[str, Any]) -> None:
    assert parse_keys(set_) == ()


def test_a_set_of_keys_has_an_end() -> None:
    assert len(parse_keys({"keys": [RSA.as_dict(private=False)] * 1000})) == 64


async def test_a_key_for_one_algorithm_does_not_serve_another() -> None:
    published = Published(RSA)
    published.keys = [{**published.keys[0], "alg": "PS256"}]
    assert await accept(sign(GOOD, RSA, "PS256"), published)
    with pytest.raises(Unauthorized):
        await accept(sign(GOOD, RSA, "RS256"), published)


async def test_keys_are_remembered_and_looked_up_anew_once_a_minute_at_most() -> None:
    clock, published = FixedClock(), Published(RSA)
    keys = Keys(published, clock)
    for _ in range(3):
        await keys.find("rsa", "RS256")
    assert published.asked == 1
    for name in ("a", "b", "c"):
        with pytest.raises(Unauthorized):
            await keys.find(name, "RS256")
    assert published.asked == 1
    clock.at += 60 * SECOND
    for name in ("a", "b", "c"):
        with pytest.raises(Unauthorized):
            await keys.find(name, "RS256")
    assert published.asked == 2


async def test_keys_are_not_believed_for_longer_than_an_hour_even_when_the_provider_is_away() -> None:
    clock, published = FixedClock(), Published(RSA)
    keys = Keys(published, clock)
    await keys.find("rsa", "RS256")
    published.broken = True
    clock.at += HOUR
    with pytest.raises(Unavailable):
        await keys.find("rsa", "RS256")
    with pytest.raises(Unauthorized):
        await keys.find("rsa", "RS256")
    published.broken = False
    clock.at += 60 * SECOND
    assert await keys.find("rsa", "RS256")
