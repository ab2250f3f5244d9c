"""The proxy that the documentation gives for the open network, in front of a real server."""

from __future__ import annotations

import re
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import httpx
import pytest
from tests.cli.serving import served
from tests.servers.test_tls import Authority

from tidegate.schema import v2

ROOT = Path(__file__).parents[2]
SNIPPETS = {"docs/operating.md nginx 1": "nginx runs with it, in front of a server"}

QUEUE = "projects/p/locations/l/queues/q"
NGINX = shutil.which("nginx")

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed: apt-get install nginx-light")


def documented(server: str, port: int, folder: Path) -> str:
    """The configuration of the page, for this server and these files."""
    page = (ROOT / "docs" / "operating.md").read_text()
    found = re.search(r"```nginx\n(.*?)```", page, re.DOTALL)
    assert found is not None
    config = found[1]
    for old, new in {
        "listen 443 ": f"listen 127.0.0.1:{port} ",
        "127.0.0.1:8123": server,
        "/etc/tls/": f"{folder}/",
    }.items():
        assert old in config
        config = config.replace(old, new)
    return config


@pytest.fixture
def address(tmp_path: Path) -> Iterator[str]:
    authority = Authority()
    server = authority.identity("proxy")
    for name, pem in {"ca.pem": authority.certificate, "cert.pem": server.cert, "key.pem": server.key}.items():
        (tmp_path / name).write_bytes(pem)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    with served("--store", "sqlite://:memory:", "--queue", QUEUE, directory=tmp_path) as behind:
        config = tmp_path / "nginx.conf"
        places = "".join(
            f"{kind}_temp_path {tmp_path}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        )
        config.write_text(
            f"daemon off; pid {tmp_path}/nginx.pid; error_log stderr; worker_processes 1; events {{}}"
            f" http {{ access_log off; {places} {documented(behind, port, tmp_path)} }}"
        )
        process = subprocess.Popen([str(NGINX), "-c", str(config), "-p", str(tmp_path), "-e", "stderr"])
        try:
            await_port(process, port)
            yield f"127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()


def await_port(process: subprocess.Popen[bytes], port: int) -> None:
    give_up = time.monotonic() + 30
    while True:
        assert process.poll() is None, "nginx did not start"
        try:
            socket.create_connection(("127.0.0.1", port)).close()
        except ConnectionRefusedError:
            assert time.monotonic() < give_up
            time.sleep(0.02)
        else:
            return


def test_grpc_and_rest_pass_through_it(address: str, tmp_path: Path) -> None:
    create = v2.CloudTasks.create_task
    request = create.request_pb(parent=QUEUE, task={"http_request": {"url": "http://127.0.0.1:9/"}})
    credentials = grpc.ssl_channel_credentials((tmp_path / "ca.pem").read_bytes())
    with grpc.secure_channel(address, credentials, [("grpc.use_local_subchannel_pool", 1)]) as channel:
        answer: bytes = channel.unary_unary(create.grpc_path)(request.SerializeToString(), timeout=60)
        assert create.response_pb.FromString(answer).name.startswith(f"{QUEUE}/tasks/")
        unknown = create.request_pb(parent=f"{QUEUE}-none", task={"http_request": {"url": "http://127.0.0.1:9/"}})
        with pytest.raises(grpc.RpcError) as refused:
            channel.unary_unary(create.grpc_path)(unknown.SerializeToString(), timeout=60)
        assert refused.value.code() is grpc.StatusCode.NOT_FOUND
    trust = ssl.create_default_context(cafile=str(tmp_path / "ca.pem"))
    assert httpx.get(f"https://{address}/v2/{QUEUE}", verify=trust).json()["name"] == QUEUE
