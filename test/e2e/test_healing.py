"""What nobody asks for: orphans are swept, what nobody reads is scrubbed, nodes that return are compared, and operators are told.
Graces and intervals are short by configuration."""
import os
import shutil

import pytest

import cluster as clusters
import signing
from conftest import client_of, some_bytes
from server import wait_until
from test_admin import admin, troupe
from test_cluster import succeeds

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a cluster of its own")

MIB = 1 << 20


@pytest.fixture
def new_cluster(tmp_path):
    made = []

    def make(healing, **options):
        settings = "".join(f"    {key}: {value}\n" for key, value in healing.items())
        c = clusters.Cluster(tmp_path / f"cluster-{len(made)}", settings="  healing:\n" + settings, **options)
        made.append(c)
        c.start()
        c.ready()
        return c
    yield make
    for c in made:
        c.close()


def storage(node):
    return {n["id"]: n["live_bytes"] for n in admin(node, "status")["storage"]["nodes"]}


def healing(node):
    return {"under_protected": {"extents": None, "objects": None, "counted": False}, **admin(node, "status").get("healing", {})}


class HalfAnUpload:
    """A PUT whose client stops in the middle and waits."""

    def __init__(self, node, key, size, sent):
        headers = signing.headers_for(node, "PUT", f"/bkt/{key}", payload_hash="UNSIGNED-PAYLOAD",
                                      headers={"content-length": str(size)})
        self.connection = node.connect()
        lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
        self.connection.sendall(f"PUT /bkt/{key} HTTP/1.1\r\n{lines}\r\n".encode())
        self.rest = some_bytes(size, 7)
        self.connection.sendall(self.rest[:sent])
        self.rest = self.rest[sent:]

    def trickle(self):
        """A little more: one that stalls is cut off."""
        self.connection.sendall(self.rest[:16384])
        self.rest = self.rest[16384:]

    def finish(self):
        self.connection.sendall(self.rest)
        return self.connection.recv(65536).split(b"\r\n")[0].decode()


def test_what_a_killed_coordinator_left_behind_is_swept_and_a_slow_upload_is_not(new_cluster):
    c = new_cluster({"orphan_grace": "3s", "sweep_interval": "1s", "reclaim_grace": "1s"}, nodes=5)
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    kept = some_bytes(5 * MIB, 1)
    s3.put_object(Bucket="bkt", Key="kept", Body=kept)
    slow = HalfAnUpload(c.nodes[1], "slow", 32 * MIB, 8 * MIB)
    wait_until(lambda: sum(storage(c.nodes[0]).values()) > 12 * MIB, "the slow upload has stored some of it", 60)
    before = storage(c.nodes[0])
    dying = HalfAnUpload(c.nodes[4], "dying", 64 * MIB, 32 * MIB)
    others = [n.name for n in c.nodes[:4]]
    wait_until(lambda: sum(storage(c.nodes[0])[n] - before[n] for n in others) > 20 * MIB, "much of it is stored", 60)
    c.nodes[4].kill()
    dying.connection.close()

    def swept():
        slow.trickle()
        now = storage(c.nodes[0])
        return all(now[n] <= before[n] for n in others)
    wait_until(swept, "the orphans' bytes are gone from the nodes that live", 120, 0.5)
    wait_until(lambda: healing(c.nodes[0])["orphans"]["removed"] >= 1, "the status says so")
    assert s3.get_object(Bucket="bkt", Key="kept")["Body"].read() == kept
    # Longer than the grace, and in another process than the one that sweeps.
    assert " 200 " in slow.finish()
    assert s3.get_object(Bucket="bkt", Key="slow")["Body"].read() == some_bytes(32 * MIB, 7)
    c.nodes[4].spawn()
    c.nodes[4].wait_ready()
    wait_until(lambda: storage(c.nodes[0]).get("node-5", 1 << 40) < 15 * MIB, "and from the one that died", 120, 0.5)
    assert s3.get_object(Bucket="bkt", Key="kept")["Body"].read() == kept


def flip_in_every_segment(volume, step=97 * 1024):
    """A byte of each of many pieces, in closed and open segments."""
    flipped = 0
    for segment in [volume / "shard" / "wal.active", *sorted((volume / "shard" / "wal.segments").glob("*.wal"))]:
        if not segment.exists():
            continue
        with open(segment, "r+b") as f:
            for at in range(4096 + 700, segment.stat().st_size - 8192, step):
                f.seek(at)
                byte = f.read(1)
                f.seek(at)
                f.write(bytes([byte[0] ^ 0x20]))
                flipped += 1
    return flipped


def test_damage_in_what_nobody_reads_is_found_and_repaired(new_cluster):
    c = new_cluster({"scrub_interval": "3s", "scrub_rate": "1GiB", "compare_interval": "720h"}, nodes=5)
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    objects = {f"key-{i}": some_bytes(3 * MIB, i) for i in range(8)}
    for key, body in objects.items():
        s3.put_object(Bucket="bkt", Key=key, Body=body)
    wait_until(lambda: healing(c.nodes[0])["under_protected"]["counted"], "everything was compared once", 60)
    assert admin(c.nodes[0], "status")["scrub"]["damaged"] == 0
    assert flip_in_every_segment(c.nodes[2].data / "volume") > 10

    def found():
        return next(n for n in admin(c.nodes[0], "nodes")["nodes"] if n["id"] == "node-3")["storage"]["scrub"]["damaged"] > 10
    wait_until(found, "the scrub finds it", 60)
    log = c.nodes[2].log_path.read_text
    assert "scrub failed" in log()
    wait_until(lambda: healing(c.nodes[0])["repaired"] >= 8, "it is made anew", 60)
    # Two other nodes die: then every piece of node-3 is needed.
    c.nodes[3].kill()
    c.nodes[4].kill()

    def readable():
        return all(s3.get_object(Bucket="bkt", Key=key)["Body"].read() == body for key, body in objects.items())
    assert readable()
    assert "read failed" not in log()


def test_a_scrub_goes_on_after_a_crash(new_cluster):
    c = new_cluster({"scrub_interval": "10s", "scrub_rate": "256KiB"}, nodes=5)
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    for i in range(8):
        s3.put_object(Bucket="bkt", Key=f"key-{i}", Body=some_bytes(3 * MIB, i))

    def scrub():
        node = next(n for n in admin(c.nodes[0], "nodes")["nodes"] if n["id"] == "node-3")
        return node.get("storage", {}).get("scrub", {})
    wait_until(lambda: 3 * MIB < scrub().get("bytes_done", 0) < 5 * MIB, "it is in the middle of its 8 MiB", 90, 0.2)
    c.nodes[2].kill()
    c.nodes[2].spawn()
    said = wait_until(scrub, "the node answers again", 60, 0.2)
    assert said.get("bytes_done", 0) > 2 * MIB, said  # 8 s of reading; it has not been up for 10
    assert said["rounds"] == 0
    wait_until(lambda: scrub().get("rounds", 0) >= 1, "the round ends", 60, 0.2)


def test_a_node_that_returns_empty_is_named_until_it_is_whole_again(new_cluster):
    c = new_cluster({"compare_interval": "720h", "rate": "4MiB", "delay": "10m"}, nodes=5)
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    for i in range(3):
        s3.put_object(Bucket="bkt", Key=f"key-{i}", Body=some_bytes(12 * MIB, i))
    wait_until(lambda: healing(c.nodes[0])["under_protected"] == {"extents": 0, "objects": 0, "counted": True},
               "all is protected", 60)
    lost = storage(c.nodes[0])["node-5"]
    assert lost > 10 * MIB
    c.nodes[4].kill()
    wait_until(lambda: healing(c.nodes[0])["under_protected"]["objects"] == 3, "a dead node's pieces count as lost", 60)
    assert "3 extents of 3 objects below full redundancy" in troupe(c.nodes[0], "admin", "status").stdout
    shutil.rmtree(c.nodes[4].data / "volume")
    c.nodes[4].spawn()
    seen = {"compared": True, "jobs": []}

    def whole():
        nodes = {n["id"]: n for n in admin(c.nodes[1], "nodes")["nodes"]}
        seen["compared"] &= nodes["node-5"].get("compared", True)
        seen["jobs"] += [j for j in healing(c.nodes[1])["jobs"] if j["running"] and j["name"] == "repair"]
        return storage(c.nodes[1]).get("node-5", 0) >= lost
    wait_until(whole, "its pieces are made anew", 120, 0.2)
    assert not seen["compared"]  # it said so
    assert seen["jobs"] and all(j.get("bytes_per_second", 0) < 6 * MIB for j in seen["jobs"][2:]), seen["jobs"]
    wait_until(lambda: healing(c.nodes[0])["under_protected"]["extents"] == 0, "and is counted as whole", 120)
    assert "everything has its full redundancy" in troupe(c.nodes[0], "admin", "status").stdout


def test_what_was_deleted_or_overwritten_while_a_node_was_away_does_not_return_with_it(new_cluster):
    c = new_cluster({"reclaim_grace": "1s", "delay": "10m"}, nodes=5)
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    for i in range(6):
        s3.put_object(Bucket="bkt", Key=f"key-{i}", Body=some_bytes(MIB, i))
    before = storage(c.nodes[0])["node-5"]
    assert before > MIB
    c.nodes[4].kill()
    wait_until(lambda: "node-5" not in storage(c.nodes[0]), "node-5 answers no more")
    for i in range(4):
        s3.delete_object(Bucket="bkt", Key=f"key-{i}")
    for i in (4, 5):
        wait_until(lambda i=i: succeeds(lambda: s3.put_object(Bucket="bkt", Key=f"key-{i}", Body=some_bytes(MIB, 10 + i))), "it is overwritten")
    c.nodes[4].start()
    c.ready()
    wait_until(lambda: healing(c.nodes[0])["under_protected"] == {"extents": 0, "objects": 0, "counted": True} and
               not healing(c.nodes[0]).get("comparing"), "it was compared, and has what it missed", 60)

    def as_if_it_had_never_been_away():
        held = storage(c.nodes[0])
        return "node-5" in held and held["node-5"] <= before / 3 * 1.01  # two objects of six
    wait_until(as_if_it_had_never_been_away, "what it held of the others is reclaimed", 60)
    for n in c.nodes:
        client = client_of(n)
        assert [o["Key"] for o in client.list_objects_v2(Bucket="bkt")["Contents"]] == ["key-4", "key-5"]
        for i in (4, 5):
            assert client.get_object(Bucket="bkt", Key=f"key-{i}")["Body"].read() == some_bytes(MIB, 10 + i)
        with pytest.raises(client.exceptions.NoSuchKey):
            client.get_object(Bucket="bkt", Key="key-0")
