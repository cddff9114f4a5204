"""Seed 002: what operators do with volumes of shards: look, snapshots, restore, EBS. Test names begin with the row of REQUIREMENTS."""
import os
import re
import shutil
import subprocess

import grpc
import pytest

import cluster as clusters
import ec2 as ec2s
import identities
import server as servers
import shards
from metrics_page import scrape, value_of
from server import wait_until
from shards import code_of
from test_seed_shards import primary_is_there
from test_tracing import PARENT, Collector

Code = grpc.StatusCode
V1 = '{volume="volume-1"}'


@pytest.fixture
def store(new_server):
    s = new_server(options=("--shards", "127.0.0.1:0")).start()
    s.alice = shards.connect(s)
    primary_is_there(s.alice)
    return s


def volumes_of(server):
    return {v["id"]: v for v in identities.admin(server, "volumes")["volumes"]}


def snapshots_of(server, volume="volume-1"):
    return identities.admin(server, "volume", "snapshots", volume)["snapshots"]


def three(tmp_path, more="", root=None):
    root = root or tmp_path / "volume"
    root.mkdir(parents=True, exist_ok=True)
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=3, settings=(
        f"  shards: {{lease: 1s, {more}volumes: [{{id: volume-1, provider: shared-dir, path: {root}}}]}}\n"))
    for n in cluster.nodes:
        n.options = ["--shards", "127.0.0.1:0"]
    return cluster


def test_v17_an_operator_makes_lists_and_removes_snapshots(store):
    alice, shard = store.alice, store.alice.NewShard().shard_id
    alice.put(shard, b"k", b"v")
    assert snapshots_of(store) == []
    made = identities.admin(store, "volume", "snapshot", "volume-1", "monday")["snapshot"]
    assert made["name"] == "monday" and made["shards"] == 1 and made["bytes"] > 0 and not made["regular"]
    unnamed = identities.admin(store, "volume", "snapshot", "volume-1")["snapshot"]["name"]
    assert re.fullmatch(r"manual-\d{8}-\d{6}-\d{3}", unnamed)
    assert [s["name"] for s in snapshots_of(store)] == ["monday", unnamed]
    assert (store.data / "volumes" / "volume-1" / "snapshots" / "monday" / f"shard-{shard}").is_dir()
    # As words for people, and at the console's prompt.
    text = identities.troupe(store, "volume", "snapshots", "volume-1")
    assert "SNAPSHOT" in text and "monday" in text and "completed" in text
    prompt = subprocess.run([str(servers.BINARY), "console", "-c", "volumes", "-c", "volume snapshots volume-1",
                             "--connect", f"{store.console_host}:{store.console_port}"], capture_output=True, text=True,
                            env=os.environ | {"TROUPE_ACCESS_KEY": store.access_key, "TROUPE_SECRET_KEY": store.secret_key})
    assert prompt.returncode == 0 and "PRIMARY" in prompt.stdout and "monday" in prompt.stdout, prompt
    identities.admin(store, "volume", "remove-snapshot", "volume-1", "monday")
    assert [s["name"] for s in snapshots_of(store)] == [unnamed]
    assert alice.get(shard, b"k") == b"v"


def test_v17_what_can_not_be_done_is_refused(store):
    identities.admin(store, "volume", "snapshot", "volume-1", "monday")
    assert "a snapshot's name" in identities.troupe(store, "volume", "snapshot", "volume-1", "../x", status=2)
    for command, expected in ((("snapshot", "volume-1", "monday"), "is there already"),
                              (("snapshots", "volume-9"), "no node has a volume"), (("restore", "volume-1", "tuesday"), "no snapshot"),
                              (("remove-snapshot", "volume-1", "tuesday"), "no snapshot")):
        assert expected in identities.troupe(store, "volume", *command, status=1)
    identities.admin(store, "user", "add", "rita", "--role", "reader")
    key = identities.admin(store, "key", "create", "rita")
    assert "monday" in identities.troupe(store, "volume", "snapshots", "volume-1", key=key)
    for command in (("snapshot", "volume-1", "x"), ("restore", "volume-1", "monday"), ("remove-snapshot", "volume-1", "monday")):
        identities.troupe(store, "volume", *command, key=key, status=1)
    assert [s["name"] for s in snapshots_of(store)] == ["monday"]


def test_v17_a_volume_goes_back_to_a_snapshot_while_it_runs(store):
    alice = store.alice
    shard = alice.NewShard().shard_id
    alice.put(shard, b"k", b"before", color=b"red")
    identities.admin(store, "volume", "snapshot", "volume-1", "monday")
    alice.put(shard, b"k", b"after", color=b"blue")
    later = alice.NewShard().shard_id
    alice.put(later, b"k", b"v")
    assert identities.admin(store, "volume", "restore", "volume-1", "monday")["restored"] == "monday"
    assert alice.get(shard, b"k") == b"before"
    assert list(alice.LookupIndex(shard_id=shard, name="color", value=b"red").keys) == [b"k"]
    assert code_of(alice.get, later, b"k")[0] == Code.DATA_LOSS
    alice.put(shard, b"k2", b"on it goes")
    kept = store.data / "volumes" / "volume-1" / "before-restore"
    assert {p.name for p in kept.iterdir()} == {f"shard-{shard}", f"shard-{later}"}
    store.kill()
    store.start()
    alice = shards.connect(store)
    primary_is_there(alice)
    assert alice.get(shard, b"k") == b"before" and alice.get(shard, b"k2") == b"on it goes"
    assert [s["name"] for s in snapshots_of(store)] == ["monday"]


def test_v17_regular_snapshots_go_on_with_the_next_primary_and_restore_a_lost_disk(tmp_path):
    """docs/SHARDS.md, "To restore a volume whose disk is lost": its four steps, from a regular snapshot."""
    root = tmp_path / "volume"
    cluster = three(tmp_path, "snapshot_interval: 1s, snapshot_keep: 2, ", root)
    try:
        cluster.start()
        cluster.ready()
        n1 = cluster.nodes[0]
        volume = wait_until(lambda: (v := volumes_of(n1).get("volume-1")) and v.get("primary") and len(v["backups"]) == 2 and v,
                            "every node has the volume", 60)
        assert volume["provider"] == "shared-dir" and volume["size_bytes"] >= volume["free_bytes"] > 0
        assert {volume["primary"], *volume["backups"]} == {n.name for n in cluster.nodes}
        primary = next(n for n in cluster.nodes if n.name == volume["primary"])
        key = shards.key_of(n1, "alice")
        client = shards.Client(shards.address_of(primary.printed), "alice", key)
        shard = wait_until(lambda: (made := code_of(client.NewShard))[0] == Code.OK and client.ListShards().shard_ids[0],
                           "the node knows the client")
        client.put(shard, b"k", b"v")

        def regular():
            return [s["name"] for s in snapshots_of(n1) if s["regular"]]
        first = wait_until(regular, "a regular snapshot was made", 30)[0]
        wait_until(lambda: len(found := regular()) == 2 and first not in found, "old ones are removed", 30)
        assert volumes_of(n1)["volume-1"]["shards"] == {"total": 1, "active": 1, "read_only": 0, "deleted": 0}
        # The next primary goes on, and whichever node is asked, it is carried out there.
        primary.kill()
        rest = [n for n in cluster.nodes if n is not primary]
        before = set(map(str, (root / "snapshots").iterdir()))
        wait_until(lambda: {p.name for p in (root / "snapshots").iterdir() if str(p) not in before and p.name[0] != "."},
                   "the next primary makes snapshots", 60)
        for n in rest:
            identities.admin(n, "volume", "snapshot", "volume-1", f"by-{n.name}")
        assert {f"by-{n.name}" for n in rest} <= {s["name"] for s in snapshots_of(rest[0])}
        # The disk is lost.
        kept = tmp_path / "kept"
        newest = max(p for p in (root / "snapshots").iterdir() if p.name.startswith("auto-"))
        shutil.copytree(newest, kept)
        for n in rest:
            assert n.terminate() == 0
        shutil.rmtree(root)
        root.mkdir()
        subprocess.run([str(servers.BINARY), "admin", "shards", "restore", str(kept), str(root)], check=True)
        for n in cluster.nodes:
            n.spawn()
        for n in cluster.nodes:
            n.wait_ready()

        def read():
            for n in cluster.nodes:
                client = shards.Client(shards.address_of(n.printed), "alice", key)
                if code_of(client.get, shard, b"k", latest=True)[0] == Code.OK:
                    return client.get(shard, b"k", latest=True)
            return None
        assert wait_until(read, "the primary serves the restored shard", 60) == b"v"
    finally:
        cluster.close()


def test_v21_a_call_of_shards_is_a_span_of_its_clients_trace(new_server):
    collector = Collector()
    try:
        s = new_server(options=("--shards", "127.0.0.1:0", "--tracing-endpoint", collector.endpoint, "--tracing-sample", "0")).start()
        alice = shards.connect(s)
        primary_is_there(alice)
        shard = alice.NewShard().shard_id
        trace, other = "4bf92f3577b34da6a3ce929d0e0e4736", "4bf92f3577b34da6a3ce929d0e0e4737"
        plain = list(alice.metadata)
        alice.metadata = plain + [("traceparent", f"00-{trace}-{PARENT}-01")]
        alice.put(shard, b"k", b"v")
        assert code_of(alice.get, shard, b"none")[0] == Code.NOT_FOUND
        list(alice.Scan(shard_id=shard))
        alice.metadata = plain + [("traceparent", f"00-{other}-{PARENT}-00")]  # not sampled
        alice.put(shard, b"k", b"v")
        alice.metadata = plain + [("traceparent", "nonsense")]
        alice.put(shard, b"k", b"v")
        spans = wait_until(lambda: len(found := collector.spans(trace)) >= 3 and found, "the spans have arrived", 30)
        by_name = {x["name"]: x for x in spans.values()}
        assert set(by_name) == {"ShardsPut", "ShardsGet", "ShardsScan"}
        for x in by_name.values():
            assert x["parentSpanId"] == PARENT and x["kind"] == 2
            assert x["about"]["rpc.system"] == "grpc" and x["about"]["troupe.shard"] == str(shard)
            assert x["about"]["client.address"] == "127.0.0.1" and x["about"]["troupe.request_id"]
        assert by_name["ShardsPut"]["about"]["rpc.grpc.status_code"] == "0"
        assert by_name["ShardsGet"]["about"]["rpc.grpc.status_code"] == str(Code.NOT_FOUND.value[0])
        assert len(collector.spans()) == len(spans)
        assert s.terminate() == 0
    finally:
        collector.close()


def test_v23_calls_snapshots_and_the_lag_of_backups_are_counted(tmp_path):
    cluster = three(tmp_path)
    try:
        cluster.start()
        cluster.ready()
        n1 = cluster.nodes[0]
        name = wait_until(lambda: volumes_of(n1).get("volume-1", {}).get("primary"), "the volume has a primary", 60)
        primary = next(n for n in cluster.nodes if n.name == name)
        backup = next(n for n in cluster.nodes if n.name != name)
        key = shards.key_of(n1, "alice")
        client = shards.Client(shards.address_of(primary.printed), "alice", key)
        wait_until(lambda: code_of(client.NewShard)[0] == Code.OK, "the node knows the client")
        shard = client.ListShards().shard_ids[0]
        client.put(shard, b"k", b"v")
        reader = shards.Client(shards.address_of(backup.printed), "alice", key)
        wait_until(lambda: code_of(reader.get, shard, b"k")[0] == Code.OK, "the backup serves reads")
        code_of(client.get, shard, b"none")
        identities.admin(n1, "volume", "snapshot", "volume-1", "monday")
        identities.troupe(n1, "volume", "snapshot", "volume-1", "monday", status=1)
        found, behind = scrape(primary), scrape(backup)
        assert value_of(found, "troupe_requests_total", '{code="2xx",operation="ShardsPut",surface="shards"}') == 1
        assert value_of(found, "troupe_requests_total", '{code="4xx",operation="ShardsGet",surface="shards"}') == 1
        assert value_of(found, "troupe_request_seconds_count", '{operation="ShardsPut",surface="shards"}') == 1
        wait_until(lambda: value_of(scrape(primary), "troupe_volume_snapshots_total", '{volume="volume-1",outcome="made"}') == 1,
                   "the snapshot was counted")
        found = scrape(primary)
        assert value_of(found, "troupe_volume_snapshots_total", '{volume="volume-1",outcome="failed"}') == 0
        assert value_of(found, "troupe_volume_last_snapshot_seconds", V1) > 1.6e9
        assert value_of(found, "troupe_volume_primary", V1) == 1 and value_of(behind, "troupe_volume_primary", V1) == 0
        assert "troupe_volume_replica_lag_seconds" not in found
        assert value_of(behind, "troupe_volume_replica_lag_seconds", V1) < 5
        # A backup that can not read the volume any more lags, and says so.
        root = tmp_path / "volume"
        root.rename(tmp_path / "away")
        wait_until(lambda: (value_of(scrape(backup), "troupe_volume_replica_lag_seconds", V1) or 0) > 2, "the lag grows", 30)
        (tmp_path / "away").rename(root)
    finally:
        cluster.close()


@pytest.fixture
def loop_device(tmp_path):
    with ec2s.blank_device(tmp_path) as device:
        yield device


def test_v7_an_ebs_volume_is_formatted_mounted_and_follows_the_primary(tmp_path, loop_device):
    mnt = tmp_path / "mnt"

    def mounts():
        return ec2s.mounted_at(mnt)
    ec2 = ec2s.Ec2(mounts)
    ec2.start()
    ebs = (f"volume: vol-1, instance: {{node-1: i-1, node-2: i-2}}, device: {loop_device}, region: eu-central-1, "
           f"filesystem: ext4, endpoint: \"{ec2.endpoint}\"")
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=3, settings=(
        f"  shards: {{lease: 1s, volumes: [{{id: volume-1, provider: aws-ebs, path: {mnt}, nodes: [node-1, node-2], ebs: {{{ebs}}}}}]}}\n"))
    for n in cluster.nodes[:2]:
        n.options = ["--shards", "127.0.0.1:0"]
        n.environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
    try:
        cluster.start()
        cluster.ready()
        n3 = cluster.nodes[2]
        name = wait_until(lambda: volumes_of(n3).get("volume-1", {}).get("primary"), "the volume has a primary", 60)
        primary, backup = sorted(cluster.nodes[:2], key=lambda n: n.name != name)
        assert mounts() and ec2.attached == {f"i-{primary.name[-1]}": "attached"}
        key = shards.key_of(n3, "alice")
        client = shards.Client(shards.address_of(primary.printed), "alice", key)
        wait_until(lambda: code_of(client.NewShard)[0] == Code.OK, "the node knows the client")
        shard = client.ListShards().shard_ids[0]
        client.put(shard, b"k", b"v")
        assert (mnt / f"shard-{shard}").is_dir()
        # Backups have no device: they serve nothing, and say who does.
        reader = shards.Client(shards.address_of(backup.printed), "alice", key)
        wait_until(lambda: code_of(reader.get, shard, b"k")[0] == Code.UNAVAILABLE, "the backup refuses")
        assert code_of(reader.get, shard, b"k")[2]["troupe-primary"] == shards.address_of(primary.printed)
        # Snapshots are EC2's.
        made = identities.admin(n3, "volume", "snapshot", "volume-1", "monday")["snapshot"]
        assert made["id"] == "snap-1" and made["state"] == "pending"
        assert ec2.snapshots["snap-1"]["troupe-snapshot"] == "monday"
        assert [(s["name"], s["id"], s["state"]) for s in snapshots_of(n3)] == [("monday", "snap-1", "completed")]
        assert "ebs.volume" in identities.troupe(n3, "volume", "restore", "volume-1", "monday", status=1)
        # The primary dies with the volume mounted: the other one gets it by force, after it has won the lease.
        primary.kill()
        assert mounts()
        wait_until(lambda: volumes_of(n3).get("volume-1", {}).get("primary") == backup.name, "the other node takes it over", 90)
        old, new = f"i-{primary.name[-1]}", f"i-{backup.name[-1]}"
        calls = [c for c in ec2.calls if c[0] in ("AttachVolume", "DetachVolume")]
        assert calls == [("AttachVolume", old, False), ("DetachVolume", old, False), ("DetachVolume", old, True), ("AttachVolume", new, False)]
        assert reader.get(shard, b"k", latest=True) == b"v"
        reader.put(shard, b"k2", b"v2")
        # It is not formatted again, and returns to the first one when the second one stops: unmounted and detached.
        primary.start()
        assert backup.terminate() == 0
        wait_until(lambda: volumes_of(n3).get("volume-1", {}).get("primary") == primary.name, "the first one has it again", 60)
        assert ("DetachVolume", new, False) in ec2.calls and ("DetachVolume", new, True) not in ec2.calls
        client = shards.Client(shards.address_of(primary.printed), "alice", key)
        wait_until(lambda: code_of(client.get, shard, b"k2")[0] == Code.OK, "the node knows the client")
        assert client.get(shard, b"k") == b"v" and client.get(shard, b"k2") == b"v2"
        assert primary.terminate() == 0
        assert not mounts() and not ec2.attached
    finally:
        cluster.close()
        if mounts():
            subprocess.run(["umount", "-l", str(mnt)], check=False)
        ec2.server.shutdown()


def test_v19_an_ebs_volume_and_its_file_system_grow_while_it_is_served(tmp_path, loop_device):
    mnt = tmp_path / "mnt"

    def grow(gibibytes):
        os.truncate(tmp_path / "image", gibibytes << 30)
        subprocess.run(["losetup", "--set-capacity", loop_device], check=True)
    ec2 = ec2s.Ec2(lambda: ec2s.mounted_at(mnt), grow)
    cluster, node = ec2s.one_node_with_ebs(tmp_path, ec2, mnt, loop_device, ", filesystem: ext4")
    try:
        cluster.start()
        cluster.ready()
        wait_until(lambda: volumes_of(node).get("volume-1", {}).get("primary"), "the volume has a primary", 60)
        if not ec2s.may(24):  # CAP_SYS_RESOURCE: told before the volume is modified
            assert "CAP_SYS_RESOURCE" in identities.troupe(node, "volume", "grow", "volume-1", "--size-gib", "2", status=1)
            assert ec2.modifications() == 0 and ec2.size == 1
            pytest.skip("growing a mounted ext4 needs CAP_SYS_RESOURCE; without it nothing was changed")
        client = shards.Client(shards.address_of(node.printed), "alice", shards.key_of(node, "alice"))
        wait_until(lambda: code_of(client.NewShard)[0] == Code.OK, "the node knows the client")
        shard = client.ListShards().shard_ids[0]
        client.put(shard, b"k", b"v")
        assert os.statvfs(mnt).f_blocks * os.statvfs(mnt).f_frsize < 1 << 30
        grown = identities.admin(node, "volume", "grow", "volume-1", "--size-gib", "2", "--iops", "4000")
        assert grown == {"id": "volume-1", "size_gib": 2, "state": "optimizing"}
        assert (ec2.size, ec2.iops) == (2, 4000) and ec2.modifications() == 2  # one was throttled
        assert os.statvfs(mnt).f_blocks * os.statvfs(mnt).f_frsize > 3 << 29
        wait_until(lambda: volumes_of(node)["volume-1"]["size_bytes"] > 3 << 29, "the larger size is shown")
        assert client.get(shard, b"k") == b"v"
        client.put(shard, b"k2", b"v2")
        # The same once more, after a crash: EC2 is not asked again.
        node.kill()
        node.start()
        wait_until(lambda: volumes_of(node).get("volume-1", {}).get("primary"), "the volume has a primary", 60)
        assert "2 GiB (optimizing)" in identities.troupe(node, "volume", "grow", "volume-1", "--size-gib", "2")
        assert ec2.modifications() == 2
    finally:
        cluster.close()
        if ec2s.mounted_at(mnt):
            subprocess.run(["umount", "-l", str(mnt)], check=False)
        ec2.server.shutdown()


def test_v19_what_can_not_grow_is_refused_and_a_cluster_file_system_is_left_to_its_operator(tmp_path):
    mnt = tmp_path / "mnt"
    mnt.mkdir()
    mounted = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", str(mnt)], capture_output=True, text=True)
    if mounted.returncode != 0:
        pytest.skip(f"mounting is not permitted here: {mounted.stderr}")
    ec2 = ec2s.Ec2(lambda: ec2s.mounted_at(mnt), multi=True)
    cluster, node = ec2s.one_node_with_ebs(tmp_path, ec2, mnt, "/dev/sdf")
    try:
        cluster.start()
        cluster.ready()
        wait_until(lambda: volumes_of(node).get("volume-1", {}).get("primary"), "the volume has a primary", 60)

        def refused(*options, status=1):
            return identities.troupe(node, "volume", "grow", "volume-1", *options, status=status)
        assert "has 1 GiB already" in refused("--size-gib", "1", status=2)
        assert "1 GiB and 3000 IOPS already" in refused("--size-gib", "1", "--iops", "3000", status=2)
        refused("--size-gib", "0", status=2)
        refused("--iops", "4000", status=2)
        assert ec2.modifications() == 0
        assert identities.admin(node, "volume", "grow", "volume-1", "--size-gib", "5")["state"] == "optimizing"
        assert (ec2.size, ec2.iops, ec2.modifications()) == (5, 3000, 2)
        assert "do not shrink to 4" in refused("--size-gib", "4", status=2)
        assert "IncorrectModificationState" in refused("--size-gib", "6")  # EC2 is still at the last one
        ec2.modified["modificationState"] = "completed"
        grown = identities.admin(node, "volume", "grow", "volume-1", "--size-gib", "5", "--iops", "5000")
        assert grown["size_gib"] == 5 and (ec2.size, ec2.iops) == (5, 5000)
    finally:
        cluster.close()
        subprocess.run(["umount", "-l", str(mnt)], check=False)
        ec2.server.shutdown()


def test_v19_a_volume_that_is_a_directory_does_not_grow(store):
    assert "grow the file system of" in identities.troupe(store, "volume", "grow", "volume-1", "--size-gib", "10", status=1)
    assert "no node has a volume" in identities.troupe(store, "volume", "grow", "volume-9", "--size-gib", "10", status=1)
