"""What an operator's tools read: /metrics (test_monitoring.py: all of it), and the log as JSON."""
import http.client
import json
import subprocess

import pytest

import cluster as clusters
import server as servers
import shards
from conftest import client_of
from metrics_page import parsed, scrape, value_of
from server import wait_until


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
    # A request is counted once its last byte is on its way: the client may be ahead of that.
    got = '{code="2xx",operation="GetObject",surface="s3"}'
    found = wait_until(lambda: (f := scrape(server)) and got in dict(f["troupe_requests_total"]) and f, "the GET is counted")
    assert found["troupe_metadata_commit_seconds_count"][0][1] >= 2
    assert found["troupe_gossip_round_trip_seconds_count"] == [("", 0)]  # of one process there is no gossip
    requests = {labels: value for labels, value in found["troupe_requests_total"]}
    assert requests['{code="2xx",operation="PutObject",surface="s3"}'] == 1
    assert requests[got] == 1
    assert dict(found["troupe_received_bytes_total"])['{surface="s3"}'] >= 100_000
    assert len(found["troupe_node_answers"]) == 5 and all(value == 1 for _, value in found["troupe_node_answers"])
    assert sum(value for _, value in found["troupe_node_pieces"]) >= 3
    assert found["troupe_survey_failed"] == [("", 0)]


def test_healing_volumes_and_mailboxes_are_counted(new_server):
    server = new_server(options=("--shards", "127.0.0.1:0")).start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="counted")
    s3.put_object(Bucket="counted", Key="k", Body=b"x" * 1_000_000)
    alice = shards.connect(server)
    shard = wait_until(lambda: made_shard(alice), "the volume has a primary")
    alice.put(shard, b"key", b"value")
    alice.CloseShard(shard_id=alice.NewShard().shard_id)
    found = wait_until(lambda: (f := scrape(server)) and "troupe_under_protected_extents" in f and
                       value_of(f, "troupe_volume_shards", '{volume="volume-1",state="read_only"}') and f,
                       "healing and shards were counted")
    assert value_of(found, "troupe_under_protected_extents") == 0
    assert value_of(found, "troupe_repair_queue_extents") == 0
    assert value_of(found, "troupe_healing_unknown") == 0
    assert value_of(found, "troupe_volume_primary", '{volume="volume-1"}') == 1
    assert value_of(found, "troupe_volume_shards", '{volume="volume-1",state="active"}') == 1
    assert value_of(found, "troupe_volume_leases_taken_total", '{volume="volume-1"}') == 1
    assert value_of(found, "troupe_requests_total", '{code="2xx",operation="ShardsPut",surface="shards"}') == 1
    assert value_of(found, "troupe_actors", '{kind="shard"}') == 5
    assert value_of(found, "troupe_actors", '{kind="metadata"}') == 1
    assert value_of(found, "troupe_log_sync_seconds_count", '{log="pieces"}') >= 3
    assert value_of(found, "troupe_log_sync_seconds_count", '{log="metadata"}') >= 2
    assert all(value >= 1 for _, value in found["troupe_node_log_segments"])
    alice.close()
    assert server.terminate() == 0
    server.start()
    alice = shards.connect(server)
    wait_until(lambda: alice_writes(alice, shard), "the volume has a primary again")
    wait_until(lambda: ('{volume="volume-1"}', 1) in scrape(server).get("troupe_volume_replays_total", []),
               "its log was replayed")
    alice.close()


def made_shard(client):
    try:
        return client.NewShard().shard_id
    except shards.grpc.RpcError:
        return None


def alice_writes(client, shard):
    try:
        client.put(shard, b"key", b"again")
        return True
    except shards.grpc.RpcError:
        return False


def test_a_token_closes_metrics_and_nothing_else(tmp_path):
    token = tmp_path / "token"
    token.write_text("0123456789abcdef-secret\n")
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=1, members=1, settings=f"  metrics: {{token_file: {token}}}\n")
    try:
        cluster.start()
        node = cluster.nodes[0]

        def status(authorization):
            connection = http.client.HTTPConnection(node.console_host, node.console_port, timeout=10)
            connection.request("GET", "/metrics", headers={"Authorization": authorization} if authorization else {})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        assert node.console("/metrics")[0] == 403
        for wrong in ("Bearer 0123456789abcdef-secreT", "Bearer ", "Basic 0123456789abcdef-secret", "Bearer 0123456789abcdef-secret2"):
            refused = status(wrong)
            assert refused[0] == 403 and "troupe_requests" not in refused[1] and "secret" not in refused[1].replace(wrong, "")
        assert "troupe_requests_total" in parsed(status("Bearer 0123456789abcdef-secret")[1])
        assert node.console("/health")[0] == 200
        assert "0123456789abcdef" not in node.tail()
    finally:
        cluster.close()


@pytest.mark.parametrize("content", ["short", None])
def test_a_token_file_that_can_not_be_used_ends_the_start(tmp_path, content):
    token = tmp_path / "token"
    if content:
        token.write_text(content)
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=1, members=1, settings=f"  metrics: {{token_file: {token}}}\n")
    ended = subprocess.run(cluster.nodes[0].command(), capture_output=True, text=True, timeout=60,
                           env=cluster.nodes[0].environ())
    assert ended.returncode == 1 and "metrics.token_file" in ended.stderr, ended


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
