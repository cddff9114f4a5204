"""Traces: a request's spans over the processes that served it, as a collector gets them; and that nobody else notices."""
import http.client
import http.server
import json
import os
import pathlib
import socket
import subprocess
import threading
import time

import pytest

import cluster as clusters
import signing
from conftest import client_of
from server import wait_until

PARENT = "b7ad6b7169203331"


class Collector:
    """What an OTLP/HTTP collector is to us: a server that takes JSON. spans(): all of a trace, by their ids."""

    def __init__(self):
        self.lock = threading.Lock()
        self.bodies = []
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                with collector.lock:
                    collector.bodies.append((self.path, self.headers["Content-Type"], json.loads(body)))
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}/v1/traces"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()

    def spans(self, trace=None):
        found = {}
        with self.lock:
            for path, kind, body in self.bodies:
                assert path == "/v1/traces" and kind == "application/json"
                for resource in body["resourceSpans"]:
                    about = {a["key"]: a["value"]["stringValue"] for a in resource["resource"]["attributes"]}
                    assert about["service.name"] == "troupe"
                    for span in resource["scopeSpans"][0]["spans"]:
                        if trace in (None, span["traceId"]):
                            span["node"] = about["service.instance.id"]
                            span["about"] = {a["key"]: next(iter(a["value"].values())) for a in span["attributes"]}
                            found[span["spanId"]] = span
        return found


@pytest.fixture
def collector():
    c = Collector()
    yield c
    c.close()


def traced(server, method, path, trace, body=b"", flags="01"):
    return signing.signed(server, method, path, body=body, change=lambda h: h.update(
        traceparent=f"00-{trace}-{PARENT}-{flags}"))


def named(spans, name):
    return [s for s in spans.values() if s["name"] == name]


def complete(spans):
    """Nodes send theirs when they like: whether each one's parent has arrived."""
    return bool(spans) and all(s["parentSpanId"] in spans or s["parentSpanId"] == PARENT for s in spans.values())


def check_tree(spans, root_name, status):
    """One root, the client's child; everything else hangs on it, and lies within its parent's time."""
    root, = [s for s in spans.values() if s["parentSpanId"] == PARENT]
    assert root["name"] == root_name and root["kind"] == 2
    assert root["about"]["http.response.status_code"] == str(status)
    for s in spans.values():
        assert int(s["startTimeUnixNano"]) <= int(s["endTimeUnixNano"])
        assert abs(int(s["startTimeUnixNano"]) / 1e9 - time.time()) < 600
        seen = set()
        while s is not root:
            assert s["spanId"] not in seen
            seen.add(s["spanId"])
            s = spans[s["parentSpanId"]]
    return root


def test_a_put_and_a_get_are_traces_over_several_nodes(tmp_path, collector):
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=3, settings=(
        f"  tracing: {{endpoint: \"{collector.endpoint}\", sample: 0}}\n"))
    try:
        cluster.start()
        cluster.ready()
        s3 = client_of(cluster.nodes[0])
        s3.create_bucket(Bucket="traced")

        def leader():
            status, body = signing_console(cluster.nodes[0], "/admin/raft")
            members = json.loads(body)["members"] if status == 200 else []
            return next((m["node"] for m in members if m.get("state") == "leader"), None)
        leads = wait_until(leader, "somebody leads")
        gateway = next(n for n in cluster.nodes if n.name != leads)
        trace = "0af7651916cd43dd8448eb211c80319c"
        answer = traced(gateway, "PUT", "/traced/key", trace, b"x" * 700_000)
        assert answer.status == 200
        told = answer.headers["traceresponse"].split("-")
        assert told[0] == "00" and told[1] == trace and told[3] == "01"

        def arrived():
            spans = collector.spans(trace)
            pieces, commits = named(spans, "append piece"), named(spans, "commit")
            # Two stripes, three copies of each.
            return spans if complete(spans) and len(pieces) == 6 and leads in {c["node"] for c in commits} else None
        spans = wait_until(arrived, "the spans of the PUT")
        root = check_tree(spans, "PutObject", 200)
        assert root["spanId"] == told[2] and root["node"] == gateway.name
        assert root["about"]["http.request.method"] == "PUT" and root["about"]["http.route"] == "s3 PutObject"
        assert root["about"]["http.request.body.size"] == "700000" and root["about"]["url.path"] == "/traced/key"
        upload, = named(spans, "upload content")
        assert upload["parentSpanId"] == root["spanId"] and upload["node"] == gateway.name
        pieces = named(spans, "append piece")
        assert {p["node"] for p in pieces} == set(cluster.names)  # three copies
        assert all(p["parentSpanId"] == upload["spanId"] and p["kind"] == 2 for p in pieces)
        assert all(p["about"]["troupe.node"] == p["node"] for p in pieces)
        sync, = named(spans, "sync nodes")
        assert sync["parentSpanId"] == upload["spanId"]
        commit, = [s for s in named(spans, "commit") if s["node"] == leads]
        asked = spans[commit["parentSpanId"]]
        assert asked["name"] == "metadata commit" and asked["kind"] == 3 and asked["node"] == gateway.name
        assert asked["parentSpanId"] == root["spanId"]

        trace = "1af7651916cd43dd8448eb211c80319c"
        answer = traced(gateway, "GET", "/traced/key", trace)
        assert answer.status == 200 and len(answer.body) == 700_000
        spans = wait_until(lambda: (all_of := collector.spans(trace)) and complete(all_of) and named(all_of, "read rows") and
                           len(named(all_of, "read piece")) >= 2 and all_of, "the spans of the GET")
        root = check_tree(spans, "GetObject", 200)
        assert root["about"]["http.response.body.size"] == "700000"
        download, = named(spans, "download content")
        assert all(p["parentSpanId"] == download["spanId"] for p in named(spans, "read piece"))
        assert {spans[r["parentSpanId"]]["name"] for r in named(spans, "read rows")} == {"metadata read"}

        # Whom the client did not choose, and whom it told not to be: not recorded, with sample 0.
        before = set(collector.spans())
        assert "traceresponse" not in signing.signed(gateway, "GET", "/traced/key").headers
        assert "traceresponse" not in traced(gateway, "GET", "/traced/key", "2af7651916cd43dd8448eb211c80319c", flags="00").headers
        for n in cluster.nodes:
            assert n.terminate() == 0  # what waits is sent
        assert set(collector.spans()) == before
    finally:
        cluster.close()


def signing_console(node, path):
    class At:
        host, port = node.console_host, node.console_port
        access_key, secret_key = node.access_key, node.secret_key
    answer = signing.signed(At, "GET", path, service="troupe")
    return answer.status, answer.body


def test_in_one_process_every_request_can_be_traced(new_server, collector):
    server = new_server(options=("--tracing-endpoint", collector.endpoint, "--tracing-sample", "1",
                                 "--directory", "127.0.0.1:0")).start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="traced")
    for n in range(20):
        s3.put_object(Bucket="traced", Key=f"k{n}", Body=b"x" * 100_000)
    wait_until(lambda: len(named(collector.spans(), "PutObject")) == 20, "the spans of 20 PUTs")
    roots = named(collector.spans(), "PutObject")
    assert all("parentSpanId" not in r for r in roots)
    assert len({r["traceId"] for r in roots}) == 20
    one = collector.spans(roots[0]["traceId"])
    assert {s["about"]["troupe.node"] for s in named(one, "append piece")} <= {f"node-{n}" for n in range(1, 6)}
    assert named(one, "commit")
    door = server.front("directory")
    connection = http.client.HTTPConnection(door.host, door.port, timeout=30)
    connection.request("GET", "/get/nothing")
    answer = connection.getresponse()
    assert answer.status == 404
    trace = answer.headers["traceresponse"].split("-")[1]
    connection.close()
    wait_until(lambda: named(collector.spans(trace), "read rows"), "the directory's read of the metadata")
    assert server.terminate() == 0


def sockets_of(pid):
    """(local port, peer port, state) of each TCP socket of a process."""
    mine = set()
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        try:
            mine.add(os.readlink(fd))
        except OSError:
            pass
    found = []
    for line in pathlib.Path(f"/proc/{pid}/net/tcp").read_text().splitlines()[1:]:
        field = line.split()
        if f"socket:[{field[9]}]" in mine:
            found.append((int(field[1].split(":")[1], 16), int(field[2].split(":")[1], 16), field[3]))
    return found


def test_tracing_is_off_unless_it_is_configured(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="untraced")
    answer = traced(server, "PUT", "/untraced/key", "0af7651916cd43dd8448eb211c80319c", b"x" * 100_000)
    assert answer.status == 200 and "traceresponse" not in answer.headers
    assert "troupe_trace_spans_total" not in server.console("/metrics")[1].decode()
    listens = {local for local, _, state in sockets_of(server.pid) if state == "0A"}
    assert listens >= {server.port, server.console_port}
    assert all(local in listens for local, _, _ in sockets_of(server.pid)), "it has connected to somebody"


@pytest.mark.parametrize("how", ["dead", "silent", "refusing"])
def test_a_collector_that_is_no_good_is_nobodys_trouble(new_server, how):
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    port = listener.getsockname()[1]
    if how == "dead":
        listener.close()
    else:
        listener.listen(64)
    if how == "refusing":
        def refuse():
            while True:
                try:
                    c, _ = listener.accept()
                except OSError:
                    return
                c.sendall(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
                c.close()
        threading.Thread(target=refuse, daemon=True).start()
    server = new_server(options=("--tracing-endpoint", f"http://127.0.0.1:{port}/v1/traces", "--tracing-sample", "1")).start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bkt")
    slowest = 0
    for n in range(50):
        began = time.monotonic()
        s3.put_object(Bucket="bkt", Key=f"k{n}", Body=b"x" * 20_000)
        slowest = max(slowest, time.monotonic() - began)
    assert slowest < 2.5, "a request took as long as the collector's timeout"

    def lost():
        return 'troupe_trace_spans_total{outcome="lost"} 0\n' not in server.console("/metrics")[1].decode()
    wait_until(lost, "lost spans are counted")
    began = time.monotonic()
    assert server.terminate() == 0
    assert time.monotonic() - began < 15
    assert "spans are lost" in server.log_path.read_text()
    listener.close()


@pytest.mark.parametrize("words, said", [(("--tracing-endpoint", "collector:4318"), "--tracing-endpoint"),
                                         (("--tracing-sample", "2"), "--tracing-sample")])
def test_mistakes_are_named(new_server, words, said):
    server = new_server(options=words)
    ended = subprocess.run(server.command(), capture_output=True, text=True, timeout=30, env=server.environ())
    assert ended.returncode == 2 and said in ended.stderr and "expected" in ended.stderr
