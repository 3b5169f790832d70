"""Certificates that the registry shows or trusts, as far as they end."""

import msgspec


class Certificate(msgspec.Struct, frozen=True):
    """What a file of certificates holds that ends first. `name`: the setting that names the file; `ends_at`: in
    microseconds since 1970, 0 where `trouble` says why nobody knows."""

    name: str
    subject: str
    ends_at: int
    trouble: str = ""
