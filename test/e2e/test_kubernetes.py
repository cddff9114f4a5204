"""The Kubernetes examples fit the binary, the image and each other.

There is no Kubernetes API here. So not covered: that it accepts the manifests (they are read as YAML and checked for what
they say of each other), scheduling, volumes' owners, and the pods' names in the DNS.
"""
import os
import re
import shutil
import subprocess

import pytest
import yaml

import server
from deployment import KEYS, PORTS, dockerfile, port_of, troupe
from server import ROOT

KUBERNETES = ROOT / "examples" / "kubernetes"


def manifests(folder=KUBERNETES):
    found = {}
    for path in sorted(folder.glob("*.yaml")):
        for document in yaml.safe_load_all(path.read_text()):
            found[document["kind"], document["metadata"]["name"]] = document
    return found


@pytest.fixture(scope="module")
def kube():
    return manifests()


def pod_of(kube):
    return kube["StatefulSet", "troupe"]["spec"]["template"]


def node_container(kube):
    return pod_of(kube)["spec"]["containers"][0]


def test_the_manifests_name_no_namespace_and_hold_no_secret(kube):
    everything = {**kube, **manifests(KUBERNETES / "templates")}
    assert not any("namespace" in document["metadata"] for document in everything.values())
    assert not any(kind == "Secret" for kind, _ in kube), "applying the folder must not replace keys by nothing"
    for (kind, _), document in everything.items():
        if kind == "Secret":
            assert set(document["data"].values()) == {""}


def test_every_selector_finds_the_pods(kube):
    labels = pod_of(kube)["metadata"]["labels"]
    spec = kube["StatefulSet", "troupe"]["spec"]
    term = pod_of(kube)["spec"]["affinity"]["podAntiAffinity"]["requiredDuringSchedulingIgnoredDuringExecution"][0]
    selectors = [spec["selector"]["matchLabels"], term["labelSelector"]["matchLabels"],
                 kube["PodDisruptionBudget", "troupe"]["spec"]["selector"]["matchLabels"],
                 kube["NetworkPolicy", "troupe"]["spec"]["podSelector"]["matchLabels"]]
    selectors += [s["spec"]["selector"] for (kind, _), s in kube.items() if kind == "Service"]
    for selector in selectors:
        assert selector.items() <= labels.items()
    assert kube["PodDisruptionBudget", "troupe"]["spec"]["maxUnavailable"] == 1


def test_the_pods_are_the_nodes_of_the_configuration(kube, tmp_path):
    text = kube["ConfigMap", "troupe-config"]["data"]["cluster.yaml"]
    config = yaml.safe_load(text)["storage"]
    spec = kube["StatefulSet", "troupe"]["spec"]
    headless = kube["Service", spec["serviceName"]]
    assert headless["spec"]["clusterIP"] == "None" and headless["spec"]["publishNotReadyAddresses"] is True
    pods = [f"troupe-{i}" for i in range(spec["replicas"])]
    assert len(pods) == 5
    assert [(n["id"], n["address"]) for n in config["nodes"]] == [
        (pod, f"{pod}.{spec['serviceName']}:{PORTS['nodes']}") for pod in pods]
    node = {e["name"]: e for e in node_container(kube)["env"]}["TROUPE_NODE"]
    assert node["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    assert spec["podManagementPolicy"] == "Parallel"  # one after the other they would wait for each other for ever
    (tmp_path / "cluster.yaml").write_text(text)
    refused = troupe("serve", "--config", tmp_path / "cluster.yaml", "--node", "nosuch")
    assert refused.returncode == 2 and ", ".join(pods) in refused.stderr
    arguments = node_container(kube)["args"]
    assert arguments[0] == "serve" and arguments[-1] in {m["mountPath"] for m in node_container(kube)["volumeMounts"]}


def test_ports_and_probes_are_those_of_the_configuration(kube):
    config = yaml.safe_load(kube["ConfigMap", "troupe-config"]["data"]["cluster.yaml"])["storage"]
    container = node_container(kube)
    ports = {p["name"]: p["containerPort"] for p in container["ports"]}
    assert ports == PORTS
    assert port_of(config["s3"]["address"]) == ports["s3"] and port_of(config["console"]["address"]) == ports["console"]
    assert config["console"]["address"].startswith(":"), "the kubelet asks from outside of the pod"
    for probe, path in (("startupProbe", "/health"), ("livenessProbe", "/health"), ("readinessProbe", "/ready")):
        assert container[probe]["httpGet"] == {"path": path, "port": "console"}
    for (kind, name), service in kube.items():
        if kind == "Service":
            for p in service["spec"]["ports"]:
                assert ports[p["targetPort"]] == p["port"], name
    allowed = {p["port"] for rule in kube["NetworkPolicy", "troupe"]["spec"]["ingress"] for p in rule["ports"]}
    assert allowed == set(ports.values())


def test_pods_find_their_volume_certificates_and_keys(kube):
    config = yaml.safe_load(kube["ConfigMap", "troupe-config"]["data"]["cluster.yaml"])["storage"]
    spec, container = pod_of(kube)["spec"], node_container(kube)
    mounts = {m["name"]: m["mountPath"] for m in container["volumeMounts"]}
    claims = kube["StatefulSet", "troupe"]["spec"]["volumeClaimTemplates"]
    assert {n["data_dir"] for n in config["nodes"]} == {mounts[claims[0]["metadata"]["name"]]}
    assert {os.path.dirname(path) for path in config["tls"].values()} == {mounts["tls"]}
    assert set(mounts) == {v["name"] for v in spec["volumes"]} | {c["metadata"]["name"] for c in claims}
    templates = manifests(KUBERNETES / "templates")
    tls = next(v for v in spec["volumes"] if v["name"] == "tls")["secret"]["secretName"]
    files = {"ca.pem"} | {f"{n['id']}.{kind}" for n in config["nodes"] for kind in ("pem", "key")}
    assert set(templates["Secret", tls]["data"]) == files
    for variable in KEYS:
        source = next(e for e in container["env"] if e["name"] == variable)["valueFrom"]["secretKeyRef"]
        assert source["key"] in templates["Secret", source["name"]]["data"]


def test_pods_run_without_root_and_get_time_to_stop(kube):
    spec = pod_of(kube)["spec"]
    user = int(dict(dockerfile())["USER"].split(":")[0])
    assert spec["securityContext"]["runAsNonRoot"] is True and spec["securityContext"]["runAsUser"] == user
    assert spec["securityContext"]["fsGroup"] == user
    for container in spec["containers"] + spec["initContainers"]:
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
    assert spec["terminationGracePeriodSeconds"] > 30


def test_the_commands_of_the_kubernetes_page_make_what_the_secrets_hold(tmp_path):
    page = (KUBERNETES / "README.md").read_text()
    script = "\n".join(line.split(" kubectl ")[0] for line in page.split("```")[1].splitlines()
                       if re.match(r"troupe ca|for i in|\(umask", line))
    (tmp_path / "bin").mkdir()
    shutil.copy(server.BINARY, tmp_path / "bin" / "troupe")
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, capture_output=True, timeout=60,
                   env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    templates = manifests(KUBERNETES / "templates")
    made = {"ca.pem"} | set(os.listdir(tmp_path / "ca" / "nodes"))
    assert made == set(templates["Secret", "troupe-tls"]["data"])
    assert all((tmp_path / name).stat().st_size >= 8 for name in templates["Secret", "troupe-keys"]["data"])
