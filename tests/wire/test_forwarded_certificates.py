"""Certificates of clients that a proxy passes on in a header, in the words of each proxy, and of nobody else."""

import asyncio
import base64
import ssl
import time
from collections.abc import Iterator
from ipaddress import ip_network
from pathlib import Path
from urllib.parse import quote

import pytest
import structlog

from orlop.adapters.identity.client_certificates import ClientCertificates
from orlop.config.settings import Tls
from orlop.domain.durations import SECOND
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.authorization import DIRECT, FORWARDED
from orlop.domain.identity.certificates import ClientCertificate
from orlop.faces.http.credentials import Credentials
from orlop.faces.http.proxies import Proxies
from tests.authorities import Authority
from tests.wire.answer import Answer
from tests.wire.inprocess import InProcess
from tests.wire.people import Private

JSON = [("content-type", "application/json"), ("if-none-match", "*")]


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Authority:
    made = Authority(tmp_path_factory.mktemp("authority"))
    made.issue("ci")
    made.issue("lost")
    made.issue("old", days=(-2, -1))
    made.issue("soon", days=(1, 2))
    made.issue("site", server=True)
    made.revoke("lost")
    return made


@pytest.fixture(scope="module")
def people(authority: Authority) -> Iterator[Private]:
    tls = Tls(clients=authority.file, revoked=authority.folder / "revoked.pem", client_header="Client-Cert")
    trusted = {"trusted_proxies": "127.0.0.0/8"}
    with structlog.testing.capture_logs(), InProcess(open=False, tls=tls, **trusted) as registry:
        made = Private(registry)
        for name in ("ci", "lost", "old", "soon", "site"):
            body = f'{{"match": "subject:CN={name},O=Example", "account": "reader"}}'.encode()
            assert made.ask("root", "PUT", f"/api/v1/certificate-rules/{name}", body, JSON).status == 200
        yield made


def der(file: Path) -> bytes:
    return ssl.PEM_cert_to_DER_cert(file.read_text())


def said(people: Private, value: str, *more: tuple[str, str]) -> Answer:
    return people.registry.ask("GET", "/api/v1/me", headers=[("client-cert", value), *more])


def test_each_proxy_says_it_in_its_own_words(people: Private, authority: Authority) -> None:
    pem = (authority.folder / "ci.crt").read_text()
    plain = base64.b64encode(der(authority.folder / "ci.crt")).decode()
    for value in (f":{plain}:", plain, quote(plain, safe=""), quote(pem, safe=""), pem.replace("\n", " ")):
        answer = said(people, value)
        assert (answer.status, answer.json()["account"]["name"]) == (200, "reader"), value[:40]
    for none in ("", "-", "(null)"):
        assert said(people, none).status == 401


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("lost", "the client's certificate was revoked"),
        ("old", "the client's certificate has expired"),
        ("soon", "the client's certificate is not valid yet"),
        ("site", "the client's certificate is not made for clients"),
    ],
)
def test_what_is_no_good_is_told_why(people: Private, authority: Authority, name: str, sentence: str) -> None:
    answer = said(people, base64.b64encode(der(authority.folder / f"{name}.crt")).decode())
    assert (answer.status, answer.json()["detail"]) == (401, sentence)


def test_another_authority_and_what_is_none_are_refused(people: Private, tmp_path: Path) -> None:
    theirs = Authority(tmp_path, "theirs").issue("ci")
    answer = said(people, base64.b64encode(der(theirs)).decode())
    assert "comes from no authority that is trusted here" in answer.json()["detail"]
    for odd in ("x", "::", ":!:", "AAAA", "%%%", "-----BEGIN CERTIFICATE-----", "A" * 70_000):
        answer = said(people, odd)
        assert (answer.status, answer.json()["detail"]) == (401, "the client's certificate cannot be read"), odd[:20]


def test_a_client_that_is_trusted_itself_signs_nobody_else_in(tmp_path: Path, authority: Authority) -> None:
    """One may pin single certificates, whose owners are no authority."""
    tmp_path.joinpath("pinned.pem").write_bytes((authority.folder / "ci.crt").read_bytes())
    reader = ClientCertificates(tmp_path / "pinned.pem", None)
    forged = Authority.by_a_client(tmp_path, authority.folder / "ci.crt").issue("root")
    assert _read(reader, authority.folder / "ci.crt").subject == "CN=ci,O=Example"
    with pytest.raises(Unauthorized, match="comes from no authority"):
        _read(reader, forged)


def test_an_authority_that_was_renewed_counts_beside_what_it_was(tmp_path: Path) -> None:
    theirs = Authority(tmp_path)
    file = theirs.issue("ci")
    theirs.renew(days=(-30, -1))
    ended = theirs.file.read_bytes()
    reader = ClientCertificates(theirs.file, None)
    with pytest.raises(Unauthorized, match="the authority of the client's certificate has expired"):
        _read(reader, file)
    theirs.renew()
    theirs.file.write_bytes(ended + theirs.file.read_bytes())
    assert _read(reader, file).subject == "CN=ci,O=Example"


def _read(reader: ClientCertificates, file: Path) -> ClientCertificate:
    return asyncio.run(reader.read(file.read_text(), check=True, now=int(time.time()) * SECOND))


def test_a_list_that_is_too_old_says_nothing_of_anybody(people: Private, authority: Authority) -> None:
    shown = base64.b64encode(der(authority.issue("another"))).decode()
    authority.revoke("lost", days=(-3, -1))
    try:
        assert "too old" in said(people, shown).json()["detail"]
    finally:
        authority.revoke("lost")
    assert "stands for no account here" in said(people, shown).json()["detail"]


def test_only_trusted_proxies_are_believed(authority: Authority) -> None:
    pem = (authority.folder / "ci.crt").read_text()
    told = Credentials(Proxies(trusted=(ip_network("10.0.0.0/8"),)), b"client-cert")
    headers = {b"client-cert": quote(pem).encode()}
    direct = {"extensions": {"tls": {"client_cert_chain": [pem]}}}
    inside, outside = {"client": ("10.0.0.1", 1)}, {"client": ("192.0.2.1", 1)}
    assert told.of(inside, headers).startswith(FORWARDED.encode())
    assert told.of(outside, headers) == b""
    assert told.of({**outside, **direct}, headers).startswith(DIRECT.encode())
    # The certificate with which a proxy itself comes signs nobody else in.
    assert told.of({**inside, **direct}, {}) == b""
    assert told.of({**inside, **direct}, {b"authorization": b"Basic eA=="}) == b"Basic eA=="
    # No server lets such a header through; if one did, it would be no certificate.
    assert told.of(outside, {b"authorization": DIRECT.encode() + pem.encode()}) == b"-"
