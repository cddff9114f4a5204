"""`troupe admin` and the console under it: a cluster of three nodes that the module shares, and `troupe dev`."""
import http.client
import json
import os
import signal
import subprocess

import pytest
from botocore.exceptions import ClientError

import cluster as clusters
import server as servers
import signing
from conftest import client_of, some_bytes
from server import wait_until

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a cluster of its own")


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    c = clusters.Cluster(tmp_path_factory.mktemp("admin") / "cluster", nodes=3).start()
    wait_until(lambda: states(c) == {"node-1": "up", "node-2": "up", "node-3": "up"}, "every node is up")
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    yield c
    c.close()


def troupe(node, *command, status=0, keys=True):
    """`troupe COMMAND --connect` of a node's console; stdout and stderr."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    if keys:
        environment.update(TROUPE_ACCESS_KEY=node.access_key, TROUPE_SECRET_KEY=node.secret_key)
    done = subprocess.run([str(servers.BINARY), *command, "--connect", f"{node.console_host}:{node.console_port}"],
                          capture_output=True, text=True, timeout=120, env=environment, cwd="/")
    assert done.returncode == status, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done


def admin(node, *command):
    """The JSON of `troupe admin COMMAND --json`."""
    return json.loads(troupe(node, "admin", *command, "--json").stdout)


def states(c, node=0):
    return {n["id"]: n["state"] for n in admin(c.nodes[node], "nodes")["nodes"]}


def call(node, method, path, query=(), body=b"", service="troupe", change=None, **how):
    """One request of the console, signed here, not by our own client."""
    where = type("Console", (), dict(host=node.console_host, port=node.console_port, access_key=node.access_key,
                                     secret_key=node.secret_key))
    headers = signing.headers_for(where, method, path, query, body=body, service=service, **how)
    if change:
        change(headers)
    answer = signing.raw(where, method, signing.target_of(path, query), headers, body)
    return answer.status, json.loads(answer.body)


def test_status_tells_the_cluster_from_any_node(cluster):
    for node in cluster.nodes:
        said = admin(node, "status")
        assert said["nodes"]["total"] == said["nodes"]["up"] == 3
        assert said["asked_by"] == node.name
        assert said["metadata"]["healthy"] and said["metadata"]["voters"] == 3 and said["metadata"]["losses"] == 1
        assert len(said["storage"]["nodes"]) == 3 and not said["storage"]["silent"]
    wait_until(lambda: admin(cluster.nodes[0], "status")["gossip"]["alive"] == 3, "gossip knows all three")
    text = troupe(cluster.nodes[0], "admin", "status").stdout
    assert "nodes      3: 3 up" in text and "3 of 3 members answer; 1 more may be lost" in text


def test_nodes_say_what_they_store(cluster):
    before = {n["id"]: n["storage"]["pieces"] for n in admin(cluster.nodes[0], "nodes")["nodes"]}
    client_of(cluster.nodes[0]).put_object(Bucket="bkt", Key="stored", Body=some_bytes(300_000))

    def grown():  # three copies on three nodes; the last one may come after the answer
        nodes = admin(cluster.nodes[1], "nodes")["nodes"]
        return nodes if all(n["storage"]["pieces"] > before[n["id"]] for n in nodes) else None
    nodes = wait_until(grown, "every node stores more")
    for n, port in zip(nodes, cluster.ports):
        assert n["address"] == f"127.0.0.1:{port}"
        assert n["roles"] == ["storage", "metadata", "coordinator"]
        assert n["storage"]["writable"]
        assert n["storage"]["live_bytes"] >= 300_000
    lines = troupe(cluster.nodes[0], "admin", "nodes").stdout.splitlines()
    assert lines[0].split()[:3] == ["NODE", "STATE", "SINCE"] and len(lines) == 4


def test_raft_shows_one_leader_that_everybody_follows(cluster):
    said = admin(cluster.nodes[2], "raft")
    assert [m["node"] for m in said["members"]] == cluster.names
    assert sorted(m["state"] for m in said["members"]) == ["follower", "follower", "leader"]
    assert {m["leader"] for m in said["members"]} == {said["leader"]}
    assert all(m["votes"] and not m["recovering"] for m in said["members"])
    assert [m["role"] for m in said["group"]] == ["voter"] * 3
    assert "CHECKPOINT" in troupe(cluster.nodes[0], "admin", "raft").stdout


def test_where_finds_every_piece(cluster):
    s3 = client_of(cluster.nodes[0])
    s3.put_object(Bucket="bkt", Key="dir/where is it?", Body=some_bytes(2_000_000))
    wait_until(lambda: admin(cluster.nodes[1], "where", "bkt/dir/where is it?")["losses"] == 2, "every piece is there")
    said = admin(cluster.nodes[1], "where", "bkt/dir/where is it?")
    assert said["size"] == 2_000_000 and len(said["extents"]) == 1
    for run in said["extents"][0]["runs"]:
        assert {p["state"] for p in run["pieces"]} == {"there"}
        assert {p["node"] for p in run["pieces"]} == set(cluster.names)
    s3.put_object(Bucket="bkt", Key="small", Body=b"small")
    assert admin(cluster.nodes[1], "where", "bkt/small")["inline"]
    refused = troupe(cluster.nodes[0], "admin", "where", "bkt/nothing", status=1).stderr
    assert "no object bkt/nothing" in refused and "hint:" in refused


def test_where_shows_the_parts_of_an_upload(cluster):
    s3 = client_of(cluster.nodes[0])
    upload = s3.create_multipart_upload(Bucket="bkt", Key="parts")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="bkt", Key="parts", PartNumber=n, UploadId=upload,
                                                       Body=some_bytes(5 << 20, n))["ETag"]} for n in (1, 2)]
    s3.complete_multipart_upload(Bucket="bkt", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    wait_until(lambda: admin(cluster.nodes[0], "where", "bkt/parts")["losses"] == 2, "every piece is there")
    assert [e["part"] for e in admin(cluster.nodes[0], "where", "bkt/parts")["extents"]] == [1, 2]
    rest = admin(cluster.nodes[0], "where", "bkt/parts", "--from", "1")
    assert [e["part"] for e in rest["extents"]] == [2]


def pieces_of(node, name):
    """How the only extent of an object is cut, as `where` tells it: (k, m)."""
    extent, = admin(node, "where", name)["extents"]
    return extent["geometry"]["data"], extent["geometry"]["parity"]


def test_a_buckets_class_and_durability_are_set_and_hold_on_every_node(cluster):
    """REQUIREMENTS X3 and X4: a class per bucket, a durability per bucket, another one per request."""
    first, other = cluster.nodes[0], client_of(cluster.nodes[1])
    other.create_bucket(Bucket="kept")
    assert admin(first, "bucket", "kept") == {"bucket": "kept", "class": "default", "durability": "quorum",
                                               "encryption": "default"}
    other.put_object(Bucket="kept", Key="before", Body=some_bytes(300_000))
    said = admin(first, "bucket", "kept", "--class", "erasure(2,1)")
    assert said["class"] == "erasure(2,1)" and said["durability"] == "quorum"

    def shape_of_new_content():
        other.put_object(Bucket="kept", Key="after", Body=some_bytes(300_000))
        return pieces_of(first, "kept/after")
    wait_until(lambda: shape_of_new_content() == (2, 1), "the other node keeps new content by the class")
    assert other.get_object(Bucket="kept", Key="after")["Body"].read() == some_bytes(300_000)
    assert pieces_of(first, "kept/before") == (1, 2)  # what was there stays

    shown = troupe(first, "admin", "bucket", "kept", "--class", "replica(2)", "--durability", "all").stdout
    assert "replica(2)" in shown and "all" in shown
    wait_until(lambda: shape_of_new_content() == (1, 1), "copies again")
    other.put_object(Bucket="kept", Key="small", Body=b"small")
    where = admin(first, "where", "kept/small")
    assert not where["inline"]  # a row is kept by a majority of the metadata group, not by all
    signed = client_of(cluster.nodes[0])
    signed.meta.events.register("before-sign.s3.PutObject",
                                lambda request, **_: request.headers.add_header("x-troupe-durability", "quorum"))
    signed.put_object(Bucket="kept", Key="small", Body=b"small")
    assert admin(first, "where", "kept/small")["inline"]  # the request's word counts


def test_a_class_that_can_not_be_is_refused_and_says_why(cluster):
    first = cluster.nodes[0]
    client_of(first).create_bucket(Bucket="refused")
    for options, why in ((("--class", "erasure(4,2)"), "needs 6 storage nodes; there are 3"),
                         (("--class", "gold"), "is no class: default, replica(n)"),
                         (("--durability", "async"), "it needs the class replica(n)")):
        assert why in troupe(first, "admin", "bucket", "refused", *options, status=2).stderr
    assert "no bucket nothing" in troupe(first, "admin", "bucket", "nothing", status=1).stderr
    troupe(first, "admin", "bucket", "refused", "--durability", "most", status=2)
    assert admin(first, "bucket", "refused")["class"] == "default"
    status, said = call(first, "POST", "/admin/buckets/refused")
    assert status == 400 and "needs class=, durability= or encryption=" in said["error"]["message"]
    signed = client_of(first)
    signed.meta.events.register("before-sign.s3.PutObject",
                                lambda request, **_: request.headers.add_header("x-troupe-durability", "most"))
    with pytest.raises(ClientError) as bad:
        signed.put_object(Bucket="refused", Key="k", Body=b"x")
    assert bad.value.response["Error"]["Code"] == "InvalidArgument"


def test_a_drained_node_gets_no_new_data_until_it_is_undrained(cluster):
    first, other = cluster.nodes[0], cluster.nodes[1]
    said = troupe(first, "admin", "drain", "node-3").stdout
    assert said.startswith("node-3 is draining, weight 1 (epoch ")
    again = admin(first, "drain", "node-3")  # does no harm
    for node in range(3):
        wait_until(lambda n=node: states(cluster, n)["node-3"] == "draining", "every node has the map")
    s3 = client_of(other)
    s3.put_object(Bucket="bkt", Key="while draining", Body=some_bytes(300_000))
    placed = admin(other, "where", "bkt/while draining")["extents"][0]["runs"]
    assert "node-3" not in {p["node"] for run in placed for p in run["pieces"]}
    assert s3.get_object(Bucket="bkt", Key="while draining")["Body"].read() == some_bytes(300_000)
    back = admin(other, "undrain", "node-3")
    assert back["epoch"] == again["epoch"] + 1 and back["node"]["state"] == "up"
    for node in range(3):
        wait_until(lambda n=node: states(cluster, n)["node-3"] == "up", "every node has the map")
    s3.put_object(Bucket="bkt", Key="afterwards", Body=some_bytes(300_000))
    placed = admin(other, "where", "bkt/afterwards")["extents"][0]["runs"]
    assert {p["node"] for run in placed for p in run["pieces"]} == set(cluster.names)


def waiting_drain(node, *options):
    """`troupe admin drain node-3 --wait` as a process that has printed its first lines."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    environment.update(TROUPE_ACCESS_KEY=node.access_key, TROUPE_SECRET_KEY=node.secret_key,
                       TROUPE_CONSOLE=f"{node.console_host}:{node.console_port}")
    process = subprocess.Popen([str(servers.BINARY), "admin", "drain", "node-3", "--wait", *options], text=True,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=environment, cwd="/")
    return process, process.stdout.readline()


def test_waiting_for_a_drain_ends_when_it_is_called_off_or_interrupted(cluster):
    node = cluster.nodes[0]
    process, first = waiting_drain(node, "--json")
    assert json.loads(first)["node"]["state"] == "draining"
    sample = json.loads(process.stdout.readline())
    assert sample["id"] == "node-3" and sample["storage"]["pieces"] > 0
    admin(node, "undrain", "node-3")
    _, said = process.communicate(timeout=60)
    assert process.returncode == 1 and "node-3 is up, not draining any more" in said
    process, first = waiting_drain(node)
    assert first.startswith("node-3 is draining")
    assert "pieces left" in process.stderr.readline()
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    assert process.returncode == 130 and "the node goes on draining" in said
    admin(node, "undrain", "node-3")
    for n in range(3):
        wait_until(lambda n=n: states(cluster, n)["node-3"] == "up", "every node has the map")


def test_weight_changes_and_refusals_say_why(cluster):
    node = cluster.nodes[0]
    assert admin(node, "weight", "node-2", "3")["node"]["weight"] == 3
    assert admin(node, "weight", "node-2", "1")["node"]["weight"] == 1
    refused = troupe(node, "admin", "remove", "node-2", status=1).stderr
    assert "may hold data: drain it, or remove it by force" in refused
    refused = troupe(node, "admin", "drain", "nobody", status=1).stderr
    assert "no node is named 'nobody'" in refused and "troupe admin nodes" in refused
    assert "is not the name of a node" in troupe(node, "admin", "drain", "a/b", status=2).stderr
    troupe(node, "admin", "weight", "node-2", "101", status=2)


def test_leadership_is_handed_over_on_request(cluster):
    leader = admin(cluster.nodes[0], "raft")["leader"]
    to = next(n for n in cluster.names if n != leader)
    said = admin(cluster.nodes[0], "members", "transfer", to)
    assert said == {"kind": "transfer", "node": to}
    wait_until(lambda: admin(cluster.nodes[0], "raft").get("leader") == to, f"{to} leads")
    assert admin(cluster.nodes[1], "members", "transfer", to)["node"] == to  # does no harm
    client_of(cluster.nodes[1]).put_object(Bucket="bkt", Key="under another leader", Body=b"x")


def test_a_member_leaves_the_metadata_group_and_comes_back(cluster):
    node = cluster.nodes[0]
    out = next(n for n in cluster.names if n != admin(node, "raft")["leader"])
    assert admin(node, "members", "remove", out) == {"kind": "remove", "node": out}
    assert admin(node, "status")["metadata"]["voters"] == 2
    admin(node, "members", "remove", out)  # does no harm
    client_of(node).put_object(Bucket="bkt", Key="with two members", Body=b"x")
    admin(node, "members", "add", out)
    wait_until(lambda: admin(node, "status")["metadata"].get("answering") == 3, "three members again")
    refused = troupe(node, "admin", "members", "add", "nobody", status=1).stderr
    assert "no node is named 'nobody'" in refused


def test_a_node_joins_the_map_before_it_is_there(cluster):
    said = admin(cluster.nodes[0], "join", "node-9", "127.0.0.1:9", "--zone", "rack-2", "--role", "storage")
    assert said["node"]["state"] == "joining" and said["node"]["roles"] == ["storage"]
    gone = admin(cluster.nodes[0], "remove", "node-9")
    assert gone["node"]["state"] == "gone"
    # With the metadata role, but in no group.
    admin(cluster.nodes[0], "join", "node-8", "127.0.0.1:9", "--role", "metadata")
    assert admin(cluster.nodes[0], "remove", "node-8")["node"]["state"] == "gone"
    assert "never used again" in troupe(cluster.nodes[0], "admin", "join", "node-9", "127.0.0.1:9", status=1).stderr


@pytest.mark.parametrize("method,path", [("GET", "/admin/status"), ("POST", "/admin/nodes/node-1/drain")])
def test_what_is_not_signed_by_the_clusters_key_is_refused(cluster, method, path):
    node = cluster.nodes[0]
    connection = http.client.HTTPConnection(node.console_host, node.console_port, timeout=10)
    connection.request(method, path)
    answer = connection.getresponse()
    assert answer.status == 403 and json.loads(answer.read())["error"]["code"] == "access_denied"
    assert call(node, method, path, secret_key="wrong")[0] == 403
    assert call(node, method, path, access_key="AKIAELSE")[0] == 403
    assert call(node, method, path, service="s3")[0] == 400
    assert call(node, method, path, when=signing.now() - signing.datetime.timedelta(hours=1))[0] == 403
    assert call(node, method, path, change=lambda h: h.update({"x-amz-content-sha256": "UNSIGNED-PAYLOAD"}))[0] == 403
    assert states(cluster)["node-1"] == "up"
    refused = troupe(node, "admin", "status", "--access-key", "AKIAE2E", "--secret-key", "wrong", status=1, keys=False)
    assert "signature" in refused.stderr and "wrong" not in refused.stderr


def test_signed_by_hand_it_answers(cluster):
    status, said = call(cluster.nodes[0], "GET", "/admin/status")
    assert status == 200 and said["nodes"]["total"] == 3
    status, said = call(cluster.nodes[0], "GET", "/admin/nothing")
    assert status == 404
    status, said = call(cluster.nodes[0], "POST", "/admin/join", body=b"{")
    assert status == 400 and "JSON" in said["error"]["message"]


def test_a_node_that_died_is_seen_and_counted_as_lost(cluster):
    first, last = cluster.nodes[0], cluster.nodes[2]
    client_of(first).put_object(Bucket="bkt", Key="lossy", Body=some_bytes(300_000))
    last.kill()
    try:
        wait_until(lambda: admin(first, "status")["metadata"].get("answering") == 2, "the member is missed")
        assert admin(first, "status")["metadata"]["silent"] == ["node-3"]
        wait_until(lambda: admin(first, "where", "bkt/lossy")["losses"] == 1, "its pieces are not counted")
        silent = admin(first, "status")["storage"]["silent"]
        assert [n["id"] for n in silent] == ["node-3"]
        assert "error" in next(m for m in admin(first, "raft")["members"] if m["node"] == "node-3")
    finally:
        last.start()
    wait_until(lambda: admin(first, "status")["metadata"].get("answering") == 3, "it is back", 60)
    wait_until(lambda: states(cluster)["node-3"] == "up", "it is up")


def test_dev_answers_what_makes_sense_without_a_cluster(server):
    said = admin(server, "status")
    assert said["nodes"] == {"total": 5} and "epoch" not in said
    assert said["metadata"]["healthy"] and said["metadata"]["voters"] == 1
    assert len(admin(server, "nodes")["nodes"]) == 5
    assert admin(server, "raft")["members"][0]["state"] == "leader"
    s3 = client_of(server)
    s3.create_bucket(Bucket="admin-where")
    s3.put_object(Bucket="admin-where", Key="k", Body=some_bytes(2_000_000))
    wait_until(lambda: admin(server, "where", "admin-where/k")["losses"] == 2, "every piece is there")
    found = admin(server, "where", "admin-where/k")
    assert found["extents"][0]["geometry"]["data"] == 3
    refused = troupe(server, "admin", "drain", "node-1", status=1).stderr
    assert "`troupe dev` has no cluster to change" in refused


def test_dev_tells_the_client_where_its_console_is(new_server):
    s = new_server(access_key=None).start()
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    done = subprocess.run([str(servers.BINARY), "admin", "status", "--data", str(s.data)], capture_output=True, text=True,
                          timeout=60, env=environment)
    assert done.returncode == 0, done.stderr
    assert "nodes      5" in done.stdout
