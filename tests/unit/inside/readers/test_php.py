"""Packages of Composer."""

import json

from orlop.adapters.inside.readers.php import PHP, PHP_LOCK, read_php, read_php_lock
from tests.packages import licences, listed

_PACKAGES = [
    {"name": "symfony/console", "version": "v5.4.21", "license": ["MIT"]},
    {"name": "acme/thing", "version": "dev-main", "license": "proprietary"},
    {"name": 3},
    "none",
]
_READ = ["composer:acme/thing@dev-main", "composer:symfony/console@v5.4.21"]


def test_what_is_installed() -> None:
    """Composer 2 writes an object, Composer 1 wrote a list."""
    for said in ({"packages": _PACKAGES}, _PACKAGES):
        found = read_php("app/vendor/composer/installed.json", json.dumps(said).encode())
        assert listed(found) == _READ
        assert licences(found) == {"console": ("MIT",), "thing": ("proprietary",)}


def test_what_is_locked() -> None:
    """Without what only developers need."""
    lock = {"packages": _PACKAGES, "packages-dev": [{"name": "a/b", "version": "1"}]}
    found = read_php_lock("composer.lock", json.dumps(lock).encode())
    assert listed(found) == _READ
    assert found is not None
    assert found.reader == "php-lock"


def test_which_files() -> None:
    assert PHP.wants("srv/vendor/composer/installed.json", 0o644, 1)
    assert not PHP.wants("srv/installed.json", 0o644, 1)
    assert PHP_LOCK.wants("srv/composer.lock", 0o644, 1)


def test_a_damaged_list_is_told() -> None:
    found = read_php("vendor/composer/installed.json", b"{")
    assert found is not None
    assert found.unread
