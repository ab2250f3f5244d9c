"""Service accounts and their keys, in the form of Google's IAM API v1."""

from __future__ import annotations

from collections.abc import MutableSequence
from datetime import datetime

from google.protobuf.field_mask_pb2 import FieldMask
from google.protobuf.timestamp_pb2 import Timestamp

from tidegate.schema.declare import BOOL, BYTES, INT32, STRING, Enum, Message, field, module, repeated

__protobuf__ = module(
    "tidegate.iam.v1",
    "ServiceAccount",
    "ListServiceAccountsRequest",
    "ListServiceAccountsResponse",
    "GetServiceAccountRequest",
    "CreateServiceAccountRequest",
    "PatchServiceAccountRequest",
    "DeleteServiceAccountRequest",
    "ServiceAccountKey",
    "ListServiceAccountKeysRequest",
    "ListServiceAccountKeysResponse",
    "GetServiceAccountKeyRequest",
    "CreateServiceAccountKeyRequest",
    "DeleteServiceAccountKeyRequest",
)


class ServiceAccount(Message):
    """A service account: an identity for programs."""

    name: str = field(STRING, 1)
    """``projects/P/serviceAccounts/EMAIL``."""
    project_id: str = field(STRING, 2)
    unique_id: str = field(STRING, 4)
    email: str = field(STRING, 5)
    display_name: str = field(STRING, 6)
    etag: bytes = field(BYTES, 7)
    description: str = field(STRING, 8)
    oauth2_client_id: str = field(STRING, 9)
    disabled: bool = field(BOOL, 11)


class ListServiceAccountsRequest(Message):
    """Lists the accounts of a project."""

    name: str = field(STRING, 1)
    """``projects/P``."""
    page_size: int = field(INT32, 2)
    page_token: str = field(STRING, 3)


class ListServiceAccountsResponse(Message):
    """A page of accounts."""

    accounts: MutableSequence[ServiceAccount] = repeated(ServiceAccount, 1)
    next_page_token: str = field(STRING, 2)


class GetServiceAccountRequest(Message):
    """Reads one account."""

    name: str = field(STRING, 1)
    """``projects/P/serviceAccounts/EMAIL``; ``-`` may stand for the project."""


class CreateServiceAccountRequest(Message):
    """Creates an account."""

    name: str = field(STRING, 1)
    """``projects/P``."""
    account_id: str = field(STRING, 2)
    """The part of its email before the ``@``."""
    service_account: ServiceAccount = field(ServiceAccount, 3)
    """Its display name and description."""


class PatchServiceAccountRequest(Message):
    """Other texts for an account."""

    service_account: ServiceAccount = field(ServiceAccount, 1)
    """Its name says which; its display name and description are what it gets."""
    update_mask: FieldMask = field(FieldMask, 2)
    """Which of the two; without it, those that are not empty."""


class DeleteServiceAccountRequest(Message):
    """Deletes an account with its keys and its policy."""

    name: str = field(STRING, 1)


class ServiceAccountKey(Message):
    """A key of an account. The server stores only its public key."""

    class KeyType(Enum):
        """Who made a key."""

        KEY_TYPE_UNSPECIFIED = 0
        USER_MANAGED = 1
        SYSTEM_MANAGED = 2

    class KeyOrigin(Enum):
        """Where a key was made."""

        ORIGIN_UNSPECIFIED = 0
        USER_PROVIDED = 1
        GOOGLE_PROVIDED = 2
        """Made by the server."""

    class PrivateKeyType(Enum):
        """The form of a key file."""

        TYPE_UNSPECIFIED = 0
        TYPE_PKCS12_FILE = 1
        TYPE_GOOGLE_CREDENTIALS_FILE = 2

    class KeyAlgorithm(Enum):
        """The algorithm of the key."""

        KEY_ALG_UNSPECIFIED = 0
        KEY_ALG_RSA_1024 = 1
        KEY_ALG_RSA_2048 = 2

    name: str = field(STRING, 1)
    """``projects/P/serviceAccounts/EMAIL/keys/ID``."""
    private_key_type: PrivateKeyType = field(PrivateKeyType, 2)
    private_key_data: bytes = field(BYTES, 3)
    """The key file; only in the response of CreateServiceAccountKey."""
    valid_after_time: datetime | None = field(Timestamp, 4)
    valid_before_time: datetime | None = field(Timestamp, 5)
    public_key_data: bytes = field(BYTES, 7)
    key_algorithm: KeyAlgorithm = field(KeyAlgorithm, 8)
    key_origin: KeyOrigin = field(KeyOrigin, 9)
    key_type: KeyType = field(KeyType, 10)
    disabled: bool = field(BOOL, 11)


class ListServiceAccountKeysRequest(Message):
    """Lists the keys of an account."""

    name: str = field(STRING, 1)
    key_types: MutableSequence[ServiceAccountKey.KeyType] = repeated(ServiceAccountKey.KeyType, 2)
    """Only keys of these types; empty for all. All keys here are USER_MANAGED."""


class ListServiceAccountKeysResponse(Message):
    """All keys of an account."""

    keys: MutableSequence[ServiceAccountKey] = repeated(ServiceAccountKey, 1)


class GetServiceAccountKeyRequest(Message):
    """Reads one key."""

    name: str = field(STRING, 1)
    public_key_type: str = field(STRING, 2)
    """Ignored: the response has the public key in PEM."""


class CreateServiceAccountKeyRequest(Message):
    """Creates an RSA key of 2048 bits."""

    name: str = field(STRING, 1)
    """``projects/P/serviceAccounts/EMAIL``."""
    private_key_type: ServiceAccountKey.PrivateKeyType = field(ServiceAccountKey.PrivateKeyType, 2)
    key_algorithm: ServiceAccountKey.KeyAlgorithm = field(ServiceAccountKey.KeyAlgorithm, 3)


class DeleteServiceAccountKeyRequest(Message):
    """Deletes a key. Tokens that were signed with it or issued for it are no longer valid."""

    name: str = field(STRING, 1)
