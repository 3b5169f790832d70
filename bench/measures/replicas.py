"""Several replicas on PostgreSQL and a bucket: what one more of them brings."""

import os
from functools import partial

from bench.field import Field
from bench.findings import Finding
from bench.load import crews, wrk
from bench.load.connection import Connection
from bench.load.images import share
from bench.load.pushing import push_image
from bench.rounds import take_turns
from bench.servers import fleet

_COUNTS = (1, 2, 3)
_CLIENTS = 8
_IMAGES = 200
#: Repositories that hold the manifests to be pulled.
_REPOSITORIES = 50
_REMARK = (
    "replicas, PostgreSQL, the S3 server, nginx and the clients share the machine's cores, so this shows what sharing"
    " costs, and not what further machines bring; no limit is asked for"
)


def pushes(field: Field) -> Finding:
    """200 small images by eight clients."""
    with fleet.serving(field.fresh(), _COUNTS) as servers:

        def turn(name: str) -> float:
            shares = share(_CLIENTS, _IMAGES // _CLIENTS)
            os.sync()
            return _IMAGES / crews.push_all(servers[name], shares)

        figures = take_turns({name: partial(turn, name) for name in servers}, field.plan.rounds)
    return Finding("push 200 small images, 8 clients, to replicas", "images/s", figures, [], (_REMARK,))


def pulls(field: Field) -> Finding:
    """GET of manifests by tag."""
    images = [image for each in share(1, _REPOSITORIES) for image in each]
    paths = ", ".join(f'"/v2/{image.repository}/manifests/{image.tag}"' for image in images)
    load = wrk.Load("replicas", f"local paths = {{{paths}}}\nreturn paths[random(#paths)]")
    with fleet.serving(field.fresh(), _COUNTS) as servers:
        for server in servers.values():
            connection = Connection(server)
            for image in images:
                push_image(connection, image)
            connection.close()

        def turn(name: str) -> float:
            return wrk.measure(load, servers[name], field.plan.seconds, field.folder).requests

        figures = take_turns({name: partial(turn, name) for name in servers}, field.plan.rounds)
    return Finding("GET manifest by tag, of replicas", "requests/s", figures, [], (_REMARK,))
