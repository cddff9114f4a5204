"""What an operator's tools read: /metrics, the dashboard and alerts made for it, and the log as JSON."""
import json
import pathlib
import re
import subprocess

import yaml

import server as servers
from conftest import client_of

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "examples" / "monitoring"
LINE = re.compile(r'^([a-zA-Z_][a-zA-Z0-9_]*)(\{[^}]*\})? (\S+)$')


def scrape(server):
    status, body = server.console("/metrics")
    assert status == 200
    found = {}
    for line in body.decode().splitlines():
        if line and not line.startswith("#"):
            match = LINE.match(line)
            assert match, f"not in Prometheus' text form: {line}"
            found.setdefault(match[1], []).append((match[2] or "", float(match[3])))
    return found


def admin(server, *words):
    return subprocess.run([str(servers.BINARY), "admin", *words, "--connect", f"{server.console_host}:{server.console_port}",
                           "--access-key", server.access_key, "--secret-key", server.secret_key],
                          capture_output=True, text=True, timeout=30)


def test_metrics_count_what_clients_do(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="counted")
    s3.put_object(Bucket="counted", Key="k", Body=b"x" * 100_000)
    s3.get_object(Bucket="counted", Key="k")["Body"].read()
    found = scrape(server)
    requests = {labels: value for labels, value in found["troupe_requests_total"]}
    assert requests['{code="2xx",operation="PutObject",surface="s3"}'] == 1
    assert requests['{code="2xx",operation="GetObject",surface="s3"}'] == 1
    assert dict(found["troupe_received_bytes_total"])['{surface="s3"}'] >= 100_000
    assert len(found["troupe_node_answers"]) == 5 and all(value == 1 for _, value in found["troupe_node_answers"])
    assert sum(value for _, value in found["troupe_node_pieces"]) >= 3
    assert found["troupe_survey_failed"] == [("", 0)]


def test_every_metric_of_the_dashboard_and_the_alerts_is_there(new_server):
    server = new_server().start()
    client_of(server).list_buckets()
    known = set(scrape(server))
    # Of a cluster only: `troupe dev` has no map and no gossip.
    known |= {"troupe_map_epoch", "troupe_node_suspected", "troupe_node_state"}
    dashboard = json.loads((MONITORING / "grafana-dashboard.json").read_text())
    rules = yaml.safe_load((MONITORING / "alerts.yaml").read_text())
    expressions = [t["expr"] for panel in dashboard["panels"] for t in panel.get("targets", [])]
    expressions += [rule["expr"] for group in rules["groups"] for rule in group["rules"]]
    assert len(expressions) > 15
    used = {name for e in expressions for name in re.findall(r"\b(?:troupe|process)_[a-z_]+\b", e)}
    assert used and used <= known, f"not exported: {sorted(used - known)}"


def test_the_log_as_json_and_its_level_while_it_runs(new_server):
    server = new_server(options=("--log-format", "json")).start()
    assert json.loads(admin(server, "log", "--json").stdout) == {"level": "info"}
    changed = admin(server, "log", "debug")
    assert changed.returncode == 0 and "debug" in changed.stdout, changed.stderr
    assert json.loads(admin(server, "log", "--json").stdout) == {"level": "debug"}
    refused = admin(server, "log", "loud")
    assert refused.returncode == 2
    assert server.terminate() == 0
    lines = [json.loads(line) for line in server.log_path.read_text().splitlines() if line.startswith("{")]
    assert any(line["message"].startswith("the log's level is debug") for line in lines)
    assert all(set(line) == {"time", "level", "message"} for line in lines)
