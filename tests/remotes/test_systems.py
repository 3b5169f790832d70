"""Each system that a user may have as an upstream: sign-in, a pull, a token that ends, a wrong password."""

import asyncio

import pytest

from orlop.domain.errors import Denied, Unauthorized
from tests.remotes.clouds import BY_LENDING
from tests.remotes.scene import Hands, pooling
from tests.remotes.systems import BY_TOKENS, IMAGE, LAYER, DockerHub, GitLab, System

EVERY = (*BY_TOKENS, *BY_LENDING)


async def _pull(hands: Hands, system: System, url: str) -> None:
    remote = await hands.at(url, system.repository, **system.fields())
    assert (await remote.resolve("1")).digest == IMAGE.digest
    assert (await remote.fetch("1")).digest == IMAGE.digest
    assert await remote.stat_blob(LAYER.digest) == LAYER.size
    assert b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)]) == LAYER.content


@pytest.mark.parametrize("kind", EVERY)
async def test_a_pull_signs_in_once(kind: type[System]) -> None:
    system = kind()
    async with system.running() as url, pooling() as hands:
        await _pull(hands, system, url)
        await _pull(hands, system, url)
    assert system.faults == []
    assert system.sign_ins == (0 if "Basic" in kind.__name__ else 1)
    assert hands.watch.failures == []


@pytest.mark.parametrize("kind", EVERY)
async def test_a_token_that_runs_out_under_way_is_followed_by_another(kind: type[System]) -> None:
    system = kind()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        await remote.fetch("1")
        hands.later = 61.0
        system.expire()
        assert b"".join([piece async for piece in remote.read_blob(LAYER.digest, LAYER.size)]) == LAYER.content
    assert system.faults == []


@pytest.mark.parametrize("kind", EVERY)
async def test_a_wrong_password_is_told_in_a_sentence_and_not_tried_over_and_over(kind: type[System]) -> None:
    system = kind()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.wrong())
        told = set()
        for _ in range(10):
            with pytest.raises((Unauthorized, Denied)) as caught:
                await remote.fetch("1")
            told.add(caught.value.message)
        with pytest.raises((Unauthorized, Denied)):
            await asyncio.gather(*(remote.resolve(str(number)) for number in range(20)))
        assert system.sign_ins == 1
    assert system.faults == []
    (sentence,) = told
    assert "\n" not in sentence
    assert "wrong" not in sentence.replace("are wrong", "")
    assert "; look at the user" in sentence


async def test_what_docker_hub_counts_is_told_and_a_head_costs_nothing() -> None:
    system = DockerHub()
    async with system.running() as url, pooling() as hands:
        remote = await hands.at(url, system.repository, **system.fields())
        await remote.resolve("1")
        await remote.resolve("1")
        await remote.fetch("1")
        left = [answer.headers.get("ratelimit-remaining") for answer in hands.watch.answers]
    assert [each for each in left if each] == ["100;w=21600", "100;w=21600", "99;w=21600"]


async def test_a_repository_that_is_not_to_be_seen_is_no_word_about_others() -> None:
    system = GitLab()
    async with system.running() as url, pooling() as hands:
        for number in range(5):
            with pytest.raises(Denied, match="access forbidden"):
                await (await hands.at(url, f"group/other{number}", **system.fields())).fetch("1")
        await _pull(hands, system, url)
    assert system.faults == []
