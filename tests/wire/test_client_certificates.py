"""Signing in with a client's certificate: by TLS of the server itself, over real connections."""

import base64
import json
import signal
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from http.client import HTTPException, HTTPSConnection
from pathlib import Path
from typing import Any, NamedTuple

import pytest
from cryptography import x509

from tests.authorities import Authority, loopback
from tests.serving import Server, eventually, serving

pytestmark = pytest.mark.slow

PASSWORD = "a phrase for the tests"
ADMIN = {"Authorization": "Basic " + base64.b64encode(f"admin:{PASSWORD}".encode()).decode()}
JSON = {"Content-Type": "application/json", "If-None-Match": "*"}


class Answer(NamedTuple):
    status: int
    body: Any
    headers: dict[str, str]


class House(NamedTuple):
    """A registry with TLS, and whom it trusts."""

    server: Server
    authority: Authority

    @contextmanager
    def connected(self, name: str = "", folder: Path | None = None) -> Iterator[HTTPSConnection]:
        context = ssl.create_default_context(cafile=self.authority.file)
        if name:
            at = folder or self.authority.folder
            context.load_cert_chain(at / f"{name}.crt", at / f"{name}.key")
        connection = HTTPSConnection("127.0.0.1", self.server.port, timeout=60, context=context)
        try:
            yield connection
        finally:
            connection.close()

    def ask(self, method: str, path: str, name: str = "", body: object = None, **headers: str) -> Answer:
        """With the certificate of that name; without one by `admin`, if they say so."""
        with self.connected(name) as connection:
            return asked(connection, method, path, body, **headers)

    def rule(self, name: str, match: str, account: str, **more: str) -> Answer:
        body = {"match": match, "account": account, **more}
        return self.ask("PUT", f"/api/v1/certificate-rules/{name}", body=body, **ADMIN, **JSON)

    def robot(self, name: str) -> str:
        """A robot of that name, which may push everywhere."""
        made = self.ask("POST", "/api/v1/robots", body={"name": f"robot+{name}"}, **ADMIN, **JSON)
        assert made.status == 201, made
        grant = {"principal": f"robot+{name}", "role": "admin", "place": {"kind": "registry"}}
        given = self.ask("POST", "/api/v1/grants", body=grant, **ADMIN, **JSON)
        assert given.status == 201, given
        return f"robot+{name}"


def asked(connection: HTTPSConnection, method: str, path: str, body: object = None, **headers: str) -> Answer:
    sent = json.dumps(body).encode() if body is not None else None
    connection.request(method, path, sent, headers)
    answer = connection.getresponse()
    content = answer.read()
    try:
        read = json.loads(content) if content else None
    except ValueError:
        read = content
    return Answer(answer.status, read, {name.lower(): value for name, value in answer.getheaders()})


def said(answer: Answer) -> str:
    """What an error of /v2 says."""
    message = answer.body["errors"][0]["message"]
    assert isinstance(message, str)
    return message


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    folder = tmp_path_factory.mktemp("house")
    authority = Authority(folder)
    authority.issue("server", *loopback(), server=True)
    authority.issue("late", days=(-2, -1))
    authority.issue("lost")
    flags = ("--tls-cert", str(folder / "server.crt"), "--tls-key", str(folder / "server.key"), "--workers", "1")
    settings = {
        "ORLOP_ADMIN_PASSWORD": PASSWORD,
        "ORLOP_TLS_CLIENTS": str(authority.file),
        "ORLOP_TLS_REVOKED": str(authority.revoke("lost")),
    }
    with serving(folder, *flags, settings=settings, opened=False) as server:
        yield House(server, authority)


def test_who_comes_with_a_certificate_is_signed_in_without_a_password(house: House) -> None:
    house.authority.issue("ci", x509.UniformResourceIdentifier("spiffe://example.org/ns/build/sa/ci"))
    house.robot("ci")
    assert house.rule("ci", "uri:spiffe://example.org/ns/build/sa/ci", "robot+ci").status == 200
    # At /v2 directly, on one connection that is kept.
    with house.connected("ci") as connection:
        for _ in range(3):
            assert asked(connection, "GET", "/v2/").status == 200
        begun = asked(connection, "POST", "/v2/team/app/blobs/uploads/")
        assert begun.status == 202
        # At the API.
        me = asked(connection, "GET", "/api/v1/me")
        assert (me.status, me.body["account"]["name"]) == (200, "robot+ci")
        rule = asked(connection, "PUT", "/api/v1/trash-rules/long?path=team", {"keep": "30d"}, **JSON)
        assert rule.status == 200
    # At the token server, whose token needs no certificate, and is no better than the certificate.
    token = house.ask("GET", "/token?service=orlop&scope=repository:team/app:pull,push&offline_token=true", "ci")
    assert token.status == 200
    assert "refresh_token" not in token.body
    bearer = {"Authorization": f"Bearer {token.body['token']}"}
    assert house.ask("POST", "/v2/team/app/blobs/uploads/", **bearer).status == 202
    assert house.ask("GET", "/v2/").status == 401
    told = "/api/v1/audit?actor=robot%2Bci"
    eventually(
        "the audit log says how",
        lambda: "certificate CN=ci,O=Example (rule ci)" in json.dumps(house.ask("GET", told, **ADMIN).body),
    )
    eventually(
        "the access log says how", lambda: "certificate CN=ci,O=Example (rule ci)" in house.server.output.read_text()
    )


def test_what_is_in_the_header_goes_before_the_certificate(house: House) -> None:
    house.authority.issue("both")
    house.robot("both")
    assert house.rule("both", "subject:CN=both,O=Example", "robot+both").status == 200
    assert house.ask("GET", "/api/v1/me", "both").body["account"]["name"] == "robot+both"
    assert house.ask("GET", "/api/v1/me", "both", **ADMIN).body["account"]["name"] == "admin"
    wrong = {"Authorization": "Basic " + base64.b64encode(b"admin:wrong").decode()}
    assert house.ask("GET", "/v2/", "both", **wrong).status == 401


def test_a_template_says_who_somebody_is(house: House) -> None:
    house.authority.issue("web", x509.DNSName("Web.build.example.org"))
    house.authority.issue("odd", x509.DNSName("a.b.build.example.org"))
    house.robot("web")
    assert house.rule("builders", "dns:{name}.build.example.org", "robot+{name}").status == 200
    assert house.ask("GET", "/api/v1/me", "web").body["account"]["name"] == "robot+web"
    refused = house.ask("GET", "/v2/", "odd")
    assert refused.status == 401
    assert said(refused).startswith("the client's certificate CN=odd,O=Example stands for no account here")
    house.authority.issue("nobody", x509.DNSName("ghost.build.example.org"))
    assert "robot+ghost that the client's certificate stands for does not exist" in said(
        house.ask("GET", "/v2/", "nobody")
    )


def test_two_rules_that_name_different_accounts_let_nobody_in(house: House) -> None:
    house.authority.issue("two", x509.DNSName("two.example.org"))
    for name in ("one", "other"):
        house.robot(name)
    assert house.rule("two-a", "dns:two.example.org", "robot+one").status == 200
    assert house.rule("two-b", "subject:CN=two,O=Example", "robot+other").status == 200
    refused = house.ask("GET", "/v2/", "two")
    assert (refused.status, "by the certificate-rules two-a and two-b" in said(refused)) == (401, True)


def test_a_rule_that_is_removed_and_an_account_that_is_disabled_end_it_at_once(house: House) -> None:
    house.authority.issue("gone")
    house.robot("gone")
    assert house.rule("gone", "subject:CN=gone,O=Example", "robot+gone").status == 200
    with house.connected("gone") as connection:
        assert asked(connection, "GET", "/v2/").status == 200
        assert house.ask("DELETE", "/api/v1/certificate-rules/gone", **ADMIN).status == 204
        assert asked(connection, "GET", "/v2/").status == 401


@pytest.mark.parametrize(("name", "why"), [("late", "expired"), ("lost", "revoked")])
def test_what_is_no_good_is_refused_as_the_connection_is_made(house: House, name: str, why: str) -> None:
    with pytest.raises(OSError, match=why):
        house.ask("GET", "/v2/", name)
    eventually("the log says why", lambda: any(why in str(event.get("reason", "")) for event in house.server.events()))


def test_a_stranger_of_another_authority_is_refused(house: House, tmp_path: Path) -> None:
    Authority(tmp_path, "theirs").issue("ci")
    with house.connected("ci", tmp_path) as connection, pytest.raises(OSError, match="unknown ca"):
        asked(connection, "GET", "/v2/")
    assert 'status="495"' in house.ask("GET", "/metrics").body.decode()


def test_pages_of_other_sites_do_not_borrow_a_certificate(house: House) -> None:
    house.authority.issue("ada")
    house.robot("ada")
    assert house.rule("ada", "subject:CN=ada,O=Example", "robot+ada").status == 200
    assert house.ask("POST", "/v2/team/app/blobs/uploads/", "ada").status == 202
    for foreign in ({"Origin": "https://evil.example"}, {"Sec-Fetch-Site": "cross-site"}):
        assert house.ask("POST", "/v2/team/app/blobs/uploads/", "ada", **foreign).status == 401
        assert house.ask("POST", "/api/v1/tokens", "ada", {"name": "x"}, **foreign, **JSON).status in (401, 403)


def test_revoking_ends_connections_that_are_there(house: House) -> None:
    house.authority.issue("late-lost")
    house.robot("late-lost")
    assert house.rule("late-lost", "subject:CN=late-lost,O=Example", "robot+late-lost").status == 200

    def is_over() -> bool:
        try:
            return house.ask("GET", "/v2/", "late-lost").status == 0
        except OSError as error:
            return "revoked" in str(error)

    with house.connected("late-lost") as known, house.connected() as stranger:
        assert asked(known, "GET", "/v2/").status == 200
        assert asked(stranger, "GET", "/healthz").status == 200
        house.authority.revoke("lost", "late-lost")
        house.server.process.send_signal(signal.SIGHUP)
        eventually("it is refused", is_over)
        known.auto_open = 0
        with pytest.raises((OSError, HTTPException)):
            asked(known, "GET", "/v2/")
        assert asked(stranger, "GET", "/healthz").status == 200
