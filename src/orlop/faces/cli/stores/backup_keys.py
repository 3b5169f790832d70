"""What opens encrypted backups, as it is typed."""

from dataclasses import dataclass
from pathlib import Path

from cyclopts import Parameter


@Parameter(name="*")
@dataclass(frozen=True)
class BackupKeys:
    """What opens encrypted backups."""

    identity: Path | None = None
    """File with a secret key of age, as age-keygen writes it [default: what ORLOP_BACKUP_IDENTITY holds]."""
    passphrase_file: Path | None = None
    """File with the passphrase that encrypts and opens them [default: what ORLOP_BACKUP_PASSPHRASE holds]."""
