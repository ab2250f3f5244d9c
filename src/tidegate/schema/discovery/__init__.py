"""The discovery document: what a client that knows nothing beforehand needs to know to call the REST API.

Made from rows and descriptors. ``google-api-python-client`` builds its methods from it.
"""

from __future__ import annotations

from tidegate.schema.discovery.document import discovery_document, operator_document

__all__ = ["discovery_document", "operator_document"]
