"""Trusts: what may be asked for, and everything that is refused because strangers could have it, too."""

from typing import Any

import msgspec
import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.identity.trusts import AwsTrust, OidcTrust, advice, read_trust, write_trust
from orlop.domain.identity.trusts.issuers import GITHUB, GITLAB, GOOGLE

AUDIENCE = "registry.example.com"
RSA = {"kty": "RSA", "n": "sXchQ", "e": "AQAB"}


def body(**fields: Any) -> bytes:
    """A document, good but for what `fields` say; None leaves one out."""
    whole = {"kind": "oidc", "robot": "robot+ci", "audience": AUDIENCE, **fields}
    return msgspec.json.encode({name: value for name, value in whole.items() if value is not None})


def oidc(preset: str, claims: dict[str, Any], **fields: Any) -> OidcTrust:
    """A trust in an issuer."""
    issuer = fields.pop("issuer", "https://issuer.example.com" if preset in {"", "kubernetes"} else None)
    trust = read_trust(body(preset=preset, claims=claims, issuer=issuer, **fields))
    assert isinstance(trust, OidcTrust)
    return trust


GOOD: dict[str, tuple[str, dict[str, Any]]] = {
    "repository": ("github", {"repository": "octo-org/octo-repo"}),
    "repositories of an owner": ("github", {"repository": "octo-org/*", "ref": "refs/heads/main"}),
    "several repositories": ("github", {"repository": ["octo-org/a", "octo-org/b-*"]}),
    "owner": ("github", {"repository_owner": "octo-org", "environment": "prod-*"}),
    "owner id": ("github", {"repository_owner_id": "65"}),
    "sub": ("github", {"sub": "repo:octo-org/octo-repo:ref:refs/heads/main"}),
    "sub of all repositories": ("github", {"sub": "repo:octo-org/*:environment:production"}),
    "sub of everything in a repository": ("github", {"sub": "repo:octo-org/octo-repo:**"}),
    "tags": ("github", {"repository": "o/r", "ref": "refs/tags/v*"}),
    "reusable workflow": (
        "github",
        {"repository_owner": "o", "job_workflow_ref": "o/flows/.github/workflows/build.yml@refs/heads/main"},
    ),
    "project": ("gitlab", {"project_path": "mygroup/myproject", "ref_protected": "true"}),
    "group": ("gitlab", {"project_path": "mygroup/**", "ref_type": "branch", "ref": "main"}),
    "namespace": ("gitlab", {"namespace_path": "mygroup/team"}),
    "gitlab sub": ("gitlab", {"sub": "project_path:mygroup/myproject:ref_type:branch:ref:main"}),
    "service account": ("kubernetes", {"namespace": "build", "serviceaccount": "pusher"}),
    "service accounts": ("kubernetes", {"namespace": "build", "serviceaccount": "push-*"}),
    "kubernetes sub": ("kubernetes", {"sub": "system:serviceaccount:build:pusher"}),
    "kubernetes sub of a namespace": ("kubernetes", {"sub": "system:serviceaccount:build:*"}),
    "service account by path": ("kubernetes", {"kubernetes.io/namespace": "build"}),
    "google email": ("google", {"email": "ci@project.iam.gserviceaccount.com"}),
    "google sub": ("google", {"sub": "112010400000000710080"}),
    "google project": ("google", {"google/compute_engine/project_id": "project"}),
    "other sub": ("", {"sub": "machine-7"}),
    "buildkite": ("", {"sub": "organization:acme-inc:**"}),
    "other claim": ("", {"organization_slug": "acme-inc"}),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_names_one_customer_is_a_trust(name: str) -> None:
    preset, claims = GOOD[name]
    trust = oidc(preset, claims)
    assert read_trust(write_trust(trust)) == trust


UNSAFE: dict[str, tuple[str, dict[str, Any]]] = {
    "github: any repository": ("github", {"repository": "*"}),
    "github: any repository of any owner": ("github", {"repository": "*/*"}),
    "github: a repository of any owner": ("github", {"repository": "*/octo-repo"}),
    "github: anything": ("github", {"repository": "**"}),
    "github: owners that begin alike": ("github", {"repository": "octo*"}),
    "github: owners that begin alike, any repository": ("github", {"repository": "octo-org*/octo-repo"}),
    "github: owners that begin alike, across the slash": ("github", {"repository": "octo**"}),
    "github: no owner": ("github", {"repository": "/*"}),
    "github: any owner": ("github", {"repository_owner": "*"}),
    "github: owners by pattern": ("github", {"repository_owner": "octo-*"}),
    "github: ids by pattern": ("github", {"repository_owner_id": "6*"}),
    "github: any sub": ("github", {"sub": "*"}),
    "github: sub of any repository": ("github", {"sub": "repo:*"}),
    "github: sub of any repository and all": ("github", {"sub": "repo:**"}),
    "github: sub of any owner": ("github", {"sub": "repo:*/octo-repo:ref:refs/heads/main"}),
    "github: sub of owners that begin alike": ("github", {"sub": "repo:octo*/octo-repo:ref:refs/heads/main"}),
    "github: sub of owners that end alike": ("github", {"sub": "repo:*octo-org/octo-repo:ref:refs/heads/main"}),
    "github: sub without an owner": ("github", {"sub": "repo:/*:ref:refs/heads/main"}),
    "github: sub made otherwise, by pattern": ("github", {"sub": "environment:production:**"}),
    "github: sub made otherwise": ("github", {"sub": "environment:production"}),
    "github: one of several is any": ("github", {"repository": ["octo-org/a", "*/a"]}),
    "github: one sub of several is another's": ("github", {"sub": ["repo:o/r:environment:p", "environment:p"]}),
    "github: no claim": ("github", {}),
    "github: a branch of anybody": ("github", {"ref": "refs/heads/main"}),
    "github: an environment of anybody": ("github", {"environment": "production"}),
    "github: a workflow that anybody may call": ("github", {"job_workflow_ref": "o/flows/.github/workflows/b.yml@v1"}),
    "github: a workflow by its name": ("github", {"workflow": "release"}),
    "github: an actor": ("github", {"actor": "octocat"}),
    "github: an enterprise's name": ("github", {"enterprise": "octo"}),
    "github: any ref": ("github", {"repository": "o/r", "ref": "*"}),
    "github: refs that end alike": ("github", {"repository": "o/r", "ref": "**/main"}),
    "github: every kind of ref": ("github", {"repository": "o/r", "ref": "refs/*"}),
    "github: every kind of ref, deep": ("github", {"repository": "o/r", "ref": "refs/**"}),
    "github: kinds of refs that begin alike": ("github", {"repository": "o/r", "ref": "refs/h*/main"}),
    "github: any environment": ("github", {"repository": "o/r", "environment": "*"}),
    "github: events by pattern": ("github", {"repository": "o/r", "event_name": "pu*"}),
    "github: workflows of any owner": ("github", {"repository": "o/r", "job_workflow_ref": "*/flows/b.yml@v1"}),
    "github: workflows of any repository": ("github", {"repository": "o/r", "job_workflow_ref": "o/*"}),
    "github: a claim nobody knows, open": ("github", {"repository": "o/r", "shape": "*"}),
    "gitlab: any project": ("gitlab", {"project_path": "*"}),
    "gitlab: a project of any group": ("gitlab", {"project_path": "*/myproject"}),
    "gitlab: groups that begin alike": ("gitlab", {"project_path": "mygroup*"}),
    "gitlab: groups that begin alike, deep": ("gitlab", {"project_path": "mygroup**/myproject"}),
    "gitlab: any namespace": ("gitlab", {"namespace_path": "**"}),
    "gitlab: namespaces that begin alike": ("gitlab", {"namespace_path": "my*"}),
    "gitlab: ids by pattern": ("gitlab", {"project_id": "2*"}),
    "gitlab: sub of any group": ("gitlab", {"sub": "project_path:*/myproject:ref_type:branch:ref:main"}),
    "gitlab: sub of anything": ("gitlab", {"sub": "project_path:**"}),
    "gitlab: a protected branch of anybody": ("gitlab", {"ref_protected": "true", "ref": "main"}),
    "gitlab: a person": ("gitlab", {"user_login": "sample-user"}),
    "gitlab: no claim": ("gitlab", {}),
    "kubernetes: any namespace": ("kubernetes", {"namespace": "*"}),
    "kubernetes: namespaces that begin alike": ("kubernetes", {"namespace": "build-*"}),
    "kubernetes: a service account of any namespace": ("kubernetes", {"serviceaccount": "default"}),
    "kubernetes: sub of any namespace": ("kubernetes", {"sub": "system:serviceaccount:*:pusher"}),
    "kubernetes: sub of namespaces that begin alike": ("kubernetes", {"sub": "system:serviceaccount:build*"}),
    "kubernetes: sub of every service account": ("kubernetes", {"sub": "system:serviceaccount:**"}),
    "kubernetes: a node": ("kubernetes", {"kubernetes.io/node/name": "node-1"}),
    "google: any email": ("google", {"email": "*"}),
    "google: emails of a project": ("google", {"email": "*@project.iam.gserviceaccount.com"}),
    "google: emails that begin alike": ("google", {"email": "ci@*"}),
    "google: emails that end anyhow": ("google", {"email": "ci@project.iam.gserviceaccount.com*"}),
    "google: everybody of a domain": ("google", {"hd": "example.com"}),
    "google: whoever is verified": ("google", {"email_verified": "true"}),
    "google: subs by pattern": ("google", {"sub": "1120*"}),
    "other: no claim": ("", {}),
    "other: any sub": ("", {"sub": "*"}),
    "other: sub of any organisation": ("", {"sub": "organization:*"}),
    "other: sub of organisations that begin alike": ("", {"sub": "organization:acme*:pipeline:p"}),
    "other: one component is not enough": ("", {"sub": "acme/*"}),
    "other: only what says nothing": ("", {"email_verified": "true", "token_use": "id"}),
}


@pytest.mark.parametrize("name", UNSAFE)
def test_what_strangers_could_have_is_refused(name: str) -> None:
    preset, claims = UNSAFE[name]
    with pytest.raises(RequestInvalid, match="claims: ") as refused:
        oidc(preset, claims)
    assert str(refused.value).startswith("not a trust: ")


WRONG: dict[str, dict[str, Any]] = {
    "no kind": {"kind": None},
    "another kind": {"kind": "saml"},
    "an unknown field": {"claimz": {}},
    "no robot": {"robot": None},
    "a user": {"robot": "ada"},
    "no audience": {"audience": None},
    "an empty audience": {"audience": ""},
    "an audience with blanks": {"audience": "registry example"},
    "any audience": {"audience": "*"},
    "an audience by pattern": {"audience": "registry.*"},
    "the audience of AWS": {"audience": "sts.amazonaws.com"},
    "the audience of Azure": {"audience": "api://AzureADTokenExchange"},
    "the audience of Kubernetes": {"audience": "https://kubernetes.default.svc"},
    "the audience of Fulcio": {"audience": "sigstore"},
    "no minutes": {"minutes": 0},
    "minutes below nothing": {"minutes": -5},
    "more than an hour": {"minutes": 61},
    "minutes as text": {"minutes": "15"},
    "claims as a list": {"claims": ["repository"]},
    "a claim that is a number": {"claims": {"repository_id": 74}},
    "a claim without values": {"claims": {"repository": []}},
    "an empty value": {"claims": {"repository": ""}},
    "a value with a line in it": {"claims": {"repository": "o/r\n"}},
    "a blank at the end": {"claims": {"repository": "o/r "}},
    "too long a value": {"claims": {"repository": "o/" + "r" * 300}},
    "too many wildcards": {"claims": {"repository": "o/*a*b*c*d*e"}},
    "the issuer as a claim": {"claims": {"repository": "o/r", "iss": "https://issuer.example.com"}},
    "the audience as a claim": {"claims": {"repository": "o/r", "aud": "x"}},
    "the expiry as a claim": {"claims": {"repository": "o/r", "exp": "1"}},
    "a name that is none": {"claims": {"repository": "o/r", "": "x"}},
    "no algorithm": {"algorithms": []},
    "none": {"algorithms": ["none"]},
    "a shared secret": {"algorithms": ["RS256", "HS256"]},
    "plain http": {"issuer": "http://issuer.example.com"},
    "another scheme": {"issuer": "ftp://issuer.example.com"},
    "no scheme": {"issuer": "issuer.example.com"},
    "upper case": {"issuer": "https://Issuer.example.com"},
    "a user in the URL": {"issuer": "https://ada@issuer.example.com"},
    "a query": {"issuer": "https://issuer.example.com/?a=b"},
    "a fragment": {"issuer": "https://issuer.example.com/#a"},
    "a way up": {"issuer": "https://issuer.example.com/../a"},
    "a port that is none": {"issuer": "https://issuer.example.com:99999"},
    "a decimal address": {"issuer": "https://2130706433"},
    "an octal address": {"issuer": "https://0177.0.0.1"},
    "a hexadecimal address": {"issuer": "https://0x7f.0.0.1"},
    "a short address": {"issuer": "https://127.1"},
    "an address in another spelling": {"issuer": "https://[0:0:0:0:0:0:0:1]"},
    "GitHub without its preset": {"preset": "", "issuer": GITHUB, "claims": {"sub": "repo:o/r:ref:refs/heads/main"}},
    "GitHub with a slash, without its preset": {"preset": "", "issuer": f"{GITHUB}/", "claims": {"sub": "x"}},
    "an enterprise's GitHub without its preset": {"preset": "", "issuer": f"{GITHUB}/octo", "claims": {"sub": "x"}},
    "GitLab.com as a cluster": {"preset": "kubernetes", "issuer": GITLAB, "claims": {"namespace": "build"}},
    "Google as GitLab": {"preset": "gitlab", "issuer": GOOGLE, "claims": {"project_id": "1"}},
    "another Google": {"preset": "google", "issuer": "https://issuer.example.com", "claims": {"email": "a@b.c"}},
    "no issuer": {"preset": "", "claims": {"sub": "x"}},
    "no cluster": {"preset": "kubernetes", "claims": {"namespace": "build"}},
    "an unknown preset": {"preset": "bitbucket"},
    "keys that are none": {"jwks": {"keys": "x"}},
    "no keys": {"jwks": {"keys": []}},
    "too many keys": {"jwks": {"keys": [RSA] * 33}},
    "a shared secret among the keys": {"jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
    "a private key": {"jwks": {"keys": [{**RSA, "d": "AQAB"}]}},
    "half a key": {"jwks": {"keys": [{"kty": "RSA", "n": "sXchQ"}]}},
    "pinned keys and authorities": {
        "jwks": {"keys": [RSA]},
        "ca": "-----BEGIN CERTIFICATE-----\nAA==\n-----END CERTIFICATE-----\n",
    },
    "authorities that are none": {"ca": "/etc/ssl/ca.pem"},
    "a private key as authority": {"ca": "-----BEGIN PRIVATE KEY-----\nAA==\n-----END PRIVATE KEY-----\n"},
    "an address that is none": {"addresses": ["kubernetes.default.svc"]},
    "every address": {"addresses": ["0.0.0.0/0"]},
    "every IPv6 address": {"addresses": ["::/0"]},
    "the metadata service": {"addresses": ["169.254.169.254"]},
    "a network with bits of a host": {"addresses": ["10.1.2.3/8"]},
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_said(name: str) -> None:
    fields = {"preset": "github", "claims": {"repository": "octo-org/octo-repo"}, **WRONG[name]}
    with pytest.raises(RequestInvalid) as refused:
        read_trust(body(**fields))
    assert str(refused.value).startswith("not a trust: ")
    assert len(str(refused.value)) < 400


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"null", b'"x"', b"[" * 100_000, b"\xff", b'{"kind":1}'])
def test_what_is_no_document_is_no_trust(text: bytes) -> None:
    with pytest.raises(RequestInvalid):
        read_trust(text)


def test_a_preset_knows_its_issuer() -> None:
    assert oidc("github", {"repository": "o/r"}).issuer == GITHUB
    assert oidc("gitlab", {"project_id": "1"}).issuer == GITLAB
    assert oidc("google", {"sub": "1"}).issuer == GOOGLE
    enterprise = "https://octo-inventory.ghe.example/_services/token"
    assert oidc("github", {"repository": "o/r"}, issuer=enterprise).issuer == enterprise


@pytest.mark.parametrize(
    ("preset", "claims", "word"),
    [
        ("github", {"repository": "o/r"}, "every branch"),
        ("github", {"sub": "repo:o/r:pull_request"}, "pull requests"),
        ("github", {"sub": "repo:o/r:**"}, "pull requests"),
        ("github", {"repository": "o/r", "event_name": "pull_request_target"}, "pull requests"),
        ("github", {"repository": "o/r", "ref": "refs/pull/**"}, "pull requests"),
        ("github", {"repository": "o/r", "environment": "p", "repositry": "o/r"}, "perhaps repository is meant"),
        ("gitlab", {"project_path": "g/p"}, "every branch"),
        ("kubernetes", {"namespace": "build"}, "every service account"),
    ],
)
def test_advice_for_what_is_wide(preset: str, claims: dict[str, Any], word: str) -> None:
    (said,) = advice(oidc(preset, claims))
    assert word in said


@pytest.mark.parametrize(
    ("preset", "claims"),
    [
        ("github", {"repository": "o/r", "ref": "refs/heads/main"}),
        ("github", {"sub": "repo:o/r:environment:production"}),
        ("gitlab", {"project_path": "g/p", "ref_protected": "true"}),
        ("kubernetes", {"sub": "system:serviceaccount:build:pusher"}),
        ("google", {"email": "a@b.iam.gserviceaccount.com"}),
    ],
)
def test_no_advice_for_what_is_narrow(preset: str, claims: dict[str, Any]) -> None:
    assert advice(oidc(preset, claims)) == ()


ARNS_REFUSED = [
    "",
    "*",
    "arn:aws:iam::*:role/ci",
    "arn:aws:iam::123456789012:role/*",
    "arn:aws:iam::123456789012:role/*-ci",
    "arn:aws:iam::12345678901:role/ci",
    "arn:aws:iam::12345678901*:role/ci",
    "arn:aws:iam::123456789012:*",
    "arn:aws:iam::123456789012:root",
    "arn:aws:iam::123456789012:group/ci",
    "arn:aws:iam::123456789012:role/path/ci",
    "arn:aws:iam::123456789012:role/",
    "arn:*:iam::123456789012:role/ci",
    "arn:aws:sts::123456789012:assumed-role/ci/session",
    "arn:aws:iam:us-east-1:123456789012:role/ci",
    "arn:aws:iam::123456789012:role/ci\n",
    "arn:aws:iam::123456789012:user/*/ci",
]


@pytest.mark.parametrize("arn", ARNS_REFUSED)
def test_principals_that_are_not_one_account_s_are_refused(arn: str) -> None:
    with pytest.raises(RequestInvalid, match="principal"):
        read_trust(body(kind="aws-iam", principal=arn))


def test_principals_of_an_account() -> None:
    trust = read_trust(body(kind="aws-iam", principal="arn:aws:iam::123456789012:role/ci-*", minutes=5))
    assert isinstance(trust, AwsTrust)
    assert read_trust(write_trust(trust)) == trust
    assert advice(trust) == ()
