"""Durations and sizes as people write them: "90s", "24h", "32MiB"."""

import re
from ipaddress import ip_address

from orlop.config.errors import ConfigurationInvalid
from orlop.domain.durations import DAY, HOUR, MINUTE, SECOND

_DURATIONS = {"ms": 1_000, "s": SECOND, "m": MINUTE, "h": HOUR, "d": DAY}
_SIZES = {"B": 1, "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40}
_AMOUNT = re.compile(r"([0-9]{1,15})\s*([A-Za-z]*)", re.ASCII)


_PASSWORDS = re.compile(r"(?<=://)([^/?#]*?)(:.*)?(?=@)|(?<=[?&])((?:ssl)?password)=[^&]*", re.DOTALL)


def duration(text: str) -> int:
    """Microseconds. A bare 0 is fine, any other number needs its unit. Raises ConfigurationInvalid."""
    return _amount(text, _DURATIONS, "a duration such as 90s, 15m, 24h or 7d")


def duration_text(microseconds: int) -> str:
    """The shortest way to write a duration of whole milliseconds."""
    return _amount_text(microseconds, _DURATIONS)


def size(text: str) -> int:
    """Bytes. A bare number counts bytes. Raises ConfigurationInvalid."""
    number = text.strip()
    return (
        int(number) if _AMOUNT.fullmatch(number) and number.isdigit() else _amount(text, _SIZES, "a size such as 32MiB")
    )


def size_text(size_bytes: int) -> str:
    """The shortest way to write a size."""
    return _amount_text(size_bytes, _SIZES)


def address(text: str) -> tuple[str, int]:
    """HOST:PORT, an IPv6 host in brackets; port 0 stands for any free one. Raises ConfigurationInvalid."""
    host, colon, port = text.rpartition(":")
    bracketed = host.startswith("[") and host.endswith("]")
    host = host[1:-1] if bracketed else host
    if (
        not colon
        or not host
        or bracketed != (":" in host)
        or not port.isascii()
        or not port.isdigit()
        or int(port) > 65535
    ):
        raise ConfigurationInvalid(f"{text!r} is not an address such as 127.0.0.1:5000 or [::1]:5000")
    return host, int(port)


def is_loopback(host: str) -> bool:
    """Whether only this machine can reach the host. Of names, only localhost counts."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _amount(text: str, units: dict[str, int], expected: str) -> int:
    match = _AMOUNT.fullmatch(text.strip())
    if match is not None:
        number, unit = int(match[1]), match[2]
        if unit in units:
            return number * units[unit]
        if number == 0 and not unit:
            return 0
    raise ConfigurationInvalid(f"{text!r} is not {expected}")


def _amount_text(amount: int, units: dict[str, int]) -> str:
    if amount == 0:
        return "0"
    # 24h says more than 1d.
    fitting = [
        unit for unit, factor in units.items() if amount % factor == 0 and not (unit == "d" and amount == factor)
    ]
    return f"{amount // units[fitting[-1]]}{fitting[-1]}"


def without_password(url: str) -> str:
    """A URL as it may be shown: passwords, before the host and among the parameters, are three asterisks."""

    def hidden(found: re.Match[str]) -> str:
        if found[3]:
            return f"{found[3]}=***"
        return f"{found[1]}:***" if found[2] else str(found[1])

    return _PASSWORDS.sub(hidden, url)
