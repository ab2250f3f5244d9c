"""The rows of accounts, keys and policies, at Google's paths; the server's own policy has a path of Tidegate."""

from __future__ import annotations

from google.iam.v1.iam_policy_pb2 import (
    GetIamPolicyRequest,
    SetIamPolicyRequest,
    TestIamPermissionsRequest,
    TestIamPermissionsResponse,
)
from google.iam.v1.policy_pb2 import Policy
from google.protobuf.empty_pb2 import Empty

from tidegate.schema.iam import accounts, explain, projects
from tidegate.schema.rpc import Rpc, Service, delete, get, patch, post

PROJECT = "projects/*"
ACCOUNT = "projects/*/serviceAccounts/*"


class Iam(Service, name="tidegate.iam.v1.Iam"):
    """Accounts, keys and policies."""

    get_project = Rpc(
        projects.GetProjectRequest,
        projects.Project,
        get(f"/v1/{{name={PROJECT}}}"),
        permission="resourcemanager.projects.get",
        grpc=False,
    )
    get_project_policy = Rpc(
        GetIamPolicyRequest,
        Policy,
        post(f"/v1/{{resource={PROJECT}}}:getIamPolicy"),
        permission="resourcemanager.projects.getIamPolicy",
        grpc=False,
    )
    set_project_policy = Rpc(
        SetIamPolicyRequest,
        Policy,
        post(f"/v1/{{resource={PROJECT}}}:setIamPolicy"),
        permission="resourcemanager.projects.setIamPolicy",
        grpc=False,
    )
    test_project_permissions = Rpc(
        TestIamPermissionsRequest,
        TestIamPermissionsResponse,
        post(f"/v1/{{resource={PROJECT}}}:testIamPermissions"),
        grpc=False,
    )
    get_server_policy = Rpc(
        GetIamPolicyRequest,
        Policy,
        post("/v1/{resource=server}:getIamPolicy"),
        permission="tidegate.server.getIamPolicy",
        grpc=False,
    )
    set_server_policy = Rpc(
        SetIamPolicyRequest,
        Policy,
        post("/v1/{resource=server}:setIamPolicy"),
        permission="tidegate.server.setIamPolicy",
        grpc=False,
    )
    who_am_i = Rpc(explain.WhoAmIRequest, explain.WhoAmIResponse, get("/v1/{name=server}:whoAmI"), grpc=False)
    explain_access = Rpc(
        explain.ExplainAccessRequest, explain.ExplainAccessResponse, get("/v1/{name=server}:explainAccess"), grpc=False
    )
    list_service_accounts = Rpc(
        accounts.ListServiceAccountsRequest,
        accounts.ListServiceAccountsResponse,
        get(f"/v1/{{name={PROJECT}}}/serviceAccounts"),
        permission="iam.serviceAccounts.list",
        grpc=False,
    )
    create_service_account = Rpc(
        accounts.CreateServiceAccountRequest,
        accounts.ServiceAccount,
        post(f"/v1/{{name={PROJECT}}}/serviceAccounts"),
        permission="iam.serviceAccounts.create",
        grpc=False,
    )
    get_service_account = Rpc(
        accounts.GetServiceAccountRequest,
        accounts.ServiceAccount,
        get(f"/v1/{{name={ACCOUNT}}}"),
        permission="iam.serviceAccounts.get",
        grpc=False,
    )
    patch_service_account = Rpc(
        accounts.PatchServiceAccountRequest,
        accounts.ServiceAccount,
        patch(f"/v1/{{service_account.name={ACCOUNT}}}", "*"),
        permission="iam.serviceAccounts.update",
        grpc=False,
    )
    delete_service_account = Rpc(
        accounts.DeleteServiceAccountRequest,
        Empty,
        delete(f"/v1/{{name={ACCOUNT}}}"),
        permission="iam.serviceAccounts.delete",
        grpc=False,
    )
    get_account_policy = Rpc(
        GetIamPolicyRequest,
        Policy,
        post(f"/v1/{{resource={ACCOUNT}}}:getIamPolicy"),
        permission="iam.serviceAccounts.getIamPolicy",
        grpc=False,
    )
    set_account_policy = Rpc(
        SetIamPolicyRequest,
        Policy,
        post(f"/v1/{{resource={ACCOUNT}}}:setIamPolicy"),
        permission="iam.serviceAccounts.setIamPolicy",
        grpc=False,
    )
    list_service_account_keys = Rpc(
        accounts.ListServiceAccountKeysRequest,
        accounts.ListServiceAccountKeysResponse,
        get(f"/v1/{{name={ACCOUNT}}}/keys"),
        permission="iam.serviceAccountKeys.list",
        grpc=False,
    )
    create_service_account_key = Rpc(
        accounts.CreateServiceAccountKeyRequest,
        accounts.ServiceAccountKey,
        post(f"/v1/{{name={ACCOUNT}}}/keys"),
        permission="iam.serviceAccountKeys.create",
        grpc=False,
    )
    get_service_account_key = Rpc(
        accounts.GetServiceAccountKeyRequest,
        accounts.ServiceAccountKey,
        get(f"/v1/{{name={ACCOUNT}/keys/*}}"),
        permission="iam.serviceAccountKeys.get",
        grpc=False,
    )
    delete_service_account_key = Rpc(
        accounts.DeleteServiceAccountKeyRequest,
        Empty,
        delete(f"/v1/{{name={ACCOUNT}/keys/*}}"),
        permission="iam.serviceAccountKeys.delete",
        grpc=False,
    )
