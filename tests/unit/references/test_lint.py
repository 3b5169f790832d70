"""What is said about references, and how a file is told from another."""

import pytest

from orlop.services.references.detect import detect
from orlop.services.references.lint import lint
from orlop.services.references.occurrences import Format, Level, SourceInvalid, UnknownFormat
from tests.unit.references.samples import codes

_DIGEST = "sha256:" + "5e" * 32

FINDINGS = (
    ("nginx", ("implicit-registry", "implicit-library", "implicit-latest", "no-digest")),
    ("nginx:latest", ("implicit-registry", "implicit-library", "explicit-latest", "no-digest")),
    ("nginx:1", ("implicit-registry", "implicit-library", "no-digest")),
    ("docker.io/nginx:1", ("implicit-library", "no-digest")),
    ("docker.io/library/nginx:1", ("no-digest",)),
    ("library/nginx:1", ("implicit-registry", "no-digest")),
    ("bitnami/nginx:1", ("implicit-registry", "no-digest")),
    ("ghcr.io/a/b", ("implicit-latest", "no-digest")),
    ("ghcr.io/a:latest", ("explicit-latest", "no-digest")),
    (f"ghcr.io/a:latest@{_DIGEST}", ()),
    (f"ghcr.io/a@{_DIGEST}", ()),
    (f"a@{_DIGEST}", ("implicit-registry", "implicit-library")),
    ("a:b:c", ("invalid-reference",)),
)


@pytest.mark.parametrize(("reference", "expected"), FINDINGS)
def test_every_implied_part_is_said(reference: str, expected: tuple[str, ...]) -> None:
    assert codes(f"FROM {reference}\n", Format.DOCKERFILE) == expected
    assert codes(f"services: {{a: {{image: '{reference}'}}}}", Format.COMPOSE) == expected
    assert codes(f"containers: [{{image: '{reference}'}}]", Format.KUBERNETES) == expected
    assert codes(f"image: '{reference}'", Format.HELM) == expected


def test_levels() -> None:
    levels = {
        finding.code: finding.level
        for text in ("FROM a\nFROM a:latest\nFROM A\nFROM $X\nCOPY --from=9 a b\nCOPY --from=$X a b\n",)
        for item in lint(text, Format.DOCKERFILE)
        for finding in item.findings
    }
    assert levels == {
        "implicit-registry": Level.WARNING,
        "implicit-library": Level.WARNING,
        "implicit-latest": Level.WARNING,
        "explicit-latest": Level.WARNING,
        "no-digest": Level.NOTE,
        "invalid-reference": Level.ERROR,
        "unresolved-variable": Level.NOTE,
        "unknown-stage": Level.ERROR,
        "variable-not-expanded": Level.ERROR,
    }


def test_an_image_that_is_built_is_only_noted() -> None:
    assert codes("services: {a: {image: a, build: .}}", Format.COMPOSE) == ("built-here",)


def test_places_count_bytes_and_characters() -> None:
    [item] = lint("\ufeffk: é😀\nimage: 'é'\nx: {image: \"a:1\"}\n", Format.HELM)[1:]
    assert (item.place.line, item.place.column) == (3, 13)
    text = "\ufeffk: é😀\nimage: 'é'\nx: {image: \"a:1\"}\n".encode()
    assert text[item.place.start : item.place.end] == b"a:1"


#: Tags without quotation marks and what `helm template` of Helm 3.22 makes of them.
NUMBERS = (
    ("1.10", "1.1"),
    ("1.0", "1"),
    ("1.", "1"),
    (".5", "0.5"),
    ("+1", "1"),
    ("1e3", "1000"),
    ("1.25e2", "125"),
    ("3.0e0", "3"),
    ("20240101", "2.0240101e+07"),
    ("1000000", "1e+06"),
    ("1234567.5", "1.2345675e+06"),
    ("0.00001", "1e-05"),
    ("1e21", "1e+21"),
    ("9007199254740993", "9.007199254740992e+15"),
    ("0123", ""),
    ("0x10", ""),
    ("1_0", ""),
)


@pytest.mark.parametrize(("tag", "written"), NUMBERS)
def test_a_tag_that_yaml_takes_for_another_number(tag: str, written: str) -> None:
    text = f"image: {{repository: q.io/a, tag: {tag}}}"
    [item] = lint(text, Format.HELM)
    [finding] = [one for one in item.findings if one.code == "number-tag"]
    assert (f"as {written};" if written else "in another way;") in finding.message
    assert codes(text.replace(tag, f'"{tag}"'), Format.HELM).count("number-tag") == 0


@pytest.mark.parametrize(
    "tag", ["1", "16", "1.25", "3.12", "999999", "12345.678", "0.001", "1.2.3", "v1.10", "0", "1e400"]
)
def test_a_tag_that_stays_what_it_is(tag: str) -> None:
    assert "number-tag" not in codes(f"image: {{repository: q.io/a, tag: {tag}}}", Format.HELM)


_POD = "apiVersion: v1\nkind: Pod\n"
_SERVICES = "services: {a: {image: b}}\n"

DETECTED = (
    ("Dockerfile", "", Format.DOCKERFILE),
    ("dockerfile", "", Format.DOCKERFILE),
    ("Containerfile", "", Format.DOCKERFILE),
    ("Dockerfile.dev", "", Format.DOCKERFILE),
    ("Dockerfile-alpine", "", Format.DOCKERFILE),
    ("api.Dockerfile", "", Format.DOCKERFILE),
    ("build", "FROM a\n", Format.DOCKERFILE),
    ("build", "# syntax=docker/dockerfile:1\n", Format.DOCKERFILE),
    ("build", "# a comment\n\nARG A=1\nFROM a\n", Format.DOCKERFILE),
    ("compose.yaml", "", Format.COMPOSE),
    ("compose.yml", "", Format.COMPOSE),
    ("docker-compose.yml", "", Format.COMPOSE),
    ("docker-compose.override.yml", "", Format.COMPOSE),
    ("compose.prod.yaml", "", Format.COMPOSE),
    ("test.docker-compose.yaml", "", Format.COMPOSE),
    ("stack.yml", _SERVICES, Format.COMPOSE),
    ("stack.yml", "services: {a: {build: .}}", Format.COMPOSE),
    ("pod.yaml", _POD, Format.KUBERNETES),
    ("pod.json", '{"apiVersion": "v1", "kind": "Pod"}', Format.KUBERNETES),
    ("all.yml", f"---\n# nothing\n---\n{_POD}", Format.KUBERNETES),
    ("values.yaml", "", Format.HELM),
    ("values-prod.yaml", "x: 1", Format.HELM),
    ("prod.values.yml", "x: 1", Format.HELM),
    ("settings.yaml", "image: {repository: a, tag: b}", Format.HELM),
    ("kustomization.yaml", "images: [{name: a, newTag: b}]", Format.KUSTOMIZE),
    ("kustomization.yml", "", Format.KUSTOMIZE),
    ("Kustomization", "resources: []", Format.KUSTOMIZE),
    ("kustomization.yaml", "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n", Format.KUSTOMIZE),
    ("x.yaml", "apiVersion: kustomize.config.k8s.io/v1alpha1\nkind: Component\n", Format.KUSTOMIZE),
    ("flux.yaml", "apiVersion: kustomize.toolkit.fluxcd.io/v1\nkind: Kustomization\n", Format.KUBERNETES),
    ("compose.yaml", _POD, Format.KUBERNETES),
    ("kustomization.yaml", _POD, Format.KUBERNETES),
    ("values.yaml", "jobs: {a: {image: {repository: a, tag: b}}}", Format.HELM),
    ("Dockerfile.part", "RUN true\n", Format.DOCKERFILE),
    ("Dockerfile.template", "{{ if x }}\nFROM {{ .Base }}\n{{ end }}", Format.DOCKERFILE),
    ("Dockerfile.tmpl", "from a as b\n", Format.DOCKERFILE),
    ("Dockerfile", "anything", Format.DOCKERFILE),
)


@pytest.mark.parametrize(("name", "text", "expected"), DETECTED)
def test_a_file_is_known_by_its_name_or_its_content(name: str, text: str, expected: Format) -> None:
    assert detect(name, text) is expected


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("dockerfile_lines.py", "from os import path\nARG = 1\n"),
        ("dockerfile.go", "package dockerfile\n"),
        ("Dockerfile.dockerignore", "*\n!src\n"),
        ("dockerfile.md", "# Title\n\nFrom here on it gets easier.\n"),
        ("script", "from os import path\n"),
        ("README", "From the beginning\n"),
        (
            "ci.yml",
            "on: push\njobs: {build-image: {name: app, steps: [{name: x, with: {repository: a, registry: b}}]}}\n",
        ),
        ("docker-compose.yml", "on: push\njobs: {a: {services: {db: {image: redis}}}}\n"),
        (".gitlab-ci.yml", "image: ruby:2\nstages: [a]\n"),
        ("action.yml", "name: x\nruns: {using: docker, image: Dockerfile}\n"),
        ("config.json", '{"config": {"Image": "sha256:' + "5e" * 32 + '"}}'),
        ("vars.yml", "image: a/b:1\n"),
        ("notes.txt", "FROMAGE\n"),
        ("x", ""),
        ("x.yaml", "a: 1"),
        ("x.yaml", ""),
        ("x.yaml", "[1]"),
        ("x.json", "3"),
    ],
)
def test_a_file_that_nothing_tells_is_refused(name: str, text: str) -> None:
    with pytest.raises(UnknownFormat, match="--as"):
        detect(name, text)


@pytest.mark.parametrize(
    ("text", "form", "line"),
    [
        ("a: b: c\n", Format.COMPOSE, 1),
        ("a: 1\nb: *nowhere\n", Format.HELM, 2),
        ("a: 1\nimage: {{ .Values.x }}:1\n", Format.KUBERNETES, 2),
        ("a: \x07\n", Format.HELM, 0),
        ("- 1\n", Format.COMPOSE, 0),
        ("FROM a\nRUN <<EOF\nno end\n", Format.DOCKERFILE, 2),
        ("a:\n\t- b\n", Format.KUBERNETES, 2),
        ('a: "no end\n', Format.HELM, 2),
    ],
)
def test_a_file_that_is_not_what_it_should_be_is_refused_with_its_line(text: str, form: Format, line: int) -> None:
    with pytest.raises(SourceInvalid) as refused:
        lint(text, form)
    assert refused.value.line == line
    assert refused.value.message


def test_a_template_gets_the_hint_to_render_it() -> None:
    with pytest.raises(SourceInvalid, match="rendered first"):
        lint("a:\n  {{- if .Values.x }}\n  image: a\n  {{- end }}\n", Format.KUBERNETES)
