"""The source of the pagers of a version."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tests.client.faces.rows import is_paged, items

if TYPE_CHECKING:
    from tests.client.faces.face import Face


def pagers(face: Face) -> str:
    paged = [row for row in face.rows if is_paged(row)]
    used = sorted({name for row in paged for name in (row.request.__name__, row.response.__name__, items(row)[1])})
    parts = [
        f'"""Lists of {face.version} that fetch their next page when it is needed. Written by ``make faces``."""',
        "",
        "from tidegate.client.pagers import AsyncPager, Pager",
        f"from {face.schema} import {', '.join(used)}",
    ]
    for row in paged:
        field, item = items(row)
        for kind in ("", "Async"):
            parts += [
                "",
                f"class {row.rpc_name}{kind}Pager({kind}Pager[{row.response.__name__}, {item}]):",
                f'    """The {field} of all pages. Other attributes are those of the latest page.',
                "",
                f"    Iterate with {'``async for``' if kind else '``for``'}; over ``pages`` for whole responses.",
                '    """',
                "",
                f"    _request_type = {row.request.__name__}",
                f'    _items = "{field}"',
                "",
            ]
    return "\n".join(parts)
