"""Flags win over the environment, that over the file, and that over the defaults."""

from datetime import timedelta

import pytest

from tidegate.settings import SETTINGS, File, Settings, SqliteUrl, load

QUEUE = "projects/p/locations/here/queues/mail"


def file(text: str) -> File:
    return File("tidegate.toml", text)


def test_without_anything_the_defaults_hold() -> None:
    loaded = load()
    assert loaded.settings == Settings()
    assert set(loaded.sources.values()) == {"default"}


def test_a_flag_wins_over_the_environment_and_that_over_the_file() -> None:
    flags, environment, text = {"port": "1"}, {"TIDEGATE_PORT": "2", "TIDEGATE_HOST": "::1"}, "port = 3\ndrain = '5m'"
    loaded = load(flags, environment, file(text))
    assert (loaded.settings.port, loaded.settings.host, loaded.settings.drain) == (1, "::1", timedelta(minutes=5))
    assert loaded.sources["port"] == "flag --port"
    assert loaded.sources["host"] == "TIDEGATE_HOST"
    assert loaded.sources["drain"] == "tidegate.toml, line 2"
    assert loaded.sources["store"] == "default"


def test_an_empty_variable_sets_nothing() -> None:
    assert load(environment={"TIDEGATE_PORT": " "}).sources["port"] == "default"


def test_what_kubernetes_sets_beside_a_service_named_tidegate_is_not_ours() -> None:
    environment = {"TIDEGATE_PORT": "tcp://10.0.0.7:8123", "TIDEGATE_SERVICE_HOST": "10.0.0.7"}
    assert load(environment=environment).settings == Settings()


@pytest.mark.parametrize("row", SETTINGS, ids=lambda row: row.name)
def test_every_setting_reads_back_what_it_shows(row) -> None:
    text = {
        "queue": f"{QUEUE},{QUEUE}2",
        "queues": "queue.yaml",
        "project": "p",
        "egress": "public,!10.0.0.0/8",
        "app_engine": "default=http://127.0.0.1:8080,v2.worker=https://worker.internal",
        "map": "https://api.example.com=http://127.0.0.1:3000,*=http://127.0.0.1:3001",
        "oidc_issuer": "https://tasks.example.com",
        "console_url": "https://tasks.example.com/console",
        "attempts": "failed",
        "log_format": "json",
        "console": "read-only",
        "operation_log": "-",
        "tls_cert": "cert.pem",
        "tls_key": "key.pem",
        "tls_client_ca": "ca.pem",
        "admin": "user:ann@example.com,principal://spiffe/example.org/web",
        "policy": "policy.yaml",
        "tokens": "tokens.txt",
        "issuer": "google=https://accounts.google.com,cluster=https://kubernetes.default.svc",
        "audience": "https://tasks.example.com",
        "client_certificates": "optional",
        "identity": "spiffe://example.org/web=serviceAccount:web@shop.iam.gserviceaccount.com",
        "role": "projects/shop/roles/sender=cloudtasks.tasks.create+cloudtasks.tasks.get",
        "audit_log": "-",
    }.get(row.name, row.default_text)
    assert row.show(row.read(text)) == text
    assert row.variable == f"TIDEGATE_{row.name.upper()}"
    assert row.says.help.endswith(".")


def test_a_list_is_comma_separated_in_text_and_a_list_in_the_file() -> None:
    wanted = ("public", "!10.0.0.0/8")
    assert load({"egress": ("public", "!10.0.0.0/8")}).settings.egress == wanted
    assert load({"egress": ("public,!10.0.0.0/8",)}).settings.egress == wanted
    assert load(environment={"TIDEGATE_EGRESS": "public, !10.0.0.0/8"}).settings.egress == wanted
    assert load(file=file('egress = ["public", "!10.0.0.0/8"]')).settings.egress == wanted


def test_app_engine_services_are_a_table_in_the_file() -> None:
    wanted = {"default": "http://127.0.0.1:8080", "v2.worker": "https://worker.internal"}
    assert load({"app_engine": tuple(f"{name}={url}" for name, url in wanted.items())}).settings.app_engine == wanted
    text = '[app_engine]\ndefault = "http://127.0.0.1:8080/"\n"v2.worker" = "https://worker.internal"'
    assert load(file=file(text)).settings.app_engine == wanted


@pytest.mark.parametrize(
    ("url", "path"),
    [
        ("sqlite:///tidegate.db", "tidegate.db"),
        ("sqlite:///data/tidegate.db", "data/tidegate.db"),
        ("sqlite:////var/lib/tidegate.db", "/var/lib/tidegate.db"),
        ("sqlite://:memory:", ":memory:"),
    ],
)
def test_a_store_is_named_by_a_url(url: str, path: str) -> None:
    store = load({"store": url}).settings.store
    assert store == SqliteUrl(path)
    assert str(store) == url
    assert store.in_memory is (path == ":memory:")


@pytest.mark.parametrize(
    ("text", "seconds"), [("500ms", 0.5), ("30s", 30), ("1.5h", 5400), ("5m", 300), ("7d", 604800), ("0s", 0)]
)
def test_a_duration_has_a_unit(text: str, seconds: float) -> None:
    assert load({"drain": text}).settings.drain == timedelta(seconds=seconds)


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "[::1]", "localhost"])
def test_tasks_may_call_anything_while_only_this_machine_can_make_them(host: str) -> None:
    assert load({"host": host}).settings.egress_rules == ("all",)


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "tasks.internal"])
def test_tasks_may_call_only_public_addresses_once_others_can_make_them(host: str) -> None:
    assert load({"host": host}).settings.egress_rules == ("public",)


def test_egress_rules_that_were_set_hold_on_any_host() -> None:
    assert load({"host": "0.0.0.0", "egress": ("all",)}).settings.egress_rules == ("all",)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("http://localhost:3000", "http://localhost:3000"),
        ("HTTPS://App.Example.com:443/", "https://app.example.com"),
        ("https://app.example.com:80", "https://app.example.com:80"),
        ("http://[::1]:5173", "http://[::1]:5173"),
    ],
)
def test_an_origin_is_read_as_browsers_write_it(written: str, read: str) -> None:
    assert load({"allow_origins": (written,)}).settings.allow_origins == (read,)


def test_a_host_name_is_read_without_case_and_final_dot() -> None:
    names = load(environment={"TIDEGATE_ALLOW_HOSTS": "Tasks.Example.com., *.Internal"}).settings.allow_hosts
    assert names == ("tasks.example.com", "*.internal")
