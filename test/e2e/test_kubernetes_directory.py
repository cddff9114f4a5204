"""The directory's Kubernetes example fits the binary and itself. It is read as YAML; there is no Kubernetes API here."""
import re
import subprocess
import os
import shutil

import pytest
import yaml

import server
from deployment import KEYS, dockerfile, troupe
from test_kubernetes import KUBERNETES, manifests

FOLDER = KUBERNETES / "directory"


@pytest.fixture(scope="module")
def kube():
    return manifests(FOLDER)


def container(kube):
    return kube["StatefulSet", "bucket"]["spec"]["template"]["spec"]["containers"][0]


def test_d3_d4_a_pods_name_is_its_nodes_id_and_its_address(kube, tmp_path):
    text = kube["ConfigMap", "bucket-config"]["data"]["cluster.yaml"]
    config, spec = yaml.safe_load(text)["storage"], kube["StatefulSet", "bucket"]["spec"]
    pods = [f"bucket-{i}" for i in range(spec["replicas"])]
    assert [(n["id"], n["address"]) for n in config["nodes"]] == [(p, f"{p}.{spec['serviceName']}:9101") for p in pods]
    node = {e["name"]: e for e in container(kube)["env"]}["TROUPE_NODE"]
    assert node["valueFrom"]["fieldRef"]["fieldPath"] == "metadata.name"
    headless = kube["Service", spec["serviceName"]]["spec"]
    assert headless["clusterIP"] == "None" and headless["publishNotReadyAddresses"] is True
    (tmp_path / "cluster.yaml").write_text(text)  # the binary reads it
    refused = troupe("serve", "--config", tmp_path / "cluster.yaml", "--node", "nosuch")
    assert refused.returncode == 2 and ", ".join(pods) in refused.stderr


def test_d14_volumes_probes_and_selectors(kube):
    spec = kube["StatefulSet", "bucket"]["spec"]
    labels = spec["template"]["metadata"]["labels"]
    for selector in (spec["selector"]["matchLabels"], kube["Service", "bucket"]["spec"]["selector"]):
        assert selector.items() <= labels.items()
    claim = spec["volumeClaimTemplates"][0]
    assert claim["spec"]["accessModes"] == ["ReadWriteOnce"] and claim["spec"]["resources"]["requests"]["storage"] == "1Gi"
    mounts = {m["name"]: m["mountPath"] for m in container(kube)["volumeMounts"]}
    config = yaml.safe_load(kube["ConfigMap", "bucket-config"]["data"]["cluster.yaml"])["storage"]
    assert {n["data_dir"] for n in config["nodes"]} == {mounts[claim["metadata"]["name"]]}
    assert {os.path.dirname(path) for path in config["tls"].values()} == {mounts["tls"]}
    for probe, path in (("livenessProbe", "/health"), ("readinessProbe", "/ready"), ("startupProbe", "/health")):
        assert container(kube)[probe]["httpGet"] == {"path": path, "port": "console"}
    assert config["console"]["address"].startswith(":"), "the kubelet asks from outside of the pod"
    assert set(KEYS) <= {e["name"] for e in container(kube)["env"]}
    user = int(dict(dockerfile())["USER"].split(":")[0])
    assert spec["template"]["spec"]["securityContext"]["runAsUser"] == user


def test_x14_the_example_is_open_to_the_pod_only(kube):
    config = yaml.safe_load(kube["ConfigMap", "bucket-config"]["data"]["cluster.yaml"])["storage"]
    assert config["directory"]["address"] == "127.0.0.1:8000"
    assert "8888:8000" in (FOLDER / "README.md").read_text()


def test_the_commands_of_the_page_make_what_the_pods_mount(kube, tmp_path):
    page = (FOLDER / "README.md").read_text()
    script = "\n".join(line for line in page.split("```")[1].splitlines() if re.match(r"troupe ca|for i in|\(umask", line))
    (tmp_path / "bin").mkdir()
    shutil.copy(server.BINARY, tmp_path / "bin" / "troupe")
    subprocess.run(["bash", "-euc", script], cwd=tmp_path, check=True, capture_output=True, timeout=60,
                   env={**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}"})
    made = set(os.listdir(tmp_path / "ca" / "nodes"))
    assert made == {f"bucket-{i}.{kind}" for i in range(3) for kind in ("pem", "key")}
    keys = {e["valueFrom"]["secretKeyRef"]["key"] for e in container(kube)["env"] if "secretKeyRef" in e["valueFrom"]}
    assert keys == {"access_key", "secret_key"} and all((tmp_path / k).stat().st_size for k in keys)
