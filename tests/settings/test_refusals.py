"""A setting that cannot be is refused in one line: its name, its rule, the value, and where that came from."""

import pytest

from tidegate.operator_errors import OperatorError
from tidegate.settings import File, load

HEAD = """
[[queue]]
name = "projects/p/locations/here/queues/a"

[[queue]]
name = "projects/p/locations/here/queues/b"
"""

STORES = "sqlite:///FILE, sqlite:////ABSOLUTE/FILE, sqlite://:memory: or postgresql://USER@HOST/DATABASE"


def refusal(flags=None, environment=None, text=None) -> str:
    with pytest.raises(OperatorError) as caught:
        load(flags, environment, File("tidegate.toml", text) if text is not None else None)
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize(
    ("name", "value", "rule"),
    [
        ("port", "http", "a whole number from 0 to 65535"),
        ("port", "65536", "a whole number from 0 to 65535"),
        ("max_dispatches_per_second", "0", "a number above 0"),
        ("max_dispatches_per_second", "nan", "a number above 0"),
        ("max_dispatches_per_second", "fast", "a number above 0"),
        ("max_concurrent_dispatches", "0", "a whole number of at least 1"),
        ("drain", "30", "a duration such as 500ms, 30s, 5m, 12h or 7d"),
        ("drain", "-1s", "a duration such as 500ms, 30s, 5m, 12h or 7d"),
        ("drain", "9999999999d", "a duration such as 500ms, 30s, 5m, 12h or 7d"),
        ("token_urls", "http", "any or https"),
        ("dev", "maybe", "true or false"),
        ("store", "tidegate.db", STORES),
        ("store", "sqlite://tidegate.db", STORES),
        ("store", "sqlite:///", STORES),
        ("store", "mysql://db/tasks", STORES),
        ("store", "postgresql:db", "postgresql://USER@HOST/DATABASE"),
        ("store", "postgresql://[::1/tasks", "postgresql://USER@HOST/DATABASE"),
        ("store", "postgresql://db/tasks?prepare=no", "a URL whose prepare is on or off"),
        (
            "store",
            "postgresql://db/tasks?schema=My-Tasks",
            "a URL whose schema has small letters, digits and _, and begins with no digit",
        ),
        ("project", "a/b", "a project ID such as my-project"),
        ("location", "US", "a location ID such as us-central1"),
        ("oidc_issuer", "tasks.example.com", "a URL that starts with http:// or https://"),
        ("oidc_issuer", "http://[::1", "a URL that starts with http:// or https://"),
        ("oidc_issuer", "http://host:port", "a URL that starts with http:// or https://"),
        ("queue", "mail", "projects/PROJECT/locations/LOCATION/queues/QUEUE"),
        ("queue", "projects/p/locations/l/queues/a_b", "projects/PROJECT/locations/LOCATION/queues/QUEUE"),
        ("app_engine", "default", "SERVICE=URL or VERSION.SERVICE=URL with a URL that starts with http:// or https://"),
        ("app_engine", "a.b.c=http://x", "SERVICE=URL or VERSION.SERVICE=URL"),
        ("map", "https://api.example.com", "URL_PREFIX=URL or *=URL, both http:// or https://"),
        ("map", "api.example.com=http://x", "URL_PREFIX=URL or *=URL, both http:// or https://"),
    ],
)
def test_a_flag_or_variable_is_refused_with_its_rule(name: str, value: str, rule: str) -> None:
    flag = f"--{name.replace('_', '-')}"
    assert refusal({name: value}) == f"{name} must be {rule}, not {value!r} (flag {flag})"
    variable = f"TIDEGATE_{name.upper()}"
    assert refusal(environment={variable: value}) == f"{name} must be {rule}, not {value!r} ({variable})"


@pytest.mark.parametrize("rule", ["10.0.0.300", "10.0.0.1/8", "*", "a b", "http://handler", "!", "*.*.internal"])
def test_an_egress_rule_is_a_word_a_network_or_a_host(rule: str) -> None:
    assert refusal({"egress": ("public", rule)}) == (
        "egress must be all, public, a network such as 10.1.0.0/16 or a host such as *.internal, "
        f"with ! in front to forbid it, not {rule!r} (flag --egress)"
    )


@pytest.mark.parametrize("origin", ["null", "*", "http://a/b", "http://a?b", "ftp://a", "http://*.a", "http://bü", "a"])
def test_an_origin_is_a_scheme_and_a_host(origin: str) -> None:
    assert refusal({"allow_origins": ("http://b", origin)}) == (
        "allow_origins must be an origin such as http://localhost:3000 or https://app.example.com, "
        f"not {origin!r} (flag --allow-origins)"
    )


@pytest.mark.parametrize("name", ["10.0.0.1", "a:80", "*", "http://a", "*.*.a"])
def test_a_host_name_has_no_port(name: str) -> None:
    assert refusal({"allow_hosts": (name,)}) == (
        "allow_hosts must be a host name without a port, such as tasks.example.com or *.internal, "
        f"not {name!r} (flag --allow-hosts)"
    )


@pytest.mark.parametrize("rule", ["all", "!public", "10.0.0.1", "!fe80::/10", "handlers.internal", "*.internal", "Web"])
def test_egress_rules_of_every_form_are_read(rule: str) -> None:
    assert load({"egress": (rule,)}).settings.egress == (rule.lower(),)


@pytest.mark.parametrize(
    ("line", "text", "says"),
    [
        (1, "port = 70000", "port must be a whole number from 0 to 65535, not 70000"),
        (3, "\n\nport = true", "port must be a whole number from 0 to 65535, not true"),
        (1, "port = [1]", "port must be one value, not [1]"),
        (1, "egress = 3", "egress must be a list, not 3"),
        (1, "drain = 30", "drain must be a duration such as 500ms, 30s, 5m, 12h or 7d, not 30"),
        (3, "# ours\n\nprot = 3", "there is no setting 'prot'; did you mean 'port'?"),
        (1, "xyz = 3", "there is no setting 'xyz'"),
        (1, "[[queue]]\nmax_attempts = 3", "queue must be a table with a name, not {'max_attempts': 3}"),
        (2, HEAD + HEAD, "queue must name each queue once, not 'projects/p/locations/here/queues/a' twice"),
        (
            2,
            '[app_engine]\nworker = "ftp://x"',
            "app_engine.worker must be SERVICE=URL or VERSION.SERVICE=URL with a URL that starts with http:// or "
            "https://, not 'worker=ftp://x'",
        ),
        (
            2,
            f"{HEAD}max_dispatches_per_second = 600",
            "queue.max_dispatches_per_second must be at most the setting max_dispatches_per_second, 500, "
            "not 600 for 'projects/p/locations/here/queues/b'",
        ),
    ],
)
def test_the_file_is_refused_with_the_line(line: int, text: str, says: str) -> None:
    assert refusal(text=text) == f"{says} (tidegate.toml, line {line})"


@pytest.mark.parametrize(
    ("field", "says"),
    [
        ("min_backof = 1", "a queue has no field 'min_backof'; did you mean 'min_backoff'?"),
        ('min_backoff = "1"', "queue.min_backoff must be a duration such as 500ms, 30s, 5m, 12h or 7d, not '1'"),
        ('min_backoff = "2h"', "queue.min_backoff must be at most max_backoff, 1h, not '2h'"),
        ('max_backoff = "50ms"', "queue.max_backoff must be at least min_backoff, 100ms, not '50ms'"),
        ("max_attempts = 0", "queue.max_attempts must be a whole number of at least 1, or -1 for no limit, not 0"),
        ('max_retry_duration = "500ms"', "queue.max_retry_duration must be a duration of whole seconds, not '500ms'"),
        ('tombstone_ttl = "30m"', "queue.tombstone_ttl must be a duration from 1h to 9d, not '30m'"),
    ],
)
def test_a_field_of_a_queue_is_refused_with_its_own_line(field: str, says: str) -> None:
    assert refusal(text=HEAD + field) == f"{says} (tidegate.toml, line 7)"


def test_a_file_that_is_not_toml_is_refused_with_the_place() -> None:
    says = "tidegate.toml: Expected '=' after a key in a key/value pair (at line 1, column 6)"
    assert refusal(text="port 1") == says


def test_the_line_of_a_value_is_the_one_it_begins_on() -> None:
    says = refusal(text='port = 1\negress = [\n  "public",\n  "a b",\n]\n')
    assert says.endswith("not 'a b' (tidegate.toml, line 2)")


@pytest.mark.parametrize(
    ("flags", "says"),
    [
        ({"tls_cert": "c"}, "tls_cert needs tls_key beside it (flag --tls-cert)"),
        ({"tls_key": "k"}, "tls_key needs tls_cert beside it (flag --tls-key)"),
        ({"tls_client_ca": "a"}, "tls_client_ca needs tls_cert beside it (flag --tls-client-ca)"),
    ],
)
def test_tls_settings_come_together(flags: dict[str, str], says: str) -> None:
    assert refusal(flags) == says


def test_a_password_in_a_refused_url_is_not_shown() -> None:
    assert "secret" not in refusal({"store": "postgresql://me:secret@db/tasks?prepare=no"})


def test_a_long_refused_value_is_cut() -> None:
    assert len(refusal({"port": "9" * 5000})) < 300
