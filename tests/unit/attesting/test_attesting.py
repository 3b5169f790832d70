"""What the registry attests is said once, whatever breaks; while nothing can sign, it waits, and no push does."""

import asyncio
import inspect
import json
import stat
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import msgspec
import pytest
import structlog

from orlop.adapters.attesting.command import SigningCommand
from orlop.domain.access.subjects import SYSTEM, Caller
from orlop.domain.attesting.statements import DECISION_TYPE, RECEIPT_TYPE
from orlop.domain.errors import Denied, Stale
from orlop.domain.names import RepositoryName, Tag
from orlop.ports.attesting import AttestationKey, WantedStatement
from orlop.ports.following import Follower, Stream
from tests.catalogs import rows
from tests.content import artifact, image, index
from tests.needs import need
from tests.unit.attesting.attesting import Attests, attests


@pytest.fixture
def made(runner: asyncio.Runner) -> Iterator[Attests]:
    made = runner.run(attests())
    yield made
    made.api.close()


class _Died(BaseException):
    """The process is gone."""


class Mortal:
    """Something whose process dies at the `at`-th step of all that it does: before it, or right after it was done."""

    def __init__(self, at: int) -> None:
        self.at, self.steps = at, 0

    def hold(self, part: Any) -> Any:
        return _Held(part, self)

    def step(self) -> None:
        self.steps += 1
        if self.steps == self.at:
            raise _Died


class _Held:
    def __init__(self, part: Any, life: Mortal) -> None:
        self._part, self._life = part, life

    def __getattr__(self, name: str) -> Any:
        found = getattr(self._part, name)
        if not inspect.iscoroutinefunction(found):
            return found

        async def done(*arguments: Any, **named: Any) -> Any:
            self._life.step()
            answer = await found(*arguments, **named)
            self._life.step()
            return answer

        return done


def signing(folder: Path) -> tuple[Path, Path]:
    """A command that signs with another signature each time, as key services do, and its public key."""
    openssl, sh = need("openssl", "sh").values()
    own, public, program = folder / "own.pem", folder / "key.pub", folder / "sign"
    program.write_text(
        f"#!{sh}\nset -e\n[ -e {own} ] || {openssl} ecparam -genkey -name prime256v1 -noout -out {own}\n"
        f"[ -e {public} ] || {openssl} ec -in {own} -pubout -out {public} 2> /dev/null\n"
        f"{openssl} dgst -sha256 -sign {own} | {openssl} base64 -A\n"
    )
    program.chmod(program.stat().st_mode | stat.S_IXUSR)
    return program, public


async def test_whenever_the_process_dies_each_is_signed_and_attached_once(made: Attests, tmp_path: Path) -> None:
    program, public = signing(tmp_path)
    made.by_command(program, public)
    await SigningCommand((str(program),), 20.0).sign(b"the first makes the key")
    key = await made.signer.generate(1)
    (before,) = await made.catalog.attestation_keys.public()
    await made.catalog.attestation_keys.replace(before.id, key, made.api.by)
    for at in count(1):
        what, life = image(f"mortal {at}"), Mortal(at)
        await made.push("team/app", what, "1")
        await made.follow()
        try:
            await made.work(life.hold)
            survived = True
        except _Died:
            survived = False
            await made.work()
        assert (await made.referrers("team/app", what), len(await made.layers("team/app", what))) == (1, 1), at
        assert len(await made.events("image.attested")) == at
        if survived:
            break
    assert at > 20
    assert (await made.catalog.statements.backlog()).waiting == 0


async def test_who_pushed_what_where_and_when_is_said_of_images_alone(made: Attests) -> None:
    one, listed = image("one"), index("listed", [image("listed")])
    await made.push("team/app", one, "1")
    await made.push("team/app", artifact("sbom", subject=one))
    await made.push("team/app", artifact("of its own"))
    await made.push("team/list", listed, "1")
    await made.follow()
    waiting = [each.wanted for each in await made.catalog.statements.due(made.clock.now(), 100)]
    assert [(each.repository, each.predicate_type) for each in waiting] == [
        ("team/app", RECEIPT_TYPE),
        *[("team/list", RECEIPT_TYPE)] * 2,
    ]
    said = json.loads(waiting[0].predicate)
    assert said.pop("pushedAt").startswith("at ")
    assert said.pop("event") > 0
    assert said == {"pushedBy": "alice", "repository": "team/app", "digest": one.digest}
    assert await made.work() == "3 attested"
    assert await made.follow() > 0, "what the registry attached is an event"
    assert await made.catalog.statements.due(made.clock.now(), 100) == (), "and is not attested in turn"
    assert made.told == 1


async def test_nothing_is_attested_without_a_key_or_a_rule_or_where_a_rule_says_no(made: Attests) -> None:
    keys = made.catalog.attestation_keys
    await made.rule("team", pushes=False)
    await made.push("team/app", image("unsaid"), "1")
    await made.follow()
    assert await made.catalog.statements.due(made.clock.now(), 100) == ()
    (key,) = await keys.public()
    await keys.replace(key.id, None, made.api.by)
    await made.push("other/app", image("unsigned"), "1")
    await made.follow()
    assert await made.catalog.statements.due(made.clock.now(), 100) == ()
    assert made.told == 0


async def test_while_the_command_is_away_receipts_wait_with_the_reason_and_are_signed_once_it_is_back(
    made: Attests, tmp_path: Path
) -> None:
    program, public = signing(tmp_path)
    await SigningCommand((str(program),), 20.0).sign(b"the first makes the key")
    made.by_command(program, public)
    (before,) = await made.catalog.attestation_keys.public()
    await made.catalog.attestation_keys.replace(before.id, await made.signer.generate(1), made.api.by)
    well = program.read_text()
    what = image("waiting")
    await made.push("team/app", what, "1")
    await made.follow()
    for broken, why in (
        ("#!/bin/sh\nexit 7\n", "ended with 7"),
        ("#!/bin/sh\necho ????\n", "no signature in base64"),
        ("#!/bin/sh\necho QUJD\n", "does not sign with the key"),
        ("#!/bin/sh\nexec sleep 60\n", "did not sign within 0.2 seconds"),
    ):
        program.write_text(broken)
        made.by_command(program, public, 0.2 if "sleep" in broken else 20.0)
        assert why in await made.work()
        status = await made.api.desks.attestation_keys.status(made.root)
        assert (status.backlog.waiting, why in status.backlog.error) == (1, True)
    assert (made.counted, await made.referrers("team/app", what)) == ([], 0)
    program.write_text(well)
    made.by_command(program, public)
    assert await made.work() == "1 attested"
    assert (await made.referrers("team/app", what), made.counted) == (1, ["attested"])


async def test_what_is_gone_or_cannot_be_attached_is_given_up_with_the_reason(made: Attests) -> None:
    gone, key = image("gone"), (await made.catalog.attestation_keys.public())[0]
    await made.push("team/app", gone, "1")
    await made.follow()
    await made.catalog.manifests.delete(RepositoryName("team/app"), gone.digest, made.api.by)
    assert await made.work() == "0 attested"
    await made.push("team/app", image("unsigned"), "1")
    await made.follow()
    await made.catalog.attestation_keys.replace(key.id, None, made.api.by)
    assert await made.work() == "0 attested"
    assert await made.events("attestation.failed") == [
        ("attestation.failed", "team/app", "the image is not there any more"),
        ("attestation.failed", "team/app", "no key signs any more"),
    ]
    assert made.counted == ["failed", "failed"]


async def test_a_full_quota_is_tried_again_and_then_said(made: Attests) -> None:
    what = image("full")
    await made.push("team/app", what, "1")
    await made.follow()
    await made.api.management.settings.put(made.root, "quota", "full", {"bytes": "1B"}, 0, "team")
    assert await made.work() == "0 attested"
    backlog = await made.catalog.statements.backlog()
    assert (made.counted, backlog.waiting) == (["refused"], 1)
    assert "quota" in backlog.error
    assert await made.work() == "0 attested", "not before its time"
    assert made.counted == ["refused"]


async def test_the_tag_is_set_by_the_rules_for_tags_and_that_of_a_stored_manifest_alone(made: Attests) -> None:
    one, other = image("one"), image("other")
    await made.push("team/app", one, "1")
    tag, others = (Tag(f"sha256-{each.digest.hex}.att") for each in (one, other))
    for expected in ({others: None}, {Tag("latest"): None}, {tag: None, others: None}, {Tag("x.att"): None}):
        terms = await made.terms.attesting("team/app", one.digest, expected)
        for each in expected:
            with pytest.raises(Denied, match="sets and removes no tag"):
                terms.sets(each, None, one.digest)
            with pytest.raises(Denied, match="sets and removes no tag"):
                terms.sets(each, other.digest, one.digest)
    terms = await made.terms.attesting("team/app", one.digest, {tag: None})
    assert terms.sets(tag, None, one.digest)
    with pytest.raises(Stale):
        terms.sets(tag, other.digest, one.digest)
    for each in (tag, Tag("latest")):
        with pytest.raises(Denied, match="sets and removes no tag"):
            (await made.terms.push(Caller(SYSTEM), "team/app", (each,))).sets(each, None, one.digest)


async def test_rules_for_tags_leave_that_tag_alone_as_for_everybody(made: Attests) -> None:
    what, rule = image("kept"), {"tags": ["*"], "immutable": True}
    await made.api.management.settings.put(made.root, "tag-rule", "kept", rule, 0, "team")
    await made.push("team/app", what, "1")
    await made.follow()
    lease = await made.api.catalog.leases.acquire("follow-again", "me", now=made.clock.now(), until=1 << 62)
    assert lease is not None
    again = WantedStatement(RepositoryName("team/app"), what.digest, DECISION_TYPE, b"{}")
    follower = Follower("again", Stream.OUTBOX, "again", "follow-again")
    await made.catalog.statements.wait([again], made.clock.now(), follower, 0, 1, lease)
    assert await made.work() == "2 attested"
    said = [layer["annotations"]["predicateType"] for layer in await made.layers("team/app", what)]
    assert said == [RECEIPT_TYPE, DECISION_TYPE]


async def test_what_somebody_else_keeps_under_that_tag_stays(made: Attests) -> None:
    what, theirs = image("theirs"), image("of somebody else")
    await made.push("team/app", what, "1")
    await made.push("team/app", theirs, f"sha256-{what.digest.hex}.att")
    await made.rule("team")
    await made.follow()
    await made.work()
    found = await made.catalog.manifests.resolve(RepositoryName("team/app"), Tag(f"sha256-{what.digest.hex}.att"))
    assert found is not None
    assert found.digest == theirs.digest
    assert await made.referrers("team/app", what) == 1


async def test_a_rotation_while_something_signs_leaves_the_signature_of_the_newer_key(made: Attests) -> None:
    what, keys = image("rotated"), made.catalog.attestation_keys
    await made.push("team/app", what, "1")
    await made.follow()
    older = await keys.current()
    assert older is not None
    newer = await made.signer.generate(made.clock.now())

    class Rotating(_Held):
        """Somebody rotates right behind the first signature."""

        async def sign(self, key: AttestationKey, payload: bytes) -> bytes:
            signature: bytes = await self._part.sign(key, payload)
            if key.id == older.id:
                await keys.replace(older.id, newer, made.api.by)
            return signature

    signer = made.signer
    assert await made.work(lambda part: Rotating(part, Mortal(0)) if part is signer else part) == "1 attested"
    assert await made.events("image.attested") == [("image.attested", "team/app", f"signed with {newer.id}")]
    assert (await made.referrers("team/app", what), len(await made.layers("team/app", what))) == (1, 1)


async def test_a_private_key_is_in_no_answer_event_export_metric_or_log(
    made: Attests, capfd: pytest.CaptureFixture[str]
) -> None:
    with structlog.testing.capture_logs() as log:
        for what in ("begin", "rotate", "all", "status"):
            answer = await getattr(made.api.desks.attestation_keys, what)(made.root)
            assert b"PRIVATE" not in msgspec.json.encode(answer)
        await made.push("team/app", image("logged"), "1")
        await made.follow()
        await made.work()
        for path in ("keys", "status"):
            said = await made.api.ask("GET", f"/signing/{path}", who="root")
            assert (said.status, b"PRIVATE" in said.body, b"BEGIN PUBLIC" in said.body) == (200, False, True)
        exported = await made.api.ask("GET", "/configuration", who="root")
        assert b"PRIVATE" not in exported.body
    current = await made.catalog.attestation_keys.current()
    assert current is not None
    secret = b"".join(current.private.splitlines()[1:2]).decode()
    events = await made.catalog.outbox.events(0, 10_000)
    told = [repr(log), repr(events), *capfd.readouterr(), repr(current)]
    assert not any(secret in text or "PRIVATE" in text for text in told)
    assert secret in repr(rows(made.api.catalog, "SELECT private FROM attestation_keys WHERE retired_at = 0"))
    assert rows(made.api.catalog, "SELECT DISTINCT private FROM attestation_keys WHERE retired_at > 0") == [(b"",)]
