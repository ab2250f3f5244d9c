"""A request as the HTTP/1.1 message that is sent."""

from __future__ import annotations

from tidegate.core.rendering.shown import ShownRequest


def http(request: ShownRequest) -> str:
    """The message with its line breaks, CR and LF. Bytes of the body that are no text are written as escapes."""
    host, path = _parts(request.url)
    lines = [f"{request.method} {path} HTTP/1.1", f"Host: {host}"]
    lines += [f"{name}: {value}" for name, value in request.headers]
    if request.has_body:
        lines.append(f"Content-Length: {len(request.body)}")
    return "\r\n".join([*lines, "", request.body.decode("utf-8", "backslashreplace")])


def _parts(url: str) -> tuple[str, str]:
    authority, _, path = url.partition("//")[2].partition("/")
    return authority, f"/{path}"
