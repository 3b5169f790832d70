"""Signatures are verified once: what came of it is kept, and found anew where anything that it rests on changes."""

import asyncio
import json
from collections.abc import Sequence

import msgspec

from orlop.adapters.signatures.judging import Judge
from orlop.domain import media_types
from orlop.domain.digest import Digest
from orlop.domain.durations import SECOND
from orlop.domain.events import EventKind
from orlop.domain.names import RepositoryName, Tag
from orlop.domain.trust.notation import ARTIFACT, JWS
from orlop.domain.trust.signers import SIGNERS
from orlop.ports.by import By
from orlop.ports.settings import Document
from orlop.ports.signatures import FoundSignature, JudgedSignature, NamedSigners
from orlop.services.content.own import OwnContent
from orlop.services.settings.in_force import SettingsInForce
from orlop.services.trust.judgements import ImageJudgements
from orlop.services.trust.kept import KeptVerdicts
from orlop.services.trust.standing import ImageTrust, SignedBy
from orlop.telemetry.metrics import Metrics
from tests.content import EMPTY, Piece, Pushable, image, index
from tests.registry import ALICE, CountedIds, HandClock, Registry, in_memory
from tests.unit.trust.notaries import Notary
from tests.unit.trust.sigstore import AT
from tests.unit.trust.test_notation import jws, payload

APP, ELSEWHERE, V1 = RepositoryName("prod/app"), RepositoryName("prod/other"), Tag("1")
ONE, TWO = image("one"), image("two")
_NOBODY = "its certificate was issued by nobody who is trusted, or not for that time"
_KINDS = (EventKind.SIGNATURE_VERIFIED, EventKind.SIGNATURE_REFUSED)
NOW = int(AT.timestamp()) * SECOND


class CountingVerifier:
    """Verifies in this process, and says how many signatures it was asked about."""

    def __init__(self) -> None:
        self.asked = 0

    async def judge(
        self, subjects: Sequence[Digest], found: Sequence[FoundSignature], signers: Sequence[NamedSigners], now: int
    ) -> tuple[JudgedSignature, ...]:
        self.asked += len(found)
        judge = Judge([str(each) for each in subjects], signers, now)
        return tuple(judge.judge(each) for each in found)


def signature(notary: Notary, subject: Pushable, of: Pushable | None = None) -> Pushable:
    """As notation attaches it, to a subject; `of`: what it signs where that is something else."""
    piece = Piece("signature", JWS, jws(notary, payload(str((of or subject).digest))).content)
    document = {
        "schemaVersion": 2,
        "mediaType": media_types.OCI_MANIFEST,
        "artifactType": ARTIFACT,
        "config": EMPTY.descriptor(),
        "layers": [piece.descriptor()],
        "subject": subject.piece.descriptor(),
    }
    return Pushable(Piece("signed", media_types.OCI_MANIFEST, json.dumps(document).encode()), (EMPTY, piece))


class Scene:
    """A registry with an image and signers; `replica` is another process on the same catalog."""

    def __init__(self) -> None:
        self.clock = HandClock()
        self.clock.at = NOW
        self.registry = Registry(in_memory(self.clock).stores, self.clock, CountedIds())
        self.notary = Notary()
        self.verifier = CountingVerifier()
        self.trust = self.replica()
        self.signature: Pushable

    def judgements(self) -> ImageJudgements:
        stores = self.registry.stores
        assert stores.settings is not None
        in_force = SettingsInForce(*stores.settings)
        verdicts = KeptVerdicts(stores.catalog.signatures.verdicts)
        return ImageJudgements(
            stores.catalog.signatures.holdings, in_force, self.verifier, verdicts, self.clock, Metrics().signatures
        )

    def content(self) -> OwnContent:
        here = self.registry
        return OwnContent(
            here.access, here.stores.catalog.browse, here.manifests, here.referrers, here.blobs, here.uploads
        )

    def replica(self) -> ImageTrust:
        return ImageTrust(self.content().repository, self.judgements())

    async def signers(self, name: str = "acme", path: str = "prod", subjects: Sequence[str] = ()) -> None:
        body = msgspec.json.encode(self.notary.signers(*subjects))
        document = Document(SIGNERS.kind, name, body, path=path)
        await self.registry.documents.put(document, By("alice", self.clock.now()))

    async def asked(self, trust: ImageTrust | None = None, of: Pushable = ONE, *names: str) -> SignedBy:
        return await (trust or self.trust).signed_by(APP, of.digest, names or ("acme",))


async def signed() -> Scene:
    """An image that is signed, at a place with signers."""
    scene = Scene()
    await scene.signers()
    await scene.registry.push(APP, ONE, V1)
    scene.signature = signature(scene.notary, ONE)
    await scene.registry.push(APP, scene.signature)
    return scene


async def test_who_signed_is_told_and_verified_once() -> None:
    scene = await signed()
    found = await scene.asked()
    assert (found.is_satisfied, found.why) == (True, "")
    ends = int(scene.notary.leaf.not_valid_after_utc.timestamp())
    assert found.until == (ends + 1) * SECOND
    assert await scene.asked() == found
    assert scene.verifier.asked == 1


async def test_another_replica_and_a_restart_verify_nothing_again() -> None:
    scene = await signed()
    found = await scene.asked()
    assert await scene.asked(scene.replica()) == found
    assert scene.verifier.asked == 1


async def test_of_many_who_ask_at_once_one_verifies() -> None:
    scene = await signed()
    answers = await asyncio.gather(*(scene.asked() for _ in range(20)))
    assert all(one.is_satisfied for one in answers)
    assert scene.verifier.asked == 1


async def test_signers_that_change_are_asked_about_anew() -> None:
    scene = await signed()
    assert (await scene.asked()).is_satisfied
    await scene.signers("others", subjects=["O=others"])
    found = await scene.asked(None, ONE, "acme", "others")
    assert [(one.name, one.path, one.known) for one in found.missing] == [("others", "prod", True)]
    assert found.why == "is not signed by others: it was made by O=acme,ST=WA,C=US"
    assert scene.verifier.asked == 2
    await scene.signers(subjects=["O=nobody"])
    assert not (await scene.asked()).is_satisfied
    assert scene.verifier.asked == 3


async def test_a_new_signature_is_verified_alone() -> None:
    scene = await signed()
    assert (await scene.asked()).is_satisfied
    await scene.registry.push(APP, signature(Notary(), ONE))
    assert (await scene.asked(scene.replica())).is_satisfied
    assert scene.verifier.asked == 2
    await scene.registry.manifests.delete(APP, scene.signature.digest, ALICE)
    assert (await scene.asked()).why == f"is not signed by acme: {_NOBODY}"
    assert scene.verifier.asked == 2


async def test_time_makes_another_verdict_of_it() -> None:
    scene = await signed()
    found = await scene.asked()
    scene.clock.at = found.until - SECOND
    assert (await scene.asked()).is_satisfied
    assert scene.verifier.asked == 1
    scene.clock.at = found.until
    late = await scene.asked()
    assert "its certificate was valid from" in late.why
    assert (scene.verifier.asked, late.until) == (2, int(scene.notary.ca.not_valid_after_utc.timestamp() + 1) * SECOND)
    # A clock that was set back does not believe what came later.
    scene.clock.at = NOW
    assert (await scene.asked()).is_satisfied
    assert scene.verifier.asked == 3


async def test_what_nobody_signed_says_so_and_asks_nobody() -> None:
    scene = await signed()
    await scene.registry.push(APP, TWO, V1)
    assert (await scene.asked(None, TWO)).why == "is not signed by acme: nobody signed it"
    assert scene.verifier.asked == 0
    found = await scene.asked(None, ONE, "acme", "nobody")
    assert [(one.name, one.known) for one in found.missing] == [("nobody", False)]
    assert found.why == "is not signed by nobody: no signers of that name are set here"


async def test_a_signature_of_another_image_is_none_of_this() -> None:
    """It was made by whoever is known, and put where signatures of this image are looked for."""
    scene = await signed()
    await scene.registry.push(APP, TWO)
    await scene.registry.push(APP, signature(scene.notary, TWO, of=ONE))
    found = await scene.asked(None, TWO)
    assert found.why == f"is not signed by acme: it signs {ONE.digest}, and not this image"


async def test_signers_of_one_name_above_and_below_have_all_to_be_satisfied() -> None:
    scene = await signed()
    assert (await scene.asked()).is_satisfied
    await scene.signers(path="", subjects=["O=others"])
    found = await scene.asked()
    assert [(one.name, one.path) for one in found.missing] == [("acme", "")]


async def test_the_signature_of_an_index_counts_for_its_images() -> None:
    scene = Scene()
    await scene.signers()
    whole = index("all", [ONE, TWO])
    await scene.registry.push(APP, whole, V1)
    await scene.registry.push(APP, signature(scene.notary, whole))
    assert (await scene.asked(None, TWO)).is_satisfied
    assert (await scene.asked(None, whole)).is_satisfied


async def test_what_is_found_is_told_once() -> None:
    scene = await signed()
    outbox = scene.registry.stores.catalog.outbox
    start = (await outbox.events(0, 1000))[-1].id
    await scene.asked()
    await scene.asked(scene.replica())
    await scene.registry.push(APP, signature(Notary(), ONE))
    await scene.asked()
    told = [one for one in await outbox.events(start, 1000) if one.kind in _KINDS]
    assert [(one.kind, one.repository, one.digest) for one in told] == [
        (EventKind.SIGNATURE_VERIFIED, APP, ONE.digest),
        (EventKind.SIGNATURE_REFUSED, APP, ONE.digest),
    ]
    assert told[0].detail == "signed by O=acme,ST=WA,C=US, for acme at prod/"
    assert "issued by nobody who is trusted" in told[1].detail
