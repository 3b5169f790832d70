"""Trusts as they are managed: checked, versioned, and made only by those who may be the robot themselves."""

from pathlib import Path
from typing import Any

import pytest

from orlop.domain.access import Place, PlaceKind, SubjectKind
from orlop.domain.errors import Denied, RegistryError, RequestInvalid
from orlop.domain.identity.trusts import read_trust
from orlop.domain.identity.trusts.trust import TRUSTS
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Account
from tests.docs.blocks import blocks
from tests.unit.management.scene import BY, Scene
from tests.workload.issuers import AUDIENCE

BODY: dict[str, Any] = {
    "kind": "oidc",
    "preset": "github",
    "robot": "robot+ci",
    "audience": AUDIENCE,
    "claims": {"repository": "octo-org/octo-repo", "ref": ["refs/heads/main", "refs/tags/v*"]},
}


async def a_scene() -> Scene:
    """A registry with a robot."""
    scene = Scene({TRUSTS.kind: TRUSTS})
    await scene.identity.accounts.add(Account(kind=SubjectKind.ROBOT, name="robot+ci"), BY)
    return scene


async def test_a_trust_is_kept_as_it_was_meant() -> None:
    scene = await a_scene()
    root = await scene.user("root", ("admin", Place(PlaceKind.REGISTRY)))
    made = await scene.management.settings.put(root, "trust", "main", BODY, 0)
    assert made.body == {**BODY, "issuer": "https://token.actions.githubusercontent.com"}
    again = await scene.management.settings.put(root, "trust", "main", made.body, made.version)
    assert again.version == made.version, "what is shown can be given back"
    aws = {
        "kind": "aws-iam",
        "robot": "robot+ci",
        "audience": AUDIENCE,
        "principal": "arn:aws:iam::123456789012:role/ci",
    }
    await scene.management.settings.put(root, "trust", "aws", aws, 0)
    page = await scene.management.settings.page(root, "trust", PageRequest())
    assert [shown.name for shown in page.items] == ["aws", "main"]


@pytest.mark.parametrize(
    ("changed", "word"),
    [
        ({"claims": {"repository": "*/octo-repo"}}, "wildcard"),
        ({"claimz": {}}, "claims"),
        ({"robot": "robot+gone"}, "robot.gone"),
        ({"robot": "root"}, "not the name of a robot"),
        ({"kind": "saml"}, "kind"),
    ],
)
async def test_what_is_wrong_is_refused_with_a_reason(changed: dict[str, Any], word: str) -> None:
    scene = await a_scene()
    root = await scene.user("root", ("admin", Place(PlaceKind.REGISTRY)))
    with pytest.raises(RegistryError, match=word):
        await scene.management.settings.put(root, "trust", "main", BODY | changed, 0)


async def test_the_trusts_of_a_robot_go_with_it_and_are_none_of_one_made_anew() -> None:
    scene = await a_scene()
    root = await scene.user("root", ("admin", Place(PlaceKind.REGISTRY)))
    settings, robots = scene.management.settings, scene.management.robots
    await robots.add(root, Account(kind=SubjectKind.ROBOT, name="robot+other"))
    for trust, robot in (("main", "robot+ci"), ("tags", "robot+ci"), ("other", "robot+other")):
        await settings.put(root, "trust", trust, BODY | {"robot": robot}, 0)
    await robots.remove(root, "robot+ci", None)
    kept = await settings.page(root, "trust", PageRequest())
    assert [shown.name for shown in kept.items] == ["other"]
    await scene.identity.accounts.remove("robot+other", BY)  # as whoever removed it before this was so
    await robots.add(root, Account(kind=SubjectKind.ROBOT, name="robot+other"))
    assert (await settings.page(root, "trust", PageRequest())).items == ()


async def test_a_trust_that_is_saved_as_it_was_ends_no_token() -> None:
    scene = await a_scene()
    root = await scene.user("root", ("admin", Place(PlaceKind.REGISTRY)))
    epochs = []
    for audience in (AUDIENCE, AUDIENCE, "https://another.example"):
        await scene.management.settings.put(root, "trust", "main", BODY | {"audience": audience}, None)
        robot = await scene.identity.accounts.get("robot+ci")
        assert robot is not None
        epochs.append(robot.epoch)
    assert epochs[0] == epochs[1] != epochs[2]


async def test_others_make_none() -> None:
    scene = await a_scene()
    owner = await scene.user("ann", ("owner", Place(PlaceKind.NAMESPACE, "team")))
    with pytest.raises(Denied):
        await scene.management.settings.put(owner, "trust", "main", BODY, 0)


async def test_a_body_that_is_none_is_refused() -> None:
    scene = await a_scene()
    root = await scene.user("root", ("admin", Place(PlaceKind.REGISTRY)))
    with pytest.raises(RequestInvalid):
        await scene.management.settings.put(root, "trust", "main", {}, 0)


PAGE = Path(__file__).parents[2] / "docs" / "ci.md"
TRUSTS_OF_THE_PAGE = [
    block.body for block in blocks(PAGE.read_text()) if block.kind == "json" and '"robot"' in block.body
]


@pytest.mark.parametrize("body", TRUSTS_OF_THE_PAGE)
def test_the_trusts_of_the_documentation_are_trusts(body: str) -> None:
    read_trust(body.replace("…", "x").encode())
    assert len(TRUSTS_OF_THE_PAGE) == 5
