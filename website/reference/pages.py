"""All reference pages that are made, by their paths in the site."""

from __future__ import annotations

from collections.abc import Iterator

from tidegate.schema import operator
from tidegate.schema.iam import Iam
from tidegate.schema.versions import VERSIONS
from website.reference import client, commands, services

WHAT = {
    "v2": "The version to choose unless a queue is pulled from.",
    "v2beta2": "The version with pull queues. REST and gRPC share the port.",
    "v2beta3": "As v2, with types of queues, their statistics and times to live.",
}
INTRO = """\
{what} Made from the rows that server and clients run on, so it cannot differ from what they do.
[Compatibility](../compatibility.md) says where Tidegate differs from Google.
"""
OPERATOR = """\
What Cloud Tasks has no words for. Made from the rows that server and clients run on.
[The operator's API](../operator-api.md) says how to use it.
"""
IAM = "Accounts, their keys and policies, at Google's REST paths, as far as [access](../access.md) needs them."


def pages() -> Iterator[tuple[str, str]]:
    """Paths below ``docs/``, each with its text."""
    for version, messages in VERSIONS.items():
        intro = INTRO.format(what=WHAT[version])
        yield f"reference/{version}.md", services.page(f"API {version}", intro, messages.SERVICES)
    yield "reference/operator.md", services.page("The operator's API, every method", OPERATOR, operator.SERVICES)
    yield "reference/iam.md", services.page("Accounts and policies over REST", IAM, [Iam])
    yield "reference/commands.md", commands.page()
    yield "reference/python-client.md", client.page()
