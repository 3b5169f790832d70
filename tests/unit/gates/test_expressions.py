"""Expressions of gates: what they are given, what is refused, and what bounds those that ask for too much."""

import asyncio
import re
from collections.abc import Callable, Coroutine, Iterator
from pathlib import Path
from typing import Any, TypeVar

import pytest

from orlop.adapters.expressions.process import SPARED, ProcessExpressions
from orlop.bootstrap.clocks import SystemClock
from orlop.domain.errors import Unavailable
from orlop.domain.gates.conditions import ImageFacts
from orlop.domain.gates.expressions import OF_FINDINGS, OF_IMAGES, TOO_MUCH, is_about_findings
from orlop.domain.gates.gate import Gate, GateAt
from orlop.domain.gates.given import Given, GivenFinding

T = TypeVar("T")
Does = Callable[[Coroutine[Any, Any, T]], T]

BAD = GivenFinding("CVE-2026-1", "openssl", "3.0.11", ("3.0.15",), "critical", False)
SAID = ImageFacts(platform="linux/amd64", user="app", labels={"team": "backend"}, size=7)


class Asked:
    """A process that answers, and the loop that it belongs to."""

    def __init__(self, runner: asyncio.Runner, expressions: ProcessExpressions) -> None:
        self._runner = runner
        self._expressions = expressions

    def why(self, expression: str, *findings: GivenFinding, said: ImageFacts = SAID, pushed: bool = False) -> str:
        """Why it is not met; empty: it is."""
        given = Given(repository="prod/app", digest="sha256:1", said=said, findings=None if pushed else findings)
        return self._runner.run(self._expressions.judge([expression], given))[expression]

    def both(self, *expressions: str) -> list[str]:
        given = Given(repository="prod/app", digest="sha256:1", said=SAID, findings=())
        return list(self._runner.run(self._expressions.judge(expressions, given)).values())

    def check(self, expression: str, *, findings: bool = True) -> str:
        return self._runner.run(self._expressions.check(expression, findings=findings))


@pytest.fixture(scope="module")
def asked() -> Iterator[Asked]:
    with asyncio.Runner() as runner:
        expressions = ProcessExpressions(SystemClock(), deadline=20.0)
        yield Asked(runner, expressions)
        runner.run(expressions.close())


def test_what_is_so_is_met(asked: Asked) -> None:
    rule = 'image.labels["team"] != "" && size(findings.filter(f, f.severity == "critical")) == 0'
    assert asked.why(rule) == ""
    assert asked.why(rule, BAD) == "is not so"
    assert asked.why("counts.critical == 1 && counts.fixable == 1 && counts.exploited == 0", BAD) == ""
    assert asked.why('findings.exists(f, f.package == "openssl" && "3.0.15" in f.fixed)', BAD) == ""
    assert asked.why('has(image.labels.team) && image.user != "" && image.size < 8', pushed=True) == ""


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ('image.labels["owner"] != ""', 'cannot be answered: Key not found in map : "owner"'),
        ("1 / (image.size - 7) == 1", "cannot be answered: divide by zero"),
        ('findings.all(f, f.sverity == "low")', 'cannot be answered: Key not found in map : "sverity"'),
    ],
)
def test_what_cannot_be_answered_is_not_met(asked: Asked, expression: str, why: str) -> None:
    assert asked.why(expression, BAD) == why


@pytest.mark.parametrize(
    ("expression", "why"),
    [
        ("image.user >", "mismatched input"),
        ("image.usr == 'app'", "undeclared reference to 'image.usr'"),
        ("image.size == 'big'", "no matching overload"),
        ("image.size + 1", "it gives int, and has to give bool"),
        ("image.labels['team']", "it gives string, and has to give bool"),
        ("dyn(image.size)", "it gives dyn, and has to give bool"),
        ("now > timestamp('2026-01-01T00:00:00Z')", "undeclared reference to 'now'"),
        ("(" * 900 + "true" + ")" * 900, "recursion limit"),
        ("__import__('os')", "undeclared reference"),
    ],
)
def test_what_is_no_question_is_refused(asked: Asked, expression: str, why: str) -> None:
    said = asked.check(expression)
    assert why in said
    assert "\n" not in said


def test_findings_are_not_given_at_a_push(asked: Asked) -> None:
    assert asked.check("counts.critical == 0") == ""
    assert "undeclared reference to 'counts.critical'" in asked.check("counts.critical == 0", findings=False)
    assert asked.check("image.user != ''", findings=False) == ""


_TEN = "[0,1,2,3,4,5,6,7,8,9]"
_LOOP = "".join(f"{_TEN}.all({name}, " for name in "abcdef") + "true" + ")" * 6
_BOMB = '["' + "a" * 100 + '"]' + ".map(x, x + x)" * 24 + '.exists(x, x == "b")'


@pytest.mark.parametrize(
    "expression",
    [
        _LOOP,
        f"size({_TEN}.map(a, {_TEN}.map(b, {_TEN}.map(c, {_TEN}.map(d, {_TEN}))))) == 1",
        "findings.all(a, findings.all(b, findings.all(c, a.id == b.id && b.id == c.id)))",
        _BOMB,
    ],
)
def test_loops_and_bombs_end_and_are_not_met(asked: Asked, expression: str) -> None:
    many = (BAD,) * 400
    assert asked.why(expression, *many).startswith("cannot be answered: ")
    assert asked.why("image.user == 'app'") == ""


def test_many_words_on_a_hostile_pattern_end(asked: Asked) -> None:
    labels = {"team": "a" * 20_000 + "b"}
    assert asked.why('image.labels["team"].matches("^(a+)+$")', said=ImageFacts(labels=labels)) == "is not so"


def test_one_that_takes_too_much_does_not_spoil_the_others(asked: Asked) -> None:
    met, bomb = asked.both("image.user == 'app'", _BOMB)
    assert met == ""
    assert bomb.startswith("cannot be answered: ")


def test_who_takes_longer_than_they_may_is_not_met_and_the_next_is_answered() -> None:
    async def told() -> tuple[str, str]:
        expressions, given = (
            ProcessExpressions(SystemClock(), deadline=0.0),
            Given(repository="a", digest="b", said=SAID),
        )
        late = (await expressions.judge(["true"], given))["true"]
        refused = await expressions.check("true", findings=False)
        await expressions.close()
        return late, refused

    late, refused = asyncio.run(told())
    assert late == TOO_MUCH
    assert refused == "it takes more time or memory than it may have"


def test_a_process_that_ended_is_started_anew(asked: Asked) -> None:
    assert asked.why("true") == ""
    process = asked._expressions._process
    assert process is not None
    process.kill()
    assert asked.why("true") == ""


def test_one_that_took_too_much_is_not_asked_again_within_a_minute_about_the_same() -> None:
    async def told() -> None:
        clock = _Clock()
        expressions, given = ProcessExpressions(clock, deadline=0.0), Given(repository="a", digest="b", said=SAID)
        other = Given(repository="a", digest="c", said=SAID)
        assert await expressions.judge(["true"], given) == {"true": TOO_MUCH}
        expressions._deadline = 20.0
        assert await expressions.judge(["true", "1 == 1"], given) == {"true": TOO_MUCH, "1 == 1": ""}
        assert await expressions.judge(["true"], other) == {"true": ""}
        clock.at += SPARED - 1
        assert await expressions.judge(["true"], given) == {"true": TOO_MUCH}
        clock.at += 1
        assert await expressions.judge(["true"], given) == {"true": ""}
        await expressions.close()

    asyncio.run(told())


class _Clock:
    at = 1

    def now(self) -> int:
        return self.at


@pytest.mark.parametrize(
    ("module", "start", "why"),
    [
        ("orlop.adapters.expressions.nothing", 20.0, "the process that does cannot be started"),
        ("orlop.adapters.expressions.child", 0.0, "the process that does did not start within 0 seconds"),
    ],
)
def test_a_process_that_does_not_start_is_no_fault_of_expressions(module: str, start: float, why: str) -> None:
    async def told() -> None:
        expressions = ProcessExpressions(SystemClock(), start=start, module=module)
        given = Given(repository="a", digest="b", said=SAID)
        said = f"^expressions cannot be evaluated here: {why}$"
        with pytest.raises(Unavailable, match=said):
            await expressions.judge(["true"], given)
        with pytest.raises(Unavailable, match=said):
            await expressions.check("true", findings=False)
        await expressions.close()

    asyncio.run(told())


def test_an_expression_about_findings_needs_an_image_that_is_read() -> None:
    assert is_about_findings("counts.low == 0")
    assert not is_about_findings('image.labels["findingsx"] == ""')
    assert Gate(expression="size(findings) == 0").needs_read
    own = Gate(expression="image.user == 'app'")
    assert (own.needs_read, own.needs_config) == (False, True)
    with pytest.raises(ValueError, match="known only after a push"):
        Gate(on=(GateAt.PUSH,), expression="size(findings) == 0")


def test_the_page_tells_all_that_is_given() -> None:
    page = (Path(__file__).parents[3] / "docs" / "gates.md").read_text()
    rows = re.findall(r"^\| `([a-z.]+)` \| `([^`]+)` \| (.+) \|$", page, re.MULTILINE)
    assert rows == [tuple(each) for each in (*OF_IMAGES, *OF_FINDINGS)]
    given = Given(repository="a", digest="b", said=SAID, findings=(BAD,)).values()
    assert list(given) == [each.name for each in (*OF_IMAGES, *OF_FINDINGS)]
