"""Messages and enums, part of ``types``."""

from tidegate.schema.v2.queue import Queue, RateLimits, RetryConfig, StackdriverLoggingConfig

__all__ = ["Queue", "RateLimits", "RetryConfig", "StackdriverLoggingConfig"]
