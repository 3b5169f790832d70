"""What every catalog keeps to about what came of looking at signatures (ports.signatures)."""

from orlop.ports.catalog import Catalog
from orlop.ports.signatures import QUESTIONS, JudgedSignature, KeptJudgement, Maker
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
BAD = JudgedSignature(problem="it is no bundle of Sigstore")


class SignatureVerdictsKit:
    """Needs the fixture `catalog`: an empty one, for each test."""

    async def test_verdicts_are_kept_by_what_was_asked(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await scene.push(APP, ONE, V1)
        first = KeptJudgement(at=5, verdicts={"a": GOOD})
        assert await verdicts.of(ONE.digest, "asked") is None
        await verdicts.keep(ONE.digest, "asked", first)
        await verdicts.keep(ONE.digest, "asked otherwise", KeptJudgement(at=6, verdicts={"a": BAD}))
        assert await verdicts.of(ONE.digest, "asked") == first
        assert await verdicts.of(TWO.digest, "asked") is None
        both = KeptJudgement(at=7, verdicts={"a": GOOD, "b": BAD})
        await verdicts.keep(ONE.digest, "asked", both)
        assert await verdicts.of(ONE.digest, "asked") == both

    async def test_of_one_image_the_latest_questions_are_kept(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await scene.push(APP, ONE, V1)
        for at in range(QUESTIONS + 2):
            await verdicts.keep(ONE.digest, f"question {at}", KeptJudgement(at=at, verdicts={"a": GOOD}))
        kept = [await verdicts.of(ONE.digest, f"question {at}") for at in range(QUESTIONS + 2)]
        assert [one.at for one in kept if one is not None] == list(range(2, QUESTIONS + 2))

    async def test_what_no_repository_holds_is_forgotten(self, catalog: Catalog) -> None:
        scene, verdicts = Scene(catalog), catalog.signatures.verdicts
        await verdicts.keep(TWO.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}))
        assert await verdicts.of(TWO.digest, "asked") is None
        await scene.push(APP, ONE, V1)
        await scene.push(APP, TWO)
        await verdicts.keep(ONE.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}))
        await verdicts.keep(TWO.digest, "asked", KeptJudgement(at=5, verdicts={"a": GOOD}))
        assert await verdicts.forget() == 0
        await catalog.manifests.delete(APP, TWO.digest, scene.by())
        assert await verdicts.forget() == 1
        assert await verdicts.of(ONE.digest, "asked") is not None
        assert await verdicts.of(TWO.digest, "asked") is None
