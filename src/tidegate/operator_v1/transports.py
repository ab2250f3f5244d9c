"""How calls of the operator's API travel. Written by ``make faces``."""

from tidegate.client.transports.base import Transport
from tidegate.client.transports.grpc import GrpcTransport
from tidegate.client.transports.grpc_asyncio import GrpcAsyncIOTransport
from tidegate.client.transports.http import Interceptor
from tidegate.client.transports.rest import RestTransport
from tidegate.client.transports.rest_asyncio import RestAsyncIOTransport
from tidegate.schema.operator import Operator


class OperatorTransport(Transport):
    """What the transports share."""

    rows = Operator.rpcs


class OperatorRestInterceptor(Interceptor):
    """Sees, and may change, what goes over REST."""

    rows = Operator.rpcs


class OperatorGrpcTransport(GrpcTransport, OperatorTransport):
    """Sends requests: grpc."""


class OperatorGrpcAsyncIOTransport(GrpcAsyncIOTransport, OperatorTransport):
    """Sends requests: grpc_asyncio."""


class OperatorRestTransport(RestTransport, OperatorTransport):
    """Sends requests: rest."""

    _interceptor_type = OperatorRestInterceptor


class OperatorRestAsyncIOTransport(RestAsyncIOTransport, OperatorTransport):
    """Sends requests: rest_asyncio."""

    _interceptor_type = OperatorRestInterceptor
