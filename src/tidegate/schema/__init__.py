"""The messages of the three API versions, one row for each RPC, and their encodings.

``rpc`` says what a row is; ``v2``, ``v2beta2`` and ``v2beta3`` hold messages and rows. Servers and clients are loops
over the rows. Nothing in here knows what a queue does.
"""
