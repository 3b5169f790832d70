"""Builds what tells of everything that needs somebody."""

from collections.abc import Sequence

from orlop.ports.audit import AuditReader
from orlop.ports.blobs import StoreSpace
from orlop.ports.catalog import Catalog
from orlop.ports.certificates import Certificates
from orlop.ports.clock import Clock
from orlop.ports.following import Cursors, Follower
from orlop.ports.identity import Identity
from orlop.ports.queue import Queue
from orlop.ports.webhooks import WebhookStore
from orlop.services.attention import backups, inside, sources
from orlop.services.attention.attention import Attention
from orlop.services.management.operations import Gate


def build_attention(
    gate: Gate,
    catalog: Catalog,
    identity: Identity,
    queue: Queue,
    hooks: WebhookStore,
    cursors: Cursors,
    followers: Sequence[Follower],
    space: StoreSpace | None,
    log: AuditReader,
    clock: Clock,
    files: Certificates,
) -> Attention:
    """In the order in which they are told. `space`: of the blob store, where it lies on a disk; `files`: of
    certificates."""
    documents, secrets = identity.documents, identity.secrets
    return Attention(
        gate,
        (
            sources.disk(space),
            sources.certificates(files, clock),
            inside.critical_findings(log, gate),
            sources.damaged(catalog.quarantine, gate),
            backups.backups(documents, catalog.backups, gate),
            sources.following(cursors, followers, gate),
            sources.jobs(queue.jobs, gate),
            sources.upstreams(documents, catalog.upstream_states),
            sources.advisories(documents, catalog.advisories.sources, gate),
            sources.scanners(documents, catalog.scanning.states),
            sources.webhooks(documents, hooks.log),
            sources.quotas(documents, catalog.usages, clock),
            inside.given_advisories(documents, catalog.advisories.sources, gate),
            inside.unread(catalog.insides.images),
            sources.plans(catalog.retention.plans, clock),
            sources.exceptions(catalog.setting_ends, clock),
            sources.tokens(secrets, gate),
            sources.robots(secrets, clock),
        ),
    )
