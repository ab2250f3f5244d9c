"""The Helm chart, as Helm rendered it: Kubernetes takes it, and the server reads its settings."""

from __future__ import annotations

import shutil
from typing import Annotated, Any, Literal

import kubernetes_validate
import msgspec
import pytest
import yaml
from tests.deploy.charts import CASES, CHART, RENDERED, digest, render

import tidegate
from tidegate.settings import load

VERSIONS = ["1.25", "1.37"]
"""The oldest that the chart is for, and the newest whose schemas there are."""


DURATION = r"^(0|(\d+y)?(\d+w)?(\d+d)?(\d+h)?(\d+m)?(\d+s)?(\d+ms)?)$"


class Closed(msgspec.Struct, forbid_unknown_fields=True):
    """What may have no other fields than these."""


class Endpoint(Closed):
    """What the operator of Prometheus (0.84) lets an endpoint say, as far as the chart says something."""

    port: str
    path: str = ""
    interval: Annotated[str, msgspec.Meta(pattern=DURATION)] = "0"
    scheme: Literal["http", "https"] = "http"


class Selector(Closed):
    """By which labels services are found."""

    matchLabels: dict[str, str]  # noqa: N815 - the schema's name


class Spec(Closed):
    """Both fields are required there."""

    selector: Selector
    endpoints: list[Endpoint]


class ServiceMonitor(Closed, tag_field="kind", tag="ServiceMonitor"):
    """Version 1 of the resource, in the group of the operator of Prometheus."""

    apiVersion: Literal["monitoring.coreos.com/v1"]  # noqa: N815 - the schema's name
    metadata: dict[str, Any]
    spec: Spec


def objects(case: str) -> list[dict[str, Any]]:
    return [each for each in yaml.safe_load_all((RENDERED / f"{case}.yaml").read_text()) if each]


def of_kind(case: str, kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects(case) if each["kind"] == kind]
    return found


def pod(case: str) -> dict[str, Any]:
    found: dict[str, Any] = of_kind(case, WORKLOADS[case])["spec"]["template"]["spec"]
    return found


WORKLOADS = {"sqlite": "StatefulSet", "postgresql": "Deployment"}


@pytest.mark.parametrize("case", CASES)
def test_what_is_rendered_is_of_this_chart(case: str) -> None:
    assert digest() in (RENDERED / f"{case}.yaml").read_text().splitlines()[0], "run: make charts"


@pytest.mark.skipif(shutil.which("helm") is None, reason="needs helm: go install helm.sh/helm/v3/cmd/helm@latest")
@pytest.mark.parametrize("case", CASES)
def test_helm_renders_it_the_same(case: str) -> None:
    assert (RENDERED / f"{case}.yaml").read_text().partition("\n")[2] == render("helm", CASES[case])


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("case", CASES)
def test_kubernetes_takes_it(case: str, version: str) -> None:
    for each in objects(case):
        if each["kind"] == "ServiceMonitor":  # its schema is that of another program
            msgspec.convert(each, ServiceMonitor)
        else:
            kubernetes_validate.validate(each, version, strict=True)


def test_a_monitor_that_the_operator_of_prometheus_would_refuse_is_found() -> None:
    monitor = of_kind("postgresql", "ServiceMonitor")
    for wrong in ({"interval": "15"}, {"scheme": "tls"}, {"port": 8123}, {"intervall": "15s"}):
        broken = {**monitor, "spec": {**monitor["spec"], "endpoints": [{**monitor["spec"]["endpoints"][0], **wrong}]}}
        with pytest.raises(msgspec.ValidationError):
            msgspec.convert(broken, ServiceMonitor)


@pytest.mark.parametrize("case", CASES)
def test_the_pod_may_do_nothing_but_serve(case: str) -> None:
    spec, (container,) = pod(case), pod(case)["containers"]
    assert spec["securityContext"]["runAsNonRoot"]
    assert not spec["automountServiceAccountToken"]
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    paths = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "liveness", "readiness")]
    assert paths == ["/healthz", "/healthz", "/readyz"]


@pytest.mark.parametrize("case", CASES)
def test_the_server_reads_its_settings_and_has_time_to_stop(case: str) -> None:
    (container,) = pod(case)["containers"]
    said = {each["name"]: each["value"] for each in container["env"] if each["name"].startswith("TIDEGATE_")}
    settings = load(environment=said).settings
    assert set(settings.allow_hosts) >= {"tasks-tidegate", "tasks-tidegate.shop", "tasks-tidegate.shop.svc"}
    assert pod(case)["terminationGracePeriodSeconds"] >= settings.drain.total_seconds() + 15


def test_a_file_has_one_pod_and_a_volume_a_database_has_many() -> None:
    assert of_kind("sqlite", "StatefulSet")["spec"]["replicas"] == 1
    (claim,) = of_kind("sqlite", "StatefulSet")["spec"]["volumeClaimTemplates"]
    assert claim["metadata"]["name"] == "data"
    assert of_kind("postgresql", "Deployment")["spec"]["replicas"] == 3
    (password,) = [each for each in pod("postgresql")["containers"][0]["env"] if each["name"] == "PGPASSWORD"]
    assert password["valueFrom"]["secretKeyRef"] == {"name": "tidegate-database", "key": "password"}


def test_a_drain_of_machines_takes_one_pod_at_a_time_and_prometheus_finds_them() -> None:
    labels = of_kind("postgresql", "Deployment")["spec"]["template"]["metadata"]["labels"]
    budget = of_kind("postgresql", "PodDisruptionBudget")["spec"]
    assert budget["maxUnavailable"] == 1
    assert budget["selector"]["matchLabels"].items() <= labels.items()
    monitor, service = of_kind("postgresql", "ServiceMonitor")["spec"], of_kind("postgresql", "Service")
    assert monitor["selector"]["matchLabels"].items() <= service["metadata"]["labels"].items()
    assert monitor["endpoints"][0]["port"] in {port["name"] for port in service["spec"]["ports"]}


def test_the_chart_is_of_this_version() -> None:
    about = yaml.safe_load((CHART / "Chart.yaml").read_text())
    assert (about["version"], about["appVersion"]) == (tidegate.__version__, tidegate.__version__)
