"""Turns templates and values into HTML. Every value is escaped; none is ever taken for markup."""

from __future__ import annotations

from datetime import UTC, datetime
from functools import cache
from typing import Any, Final

from jinja2 import Environment, PackageLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import Markup

from tidegate.console import charts, words
from tidegate.console.compiled_templates import CompiledTemplates
from tidegate.console.static_files import versioned


def render(template: str, **values: Any) -> str:
    return _environment().get_template(template).render(values)


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("tidegate.console", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_shown,
        auto_reload=False,
        bytecode_cache=CompiledTemplates(),
    )
    environment.filters |= {
        "number": words.number,
        "span": words.span,
        "exact": words.exact_span,
        "size": words.size,
        "clock": words.clock,
        "precise": words.precise,
        "day": words.day,
        "iso": words.iso,
        "reason": words.reason,
        "ago": _ago,
        "due": _due,
    }
    environment.globals |= {
        "sections": SECTIONS,
        "plural": words.plural,
        "static": versioned,
        "NOTHING": words.NOTHING,
        "capped": _capped,
        "short": charts.short_number,
        "utc": lambda stamp: stamp.ToDatetime(tzinfo=UTC),
        "exact_of": lambda duration: words.exact_span(duration.ToTimedelta()),
    }
    return environment


SECTIONS: Final = (
    ("queues", ""),
    ("activity", "tidegate.events.watch"),
    ("failures", ""),
    ("operations", ""),
    ("audit", "tidegate.audit.list"),
    ("server", "tidegate.server.get"),
)
"""Of the whole console: path, and the permission that a page needs on the server. The others show what one may see."""

COUNTED_TO: Final = 10_000
"""Where the operator's API ends its counts."""


def _capped(count: int) -> str:
    return f"{count:,}+" if count >= COUNTED_TO else f"{count:,}"


def _shown(value: Any) -> Any:
    """Text from strangers without characters that deceive; markup of our own templates stays."""
    return words.plain(value) if type(value) is str else value


@pass_context
def _ago(context: Context, moment: datetime) -> Markup:
    return _time(moment, words.ago(moment, context["now"]), "ago")


@pass_context
def _due(context: Context, moment: datetime) -> Markup:
    return _time(moment, words.due(moment, context["now"]), "due")


def _time(moment: datetime, text: str, kind: str) -> Markup:
    """A time that a script keeps fresh, with the absolute one in its title."""
    stamp, title = words.iso(moment), f"{words.day(moment)}, {words.precise(moment)} UTC"
    # Digits, colons and our own words: nothing to escape, which a page of fifty tasks does a hundred times.
    return Markup(f'<time datetime="{stamp}" data-time="{kind}" title="{title}">{text}</time>')  # noqa: S704
