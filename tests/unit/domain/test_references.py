"""Image references: what is implied, what is refused, and that both printed forms read back."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from orlop.domain.errors import DigestInvalid, NameInvalid, TagInvalid
from orlop.domain.references import parse_image_reference, parse_registry

SHA256 = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("text", "explicit", "familiar", "implied"),
    [
        ("nginx", "docker.io/library/nginx:latest", "nginx", "rlt"),
        ("nginx:1.27", "docker.io/library/nginx:1.27", "nginx:1.27", "rl"),
        ("bitnami/nginx", "docker.io/bitnami/nginx:latest", "bitnami/nginx", "rt"),
        ("docker.io/nginx", "docker.io/library/nginx:latest", "nginx", "lt"),
        ("index.docker.io/library/nginx:a", "docker.io/library/nginx:a", "nginx:a", ""),
        (f"nginx@{SHA256}", f"docker.io/library/nginx@{SHA256}", f"nginx@{SHA256}", "rl"),
        (f"nginx:1@{SHA256}", f"docker.io/library/nginx:1@{SHA256}", f"nginx:1@{SHA256}", "rl"),
        ("localhost/app", "localhost/app:latest", "localhost/app", "t"),
        ("localhost:5000/app", "localhost:5000/app:latest", "localhost:5000/app", "t"),
        ("localhost:5000", "docker.io/library/localhost:5000", "localhost:5000", "rl"),
        ("[::1]:5000/a/b:c", "[::1]:5000/a/b:c", "[::1]:5000/a/b:c", ""),
        ("[::1]/a", "[::1]/a:latest", "[::1]/a", "t"),
        ("ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1", "ghcr.io/a/b/c:v1", ""),
        ("GHCR.io/a/b:V1", "ghcr.io/a/b:V1", "ghcr.io/a/b:V1", ""),
        ("host:80/a:80", "host:80/a:80", "host:80/a:80", ""),
    ],
)
def test_defaults_are_filled_in_and_marked(text: str, explicit: str, familiar: str, implied: str) -> None:
    reference = parse_image_reference(text)
    assert str(reference) == explicit
    assert reference.familiar() == familiar
    assert (reference.registry_implied, reference.library_implied, reference.tag_implied) == tuple(
        letter in implied for letter in "rlt"
    )


@pytest.mark.parametrize(
    ("text", "error"),
    [
        ("", NameInvalid),
        ("Nginx", NameInvalid),
        ("a//b", NameInvalid),
        ("/a", NameInvalid),
        ("a/", NameInvalid),
        ("https://ghcr.io/a/b", NameInvalid),
        ("ab" * 32, NameInvalid),
        ("host:0/a", NameInvalid),
        ("host:65536/a", NameInvalid),
        ("-host.io/a", NameInvalid),
        ("host_name.io/a", NameInvalid),
        ("a\n", NameInvalid),
        ("a b", NameInvalid),
        ("ghcr.io/", NameInvalid),
        ("x/" * 600, NameInvalid),
        ("a:", TagInvalid),
        ("a:-x", TagInvalid),
        ("a:" + "x" * 129, TagInvalid),
        ("a:b\n", TagInvalid),
        ("a:b:c", NameInvalid),
        ("a@", DigestInvalid),
        ("a@sha256:abc", DigestInvalid),
        ("a@sha1:" + "0" * 40, DigestInvalid),
        (f"a@{SHA256}@{SHA256}", DigestInvalid),
        (f"a@{SHA256.upper()}", DigestInvalid),
    ],
)
def test_what_is_not_a_reference_is_refused(text: str, error: type[Exception]) -> None:
    with pytest.raises(error):
        parse_image_reference(text)


@given(
    st.from_regex(
        r"([a-z0-9.]{1,9}(:[0-9]{1,4})?/)?([a-z0-9._-]{1,6}/){0,2}[a-z0-9._-]{1,6}(:[A-Za-z0-9_.]{1,5})?",
        fullmatch=True,
    )
)
def test_both_printed_forms_read_back_as_the_same(text: str) -> None:
    try:
        reference = parse_image_reference(text)
    except (NameInvalid, TagInvalid):
        return
    for form in (str(reference), reference.familiar()):
        again = parse_image_reference(form)
        assert (again.name, again.target) == (reference.name, reference.target)


@given(st.text())
def test_any_text_is_read_or_refused(text: str) -> None:
    try:
        parse_image_reference(text)
    except (NameInvalid, TagInvalid, DigestInvalid):
        return


def test_registries_are_hosts_with_an_optional_port() -> None:
    assert parse_registry("Registry-1.Docker.IO") == "docker.io"
    assert parse_registry("127.0.0.1:5000") == "127.0.0.1:5000"
    with pytest.raises(NameInvalid):
        parse_registry("user@host")


def test_a_registry_that_only_its_capitals_tell_from_a_namespace_keeps_them() -> None:
    """In lower case it would be read as a namespace of the default registry: another image."""
    reference = parse_image_reference("myHost/app")
    assert (reference.registry, reference.repository) == ("myHost", "app")
    for form in (str(reference), reference.familiar()):
        assert parse_image_reference(form).name == reference.name
    assert parse_image_reference("MyHost.Example/app").registry == "myhost.example"
    assert parse_image_reference("LOCALHOST/app").registry == "localhost"
