"""Every parser of bytes that come from outside, with what must hold of whatever it makes of them, and a few seeds.

A parser may refuse what it reads, in its own words and soon. Anything else that comes out of it is a finding.
"""

import asyncio
import base64
import io
import json
import tarfile
import tempfile
from collections.abc import Callable
from functools import cache, partial
from pathlib import Path

import msgspec
from yarl import URL

from orlop.adapters.dockerarchive.contents import MANIFEST_FILE, read_images
from orlop.adapters.identity.tokens import JoseSigner
from orlop.adapters.identity.workload.keys import public_keys
from orlop.adapters.identity.workload.question import read_question
from orlop.adapters.layout.entries import check_version, parse_entries
from orlop.adapters.tarball import open_tar
from orlop.adapters.upstream.challenge import parse_challenges, realm_url
from orlop.adapters.upstream.credentials import CredentialFiles
from orlop.adapters.upstream.transport import Site, follow
from orlop.config import ConfigurationInvalid, units
from orlop.domain.access.scopes import SCOPES_MAX, VERBS, limit_of, parse_scopes
from orlop.domain.digest import Digest, digest_of
from orlop.domain.errors import RegistryError
from orlop.domain.identity.authorization import Bearer, parse_authorization
from orlop.domain.identity.passwords import refuse_weak
from orlop.domain.identity.secrets import looks_like_secret, new_secret, parse_secret
from orlop.domain.identity.tokens import Terms, read_claims
from orlop.domain.identity.trusts import (
    OidcTrust,
    advice,
    check_times,
    head_of,
    mismatch,
    read_trust,
    subject_of,
    write_trust,
)
from orlop.domain.identity.trusts.tokens import object_of
from orlop.domain.manifest import parse_index_entries, parse_manifest
from orlop.domain.media_types import essence
from orlop.domain.names import RepositoryName, parse_reference
from orlop.domain.pages import MAX_SIZE, page_size
from orlop.domain.platforms import parse_platform
from orlop.domain.ranges import parse_range
from orlop.domain.references import parse_image_reference
from orlop.domain.upload import parse_chunk_range
from orlop.faces.distribution.request import parse_request
from orlop.faces.http.errors import render
from orlop.faces.http.headers import etag_matches
from orlop.faces.token.request import parse_form, parse_query
from orlop.ports.identity import SigningKey
from orlop.services.references import dotenv
from orlop.services.references.detect import detect
from orlop.services.references.lint import lint
from orlop.services.references.occurrences import Format
from orlop.telemetry.tracing import SpanKind, Tracer
from tests.content import image, index
from tests.fuzz import advisories, layers, packages, sboms, signatures, vex

#: What a parser may answer with instead of a result.
REFUSALS = (RegistryError, ConfigurationInvalid)

_HEX = "5f70bf18a086007016e948b04aed3b82103a36bea41755b6cddfaf10ace3c6ef"
_REGISTRY = Site("https", "registry.example", 443)


class Target(msgspec.Struct, frozen=True):
    """A parser of bytes, and bytes to begin with."""

    parse: Callable[[bytes], object]
    seeds: tuple[bytes, ...]

    def once(self, given: bytes) -> None:
        """Parse; a refusal is fine if it can be shown."""
        try:
            self.parse(given)
        except RegistryError as refusal:
            render(refusal, "id")
        except REFUSALS:
            return


def _text(parse: Callable[[str], object], *seeds: str) -> Target:
    """A parser of text, fed with what a header, a path or a file may hold."""
    return Target(lambda given: parse(given.decode("utf-8", "replace")), tuple(seed.encode() for seed in seeds))


def _manifest(given: bytes) -> None:
    """The first line is the Content-Type."""
    content_type, _, content = given.partition(b"\n")
    manifest = parse_manifest(content, content_type.decode("latin-1"))
    assert all(edge.size >= 0 and Digest(edge.digest) for edge in manifest.edges)


def _request(given: bytes) -> None:
    """Method, path and query, each on a line."""
    method, path, query, *_ = [*given.decode("latin-1").split("\n"), "", "", ""]
    request = parse_request(method, f"/v2/{path}", query)
    assert request.repository is None or RepositoryName(request.repository)
    assert "/" not in request.upload
    assert "%" not in request.upload


def _traceparent(header: str) -> None:
    tracer = Tracer(lambda _: None, 1 << 62)
    span = tracer.begin("x", SpanKind.SERVER, header)
    if span is not None:
        again = tracer.begin("y", SpanKind.SERVER, span.traceparent)
        assert again is not None
        assert (again.trace, again.parent) == (span.trace, span.id)


def _range(header: str) -> None:
    span = parse_range(header, 1_000)
    assert span is None or 0 <= span.start < span.stop <= 1_000


def _chunk(header: str) -> None:
    chunk = parse_chunk_range(header)
    assert 0 <= chunk.first <= chunk.last


def _page(text: str) -> None:
    assert 0 <= page_size(text) <= MAX_SIZE


def _content_type(header: str) -> None:
    assert essence(header) == essence(essence(header))


def _condition(header: str) -> None:
    etag_matches(header, '"etag"')


def _image_reference(text: str) -> None:
    reference = parse_image_reference(text)
    for form in (str(reference), reference.familiar()):
        again = parse_image_reference(form)
        assert (again.name, again.tag, again.digest) == (reference.name, reference.tag, reference.digest)


def _challenge(header: str) -> None:
    for challenge in parse_challenges([header]):
        assert realm_url(challenge, _REGISTRY).scheme == "https"


def _location(location: str) -> None:
    assert follow(URL("https://registry.example/v2/"), location).scheme == "https"


@cache
def _scratch() -> tuple[asyncio.Runner, Path]:
    """A loop and a file for parsers that read from one."""
    folder = tempfile.TemporaryDirectory(prefix="orlop-fuzz-")
    _KEPT.append(folder)
    return asyncio.Runner(), Path(folder.name) / "given"


#: Folders that go when the process ends.
_KEPT: list[tempfile.TemporaryDirectory[str]] = []


def _credentials(given: bytes) -> None:
    """A credentials file. No program is found where it says to look for one."""
    runner, file = _scratch()
    file.write_bytes(given)
    files = CredentialFiles({"REGISTRY_AUTH_FILE": str(file), "PATH": "/nowhere"}, Path("/nowhere"))
    for registry in ("registry.example:5000", "docker.io"):
        found = runner.run(files.find(registry, RepositoryName("team/app")))
        assert found is None or found.password == "" or found.password not in repr(found)


def _tar(given: bytes) -> None:
    runner, file = _scratch()
    file.write_bytes(given)

    async def read() -> None:
        (await open_tar(file)).close()

    runner.run(read())


def _docker_archive(given: bytes) -> None:
    """manifest.json, config and layer of an archive, each between NUL bytes, in a tar that is sound."""
    runner, file = _scratch()
    listed, config, layer, *_ = [*given.split(b"\0"), b"", b""]
    with tarfile.open(file, "w") as tar:
        for name, content in ((MANIFEST_FILE, listed), ("config.json", config), ("layer.tar", layer)):
            member = tarfile.TarInfo(name)
            member.size = len(content)
            tar.addfile(member, io.BytesIO(content))

    async def read() -> None:
        archive = await open_tar(file)
        try:
            for found in await read_images(archive):
                parse_manifest(found.manifest.content, found.manifest.media_type)
        finally:
            archive.close()

    runner.run(read())


def _layout(given: bytes) -> None:
    error = check_version(given, "a layout")
    assert error is None or error.message
    entries = parse_entries(given)
    entries.names()
    parse_entries(entries.encode())


def _authorization(header: str) -> None:
    """An Authorization header; of what it holds, nothing is in the refusal."""
    given = parse_authorization(header)
    assert isinstance(given, Bearer) or given.name


def _trust(given: bytes) -> None:
    """The body of a trust; one that is taken is written as it was read, and no claim in it is open to everybody."""
    trust = read_trust(given)
    assert read_trust(write_trust(trust)) == trust
    advice(trust)
    if isinstance(trust, OidcTrust):
        for wanted in trust.claims.values():
            assert not any(value.startswith("*") for value in ((wanted,) if isinstance(wanted, str) else wanted))
        mismatch(trust.preset, trust.claims, dict.fromkeys(trust.claims, "x"))


def _foreign_token(text: str) -> None:
    """A token of an issuer, which nobody has signed."""
    head = head_of(text)
    if head is not None:
        claims = object_of(text.split(".")[1])
        assert claims is not None
        assert claims["iss"] == head.issuer
        subject_of(claims)
        check_times(claims, 1_800_000_000_000_000)


def _aws_question(text: str) -> None:
    """The URL of a question to AWS: nothing else is asked than who somebody is, and nobody else."""
    encoded = base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")
    question = read_question(f"orlop-aws-v1.{encoded}", 1_800_000_000.0)
    assert question.host.startswith("sts")
    assert question.fields["Action"] == "GetCallerIdentity"


def _jwks(given: bytes) -> None:
    """The keys of an issuer."""
    try:
        found = json.loads(given)
    except (ValueError, RecursionError):
        return
    for key in public_keys(found) if isinstance(found, dict) else ():
        assert not key.makes("HS256")
        assert not key.signed("a.b.c", "RS256")


def _secret(text: str) -> None:
    parsed = parse_secret(text)
    assert parsed is None or (looks_like_secret(text) and len(parsed.lookup) == 12 and text.isascii())


def _scope(text: str) -> None:
    for scope in parse_scopes([text]):
        assert scope.type
        assert scope.name
        allowed = limit_of(scope.name, scope.verbs).actions
        assert allowed <= VERBS["*"]


@cache
def _signer() -> tuple[JoseSigner, SigningKey]:
    """A signer and a key of its own."""
    signer = JoseSigner()
    name, private = signer.generate()
    return signer, SigningKey(name, signer.algorithm, private, 0, 0, 1)


def _token(given: bytes) -> None:
    """A token as it comes: none that was made by a fuzzer is believed."""
    signer, key = _signer()
    text = given.decode("latin-1")
    assert signer.verify(text, key) is None
    name = signer.key_id(text)
    assert name is None or name.startswith("orlop-")


def _claims(given: bytes) -> None:
    """What a token says whose signature is good, at a time at which the seed holds."""
    claims = read_claims(given, Terms("orlop", "orlop"), 1_800_000_000_000_000)
    assert claims.exp > 1_800_000_000
    assert claims.subject.limits is not None


def _token_form(given: bytes) -> None:
    request = parse_form("application/x-www-form-urlencoded", given)
    assert len(request.scopes) <= SCOPES_MAX
    assert request.name or request.secret


def _token_query(query: str) -> None:
    assert len(parse_query(query).scopes) <= SCOPES_MAX


def _password(text: str) -> None:
    refuse_weak(text, name="alice", least=12)
    assert len(text) >= 12


_CLAIMS = {
    "iss": "orlop",
    "sub": "alice",
    "aud": "orlop",
    "exp": 1_800_000_300,
    "nbf": 1_800_000_000,
    "iat": 1_800_000_000,
    "jti": "x",
    "access": [{"type": "repository", "name": "team/app", "actions": ["pull", "push"]}],
    "ver": 1,
    "acc": 1,
    "cred": 0,
    "label": "password",
}


def _source(form: Format, *seeds: str) -> Target:
    return _text(lambda text: lint(text, form), *seeds)


_IMAGE, _INDEX = image("app", foreign=["far"]), index("many", [image("app")])
_AUTHS = {"auths": {"registry.example:5000": {"auth": "YTpi"}, "https://index.docker.io/v1/": {"identitytoken": "t"}}}
_HELPERS = {"credHelpers": {"registry.example:5000": "pass"}, "credsStore": "desktop"}

TARGETS: dict[str, Target] = {
    "manifest": Target(_manifest, tuple(what.media_type.encode() + b"\n" + what.content for what in (_IMAGE, _INDEX))),
    "index": Target(parse_index_entries, (_INDEX.content,)),
    "request": Target(
        _request,
        (
            b"GET\napp/manifests/v1\n",
            f"PUT\nteam/app/manifests/sha256%3A{_HEX}\ntag=a&tag=b".encode(),
            f"POST\napp/blobs/uploads/\nmount=sha256:{_HEX}&from=team/app".encode(),
            b"PATCH\napp/blobs/uploads/00000000-0000-4000-8000-000000000000\n",
            b"GET\napp/tags/list\nn=5&last=v1",
            f"GET\napp/referrers/sha256:{_HEX}\nartifactType=a/b".encode(),
        ),
    ),
    "name": _text(RepositoryName, "app", "team/app-1.0_x/y__z"),
    "reference": _text(parse_reference, "v1.0_rc-1", f"sha256:{_HEX}"),
    "digest": _text(Digest, f"sha256:{_HEX}", f"sha512:{_HEX}{_HEX}", "sha1:abc"),
    "image-reference": _text(
        _image_reference, "alpine", "localhost:5000/team/app:v1", f"[2001:db8::1]:5000/app@sha256:{_HEX}", "docker.io/a"
    ),
    "platform": _text(parse_platform, "linux/amd64", "linux/arm64/v8"),
    "content-type": _text(_content_type, "application/vnd.oci.image.manifest.v1+json; charset=utf-8"),
    "condition": _text(_condition, 'W/"etag", *', '"a", "etag"'),
    "traceparent": _text(_traceparent, "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01", "ff-0-0-00"),
    "range": _text(_range, "bytes=0-5", "bytes=-5", "bytes=5-", "bytes=0-1,2-3"),
    "chunk-range": _text(_chunk, "0-5", "bytes 5-9/*", "bytes=5-9"),
    "page": _text(_page, "0", "100", "99999999999"),
    "challenge": _text(
        _challenge,
        'Bearer realm="https://auth.example/token",service="registry.example",scope="repository:app:pull"',
        'Basic realm="a \\"b\\"", Negotiate, Bearer realm=https://auth.example',
    ),
    "location": _text(
        _location, "/v2/app/blobs/uploads/1?state=a%2Fb", "https://cdn.example/x", "//elsewhere.example/"
    ),
    "authorization": _text(_authorization, "Basic YWxpY2U6c2VjcmV0", "Bearer eyJhbGciOiJub25lIn0.e30.", "basic Og=="),
    "trust": Target(
        _trust,
        (
            b'{"kind":"oidc","preset":"github","robot":"robot+a","audience":"a","claims":{"repository":["a/*","b/c"]}}',
            b'{"kind":"oidc","issuer":"https://a.b/c","robot":"robot+a","audience":"a","claims":{"sub":"a:b:**"}}',
            b'{"kind":"aws-iam","robot":"robot+a","audience":"a","principal":"arn:aws:iam::123456789012:role/a"}',
        ),
    ),
    "foreign-token": _text(
        _foreign_token, "eyJhbGciOiJSUzI1NiJ9.eyJpc3MiOiJodHRwczovL2EuYiIsImV4cCI6MTgwMDAwMDAwMCwiaWF0IjoxfQ.AAAA"
    ),
    "aws-question": _text(
        _aws_question,
        "https://sts.eu-west-1.amazonaws.com/?Action=GetCallerIdentity&Version=2011-06-15"
        "&X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=AKIAIOSFODNN7EXAMPLE%2F20270115%2Feu-west-1%2Fsts"
        "%2Faws4_request&X-Amz-Date=20270115T080000Z&X-Amz-Expires=600&X-Amz-SignedHeaders=host%3Bx-orlop-server-id"
        f"&X-Amz-Signature={_HEX}",
    ),
    "jwks": Target(
        _jwks,
        (
            b'{"keys":[{"kty":"EC","crv":"P-256","kid":"a","x":"f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",'
            b'"y":"x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0"}]}',
            b'{"keys":[{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},{"kty":"oct"}]}',
        ),
    ),
    "secret": _text(_secret, new_secret("token", bytes), new_secret("refresh", bytes)),
    "scope": _text(
        _scope, "repository:team/app:pull,push", "registry:catalog:*", "repository(plugin):a:* repository:b:pull"
    ),
    "token": Target(
        _token,
        (
            b"eyJhbGciOiJFZDI1NTE5Iiwia2lkIjoib3Jsb3AtYSIsInR5cCI6IkpXVCJ9.e30.AAAA",
            b"eyJhbGciOiJub25lIn0.e30.",
        ),
    ),
    "claims": Target(_claims, (json.dumps(_CLAIMS).encode(), json.dumps(_CLAIMS | {"acc": 0, "sub": ""}).encode())),
    "token-form": Target(
        _token_form,
        (
            b"grant_type=password&username=alice&password=x+y&scope=repository%3Aapp%3Apull&access_type=offline",
            b"grant_type=refresh_token&refresh_token=orlop_rfr_a&service=orlop&client_id=docker",
        ),
    ),
    "token-query": _text(
        _token_query, "service=orlop&scope=repository:a:pull&scope=repository:b:push&offline_token=true&account=alice"
    ),
    "password": _text(_password, "a rather long phrase", "password1234"),
    "credentials": Target(_credentials, (json.dumps(_AUTHS).encode(), json.dumps(_AUTHS | _HELPERS).encode())),
    "tar": Target(_tar, (b"", b"oci-layout".ljust(512, b"\0") + b"\0" * 1024)),
    "docker-archive": Target(
        _docker_archive,
        (
            b'[{"Config":"config.json","RepoTags":["app:v1"],"Layers":["layer.tar"]}]\0{"rootfs":{"diff_ids":["sha256:'
            + digest_of(b"layer").hex.encode()
            + b'"]}}\0layer',
        ),
    ),
    "layout": Target(_layout, (b'{"imageLayoutVersion":"1.0.0"}', _INDEX.content)),
    "duration": _text(units.duration, "90s", "15 m", "0"),
    "size": _text(units.size, "32MiB", "4096", "1 TiB"),
    "address": _text(units.address, "127.0.0.1:5000", "[::1]:0"),
    "detect": _text(lambda text: detect("file.yaml", text), "apiVersion: v1\nkind: Pod\n", "services: {a: {image: b}}"),
    "dockerfile": _source(
        Format.DOCKERFILE,
        "# syntax=docker/dockerfile:1\nARG V=3\nFROM --platform=$BUILDPLATFORM a:${V:-4} AS base\nCOPY --from=base a b",
        "# escape=`\nFROM a`\n:1\nRUN <<E\nFROM x\nE\n",
    ),
    "compose": _source(Format.COMPOSE, "services:\n  web:\n    image: ${REPO:-nginx}:1\n    build: {context: .}\n"),
    "kubernetes": _source(
        Format.KUBERNETES, "apiVersion: v1\nkind: Pod\nspec: {containers: [{image: 'a:1'}], x: &a [1], y: *a}\n---\n"
    ),
    "kustomize": _source(
        Format.KUSTOMIZE,
        "images:\n- name: a\n  newName: r.example/b\n  newTag: '1'\n  digest:\nhelmCharts: [{valuesInline: {}}]\n",
    ),
    "inline": _source(
        Format.COMPOSE,
        "services: {a: {build: {dockerfile_inline: 'FROM ${A:-b}'}}}",
        "services:\n a:\n  build:\n   dockerfile_inline: |\n    FROM a\n    RUN $$b\n",
    ),
    "dotenv": _text(dotenv.variables, "A=1\nexport B='x' # y\nC: \"${A:-2}\\t\"\n"),
    "helm": _source(Format.HELM, "image:\n  registry: r.example\n  repository: a/b\n  tag: 1.20\n  digest: ''\n"),
    "advisory": Target(advisories.record, advisories.RECORDS),
    "advisories": Target(advisories.file, advisories.FILES),
    "sbom": Target(sboms.document, sboms.DOCUMENTS),
    "vex": Target(vex.document, vex.DOCUMENTS),
    **{
        f"signature-{form}": Target(partial(signatures.signature, form), seeds)
        for form, seeds in signatures.SIGNATURES.items()
    },
    "trusted-root": Target(signatures.root, signatures.ROOTS),
    "licence": _text(vex.licence, *vex.LICENCES),
    "purl": _text(advisories.url, *advisories.URLS),
    "versions": _text(advisories.versions, *advisories.VERSIONS),
    "cvss": _text(advisories.vector, *advisories.VECTORS),
    **{
        f"packages-{name}": Target(partial(packages.read, name), tuple(content for _, content in seeds))
        for name, seeds in packages.SEEDS.items()
    },
    **{name: Target(parse, seeds) for name, (parse, seeds) in layers.PARSERS.items()},
}
