"""What every catalog keeps to about settings that end by themselves, and VEX documents that refer to images."""

from typing import Any

import msgspec

from orlop.domain.digest import Digest
from orlop.domain.durations import DAY, HOUR
from orlop.domain.events import EventKind
from orlop.domain.inside.exceptions import EXCEPTIONS, FindingException
from orlop.domain.inside.vex.statements import VexDocument, VexStatement, VexStatus
from orlop.domain.settings import Ends
from orlop.ports.catalog import Catalog, Terms
from orlop.ports.setting_ends import EndingSetting
from orlop.ports.settings import Document
from orlop.ports.trash import Asked
from orlop.ports.vex import VexState
from tests.content import artifact, image
from tests.contract.cast import Cast
from tests.contract.scene import APP, LIB, Scene

ONE = image("one")
VEX = artifact("a document", subject=ONE)
LOOSE = artifact("an attestation at a tag")
SAID = VexDocument(
    id="https://example.org/vex/1",
    author="somebody",
    statements=(VexStatement(ids=("CVE-2026-1",), status=VexStatus.FIXED, why="mended", said_at=7),),
)


def exception(until: str, name: str = "made", **more: object) -> Document:
    """An exception as it is written."""
    body = msgspec.convert({"cves": ["CVE-2026-1"], "until": until, "reason": "because", **more}, FindingException)
    return Document("exception", name, msgspec.json.encode(body), path="team", ends=EXCEPTIONS.ends(body))


class SettingEndsKit:
    """Needs the fixture `cast`: an empty one."""

    async def test_an_end_is_told_of_once_and_once_before(self, cast: Cast) -> None:
        documents, ends = cast.identity.documents, cast.catalog.setting_ends  # it is 2027-01-15
        await documents.put(exception("2027-01-31"), cast.by())
        await documents.put(exception("2027-01-20", "silent", remind=0), cast.by())
        await documents.put(exception("2027-01-10", "never"), cast.by())
        assert await ends.tell(cast.at, 10) == 0
        last = 1_801_440_000_000_000  # the end of 2027-01-31
        found = await ends.ending("exception", cast.at, 10)
        assert [each.name for each in found] == ["silent", "made"]
        assert found[1] == EndingSetting("exception", "team", "made", Ends(last - 7 * DAY, last))
        seen: list[Any] = []
        last_seen = (await cast.catalog.outbox.events(0, 100))[-1].id
        for cast.at in (last - 7 * DAY - 1, last - 7 * DAY, last - 1, last, last + DAY):
            told = await ends.tell(cast.at, 10)
            assert await ends.tell(cast.at, 10) == 0
            events = await cast.catalog.outbox.events(last_seen, 100)
            last_seen = events[-1].id if events else last_seen
            seen.append((told, [(event.kind, event.repository, event.subject) for event in events]))
        assert seen == [
            (1, [(EventKind.EXCEPTION_EXPIRED, "team", "exception silent")]),  # nobody is reminded of it
            (1, [(EventKind.EXCEPTION_EXPIRING, "team", "exception made")]),
            (0, []),
            (1, [(EventKind.EXCEPTION_EXPIRED, "team", "exception made")]),
            (0, []),
        ]

    async def test_another_end_is_told_of_anew_and_the_same_is_not(self, cast: Cast) -> None:
        documents, ends = cast.identity.documents, cast.catalog.setting_ends
        await documents.put(exception("2027-01-16"), cast.by())
        assert await ends.tell(cast.at, 10) == 1
        await documents.put(exception("2027-01-16", images=["app"]), cast.by())
        assert await ends.tell(cast.at, 10) == 0
        await documents.put(exception("2027-01-18"), cast.by())
        assert await ends.tell(cast.at, 10) == 1
        await documents.remove("exception", "made", cast.by(), path="team")
        assert await ends.tell(cast.at + 10 * DAY, 10) == 0


class VexKit:
    """Needs the fixture `catalog`: an empty one."""

    async def test_a_document_waits_is_read_and_goes_with_its_manifest(self, catalog: Catalog) -> None:
        scene, vex = Scene(catalog), catalog.vex
        await scene.push(APP, ONE)
        await scene.push(APP, VEX)
        await vex.wait([(APP, VEX.digest), (APP, VEX.digest), (LIB, VEX.digest)], scene.at)
        [waiting] = await vex.waiting(scene.at, 10)
        assert (waiting.repository, waiting.digest, waiting.tries) == (APP, VEX.digest, 0)
        [attached] = await vex.of(APP, [ONE.digest], 10)
        assert (attached.digest, attached.pushed_by, attached.state) == (VEX.digest, "alice", VexState.WAITING)
        await vex.unread(waiting, "it is not here", scene.at, scene.at + 5)
        assert await vex.waiting(scene.at, 10) == ()
        [waiting] = await vex.waiting(scene.at + 5, 10)
        assert waiting.tries == 1
        await vex.read(waiting, [SAID], scene.at)
        [attached] = await vex.of(APP, [ONE.digest], 10)
        assert attached.state is VexState.READ
        assert await vex.documents([attached.row, 10**9]) == {attached.row: (SAID,)}
        assert await vex.of(LIB, [ONE.digest], 10) == ()
        assert await vex.referred(APP, [ONE.digest, VEX.digest]) == {ONE.digest}
        assert await vex.referred(LIB, [ONE.digest]) == await vex.referred(APP, []) == set()
        await catalog.manifests.delete(APP, VEX.digest, scene.by())
        assert await vex.of(APP, [ONE.digest], 10) == ()

    async def test_what_cannot_be_read_or_is_none_is_known(self, catalog: Catalog) -> None:
        scene, vex = Scene(catalog), catalog.vex
        await scene.push(APP, ONE)
        await scene.push(APP, VEX)
        await vex.wait([(APP, VEX.digest)], scene.at)
        [waiting] = await vex.waiting(scene.at, 10)
        await vex.unread(waiting, "it is no JSON", scene.at)
        [attached] = await vex.of(APP, [ONE.digest], 10)
        assert (attached.state, attached.unread) == (VexState.UNREAD, "it is no JSON")
        await vex.read(waiting, [], scene.at)
        assert await vex.of(APP, [ONE.digest], 10) == ()

    async def test_what_no_follower_saw_is_found_and_what_holds_none_is_not_found_again(self, catalog: Catalog) -> None:
        scene, vex = Scene(catalog), catalog.vex
        typed = artifact("typed", subject=ONE, artifact_type="application/vnd.openvex+json")
        await scene.push(APP, ONE)
        await scene.push(APP, VEX)  # of another type
        await scene.push(APP, typed)
        found = await vex.find(0, 10)
        assert found is not None
        assert found[1] == 1
        assert await vex.find(found[0], 10) is None
        [waiting] = await vex.waiting(scene.at, 10)
        assert waiting.digest == typed.digest
        await vex.read(waiting, [], scene.at)
        again = await vex.find(0, 10)
        assert again is not None
        assert again[1] == 0

    async def test_a_document_that_comes_back_out_of_the_trash_is_known(self, catalog: Catalog) -> None:
        scene, vex = Scene(catalog), catalog.vex
        await scene.push(APP, ONE)
        await scene.push(APP, VEX)
        await vex.wait([(APP, VEX.digest)], scene.at)
        [waiting] = await vex.waiting(scene.at, 10)
        await vex.read(waiting, [SAID], scene.at)
        await catalog.manifests.delete(APP, VEX.digest, scene.by(), Terms(trash=HOUR))
        assert await vex.of(APP, [ONE.digest], 10) == ()
        await catalog.trash.restore(Asked(APP, digest=VEX.digest), scene.by())
        [attached] = await vex.of(APP, [ONE.digest], 10)
        assert await vex.documents([attached.row]) == {attached.row: (SAID,)}

    async def test_an_attestation_at_a_tag_says_itself_what_it_is_about(self, catalog: Catalog) -> None:
        scene, vex = Scene(catalog), catalog.vex
        await scene.push(APP, LOOSE)
        await vex.wait([(APP, LOOSE.digest)], scene.at)
        [waiting] = await vex.waiting(scene.at, 10)
        about = "sha256:" + "0" * 64
        await vex.read(waiting, [msgspec.structs.replace(SAID, about=(about,))], scene.at)
        [attached] = await vex.of(APP, [Digest(about)], 10)
        assert attached.digest == LOOSE.digest
