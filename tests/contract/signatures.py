"""What every catalog keeps to about what came of looking at signatures (ports.signatures)."""

from orlop.domain.events import EventKind
from orlop.ports.catalog import Catalog
from orlop.ports.signatures import QUESTIONS, JudgedSignature, KeptJudgement, Maker, SignatureNews
from tests.content import image
from tests.contract.scene import APP, V1, Scene

ONE, TWO = image("one"), image("two")
GOOD = JudgedSignature(
    subject=str(ONE.digest),
    makers=(Maker(signers=1, party="key 0", counts=True),),
    who="key 1",
    refusals={0: "no"},
    until=7,
)
NOTHING = SignatureNews(repository=APP)
BAD = JudgedSignature(problem="it is no bundle of Sigstore")


class SignatureVerdictsKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_verdicts_are_kept_by_what_was_asked(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await scene.push(APP, ONE, V1)
        first = KeptJudgement(at=5, verdicts={"a": GOOD})
        assert await verdicts.of(ONE.digest, "asked") is None
        await verdicts.keep(ONE.digest, "asked", first, NOTHING)
        await verdicts.keep(ONE.digest, "asked otherwise", KeptJudgement(at=6, verdicts={"a": BAD}), NOTHING)
        assert await verdicts.of(ONE.digest, "asked") == first
        assert await verdicts.of(TWO.digest, "asked") is None
        both = KeptJudgement(at=7, verdicts={"a": GOOD, "b": BAD})
        await verdicts.keep(ONE.digest, "asked", both, NOTHING)
        assert await verdicts.of(ONE.digest, "asked") == both

    async def test_of_one_image_the_latest_questions_are_kept(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await scene.push(APP, ONE, V1)
        for at in range(QUESTIONS + 2):
            await verdicts.keep(ONE.digest, f"question {at}", KeptJudgement(at=at, verdicts={"a": GOOD}), NOTHING)
        kept = [await verdicts.of(ONE.digest, f"question {at}") for at in range(QUESTIONS + 2)]
        assert [one.at for one in kept if one is not None] == list(range(2, QUESTIONS + 2))

    async def test_what_no_repository_holds_is_forgotten(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await verdicts.keep(TWO.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}), NOTHING)
        assert await verdicts.of(TWO.digest, "asked") is None
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO)
        await verdicts.keep(ONE.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}), NOTHING)
        await verdicts.keep(TWO.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}), NOTHING)
        assert await verdicts.forget() == 0
        await catalog.manifests.delete(APP, TWO.digest, scene.by())
        assert await verdicts.forget() == 1
        assert await verdicts.of(ONE.digest, "asked") is not None
        assert await verdicts.of(TWO.digest, "asked") is None

    async def test_what_is_new_is_told_once(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await scene.push(APP, ONE, V1)
        start = (await catalog.outbox.events(0, 100))[-1].id
        news = SignatureNews(repository=APP, verified={"a": "signed by key 1"}, refused={"b": "no", "c": "neither"})
        found = {"a": GOOD, "b": BAD, "c": BAD}
        for at in (5, 6):
            await verdicts.keep(ONE.digest, "asked", KeptJudgement(at=at, verdicts=found), news)
        told = [(one.kind, one.repository, one.digest, one.detail) for one in await catalog.outbox.events(start, 100)]
        assert told == [
            (EventKind.SIGNATURE_VERIFIED, APP, ONE.digest, "signed by key 1"),
            (EventKind.SIGNATURE_REFUSED, APP, ONE.digest, "no (and 1 more)"),
        ]
        start = (await catalog.outbox.events(0, 100))[-1].id
        revoked = SignatureNews(repository=APP, refused={"a": "its certificate was revoked"})
        await verdicts.keep(ONE.digest, "asked", KeptJudgement(at=7, verdicts={"a": BAD}), revoked)
        assert [one.detail for one in await catalog.outbox.events(start, 100)] == ["its certificate was revoked"]
