"""A request as a Python program."""

from __future__ import annotations

from tidegate.core.rendering.shown import ShownRequest


def python(request: ShownRequest) -> str:
    """A program that sends the request and prints the answer. It needs nothing but Python 3."""
    headers = "".join(f"        {name!a}: {value!a},\n" for name, value in request.headers)
    data = f"    data={request.body!r},\n" if request.has_body else ""
    return (
        "import urllib.error\n"
        "import urllib.request\n"
        "\n"
        "request = urllib.request.Request(\n"
        f"    {request.url!a},\n"
        f"    method={request.method!a},\n"
        f"    headers={{\n{headers}    }},\n"
        f"{data}"
        ")\n"
        "try:\n"
        f"    response = urllib.request.urlopen(request, timeout={request.timeout:g})\n"
        "except urllib.error.HTTPError as error:\n"
        "    response = error\n"
        "print(response.status, response.reason)\n"
        "print(response.read().decode(errors='replace'))\n"
    )
