"""Everything that a measure works with: the plan, a folder, and servers that run on prepared storage."""

import os
import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from functools import cached_property
from pathlib import Path

from bench.findings import OURS
from bench.load import wrk
from bench.plan import Plan
from bench.scenes import catalog, content, quotas, rules
from bench.scenes.folder import kept, read_all
from bench.scenes.growth import SMALL, growth
from bench.servers import bare, orlop
from bench.servers.peers import PEERS, PUSHED_TO, Peer
from bench.servers.process import Running

#: So many times each manifest is asked for to warm a server up: of two workers each has then seen all but 2 in 100.
_TIMES = 8


class Field:
    """`folder` is empty and will be removed; `stack` ends what was started."""

    def __init__(self, plan: Plan, folder: Path, stack: ExitStack) -> None:
        self.plan = plan
        self.folder = folder
        self._stack = stack
        self._folders = 0

    @cached_property
    def peers(self) -> tuple[Peer, ...]:
        """The other servers that this machine has."""
        return tuple(peer for peer in PEERS if peer.path is not None)

    @cached_property
    def missing(self) -> tuple[Peer, ...]:
        """The other servers that it does not have."""
        return tuple(peer for peer in PEERS if peer.path is None)

    @cached_property
    def readers(self) -> dict[str, Running]:
        """Every server with the same content, by name; ours first. They run until the bench ends."""
        servers = [self._stack.enter_context(self.ours(self.standard()))]
        servers += [self._stack.enter_context(peer.serving(self.fresh(), self._scene(peer))) for peer in self.peers]
        return {server.name: server for server in servers}

    @cached_property
    def readers_and_floor(self) -> dict[str, Running]:
        """The readers, and beside them an application that does nothing."""
        return {**self.readers, bare.NAME: self._stack.enter_context(bare.serving(self.fresh()))}

    @cached_property
    def warm_readers(self) -> dict[str, Running]:
        """The same, after each of them has been asked for manifests for a while."""
        for server in self.readers_and_floor.values():
            self._warm(server)
        return self.readers_and_floor

    def _warm(self, server: Running) -> None:
        """Ask for manifests until each was asked for often enough to be remembered, so that what is measured after does
        not hang on how fast the machine was until then; of slow servers, which remember nothing, twice as long."""
        plan = self.plan
        load, wanted = wrk.manifests(plan.repositories), _TIMES * plan.repositories * len(content.TAGS)
        period = plan.warming // 2
        asked = seconds = 0.0
        while seconds < plan.warming or (asked < wanted and seconds < 2 * plan.warming):
            asked += wrk.measure(load, server, period, self.folder).requests * period
            seconds += period

    @contextmanager
    def pushed(self) -> Iterator[dict[str, Running]]:
        """Every server that takes pushes: ours with the catalog that it always has, the others empty."""
        with ExitStack() as stack:
            servers = [stack.enter_context(self.ours(self.standard()))]
            servers += [
                stack.enter_context(peer.serving(self.fresh(), self.fresh()))
                for peer in PUSHED_TO
                if peer.path is not None
            ]
            yield {server.name: server for server in servers}

    @contextmanager
    def ours(self, storage: Path) -> Iterator[Running]:
        """Orlop on this data folder."""
        with orlop.serving(self.fresh(), storage) as running:
            yield running

    def standard(self) -> Path:
        """A copy of the data folder with the standard content."""
        count = self.plan.repositories
        return self._copy(kept(f"{OURS}-{count}", lambda root: catalog.write(root, catalog.standard(count))))

    def empty(self) -> Path:
        """A data folder without content."""
        root = self.fresh() / "data"
        catalog.write(root, catalog.nothing)
        return root

    def ruled(self) -> Path:
        """A data folder without content, with rules for tags."""
        root = self.fresh() / "data"
        catalog.write(root, rules.ruled)
        return root

    def limited(self) -> Path:
        """A data folder without content, with quotas."""
        root = self.fresh() / "data"
        catalog.write(root, quotas.limited)
        return root

    def moved(self) -> Path:
        """A copy of the data folder with a tag that moved very often."""
        return self._copy(kept(f"{OURS}-moved-{rules.MOVES}", lambda root: catalog.write(root, rules.moved)))

    def small(self) -> Path:
        """A copy of the data folder with a hundred of everything."""
        fill = growth(SMALL, SMALL, SMALL)
        return self._copy(kept(f"{OURS}-grown-{SMALL}", lambda root: catalog.write(root, fill)))

    def large(self) -> Path:
        """A copy of the data folder with as much as the plan says."""
        plan = self.plan
        fill = growth(plan.large_repositories, plan.large_tags, plan.referrers)
        name = f"{OURS}-grown-{plan.large_repositories}-{plan.large_tags}-{plan.referrers}"
        return self._copy(kept(name, lambda root: catalog.write(root, fill)))

    def fresh(self) -> Path:
        """A new folder."""
        self._folders += 1
        folder = self.folder / str(self._folders)
        folder.mkdir()
        return folder

    def _scene(self, peer: Peer) -> Path:
        """What a peer holds is only read, so the kept folder serves as it is."""
        count = self.plan.repositories
        folder = kept(f"{peer.scene}-{count}", lambda root: peer.write(root, count))
        read_all(folder)
        return folder

    def _copy(self, kept_folder: Path) -> Path:
        copy = self.fresh() / "data"
        shutil.copytree(kept_folder, copy)
        os.sync()
        return copy
