"""Issuers that lie, stall, lead astray or stand where they must not; and keys that come and go."""

import socket
import ssl
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web
from aiohttp.abc import AbstractResolver, ResolveResult

from orlop.adapters.identity.workload.fetching import ANSWER_MAX
from orlop.adapters.identity.workload.issuers import AGAIN, FRESH, KEPT, REST
from orlop.domain.errors import Unauthorized, Unavailable
from tests.clientside.loopback import serving
from tests.needs import need
from tests.workload.issuers import DISCOVERY, Issuer, github_claims, running
from tests.workload.keys import ec, public, rsa, sign, weak
from tests.workload.scene import NOW, Scene

WANTED = {"repository": "octo-org/octo-repo"}


class Names(AbstractResolver):
    """Answers each question with the next of its lists of addresses, and with the last for ever."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """See AbstractResolver."""
        self.asked.append(host)
        addresses = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [
            ResolveResult(
                hostname=host,
                host=address,
                port=port,
                family=socket.AF_INET6 if ":" in address else socket.AF_INET,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address in addresses
        ]

    async def close(self) -> None:
        """Nothing is open."""


async def trusting(scene: Scene, issuer: str, **fields: Any) -> str:
    """A good token of an issuer that is trusted now."""
    await scene.trust(preset="github", issuer=issuer, claims=WANTED, **fields)
    return sign({"iss": issuer, **github_claims(NOW)}, rsa("key-1"))


#: Where a name that somebody else controls may lead.
ASTRAY = [
    "169.254.169.254",
    "::ffff:169.254.169.254",
    "fd00:ec2::254",
    "127.0.0.1",
    "::1",
    "::ffff:127.0.0.1",
    "10.0.0.1",
    "::ffff:10.0.0.1",
    "64:ff9b::a00:1",
    "2002:a00:1::1",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "0.0.0.0",
    "::",
    "fe80::1",
    "fc00::1",
    "224.0.0.1",
    "255.255.255.255",
]


@pytest.mark.parametrize("address", ASTRAY)
async def test_a_name_that_leads_astray_is_not_followed(address: str) -> None:
    scene = Scene(lambda: Names([address]))
    token = await trusting(scene, "https://issuer.example.com")
    with pytest.raises(Unavailable) as refused:
        await scene.workloads.verify(token)
    assert "may not be connected to" in scene.said
    assert address not in refused.value.message


@pytest.mark.parametrize("addresses", [["10.0.0.0/8"], ["127.0.0.2"], ["::1"]])
async def test_other_addresses_that_a_trust_names_do_not_help(addresses: list[str]) -> None:
    scene = Scene(lambda: Names(["127.0.0.1"]))
    token = await trusting(scene, "https://issuer.example.com", addresses=addresses)
    with pytest.raises(Unavailable):
        await scene.workloads.verify(token)


@pytest.mark.parametrize(
    "uri",
    [
        "http://169.254.169.254/latest/meta-data/",
        "https://169.254.169.254/keys",
        "https://[::ffff:169.254.169.254]/keys",
        "https://2852039166/keys",
        "https://0xa9fea9fe/keys",
        "https://0251.0376.0251.0376/keys",
        "https://169.254.43518/keys",
        "https://10.0.0.1/keys",
        "https://127.0.0.2/keys",
        "http://issuer.example.com/keys",
        "file:///etc/passwd",
        "https://ada:secret@issuer.example.com/keys",
        "https://issuer.example.com\\@127.0.0.1/keys",
        "https://issuer.example.com/../keys",
        "//issuer.example.com/keys",
        "/keys",
        "",
        "https://issuer.example.com/keys#fragment",
        "https://issuer.example.com/ keys",
        "https://issuer.example.com/keys\r\nHost: x",
        7,
        None,
    ],
)
async def test_keys_are_not_fetched_from_just_anywhere(uri: Any) -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.metadata = {"jwks_uri": uri}
        scene = Scene()
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
        assert issuer.asked == [DISCOVERY]


async def test_a_name_that_changes_between_two_questions_gains_nothing() -> None:
    issuer = Issuer("/keys")
    async with running(issuer) as server:
        port = server.host.rpartition(":")[2]
        issuer.url = f"http://localhost:{port}"
        issuer.metadata = {"jwks_uri": issuer.url + "/keys"}
        names = Names(["127.0.0.1"], ["10.0.0.1"])
        scene = Scene(lambda: names)
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
        assert names.asked == ["localhost", "localhost"]
        assert issuer.asked == [DISCOVERY]


def _redirecting(status: int, to: str) -> Callable[[web.Request], web.StreamResponse]:
    return lambda _: web.Response(status=status, headers={"Location": to})


@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
async def test_redirects_are_not_followed(path: str, status: int) -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.answers[path] = _redirecting(status, "/elsewhere")
        scene = Scene()
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
        assert "/elsewhere" not in issuer.asked
        assert f"status {status}" in scene.said


LIES: dict[str, Any] = {
    "another issuer": {"metadata": {"issuer": "https://other.example.com"}},
    "another issuer by a slash": {"slash": True},
    "no issuer": {"metadata": {"issuer": None}},
    "keys that are no list": {"jwks": {"keys": {"kid": "key-1"}}},
    "no keys at all": {"jwks": {}},
}


@pytest.mark.parametrize("name", LIES)
async def test_metadata_that_contradict_themselves_are_not_used(name: str) -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.metadata = LIES[name].get("metadata", {})
        if LIES[name].get("slash"):
            issuer.metadata = {"issuer": issuer.url + "/"}
        issuer.jwks = LIES[name].get("jwks")
        scene = Scene()
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)


BODIES: dict[str, Callable[[], bytes]] = {
    "nothing": lambda: b"",
    "no JSON": lambda: b"<html>",
    "a list": lambda: b"[]",
    "half": lambda: b'{"keys": [',
    "depth": lambda: b'{"keys":' + b"[" * 100_000 + b"]" * 100_000 + b"}",
    "too much": lambda: b'{"keys": [' + b" " * ANSWER_MAX + b"]}",
}


@pytest.mark.parametrize("name", BODIES)
@pytest.mark.parametrize("path", [DISCOVERY, "/keys"])
async def test_answers_that_are_none(path: str, name: str) -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.answers[path] = lambda _: web.Response(body=BODIES[name](), content_type="application/json")
        scene = Scene()
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)


async def test_an_issuer_that_is_silent_is_not_waited_for() -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.delay = 30.0
        scene = Scene(seconds=0.2)
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)


async def test_an_answer_without_an_end_is_cut_off() -> None:
    async def endless(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        try:
            while True:
                await response.write(b" " * 65_536)
        except ConnectionError:
            return response

    async with serving(endless) as server:
        scene = Scene()
        token = await trusting(scene, server.url)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
        assert "more than" in scene.said


SECRET = {"kty": "oct", "kid": "key-1", "k": "c2VjcmV0", "alg": "HS256"}
BAD_KEYS: dict[str, Callable[[], list[Any]]] = {
    "a shared secret": lambda: [SECRET],
    "a private key": lambda: [rsa("key-1").as_dict(private=True)],
    "a weak key": lambda: [weak("key-1")],
    "a key for encryption": lambda: [public(rsa("key-1")) | {"use": "enc"}],
    "a key that does not verify": lambda: [public(rsa("key-1"), key_ops=["encrypt"])],
    "operations that are no list": lambda: [public(rsa("key-1"), key_ops="verify")],
    "a key for another algorithm": lambda: [public(rsa("key-1"), alg="RS512")],
    "a key on a curve": lambda: [public(ec("key-1"))],
    "a name that is a number": lambda: [public(rsa("key-1")) | {"kid": 1}],
    "two keys of one name": lambda: [public(rsa("key-1")), public(rsa("x"), kid="key-1")],
    "an exponent of one": lambda: [public(rsa("key-1")) | {"e": "AQ"}],
    "a huge exponent": lambda: [public(rsa("key-1")) | {"e": "B" * 300 + "Q"}],
    "no modulus": lambda: [{"kty": "RSA", "kid": "key-1", "e": "AQAB"}],
    "a modulus that is no number": lambda: [public(rsa("key-1")) | {"n": "!!"}],
    "what is no key": lambda: ["key-1", None, 7, [], {}],
    "no keys": list,
    "ours behind a thousand others": lambda: [SECRET] * 1000 + [public(rsa("key-1"))],
}


@pytest.mark.parametrize("name", BAD_KEYS)
async def test_keys_that_prove_nothing_are_not_used(name: str) -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.jwks = {"keys": BAD_KEYS[name]()}
        scene = Scene()
        token = await trusting(scene, issuer.url)
        with pytest.raises(Unauthorized, match="key that its issuer does not have"):
            await scene.workloads.verify(token)


async def test_bad_keys_beside_a_good_one_do_no_harm() -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        issuer.jwks = {"keys": [SECRET, None, public(ec("key-1")), public(rsa("key-1"))]}
        scene = Scene()
        assert await scene.workloads.verify(await trusting(scene, issuer.url)) is not None


async def test_a_token_may_leave_out_the_name_of_the_only_key() -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        scene = Scene()
        await trusting(scene, issuer.url)
        token = sign({"iss": issuer.url, **github_claims(NOW)}, rsa("key-1"), header={"kid": None})
        assert await scene.workloads.verify(token) is not None
        issuer.keys["key-2"] = rsa("key-2")
        scene.time.pass_by(FRESH)
        token = sign({"iss": issuer.url, **github_claims(NOW + int(FRESH))}, rsa("key-1"), header={"kid": None})
        with pytest.raises(Unauthorized):
            await scene.workloads.verify(token)


async def test_one_trust_that_cannot_be_asked_is_no_no_of_another() -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        scene = Scene()
        token = await trusting(scene, issuer.url)
        other = {"preset": "github", "issuer": issuer.url, "claims": WANTED}
        await scene.trust("aaa", **other, jwks={"keys": [public(rsa("x"))]})
        issuer.answers[DISCOVERY] = lambda _: web.Response(status=503)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
        del issuer.answers[DISCOVERY]
        scene.time.pass_by(REST)
        assert await scene.workloads.verify(token) is not None


async def test_a_new_key_is_found_and_an_old_one_forgotten() -> None:
    issuer = Issuer("/keys")
    async with running(issuer):
        scene = Scene()
        old = await trusting(scene, issuer.url)
        assert await scene.workloads.verify(old) is not None
        issuer.keys = {"key-2": rsa("key-2")}
        new = issuer.token(github_claims(NOW), key="key-2")
        asked = len(issuer.asked)
        for _ in range(3):
            with pytest.raises(Unauthorized):
                await scene.workloads.verify(new)
        assert len(issuer.asked) == asked, "nobody makes us ask within seconds"
        scene.time.pass_by(AGAIN)
        assert await scene.workloads.verify(new) is not None
        with pytest.raises(Unauthorized):
            await scene.workloads.verify(old)


async def test_an_issuer_that_is_down_is_believed_by_its_last_keys_for_an_hour() -> None:
    issuer = Issuer("/keys")
    scene = Scene()
    async with running(issuer):
        await trusting(scene, issuer.url)
        claims = github_claims(NOW, exp=NOW + 10_000)
        token = issuer.token(claims)
        assert await scene.workloads.verify(token) is not None
        issuer.answers[DISCOVERY] = lambda _: web.Response(status=503)
        scene.time.pass_by(FRESH)
        assert await scene.workloads.verify(token) is not None
        asked = len(issuer.asked)
        assert await scene.workloads.verify(token) is not None
        assert len(issuer.asked) == asked, "an issuer that is down is left alone for seconds"
        scene.time.pass_by(KEPT)
        with pytest.raises(Unavailable, match="cannot be had"):
            await scene.workloads.verify(token)
        del issuer.answers[DISCOVERY]
        scene.time.pass_by(REST)
        assert await scene.workloads.verify(token) is not None


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[str, ssl.SSLContext]:
    """An authority's certificate in PEM, which is its server's, too; and the server's side of it."""
    folder = tmp_path_factory.mktemp("certificate")
    key, cert = folder / "key.pem", folder / "cert.pem"
    request = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=issuer.example.com"]
    names = ["-addext", "subjectAltName=DNS:issuer.example.com,IP:127.0.0.1"]
    command = [need("openssl")["openssl"], *request, *names, "-keyout", str(key), "-out", str(cert)]
    subprocess.run(command, check=True, capture_output=True, timeout=60)
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(cert, key)
    return Path(cert).read_text(), context


@pytest.mark.slow
async def test_a_cluster_with_an_authority_of_its_own(certificate: tuple[str, ssl.SSLContext]) -> None:
    pem, context = certificate
    issuer = Issuer("/keys")
    async with running(issuer, certificate=context) as server:
        issuer.url = f"https://issuer.example.com:{server.host.rpartition(':')[2]}"
        named = {"addresses": ["127.0.0.1"]}
        scene = Scene(lambda: Names(["127.0.0.1"]))
        assert await scene.workloads.verify(await trusting(scene, issuer.url, ca=pem, **named)) is not None
        # Without its authority, and without its address.
        for fields in (named, {"ca": pem}):
            scene = Scene(lambda: Names(["127.0.0.1"]))
            token = await trusting(scene, issuer.url, **fields)
            with pytest.raises(Unavailable):
                await scene.workloads.verify(token)
        # With its address in the networks that are allowed for all.
        scene = Scene(lambda: Names(["127.0.0.1"]), networks=("127.0.0.0/8",))
        assert await scene.workloads.verify(await trusting(scene, issuer.url, ca=pem)) is not None
        # Under another name than its certificate has.
        scene = Scene(lambda: Names(["127.0.0.1"]))
        other = issuer.url.replace("issuer.", "other.")
        token = await trusting(scene, other, ca=pem, **named)
        with pytest.raises(Unavailable):
            await scene.workloads.verify(token)
