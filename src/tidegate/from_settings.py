"""What settings become: the clock, the rules, the sender and the logs of one server."""

from __future__ import annotations

import logging

from tidegate.api.audit import AuditTrail
from tidegate.audit_log import line_writer
from tidegate.core.clock_setting import REAL_TIME
from tidegate.core.queue_options import Keep, Keeping
from tidegate.core.time_text import rfc3339
from tidegate.core.url_map import UrlMap
from tidegate.core.validation import Ceilings
from tidegate.delivery.egress import Egress
from tidegate.delivery.http_sender import HttpSender
from tidegate.engine.movable_clock import MovableClock
from tidegate.engine.operator_rules import OperatorRules
from tidegate.engine.ports.store import StoreError
from tidegate.engine.ports.world import Clock, MachineClock
from tidegate.engine.time_control import kept_setting
from tidegate.opened_store import OpenedStore
from tidegate.operation_log import LineWriter
from tidegate.operator_errors import OperatorError
from tidegate.servers.address import Address
from tidegate.settings import Settings

logger = logging.getLogger("tidegate")


async def wall_clock(settings: Settings, opened: OpenedStore) -> Clock:
    """The time by which tasks go: one that can be moved with ``dev``, where it was left."""
    clock = opened.clock
    try:
        setting = await kept_setting(opened.store, clock.now())
    except StoreError as error:
        raise OperatorError(f"cannot read the store: {error}") from error
    if settings.dev:
        movable = MovableClock(clock, setting)
        opened.go_by(movable)
        return movable
    if setting != REAL_TIME:
        logger.warning(
            "the clock of this store was moved, to %s at last; without --dev the server goes by real time, and what"
            " it has for later moments waits for them",
            rfc3339(setting.shown(clock.now())),
        )
    return clock


def operator_rules(settings: Settings, *, hard_reset_on_purge: bool = False) -> OperatorRules:
    """What the settings say about the engine's rules; ``hard_reset_on_purge`` is none of them, for it is for tests."""
    return OperatorRules(
        ceilings=Ceilings(settings.max_dispatches_per_second, settings.max_concurrent_dispatches),
        https_tokens=settings.token_urls == "https",  # noqa: S105 - no password
        app_engine=settings.app_engine,
        throttling=settings.throttling,
        ramp_up=settings.ramp_up,
        queue_name_reuse_after=settings.queue_name_reuse_after,
        keeping=Keeping(dead_for=settings.dead_letters, attempts=Keep[settings.kept_attempts.upper()]),
        hard_reset_on_purge=hard_reset_on_purge,
    )


def http_sender(settings: Settings, address: Address, clock: MachineClock) -> HttpSender:
    try:
        egress = Egress.parse(settings.egress_rules, own_port=address.port)
    except ValueError as error:
        raise OperatorError(str(error)) from error
    url_map = UrlMap(settings.map) if settings.map else None
    return HttpSender(clock, egress=egress, exempt_origins=settings.app_engine.values(), url_map=url_map)


def log_at(path: str | None, what: str) -> LineWriter | None:
    """What writes the log that is called ``what``; None where none is wanted."""
    if path is None:
        return None
    try:
        return LineWriter(path, what)
    except OSError as error:
        flag = f"--{what.replace(' ', '-')}"
        raise OperatorError(f"cannot open the {what} {path}: {error.strerror}; name another {flag}") from error


def audit_trail(settings: Settings, clock: MachineClock, log: LineWriter | None) -> AuditTrail | None:
    return None if log is None else AuditTrail(clock, line_writer(log.write), reads=settings.audit_reads)
