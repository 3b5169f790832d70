"""The commands `ref lint` and `ref pin`. What they do is in services; here is how they are typed."""

from pathlib import Path
from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.running import run
from orlop.services.references.occurrences import Format

_Flag = Parameter(negative="")
_Format = Annotated[Format | None, Parameter(name="--as")]
_DEFAULTS = Connecting()


def register(app: cyclopts.App, stores: ContentStores) -> None:
    """Add the group `ref` to `app`; each command gives its exit code back. `stores` is used only when one runs."""
    group = cyclopts.App(name="ref", help="Explain and pin image references in files.")
    app.command(group)

    @group.command
    def lint(
        file: Path,
        /,
        *files: Path,
        as_: _Format = None,
        strict: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
    ) -> int:
        """Show what every image reference in some files means, with the parts that nobody wrote in parentheses.

        Ends with 1 where there are errors.

        Parameters
        ----------
        file
            A Dockerfile, Compose file, Kubernetes manifest, kustomization or Helm values file.
        files
            Further ones.
        as_
            What the files are, where their names and contents do not tell.
        strict
            End with 1 for warnings too.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.references import lint

        async def work() -> int:
            return lint.lint_files([file, *files], as_, strict=strict, json=json)

        return run(work)

    @group.command
    def pin(
        file: Path,
        /,
        *files: Path,
        as_: _Format = None,
        update: Annotated[bool, _Flag] = False,
        dry_run: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Write behind every tag in some files the digest that it stands for now: repo:tag@sha256:…

        Nothing else in the files changes. Ends with 1 where a tag could not be looked up.

        Parameters
        ----------
        file
            A Dockerfile, Compose file, Kubernetes manifest, kustomization or Helm values file.
        files
            Further ones.
        as_
            What the files are, where their names and contents do not tell.
        update
            Look up references that are pinned already as well.
        dry_run
            Print a diff and write nothing.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.references import pin

        async def work() -> int:
            resolve = pin.resolver(stores, connecting)
            return await pin.pin_files([file, *files], as_, resolve, update=update, dry_run=dry_run, json=json)

        return run(work)
