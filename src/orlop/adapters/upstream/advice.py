"""What people may do about a failure: with flags, where a command met it, and in a setting, where a server did."""

from typing import NamedTuple

from orlop.adapters.tls import FLAGS, Remedies


class Advice(NamedTuple):
    """Ends of sentences."""

    tls: Remedies
    realm: str
    """About a token server `{host}` that may not see credentials."""
    sign_in: str
    """About a sign-in that was refused; empty: which command to run."""
    denied: str
    """About a token that was denied to somebody; empty: nothing."""
    probes: bool
    """Whether a server that breaks off on plain http is asked whether it wants TLS."""


#: For commands.
COMMAND = Advice(
    FLAGS, "allow that with --trust-realm {host}, or remove the credentials to go on as nobody", "", "", probes=True
)
#: For a server, whose settings say how registries are reached.
SETTING = Advice(
    Remedies(
        authority="; name the right one in ca_certificate",
        anyway="",
        plain="; write its url with http://",
        encrypted="; write its url with https://",
    ),
    "name {host} in trust_realms if it is right, or leave out the credentials to go on as nobody",
    "look at the user and the password of this upstream",
    "look at the user of this upstream, its password, and what it may do there",
    probes=False,
)
