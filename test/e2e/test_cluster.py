"""A cluster of real processes on loopback: it forms, survives lost nodes, heals, and refuses who does not belong."""
import json
import shutil
import socket
import ssl
import subprocess
import time

import botocore.exceptions
import pytest

import cluster as clusters
import server
from conftest import client_of
from server import wait_until

MIB = 1 << 20
SUSPICION_S = 15  # generous for a busy machine: gossip 200 ms, suspicion 1 s, election 1 s


@pytest.fixture
def new_cluster(tmp_path):
    made = []

    def make(**options):
        c = clusters.Cluster(tmp_path / f"cluster-{len(made)}", **options)
        made.append(c)
        return c
    yield make
    for c in made:
        c.close()


def content(seed, size):
    return (seed.to_bytes(4, "big") * (size // 4 + 1))[:size]


def succeeds(call):
    """Whether the call went through; what a client would have tried again is no failure of the test."""
    try:
        call()
        return True
    except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
        return False


def read_all(client, bucket, objects):
    for key, body in objects.items():
        assert client.get_object(Bucket=bucket, Key=key)["Body"].read() == body, key


def write_some(client, bucket, prefix, n, sizes=(100, 40_000, 3 * MIB)):
    objects = {f"{prefix}-{i}": content(i, sizes[i % len(sizes)]) for i in range(n)}
    for key, body in objects.items():
        client.put_object(Bucket=bucket, Key=key, Body=body)
    return objects


def volume_bytes(node):
    return sum(f.stat().st_size for f in (node.data / "volume").rglob("*") if f.is_file())


def test_what_one_node_took_every_node_gives(new_cluster):
    c = new_cluster(nodes=5).start()
    clients = [client_of(n) for n in c.nodes]
    clients[4].create_bucket(Bucket="shared")
    objects = {}
    for i, client in enumerate(clients):
        objects.update(write_some(client, "shared", f"by-{i}", 3))
    for client in clients:
        read_all(client, "shared", objects)
        listed = client.list_objects_v2(Bucket="shared")["Contents"]
        assert [o["Key"] for o in listed] == sorted(objects)
    clients[0].delete_object(Bucket="shared", Key="by-1-0")
    with pytest.raises(clients[3].exceptions.NoSuchKey):
        clients[3].get_object(Bucket="shared", Key="by-1-0")


def test_two_killed_nodes_cost_no_read_and_no_write_for_long(new_cluster):
    c = new_cluster(nodes=5).start()
    client = client_of(c.nodes[2])
    client.create_bucket(Bucket="kept")
    objects = write_some(client, "kept", "before", 6)
    c.nodes[0].kill()  # a metadata member, perhaps the leader
    c.nodes[4].kill()
    began = time.monotonic()
    wait_until(lambda: succeeds(lambda: client.put_object(Bucket="kept", Key="after", Body=content(9, 3 * MIB))),
               "a write is taken without the two", SUSPICION_S)
    print(f"writes resumed after {time.monotonic() - began:.2f} s")
    objects["after"] = content(9, 3 * MIB)
    objects.update(write_some(client, "kept", "later", 6))
    for n in c.nodes[1:4]:
        read_all(client_of(n), "kept", objects)
    for n in (c.nodes[0], c.nodes[4]):
        n.start()
    c.ready()
    read_all(client_of(c.nodes[0]), "kept", objects)


def test_losing_the_metadata_leader_stops_writes_for_seconds_only(new_cluster):
    c = new_cluster(nodes=3).start()
    client = client_of(c.nodes[2])
    client.create_bucket(Bucket="leader")
    acknowledged = {}
    for victim in c.nodes[:2]:  # the leader is one of the three; the other time it makes no difference
        victim.kill()
        began = time.monotonic()
        key = f"without-{victim.name}"
        wait_until(lambda: succeeds(lambda: client.put_object(Bucket="leader", Key=key, Body=b"small")), "a write", SUSPICION_S)
        print(f"without {victim.name}: {time.monotonic() - began:.2f} s")
        acknowledged[key] = b"small"
        victim.start()
        c.ready()
    read_all(client, "leader", acknowledged)


def test_a_frozen_node_is_worked_around_and_loses_nothing(new_cluster):
    c = new_cluster(nodes=5).start()
    client = client_of(c.nodes[3])
    client.create_bucket(Bucket="frozen")
    objects = write_some(client, "frozen", "before", 6)
    c.nodes[1].freeze()
    began = time.monotonic()
    read_all(client, "frozen", objects)
    wait_until(lambda: succeeds(lambda: client.put_object(Bucket="frozen", Key="during", Body=content(5, 2 * MIB))),
               "a write is taken while a node is frozen", 30)
    print(f"read all and wrote after {time.monotonic() - began:.2f} s")
    objects["during"] = content(5, 2 * MIB)
    c.nodes[1].thaw()
    c.ready()
    read_all(client_of(c.nodes[1]), "frozen", objects)


def test_a_minority_refuses_writes(new_cluster):
    c = new_cluster(nodes=3).start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="minority")
    for n in c.nodes[1:]:
        n.freeze()
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        client.put_object(Bucket="minority", Key="k", Body=b"must not be acknowledged")
    assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
    for n in c.nodes[1:]:
        n.thaw()
    wait_until(lambda: succeeds(lambda: client.put_object(Bucket="minority", Key="again", Body=b"now")), "a write", 30)
    assert client.get_object(Bucket="minority", Key="again")["Body"].read() == b"now"


def test_restarting_node_after_node_loses_nothing(new_cluster):
    c = new_cluster(nodes=5).start()
    writer = client_of(c.nodes[0])
    writer.create_bucket(Bucket="rolling")
    objects = write_some(writer, "rolling", "start", 4)
    for n in c.nodes:
        assert n.terminate() == 0, n.tail()
        other = client_of(c.nodes[(n.index + 1) % 5])
        key, body = f"while-{n.name}-is-away", content(n.index, MIB)
        wait_until(lambda: succeeds(lambda: other.put_object(Bucket="rolling", Key=key, Body=body)), "a write", SUSPICION_S)
        objects[key] = body
        n.start()
        c.ready()
    read_all(client_of(c.nodes[0]), "rolling", objects)


def test_a_node_whose_disk_was_replaced_gets_its_pieces_again(new_cluster):
    c = new_cluster(nodes=5, settings="  healing: {delay: 1s, compare_interval: 5s}\n").start()
    client = client_of(c.nodes[2])
    client.create_bucket(Bucket="disk")
    objects = write_some(client, "disk", "kept", 8, sizes=(200_000, 3 * MIB))
    c.nodes[1].kill()  # a metadata member, too: it must not vote before it has caught up
    shutil.rmtree(c.nodes[1].data)
    c.nodes[1].start()
    c.ready()
    assert "catches up before it votes" in c.nodes[1].tail()

    def healed():
        return volume_bytes(c.nodes[1]) > 4 * MIB
    wait_until(healed, "the node holds pieces again", 60)
    time_left = time.monotonic() + 60
    while True:  # its pieces are whole: any two others may be lost
        c.nodes[0].kill()
        c.nodes[4].kill()
        try:
            read_all(client, "disk", objects)
            break
        except botocore.exceptions.ClientError:
            assert time.monotonic() < time_left
            for n in (c.nodes[0], c.nodes[4]):
                n.start()
            c.ready()


def test_who_does_not_belong_is_refused_and_told_why(new_cluster):
    c = new_cluster(nodes=3).start()
    twin = subprocess.run(c.nodes[0].command(), env=c.nodes[0].environ(), capture_output=True, text=True, timeout=30)
    assert twin.returncode == 1
    assert "another process serves" in twin.stderr
    elsewhere = c.path / "elsewhere.yaml"  # the same name on another directory and port
    elsewhere.write_text(c.config_path.read_text().replace(f"{c.nodes[1].data}}}", f"{c.nodes[1].data}-twin}}")
                         .replace(f":{c.ports[1]}\"", f":{clusters.free_ports(1)[0]}\""))
    second = clusters.Node(c, "node-2", 1)
    second.config, second.log_path = elsewhere, c.path / "twin.log"
    c.nodes.append(second)  # ends with the cluster
    second.spawn()
    wait_until(lambda: "another process is node 'node-2'" in second.tail(), "the second one is told", 30)
    assert second.console("/ready")[0] == 503
    second.terminate()
    other = c.path / "other.yaml"
    other.write_text(c.config_path.read_text().replace("storage:\n", "storage:\n  cluster: {name: other}\n"))
    c.nodes[2].terminate()
    command = [str(other) if word == str(c.config_path) else word for word in c.nodes[2].command()]
    moved = subprocess.run(command, env=c.nodes[2].environ(), capture_output=True, text=True, timeout=30)
    assert moved.returncode == 1
    assert "belongs to cluster" in moved.stderr


def answered_hello(port, identity):
    """Whether the actor port says a word after TLS, to somebody with that certificate (None: without one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if identity:
        context.load_cert_chain(identity + ".pem", identity + ".key")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"\0")  # the control plane
        try:
            with context.wrap_socket(plain) as s:
                s.sendall(b"TP\1" + b"\0" * 17)  # an empty hello: a node answers it with its reasons
                return s.recv(2) == b"TP"
        except (ssl.SSLError, ConnectionError):
            return False


def test_nodes_with_certificates_talk_and_others_get_nothing(new_cluster, tmp_path):
    ca = tmp_path / "ca"

    def troupe(*args):
        subprocess.run([str(server.BINARY), *args], check=True, capture_output=True, timeout=60)
    troupe("ca", "init", "--dir", str(ca))
    for i in range(3):
        troupe("ca", "issue", f"node-{i + 1}", "--dir", str(ca), "--host", "127.0.0.1")
    c = new_cluster(nodes=3, settings=f"  tls: {{ca: {ca}/ca.pem, certificate: \"{ca}/{{node}}.pem\", key: \"{ca}/{{node}}.key\"}}\n")
    c.start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="secured")
    objects = write_some(client, "secured", "k", 6)
    read_all(client_of(c.nodes[2]), "secured", objects)
    other = tmp_path / "other-ca"
    troupe("ca", "init", "--dir", str(other))
    troupe("ca", "issue", "node-2", "--dir", str(other), "--host", "127.0.0.1")
    assert answered_hello(c.ports[0], f"{ca}/node-2") is True  # the test itself speaks as a node would
    assert answered_hello(c.ports[0], f"{other}/node-2") is False
    assert answered_hello(c.ports[0], None) is False
    assert "plain text" not in c.nodes[0].tail()
    read_all(client, "secured", objects)


def test_a_sixth_node_takes_its_share_while_all_is_read(new_cluster):
    c = new_cluster(nodes=5, settings="  healing: {reclaim_grace: 1s}\n").start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="growing")
    objects = write_some(client, "growing", "k", 40, sizes=(200_000, MIB))
    sixth = c.add().start()

    def share():
        read_all(client_of(c.nodes[2]), "growing", objects)  # all the time
        return volume_bytes(sixth) > sum(volume_bytes(n) for n in c.nodes) / 12
    wait_until(share, "the sixth node holds half of its share at least", 60)
    c.nodes[3].kill()
    c.nodes[4].kill()
    read_all(client_of(sixth), "growing", objects)


def admin(node, *args):
    """`troupe admin`, asked of that node; its JSON answer."""
    command = [str(server.BINARY), "admin", *args, "--connect", f"127.0.0.1:{node.console_port}", "--json"]
    done = subprocess.run(command, env=node.environ(), capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def state_of(c, asked, name):
    return next(n["state"] for n in admin(c.nodes[asked], "nodes")["nodes"] if n["id"] == name)


def test_a_drained_node_leaves_when_no_record_names_it(new_cluster):
    c = new_cluster(nodes=6, settings="  healing: {reclaim_grace: 1s}\n").start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="drained")
    objects = write_some(client, "drained", "k", 20, sizes=(200_000, MIB))
    assert volume_bytes(c.nodes[5]) > 0
    admin(c.nodes[1], "drain", "node-6")

    def gone():
        read_all(client_of(c.nodes[2]), "drained", objects)  # all the time
        return state_of(c, 0, "node-6") == "gone"
    wait_until(gone, "node-6 has left", 60)
    c.nodes[5].terminate()
    shutil.rmtree(c.nodes[5].data)
    c.nodes[3].kill()
    c.nodes[4].kill()
    read_all(client, "drained", objects)


@pytest.mark.parametrize("direction", ["both", "to", "from"])
def test_a_partition_leaves_the_majority_working_and_heals(new_cluster, direction):
    c = new_cluster(nodes=3, settings="  faults: enabled\n").start()
    client = client_of(c.nodes[1])
    client.create_bucket(Bucket="parted")
    objects = write_some(client, "parted", "before", 3, sizes=(100, 100_000))
    leader = int(admin(c.nodes[0], "raft")["leader"].removeprefix("node-")) - 1
    others = [n for n in c.nodes if n.index != leader]
    admin(c.nodes[leader], "fault", "drop", "*", "--direction", direction)  # the leader is cut off
    other = client_of(others[0])
    wait_until(lambda: succeeds(lambda: other.put_object(Bucket="parted", Key="during", Body=b"majority")), "a write", 30)
    objects["during"] = b"majority"
    assert other.get_object(Bucket="parted", Key="during")["Body"].read() == b"majority"
    if direction == "both":
        assert not succeeds(lambda: client_of(c.nodes[leader]).put_object(Bucket="parted", Key="lost", Body=b"minority"))
    admin(c.nodes[leader], "fault", "clear")
    c.ready()
    cut_off = client_of(c.nodes[leader])
    wait_until(lambda: succeeds(lambda: read_all(cut_off, "parted", objects)), "the old leader serves again", 30)
    assert "lost" not in [o["Key"] for o in cut_off.list_objects_v2(Bucket="parted")["Contents"]]


def test_faults_are_refused_unless_they_are_enabled(new_cluster):
    c = new_cluster(nodes=1, members=1).start()
    command = [str(server.BINARY), "admin", "fault", "drop", "*", "--connect", f"127.0.0.1:{c.nodes[0].console_port}"]
    refused = subprocess.run(command, env=c.nodes[0].environ(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "faults are not enabled" in refused.stderr


def test_pieces_without_metadata_are_no_reason_to_begin_anew(new_cluster):
    c = new_cluster(nodes=3).start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="forgotten")
    write_some(client, "forgotten", "k", 3)
    for n in c.nodes:
        assert n.terminate() == 0
        (n.data / "metadata").rename(n.data / "metadata.aside")
    for n in c.nodes:
        n.spawn()
    wait_until(lambda: all("no metadata group is founded" in n.tail() for n in c.nodes), "every node says so", 30)
    assert all(n.console("/ready")[0] == 503 for n in c.nodes)
    for n in c.nodes:
        n.terminate()
        shutil.rmtree(n.data / "metadata")
        (n.data / "metadata.aside").rename(n.data / "metadata")
        n.spawn()
    c.ready()
    assert len(client_of(c.nodes[1]).list_objects_v2(Bucket="forgotten")["Contents"]) == 3


def test_the_console_runs_the_commands_of_admin(new_cluster):
    c = new_cluster(nodes=1, members=1).start()
    console = [str(server.BINARY), "console", "--connect", f"127.0.0.1:{c.nodes[0].console_port}"]

    def run(*args, text=""):
        return subprocess.run([*console, *args], input=text, env=c.nodes[0].environ(), capture_output=True, text=True, timeout=60)
    done = run("-c", "nodes --json", "-c", "raft --json")
    assert done.returncode == 0, done.stderr
    assert '"node-1"' in done.stdout and '"leader"' in done.stdout
    piped = run(text="help\nnodes\nexit\nthis is not reached\n")
    assert piped.returncode == 0, piped.stderr
    assert "node-1" in piped.stdout and "exit" in piped.stdout
    assert run("-c", "drain nobody").returncode == 1
    assert run("-c", "where 'b").returncode == 2
