"""What every driver keeps to about answers that are given again (ports.idempotency.KeptAnswers)."""

import asyncio

from orlop.ports.idempotency import Kept
from tests.contract.cast import Cast

KEY, PRINT = "a" * 64, "b" * 64


class AnswersKit:
    """Needs the fixture `cast`: on an empty catalog."""

    async def test_the_first_has_to_answer_and_the_next_are_given_that(self, cast: Cast) -> None:
        answers = cast.identity.answers
        assert await answers.begin(1, KEY, PRINT, 10, abandoned_before=0) is None
        assert await answers.begin(1, KEY, "other", 11, abandoned_before=0) == Kept(PRINT, 10, None)
        await answers.finish(1, KEY, b"\x00sealed")
        assert await answers.begin(1, KEY, "other", 12, abandoned_before=99) == Kept(PRINT, 10, b"\x00sealed")

    async def test_a_key_is_its_accounts_own(self, cast: Cast) -> None:
        answers = cast.identity.answers
        assert await answers.begin(1, KEY, PRINT, 10, abandoned_before=0) is None
        assert await answers.begin(2, KEY, PRINT, 10, abandoned_before=0) is None

    async def test_what_failed_may_be_tried_again(self, cast: Cast) -> None:
        answers = cast.identity.answers
        assert await answers.begin(1, KEY, PRINT, 10, abandoned_before=0) is None
        await answers.finish(1, KEY, None)
        assert await answers.begin(1, KEY, "other", 11, abandoned_before=0) is None

    async def test_what_was_abandoned_is_taken_over(self, cast: Cast) -> None:
        answers = cast.identity.answers
        assert await answers.begin(1, KEY, PRINT, 10, abandoned_before=0) is None
        assert await answers.begin(1, KEY, "other", 80, abandoned_before=10) == Kept(PRINT, 10, None)
        assert await answers.begin(1, KEY, "other", 80, abandoned_before=11) is None
        assert await answers.begin(1, KEY, PRINT, 81, abandoned_before=0) == Kept("other", 80, None)

    async def test_an_answer_stays_as_it_was_first_given(self, cast: Cast) -> None:
        answers = cast.identity.answers
        await answers.begin(1, KEY, PRINT, 10, abandoned_before=0)
        await answers.finish(1, KEY, b"first")
        for late in (b"second", None):
            await answers.finish(1, KEY, late)
        assert await answers.begin(1, KEY, PRINT, 11, abandoned_before=0) == Kept(PRINT, 10, b"first")

    async def test_what_is_old_is_forgotten(self, cast: Cast) -> None:
        answers = cast.identity.answers
        for key, at in (("old", 10), ("new", 20)):
            await answers.begin(1, key, PRINT, at, abandoned_before=0)
            await answers.finish(1, key, b"answer")
        await answers.forget(20)
        assert await answers.begin(1, "old", PRINT, 30, abandoned_before=0) is None
        assert await answers.begin(1, "new", PRINT, 30, abandoned_before=0) == Kept(PRINT, 20, b"answer")

    async def test_of_many_at_once_one_is_the_first(self, cast: Cast) -> None:
        answers = cast.identity.answers
        began = await asyncio.gather(*(answers.begin(1, KEY, PRINT, 10, abandoned_before=0) for _ in range(8)))
        assert began.count(None) == 1

    async def test_it_is_no_change_of_who_may_do_what(self, cast: Cast) -> None:
        async with cast.unchanged():
            await cast.identity.answers.begin(1, KEY, PRINT, 10, abandoned_before=0)
            await cast.identity.answers.finish(1, KEY, b"answer")
