"""A whole image, pulled by ten clients at once."""

from functools import partial

from bench.field import Field
from bench.findings import Finding, compared
from bench.load import crews
from bench.rounds import take_turns

_CLIENTS = 10


def image(field: Field) -> Finding:
    """200 MB in five layers."""
    turns = {
        name: partial(crews.pull_all, server, _CLIENTS) for name, server in field.readers.items() if name != "nginx"
    }
    figures = take_turns(turns, field.plan.rounds)
    must = {"distribution 2.8": 1.0, "distribution 3": 1.0}
    remark = "by a client of the bench's own that neither unpacks nor hashes: Docker would mostly measure itself"
    checks = compared(figures, must, less_is_better=True)
    return Finding("pull of a 200 MB image, 10 clients", "s", figures, checks, (remark,))
