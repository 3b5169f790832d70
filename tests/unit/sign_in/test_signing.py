"""Keys that sign tokens: the first, the next, those of other workers, and clocks that jump."""

import pytest

from orlop.domain.identity.tokens import Claims, TokenInvalid
from orlop.ports.clock import SECOND
from tests.unit.sign_in.scene import START, Scene

DAY = 24 * 3600


def claims(at: int = START) -> Claims:
    """What some token says."""
    seconds = at // SECOND
    return Claims(
        iss="https://registry.example",
        sub="alice",
        aud="orlop",
        exp=seconds + 300,
        nbf=seconds,
        iat=seconds,
        jti="j",
        access=(),
        ver=1,
        acc=1,
        cred=0,
        label="password",
    )


async def test_the_first_token_makes_the_first_key_for_all_workers(scene: Scene) -> None:
    first, second = scene.sign_in.signing, scene.worker().signing
    token = await first.sign(claims())
    assert await second.verify(token) == claims()
    assert await first.verify(await second.sign(claims())) == claims()
    assert len(await scene.identity.keys.all()) == 1


async def test_a_key_is_published_before_it_signs_and_verifies_after(scene: Scene) -> None:
    signing = scene.sign_in.signing
    await signing.sign(claims())
    [old] = await signing.public_keys()
    scene.clock.forward(89 * DAY)
    assert await signing.rotate() == "no key was due"
    scene.clock.forward(DAY - 1800)
    last = await signing.sign(claims(scene.clock.at))
    assert await signing.rotate() == "a key was added"
    assert await signing.rotate() == "no key was due"
    old_again, new = await signing.public_keys()
    assert old_again == old
    assert (await signing.sign(claims())).split(".")[0] == last.split(".")[0], (
        "the old one signs until its time is over"
    )
    scene.clock.forward(1800)
    now = await signing.sign(claims(scene.clock.at))
    assert now.split(".")[0] != last.split(".")[0]
    assert await signing.verify(now) == claims(scene.clock.at)
    [_, published] = await signing.public_keys()
    assert published == new
    scene.clock.forward(2 * DAY)
    assert await signing.rotate() == "no key was due"
    assert await signing.public_keys() == [new], "what verifies nothing is forgotten"


async def test_what_the_old_key_signed_holds_to_its_end(scene: Scene) -> None:
    signing = scene.sign_in.signing
    await signing.sign(claims())
    scene.clock.forward(90 * DAY - 120)
    token = await signing.sign(claims(scene.clock.at))
    await signing.rotate()
    at = scene.clock.at
    scene.clock.forward(250)
    assert await signing.verify(token) == claims(at)
    assert await scene.worker().signing.verify(token) == claims(at)


async def test_a_worker_learns_at_once_of_a_key_that_another_made(scene: Scene) -> None:
    first, second = scene.sign_in.signing, scene.worker().signing
    await second.sign(claims())
    scene.clock.forward(90 * DAY - 600)
    await first.rotate()
    scene.clock.forward(700)
    token = await first.sign(claims(scene.clock.at))
    assert await second.verify(token) == claims(scene.clock.at)


async def test_a_server_that_was_off_for_years_makes_a_key_at_once(scene: Scene) -> None:
    signing = scene.sign_in.signing
    await signing.sign(claims())
    scene.clock.forward(1000 * DAY)
    token = await scene.worker().signing.sign(claims(scene.clock.at))
    assert await signing.verify(token) == claims(scene.clock.at)
    assert len(await signing.public_keys()) == 1


async def test_two_that_find_no_key_agree_on_one(scene: Scene) -> None:
    first, second = scene.sign_in.signing, scene.worker().signing
    await second.rotate()
    scene.clock.forward(-2)
    token = await first.sign(claims(scene.clock.at))
    assert len(await scene.identity.keys.all()) == 1
    assert await second.verify(token) is not None


async def test_a_clock_that_is_set_back_by_years_stops_nobody(scene: Scene) -> None:
    signing = scene.sign_in.signing
    scene.clock.forward(1000 * DAY)
    await signing.sign(claims(scene.clock.at))
    scene.clock.forward(-1000 * DAY)
    token = await signing.sign(claims(scene.clock.at))
    assert await signing.verify(token) == claims(scene.clock.at)
    assert await signing.rotate() == "no key was due"


async def test_names_that_are_made_up_are_looked_for_in_the_catalog_only_now_and_then(scene: Scene) -> None:
    signing = scene.sign_in.signing
    token = await signing.sign(claims())
    asked = 0
    all_keys = scene.identity.keys.all

    async def counted() -> object:
        nonlocal asked
        asked += 1
        return await all_keys()

    signing._store.all = counted  # type: ignore[method-assign]
    other = Scene()
    foreign = await other.sign_in.signing.sign(claims())
    other.close()
    scene.clock.forward(10)
    for _ in range(50):
        assert await signing.verify(foreign) is None
    assert asked == 1
    assert await signing.verify(token) == claims()


async def test_keys_are_published_without_their_private_half(scene: Scene) -> None:
    [key] = await scene.sign_in.signing.public_keys()
    assert set(key) == {"kty", "crv", "x", "kid", "alg", "use"}
    assert (key["kty"], key["crv"], key["alg"], key["use"]) == ("OKP", "Ed25519", "Ed25519", "sig")


async def test_the_times_of_a_token_are_looked_at_here(scene: Scene) -> None:
    """The JOSE library does not look at `exp` by itself."""
    signing = scene.sign_in.signing
    token = await signing.sign(claims())
    scene.clock.forward(299)
    assert await signing.verify(token) == claims()
    scene.clock.forward(1)
    with pytest.raises(TokenInvalid, match="expired"):
        await signing.verify(token)
    scene.clock.forward(-360)
    assert await signing.verify(token) == claims(), "clocks may be a minute apart"
    scene.clock.forward(-1)
    with pytest.raises(TokenInvalid, match="not hold yet"):
        await signing.verify(token)
