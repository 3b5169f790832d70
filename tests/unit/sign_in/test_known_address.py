"""The address where others cannot shut somebody out: that of their last sign-in, which nobody with a token moves."""

import pytest

from orlop.domain.access import ANONYMOUS, Caller
from orlop.domain.errors import TooManyRequests, Unauthorized
from orlop.domain.identity.authorization import Basic
from orlop.services.identity.lockout import Lockout
from orlop.services.identity.sessions import BrowserSessions
from tests.unit.sign_in.scene import ELSEWHERE, HOME, PASSWORD, Scene, basic, bearer


async def known_at(scene: Scene, address: str) -> bool:
    """Whether alice gets in from there while a crowd guesses at her password."""
    await scene.sign_in.uses.flush()
    for number in range(60):
        await Lockout(scene.identity.attempts, scene.clock).failed("alice", f"203.0.113.{number}")
    try:
        await scene.worker().passwords.account("alice", PASSWORD, address=address, request="r")
    except TooManyRequests:
        return False
    return True


@pytest.mark.parametrize(
    ("way", "moves"),
    [
        ("a personal access token", False),
        ("a token that was fetched with it", False),
        ("a token that was fetched with the password", False),
        ("the login that a client keeps", False),
        ("the password at /token", True),
        ("the password by Basic", True),
        ("the password to change it", True),
        ("a browser", True),
    ],
)
async def test_nothing_but_a_sign_in_moves_the_address_where_somebody_is_known(
    scene: Scene, way: str, moves: bool
) -> None:
    """Who pulls with a stolen token does not take its owner's way in."""
    ways = scene.sign_in
    await scene.user("alice")
    await scene.caller(basic("alice", PASSWORD), address=HOME)
    home = Caller((await scene.caller(basic("alice", PASSWORD))).subject, HOME)
    personal = await scene.secret("alice")
    match way:
        case "a personal access token":
            await scene.caller(bearer(personal), address=ELSEWHERE)
        case "a token that was fetched with it":
            minted = await ways.tokens.mint(await scene.caller(bearer(personal)), ())
            await scene.caller(bearer(minted.token), address=ELSEWHERE)
        case "a token that was fetched with the password":
            await scene.caller(bearer((await ways.tokens.mint(home, ())).token), address=ELSEWHERE)
        case "the login that a client keeps":
            kept = await ways.tokens.keep(home, PASSWORD, "docker")
            await ways.authentication.refreshed(kept, address=ELSEWHERE, request="r")
        case "the password at /token":
            await ways.authentication.proof(Basic("alice", PASSWORD), address=ELSEWHERE, request="r")
        case "the password by Basic":
            scene.clock.forward(61)  # until then it is believed without a look
            await scene.caller(basic("alice", PASSWORD), address=ELSEWHERE)
        case "the password to change it":
            header = basic("alice", PASSWORD)
            await ways.authentication.caller_for_password_change(header, address=ELSEWHERE, request="r")
        case _:
            sessions = BrowserSessions(scene.identity.sessions, ways.uses, scene.clock, scene.draw)
            found = await scene.identity.accounts.get("alice")
            assert found is not None
            await sessions.start(found, Caller(ANONYMOUS, ELSEWHERE), agent="")
    assert await known_at(scene, ELSEWHERE) is moves
    assert await known_at(scene, HOME) is not moves


async def test_a_password_alone_does_not_move_it_where_a_second_factor_is_asked_for(scene: Scene) -> None:
    await scene.user("alice")
    await scene.caller(basic("alice", PASSWORD), address=HOME)
    await scene.sign_in.uses.flush()
    await scene.identity.passwords.set_factors("alice", b"{}", ["totp"], scene.by())
    with pytest.raises(Unauthorized):
        await scene.caller(basic("alice", PASSWORD), address=ELSEWHERE)
    await scene.sign_in.passwords.account("alice", PASSWORD, address=ELSEWHERE, request="r")
    assert await known_at(scene, HOME)
    assert not await known_at(scene, ELSEWHERE)


async def test_who_is_known_at_an_address_is_so_in_its_network(scene: Scene) -> None:
    await scene.user("alice")
    await scene.caller(basic("alice", PASSWORD), address="2001:db8::1")
    assert await known_at(scene, "2001:db8::2")
