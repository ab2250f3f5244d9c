"""Accounts, keys and policies over REST: the handlers, and the loop over their rows."""

from __future__ import annotations

from tidegate.api.iam.rpcs import iam_answers

__all__ = ["iam_answers"]
