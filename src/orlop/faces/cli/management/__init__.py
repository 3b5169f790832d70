"""The commands about who there is and who may do what, as they are typed; they ask a server."""

import cyclopts

from orlop.faces.cli.management import access, configuration, people, places, sign_in
from orlop.faces.cli.servers import Servers


def register(app: cyclopts.App, servers: Servers) -> None:
    """Add all of them to `app`. `servers` is used only when one runs."""
    sign_in.register(app, servers)
    people.register(app, servers)
    places.register(app, servers)
    access.register(app, servers)
    configuration.register(app, servers)
