"""Which settings hold at a place: asked of the catalog as seldom as it may be, and never answered by an old one."""

import pytest

from orlop.adapters.sql.memory import open_memory
from orlop.domain.quotas import QUOTAS
from orlop.ports.catalog import By
from orlop.ports.settings import Document
from orlop.services.settings import in_force as module
from orlop.services.settings.in_force import SettingsInForce

BY = By("admin", 1)


class Scene:
    """Quotas in a catalog, and how often it was asked which cover a place."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        opened = open_memory()
        self.documents = opened.identity.documents
        self.settings = SettingsInForce(self.documents, opened.settings_changes)
        self.asked = 0
        covering = self.documents.covering

        async def counted(kind: str, path: str) -> tuple[Document, ...]:
            self.asked += 1
            return await covering(kind, path)

        monkeypatch.setattr(self.documents, "covering", counted)

    async def quota(self, path: str) -> None:
        """There is one more."""
        await self.documents.put(Document(QUOTAS.kind, "few", b'{"tags": 5}', path=path), BY)

    async def hold(self, path: str) -> list[str]:
        """Where those are that hold there."""
        return [quota.path for quota in await self.settings.covering(QUOTAS, path)]


async def test_places_without_settings_are_not_asked_about_one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    await scene.quota("team/web")
    for number in range(50):
        assert await scene.hold(f"team/app{number}") == []
    assert scene.asked == 0
    for number in range(50):
        assert await scene.hold(f"team/web/front{number}") == ["team/web"]
    assert scene.asked == 1, "all that have the same nearest one have the same"


async def test_a_setting_that_is_new_holds_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(monkeypatch)
    assert await scene.hold("team/app") == []
    for path, holding in (
        ("team/app/sub", []),
        ("team", ["team"]),
        ("", ["", "team"]),
        ("team/app", ["", "team", "team/app"]),
    ):
        await scene.quota(path)
        assert await scene.hold("team/app") == holding


async def test_where_there_are_too_many_to_know_each_place_is_asked_about(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "FEW", 1)
    scene = Scene(monkeypatch)
    for path in ("team", "other"):
        await scene.quota(path)
    assert await scene.hold("team/app") == ["team"]
    assert await scene.hold("third/app") == []
    assert scene.asked == 2
