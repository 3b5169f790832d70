"""What was decided about a subject is asked again the moment that anything about it may be otherwise."""

from typing import Any

import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.access import Action, Caller, Conditions, Effect, Place, PlaceKind, Subject
from orlop.domain.blob import Blob
from orlop.domain.errors import Denied
from orlop.domain.names import RepositoryName
from orlop.ports.catalog import By, Terms
from orlop.ports.clock import SECOND
from orlop.ports.identity import Account, NewGrant
from orlop.ports.settings import Document
from orlop.services.access import decisions as module
from orlop.services.access.decisions import Access
from orlop.services.access.naming import Naming
from orlop.services.settings.in_force import SettingsInForce
from tests.content import blob
from tests.contract.scene import Scene as Content
from tests.registry import HandClock

BY = By("admin", 1)
APP, OTHER = "team/app", "team/other"


class Scene:
    """Alice, her grants, and how often the rules were asked about her."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self.opened = open_memory()
        self.clock = HandClock()
        settings = SettingsInForce(self.opened.identity.documents, self.opened.settings_changes)
        self.access = Access(
            self.opened.identity.facts,
            self.opened.access_changes,
            self.clock,
            everyone=False,
            naming=Naming(settings),
        )
        self.asked = 0
        self.alice: Subject | None = None
        decide = module.decide

        def counted(*arguments: Any) -> Any:
            self.asked += 1
            return decide(*arguments)

        monkeypatch.setattr(module, "decide", counted)

    async def grant(self, path: str = "team", role: str = "publisher", **more: Any) -> None:
        """Alice gets something."""
        if self.alice is None:
            await self.opened.identity.accounts.add(Account(name="alice"), BY)
            account = await self.opened.identity.accounts.get("alice")
            assert account is not None
            self.alice = Subject("alice", id=account.id)
        place = Place(PlaceKind.NAMESPACE, path)
        await self.opened.identity.grants.add(NewGrant(principal="alice", role=role, place=place, **more), BY)

    async def may(self, action: Action = Action.PUSH_NEW, repository: str = APP, tag: str = "", **more: Any) -> bool:
        """Whether she may."""
        assert self.alice is not None
        caller = Caller(self.alice, more.get("address", "10.0.0.1"))
        return (await self.access.decide(caller, action, repository=repository, tag=tag)).allowed


async def test_the_same_question_is_decided_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.grant()
    for _ in range(3):
        assert await scene.may()
    assert scene.asked == 1
    assert await scene.may(repository=OTHER)
    assert await scene.may(Action.TAG, tag="v1")
    assert await scene.may(Action.TAG, tag="v2")
    assert scene.asked == 4


async def test_whoever_changes_rights_has_everything_decided_again(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.grant()
    assert await scene.may()
    await scene.grant(effect=Effect.DENY)
    assert not await scene.may()
    assert not await scene.may()


async def test_a_decision_holds_no_longer_than_the_grant(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.grant(expires_at=scene.clock.at + 3 * SECOND)
    scene.clock.at += 3 * SECOND - 1
    assert await scene.may()
    scene.clock.at += 1
    assert not await scene.may()


async def test_what_depends_on_the_request_is_decided_for_each(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.grant(conditions=Conditions(networks=("10.0.0.0/8",)))
    assert await scene.may()
    assert not await scene.may(address="192.0.2.1")
    assert await scene.may()


async def test_a_tag_that_is_denied_is_not_that_of_the_question_before(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.grant()
    await scene.grant(effect=Effect.DENY, tags="release-*")
    assert await scene.may(Action.TAG, tag="v1")
    assert not await scene.may(Action.TAG, tag="release-1")
    assert await scene.may(Action.TAG, tag="v1")


async def test_what_is_remembered_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "DECIDED", 3)
    scene = Scene(monkeypatch)
    await scene.grant()
    for number in range(10):
        assert await scene.may(repository=f"team/app{number}")
    (known,) = scene.access._accounts.values()
    assert known is not None
    assert len(known.decided) <= 3


async def test_a_blob_makes_no_repository_whose_name_a_rule_refuses_that_is_set_meanwhile(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    scene = Scene(monkeypatch)
    await scene.grant()
    assert scene.alice is not None
    caller, links = Caller(scene.alice, "10.0.0.1"), scene.opened.catalog.links
    piece, there = blob("base"), RepositoryName("team/there")
    await Content(scene.opened.catalog).hold(there, piece)
    rule = Document("repository-rule", "depth", b'{"depth":1}', path="team")
    tries: list[Terms] = []

    async def mounted(terms: Terms) -> Blob | None:
        tries.append(terms)
        if len(tries) == 1:
            await scene.opened.identity.documents.put(rule, BY, rights=False)
        return await links.mount(piece.digest, there, RepositoryName(APP), BY, terms)

    with pytest.raises(Denied, match="the repository rule depth of team/"):
        await scene.access.on_push_terms(caller, APP, mounted)
    assert len(tries) == 2
    assert (await scene.access.push_terms(caller, there)).settings == 0, "what is there waits for no setting"
