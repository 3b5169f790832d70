"""What the open files and connections of one process are for: how many clients it lets in, and what these may hold.

Descriptors are counted as what they are. A client that gets a blob holds its connection, another descriptor of it while
it waits for room, and the file, or a connection to a bucket, that the blob comes from; one that uploads holds as many.
So every client is counted as three, and no number of them takes what the process itself needs.
"""

from typing import NamedTuple

#: Descriptors that one client holds at most.
EACH = 3
#: What a process needs for itself: the catalog, the log, connections to the database, the bucket and other servers.
_OWN = 128
#: Copies that stay open for the next reader: one in so many descriptors, and at most so many.
_COPIES, _COPIES_MOST = 8, 4_096
#: A process lets in as many clients, however few files it may open.
_FEWEST = 8


class Descriptors(NamedTuple):
    """How those of one process are shared out."""

    connections: int
    """Clients at once, whatever they do."""
    crowd: int
    """From how many on room is made for others: those that ask for nothing, or keep the server waiting, leave."""
    readers: int
    """Clients that get blobs at once."""
    uploads: int
    """Clients that send blobs at once. With the readers they are no crowd."""
    waiting: int
    """Clients that may wait until somebody who gets a blob is done or gives up: half of what a crowd leaves."""
    copies: int
    """Copies of blobs that stay open for a while after they were read."""


def shared_out(descriptors: int) -> Descriptors:
    """The shares of a process that may have so many open."""
    copies = min(descriptors // _COPIES, _COPIES_MOST)
    connections = max((descriptors - _OWN - copies) // EACH, _FEWEST)
    crowd = connections * 3 // 4
    uploads = max(crowd // 3, 1)
    return Descriptors(connections, crowd, crowd - uploads, uploads, (connections - crowd) // 2, copies)
