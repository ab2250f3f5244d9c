"""Print one side's schema as JSON: ``python describe.py ours v2``, or ``google`` for ``ours``.

Run in processes of their own by ``test_matches_google``: what is compared is what each package declares when the other
one is not there.
"""

import importlib
import json
import sys
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, get_args, get_type_hints
from unittest.mock import patch

import grpc
from google.api_core import exceptions, gapic_v1
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.descriptor_pb2 import DescriptorProto

CALL_OPTIONS = {"self", "request", "retry", "timeout", "metadata", "return"}
TYPES = {number: name for name, number in vars(FieldDescriptor).items() if name.startswith("TYPE_")}


def describe_types(holder: Any) -> dict[str, Any]:
    """Messages and enums, nested ones too, by their names without the package."""
    types: dict[str, Any] = {}
    for name in holder.__all__:
        kind = getattr(holder, name)
        if not isinstance(kind, type):
            continue
        if issubclass(kind, IntEnum):
            types[name] = {"values": {value.name: int(value) for value in kind}, "module": module_of(kind)}
        elif hasattr(kind, "pb"):
            add_message(types, kind.pb().DESCRIPTOR)
            types[name]["module"] = module_of(kind)
    return types


def module_of(kind: type[Any]) -> str:
    return kind.__module__.rpartition(".")[2]


def add_message(types: dict[str, Any], descriptor: Any) -> None:
    proto = DescriptorProto()
    descriptor.CopyToProto(proto)
    types[local_name(descriptor)] = {
        "fields": {
            field.name: describe_field(field, as_proto)
            for field, as_proto in zip(descriptor.fields, proto.field, strict=True)
        },
        "oneofs": {oneof.name: sorted(field.name for field in oneof.fields) for oneof in descriptor.oneofs},
        "map_entry": proto.options.map_entry,
    }
    for enum in descriptor.enum_types:
        types[local_name(enum)] = {"values": {value.name: value.number for value in enum.values}}
    for nested in descriptor.nested_types:
        add_message(types, nested)


def describe_field(field: Any, proto: Any) -> dict[str, Any]:
    assert field.name == proto.name
    held = field.message_type or field.enum_type
    return {
        "number": field.number,
        "json_name": field.json_name,
        "type": TYPES[field.type],
        "holds": held and local_name(held),
        "label": proto.label,
        "optional": proto.proto3_optional,
        "presence": field.has_presence,
        "oneof": field.containing_oneof and field.containing_oneof.name,
        "packed": field.is_packed,
    }


def local_name(descriptor: Any) -> str:
    name: str = descriptor.full_name
    own_package, _, local = name.partition(f".{VERSION}.")
    return local if own_package in {"tidegate", "google.cloud.tasks"} else name


def type_name(kind: type[Any]) -> str:
    return local_name((kind if hasattr(kind, "DESCRIPTOR") else kind.pb()).DESCRIPTOR)


def our_rpcs(schema: Any) -> dict[str, Any]:
    return {row.name: describe_row(row) for service in schema.SERVICES for row in service.rpcs}


def describe_row(row: Any) -> dict[str, Any]:
    retry, held = row.default.retry, row.long_running
    return {
        "path": row.grpc_path if row.grpc else None,
        "request": type_name(row.request),
        "response": type_name(row.response),
        "http": [
            {"method": rule.verb.lower(), "uri": rule.path} | ({"body": rule.body} if rule.body else {})
            for rule in row.bindings
        ],
        "routing": row.routing_field,
        "fields": list(row.fields),
        "timeout": row.default.timeout,
        "retry": retry
        and {
            "initial": retry.initial,
            "maximum": retry.maximum,
            "multiplier": retry.multiplier,
            "deadline": retry.deadline,
            "codes": sorted(code.name for code in retry.codes),
        },
        "operation": held and [type_name(held.response), type_name(held.metadata)],
    }


@dataclass
class Noted:
    """One call: where it went, what it expected, and the header that routes it."""

    path: str
    response: type[Any]
    routing: str | None

    def result(self) -> Any:
        return self.response()


@dataclass
class Method:
    path: str
    response: type[Any]
    calls: list[Noted]

    def with_call(self, _request: Any, metadata: Any = (), **_: Any) -> tuple[Any, Any]:
        routing = dict(metadata).get("x-goog-request-params")
        self.calls.append(Noted(self.path, self.response, routing and routing.removesuffix("=")))
        return self.response(), self.calls[-1]


class NotingChannel(grpc.Channel):
    """What the transport takes for a channel."""

    unary_stream = stream_unary = stream_stream = subscribe = unsubscribe = close = None  # type: ignore[assignment]

    def __init__(self) -> None:
        self.calls: list[Noted] = []

    def unary_unary(self, path: Any, _serializer: Any = None, deserializer: Any = None, *_: Any) -> Any:
        return Method(path if isinstance(path, str) else path.decode(), deserializer.__self__, self.calls)


def google_rpcs(package: Any) -> dict[str, Any]:
    """What the official client does in each of its methods, learnt by calling them over a channel that takes notes."""
    services = package.__name__ + ".services.cloud_tasks"
    transports = importlib.import_module(services + ".transports")
    rest = importlib.import_module(services + ".transports.rest_base")._BaseCloudTasksRestTransport
    channel = NotingChannel()
    with patch.object(gapic_v1.method, "wrap_method", wraps=gapic_v1.method.wrap_method) as wrap:
        transport = transports.CloudTasksGrpcTransport(channel=channel)
    policies = {call.args[0]: call.kwargs for call in wrap.call_args_list}
    client = package.CloudTasksClient(transport=transport)
    rpcs = {}
    for name in sorted(vars(rest.__base__)):
        if name.startswith("_") or (policy := policies.get(getattr(transport, name))) is None:
            continue
        hints = get_type_hints(getattr(package.CloudTasksClient, name))
        request = get_args(hints["request"])[0]
        answer = getattr(client, name)(request=request())
        noted = channel.calls[-1]
        rule: Any = getattr(rest, "_Base" + "".join(word.capitalize() for word in name.split("_")), None)
        rpcs[name] = {
            "path": noted.path,
            "request": type_name(request),
            "response": type_name(noted.response),
            "http": rule._get_http_options() if hasattr(rule, "_get_http_options") else [],
            "routing": noted.routing,
            "fields": [hint for hint in hints if hint not in CALL_OPTIONS],
            "timeout": policy.get("default_timeout"),
            "retry": describe_retry(policy.get("default_retry")),
            "operation": describe_operation(answer),
        }
    return rpcs


def describe_retry(retry: Any) -> Any:
    return retry and {
        "initial": retry._initial,
        "maximum": retry._maximum,
        "multiplier": retry._multiplier,
        "deadline": retry._timeout,
        "codes": sorted(
            kind.grpc_status_code.name
            for kind in vars(exceptions).values()
            if isinstance(kind, type)
            and issubclass(kind, exceptions.GoogleAPICallError)
            and kind.grpc_status_code
            and retry._predicate(kind("?"))
        ),
    }


def describe_operation(answer: Any) -> Any:
    if not hasattr(answer, "_metadata_type"):
        return None
    return [type_name(answer._result_type), type_name(answer._metadata_type)]


if __name__ == "__main__":
    side, VERSION = sys.argv[1:]
    if side == "ours":
        messages = importlib.import_module(f"tidegate.schema.{VERSION}")
        rpcs, other_side = our_rpcs(messages), "google.cloud.tasks"
    else:
        package = importlib.import_module(f"google.cloud.tasks_{VERSION}")
        messages, rpcs, other_side = package.types, google_rpcs(package), "tidegate"
    assert not [name for name in sys.modules if name.startswith(other_side)]
    print(json.dumps({"types": describe_types(messages), "rpcs": rpcs}))
