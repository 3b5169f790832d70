"""`orlop advisories push`: files of advisories as an artifact that other registries mirror."""

from contextlib import ExitStack
from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli import shown
from orlop.faces.cli.content.copy import target_names
from orlop.faces.cli.content.show import image_argument
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.running import UsageError, run
from orlop.services.advisories.publishing import Published, publish

_DEFAULTS = Connecting()


def register(app: cyclopts.App, stores: ContentStores) -> None:
    """Add the command to the group of advisories, which `app` has already."""

    @app["advisories"].command
    def push(
        ref: str,
        /,
        *files: Path,
        json: Annotated[bool, Parameter(negative="")] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Push files of advisories as an artifact, one layer for each, for registries that have no way out.

        Parameters
        ----------
        ref
            HOST:PORT/NAME:TAG, or oci:FOLDER:TAG and oci-archive:FILE:TAG to be carried there.
        files
            As orlop advisories import takes them.
        json
            Print a JSON object.
        """
        if not files:
            raise UsageError("name a file with advisories")

        async def work() -> None:
            location = image_argument(ref)
            tags = target_names(location)
            if not tags:
                raise UsageError("give the artifact a tag, such as advisories/osv:latest")
            with ExitStack() as stack:
                opened = []
                for path in files:
                    try:
                        opened.append((path.name, stack.enter_context(path.open("rb"))))
                    except OSError as error:
                        raise UsageError(f"{path} cannot be read: {error.strerror}") from error
                async with stores.repository(location, connecting, writing=True) as target:
                    _print(ref, await publish(target, tags[0], opened), json=json)

        return run(work)


def _print(ref: str, done: Published, *, json: bool) -> None:
    if json:
        layers = {name: {"digest": str(digest), "size": size} for name, (digest, size) in done.layers.items()}
        shown.print_json({"reference": ref, "digest": str(done.digest), "layers": layers})
    else:
        print(f"pushed {ref}: {done.digest}")
