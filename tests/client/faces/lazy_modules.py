"""Modules whose names are imported when they are first asked for."""

from __future__ import annotations


def lazy_module(
    doc: str, package: str, origins: dict[str, str], submodules: tuple[str, ...], *, version: bool = False
) -> str:
    """A module whose names are imported when first asked for, and all known to a type checker."""
    by_origin: dict[str, list[str]] = {}
    for name, origin in origins.items():
        by_origin.setdefault(origin, []).append(name)
    home = {name: f"{package}.{name}" for name in submodules}
    listed = sorted([*origins, *(["__version__"] if version else [])])
    imports = [f"    from {origin} import ({', '.join(sorted(names))})" for origin, names in by_origin.items()]
    imports += [f"    from {path.rpartition('.')[0]} import {name} as {name}" for name, path in home.items()]
    entries = [f'            "{name}": "{origin}",' for name, origin in sorted(origins.items())]
    entries += [f'            "{name}": "{origin}",' for name, origin in home.items()]
    return "\n".join(
        [
            doc,
            "",
            "from typing import TYPE_CHECKING",
            "",
            *(["from tidegate import __version__"] if version else []),
            "from tidegate.client.lazy import exports",
            "",
            "if TYPE_CHECKING:",
            *imports,
            "else:",
            "    __getattr__, __dir__ = exports(",
            "        __name__,",
            "        {",
            *entries,
            "        },",
            "    )",
            "",
            f"__all__{'' if listed else ': list[str]'} = [" + ", ".join('"' + name + '"' for name in listed) + "]",
            "",
        ]
    )
