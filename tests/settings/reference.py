"""docs/settings.md, made from the settings themselves: ``make docs`` writes it, a test compares it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from tidegate.settings import SETTINGS, QueueSetup
from tidegate.settings.rows import Row, rows

PAGE = Path(__file__).parents[2] / "docs/settings.md"

HEAD = """\
# Settings

<!-- Made from src/tidegate/settings by `make docs`; change it there. -->

A setting is a flag of `tidegate serve`, a variable in the environment or a line in a file. A flag wins over the
environment, that over the file, that over the default. `tidegate config` takes the same flags and shows what holds and
where each value came from.

- **Flags**: `--max-dispatches-per-second 50`. Lists can be given again: `--egress public --egress '!10.0.0.0/8'`.
- **Environment**: `TIDEGATE_` and the name in capitals, lists comma-separated: `TIDEGATE_EGRESS='public,!10.0.0.0/8'`.
  An empty variable sets nothing, a variable that names no setting is not looked at.
- **File**: `tidegate.toml` in the working directory, or the file after `--config` (or in `TIDEGATE_CONFIG`). A name
  that is no setting is an error, so that a slip of the pen does not go unnoticed.

Durations have a unit: `500ms`, `30s`, `5m`, `12h`, `7d`. Paths are relative to the working directory.
"""

QUEUES = """\
## Queues at start

`--queue` makes a queue if there is none of that name. In the file a queue can also be a table, with the names that the
API has for these fields; what a table says is applied at each start, what it leaves out stays as it is.

```toml
[[queue]]
name = "projects/demo/locations/here/queues/mail"
max_dispatches_per_second = 10
max_attempts = 5
min_backoff = "1s"
max_backoff = "1m"
```
"""

EXAMPLE = """\
## A whole file

```toml
host = "0.0.0.0"
store = "sqlite:////var/lib/tidegate/tasks.db"
egress = ["public", "10.1.0.0/16", "!10.1.0.1"]
tls_cert = "/etc/tidegate/cert.pem"
tls_key = "/etc/tidegate/key.pem"
queue = ["projects/demo/locations/here/queues/mail", "projects/demo/locations/here/queues/reports"]

[app_engine]
default = "http://web.internal:8080"
worker = "http://worker.internal:8080"
```
"""


def page() -> str:
    """The whole page."""
    return "\n".join([HEAD, *_settings(), "", QUEUES, *_fields(), "", EXAMPLE])


def _settings() -> Iterator[str]:
    yield "| setting | default | says |"
    yield "|---|---|---|"
    for row in SETTINGS:
        yield f"| `{row.name}`{_form(row)} | {_default(row)} | {_cell(row.says.help)} |"


def _fields() -> Iterator[str]:
    yield "| field | says |"
    yield "|---|---|"
    for row in rows(QueueSetup):
        yield f"| `{row.name}`{_form(row)} | {_cell(row.says.help)} |"


def _form(row: Row) -> str:
    metavar = row.says.kind.metavar
    return f" {_cell(metavar)}" if metavar else ""


def _default(row: Row) -> str:
    shown = row.show(row.default)
    return f"`{shown}`" if shown else _cell(row.says.unset) or "none"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
