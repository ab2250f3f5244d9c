"""Google's IAM and Resource Manager, as far as this server needs them: accounts, keys and policies. REST only."""

from __future__ import annotations

from tidegate.schema.iam.accounts import (
    CreateServiceAccountKeyRequest,
    CreateServiceAccountRequest,
    DeleteServiceAccountKeyRequest,
    DeleteServiceAccountRequest,
    GetServiceAccountKeyRequest,
    GetServiceAccountRequest,
    ListServiceAccountKeysRequest,
    ListServiceAccountKeysResponse,
    ListServiceAccountsRequest,
    ListServiceAccountsResponse,
    ServiceAccount,
    ServiceAccountKey,
)
from tidegate.schema.iam.explain import (
    ExplainAccessRequest,
    ExplainAccessResponse,
    GrantingBinding,
    WhoAmIRequest,
    WhoAmIResponse,
)
from tidegate.schema.iam.projects import GetProjectRequest, Project
from tidegate.schema.iam.service import Iam

__all__ = [
    "CreateServiceAccountKeyRequest",
    "CreateServiceAccountRequest",
    "DeleteServiceAccountKeyRequest",
    "DeleteServiceAccountRequest",
    "ExplainAccessRequest",
    "ExplainAccessResponse",
    "GetProjectRequest",
    "GetServiceAccountKeyRequest",
    "GetServiceAccountRequest",
    "GrantingBinding",
    "Iam",
    "ListServiceAccountKeysRequest",
    "ListServiceAccountKeysResponse",
    "ListServiceAccountsRequest",
    "ListServiceAccountsResponse",
    "Project",
    "ServiceAccount",
    "ServiceAccountKey",
    "WhoAmIRequest",
    "WhoAmIResponse",
]
