"""Messages and enums, part of ``types``."""

from tidegate.schema.v2beta3.queue import Queue, QueueStats, RateLimits, RetryConfig, StackdriverLoggingConfig

__all__ = ["Queue", "QueueStats", "RateLimits", "RetryConfig", "StackdriverLoggingConfig"]
