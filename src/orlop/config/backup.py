"""The settings of backups that the server makes: see docs/backup.md."""

from pathlib import Path
from typing import Annotated, Literal

import msgspec

from orlop.config.errors import ConfigurationInvalid
from orlop.config.meaning import Meaning, ValueKind
from orlop.domain.backup import Sealing


class BackupSettings(msgspec.Struct, frozen=True):
    """Backups that the server makes by itself, and the store of a bucket with backups, for `orlop backup` as well. See
    [backup.md](backup.md#by-itself)."""

    targets: Annotated[
        str,
        Meaning(
            "Folders and buckets, with commas, at or below which schedules may have backups made, as"
            " `/srv/backups, s3://backups/orlop`; links that lead out of them are not followed.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""
    scratch: Annotated[
        Path | None,
        Meaning(
            "Folder in which drills restore backups, with room for all blobs.",
            ValueKind.PATH,
            default="the system's place for temporary files",
        ),
    ] = None
    encrypt_to: Annotated[
        str,
        Meaning(
            "Public keys of age (`age1…`), with commas, for which new backups are encrypted.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""
    identity: Annotated[
        str,
        Meaning(
            "Secret keys of age (`AGE-SECRET-KEY-1…`), a line each, that open encrypted backups, for those who read,"
            " drill or let them go. Never shown.",
            ValueKind.SECRET,
            default="none",
        ),
    ] = ""
    passphrase: Annotated[
        str,
        Meaning(
            "What encrypts new backups and opens them, in place of keys. Never shown.", ValueKind.SECRET, default="none"
        ),
    ] = ""
    endpoint: Annotated[
        str, Meaning("URL of the store of buckets with backups; without one it is AWS.", ValueKind.TEXT, default="none")
    ] = ""
    region: Annotated[
        str,
        Meaning(
            "Region of the bucket.", ValueKind.TEXT, default="`us-east-1` with an endpoint, else what AWS's tools use"
        ),
    ] = ""
    access_key_id: Annotated[
        str,
        Meaning(
            "Access key; without one, what the environment, a web identity or the instance gives.",
            ValueKind.TEXT,
            default="none",
        ),
    ] = ""
    secret_access_key: Annotated[str, Meaning("The key's secret. Never shown.", ValueKind.SECRET, default="none")] = ""
    addressing: Annotated[
        Literal["auto", "path", "virtual"],
        Meaning(
            "Whether the bucket stands in the path or in the host name of requests.",
            ValueKind.TEXT,
            choices=("auto", "path", "virtual"),
        ),
    ] = "auto"
    ca: Annotated[
        Path | None,
        Meaning(
            "PEM file with the authorities that the store's certificate may come from.",
            ValueKind.PATH,
            default="the machine's",
        ),
    ] = None
    encryption: Annotated[
        Literal["none", "AES256", "aws:kms"],
        Meaning(
            "What the store is told to encrypt objects with; `none` leaves it to the bucket.",
            ValueKind.TEXT,
            choices=("none", "AES256", "aws:kms"),
        ),
    ] = "none"
    kms_key: Annotated[str, Meaning("Key for `aws:kms`.", ValueKind.TEXT, default="the bucket's")] = ""
    storage_class: Annotated[str, Meaning("Storage class of objects.", ValueKind.TEXT, default="the bucket's")] = ""

    @property
    def allowed(self) -> tuple[str, ...]:
        """`targets` one by one."""
        return tuple(each.strip() for each in self.targets.split(",") if each.strip())

    @property
    def sealing(self) -> Sealing:
        """For whom backups are encrypted, and what opens them."""
        recipients = tuple(each.strip() for each in self.encrypt_to.split(",") if each.strip())
        return Sealing(recipients=recipients, identity=self.identity, passphrase=self.passphrase)


def check_backup(backup: BackupSettings) -> None:
    """Raises ConfigurationInvalid for targets that are none."""
    for target in backup.allowed:
        if not target.startswith(("/", "s3://")) or target in ("/", "s3://") or ".." in target.split("/"):
            raise ConfigurationInvalid(
                f"backup.targets: {target!r} is neither the absolute path of a folder nor s3://bucket or"
                " s3://bucket/prefix"
            )
    if backup.passphrase and (backup.encrypt_to or backup.identity):
        raise ConfigurationInvalid(
            "backup.passphrase is in place of backup.encrypt_to and backup.identity; leave one out"
        )
    if bool(backup.access_key_id) != bool(backup.secret_access_key):
        raise ConfigurationInvalid("backup.access_key_id and backup.secret_access_key need each other")
