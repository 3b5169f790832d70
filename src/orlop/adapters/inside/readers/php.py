"""Packages of Composer: `installed.json` of a `vendor/composer` folder, and `composer.lock` (getcomposer.org/doc)."""

from typing import Any

from orlop.adapters.inside.readers.harvest import MANY, Harvest, json_of, rows, scoped, table, text, texts
from orlop.adapters.inside.readers.reader import Reader
from orlop.domain.inside.layers import Found


def wants_php(path: str, mode: int, size: int) -> bool:
    """Whether it is Composer's list of what is installed."""
    return path == "composer/installed.json" or path.endswith("/composer/installed.json")


def read_php(path: str, content: bytes) -> Found | None:
    """What is installed; Composer 1 writes a list, Composer 2 a list in an object."""
    return _read(path, content, "php")


def wants_php_lock(path: str, mode: int, size: int) -> bool:
    """Whether it is a lock file of Composer."""
    return path == "composer.lock" or path.endswith("/composer.lock")


def read_php_lock(path: str, content: bytes) -> Found | None:
    """What is locked, without what only developers need."""
    return _read(path, content, "php-lock")


def _read(path: str, content: bytes, reader: str) -> Found | None:
    harvest = Harvest(path, reader)
    try:
        said: Any = json_of(content)
    except ValueError as cause:
        harvest.unread = str(cause)
    else:
        for package in map(table, rows(said) or rows(table(said).get("packages"))):
            vendor, name = scoped(text(package.get("name")))
            version = text(package.get("version"))
            harvest.add("composer", name, version, namespace=vendor, licences=texts(package.get("license")))
    return harvest.found()


PHP = Reader(name="php", wants=wants_php, most=MANY, read=read_php)
PHP_LOCK = Reader(name="php-lock", wants=wants_php_lock, most=MANY, read=read_php_lock)
