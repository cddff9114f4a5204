"""What ships for running Troupe elsewhere fits the binary and itself: Dockerfile, Compose, systemd, examples.

There is no Docker daemon here. So not covered: that the image builds (its steps are looked at, and what it runs is run in a
plain folder), that Compose accepts its file (it is read as YAML and checked for what it says), volumes' owners, and the
names that Docker gives to containers.
"""
import configparser
import fnmatch
import os
import pathlib
import re
import shlex
import shutil
import subprocess

import pytest
import yaml

import server
from conftest import client_of
from deployment import KEYS, PORTS, dockerfile, load, port_of, troupe
from server import ROOT, wait_until

CONFIGURATIONS = ["config/cluster.yaml", "config/erasure.yaml", "config/split.yaml", "config/reference.yaml", "config/compose.yaml",
                  "examples/local-cluster.yaml"]


def packages_of(which):
    done = subprocess.run([ROOT / "scripts" / "deps.sh", "--list", which], check=True, capture_output=True, text=True)
    return done.stdout.split()


# ---- every file ----------------------------------------------------------------------------------------------------


def test_every_yaml_file_parses():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard", "*.yaml", "*.yml"], cwd=ROOT,
                            check=True, capture_output=True, text=True).stdout.split()
    assert "docker-compose.yml" in listed
    for path in listed:
        assert all(document for document in yaml.safe_load_all((ROOT / path).read_text())), path


@pytest.mark.parametrize("path", CONFIGURATIONS)
def test_the_binary_takes_each_configuration_and_refuses_only_the_node(path):
    refused = troupe("serve", "--config", path, "--node", "nosuch")
    assert refused.returncode == 2
    ids = ", ".join(n["id"] for n in load(path)["storage"]["nodes"])
    assert refused.stderr == f"troupe: --node is 'nosuch', which is no node of {path}; expected one of {ids}\n"


# ---- Dockerfile ----------------------------------------------------------------------------------------------------


def test_the_image_copies_what_is_there_and_not_ignored():
    ignored = (ROOT / ".dockerignore").read_text().splitlines()
    kept = [line[1:] for line in ignored if line.startswith("!")]
    assert "*" in ignored
    for verb, rest in dockerfile():
        words = rest.split()
        if verb != "COPY" or words[0].startswith("--from"):
            continue
        for source in words[:-1]:
            assert (ROOT / source).exists(), source
            assert any(fnmatch.fnmatch(source, pattern) for pattern in kept), f"{source} is not let through by .dockerignore"
    assert all((ROOT / path).exists() for path in kept)


def test_the_image_is_two_stages_of_debian_12_without_root():
    steps = dockerfile()
    assert [rest for verb, rest in steps if verb == "FROM"] == ["debian:12-slim AS build", "debian:12-slim"]
    last = dict(steps[max(i for i, step in enumerate(steps) if step[0] == "FROM"):])
    assert int(last["USER"].split(":")[0]) > 0
    assert last["VOLUME"] == "/data"
    assert last["EXPOSE"].split() == [str(p) for p in PORTS.values()]
    assert last["ENTRYPOINT"] == '["troupe"]'
    assert "/health" in last["HEALTHCHECK"]
    ran = [rest for verb, rest in steps if verb == "RUN"]
    assert ran[0] == "scripts/deps.sh build"
    assert any(step.startswith("/tmp/deps.sh runtime") for step in ran)
    assert not any("apt-get" in step for step in ran), "packages are listed in scripts/deps.sh alone"


def test_the_runtime_packages_have_every_library_that_the_binary_loads():
    needed = re.findall(r"NEEDED\s+(\S+)", subprocess.run(["objdump", "-p", str(server.BINARY)], check=True, capture_output=True,
                                                           text=True).stdout)
    loaded = dict(re.findall(r"(\S+) => (/\S+)", subprocess.run(["ldd", str(server.BINARY)], check=True, capture_output=True,
                                                                text=True).stdout))
    if any("san.so" in name for name in needed):
        pytest.skip("a sanitized build loads more than what people run")
    runtime = set(packages_of("runtime"))
    owners = {}
    for name in needed:  # what those load in turn is their packages' business
        path = pathlib.Path(loaded.get(name, "/lib64/" + name)).resolve()
        found = subprocess.run(["dpkg", "-S", f"*/{path.name}"], check=True, capture_output=True, text=True).stdout
        owners[name] = {line.split(":")[0] for line in found.splitlines()}
    everywhere = {"libc6", "libgcc-s1"}  # libstdc++6 needs both
    for name, packages in owners.items():
        assert packages & (runtime | everywhere), f"{name}, of {packages}, is not in `scripts/deps.sh runtime`"
    superfluous = runtime - set().union(*owners.values())
    assert not superfluous, "the binary loads nothing of these"


# ---- Compose -------------------------------------------------------------------------------------------------------


def compose_nodes():
    services = load("docker-compose.yml")["services"]
    return {name: s for name, s in services.items() if "TROUPE_NODE" in s.get("environment", {})}


def test_compose_runs_the_five_nodes_of_its_configuration():
    config = load("config/compose.yaml")["storage"]
    listed = {n["id"]: n for n in config["nodes"]}
    nodes = compose_nodes()
    assert sorted(nodes) == sorted(listed) and len(nodes) == 5
    volumes = load("docker-compose.yml")["volumes"]
    data = []
    for name, service in nodes.items():
        assert service["environment"]["TROUPE_NODE"] == name
        # The name by which others reach it is the one that it finds its own address by.
        assert listed[name]["address"] == f"{service['hostname']}:{PORTS['nodes']}" and service["hostname"] == name
        mounted = {target: source for source, target in (v.split(":")[:2] for v in service["volumes"])}
        assert mounted["/etc/troupe/cluster.yaml"] == "./config/compose.yaml"
        data.append(mounted[listed[name]["data_dir"]])
        for path in config["tls"].values():
            assert os.path.dirname(path) in mounted
        assert set(mounted.values()) - {"./config/compose.yaml"} <= set(volumes)
        assert service["restart"] == "unless-stopped"
        assert int(service["stop_grace_period"].rstrip("s")) > 30  # what `serve` gives requests in flight
        assert service["healthcheck"]["test"] == ["CMD", "troupe-probe", "/ready"]
    assert len(set(data)) == 5
    assert port_of(config["s3"]["address"]) == PORTS["s3"] and port_of(config["console"]["address"]) == PORTS["console"]
    assert nodes["node-1"]["ports"] == [f"127.0.0.1:{p}:{p}" for p in (PORTS["s3"], PORTS["console"])]


def test_compose_has_no_default_keys():
    config = load("config/compose.yaml")["storage"]
    assert "credentials" not in config and "credentials_file" not in config
    for service in compose_nodes().values():
        for key in KEYS:
            assert service["environment"][key].startswith("${" + key + ":?"), "not given: refused, not empty"
    assert ".env" in (ROOT / ".gitignore").read_text()
    command = re.search(r"^#\s+(\(umask 077;.*\)) >\.env$", (ROOT / "docker-compose.yml").read_text(), re.M)[1]
    made = subprocess.run(["bash", "-c", command], check=True, capture_output=True, text=True).stdout
    assert re.fullmatch(r"TROUPE_ACCESS_KEY=[0-9a-f]{20}\nTROUPE_SECRET_KEY=[0-9a-f]{40}\n", made)


def compose_certificates(folder):
    """Runs the one-shot service's script, with its two volumes as folders."""
    service = load("docker-compose.yml")["services"]["certificates"]
    assert service["entrypoint"][0] == "bash"
    script = service["command"][0].replace("$$", "$").replace("/etc/troupe/", f"{folder}/")
    path = folder / "bin"
    for made in (path, folder / "authority", folder / "tls"):
        made.mkdir(exist_ok=True)
    shutil.copy(server.BINARY, path / "troupe")
    subprocess.run([*service["entrypoint"], script], check=True, capture_output=True, timeout=60,
                   env={**os.environ, "PATH": f"{path}:{os.environ['PATH']}"})


def test_compose_makes_a_certificate_for_each_node_once(tmp_path):
    compose_certificates(tmp_path)
    names = ["ca.pem"] + [f"node-{i}.{kind}" for i in range(1, 6) for kind in ("pem", "key")]
    first = {name: (tmp_path / "tls" / name).read_bytes() for name in names}
    assert sorted(os.listdir(tmp_path / "tls")) == sorted(names)
    assert sorted(os.listdir(tmp_path / "authority")) == ["ca.key", "ca.pem"]
    (tmp_path / "tls" / "node-3.pem").unlink()  # as an operator who renews it
    (tmp_path / "tls" / "node-3.key").unlink()
    compose_certificates(tmp_path)
    changed = {name for name in names if (tmp_path / "tls" / name).read_bytes() != first[name]}
    assert changed == {"node-3.pem", "node-3.key"}


def test_a_cluster_runs_from_what_the_image_runs(tmp_path):
    """ENTRYPOINT, CMD and the health check, with config/compose.yaml on loopback and the certificates of its service."""
    compose_certificates(tmp_path)
    steps = dict(dockerfile())
    entry, command = (re.findall(r'"([^"]*)"', steps[verb]) for verb in ("ENTRYPOINT", "CMD"))
    check = re.findall(r'"([^"]*)"', steps["HEALTHCHECK"])
    config = (ROOT / "config" / "compose.yaml").read_text().replace("/etc/troupe/", f"{tmp_path}/")
    for i in range(1, 6):  # the addresses that Docker would give the containers
        config = config.replace(f'"node-{i}:9101", data_dir: /data', f'"127.0.9.{i}:9101", data_dir: {tmp_path}/node-{i}')
    (tmp_path / "cluster.yaml").write_text(config)
    shutil.copy(ROOT / "scripts" / "probe.sh", tmp_path / "bin" / "troupe-probe")
    env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    env.update(KEYS, TROUPE_CONFIG=str(tmp_path / "cluster.yaml"), PATH=f"{tmp_path / 'bin'}:{env['PATH']}")

    class Node(server.Server):
        def command(self):
            return [*entry, *command]

        def environ(self):  # the front doors' ports are free ones: they would be those of five containers
            return {**env, "TROUPE_NODE": self.data.name, "TROUPE_S3": "127.0.0.1:0", "TROUPE_CONSOLE": "127.0.0.1:0"}

    nodes = [Node(tmp_path / f"node-{i}", *KEYS.values()) for i in range(1, 6)]
    try:
        for node in nodes:
            node.spawn()
        for node in nodes:
            node.wait_ready()
        for path in (check[-1], "/ready"):
            subprocess.run([check[0], path, "127.0.0.1", str(nodes[0].console_port)], check=True, env=env, timeout=30)
        failing = subprocess.run([check[0], "/nosuch", "127.0.0.1", str(nodes[0].console_port)], env=env, timeout=30,
                                 capture_output=True, text=True)
        assert failing.returncode == 1 and "404" in failing.stderr
        s3 = client_of(nodes[0])
        s3.create_bucket(Bucket="composed")
        s3.put_object(Bucket="composed", Key="k", Body=b"x" * 300_000)
        assert len(client_of(nodes[4]).get_object(Bucket="composed", Key="k")["Body"].read()) == 300_000
        assert all(node.terminate() == 0 for node in nodes)
        assert subprocess.run([check[0], *check[1:], "127.0.0.1", str(nodes[0].console_port)], env=env, timeout=30,
                              capture_output=True).returncode == 1
    finally:
        for node in nodes:
            if node.process:
                node.close()


# ---- one host ------------------------------------------------------------------------------------------------------


def unit():
    parser = configparser.ConfigParser(strict=False, interpolation=None)
    parser.optionxform = str
    parser.read(ROOT / "examples" / "systemd" / "troupe.service")
    return parser


def test_the_systemd_unit_stops_as_late_as_the_node_needs(tmp_path):
    service = unit()["Service"]
    assert service["User"] != "root"
    assert int(service["TimeoutStopSec"].rstrip("s")) > 30
    command = shlex.split(service["ExecStart"])
    assert command[1] == "serve"
    wrong = troupe(*command[1:], TROUPE_NODE="nosuch")  # no such file here: a mistake that another start does not mend
    assert wrong.returncode == int(service["RestartPreventExitStatus"]), wrong.stderr
    if not shutil.which("systemd-analyze"):
        pytest.skip("systemd-analyze is not here")
    copy = tmp_path / "troupe.service"
    text = (ROOT / "examples" / "systemd" / "troupe.service").read_text()
    copy.write_text(text.replace("/usr/local/bin/troupe", str(server.BINARY)))
    checked = subprocess.run(["systemd-analyze", "verify", str(copy)], capture_output=True, text=True, timeout=60)
    assert checked.returncode == 0 and not checked.stderr, checked.stderr


def test_the_commands_of_the_readme_make_a_cluster(tmp_path):
    """README.md, "A cluster", word for word, on the ports of examples/local-cluster.yaml: skipped where those are taken."""
    page = (ROOT / "README.md").read_text()
    script = "\n".join(line[4:] for line in page.split("## A cluster")[1].split("\n## ")[0].splitlines() if line.startswith("    "))
    nodes = load("examples/local-cluster.yaml")["storage"]["nodes"]
    busy = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True).stdout
    taken = [n[key] for n in nodes for key in ("address", "s3", "console") if f":{port_of(n[key])} " in busy]
    if taken:
        pytest.skip(f"in use: {', '.join(taken)}")
    (tmp_path / "build" / "release").mkdir(parents=True)
    shutil.copy(server.BINARY, tmp_path / "build" / "release" / "troupe")
    (tmp_path / "examples").mkdir()
    shutil.copy(ROOT / "examples" / "local-cluster.yaml", tmp_path / "examples")
    (tmp_path / "cat.jpg").write_bytes(os.urandom(300_000))
    env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    log = tmp_path / "log"
    shell = subprocess.Popen(["bash", "-euc", script + "\nkill $(jobs -p)\nwait"], cwd=tmp_path, env=env, stdout=log.open("wb"),
                             stderr=subprocess.STDOUT, start_new_session=True)
    try:
        assert shell.wait(120) == 0, log.read_text()
        assert "cat.jpg" in log.read_text()
    finally:
        for pid in subprocess.run(["ps", "-o", "pid=", "-s", str(shell.pid)], capture_output=True, text=True).stdout.split():
            os.kill(int(pid), 15)
    wait_until(lambda: not subprocess.run(["ps", "-o", "pid=", "-s", str(shell.pid)], capture_output=True).stdout, "all ended")
