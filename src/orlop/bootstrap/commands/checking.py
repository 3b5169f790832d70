"""What `orlop doctor` looks at, by the settings and the server that was named."""

import resource
import uuid
from pathlib import Path
from urllib.parse import urlsplit

from orlop.bootstrap.clocks import SystemClock
from orlop.bootstrap.commands.clients import proxy_for
from orlop.bootstrap.commands.migrations import Migrations
from orlop.bootstrap.stores.catalogs import database
from orlop.config import Settings
from orlop.config.units import address, is_loopback
from orlop.domain import checkup
from orlop.domain.checkup import Check, Verdict
from orlop.faces.cli.servers import ServerChoice
from orlop.ports.checkup import ChainProbe, ServerProbe
from orlop.services.checkup.doctor import Doctor, Grounds, ProbedFolder

# The adapters are imported where one is needed: `orlop --help` needs none of them.


class Checkups:
    """See faces.cli.stores.doctor_work.CheckingUp."""

    def here(self, settings: Settings) -> Doctor:
        """Of the stores of these settings, from this machine; and of the URL that clients are told."""
        from orlop.bootstrap.server.status import certificates
        from orlop.bootstrap.stores.blobs import bucket_of

        bucket = None
        if settings.blobs.bucket is not None:
            from orlop.adapters.s3.probe import BucketProbe

            bucket = BucketProbe(bucket_of(settings), f"doctor-{uuid.uuid4().hex}")
        probe = None
        if settings.catalog.is_postgres:
            from orlop.adapters.sql.postgres.probe import DatabaseProbe

            probe = DatabaseProbe(database(settings))
        url = settings.auth.url
        return Doctor(
            Grounds(
                settled=_settled(settings),
                folders=_folders(settings),
                schema=None if _is_to_be_made(settings) else lambda: _due(settings),
                database=probe,
                connections=settings.catalog.connections * settings.workers,
                bucket=bucket,
                certificates=certificates(settings),
                chain=_chain(settings),
                servers=(_server(url, ServerChoice()),) if url else (),
            ),
            SystemClock(),
        )

    def at(self, url: str, choice: ServerChoice) -> Doctor:
        """Of a server, as its clients find it from this machine."""
        return Doctor(Grounds(servers=(_server(url, choice),)), SystemClock())


def _server(url: str, choice: ServerChoice) -> ServerProbe:
    from orlop.adapters.management.probe import ServerProbe as HttpServerProbe

    return HttpServerProbe(url, proxy_for, verify_tls=not choice.insecure, ca=choice.ca)


def _chain(settings: Settings) -> ChainProbe | None:
    cert, key = settings.tls.cert, settings.tls.key
    if cert is None or key is None:
        return None
    from orlop.adapters.chain_probe import ChainProbe as FileChainProbe

    return FileChainProbe(cert, key, urlsplit(settings.auth.url).hostname or "")


def _settled(settings: Settings) -> tuple[Check, ...]:
    host, _ = address(settings.listen)
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (
        Check("configuration", Verdict.OK, "every setting is known and fits the others"),
        checkup.open_files(most if most != resource.RLIM_INFINITY else 1 << 20, settings.workers),
        checkup.told_url(
            settings.auth.url,
            listens_beyond=not is_loopback(host),
            has_tls=settings.tls.cert is not None,
            is_proxied=bool(settings.trusted_proxies),
        ),
    )


def _folders(settings: Settings) -> tuple[ProbedFolder, ...]:
    if not settings.needs_folder:
        return ()
    from orlop.adapters.filesystem.probe import FolderProbe

    folder = settings.data
    name = "the data folder"
    while not folder.exists() and folder != folder.parent:
        folder, name = folder.absolute().parent, "where the data folder will be"
    reserve = settings.blobs.reserve if settings.blobs.url == "file" else 0
    return (ProbedFolder(name, FolderProbe(Path(folder)), settings.catalog.url == "sqlite", reserve),)


def _is_to_be_made(settings: Settings) -> bool:
    from orlop.bootstrap.stores.opening import is_to_be_made

    return is_to_be_made(settings)


async def _due(settings: Settings) -> int:
    schema = await Migrations().schema(settings)
    return len(schema.due) if schema.applied else 0
