"""gRPC server reflection: what a client such as grpcurl needs to call a server it knows nothing about.

    catalogue = Catalogue()
    response = catalogue.answer(request)  # raw messages, one answer for each request of the stream

``PATHS`` are the gRPC paths of the service, ``REQUEST`` is the raw class that both take.
"""

from __future__ import annotations

from typing import Any

from tidegate.schema.reflection.catalogue import PATHS, Catalogue
from tidegate.schema.reflection.files import ReflectedMethod, Renaming, add_service
from tidegate.schema.reflection.messages import ServerReflectionRequest, ServerReflectionResponse

REQUEST: type[Any] = ServerReflectionRequest.pb()
RESPONSE: type[Any] = ServerReflectionResponse.pb()

__all__ = ["PATHS", "REQUEST", "RESPONSE", "Catalogue", "ReflectedMethod", "Renaming", "add_service"]
