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

    def __init__(self, descriptions: dict[str, str], home: str | None = None) -> None:
        """``home`` is the package of the document's own messages; those of ``tidegate.v2beta3`` get a longer name then,
        as Google's documents have it.
        """
        self._descriptions = descriptions
        self._home = home
        self._found: dict[str, Any] = {}
        self._inside: set[str] = set()  # messages that others hold
        self._in_path: dict[str, set[str]] = {}

    def refer(self, descriptor: Any, in_path: tuple[str, ...] = ()) -> Json:
        """A reference to a message, noted down with all that it holds. ``in_path``: fields that a call's path says."""
        self._note(descriptor)
        if in_path:
            self._in_path[descriptor.full_name] = set(in_path)
        return {"$ref": self._name(descriptor)}

    def _name(self, descriptor: Any) -> str:
        if self._home is not None and descriptor.file.package.startswith("tidegate.v"):
            version: str = descriptor.file.package.rpartition(".")[2]
            return f"GoogleCloudTasks{version[0].upper()}{version[1:]}{descriptor.name}"
        name: str = descriptor.name
        return name

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
            self._name(descriptor): self._schema(descriptor)
            for descriptor in sorted(self._found.values(), key=self._name)
        }

    def _schema(self, descriptor: Any) -> Json:
        # What the path says is not in the body, unless the message is also part of another one.
        name = descriptor.full_name
        left_out = set() if name in self._inside else self._in_path.get(name, set())
        schema: Json = {"id": self._name(descriptor), "type": "object"}
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
        single = single_type(field) or {"$ref": self._name(held)}
        return {"type": "array", "items": single} if field.is_repeated else single
