"""The first account: made once, by one process, and never with a password that somebody else knows."""

import asyncio

import pytest

from orlop.adapters.identity.passwords import Argon2Hasher
from orlop.domain.access import Action
from orlop.domain.errors import Unauthorized
from orlop.domain.identity.passwords import PasswordRefused
from orlop.ports.identity import Account
from orlop.services.identity.first_account import ADMIN, FirstPassword, create_first_account, first_password
from tests.unit.sign_in.scene import PASSWORD, Dice, Scene, basic

CHOSEN = FirstPassword(PASSWORD, drawn=False)


async def start(scene: Scene, password: FirstPassword = CHOSEN) -> bool:
    """Start a server on the catalog."""

    async def pause(_: float) -> None:
        scene.clock.forward(1)

    return await create_first_account(scene.identity, scene.sign_in.hasher, password, scene.clock, pause)


async def test_the_first_start_makes_an_administrator(scene: Scene) -> None:
    assert await start(scene)
    caller = await scene.caller(basic(ADMIN, PASSWORD))
    for action in (Action.SYSTEM, Action.AUDIT_READ):
        assert (await scene.access.decide(caller, action)).allowed
    assert (await scene.access.decide(caller, Action.CREATE, repository="any/thing")).allowed


async def test_the_next_start_makes_nothing(scene: Scene) -> None:
    await start(scene)
    assert not await start(scene, FirstPassword("another long phrase", drawn=True))
    await scene.caller(basic(ADMIN, PASSWORD))
    with pytest.raises(Unauthorized):
        await scene.caller(basic(ADMIN, "another long phrase"))


@pytest.mark.parametrize("kind", ["user", "robot"])
async def test_where_there_is_any_account_no_other_is_made(scene: Scene, kind: str) -> None:
    await (scene.user("alice") if kind == "user" else scene.robot("robot+ci"))
    assert not await start(scene)
    assert await scene.identity.accounts.get(ADMIN) is None


async def test_of_many_that_start_at_once_one_makes_it(scene: Scene) -> None:
    hasher = Argon2Hasher(waiting=100, memory_kib=8, passes=1)
    passwords = [FirstPassword(f"a long phrase of number {number}", drawn=True) for number in range(8)]
    made = await asyncio.gather(
        *(create_first_account(scene.identity, hasher, password, scene.clock) for password in passwords)
    )
    hasher.close()
    assert made.count(True) == 1
    await scene.caller(basic(ADMIN, passwords[made.index(True)].text))


async def test_what_a_killed_process_began_is_finished(scene: Scene) -> None:
    await scene.identity.accounts.add(Account(name=ADMIN), by=scene.by().__class__("orlop", scene.clock.now()))
    assert await start(scene)
    caller = await scene.caller(basic(ADMIN, PASSWORD))
    assert (await scene.access.decide(caller, Action.SYSTEM)).allowed


async def test_an_administrator_without_a_password_gets_none_back(scene: Scene) -> None:
    """One who signs in by other means, or whom somebody locked out on purpose."""
    await start(scene)
    await scene.identity.passwords.set(ADMIN, None, must_change=False, by=scene.by())
    assert not await start(scene)
    with pytest.raises(Unauthorized):
        await scene.caller(basic(ADMIN, PASSWORD))


async def test_an_account_that_somebody_called_admin_is_not_touched(scene: Scene) -> None:
    await scene.user(ADMIN, None)
    assert not await start(scene)


def test_a_password_that_is_chosen_has_to_be_good() -> None:
    """Harbor CVE-2026-4404: a password that everybody knows stays where nobody has to choose another."""
    assert first_password(PASSWORD, Dice(), least=12) == CHOSEN
    for bad in ("admin", "administrator", "admin1234567", "password1234", "short", "Harbor12345"):
        with pytest.raises(PasswordRefused):
            first_password(bad, Dice(), least=12)


def test_a_password_that_is_drawn_is_another_each_time_and_not_shown_by_accident() -> None:
    dice = Dice()
    drawn = [first_password("", dice, least=12) for _ in range(50)]
    assert len({each.text for each in drawn}) == 50
    assert all(len(each.text) == 24 and each.drawn for each in drawn)
    assert drawn[0].text not in repr(drawn[0])
    assert len(first_password("", dice, least=40).text) == 40
