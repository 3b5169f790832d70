"""What rules for tags cost a push, and what a page of a long history costs, and the way back to what is in it."""

import json
import random
import time
from functools import partial

from bench.field import Field
from bench.findings import Check, Finding
from bench.load import crews, latency
from bench.load.connection import Connection
from bench.load.images import share
from bench.rounds import Series, ratio, take_turns
from bench.scenes import rules
from bench.servers.process import Running

_CLIENTS, _IMAGES = 4, 100
#: How long a page, or a rollback, may take, in milliseconds.
_PAGE = 20.0
_ROLLBACKS = 50


def pushes(field: Field) -> Finding:
    """Small images, with rules for tags on three levels and without any."""
    with field.ours(field.ruled()) as ruled, field.ours(field.empty()) as free:

        def turn(server: Running) -> float:
            shares = share(_CLIENTS, _IMAGES // _CLIENTS, rules.RULED)
            return _IMAGES / crews.push_all(server, shares)

        turns = {"with rules": partial(turn, ruled), "without": partial(turn, free)}
        rounds = 3 * field.plan.more_rounds
        figures = take_turns(turns, rounds)
    check = Check("× without", ratio(figures["with rules"], figures["without"]), 0.95)
    return Finding(
        "push 100 small images, rules on three levels", "images/s", figures, [check], (f"in {rounds} rounds",)
    )


def history(field: Field) -> Finding:
    """A page of the history of a tag, of its repository, and a rollback, after very many moves."""
    tag = f"/api/v1/tag-history?repository={rules.MOVED}&tag={rules.TAG}&n=100"
    everything = f"/api/v1/history?repository={rules.MOVED}&n=100"

    def anywhere(path: str) -> str:
        return f"{path}&last={random.randrange(101, rules.MOVES)}"

    with field.ours(field.moved()) as server:

        def page(path: str) -> float:
            return latency.measure(server, "GET", partial(anywhere, path), seconds=field.plan.seconds).median * 1e3

        turns = {
            "of a tag": partial(page, tag),
            "of a repository": partial(page, everything),
            "rollback": partial(_rollbacks, server),
        }
        figures = take_turns(turns, field.plan.rounds)
    work = f"history of {rules.MOVES:,} moves, page of 100, and rollback"
    return Finding(work, "ms, median", figures, [_at_most(name, series) for name, series in figures.items()])


def _at_most(name: str, series: Series) -> Check:
    return Check(f"ms {name}", series.median, _PAGE, at_most=True)


def _rollbacks(server: Running) -> float:
    """Milliseconds, of some the one in the middle; each moves the tag."""
    connection, taken = Connection(server), []
    try:
        for number in range(_ROLLBACKS):
            digest = rules.manifests()[number % 2].digest
            body = json.dumps({"repository": rules.MOVED, "tag": rules.TAG, "digest": digest}).encode()
            began = time.perf_counter()
            media = "Content-Type: application/json\r\n"
            connection.request("POST", "/api/v1/tag-rollbacks", [body], len(body), media, expect=204)
            taken.append(time.perf_counter() - began)
    finally:
        connection.close()
    return sorted(taken)[len(taken) // 2] * 1e3
