"""The commands about who there is and who may do what, as they are typed; they ask a server."""

import cyclopts

from orlop.domain.kinds import KINDS
from orlop.faces.cli.management import (
    access,
    advisories,
    attention,
    browse,
    bundles,
    caches,
    configuration,
    gates,
    house_rules,
    people,
    places,
    promotion,
    quarantine,
    read_only,
    scanners,
    settings,
    sign_in,
    signing,
    status,
    upstreams,
    usage,
    vex,
    vulnerability_report,
    webhooks,
)
from orlop.faces.cli.retention import commands as retention
from orlop.faces.cli.servers import Servers
from orlop.faces.cli.sign_in.ambient import LoginTools
from orlop.ports.advisories import AdvisoryReader
from orlop.ports.vex import VexReader


def register(
    app: cyclopts.App, servers: Servers, tools: LoginTools, reader: AdvisoryReader, vex_reader: VexReader
) -> None:
    """Add all of them to `app`. `servers`, `tools` and the readers are used only when one runs."""
    sign_in.register(app, servers, tools)
    people.register(app, servers)
    settings.register(app, servers, KINDS.values())
    webhooks.register(app, servers)
    upstreams.register(app, servers)
    scanners.register(app, servers)
    caches.register(app, servers)
    retention.register(app, servers)
    places.register(app, servers)
    access.register(app, servers)
    attention.register(app, servers)
    status.register(app, servers)
    house_rules.register(app, servers)
    usage.register(app, servers)
    browse.register(app, servers)
    vulnerability_report.register(app, servers)
    advisories.register(app, servers, reader)
    vex.register(app, servers, vex_reader)
    gates.register(app, servers)
    signing.register(app, servers)
    promotion.register(app, servers)
    bundles.register(app, servers)
    quarantine.register(app, servers)
    read_only.register(app, servers)
    configuration.register(app, servers)
