"""Google's clients with key files that were made here, over TLS with an authority of the tests' own."""

from __future__ import annotations

import json
import os
import re
import ssl
import subprocess
import sys
from base64 import b64decode
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
from tests.endtoend import page_programs
from tests.endtoend.official_programs import node_project, tool
from tests.servers.test_tls import Authority

QUEUE = "projects/shop/locations/here/queues/mail"
DENIED = (
    f'The principal (user or service account) lacks IAM permission "cloudtasks.tasks.create" for the resource '
    f'"{QUEUE}" (or the resource may not exist).'
)
SHORT_LIVED = ("-XX:TieredStopAtLevel=1", "-XX:+UseSerialGC")
"""For a JVM that has little to do: it compiles quickly and collects on one thread."""
ADMIN_TOKEN = "the-admin-s-token"
PROGRAM = Path(__file__).with_name("key_file_program.py")


class Served(NamedTuple):
    """A server over TLS, the authority's file, and a client of its admin."""

    address: str
    ca: Path
    admin: httpx.Client

    def key_file(self, account: str, role: str, file: Path) -> Path:
        """The key file of a new account that has this role in the project."""
        email = f"{account}@shop.iam.gserviceaccount.com"
        self._post("/v1/projects/shop/serviceAccounts", {"accountId": account})
        key = self._post(f"/v1/projects/-/serviceAccounts/{email}/keys", {})
        policy = self._post("/v1/projects/shop:getIamPolicy", {})
        policy.setdefault("bindings", []).append({"role": role, "members": [f"serviceAccount:{email}"]})
        self._post("/v1/projects/shop:setIamPolicy", {"policy": policy})
        file.write_bytes(b64decode(key["privateKeyData"]))
        return file

    def _post(self, path: str, body: object) -> dict:  # type: ignore[type-arg]
        answer = self.admin.post(path, json=body)
        assert answer.status_code == 200, answer.text
        said: dict = answer.json()  # type: ignore[type-arg]
        return said


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    authority = Authority()
    identity = authority.identity("server")
    (folder / "ca.pem").write_bytes(authority.certificate)
    (folder / "cert.pem").write_bytes(identity.cert)
    (folder / "key.pem").write_bytes(identity.key)
    (folder / "tokens.txt").write_text(f"user:admin@example.com sha256:{sha256(ADMIN_TOKEN.encode()).hexdigest()}\n")
    command = [sys.executable, "-m", "tidegate", "serve", "--port", "0", "--store", "sqlite://:memory:", "--access"]
    command += ["--host", "localhost", "--admin", "user:admin@example.com", "--tokens", "tokens.txt"]
    command += ["--tls-cert", "cert.pem", "--tls-key", "key.pem", "--queue", QUEUE]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, cwd=folder) as server:
        try:
            assert server.stdout is not None
            ready = re.fullmatch(r"listening on https://(\S+)\n", server.stdout.readline())
            assert ready is not None
            trust = ssl.create_default_context(cafile=folder / "ca.pem")
            headers = {"Authorization": f"Bearer {ADMIN_TOKEN}"}
            with httpx.Client(base_url=f"https://{ready[1]}", headers=headers, verify=trust) as admin:
                yield Served(ready[1], folder / "ca.pem", admin)
        finally:
            server.terminate()
        assert server.wait(30) == 0


def python_program(served: Served, folder: Path) -> list[str]:
    return [sys.executable, str(PROGRAM)]


def node_program(served: Served, folder: Path) -> list[str]:
    program = node_project() / "key_file_program.mjs"
    program.write_bytes(PROGRAM.with_suffix(".mjs").read_bytes())
    return [tool("node"), str(program)]


def go_program(served: Served, folder: Path) -> list[str]:
    return page_programs.go(PROGRAM.with_suffix(".go").read_text(), folder)


def java_program(served: Served, folder: Path) -> list[str]:
    trusted = folder / "trusted.p12"
    password = "not-a-secret"
    if not trusted.exists():
        command = [tool("keytool"), "-importcert", "-noprompt", "-alias", "ca", "-file", str(served.ca)]
        command += ["-keystore", str(trusted), "-storetype", "PKCS12", "-storepass", password]
        subprocess.run(command, capture_output=True, timeout=60, check=True)
    java, *arguments = page_programs.java(PROGRAM.with_name("KeyFileProgram.java").read_text(), folder)
    trust = [f"-Djavax.net.ssl.trustStore={trusted}", f"-Djavax.net.ssl.trustStorePassword={password}"]
    return [java, *SHORT_LIVED, *trust, *arguments]


PROGRAMS: dict[str, Callable[[Served, Path], list[str]]] = {
    "python": python_program,
    "node": node_program,
    "go": go_program,
}
"""How to run each program, given the server and a folder to work in."""


def accounts(served: Served, folder: Path, name: str) -> tuple[Path, Path]:
    """Key files of an account that may create tasks, and of one that may only look."""
    enqueuer = served.key_file(f"enqueuer-{name}", "roles/cloudtasks.enqueuer", folder / "enqueuer.json")
    viewer = served.key_file(f"viewer-{name}", "roles/cloudtasks.viewer", folder / "viewer.json")
    assert json.loads(enqueuer.read_text())["token_uri"] == f"https://{served.address}/token"
    return enqueuer, viewer


def is_denial(said: str) -> bool:
    """REST clients put verb and URL before Google's text, Java's quotes the JSON."""
    return said.startswith("403 ") and DENIED in said.replace('\\"', '"')


def created(served: Served, command: list[str], key_file: Path, transport: str) -> str:
    """What the program says that creates a task."""
    ca = str(served.ca)
    environment = {
        **os.environ,
        "GOOGLE_APPLICATION_CREDENTIALS": str(key_file),
        "GRPC_DEFAULT_SSL_ROOTS_FILE_PATH": ca,
        "NODE_EXTRA_CA_CERTS": ca,
        "REQUESTS_CA_BUNDLE": ca,
        "SSL_CERT_FILE": ca,
    }
    command = [*command, served.address, transport, QUEUE]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


@pytest.mark.parametrize("transport", ["grpc", "rest"])
@pytest.mark.parametrize("language", PROGRAMS)
def test_an_enqueuer_creates_a_task_and_a_viewer_gets_google_s_denial(
    served: Served, tmp_path: Path, language: str, transport: str
) -> None:
    enqueuer, viewer = accounts(served, tmp_path, f"{language}-{transport}")
    program = PROGRAMS[language](served, tmp_path)
    assert created(served, program, enqueuer, transport) == "True"
    assert is_denial(created(served, program, viewer, transport))


def test_so_it_is_with_gcloud_which_administers_it_too(served: Served, tmp_path: Path) -> None:
    """It asks for its tokens at the key file's ``token_uri``. Each line costs seconds, so there are few."""
    url, email = f"https://{served.address}/", "gcloud-mailer@shop.iam.gserviceaccount.com"
    token, key_file = tmp_path / "token", tmp_path / "mailer.json"
    token.write_text(ADMIN_TOKEN)
    environment = {
        **os.environ,
        **{f"CLOUDSDK_API_ENDPOINT_OVERRIDES_{api}": url for api in ("CLOUDTASKS", "CLOUDRESOURCEMANAGER", "IAM")},
        "CLOUDSDK_CONFIG": str(tmp_path / "gcloud"),
        "CLOUDSDK_CORE_PROJECT": "shop",
        "CLOUDSDK_CORE_DISABLE_PROMPTS": "1",
        "CLOUDSDK_CORE_CUSTOM_CA_CERTS_FILE": str(served.ca),
        "REQUESTS_CA_BUNDLE": str(served.ca),
    }

    def typed(line: str, **more: str) -> subprocess.CompletedProcess[str]:
        command = [tool("gcloud"), *line.split()]
        given = {**environment, **more}
        return subprocess.run(command, env=given, capture_output=True, text=True, timeout=300, check=False)

    def good(line: str, **more: str) -> None:
        done = typed(line, **more)
        assert done.returncode == 0, done.stderr

    admin = {"CLOUDSDK_AUTH_ACCESS_TOKEN_FILE": str(token)}
    create = "tasks create-http-task --queue mail --location here --url http://127.0.0.1:9/"
    good("iam service-accounts create gcloud-mailer", **admin)
    good(f"iam service-accounts keys create {key_file} --iam-account {email}", **admin)
    good(f"auth activate-service-account --key-file {key_file}")
    refused = typed(create)
    assert refused.returncode == 1
    assert DENIED in refused.stderr
    binding = f"--member serviceAccount:{email} --role roles/cloudtasks.enqueuer"
    good(f"projects add-iam-policy-binding shop {binding}", **admin)
    good(create)


def test_so_it_is_with_java(served: Served, tmp_path: Path) -> None:
    """Over gRPC, with scopes and without, and over REST; in one process, for a JVM takes seconds to start."""
    enqueuer, viewer = accounts(served, tmp_path, "java")
    command = [*java_program(served, tmp_path), served.address, QUEUE, str(enqueuer), str(viewer)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr
    said = done.stdout.splitlines()
    assert said[:3] == ["True", "True", "True"]
    assert [is_denial(line) for line in said[3:]] == [True, True, True]
