"""A registry in memory that fetches advisories from a folder and from a layout, whose clock the test moves."""

import io
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from orlop.adapters.advisories.fetching import FolderFetcher, WebFetcher
from orlop.adapters.advisories.reader import ProcessAdvisoryReader
from orlop.adapters.signatures.keys import is_signed
from orlop.adapters.sql.memory import open_memory
from orlop.domain.inside.sources import ADVISORY_SOURCES, AdvisoryFeed, SourceWay
from orlop.domain.pages import PageRequest
from orlop.domain.queue import Job
from orlop.ports.advisories import AdvisorySource
from orlop.ports.by import By
from orlop.ports.settings import Document
from orlop.services.advisories.artifacts import ArtifactFetcher
from orlop.services.advisories.importing import Importing
from orlop.services.advisories.updating import Updating
from orlop.services.jobs.work import Run
from tests.registry import HandClock
from tests.unit.advisories.artifacts import Artifacts


def zipped(records: Mapping[str, bytes]) -> bytes:
    """An archive as osv.dev gives them away."""
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as file:
        for each, content in records.items():
            file.writestr(f"{each}.json", content)
    return stream.getvalue()


class Updater:
    """Sources are files below `folder`, and the artifact in `artifacts`."""

    def __init__(self, path: Path) -> None:
        self.clock = HandClock()
        self.opened = open_memory()
        self.folder = path / "advisories"
        self.folder.mkdir()
        self.artifacts = Artifacts(path / "layout")
        store, reader = self.opened.catalog.advisories, ProcessAdvisoryReader()
        self.store = store
        self._updating = Updating(
            self.opened.identity.documents,
            {
                SourceWay.FOLDER: FolderFetcher(self.folder),
                SourceWay.WEB: WebFetcher(("127.0.0.0/8",), lambda reference: reference.literal),
                SourceWay.OWN: ArtifactFetcher(self.artifacts.opened, is_signed),
            },
            reader,
            Importing(store.advisories, store.sources, reader, self.clock),
            store.advisories,
            store.sources,
            self.opened.queue.jobs,
            self.clock,
        )

    async def set(self, name: str, url: str, **more: Any) -> None:
        """Set a source; a name without a scheme is a file of the folder."""
        body = AdvisoryFeed(url=url if ":" in url else f"file:{self.folder / url}", **more)
        document = Document(ADVISORY_SOURCES.kind, name, msgspec.json.encode(body))
        await self.opened.identity.documents.put(document, By("root", self.clock.now()))

    def archive(self, name: str, records: Mapping[str, bytes]) -> Path:
        """Write a file of the folder, as osv.dev gives them away."""
        path = self.folder / name
        path.write_bytes(zipped(records))
        return path

    async def run(self, *sources: str, everything: bool = False) -> str:
        """Do the job once; how it ended. Raises SourceFailed."""
        nothing = dict.fromkeys(Job.__struct_fields__, 0)
        arguments = {"sources": list(sources), "all": everything}
        made = Job(**{**nothing, "lease_until": 1 << 62, "arguments": arguments})
        return await self._updating.work().do(Run(made, self.clock))

    async def names(self, source: str = "") -> list[str]:
        """Advisories that are known."""
        return [one.name for one in (await self.store.advisories.page(PageRequest(1_000), source)).items]

    async def state(self, name: str) -> AdvisorySource:
        """How a source went."""
        found = await self.store.sources.get(name)
        assert found is not None
        return found
