"""What the commands do, short of running a server."""

from pathlib import Path
from typing import Any

import apsw
import pytest
from tests.cli.running import run

from tidegate.app import application
from tidegate.servers import front
from tidegate.servers.http import Tls
from tidegate.storage.sqlite import APPLICATION_ID

QUEUE = "projects/p/locations/here/queues/mail"
QUEUE_FORM = "projects/PROJECT/locations/LOCATION/queues/QUEUE"


@pytest.fixture(autouse=True)
def _elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for variable in ("TIDEGATE_PORT", "TIDEGATE_STORE", "TIDEGATE_CONFIG"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture
def served(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the server would have been started with."""
    call: dict[str, Any] = {}

    def serve(make: Any, host: str, port: int, *, tls: Tls | None) -> None:
        (settings,) = make.args
        call.update(make=make.func, host=host, port=port, settings=settings, tls=tls)

    monkeypatch.setattr(front, "serve", serve)
    return call


def test_serve_starts_the_application_where_the_settings_say(served: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text('host = "::1"\nport = 3\ndrain = "5s"')
    done = run("serve", "--port", "1", "--queue", QUEUE, "--queue", f"{QUEUE}2", "--dev", TIDEGATE_PORT="2")
    assert done.exit_code == 0, done.output
    assert (served["make"], served["host"], served["port"], served["tls"]) == (application, "::1", 1, None)
    settings = served["settings"]
    assert [queue.name for queue in settings.queue] == [QUEUE, f"{QUEUE}2"]
    assert settings.dev
    assert settings.drain.total_seconds() == 5


def test_serve_with_a_certificate_speaks_tls(served: dict[str, Any]) -> None:
    run("serve", "--tls-cert", "cert.pem", "--tls-key", "key.pem", "--tls-client-ca", "ca.pem")
    assert served["tls"] == Tls(Path("cert.pem"), Path("key.pem"), Path("ca.pem"))


def test_another_settings_file_can_be_named(served: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text("port = 1")
    (tmp_path / "other.toml").write_text("port = 2")
    run("serve", "--config", "other.toml")
    assert served["port"] == 2
    run("serve", TIDEGATE_CONFIG="other.toml")
    assert served["port"] == 2


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["--port", "x"], "port must be a whole number from 0 to 65535, not 'x' (flag --port)"),
        (["--config", "no.toml"], "there is no settings file no.toml: check the path after --config"),
        (["--config", "."], "cannot read the settings file .: Is a directory"),
        (["--config", "latin.toml"], "the settings file latin.toml is not UTF-8 text"),
        (["--config", "bad.toml"], "there is no setting 'prot'; did you mean 'port'? (bad.toml, line 1)"),
        (["--queue", "mail"], f"queue must be {QUEUE_FORM}, not 'mail' (flag --queue)"),
    ],
)
def test_a_wrong_setting_is_one_line_on_stderr_and_exit_code_1(
    arguments: list[str], says: str, served: dict[str, Any], tmp_path: Path
) -> None:
    (tmp_path / "bad.toml").write_text("prot = 1")
    (tmp_path / "latin.toml").write_bytes(b'host = "\xe9"')
    done = run("serve", *arguments)
    assert (done.exit_code, done.stdout, done.stderr) == (1, "", f"{says}\n")
    assert not served


def test_an_unknown_flag_is_a_mistake_of_use() -> None:
    assert run("serve", "--prot", "1").exit_code == 2


def test_config_shows_every_value_and_its_source(tmp_path: Path) -> None:
    (tmp_path / "tidegate.toml").write_text('drain = "5s"')
    lines = run("config", "--port", "1", "--dev", TIDEGATE_STORE="sqlite://:memory:").stdout.splitlines()
    shown = {line.split()[0]: line.split(maxsplit=1)[1] for line in lines}
    assert shown["port"].split(maxsplit=1) == ["1", "flag --port"]
    assert shown["store"].split(maxsplit=1) == ["sqlite://:memory:", "TIDEGATE_STORE"]
    assert shown["drain"].split(maxsplit=1) == ["5s", "tidegate.toml, line 1"]
    assert shown["host"].split(maxsplit=1) == ["127.0.0.1", "default"]
    assert shown["dev"].split(maxsplit=1) == ["true", "flag --dev"]


def test_a_sound_store_is_said_to_be_sound(tmp_path: Path) -> None:
    apsw.Connection(str(tmp_path / "a.db")).pragma("application_id", APPLICATION_ID)
    done = run("check", "sqlite:///a.db")
    assert (done.exit_code, done.stdout) == (0, "sqlite:///a.db is sound\n")


def test_a_damaged_store_is_exit_code_1(tmp_path: Path) -> None:
    store = tmp_path / "a.db"
    connection = apsw.Connection(str(store))
    connection.pragma("application_id", APPLICATION_ID)
    connection.execute("CREATE TABLE t (x); CREATE INDEX i ON t (x)")
    connection.executemany("INSERT INTO t VALUES (?)", ((number,) for number in range(5000)))
    connection.close()
    pages = bytearray(store.read_bytes())
    pages[len(pages) // 2 : len(pages) // 2 + 4096] = bytes(4096)
    store.write_bytes(pages)
    done = run("check", "sqlite:///a.db")
    assert done.exit_code == 1
    assert done.stderr


def test_another_programs_database_is_not_called_sound(tmp_path: Path) -> None:
    apsw.Connection(str(tmp_path / "a.db")).execute("CREATE TABLE t (x)")
    done = run("check", "sqlite:///a.db")
    assert (done.exit_code, done.stderr) == (1, "a.db is another program's database; name another store\n")


def test_a_store_that_is_not_there_is_not_made() -> None:
    done = run("check")
    assert (done.exit_code, done.stderr) == (1, "there is no store at tidegate.db\n")
    assert not Path("tidegate.db").exists()


def test_a_store_in_memory_cannot_be_checked() -> None:
    done = run("check", "sqlite://:memory:")
    assert done.exit_code == 1
    assert "name a file, such as sqlite:///tidegate.db" in done.stderr
