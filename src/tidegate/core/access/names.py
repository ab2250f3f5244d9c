"""Names of what IAM has: the server, projects, service accounts and their keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from msgspec import Struct

from tidegate.core.access.resources import SERVER, account_name, project_of
from tidegate.core.errors import InvalidArgument, NotFound
from tidegate.core.names import PROJECT, Shape

EMAIL: Final = r"[A-Za-z0-9.@:_-]{1,200}"
KEY_ID: Final = r"[A-Za-z0-9_-]{1,100}"
ANY_PROJECT: Final = "-"
"""What may stand for the project of an account: its email says which."""
_SHOWN_MAX: Final = 200
"""Characters of a refused name that its error repeats."""


class ServerName(str):
    """``server``."""

    __slots__ = ()


class AccountName(str):
    """``projects/P/serviceAccounts/EMAIL``."""

    __slots__ = ()

    @property
    def email(self) -> str:
        return self.split("/")[3]


class KeyName(str):
    """``projects/P/serviceAccounts/EMAIL/keys/ID``."""

    __slots__ = ()

    @property
    def email(self) -> str:
        return self.split("/")[3]

    @property
    def key(self) -> str:
        return self.split("/")[5]


THE_SERVER: Final = Shape(SERVER, ServerName)
ACCOUNT: Final = Shape("projects/*/serviceAccounts/*", AccountName, ids={"serviceAccounts": EMAIL})
KEY: Final = Shape("projects/*/serviceAccounts/*/keys/*", KeyName, ids={"serviceAccounts": EMAIL, "keys": KEY_ID})

IAM_SHAPES: Final[Mapping[str, Shape[Any]]] = {shape.pattern: shape for shape in (PROJECT, THE_SERVER, ACCOUNT, KEY)}
"""The shapes by the patterns that HTTP rules write."""


class IamGate(Struct, frozen=True):
    """The first check of an RPC: the name by which it is routed. An account's is answered with its own project."""

    shape: Shape[Any]

    def __call__(self, name: str) -> Any:
        """Raises InvalidArgument for a name of another form, NotFound for an account of another project."""
        parsed = self.shape.parse(name)
        if parsed is None:
            raise InvalidArgument(f'The name must be formatted "{self.shape.pattern}", but is "{name[:_SHOWN_MAX]}".')
        if self.shape is not ACCOUNT and self.shape is not KEY:
            return parsed
        _, project, _, email, *rest = parsed.split("/")
        if not project_of(email) or project not in {ANY_PROJECT, project_of(email)}:
            raise NotFound(f"Unknown service account: {email}")
        return self.shape.name("/".join((account_name(email), *rest)))
