"""Writes docs/configuration.md from the settings: `python -m orlop.config.reference > docs/configuration.md`."""

import sys

from orlop.config.settings import Settings
from orlop.config.sources import Setting, all_settings, value_text

_HEAD = """\
# Configuration

Every setting has a default; a server needs none of them. A value is taken from a flag of `orlop serve`, else from the
environment, else from the TOML file named by `--config` or `ORLOP_CONFIG`. A key that does not exist is an error, in
the file and among `ORLOP_*` variables alike. A variable whose name ends with `_FILE` names a file with the value, as
secrets of containers are given: `ORLOP_CATALOG_URL_FILE=/run/secrets/catalog-url`, and `ORLOP_ADMIN_PASSWORD_FILE`
for the password of the first account. `orlop config show` prints what is in force and where it came from.

Durations are written like `90s`, `15m`, `24h` or `7d`, sizes like `32MiB`. A key with a dot is a key in a TOML table:

```toml
listen = "127.0.0.1:5000"

[uploads]
expire = "24h"
```

This page is generated from the program: `make docs`.
"""


def document() -> str:
    """The whole page."""
    lines = [_HEAD]
    group = None
    for setting in all_settings().values():
        if setting.group != group:
            group = setting.group
            title = "The server" if group == Settings.__doc__ else setting.key.partition(".")[0]
            lines.append(f"## {title}\n")
            if group != Settings.__doc__:
                lines.append(f"{group}\n")
            lines.append("| key | variable | default | meaning |")
            lines.append("|---|---|---|---|")
        lines.append(_row(setting))
        if _last_of_group(setting):
            lines.append("")
    return "\n".join(lines).rstrip() + "\n"


def _row(setting: Setting) -> str:
    default = setting.meaning.default or f"`{value_text(setting, setting.default)}`"
    meaning = setting.meaning.text
    if setting.meaning.minimum:
        meaning += f" At least `{value_text(setting, setting.meaning.minimum)}`."
    return f"| `{setting.key}` | `{setting.variable}` | {default} | {meaning} |"


def _last_of_group(setting: Setting) -> bool:
    same = [other.key for other in all_settings().values() if other.group == setting.group]
    return same[-1] == setting.key


if __name__ == "__main__":
    sys.stdout.write(document())
