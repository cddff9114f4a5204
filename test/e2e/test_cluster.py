"""A cluster of real processes on loopback: it forms, survives lost nodes, heals, and refuses who does not belong."""
import json
import shutil
import signal
import subprocess
import threading
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


def test_reads_of_what_there_was_never_fail_while_two_storage_nodes_are_killed(new_cluster):
    c = new_cluster(nodes=5).start()
    client = client_of(c.nodes[1])
    client.create_bucket(Bucket="old")
    objects = write_some(client, "old", "k", 12)
    for n in c.nodes[3:]:
        n.kill()
    began, rounds, taken = time.monotonic(), 0, None
    while taken is None or rounds < 10:  # before they are suspected, and after
        for n in c.nodes[:3]:
            read_all(client_of(n), "old", objects)
        rounds += 1
        if taken is None and succeeds(lambda: client.put_object(Bucket="old", Key="new", Body=content(7, 3 * MIB))):
            taken = time.monotonic() - began
        assert time.monotonic() - began < 120
    print(f"{rounds} rounds of reads; a write was taken after {taken:.2f} s")
    assert taken < SUSPICION_S
    objects.update(write_some(client, "old", "later", 12))  # the suspicion window is over: no error
    read_all(client, "old", objects)


def test_reads_wait_for_their_hedge_and_not_for_a_frozen_node(new_cluster):
    c = new_cluster(nodes=5).start()
    client = client_of(c.nodes[1])
    client.create_bucket(Bucket="hedged")
    objects = write_some(client, "hedged", "k", 10, sizes=(200_000, 3 * MIB))
    for _ in range(5):
        read_all(client, "hedged", objects)  # it knows how long pieces take
    c.nodes[4].freeze()  # it holds pieces of everything, and is no metadata member
    slowest = 0.0
    for key, body in objects.items():  # gossip has not noticed yet
        began = time.monotonic()
        assert client.get_object(Bucket="hedged", Key=key)["Body"].read() == body, key
        slowest = max(slowest, time.monotonic() - began)
    print(f"the slowest read took {slowest:.3f} s")
    assert slowest < 2, "as long as a hedge may wait, not as long as a request may"


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


class Retrying:
    """Writes and reads all the time, as a client behind a load balancer: a request that failed is sent again, to the next node, five
    times in all with the pauses that SDKs make."""

    def __init__(self, nodes, bucket):
        self.nodes, self.bucket = nodes, bucket
        self.acknowledged, self.given_up, self.repeated, self.stopping = {}, [], 0, threading.Event()
        self.thread = threading.Thread(target=self.run, daemon=True)

    def tried(self, what, request):
        for attempt in range(5):
            node = self.nodes[(len(self.acknowledged) + attempt) % len(self.nodes)]
            if succeeds(lambda: request(client_of(node, connect_timeout=2, read_timeout=20))):  # pylint: disable=cell-var-from-loop
                return True
            self.repeated += 1
            threading.Event().wait(min(0.2 * 2 ** attempt, 2))
        self.given_up.append(what)
        return False

    def run(self):
        number = 0
        while not self.stopping.is_set():
            number += 1
            key, body = f"load-{number}", content(number, (100, 40_000, MIB)[number % 3])
            if self.tried(f"put {key}", lambda s3: s3.put_object(Bucket=self.bucket, Key=key, Body=body)):  # pylint: disable=cell-var-from-loop
                self.acknowledged[key] = body
            some = sorted(self.acknowledged)[number // 2 % max(len(self.acknowledged), 1):][:1]
            for k in some:
                self.tried(f"get {k}", lambda s3: read_all(s3, self.bucket, {k: self.acknowledged[k]}))  # pylint: disable=cell-var-from-loop

    def __enter__(self):
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        self.thread.join(120)


def test_restarting_node_after_node_under_load_fails_nothing_that_clients_repeat(new_cluster):
    c = new_cluster(nodes=5).start()
    client_of(c.nodes[0]).create_bucket(Bucket="rolling")
    with Retrying(c.nodes, "rolling") as load:
        for n in c.nodes:
            before = len(load.acknowledged)
            wait_until(lambda before=before: len(load.acknowledged) >= before + 5, "the load goes on", 60)
            assert n.terminate() == 0, n.tail()
            n.start()
            c.ready()
    print(f"{len(load.acknowledged)} writes, {load.repeated} requests were repeated")
    assert not load.given_up
    read_all(client_of(c.nodes[0]), "rolling", load.acknowledged)


def test_a_hangup_is_taken_told_and_changes_nothing(new_cluster):
    c = new_cluster(nodes=1, members=1).start()
    node = c.nodes[0]
    client = client_of(node)
    client.create_bucket(Bucket="hangup")
    for n in (1, 2):
        node.process.send_signal(signal.SIGHUP)
        wait_until(lambda n=n: node.tail().count("nothing to reload") == n, "the hangup is in the log")
    client.put_object(Bucket="hangup", Key="k", Body=b"still there")
    assert node.terminate() == 0
    assert "hung up" not in node.tail()


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
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):  # at once, or in the middle of a body
            assert time.monotonic() < time_left
            for n in (c.nodes[0], c.nodes[4]):
                n.start()
            c.ready()


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
    command = [str(server.BINARY), "admin", *args, "--connect", f"{node.console_host}:{node.console_port}", "--json"]
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
