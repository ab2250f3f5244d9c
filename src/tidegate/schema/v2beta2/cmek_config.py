"""Encryption with a key of the customer's own."""

from __future__ import annotations

from tidegate.schema.declare import STRING, Message, field, module

__protobuf__ = module("tidegate.v2beta2", "CmekConfig")


class CmekConfig(Message):
    """The key of a location, for the tasks made from now on."""

    name: str = field(STRING, 1)
    kms_key: str = field(STRING, 2)
