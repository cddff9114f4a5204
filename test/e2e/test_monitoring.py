"""Everything that /metrics can export is documented, and what examples/monitoring asks for is there: by name and label, and with
Prometheus itself where it is in PATH (Debian's `prometheus` has both programs)."""
import json
import re
import shutil
import subprocess
import urllib.error
import urllib.parse
import urllib.request

import pytest

import cluster as clusters
from authority import Authority
import shards
import signing
from conftest import client_of
from metrics_page import EXAMPLES, documented, expressions, families_in, family_of, labels_in, panels, rules, scrape, selectors_in
from server import wait_until

needs_promtool = pytest.mark.skipif(shutil.which("promtool") is None, reason="needs promtool in PATH (Debian: prometheus)")
needs_prometheus = pytest.mark.skipif(shutil.which("prometheus") is None, reason="needs prometheus in PATH (Debian: prometheus)")

OWN_LABELS = {"instance", "job"}  # that Prometheus gives what it scrapes


class Told:
    """What a wait was for, found out when it has failed."""

    def __init__(self, what, look):
        self.what, self.look = what, look

    def __str__(self):
        return f"{self.what}; but {self.look()}"


@pytest.fixture(scope="module")
def everything(tmp_path_factory, https_files):
    """A cluster of which each part that has metrics is on."""
    path = tmp_path_factory.mktemp("everything")
    root = path / "volume"
    root.mkdir()
    ca = Authority(path / "ca")
    for n in range(1, 4):
        ca.issue(f"node-{n}", "127.0.0.1")
    cluster = clusters.Cluster(path / "cluster", nodes=3, settings=(
        f"  tls: {{ca: {ca.pem}, certificate: \"{ca.path}/{{node}}.pem\", key: \"{ca.path}/{{node}}.key\"}}\n"
        "  tracing: {endpoint: \"http://127.0.0.1:1/v1/traces\"}\n"
        "  files: {verify_interval: 1s}\n"
        f"  https: {{certificate: {https_files[0]}, key: {https_files[1]}, plain: [s3, console, files, shards]}}\n"
        "  healing: {scrub_rate: 64KiB, scrub_interval: 1s}\n"  # so that one goes on all the time
        f"  shards: {{snapshot_interval: 1s, volumes: [{{id: v1, provider: shared-dir, path: {root}}}]}}\n"))
    for n in cluster.nodes:
        n.options = ["--shards", "127.0.0.1:0", "--files", "127.0.0.1:0"]
    try:
        cluster.start()
        cluster.ready()
        s3 = client_of(cluster.nodes[0])
        s3.create_bucket(Bucket="counted")
        s3.put_object(Bucket="counted", Key="k", Body=b"x" * 8_000_000)  # a scrub of it takes many steps
        yield cluster
    finally:
        cluster.close()


def exported(cluster):
    """{family: its labels}, of all nodes."""
    found = {}
    for n in cluster.nodes:
        for name, lines in scrape(n).items():
            found.setdefault(family_of(name), set()).update(*(re.findall(r'(\w+)="', labels) for labels, _ in lines))
    return found


def test_every_metric_is_documented_and_every_documented_one_is_exported(everything):
    process, of_cluster = documented()
    assert len(process) > 25 and len(of_cluster) > 35 and not process & of_cluster
    seen = set()

    def missing():
        found = exported(everything)
        assert found.keys() <= process | of_cluster, f"not documented: {sorted(found.keys() - process - of_cluster)}"
        assert not [f for f, labels in found.items() if labels & OWN_LABELS], "a label that Prometheus would rename"
        seen.update(found)
        return sorted((process | of_cluster) - seen)
    wait_until(lambda: not missing(), Told("every documented metric is exported", missing), 60)


def test_the_dashboard_and_the_alerts_use_what_is_documented_and_add_up_only_what_may_be():
    process, of_cluster = documented()
    for e in expressions():
        assert families_in(e) <= process | of_cluster, f"not documented: {e}"
        for family in families_in(e) & of_cluster:
            # Every mention right inside of an aggregation that takes one of those who say the same.
            each = re.findall(rf"(.{{0,60}})\b{family}\b", e)
            assert each and all(re.search(r"\b(max|min)( by \([a-z, ]+\))? \((\w+\()?$|\b(max|min)\((\w+\()?$", before)
                                for before in each), f"{family} is of the cluster, and every instance exports it: {e}"


def test_the_dashboard_and_the_alerts_use_names_and_labels_that_are_exported(everything):
    seen = {}

    def unknown():
        for family, labels in exported(everything).items():
            seen.setdefault(family, set()).update(labels)
        wanted = [(e, families_in(e), labels_in(e) - OWN_LABELS - {"le"}) for e in expressions()]
        return [e for e, families, labels in wanted
                if not families <= seen.keys() or not labels <= set().union(*(seen[f] for f in families))]
    wait_until(lambda: not unknown(), Told("all that is asked for is exported", unknown), 60)


def test_what_alerts_say_names_labels_that_they_have():
    for rule in rules():
        groups = re.search(r"\bby \(([^)]*)\)", rule["expr"]) if not rule["expr"].startswith("count(") else None
        has = {g.strip() for g in groups[1].split(",")} - {"le"} if groups else \
            set() if re.match(r"(absent|count|sum|max|min)\(", rule["expr"]) else {"instance", "job", "surface"}
        for text in rule["annotations"].values():
            assert set(re.findall(r"\$labels\.(\w+)", text)) <= has, f"{rule['alert']} has only {has}: {text}"
        assert rule["labels"]["severity"] in ("info", "warning", "critical") and "summary" in rule["annotations"]


def test_each_alert_has_a_test():
    tested = (EXAMPLES / "alerts_test.yaml").read_text()
    assert [rule["alert"] for rule in rules() if f'alertname="{rule["alert"]}"' not in tested] == []


def promtool(*words, **how):
    return subprocess.run(["promtool", *words], capture_output=True, text=True, timeout=120, cwd=EXAMPLES, **how)


@needs_promtool
@pytest.mark.parametrize("words", [("check", "rules", "alerts.yaml"), ("check", "config", "prometheus.yaml"), ("test", "rules", "alerts_test.yaml")])
def test_promtool_accepts(words):
    done = promtool(*words)
    assert done.returncode == 0 and "SUCCESS" in done.stdout + done.stderr, done.stdout + done.stderr


@needs_promtool
def test_promtool_finds_nothing_wrong_with_the_page(everything):
    for n in everything.nodes:
        page = n.console("/metrics")[1].decode()
        done = promtool("check", "metrics", input=page)
        assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
        named = set(re.findall(r"^# HELP (\S+) \S", page, re.M))
        assert named == set(re.findall(r"^# TYPE (\S+) (?:counter|gauge|histogram)$", page, re.M)) == set(map(family_of, scrape(n)))


class Prometheus:
    """A real one, which scrapes the nodes every second and evaluates the rules of the examples."""

    def __init__(self, path, nodes):
        self.port, = clusters.free_ports(1)
        config = path / "prometheus.yml"
        config.write_text(json.dumps({  # JSON is YAML
            "global": {"scrape_interval": "1s", "evaluation_interval": "1s"},
            "rule_files": [str(EXAMPLES / "alerts.yaml")],
            "scrape_configs": [{"job_name": "troupe", "static_configs": [
                {"targets": [f"{n.console_host}:{n.console_port}" for n in nodes]}]}]}))
        self.log = open(path / "prometheus.log", "wb")
        self.process = subprocess.Popen(
            ["prometheus", f"--config.file={config}", f"--storage.tsdb.path={path / 'series'}",
             f"--web.listen-address=127.0.0.1:{self.port}"], stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def ask(self, what, **query):
        """What its API answers; None while it is not there."""
        try:
            with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/api/v1/{what}?{urllib.parse.urlencode(query)}", timeout=10) as a:
                return json.load(a)["data"]
        except urllib.error.HTTPError as e:
            assert e.code == 503, f"{query}: {e.read().decode()}"
        except OSError:
            pass
        return None

    def value(self, expression):
        found = self.ask("query", query=expression)
        return found["result"] if found else []

    def close(self):
        self.process.terminate()
        self.process.wait(30)
        self.log.close()


def make_traffic(cluster):
    """Of everything that expressions tell apart: calls of S3 and of shards, those that fail too."""
    node = cluster.nodes[0]
    s3 = client_of(node)
    s3.put_object(Bucket="counted", Key="small", Body=b"x" * 100_000)
    s3.get_object(Bucket="counted", Key="small")["Body"].read()
    assert signing.signed(node, "PUT", "/counted", [("policy", "")], body=b"{}").status == 501
    for n in cluster.nodes:
        client = shards.connect(n, f"client-of-{n.name}")
        for call in (client.NewShard, lambda client=client: client.get(1, b"k")):  # on the primary; nowhere
            try:
                call()
            except shards.grpc.RpcError:
                pass
        client.close()


@needs_prometheus
def test_prometheus_finds_every_series_and_sees_a_node_die(everything, tmp_path):
    prometheus = Prometheus(tmp_path, everything.nodes)
    try:
        wait_until(lambda: len(prometheus.value('up{job="troupe"} == 1')) == 3, "every node is scraped", 60)
        left = {(name, matchers) for e in expressions() for name, matchers in selectors_in(e)}
        pictures = {e.replace("$__rate_interval", "10s") for e in panels()}

        def unseen():
            make_traffic(everything)
            left.difference_update([s for s in left if prometheus.ask("series", **{"match[]": "".join(s)})])
            pictures.difference_update([p for p in pictures if prometheus.value(p)])
            return left | pictures
        wait_until(lambda: not unseen(), Told("every selector and picture has series", unseen), 90, interval_s=1)
        # By walk of those who heal, and not as one: `job` would be Prometheus' own.
        assert len(prometheus.value("max by (task) (troupe_healing_extents_done)")) >= 3

        def states():
            groups = prometheus.ask("rules")["groups"]
            assert [r for g in groups for r in g["rules"] if r["health"] == "err"] == []
            return {r["name"]: r["state"] for g in groups for r in g["rules"] if r["health"] == "ok"}
        assert len(states()) == len(rules())
        wait_until(lambda: states()["TroupeNodeSilent"] == "inactive" and states()["TroupeNoMetadataLeader"] == "inactive",
                   "the cluster is well", 60)
        everything.nodes[2].kill()
        wait_until(lambda: all(states()[name] in ("pending", "firing") for name in
                               ("TroupeDown", "TroupeNodeSilent", "TroupeMetadataMajorityAtRisk")), "its end is noticed", 60)
        assert states()["TroupeTwoNodesSilent"] == states()["TroupeNoMetadataLeader"] == "inactive"
        everything.nodes[2].start()
    finally:
        prometheus.close()
