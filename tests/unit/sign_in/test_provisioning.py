"""Accounts of people whom a sign-on provider vouches for, and names that are taken."""

import msgspec
import pytest

from orlop.domain.access import SubjectKind
from orlop.domain.errors import Unauthorized
from orlop.domain.pages import PageRequest
from orlop.ports.identity import Account, AccountChange
from orlop.ports.sign_on import ExternalIdentity
from tests.unit.sign_in.scene import Scene

ALICE = ExternalIdentity(
    source="corp",
    authority="https://corp",
    external="uuid-1",
    name="Alice",
    display="Alice A.",
    email="alice@corp.example",
)


async def test_the_first_sign_in_makes_an_account_and_the_next_finds_it(scene: Scene) -> None:
    provisioning = scene.sign_in.provisioning
    made = await provisioning.account_of(ALICE, scene.by())
    assert (made.name, made.source, made.external, made.kind) == ("alice", "corp", "uuid-1", SubjectKind.USER)
    assert (made.display, made.email) == ("Alice A.", "alice@corp.example")
    again = await provisioning.account_of(ALICE, scene.by())
    assert again.id == made.id
    assert again.version == made.version, "and changes nothing"


async def test_who_is_called_otherwise_now_is_still_the_same(scene: Scene) -> None:
    provisioning = scene.sign_in.provisioning
    made = await provisioning.account_of(ALICE, scene.by())
    renamed = ExternalIdentity(
        source="corp",
        authority="https://corp",
        external="uuid-1",
        name="alice.b",
        display="Alice B.",
        email="b@corp.example",
    )
    found = await provisioning.account_of(renamed, scene.by())
    assert (found.id, found.name, found.display, found.email) == (made.id, "alice", "Alice B.", "b@corp.example")


async def test_a_provider_that_says_less_takes_nothing_away(scene: Scene) -> None:
    provisioning = scene.sign_in.provisioning
    await provisioning.account_of(ALICE, scene.by())
    found = await provisioning.account_of(
        ExternalIdentity(source="corp", authority="https://corp", external="uuid-1", name="alice"), scene.by()
    )
    assert (found.display, found.email) == ("Alice A.", "alice@corp.example")


async def test_nobody_takes_over_an_account_by_its_name(scene: Scene) -> None:
    """Privilege never follows from a name."""
    local = await scene.user("alice", None)
    await scene.grant("alice", "admin")
    with pytest.raises(Unauthorized, match="there is an account alice already"):
        await scene.sign_in.provisioning.account_of(ALICE, scene.by())
    assert await scene.identity.accounts.get("alice") == local


async def test_nobody_takes_over_the_account_of_another_provider(scene: Scene) -> None:
    provisioning = scene.sign_in.provisioning
    await provisioning.account_of(ALICE, scene.by())
    other = ExternalIdentity(source="partner", authority="https://partner", external="uuid-1", name="alice")
    with pytest.raises(Unauthorized, match="not the one that partner vouches for"):
        await provisioning.account_of(other, scene.by())
    another = ExternalIdentity(source="corp", authority="https://corp", external="uuid-2", name="alice")
    with pytest.raises(Unauthorized, match="not the one that corp vouches for"):
        await provisioning.account_of(another, scene.by())


async def test_a_provider_whose_identity_changed_vouches_for_nobody_of_before(scene: Scene) -> None:
    """Whoever replaces an issuer by their own would be the first administrator, by saying their `sub`."""
    provisioning = scene.sign_in.provisioning
    made = await provisioning.account_of(ALICE, scene.by())
    assert made.authority == "https://corp"
    theirs = msgspec.structs.replace(ALICE, authority="https://evil")
    with pytest.raises(Unauthorized, match="orlop provider adopt corp alice"):
        await provisioning.account_of(theirs, scene.by())
    other = await provisioning.account_of(msgspec.structs.replace(theirs, name="mallory"), scene.by())
    assert (other.name, other.authority) == ("mallory", "https://evil")
    assert (await provisioning.account_of(ALICE, scene.by())).id == made.id


async def test_an_account_of_an_older_release_takes_the_authority_of_its_first_sign_in(scene: Scene) -> None:
    account = Account(name="alice", source="corp", external="uuid-1")
    made = await scene.identity.accounts.add(account, scene.by())
    found = await scene.sign_in.provisioning.account_of(ALICE, scene.by())
    assert (found.id, found.authority) == (made.id, "https://corp")


async def test_who_is_disabled_stays_out(scene: Scene) -> None:
    provisioning = scene.sign_in.provisioning
    await provisioning.account_of(ALICE, scene.by())
    await scene.identity.accounts.change("alice", AccountChange(disabled="left"), scene.by())
    with pytest.raises(Unauthorized, match="disabled: left"):
        await provisioning.account_of(ALICE, scene.by())


@pytest.mark.parametrize(
    "name", ["", "admin user", "../admin", "anonymous", "orlop", "oidc", "robot+ci", "a" * 200, "al\nice", "älice", "-"]
)
async def test_a_name_that_no_account_can_have_is_refused(scene: Scene, name: str) -> None:
    identity = ExternalIdentity(source="corp", authority="https://corp", external="uuid-9", name=name)
    with pytest.raises(Unauthorized, match="cannot be the name of an account"):
        await scene.sign_in.provisioning.account_of(identity, scene.by())
    assert not (await scene.identity.accounts.page(SubjectKind.USER, PageRequest())).items


async def test_somebody_whom_the_provider_does_not_identify_is_refused(scene: Scene) -> None:
    with pytest.raises(Unauthorized, match="does not say who this is"):
        await scene.sign_in.provisioning.account_of(
            ExternalIdentity(source="corp", authority="https://corp", external="", name="alice"), scene.by()
        )


async def test_groups_are_those_that_the_provider_names(scene: Scene) -> None:
    provisioning, members = scene.sign_in.provisioning, scene.identity.members

    async def groups(*names: str) -> tuple[str, ...]:
        identity = ExternalIdentity(
            source="corp", authority="https://corp", external="uuid-1", name="alice", groups=names
        )
        await provisioning.account_of(identity, scene.by())
        return await members.of_account("alice")

    assert await groups("devs", "ops") == ("devs", "ops")
    assert await groups("ops") == ("ops",)
    await provisioning.account_of(ALICE, scene.by())
    assert await members.of_account("alice") == ("ops",), "a provider that names none does not empty them"
    assert await groups() == ()


async def test_what_a_provider_says_is_fit_to_be_shown(scene: Scene) -> None:
    identity = ExternalIdentity(
        source="corp",
        authority="https://corp",
        external="u",
        name="bob",
        display="Bob\r\nX\0" + "x" * 999,
        email="\x1b[1m",
    )
    made = await scene.sign_in.provisioning.account_of(identity, scene.by())
    assert made.display.startswith("BobXxxx")
    assert len(made.display) == 256
    assert made.email == "[1m"
