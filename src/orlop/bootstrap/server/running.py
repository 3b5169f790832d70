"""Builds the pages of whoever runs the registry: jobs, webhooks, the audit log."""

from orlop.faces.ui.audit import AuditPages
from orlop.faces.ui.jobs import JobPages
from orlop.faces.ui.live import Live, Watch
from orlop.faces.ui.pages import Pages
from orlop.faces.ui.routes import Route
from orlop.faces.ui.webhooks import WebhookPages
from orlop.services.desks import Desks


def running_pages(pages: Pages, desks: Desks, live: Live, watch: Watch) -> tuple[Route, ...]:
    """All of them."""
    return (
        *JobPages(pages, desks.jobs, live, watch.jobs).routes(),
        *WebhookPages(pages, desks.hooks, desks.webhooks).routes(),
        *AuditPages(pages, desks.audit).routes(),
    )
