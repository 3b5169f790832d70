"""Two catalogs of Orlop's that differ in size alone, to see how cost grows: one with a hundred of everything, one with
as many as the plan says, a million tags in the full run."""

from collections.abc import Awaitable, Callable, Iterator

from bench.scenes import content, people
from bench.scenes.catalog import Step, Writer, mount, push

#: The repository with many tags, and the one with many referrers of its tag `v0`.
TAGGED = "growth/tagged"
REFERRED = "growth/referred"

SMALL = 100
_TAGS = tuple(f"v{number}" for number in range(9))


def tag(number: int) -> str:
    """The name of a tag of the repository with many."""
    return f"t{number:07d}"


def subject() -> content.Piece:
    """The manifest that the referrers refer to."""
    return content.manifest((), "subject")


def growth(repositories: int, tags: int, referrers: int) -> Callable[[Writer], Awaitable[None]]:
    """Repositories with nine tags each, and the two special ones. No layers: they would only be rows to write."""

    async def fill(writer: Writer) -> None:
        await writer.blob(TAGGED, content.config())
        await writer.blob(REFERRED, content.config())
        await writer.steps(_crowd(repositories))
        await writer.steps(_tagged(tags))
        await writer.steps(_referred(referrers))
        await writer.people(people.steps())

    return fill


def _crowd(repositories: int) -> Iterator[Step]:
    for number in range(repositories):
        name = content.repository(number)
        yield mount(name, content.config())
        yield push(name, content.manifest((), str(number)), _TAGS)


def _tagged(tags: int) -> Iterator[Step]:
    per_manifest = 10
    for number in range(0, tags, per_manifest):
        manifest = content.manifest((), f"tagged-{number}")
        yield push(TAGGED, manifest, [tag(number + index) for index in range(min(per_manifest, tags - number))])


def _referred(referrers: int) -> Iterator[Step]:
    yield push(REFERRED, subject(), ["v0"])
    for number in range(referrers):
        yield push(REFERRED, content.manifest((), f"referrer-{number}", subject()))
