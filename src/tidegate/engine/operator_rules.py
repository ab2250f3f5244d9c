"""What an operator may set about the engine's rules."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta

from msgspec import Struct

from tidegate.core.queue import DEFAULT_NAME_REUSE_AFTER
from tidegate.core.queue_options import Keeping
from tidegate.core.validation import Ceilings


class OperatorRules(Struct, frozen=True):
    """What an operator may set about the rules: how much a queue may ask for, whether only ``https`` URLs may carry
    tokens, where App Engine services answer (``SERVICE`` or ``VERSION.SERVICE`` to a URL), whether failing handlers
    slow their queue down, whether queues ramp up, how long a deleted queue's name stays taken, what is kept of attempts
    and of tasks that are given up where a queue does not say so itself, and whether a purge makes a queue as new.
    """

    ceilings: Ceilings = Ceilings()
    https_tokens: bool = False
    app_engine: Mapping[str, str] = {}
    throttling: bool = True
    ramp_up: bool = False
    queue_name_reuse_after: timedelta = DEFAULT_NAME_REUSE_AFTER
    keeping: Keeping = Keeping()
    hard_reset_on_purge: bool = False
