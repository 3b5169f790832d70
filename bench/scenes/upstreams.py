"""A namespace that shows another registry, in Orlop's catalog; and a registry of static files behind a line."""

import json
import os
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.scenes import people
from bench.scenes.catalog import PeopleStep, Writer
from bench.servers.process import Running, free_port, started
from bench.servers.programs import found
from orlop.domain.access import Place, PlaceKind
from orlop.domain.upstreams.upstream import UPSTREAMS
from orlop.ports.catalog import By
from orlop.ports.identity import Identity, Namespace, NewGrant
from orlop.ports.settings import Document

HUB = "hub"
#: What a server needs to reach an upstream on loopback.
OUTBOUND = {"ORLOP_OUTBOUND_NETWORKS": "127.0.0.0/8"}

_BY = By("bench", 1_700_000_000_000_000)


def shows(upstream: Running) -> Callable[[Writer], Awaitable[None]]:
    """The namespace, which the robot of the bench may read; nothing of it is asked for twice."""
    body = {"url": upstream.url, "fresh": "7d"}
    if upstream.authorization:
        body |= {"user": people.ROBOT, "password": people.secret()}
    document = Document(UPSTREAMS.kind, HUB, json.dumps(body).encode(), path=HUB)
    grant = NewGrant(principal=people.ROBOT, role="reader", place=Place(PlaceKind.NAMESPACE, HUB))

    def namespace(identity: Identity) -> Awaitable[object]:
        return identity.namespaces.put(Namespace(path=HUB), _BY)

    steps: tuple[PeopleStep, ...] = (
        namespace,
        lambda identity: identity.grants.add(grant, _BY),
        lambda identity: identity.documents.put(document, _BY),
    )

    async def fill(writer: Writer) -> None:
        await writer.people(steps)

    return fill


@contextmanager
def files(folder: Path, root: Path, rate: int = 0) -> Iterator[Running]:
    """nginx serving a registry's paths below `root` as files, each connection with at most `rate` bytes a second."""
    port, program = free_port(), found("nginx")
    assert program is not None
    configuration = folder / "nginx.conf"
    user = "user root;" if os.getuid() == 0 else ""  # temporary folders are closed to others
    limit = f"limit_rate {rate};" if rate else ""
    configuration.write_text(
        f"""
        {user} daemon off; worker_processes 2; pid {folder}/nginx.pid; error_log {folder}/error.log;
        events {{ worker_connections 768; }}
        http {{
            sendfile on; tcp_nopush on; access_log {folder}/access.log; default_type application/octet-stream;
            client_body_temp_path {folder}/body; proxy_temp_path {folder}/proxy; fastcgi_temp_path {folder}/fastcgi;
            uwsgi_temp_path {folder}/uwsgi; scgi_temp_path {folder}/scgi;
            server {{
                listen 127.0.0.1:{port}; root {root}; {limit}
                location = /ready {{ return 200; }}
                location ~ /manifests/ {{ default_type application/vnd.oci.image.manifest.v1+json; }}
            }}
        }}
        """
    )
    with started("nginx", [program, "-c", str(configuration)], port, folder, ready="/ready") as running:
        yield running
