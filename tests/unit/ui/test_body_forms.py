"""Forms of gates and signers are built from their declarations, say all that a body says, and read back what they
show."""

import re
from typing import Any

import msgspec
import pytest
from msgspec import inspect as types

from orlop.domain.gates.gate import GATES
from orlop.domain.kinds import KINDS
from orlop.domain.trust.signers import SIGNERS
from orlop.faces.ui.rules.forms import body_from, form_of, typed_of
from tests.unit.ui.places import HOSTILE, person, settings_of
from tests.unit.ui.scene import Scene

_KEY = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEA{0}\n-----END PUBLIC KEY-----\n"
BODIES: list[tuple[str, dict[str, Any]]] = [
    (
        "gate",
        {
            "on": ["pull"],
            "mode": "enforce",
            "deny_severity": "high",
            "fixable": True,
            "older_than": "14d",
            "labels": ["owner", "tier=prod*"],
            "created_within": "90d",
            "wait": 0,
        },
    ),
    ("gate", {"on": ["pull"], "mode": "off", "no_root": True, "wait": 10, "platforms": ["linux/*"]}),
    ("signers", {"keys": [_KEY.format("A" * 44), _KEY.format("B" * 44)], "level": "strict", "required": 2}),
    (
        "signers",
        {
            "keyless_issuer": "https://i.example",
            "identities": ["a@i.example", "https://i.example/*"],
            "trusted_root": '{"mediaType": "x"}',
            "level": "permissive",
            "required": 1,
            "predicate": "slsaprovenance",
            "branch": "main",
        },
    ),
]


def sent(kind: str, body: dict[str, Any]) -> dict[str, str]:
    """What a browser sends of a form that shows a body and is left as it is."""
    typed, fields = typed_of(kind, body), {}
    for field in (field for group in form_of(kind) for field in group.fields):
        value, name = typed[field.name], f"f.{field.name}"
        if field.control == "check":
            fields |= {name: "yes"} if value else {}
        elif field.control == "boxes":
            fields |= {f"{name}.{word}": "yes" for word in value}
        else:
            fields[name] = "" if field.control == "long" else str(value).replace("\n", "\r\n")
    return fields


@pytest.mark.parametrize(("kind", "body"), BODIES)
def test_what_a_form_shows_is_what_it_reads(kind: str, body: dict[str, Any]) -> None:
    assert body_from(kind, sent(kind, body), body) == body


@pytest.mark.parametrize("kind", [GATES.kind, SIGNERS.kind])
def test_every_field_that_is_declared_stands_in_the_form_once(kind: str) -> None:
    declared = types.type_info(KINDS[kind].body)
    assert isinstance(declared, types.StructType)
    shown = [field.name for group in form_of(kind) for field in group.fields]
    assert sorted(shown) == sorted(field.encode_name for field in declared.fields)


def test_a_long_text_is_kept_until_another_stands_there_or_it_is_taken_out() -> None:
    kept = {"certificates": "old"}
    assert body_from("signers", {}, kept)["certificates"] == "old"
    assert body_from("signers", {"f.certificates": "new"}, kept)["certificates"] == "new"
    assert "certificates" not in body_from("signers", {"drop.certificates": "yes"}, kept)
    assert typed_of("signers", kept)["certificates"] == 3


def test_what_is_no_number_and_no_key_goes_to_the_check_as_it_is() -> None:
    read = body_from("gate", {"f.wait": "ten"})
    assert read["wait"] == "ten"
    assert body_from("signers", {"f.keys": "nonsense\n" + _KEY.format("A")})["keys"] == ["nonsense", _KEY.format("A")]


async def test_what_is_refused_stays_in_the_form_as_text(scene: Scene) -> None:
    browser = await person(scene, "maintainer")
    await browser.get("/rules/gates/-/new?path=team")
    fields = {"name": "g", "path": "team", "f.on.pull": "yes", "f.mode": "warn", "f.wait": "1", "f.labels": HOSTILE}
    answer = await browser.submit("/rules/gates/-/new", fields)
    assert answer.status == 400
    assert "is no label" in answer.text
    assert "<img" not in answer.text
    assert await settings_of(scene, "gate") == []
    assert (await browser.submit("/rules/gates/-/new", fields | {"f.labels": "owner"})).status == 303
    page = await browser.get("/rules/gates/g?path=team")
    version = page.hidden("version")
    assert re.search(r"<textarea[^>]*f\.labels[^>]*>\s*owner</textarea>", page.text)
    fields |= {"version": version, "f.labels": "", "f.no_root": "yes"}
    assert (await browser.submit("/rules/gates/g", fields)).status == 303
    kept = await scene.identity.documents.get("gate", "g", "team")
    assert kept is not None
    assert msgspec.json.decode(kept.body) == {"on": ["pull"], "no_root": True, "wait": 1}
