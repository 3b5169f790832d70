"""The commands about content, as they are typed: ls, inspect, diff, digest, tag, rm, cp, history, rollback, whoami.
What they do is not here."""

from typing import Annotated

import cyclopts
from cyclopts import Parameter

from orlop.faces.cli.content import inside, labels, licences, locks, signatures, trash, vulnerabilities
from orlop.faces.cli.content.stores import Connecting, ContentStores
from orlop.faces.cli.running import run
from orlop.faces.cli.servers import Servers

_Flag = Parameter(negative="")
_DEFAULTS = Connecting()


def register(app: cyclopts.App, stores: ContentStores, servers: Servers) -> None:
    """Add the commands to `app`; each gives its exit code back. What else is given is used only when one runs."""

    @app.command
    def ls(
        where: str,
        /,
        *,
        untagged: Annotated[bool, _Flag] = False,
        selector: str = "",
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List the repositories of a registry, or the tags of a repository, folder or archive.

        Parameters
        ----------
        where
            REGISTRY (host:port), REPOSITORY, oci:DIR, oci-archive:FILE or docker-archive:FILE.
        untagged
            List the manifests of a repository that no tag leads to, with their sizes; on Orlop, after orlop login.
        selector
            List what has labels: KEY=VALUE, or KEY for any value, with commas between several. Then a namespace (team/)
            will do as well; on Orlop, after orlop login.
        json
            Print a JSON array.
        """
        from orlop.faces.cli.content import remove, show

        if selector:
            return run(lambda: labels.ls(servers, where, selector, connecting, untagged=untagged, json=json))
        if untagged:
            return run(lambda: remove.untagged(servers, where, connecting, json=json))
        return run(lambda: show.ls(stores, where, connecting, json=json))

    @app.command
    def inspect(
        ref: str, /, *, at: str = "", json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS
    ) -> int:
        """Show what an image is made of: manifest, config, platforms, sizes, referrers. Nothing is pulled.

        Parameters
        ----------
        ref
            The image, in a registry or in an oci:, oci-archive: or docker-archive: location.
        at
            What the tag pointed at at this time: 2026-11-25, 2026-11-25T17:00:00Z, or how long ago, such as 3d. On
            Orlop, after orlop login.
        json
            Print a JSON object with everything, the manifest as it is stored.
        """
        from orlop.faces.cli.content import past, show

        if at:
            return run(lambda: past.inspect(stores, servers, ref, at, connecting, json=json))
        return run(lambda: show.inspect(stores, servers, ref, connecting, json=json))

    @app.command
    def diff(
        before: str,
        after: str,
        /,
        *,
        platform: str = "",
        exit_code: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Show what differs between two images: layers, sizes, config, environment, annotations. Nothing is pulled.

        Of two images of one Orlop, where you are signed in, it shows packages, licences and findings, too.

        Parameters
        ----------
        before
            The image, in a registry or in an oci:, oci-archive: or docker-archive: location.
        after
            The image to compare it with.
        platform
            Which images of two indexes to compare, as os/architecture[/variant] [default: one that both have].
        exit_code
            Exit with 1 where anything differs, as git diff does.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content import diff as differing

        asked = differing.Asked(platform=platform, exit_code=exit_code, json=json)
        return run(lambda: differing.diff(stores, servers, before, after, connecting, asked))

    @app.command
    def digest(
        ref: str, /, *, at: str = "", json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS
    ) -> int:
        """Print the digest that a reference stands for.

        Parameters
        ----------
        ref
            The image.
        at
            What the tag pointed at at this time, as for inspect.
        json
            Print a JSON object with reference, digest, media type and size; with --at since when, instead of these.
        """
        from orlop.faces.cli.content import past, show

        if at:
            return run(lambda: past.digest(servers, ref, at, connecting, json=json))
        return run(lambda: show.digest(stores, ref, connecting, json=json))

    @app.command
    def tag(ref: str, /, *tags: str, json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS) -> int:
        """Give an image further tags in its repository; no content moves.

        Parameters
        ----------
        ref
            The image.
        tags
            The tags to point at it.
        json
            Print a JSON object with digest and tags.
        """
        from orlop.faces.cli.content import change

        return run(lambda: change.tag(stores, ref, tags, connecting, json=json))

    @app.command
    def rm(
        ref: str,
        /,
        *,
        recursive: Annotated[bool, _Flag] = False,
        yes: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Remove a tag and nothing else; or, given a digest, a manifest with all of its tags.

        Parameters
        ----------
        ref
            REPOSITORY:TAG or REPOSITORY@DIGEST. A tag has to be written out; `latest` is not implied.
        recursive
            With whatever only it leads to: a tag's manifest, what an index lists, what refers to it. On Orlop, after
            orlop login.
        yes
            Really delete a manifest. Not needed for a tag. Without it, --recursive shows what it would remove.
        json
            Print a JSON object with what was removed.
        """
        from orlop.faces.cli.content import remove

        return run(lambda: remove.rm(stores, servers, ref, connecting, recursive=recursive, yes=yes, json=json))

    @app.command
    def cp(
        src: str,
        dst: str,
        /,
        *,
        referrers: Annotated[bool, _Flag] = False,
        platform: str | None = None,
        jobs: int = 4,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Copy an image as it is between registries, folders and archives; what is there already is not sent again.

        Parameters
        ----------
        src
            The image: REF, oci:DIR[:REF], oci-archive:FILE[:REF] or docker-archive:FILE[:NAME].
        dst
            Where to, written in the same way. A folder or archive that is not there is made.
        referrers
            Copy signatures, SBOMs and whatever else refers to the image along with it.
        platform
            Copy only the image for os/architecture[/variant] out of an index.
        jobs
            Blobs under way at once, 1 to 64 [default: 4].
        json
            Print a JSON object with what was done.
        """
        from orlop.faces.cli.content import copy

        return run(
            lambda: copy.cp(stores, src, dst, connecting, referrers=referrers, platform=platform, jobs=jobs, json=json)
        )

    @app.command
    def history(
        ref: str,
        /,
        *,
        limit: int = 50,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """List what a tag pointed at, since when and by whom, newest first; on Orlop, after orlop login.

        Parameters
        ----------
        ref
            REPOSITORY:TAG; the tag need not be there any more. REPOSITORY alone: the changes of all of its tags.
        limit
            How many changes at most [default: 50].
        json
            Print a JSON array.
        """
        from orlop.faces.cli.content import past

        return run(lambda: past.history(servers, ref, connecting, limit, json=json))

    @app.command
    def rollback(
        ref: str, /, *, to: str, json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS
    ) -> int:
        """Point a tag at a digest again, unless somebody moves it meanwhile; on Orlop, after orlop login.

        Parameters
        ----------
        ref
            REPOSITORY:TAG. The tag need not be there any more.
        to
            The digest, as orlop history lists it.
        json
            Print a JSON object with reference, digest, and what it was before.
        """
        from orlop.faces.cli.content import past

        return run(lambda: past.rollback(servers, ref, to, connecting, json=json))

    @app.command
    def whoami(
        registry: str = "", /, *, json: Annotated[bool, _Flag] = False, connecting: Connecting = _DEFAULTS
    ) -> int:
        """Say who commands are at a registry, what keeps that sign-in, and whether the registry takes it.

        Parameters
        ----------
        registry
            HOST:PORT [default: where orlop login was last].
        json
            Print a JSON object.
        """
        from orlop.faces.cli.sign_in import whoami

        return run(lambda: whoami.whoami(stores, servers, registry, connecting, json=json))

    vulnerabilities.register(app, servers)
    signatures.register(app, servers)
    licences.register(app, servers)
    locks.register(app, servers)
    inside.register(app, servers, stores)
    trash.register(app, servers)
    labels.register(app, servers)

    repo = cyclopts.App(name="repo", help="Repositories of an Orlop server as a whole.")
    app.command(repo)

    @repo.command(name="rm")
    def repo_rm(
        repository: str,
        /,
        *,
        yes: Annotated[bool, _Flag] = False,
        json: Annotated[bool, _Flag] = False,
        connecting: Connecting = _DEFAULTS,
    ) -> int:
        """Delete a repository with every tag and manifest. Without --yes it says what that would be.

        Parameters
        ----------
        repository
            HOST:PORT/NAME, after orlop login.
        yes
            Really delete it.
        json
            Print a JSON object.
        """
        from orlop.faces.cli.content import remove

        return run(lambda: remove.repo_rm(servers, repository, connecting, yes=yes, json=json))
