"""Messages and fields in the JSON Schema dialect of discovery documents."""

from __future__ import annotations

from typing import Any

from google.protobuf.descriptor import FieldDescriptor

Json = dict[str, Any]

# Fields of the shared IAM messages that Cloud Tasks does not publish.
UNPUBLISHED = frozenset({"google.iam.v1.Policy.audit_configs", "google.iam.v1.SetIamPolicyRequest.update_mask"})

ANY: Json = {"type": "object", "additionalProperties": {"type": "any"}}
_TEXTS: dict[str, Json] = {
    "google.protobuf.Duration": {"type": "string", "format": "google-duration"},
    "google.protobuf.FieldMask": {"type": "string", "format": "google-fieldmask"},
    "google.protobuf.Timestamp": {"type": "string", "format": "google-datetime"},
}
_SCALARS: dict[int, Json] = {
    FieldDescriptor.TYPE_BOOL: {"type": "boolean"},
    FieldDescriptor.TYPE_BYTES: {"type": "string", "format": "byte"},
    FieldDescriptor.TYPE_DOUBLE: {"type": "number", "format": "double"},
    FieldDescriptor.TYPE_INT32: {"type": "integer", "format": "int32"},
    FieldDescriptor.TYPE_INT64: {"type": "string", "format": "int64"},
    FieldDescriptor.TYPE_STRING: {"type": "string"},
}


def single_type(field: Any) -> Json | None:
    """What one value of a field is; None for a message with fields of its own."""
    held = field.message_type
    if held is None:
        if field.enum_type is None:
            return dict(_SCALARS[field.type])
        return {"type": "string", "enum": [value.name for value in field.enum_type.values]}
    if held.full_name == "google.protobuf.Any":
        return dict(ANY)
    text = _TEXTS.get(held.full_name)
    return dict(text) if text else None


class Schemas:
    """The schemas of a document, each message once, under the last part of its name."""

    def __init__(self, descriptions: dict[str, str]) -> None:
        self._descriptions = descriptions
        self._found: dict[str, Any] = {}
        self._inside: set[str] = set()  # messages that others hold
        self._in_path: dict[str, set[str]] = {}

    def refer(self, descriptor: Any, in_path: tuple[str, ...] = ()) -> Json:
        """A reference to a message, noted down with all that it holds. ``in_path``: fields that a call's path says."""
        self._note(descriptor)
        if in_path:
            self._in_path[descriptor.full_name] = set(in_path)
        return {"$ref": descriptor.name}

    def _note(self, descriptor: Any) -> None:
        if descriptor.full_name in self._found:
            return
        self._found[descriptor.full_name] = descriptor
        for field in self._published(descriptor):
            value = field.message_type
            if value is not None and value.GetOptions().map_entry:
                value = value.fields_by_name["value"].message_type
            if value is not None and value.full_name not in _TEXTS and value.full_name != "google.protobuf.Any":
                self._inside.add(value.full_name)
                self._note(value)

    @staticmethod
    def _published(descriptor: Any) -> list[Any]:
        return [field for field in descriptor.fields if field.full_name not in UNPUBLISHED]

    def document(self) -> Json:
        """All schemas, by name."""
        return {
            descriptor.name: self._schema(descriptor)
            for descriptor in sorted(self._found.values(), key=lambda found: str(found.name))
        }

    def _schema(self, descriptor: Any) -> Json:
        # What the path says is not in the body, unless the message is also part of another one.
        name = descriptor.full_name
        left_out = set() if name in self._inside else self._in_path.get(name, set())
        schema: Json = {"id": descriptor.name, "type": "object"}
        if name in self._descriptions:
            schema["description"] = self._descriptions[name]
        schema["properties"] = {
            field.json_name: self._property(field)
            for field in self._published(descriptor)
            if field.name not in left_out
        }
        return schema

    def _property(self, field: Any) -> Json:
        held = field.message_type
        if held is not None and held.GetOptions().map_entry:
            return {"type": "object", "additionalProperties": self._property(held.fields_by_name["value"])}
        single = single_type(field) or {"$ref": held.name}
        return {"type": "array", "items": single} if field.is_repeated else single
