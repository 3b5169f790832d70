"""Settings: what overrules what, and what is refused."""

from pathlib import Path

import pytest

from orlop.config import ConfigurationInvalid, units
from orlop.config.settings import default_workers
from orlop.config.sources import all_settings, load, value_of, value_text, with_files


def test_defaults_are_those_of_the_reference() -> None:
    loaded = load({}, {})
    settings = loaded.settings
    assert settings.data == Path("orlop-data")
    assert settings.listen == "127.0.0.1:5000"
    assert settings.workers == default_workers()
    assert not settings.open
    assert settings.uploads.expire == 24 * 3600 * 1_000_000
    assert settings.cache.bytes == 192 << 20
    assert set(loaded.sources.values()) == {"default"}


def test_flags_win_over_the_environment_and_that_over_the_file(tmp_path: Path) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text('workers = 3\nlisten = "127.0.0.1:1"\ndata = "/file"\n[gc]\ngrace = "2h"\n')
    environment = {"ORLOP_LISTEN": "127.0.0.1:2", "ORLOP_DATA": "/environment", "ORLOP_GC_INTERVAL": "0"}
    loaded = load({"data": Path("/flag"), "listen": None}, environment, file)
    assert loaded.settings.data == Path("/flag")
    assert loaded.settings.listen == "127.0.0.1:2"
    assert loaded.settings.workers == 3
    assert loaded.settings.gc.grace == 2 * 3600 * 1_000_000
    assert loaded.settings.gc.interval == 0
    assert loaded.sources["data"] == "--data"
    assert loaded.sources["listen"] == "ORLOP_LISTEN"
    assert loaded.sources["workers"] == str(file)
    assert loaded.sources["open"] == "default"


def test_a_variable_may_name_the_file(tmp_path: Path) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text("[limits]\nblob_bytes = 5\n")
    assert load({}, {"ORLOP_CONFIG": str(file)}).settings.limits.blob_bytes == 5


def test_the_console_format_is_for_terminals() -> None:
    assert load({}, {}, terminal=True).settings.log.format == "console"
    assert load({}, {}, terminal=False).settings.log.format == "json"
    assert load({}, {"ORLOP_LOG_FORMAT": "json"}, terminal=True).settings.log.format == "json"


def test_memory_is_served_by_one_worker() -> None:
    memory = {"ORLOP_CATALOG_URL": "memory", "ORLOP_BLOBS_URL": "memory"}
    assert load({}, memory).settings.workers == 1
    with pytest.raises(ConfigurationInvalid, match="workers = 1"):
        load({"workers": 2}, memory)


@pytest.mark.parametrize("variable", ["ORLOP_CATALOG_URL", "ORLOP_BLOBS_URL"])
def test_one_store_in_memory_beside_one_on_disk_is_refused(variable: str) -> None:
    with pytest.raises(ConfigurationInvalid, match="or neither"):
        load({}, {variable: "memory"})


@pytest.mark.parametrize(
    ("environment", "message"),
    [
        ({"ORLOP_DTA": "x"}, "unknown variable ORLOP_DTA; the nearest known one is ORLOP_DATA"),
        ({"ORLOP_GC_GRACE_": "1h"}, "the nearest known one is ORLOP_GC_GRACE"),
        ({"ORLOP_WORKERS": "0"}, "ORLOP_WORKERS: 0 is less than 1"),
        ({"ORLOP_WORKERS": "many"}, "ORLOP_WORKERS: 'many' is not a number"),
        ({"ORLOP_WORKERS": "9" * 5000}, "is not a number"),
        ({"ORLOP_WORKERS": "²"}, "is not a number"),
        ({"ORLOP_OPEN": "yes"}, "ORLOP_OPEN: 'yes' is not a true or false"),
        ({"ORLOP_GC_GRACE": "24"}, "'24' is not a duration such as 90s"),
        ({"ORLOP_GC_GRACE": "-1h"}, "is not a duration"),
        ({"ORLOP_GC_GRACE": "1.5h"}, "is not a duration"),
        ({"ORLOP_CACHE_BYTES": "32MB"}, "'32MB' is not a size such as 32MiB"),
        ({"ORLOP_LOG_LEVEL": "loud"}, "'loud' is not debug or info or warning or error"),
        ({"ORLOP_LISTEN": "5000"}, "is not an address such as 127.0.0.1:5000"),
        ({"ORLOP_LISTEN": "localhost:70000"}, "is not an address"),
        ({"ORLOP_LISTEN": "::1:5000"}, "is not an address"),
        ({"ORLOP_DATA": ""}, "ORLOP_DATA: '' is not a path"),
        ({"ORLOP_UPLOADS_EXPIRE": "0"}, "ORLOP_UPLOADS_EXPIRE: 0 is less than 1s"),
        ({"ORLOP_TLS_CERT": "c.pem"}, "tls.cert needs tls.key"),
        ({"ORLOP_TLS_KEY": "k.pem"}, "tls.key needs tls.cert"),
        ({"ORLOP_OPEN": "true", "ORLOP_LISTEN": "0.0.0.0:5000"}, "refused on 0.0.0.0:5000"),
        ({"ORLOP_OPEN": "true", "ORLOP_LISTEN": "[::]:5000"}, "refused on"),
        ({"ORLOP_OPEN": "true", "ORLOP_LISTEN": "registry.example:5000"}, "refused on"),
    ],
)
def test_what_is_wrong_is_named(environment: dict[str, str], message: str) -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        load({}, environment)
    assert message in str(refusal.value)
    assert "\n" not in str(refusal.value)


def test_a_variable_may_name_a_file_with_the_value(tmp_path: Path) -> None:
    secret = tmp_path / "secret"
    secret.write_text("postgresql://orlop:pass@db/orlop\n")
    loaded = load({}, {"ORLOP_CATALOG_URL_FILE": str(secret), "ORLOP_BLOBS_URL": "s3://bucket/orlop"})
    assert loaded.settings.catalog.url == "postgresql://orlop:pass@db/orlop"
    password = with_files({"ORLOP_ADMIN_PASSWORD_FILE": str(secret)})
    assert password == {"ORLOP_ADMIN_PASSWORD": "postgresql://orlop:pass@db/orlop"}


def test_what_is_wrong_with_such_a_file_is_named(tmp_path: Path) -> None:
    def refused(**environment: str) -> str:
        with pytest.raises(ConfigurationInvalid) as refusal:
            load({}, environment)
        return str(refusal.value)

    large, odd = tmp_path / "large", tmp_path / "odd"
    large.write_bytes(b"x" * (64 * 1024 + 1))
    odd.write_bytes(b"\xff")
    assert "cannot be read: No such file" in refused(ORLOP_DATA_FILE=str(tmp_path / "none"))
    assert "is larger than 64 KiB" in refused(ORLOP_DATA_FILE=str(large))
    assert "is not text" in refused(ORLOP_DATA_FILE=str(odd))
    assert "are both given" in refused(ORLOP_DATA="data", ORLOP_DATA_FILE=str(odd))
    assert "unknown variable ORLOP_DTA_FILE" in refused(ORLOP_DTA_FILE=str(odd))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("wrokers = 2", "has an unknown key wrokers; the nearest known one is workers"),
        ("[uploads]\nexpires = '1h'", "unknown key uploads.expires; the nearest known one is uploads.expire"),
        ("[upload]\nexpire = '1h'", "unknown key upload; the nearest known one is uploads"),
        ("uploads = 3", "unknown key uploads; the nearest known one is uploads"),
        ("workers = true", "workers in"),
        ("workers = '2'\n[gc]\ngrace = 5", "gc.grace in"),
        ("open = 'perhaps'", "is not a true or false"),
        ("open = 1", "is not a true or false"),
        ("data = 1979-05-27", "is not a path"),
        ("workers = ", "is not valid TOML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named(tmp_path: Path, text: str, message: str) -> None:
    file = tmp_path / "orlop.toml"
    file.write_text(text)
    with pytest.raises(ConfigurationInvalid) as refusal:
        load({}, {}, file)
    assert message in str(refusal.value)


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationInvalid, match=r"nowhere\.toml cannot be read: No such file"):
        load({}, {}, tmp_path / "nowhere.toml")
    (tmp_path / "binary.toml").write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigurationInvalid, match="is not valid TOML"):
        load({}, {}, tmp_path / "binary.toml")


@pytest.mark.parametrize("listen", ["127.0.0.1:5000", "localhost:5000", "[::1]:5000", "127.8.9.10:1"])
def test_open_is_fine_on_loopback(listen: str) -> None:
    assert load({"open": True, "listen": listen}, {}).settings.open


def test_variables_of_others_and_of_the_tests_are_left_alone() -> None:
    assert load({}, {"PATH": "/bin", "ORLOP_TEST_REQUIRE": "all"}).sources["data"] == "default"


def test_every_value_reads_back_as_it_is_written() -> None:
    settings = load({}, {}).settings
    for key, setting in all_settings().items():
        text = value_text(setting, value_of(settings, key))
        if text:
            again = load({}, {setting.variable: text}).settings
            assert value_of(again, key) == value_of(settings, key)


@pytest.mark.parametrize(
    ("text", "microseconds", "shown"),
    [
        ("90s", 90_000_000, "90s"),
        ("60s", 60_000_000, "1m"),
        ("24h", 86_400_000_000, "24h"),
        ("7d", 604_800_000_000, "7d"),
        ("250ms", 250_000, "250ms"),
        ("0", 0, "0"),
        ("0s", 0, "0"),
        (" 5 m ", 300_000_000, "5m"),
    ],
)
def test_durations(text: str, microseconds: int, shown: str) -> None:
    assert units.duration(text) == microseconds
    assert units.duration_text(microseconds) == shown


@pytest.mark.parametrize(
    ("text", "size", "shown"),
    [
        ("32MiB", 32 << 20, "32MiB"),
        ("1536KiB", 1536 << 10, "1536KiB"),
        ("5", 5, "5B"),
        ("0", 0, "0"),
        ("1TiB", 1 << 40, "1TiB"),
    ],
)
def test_sizes(text: str, size: int, shown: str) -> None:
    assert units.size(text) == size
    assert units.size_text(size) == shown


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("postgresql://orlop:s3cret@db/orlop", "postgresql://orlop:***@db/orlop"),
        ("postgres://orlop:s3cret/#?@s3cret@db:1,db2/orlop", "postgres://orlop:***@db:1,db2/orlop"),
        (
            "postgresql:///orlop?user=o&password=s3cret&sslmode=require",
            "postgresql:///orlop?user=o&password=***&sslmode=require",
        ),
        ("postgresql://orlop@db/orlop", "postgresql://orlop@db/orlop"),
    ],
)
def test_a_password_in_a_url_is_kept_and_never_shown(url: str, shown: str) -> None:
    settings = load({}, {"ORLOP_CATALOG_URL": url}).settings
    assert settings.catalog.url == url
    assert settings.catalog.is_postgres
    assert value_text(all_settings()["catalog.url"], settings.catalog.url) == shown


def test_the_password_of_a_proxy_is_not_shown_either() -> None:
    settings = load({}, {"ORLOP_WEBHOOKS_PROXY": "http://orlop:s3cret@proxy:3128"}).settings
    assert settings.webhooks.proxy == "http://orlop:s3cret@proxy:3128"
    assert value_text(all_settings()["webhooks.proxy"], settings.webhooks.proxy) == "http://orlop:***@proxy:3128"


def test_a_url_of_another_kind_is_refused_without_its_password() -> None:
    with pytest.raises(ConfigurationInvalid) as refusal:
        load({}, {"ORLOP_CATALOG_URL": "mysql://orlop:s3cret@db/orlop"})
    assert "sqlite or memory or postgresql://" in str(refusal.value)
    assert "s3cret" not in str(refusal.value)


def test_a_copy_of_a_database_needs_the_database() -> None:
    with pytest.raises(ConfigurationInvalid, match="of which it is a copy"):
        load({}, {"ORLOP_CATALOG_REPLICA_URL": "postgresql://db/orlop"})
