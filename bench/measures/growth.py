"""How the cost of a page grows with what there is: it must not."""

import random
from collections.abc import Callable
from functools import partial

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import latency
from bench.rounds import ratio, take_turns
from bench.scenes import content, growth
from bench.servers.process import Running

#: What the p99 may be, as a multiple of that of a hundred.
_FLAT = 3.0


def tags(field: Field) -> Finding:
    """A page of a hundred tags, from anywhere in the list."""
    count = field.plan.large_tags

    def anywhere() -> str:
        return f"/v2/{growth.TAGGED}/tags/list?n=100&last={growth.tag(random.randrange(count - 101))}"

    return _page(field, "tag list, page of 100", count, anywhere, lambda: f"/v2/{growth.TAGGED}/tags/list?n=100")


def catalog(field: Field) -> Finding:
    """A page of a hundred repositories, from anywhere in the list."""
    count = field.plan.large_repositories

    def anywhere() -> str:
        return f"/v2/_catalog?n=100&last={content.repository(random.randrange(count))}"

    return _page(field, "catalog, page of 100", count, anywhere, lambda: "/v2/_catalog?n=100")


def referrers(field: Field) -> Finding:
    """A page of a hundred referrers, from anywhere in the list."""
    path = f"/v2/{growth.REFERRED}/referrers/{growth.subject().digest}?n=100"

    def anywhere() -> str:
        return f"{path}&last=sha256:{random.randrange(0xF0):02x}{'0' * 62}"

    return _page(field, "referrers, page of 100", field.plan.referrers, anywhere, lambda: path)


def _page(field: Field, work: str, count: int, large: Callable[[], str], small: Callable[[], str]) -> Finding:
    with field.ours(field.large()) as many, field.ours(field.small()) as few:
        of_many, of_few = f"of {count:,}", f"of {growth.SMALL}"
        turns = {
            of_many: partial(_p99, field, many, large),
            of_few: partial(_p99, field, few, small),
        }
        figures = take_turns(turns, field.plan.rounds)
    growth_factor = ratio(figures[of_many], figures[of_few])
    check = Check("p99, many / a hundred", growth_factor, _FLAT, at_most=True)
    return Finding(work, "ms, p99", figures, [check])


def _p99(field: Field, server: Running, target: Callable[[], str]) -> float:
    return latency.measure(server, "GET", target, seconds=field.plan.seconds).p99 * 1e3
