"""HEAD requests as fast as a server answers them, on sixteen connections: wrk waits for a body that never comes."""

import random
import select
import socket
import time
from collections.abc import Callable
from functools import cache
from itertools import cycle, islice

from bench.load.connection import Refused
from bench.load.wrk import CONNECTIONS
from bench.scenes import content
from bench.servers.process import Running


def rate(server: Running, repositories: int, seconds: float) -> float:
    """Manifests asked for in a second, all tags of all repositories at random."""
    port, request = server.port, _requests(repositories, server.authorization)
    sockets: dict[int, socket.socket] = {}
    ready = select.epoll()
    for _ in range(CONNECTIONS):
        connection = socket.create_connection(("127.0.0.1", port), timeout=60)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sockets[connection.fileno()] = connection
        ready.register(connection.fileno(), select.EPOLLIN)
    try:
        return _run(ready, sockets, request, seconds, port)
    finally:
        ready.close()
        for connection in sockets.values():
            connection.close()


#: Many more than any server keeps in memory.
_CHOSEN = 200_000


@cache
def _chosen(repositories: int, authorization: str) -> list[bytes]:
    signed = f"Authorization: {authorization}\r\n" if authorization else ""
    tail = f" HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: {content.MANIFEST}\r\n{signed}\r\n"
    paths = (
        f"/v2/{content.repository(random.randrange(repositories))}/manifests/{random.choice(content.TAGS)}"
        for _ in range(_CHOSEN)
    )
    return [f"HEAD {path}{tail}".encode() for path in paths]


def _requests(repositories: int, authorization: str) -> Callable[[], bytes]:
    return islice(cycle(_chosen(repositories, authorization)), random.randrange(_CHOSEN), None).__next__


def _run(
    ready: select.epoll, sockets: dict[int, socket.socket], request: Callable[[], bytes], seconds: float, port: int
) -> float:
    answered = 0
    for connection in sockets.values():
        connection.sendall(request())
    began = time.perf_counter()
    end = began + seconds
    while time.perf_counter() < end:
        for descriptor, _ in ready.poll(60):
            connection = sockets[descriptor]
            answer = connection.recv(4096)
            if not answer.startswith(b"HTTP/1.1 200 ") or not answer.endswith(b"\r\n\r\n"):
                raise Refused(f"HEAD: {answer[:300]!r}")
            answered += 1
            if b"\r\nConnection: close" in answer:  # a server may limit how many requests a connection makes
                ready.unregister(descriptor)
                connection.close()
                del sockets[descriptor]
                connection = socket.create_connection(("127.0.0.1", port), timeout=60)
                sockets[connection.fileno()] = connection
                ready.register(connection.fileno(), select.EPOLLIN)
            connection.sendall(request())
    return answered / (time.perf_counter() - began)
