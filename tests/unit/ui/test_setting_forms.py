"""Forms of roles, trusts and providers say all that a body says, and read back what they show."""

from typing import Any

import msgspec
import pytest

from orlop.domain.errors import RequestInvalid
from orlop.domain.kinds import KINDS
from orlop.faces.ui.people.fields import SHAPES, Shape, shape_of
from tests.unit.ui.places import person
from tests.unit.ui.scene import Scene

#: RFC 7515, appendix A.3.1.
KEY = {
    "kty": "EC",
    "crv": "P-256",
    "kid": "a",
    "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU",
    "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0",
}
TRUST = {"kind": "oidc", "robot": "robot+ci", "audience": "registry.example", "issuer": "https://i.example"}
BODIES: list[tuple[str, dict[str, Any]]] = [
    ("role", {"actions": ["tag", "pull"], "description": "for <b>tags</b>"}),
    (
        "trust",
        TRUST | {"claims": {"sub": ["a:b", "a:c=d"]}, "algorithms": ["ES256", "RS256"], "addresses": ["10.0.0.0/8"]},
    ),
    ("trust", TRUST | {"claims": {"sub": "a"}, "jwks": {"keys": [KEY]}}),
    (
        "trust",
        {"kind": "aws-iam", "robot": "robot+ci", "audience": "r", "principal": "arn:aws:iam::123456789012:role/ci"},
    ),
    ("certificate-rule", {"match": "dns:{name}.build.example", "account": "robot+{name}", "issuer": "CN=a"}),
    ("provider", {"type": "oidc", "issuer": "https://i.example", "client_id": "c", "client_secret": "(set)"}),
    (
        "provider",
        {
            "type": "oidc",
            "issuer": "https://i.example",
            "client_id": "c",
            "groups_claim": "a.b",
            "groups": {"x=y": "team", "*": "all"},
            "user_name": {"claim": "email", "strip_domain": True},
            "allowed_domains": ["i.example"],
            "scopes": ["openid"],
            "algorithms": ["ES256"],
            "trust_email": True,
        },
    ),
    (
        "provider",
        {
            "type": "ldap",
            "servers": ["ldaps://a.example"],
            "user_base": "dc=a",
            "bind_dn": "cn=s",
            "bind_password": "env:X",
            "start_tls": False,
            "group_base": "ou=g",
            "groups": {"*": "corp-*"},
        },
    ),
]


def every_shape() -> list[tuple[str, Shape]]:
    return [(kind, shape) for kind, shapes in SHAPES.items() for shape in shapes]


@pytest.mark.parametrize(("kind", "shape"), every_shape(), ids=lambda value: getattr(value, "tag", value))
def test_every_field_of_a_body_has_one_in_its_form(kind: str, shape: Shape) -> None:
    fields = {field.encode_name for field in msgspec.structs.fields(shape.body)}  # type: ignore[arg-type]
    assert {field.name.partition(".")[0] for field in shape.fields} == fields


def test_every_kind_without_a_place_that_is_about_rights_has_a_form() -> None:
    assert {name for name, kind in KINDS.items() if kind.rights and not kind.placed} <= set(SHAPES)


@pytest.mark.parametrize(("kind", "shape"), every_shape(), ids=lambda value: getattr(value, "tag", value))
async def test_every_field_stands_on_the_page(scene: Scene, kind: str, shape: Shape) -> None:
    browser = await person(scene, "admin")
    page = (await browser.get(f"/{KINDS[kind].plural}?as={shape.tag}")).text
    for field in shape.fields:
        names = [f"{field.name}-{choice}" for choice in field.choices] if field.sort == "ticks" else [field.name]
        assert all(f'name="{name}"' in page for name in names), field.name


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_what_a_form_shows_is_what_it_reads(kind: str, body: dict[str, Any]) -> None:
    assert shape_of(kind, body).tells(body)


@pytest.mark.parametrize(
    "body",
    [
        TRUST | {"claims": {"sub": "a\nb"}},
        {
            "type": "oidc",
            "issuer": "https://i.example",
            "client_id": "c",
            "groups_claim": "g",
            "groups": {" x": "team"},
        },
        {"type": "oidc", "issuer": "of another release"},
    ],
)
def test_what_a_form_cannot_say_is_not_changed_by_it(body: dict[str, Any]) -> None:
    assert not shape_of("trust" if "kind" in body else "provider", body).tells(body)


def test_what_a_form_has_no_field_for_is_not_lost() -> None:
    shape = SHAPES["role"][0]
    assert shape.read({"actions-tag": "yes"}, {"of-another-release": 1})["of-another-release"] == 1


@pytest.mark.parametrize(("name", "text"), [("jwks", "{"), ("jwks", "\ud800"), ("minutes", "soon"), ("claims", "sub")])
def test_what_a_field_cannot_hold_is_refused_by_its_name(name: str, text: str) -> None:
    with pytest.raises(RequestInvalid, match=f"^{name}: "):
        SHAPES["trust"][0].read({name: text}, {})
