"""Service accounts: list, get, create, delete."""

from __future__ import annotations

from typing import Any, Final

from google.protobuf.empty_pb2 import Empty

from tidegate.api.door import May
from tidegate.core.access.accounts import ServiceAccount, account_email, check_texts
from tidegate.core.access.names import AccountName
from tidegate.core.access.resources import project_of
from tidegate.core.errors import InvalidArgument
from tidegate.core.listing import page_token, read_page_token
from tidegate.core.names import ProjectName
from tidegate.engine.accounts import NewAccount
from tidegate.engine.engine import Engine
from tidegate.schema import iam
from tidegate.schema.rpc import raw

PAGE: Final = 20
PAGE_MAX: Final = 100
"""Accounts on a page, as at Google: if nothing is said, and at most."""

TEXTS: Final = ("display_name", "description")
"""What of an account can be changed."""

_Account: Final = raw(iam.ServiceAccount)
_List: Final = raw(iam.ListServiceAccountsResponse)


async def list_accounts(engine: Engine, request: Any, name: ProjectName, may: May) -> Any:
    if request.page_size < 0:
        raise InvalidArgument("ListServiceAccountsRequest.pageSize cannot be negative.")
    size = min(request.page_size or PAGE, PAGE_MAX)
    now = engine.clock.now()
    after = read_page_token(request.page_token, name, "accounts", now)
    found = await engine.accounts.page(name.project, after, size + 1)
    page = found[:size]
    response = _List(accounts=[written(each) for each in page])
    if len(found) > size:
        response.next_page_token = page_token(page[-1].email, name, "accounts", now)
    return response


async def get_account(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    return written(await engine.accounts.get(name.email))


async def create_account(engine: Engine, request: Any, name: ProjectName, may: May) -> Any:
    email = account_email(request.account_id, name.project)
    if project_of(email) != name.project:
        raise InvalidArgument(f"Project {name.project} can have no service accounts: its ID has a dot.")
    sent = request.service_account
    check_texts(sent.display_name, sent.description)
    return written(await engine.accounts.create(NewAccount(email, name.project, sent.display_name, sent.description)))


async def patch_account(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    sent = request.service_account
    unknown = set(request.update_mask.paths) - set(TEXTS)
    if unknown:
        raise InvalidArgument(f"updateMask may name displayName and description, not {min(unknown)[:100]}.")
    texts = {field: getattr(sent, field) for field in request.update_mask.paths or TEXTS}
    if not request.update_mask.paths:
        texts = {field: text for field, text in texts.items() if text}
    check_texts(sent.display_name, sent.description)
    return written(await engine.accounts.update(name.email, texts, sent.etag))


async def delete_account(engine: Engine, request: Any, name: AccountName, may: May) -> Any:
    await engine.accounts.delete(name.email)
    return Empty()


def written(account: ServiceAccount) -> Any:
    """The account as a message."""
    return _Account(
        name=account.name,
        project_id=account.project,
        unique_id=account.unique_id,
        email=account.email,
        display_name=account.display_name,
        etag=account.etag,
        description=account.description,
        oauth2_client_id=account.unique_id,
    )
