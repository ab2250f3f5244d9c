"""For every RPC how it is answered and how it is refused. ``test_every_rpc`` walks the tables."""

from tests.conformance.cases import batches, places, policies, pull_queues, queues, tasks
from tests.conformance.cases.tables import ANSWERED, REFUSED, Case

__all__ = ["ANSWERED", "REFUSED", "Case", "batches", "places", "policies", "pull_queues", "queues", "tasks"]
