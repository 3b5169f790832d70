"""`orlop serve`, as it is typed."""

from collections.abc import Callable
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.config.sources import Loaded
from orlop.faces.cli.settings import load_settings


def register(app: cyclopts.App, serve: Callable[[Loaded], int]) -> None:
    """Add the command to `app`; `serve` serves until it is told to end and gives the exit code."""

    @app.command(name="serve")
    def command(
        *,
        config: str | None = None,
        data: str | None = None,
        listen: str | None = None,
        workers: str | None = None,
        tls_cert: str | None = None,
        tls_key: str | None = None,
        open: Annotated[bool | None, Parameter(negative="")] = None,  # noqa: A002 - the flag's name
    ) -> int:
        """Serve the registry until SIGTERM or Ctrl-C; requests under way are finished first.

        Everything has a default. More settings, as variables or in a file: docs/configuration.md, `orlop config show`.

        Parameters
        ----------
        config
            TOML file with settings.
        data
            Folder for everything that is stored [default: ./orlop-data].
        listen
            HOST:PORT to listen on [default: 127.0.0.1:5000].
        workers
            Processes that serve [default: one for each core, up to 4].
        tls_cert
            PEM file with the certificate and its chain.
        tls_key
            PEM file with the private key.
        open
            Let anyone push and pull; only on a loopback address.
        """
        flags: dict[str, str | bool | None] = {
            "data": data,
            "listen": listen,
            "workers": workers,
            "tls.cert": tls_cert,
            "tls.key": tls_key,
            "open": open,
        }
        return serve(load_settings(config, flags))
