"""`troupe admin` on a running cluster: what runs where, what happens, healing on demand, and rehearsed failures of disks and
processes. A cluster of five nodes, where faults are enabled, that the module shares."""
import json
import os
import signal
import subprocess
import threading

import pytest

import cluster as clusters
import server as servers
from conftest import client_of, some_bytes
from server import wait_until
from test_admin import admin, call, states, troupe

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a cluster of its own")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    c = clusters.Cluster(tmp_path_factory.mktemp("live") / "cluster", nodes=5,
                         settings="  faults: enabled\n  healing: {delay: 1h, reclaim_grace: 1s}\n").start()
    wait_until(lambda: set(states(c).values()) == {"up"} and len(states(c)) == 5, "every node is up")
    client_of(c.nodes[0]).create_bucket(Bucket="bkt")
    yield c
    c.close()


class Watch:
    """`troupe admin watch --json`, and what it has printed so far."""

    def __init__(self, node, *options):
        command = [str(servers.BINARY), "admin", "watch", "--json", *options, "--connect",
                   f"{node.console_host}:{node.console_port}"]
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=node.environ())
        self.lines = []
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def __enter__(self):
        wait_until(lambda: self.lines, "the first line comes")  # from then on it is heard
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self.reader.join()

    def _read(self):
        for line in self.process.stdout:
            self.lines.append(json.loads(line))

    def wait_for(self, kind, text, deadline_s=30):
        def found():
            return next((e for e in list(self.lines) if e["kind"] == kind and text in e.get("text", "")), None)
        return wait_until(found, f"an event {kind} with '{text}', in {self.lines[-20:]}", deadline_s)

    def end(self):
        self.process.send_signal(signal.SIGINT)
        return self.process.wait(30)


def test_actors_are_counted_in_every_process(cluster):
    said = admin(cluster.nodes[1], "actors")
    assert [p["node"] for p in said["processes"]] == cluster.names
    for p in said["processes"]:
        actors = {a["name"]: a for a in p["actors"]}
        for name in ("shard", "gossiper", "ring_manager", "peer_service", "replicator", "healer", "mover", "surveyor"):
            assert actors[name]["instances"] == 1, name
        assert ("metadata" in actors) or p["node"] not in cluster.members
        assert actors["gossiper"]["received"] > 0 and actors["shard"]["queued"] <= 60
        assert any(q["connected"] for q in p["queues"])
    lines = troupe(cluster.nodes[0], "admin", "actors").stdout.splitlines()
    assert lines[0].split()[:4] == ["NODE", "ACTOR", "INSTANCES", "MAILBOX"]


def test_ring_shows_where_the_hash_points_and_who_holds_it(cluster):
    s3 = client_of(cluster.nodes[0])
    s3.put_object(Bucket="bkt", Key="ringed", Body=some_bytes(2_000_000))
    wait_until(lambda: admin(cluster.nodes[1], "where", "bkt/ringed")["losses"] == 2, "every piece is there")
    said = admin(cluster.nodes[1], "ring", "bkt/ringed")
    (extent,) = said["extents"]
    assert len(extent["position"]) == 16 and int(extent["position"], 16) >= 0 and extent["wanted"] == 5
    assert sorted(n["node"] for n in extent["clockwise"]) == cluster.names
    for n in extent["clockwise"]:
        assert n["state"] == "up" and n["place"] == "chosen" and n["pieces"] > 0 and n["missing"] == 0
    assert "position " in troupe(cluster.nodes[0], "admin", "ring", "bkt/ringed").stdout
    s3.put_object(Bucket="bkt", Key="tiny", Body=b"x")
    assert admin(cluster.nodes[0], "ring", "bkt/tiny")["inline"]
    assert "no object bkt/none" in troupe(cluster.nodes[0], "admin", "ring", "bkt/none", status=1).stderr


def test_watch_tells_what_happens_until_it_is_interrupted(cluster):
    first, last = cluster.nodes[0], cluster.nodes[4]
    with Watch(first) as w:
        admin(cluster.nodes[1], "weight", "node-4", "2")
        w.wait_for("map", "node-4 weight 1 -> 2")
        admin(cluster.nodes[1], "weight", "node-4", "1")
        last.freeze()
        try:
            w.wait_for("member", "node-5 is suspect")
            w.wait_for("member", "node-5 is dead")
        finally:
            last.thaw()
        w.wait_for("member", "node-5 is alive")
        leader = admin(first, "raft")["leader"]
        to = next(n for n in cluster.members if n != leader)
        admin(first, "members", "transfer", to)
        w.wait_for("leader", f"led by {to}")
        wait_until(lambda: any(e["kind"] == "heartbeat" for e in w.lines), "a heartbeat")
        numbers = [e["number"] for e in w.lines if "number" in e]
        assert numbers == list(range(numbers[0], numbers[0] + len(numbers)))
        assert w.end() == 0
    text = troupe(first, "admin", "watch", "--since", str(numbers[0] - 1), "--count", "2").stdout.splitlines()
    assert len(text) == 2 and "node-4 weight 1 -> 2" in text[0]
    assert call(first, "GET", "/admin/events", [("since", "many")])[0] == 400


def test_only_so_many_watch_at_a_time(cluster):
    watchers = [Watch(cluster.nodes[3]) for _ in range(32)]
    try:
        wait_until(lambda: all(w.lines for w in watchers), "all of them are heard", 60)
        assert call(cluster.nodes[3], "GET", "/admin/events")[0] == 503
    finally:
        for w in watchers:
            w.process.kill()
    wait_until(lambda: subprocess.run([str(servers.BINARY), "admin", "watch", "--since", "0", "--count", "1", "--connect",
                                       f"127.0.0.1:{cluster.nodes[3].console_port}"], env=cluster.nodes[3].environ(),
                                      capture_output=True).returncode == 0, "those that left make room", 60)


def test_rebalance_moves_at_once_what_the_ring_wants_elsewhere(cluster):
    s3 = client_of(cluster.nodes[0])
    admin(cluster.nodes[0], "weight", "node-2", "0")
    for n in range(5):
        wait_until(lambda i=n: next(x for x in admin(cluster.nodes[i], "nodes")["nodes"] if x["id"] == "node-2")["weight"] == 0,
                   "every node has the map")
    for i in range(10):
        s3.put_object(Bucket="bkt", Key=f"unbalanced-{i}", Body=some_bytes(30_000, i))
    admin(cluster.nodes[0], "weight", "node-2", "1")
    done = troupe(cluster.nodes[3], "admin", "rebalance", "--wait", "--timeout", "100").stdout
    assert "walks all extents now" in done and "balanced: " in done
    said = admin(cluster.nodes[2], "rebalance")
    assert said["node"] == "node-1" and said["mover"]["extents_moved"] > 0
    for i in range(10):
        ring = admin(cluster.nodes[0], "ring", f"bkt/unbalanced-{i}")["extents"][0]
        assert not [n for n in ring["clockwise"][3:] if n["pieces"]], "only the chosen ones hold it"
        assert s3.get_object(Bucket="bkt", Key=f"unbalanced-{i}")["Body"].read() == some_bytes(30_000, i)


def test_repair_finds_now_what_a_node_lost(cluster):
    s3 = client_of(cluster.nodes[0])
    s3.put_object(Bucket="bkt", Key="mended", Body=some_bytes(2_000_000))
    wait_until(lambda: admin(cluster.nodes[0], "where", "bkt/mended")["losses"] == 2, "every piece is there")
    node = cluster.nodes[4]
    node.kill()
    for path in (node.data / "volume").rglob("*"):  # its disk was replaced
        if path.is_file():
            path.unlink()
    node.start()
    wait_until(lambda: admin(cluster.nodes[0], "where", "bkt/mended")["losses"] == 1, "its pieces are missed")
    lines = troupe(cluster.nodes[3], "admin", "repair", "node-5", "--wait", "--timeout", "100").stdout
    assert "compares now what node-5 holds" in lines and "with all pieces again" in lines
    assert admin(cluster.nodes[0], "where", "bkt/mended")["losses"] == 2
    assert admin(cluster.nodes[0], "repair")["comparison"]["wanted"]
    wait_until(lambda: not call(cluster.nodes[0], "GET", "/admin/healing")[1]["comparison"]["wanted"], "all is compared")
    assert "no node is named 'nobody'" in troupe(cluster.nodes[0], "admin", "repair", "nobody", status=1).stderr


def test_a_slow_disk_is_slow_until_it_is_cleared(cluster):
    s3 = client_of(cluster.nodes[0])
    with Watch(cluster.nodes[1]) as w:
        said = admin(cluster.nodes[0], "fault", "disk", "node-2", "slow", "--ms", "50", "--volume", "storage")
        expected = "disk slow 50 ms on reads, writes, syncs of storage"
        assert said["nodes"] == [{"id": "node-2", "faults": [expected]}]
        w.wait_for("fault", expected)
        listed = {n["id"]: n["faults"] for n in admin(cluster.nodes[3], "fault", "list")["nodes"]}
        assert listed == {n: [expected] if n == "node-2" else [] for n in cluster.names}
        s3.put_object(Bucket="bkt", Key="slowly", Body=some_bytes(300_000))
        assert "no faults" in troupe(cluster.nodes[2], "admin", "fault", "clear").stdout
        w.wait_for("fault", "faults cleared")
    assert s3.get_object(Bucket="bkt", Key="slowly")["Body"].read() == some_bytes(300_000)


def test_reads_go_around_a_disk_that_fails_or_lies(cluster):
    s3 = client_of(cluster.nodes[0])
    s3.put_object(Bucket="bkt", Key="decoded", Body=some_bytes(2_000_000))
    for what in (("eio", "--on", "reads"), ("flip",)):
        admin(cluster.nodes[0], "fault", "disk", "node-3", *what, "--volume", "storage")
        try:
            assert s3.get_object(Bucket="bkt", Key="decoded")["Body"].read() == some_bytes(2_000_000)
        finally:
            admin(cluster.nodes[0], "fault", "clear", "node-3")


def test_a_node_whose_disk_failed_writes_takes_them_again_after_a_restart(cluster):
    node, s3 = cluster.nodes[3], client_of(cluster.nodes[0])
    with Watch(cluster.nodes[0]) as w:
        admin(node, "fault", "disk", "node-4", "eio", "--on", "syncs", "--volume", "storage")
        for i in range(5):
            s3.put_object(Bucket="bkt", Key=f"beside-{i}", Body=some_bytes(300_000, i))
        w.wait_for("storage", "node-4 takes no writes")
        admin(node, "fault", "clear", "node-4")
        node.kill()
        node.start()
        w.wait_for("storage", "node-4 takes writes again", 60)
    for i in range(5):
        assert s3.get_object(Bucket="bkt", Key=f"beside-{i}")["Body"].read() == some_bytes(300_000, i)


def test_a_crash_ends_a_node_as_kill_does_and_loses_nothing(cluster):
    node, s3 = cluster.nodes[2], client_of(cluster.nodes[0])
    s3.put_object(Bucket="bkt", Key="before the crash", Body=some_bytes(300_000))
    assert "node-3 ends now" in troupe(cluster.nodes[0], "admin", "fault", "crash", "node-3").stdout
    assert node.process.wait(30) == -signal.SIGKILL
    assert s3.get_object(Bucket="bkt", Key="before the crash")["Body"].read() == some_bytes(300_000)
    node.start()
    assert "there is no node 'nobody'" in troupe(cluster.nodes[0], "admin", "fault", "crash", "nobody", status=1).stderr
    troupe(cluster.nodes[0], "admin", "fault", "disk", "node-3", "melt", status=2)
    assert call(cluster.nodes[0], "POST", "/admin/faults", [("kind", "disk"), ("node", "node-3"), ("what", "melt")])[0] == 400


def test_the_prompt_knows_the_commands(cluster):
    node = cluster.nodes[0]
    client_of(node).put_object(Bucket="bkt", Key="tiny", Body=b"x")
    done = subprocess.run([str(servers.BINARY), "console", "--connect", f"127.0.0.1:{node.console_port}", "-c", "help", "-c",
                           "actors", "-c", "watch --since 0 --count 1", "-c", "ring bkt/tiny"],
                          capture_output=True, text=True, timeout=60, env=node.environ())
    assert done.returncode == 0, done.stderr
    for word in ("watch", "ring BUCKET/KEY", "rebalance", "repair [NODE]", "crash", "surveyor", "not on the ring"):
        assert word in done.stdout, word


def test_dev_shows_its_actors_and_refuses_what_needs_a_cluster(server):
    said = admin(server, "actors")
    assert [p["node"] for p in said["processes"]] == [""]
    assert {a["name"]: a["instances"] for a in said["processes"][0]["actors"]}["shard"] == 5
    assert "heals itself" in troupe(server, "admin", "rebalance", status=1).stderr
    assert "faults are not enabled" in troupe(server, "admin", "fault", "crash", "node-1", status=1).stderr
    s3 = client_of(server)
    s3.create_bucket(Bucket="ring-of-dev")
    s3.put_object(Bucket="ring-of-dev", Key="k", Body=some_bytes(300_000))
    assert len(admin(server, "ring", "ring-of-dev/k")["extents"][0]["clockwise"]) == 5
