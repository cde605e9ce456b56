"""The files of a deployment agree with the server: its settings, routes, metrics and times."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import yaml

from serving.http.app import create_app
from serving.http.lifecycle import Service
from serving.http.metrics import Metrics
from serving.settings import TABLE, read_settings

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "serving" / "deployment"
DEFAULTS = read_settings({}, {})
VARIABLES = {setting.variable: setting for setting in TABLE}
SECONDS_BEYOND_DRAINING = 5


@pytest.fixture
def rida():
    return yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]["rida"]


@pytest.fixture
def manifests():
    return {each["kind"]: each for each in yaml.safe_load_all((FOLDER / "kubernetes.yaml").read_text())}


@pytest.fixture
def pod(manifests):
    return manifests["Deployment"]["spec"]["template"]["spec"]


@pytest.fixture
def container(pod):
    (only,) = pod["containers"]
    return only


@pytest.fixture
def routes():
    return create_app(Service(DEFAULTS, load=lambda: pytest.fail("no weights are needed"))).openapi()["paths"]


@pytest.fixture
def metric_names():
    return {
        line.split()[2]
        for line in Metrics().exposition().decode().splitlines()
        if line.startswith("# TYPE")
    }  # fmt: skip


def variables_of(container: dict) -> dict[str, str | None]:
    return {each["name"]: each.get("value") for each in container["env"]}


def test_every_variable_set_is_a_setting_with_an_allowed_value(rida, container):
    for variables in (rida["environment"], variables_of(container)):
        for name, value in variables.items():
            setting = VARIABLES[name]
            if value and not value.startswith("${"):
                setting.read(value)


def test_every_variable_that_the_image_and_the_docs_speak_of_is_a_setting():
    spoken = set()
    for name in ("Dockerfile", "docs/deployment.md", "docs/http.md", "serving/deployment/compose.yaml"):
        spoken |= set(re.findall(r"RIDA_[A-Z_]+[A-Z]", (ROOT / name).read_text()))
    of_compose_itself = {"RIDA_KEY", "RIDA_PUBLISHED_PORT"}
    assert spoken - of_compose_itself <= set(VARIABLES)


def test_whoever_stops_the_server_waits_longer_than_it_drains(rida, pod, container):
    drain = DEFAULTS.drain_seconds
    assert "RIDA_DRAIN_SECONDS" not in rida["environment"]
    assert int(rida["stop_grace_period"].removesuffix("s")) >= drain + SECONDS_BEYOND_DRAINING
    drain = int(variables_of(container)["RIDA_DRAIN_SECONDS"])
    before = int(container["lifecycle"]["preStop"]["exec"]["command"][-1])
    assert pod["terminationGracePeriodSeconds"] >= before + drain + SECONDS_BEYOND_DRAINING


def test_probes_and_health_check_ask_routes_that_need_no_key(container, routes):
    asked = [container[f"{kind}Probe"]["httpGet"]["path"] for kind in ("startup", "readiness", "liveness")]
    asked.append(re.search(r"/v2/[a-z/]+", (ROOT / "Dockerfile").read_text())[0])
    assert all("security" not in routes[path]["get"] for path in asked)


def test_everything_listens_and_asks_on_the_same_port(rida, manifests, container):
    (port,) = container["ports"]
    assert port["containerPort"] == DEFAULTS.port
    assert rida["ports"][0].endswith(f":{DEFAULTS.port}")
    assert manifests["Service"]["spec"]["ports"][0]["targetPort"] == port["name"]
    assert f"EXPOSE {DEFAULTS.port}\n" in (ROOT / "Dockerfile").read_text()
    prometheus = yaml.safe_load((FOLDER / "prometheus.yaml").read_text())
    assert prometheus["scrape_configs"][0]["static_configs"][0]["targets"] == [f"rida:{DEFAULTS.port}"]


def test_nothing_runs_as_root_or_may_write(rida, pod, container):
    user = pod["securityContext"]["runAsUser"]
    assert f"USER {user}\n" in (ROOT / "Dockerfile").read_text()
    assert pod["securityContext"]["runAsNonRoot"]
    assert container["securityContext"]["readOnlyRootFilesystem"]
    assert rida["read_only"]
    assert rida["cap_drop"] == container["securityContext"]["capabilities"]["drop"] == ["ALL"]


def test_a_pod_is_given_whole_cores_and_never_throttled_below_its_request(container):
    resources = container["resources"]
    assert resources["requests"]["cpu"] == resources["limits"]["cpu"]
    assert resources["limits"]["cpu"].isdecimal()


def test_the_deployment_its_service_budget_and_autoscaler_mean_the_same_pods(manifests):
    labels = manifests["Deployment"]["spec"]["template"]["metadata"]["labels"]
    assert manifests["Deployment"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["Service"]["spec"]["selector"] == labels
    assert manifests["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"] == labels
    assert manifests["HorizontalPodAutoscaler"]["spec"]["scaleTargetRef"]["name"] == "rida"


def test_files_that_compose_mounts_are_there():
    services = yaml.safe_load((FOLDER / "compose.yaml").read_text())["services"]
    mounted = [volume for each in services.values() for volume in each.get("volumes", []) if volume.startswith("./")]
    assert len(mounted) == 4
    for volume in mounted:
        assert (FOLDER / volume.split(":")[0]).is_file()
    context = FOLDER / services["rida"]["build"]["context"]
    assert (context / "Dockerfile").is_file()


def expressions() -> list[str]:
    board = json.loads((FOLDER / "grafana" / "rida.json").read_text())
    return [target["expr"] for panel in board["panels"] for target in panel["targets"]]


def test_the_dashboard_and_the_alerts_ask_for_metrics_that_exist(metric_names):
    asked = expressions() + re.findall(r"\| `(.*rida_.*)`", (ROOT / "docs/deployment.md").read_text())
    assert len(asked) > 18
    for expression in asked:
        names = re.findall(r"\b((?:rida|process)_[a-z_]+)", expression)
        assert names
        for name in names:
            assert {name, re.sub(r"_(bucket|sum|count|total)$", "", name)} & metric_names, name


def test_every_metric_of_our_own_is_on_the_dashboard(metric_names):
    shown = " ".join(expressions())
    missing = {name for name in metric_names if name.startswith("rida_") and name not in shown}
    assert not missing


def test_every_metric_of_our_own_is_in_the_docs(metric_names):
    documented = (ROOT / "docs/http.md").read_text()
    assert not {name for name in metric_names if name.startswith("rida_") and f"`{name}" not in documented}
