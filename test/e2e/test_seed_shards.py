"""Seed 002: shards on volumes, over gRPC with a generated client. Test names begin with the row of REQUIREMENTS."""
import concurrent.futures
import json
import shutil
import subprocess
import sys

import grpc
import pytest

import server as servers
import shards
from server import wait_until
from shards import code_of

OPTIONS = ("--shards", "127.0.0.1:0")
Code = grpc.StatusCode


def primary_is_there(client):
    wait_until(lambda: any(v.primary for v in client.VolumeStatus().volumes), "a volume has its primary here")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("shards") / "data", options=OPTIONS).start()
    primary_is_there(shards.connect(s))
    yield s
    assert s.terminate() == 0, s.tail()


@pytest.fixture
def alice(store):
    client = shards.connect(store)
    yield client
    client.close()


@pytest.fixture
def shard(alice):
    return alice.NewShard().shard_id


def test_v4_put_and_get_of_one_key(alice, shard):
    alice.put(shard, b"k", b"v")
    reply = alice.Get(shard_id=shard, key=b"k")
    assert reply.value == b"v" and reply.view.primary and reply.view.stale_ms == 0
    alice.put(shard, b"k", b"")
    assert alice.get(shard, b"k") == b""
    assert code_of(alice.get, shard, b"other")[0] == Code.NOT_FOUND


def test_v4_batch_put_and_batch_get(alice, shard):
    n = alice.BatchPut(shard_id=shard, entries=[alice.entry(b"%04d" % i, b"x" * i) for i in range(1000)]).entries
    assert n == 1000
    values = alice.BatchGet(shard_id=shard, keys=[b"0007", b"none", b"0999"]).values
    assert [(v.found, len(v.value)) for v in values] == [(True, 7), (False, 0), (True, 999)]


def test_v4_scan_by_prefix_streams_in_byte_order(alice, shard):
    entries = [(b"a/%05d" % i, b"v%d" % i) for i in range(3000)]
    for at in range(0, 3000, 1000):
        alice.BatchPut(shard_id=shard, entries=[alice.entry(k, v) for k, v in entries[at:at + 1000]])
    alice.put(shard, b"b", b"not this")
    alice.put(shard, b"a\xff", b"high")
    lines = list(alice.Scan(shard_id=shard, prefix=b"a/"))
    assert [(r.key, r.value) for r in lines] == entries
    some = list(alice.Scan(shard_id=shard, prefix=b"a/", start_after=b"a/00009", limit=300, keys_only=True))
    assert [r.key for r in some] == [k for k, _ in entries[10:310]] and not any(r.value for r in some)
    assert [r.key for r in alice.Scan(shard_id=shard, start_after=b"a/02999")] == [b"a\xff", b"b"]


def test_v4_deleted_keys_are_in_no_answer(store, alice, shard):
    alice.BatchPut(shard_id=shard, entries=[alice.entry(b"%d" % i, b"v", color=b"red") for i in range(6)])
    alice.Delete(shard_id=shard, key=b"0")
    assert alice.BatchDelete(shard_id=shard, keys=[b"1", b"2", b"never there"]).keys == 3
    assert code_of(alice.get, shard, b"0")[0] == Code.NOT_FOUND
    assert [v.found for v in alice.BatchGet(shard_id=shard, keys=[b"0", b"2", b"3"]).values] == [False, False, True]
    assert [r.key for r in alice.Scan(shard_id=shard)] == [b"3", b"4", b"5"]
    assert list(alice.LookupIndex(shard_id=shard, name="color", value=b"red").keys) == [b"3", b"4", b"5"]
    alice.Delete(shard_id=shard, key=b"0")  # it is gone already
    alice.put(shard, b"0", b"again")
    assert alice.get(shard, b"0") == b"again" and alice.ShardStatus(shard_id=shard).keys == 4
    lines = wait_until(lambda: [line for line in map(json.loads, (store.data / "audit.log").read_text().splitlines())
                                if line["operation"] in ("ShardsDeleteKey", "ShardsBatchDelete") and
                                line["resource"].startswith(f"/.shards/{shard}/")], "it is written down")
    assert all(line["action"] == "delete" and line["outcome"] == "done" for line in lines)
    assert lines[0]["resource"] == f"/.shards/{shard}/0"


def test_v4_deletions_are_checked_as_puts_are(store, alice, shard):
    alice.put(shard, b"k", b"v")
    assert code_of(alice.Delete, shard_id=shard)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.Delete, shard_id=shard, key=b"k" * 1025)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchDelete, shard_id=shard)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchDelete, shard_id=shard, keys=[b"k", b""])[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchDelete, shard_id=shard, keys=[b"k"] * 1001)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.Delete, shard_id=1 << 40, key=b"k")[0] == Code.NOT_FOUND
    bob, reader = shards.connect(store, "bob"), shards.connect(store, "rita", "reader")
    for other in (bob, reader):
        for call in (lambda: other.Delete(shard_id=shard, key=b"k"), lambda: other.BatchDelete(shard_id=shard, keys=[b"k"])):
            assert code_of(call)[0] == Code.PERMISSION_DENIED
    assert code_of(bob.Delete, client_id="alice", shard_id=shard, key=b"k")[0] == Code.PERMISSION_DENIED
    alice.CloseShard(shard_id=shard)
    assert code_of(alice.Delete, shard_id=shard, key=b"k")[0] == Code.FAILED_PRECONDITION
    assert alice.get(shard, b"k") == b"v"
    alice.DeleteShard(shard_id=shard)
    assert code_of(alice.Delete, shard_id=shard, key=b"k")[0] == Code.FAILED_PRECONDITION


def size_of(directory):
    return sum(p.stat().st_size for p in directory.rglob("*") if p.is_file())


def test_v18_compaction_makes_the_directory_smaller_and_keeps_every_key(new_server):
    s = new_server(options=OPTIONS).start()
    alice = shards.connect(s)
    primary_is_there(alice)
    shard = alice.NewShard().shard_id
    directory = s.data / "volumes" / "volume-1" / f"shard-{shard}"
    value = lambda i, n: b"%d.%d" % (i, n) * (1 << 17)  # more than 400 KiB
    kept = {b"%d" % i: value(i, 2) for i in range(30)}
    for n in range(3):
        for i in range(50):
            alice.put(shard, b"%d" % i, value(i, n), round=b"%d" % n)
    alice.BatchDelete(shard_id=shard, keys=[b"%d" % i for i in range(30, 50)])
    live = sum(map(len, kept.values()))
    # The file that is written to is not compacted, nor one of which less than half is dead.
    wait_until(lambda: size_of(directory) < 2 * live + (20 << 20), "the shard is compacted", 120)

    def check(client):
        assert {r.key: r.value for r in client.Scan(shard_id=shard)} == kept
        assert sorted(client.LookupIndex(shard_id=shard, name="round", value=b"2").keys) == sorted(kept)
        assert code_of(client.get, shard, b"40")[0] == Code.NOT_FOUND
        status = client.ShardStatus(shard_id=shard)
        assert status.keys == 30 and live < status.live_bytes < live + 100_000
        assert status.live_bytes + status.dead_bytes == status.log_bytes < 2 * live + (20 << 20)
    check(alice)
    (volume,) = alice.VolumeStatus().volumes
    assert volume.compacted_segments >= 2 and volume.freed_bytes > 30 << 20
    assert volume.live_bytes + volume.dead_bytes == alice.ShardStatus(shard_id=shard).log_bytes
    s.kill()
    s.start()
    alice = shards.connect(s)
    primary_is_there(alice)
    check(alice)
    assert s.terminate() == 0
    s.start()
    alice = shards.connect(s)
    primary_is_there(alice)
    check(alice)
    alice.CloseShard(shard_id=shard)
    check(alice)


def test_v9_a_put_is_found_by_its_secondary_indexes_until_it_is_overwritten(alice, shard):
    alice.put(shard, b"1", b"one", color=b"red", size=b"L")
    alice.put(shard, b"2", b"two", color=b"red")
    alice.put(shard, b"3", b"three", color=b"re")
    look = lambda name, value: list(alice.LookupIndex(shard_id=shard, name=name, value=value).keys)
    assert look("color", b"red") == [b"1", b"2"] and look("size", b"L") == [b"1"] and look("color", b"re") == [b"3"]
    alice.put(shard, b"1", b"one again", color=b"blue")
    assert look("color", b"red") == [b"2"] and look("size", b"L") == [] and look("color", b"blue") == [b"1"]
    page = alice.LookupIndex(shard_id=shard, name="color", value=b"red", limit=1)
    assert list(page.keys) == [b"2"] and not page.more


def test_v1_ids_grow_and_are_never_used_again(alice):
    ids = [alice.NewShard().shard_id for _ in range(70)]  # more than one range
    assert ids == sorted(set(ids))
    alice.DeleteShard(shard_id=ids[-1])
    assert alice.NewShard().shard_id > ids[-1]


def test_v1_a_restart_hands_out_higher_ids_and_serves_what_was_there(new_server):
    s = new_server(options=OPTIONS).start()
    client = shards.connect(s)
    primary_is_there(client)
    first = client.NewShard().shard_id
    client.put(first, b"k", b"v", color=b"red")
    s.kill()
    s.start()
    client = shards.connect(s)
    primary_is_there(client)
    assert client.get(first, b"k") == b"v"
    assert list(client.LookupIndex(shard_id=first, name="color", value=b"red").keys) == [b"k"]
    assert client.NewShard().shard_id > first
    status = client.ShardStatus(shard_id=first)
    client.put(first, b"k2", b"v")
    assert client.ShardStatus(shard_id=first).token > status.token, "a new holder has a higher fencing token"


def test_v1_a_shard_is_a_directory_of_its_volume(store, alice, shard):
    assert (store.data / "volumes" / "volume-1" / f"shard-{shard}").is_dir()
    status = alice.ShardStatus(shard_id=shard)
    assert status.volume == "volume-1" and status.state == alice.messages.SHARD_STATE_ACTIVE
    assert status.log_bytes_max == 2 << 30


def test_v9_another_client_is_refused(store, alice, shard):
    alice.put(shard, b"k", b"v")
    bob = shards.connect(store, "bob")
    for call in (lambda: bob.put(shard, b"k", b"x"), lambda: bob.get(shard, b"k"), lambda: bob.CloseShard(shard_id=shard),
                 lambda: bob.DeleteShard(shard_id=shard), lambda: bob.Scan(shard_id=shard),
                 lambda: bob.ShardStatus(shard_id=shard), lambda: bob.BatchGet(shard_id=shard, keys=[b"k"]),
                 lambda: bob.LookupIndex(shard_id=shard, name="a", value=b"b")):
        code, text, _ = code_of(call)
        assert code == Code.PERMISSION_DENIED and "another client" in text
    assert alice.get(shard, b"k") == b"v"
    assert shard not in bob.ListShards().shard_ids and shard in list_all(alice)


def list_all(client):
    ids, after = [], 0
    while True:
        page = client.ListShards(start_after=after, limit=50)
        ids += page.shard_ids
        if not page.more:
            return ids
        after = ids[-1]


def test_v20_a_forged_client_id_is_refused(store, alice, shard):
    mallory = shards.connect(store, "mallory")
    code, text, _ = code_of(mallory.Get, client_id="alice", shard_id=shard, key=b"k")
    assert code == Code.PERMISSION_DENIED and "client_id" in text


@pytest.mark.parametrize("metadata", [
    [], [("x-api-key", "")], [("x-api-key", "alice")], [("x-api-key", "x" * 4000)], [("authorization", "Basic YWxpY2U6")],
    [("authorization", "Bearer ")], [("authorization", "Bearer a.b.c")], [("authorization", "Bearer " + "x" * 9000)]])
def test_v20_what_proves_nothing_is_refused(store, shard, metadata):
    client = shards.Client(shards.address_of(store.printed), "alice", metadata=metadata)
    assert code_of(client.get, shard, b"k")[0] == Code.UNAUTHENTICATED


def test_v20_a_wrong_secret_and_two_proofs_are_refused(store, shard):
    right = shards.key_of(store, "alice")
    for metadata in ([("x-api-key", right[:-1])], [("x-api-key", right.split(".")[0] + "." + "0" * 64)],
                     [("x-api-key", right), ("x-api-key", right)], [("x-api-key", right), ("authorization", "Bearer x")]):
        client = shards.Client(shards.address_of(store.printed), "alice", metadata=metadata)
        code, text, _ = code_of(client.get, shard, b"k")
        assert code == Code.UNAUTHENTICATED and right.split(".")[1] not in text


def test_v11_a_closed_shard_is_read_only(alice, shard):
    alice.put(shard, b"k", b"v")
    for _ in range(2):
        assert alice.CloseShard(shard_id=shard).state == alice.messages.SHARD_STATE_READ_ONLY
    assert code_of(alice.put, shard, b"k", b"x")[0] == Code.FAILED_PRECONDITION
    assert alice.get(shard, b"k") == b"v"


def test_v12_a_deleted_shard_is_served_no_more(alice, shard):
    alice.put(shard, b"k", b"v")
    for _ in range(2):
        assert alice.DeleteShard(shard_id=shard).state == alice.messages.SHARD_STATE_DELETED
    assert code_of(alice.get, shard, b"k")[0] == Code.FAILED_PRECONDITION
    assert code_of(alice.put, shard, b"k", b"x")[0] == Code.FAILED_PRECONDITION
    assert code_of(alice.CloseShard, shard_id=shard)[0] == Code.FAILED_PRECONDITION


def test_v15_puts_of_many_clients_at_once_are_all_there(store, alice, shard):
    def put(i):
        client = shards.connect(store)
        for j in range(20):
            client.put(shard, b"%d/%d" % (i, j), b"%d" % j)
        client.close()
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(put, range(16)))
    assert len(list(alice.Scan(shard_id=shard))) == 16 * 20


def test_oversized_and_malformed_requests_are_refused(alice, shard):
    e = alice.entry
    refused = [e(b"", b"v"), e(b"k" * 1025, b"v"), e(b"k", b"v" * ((2 << 20) + 1)), e(b"k", b"v", **{"bad name": b"x"}),
               e(b"k", b"v", **{"n" * 65: b"x"}), e(b"k", b"v", a=b"x" * 1025),
               e(b"k", b"v", **{f"n{i}": b"x" for i in range(9)})]
    for entry in refused:
        assert code_of(alice.Put, shard_id=shard, entry=entry)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.Put, shard_id=shard)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchPut, shard_id=shard)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchPut, shard_id=shard, entries=[e(b"k", b"")] * 1001)[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.BatchPut, shard_id=shard, entries=[e(b"k%d" % i, b"v" * (1 << 20)) for i in range(4)])[0] in (
        Code.INVALID_ARGUMENT, Code.RESOURCE_EXHAUSTED)
    # One bad entry: nothing of the batch is there.
    assert code_of(alice.BatchPut, shard_id=shard, entries=[e(b"good", b"v"), e(b"", b"v")])[0] == Code.INVALID_ARGUMENT
    assert code_of(alice.get, shard, b"good")[0] == Code.NOT_FOUND
    alice.put(shard, b"k" * 1024, b"v" * (2 << 20))
    assert len(alice.get(shard, b"k" * 1024)) == 2 << 20


def test_unknown_ids_are_not_found(alice):
    for unknown in (0, 1 << 40, (1 << 64) - 1):
        assert code_of(alice.put, unknown, b"k", b"v")[0] == Code.NOT_FOUND
        assert code_of(alice.get, unknown, b"k")[0] == Code.NOT_FOUND
        assert code_of(alice.DeleteShard, shard_id=unknown)[0] == Code.NOT_FOUND
    assert code_of(alice.NewShard, volume="no-such-volume")[0] == Code.NOT_FOUND
    assert code_of(alice.NewShard, volume="../..")[0] == Code.NOT_FOUND


def test_v2_volume_status_tells_who_the_primary_is(store, alice):
    status = alice.VolumeStatus()
    (volume,) = status.volumes
    assert volume.id == "volume-1" and volume.provider == "local-dir" and volume.primary
    assert volume.primary_node == status.node and volume.primary_address == shards.address_of(store.printed)
    assert volume.token >= 1 and volume.free_bytes > 0


def test_v17_a_snapshot_of_a_volume_is_restored(new_server):
    s = new_server(options=OPTIONS).start()
    alice = shards.connect(s)
    operator = shards.connect(s, "olga", "admin")
    primary_is_there(alice)
    shard = alice.NewShard().shard_id
    alice.put(shard, b"k", b"before")
    assert code_of(alice.SnapshotVolume, volume="volume-1", name="monday")[0] == Code.PERMISSION_DENIED
    assert operator.SnapshotVolume(volume="volume-1", name="monday").shards == 1
    assert code_of(operator.SnapshotVolume, volume="volume-1", name="monday")[0] == Code.ABORTED
    assert code_of(operator.SnapshotVolume, volume="volume-1", name="../x")[0] == Code.INVALID_ARGUMENT
    alice.put(shard, b"k", b"after")
    later = alice.NewShard().shard_id
    assert s.terminate() == 0
    volume = s.data / "volumes" / "volume-1"
    kept = s.data.parent / "kept"
    shutil.copytree(volume / "snapshots" / "monday", kept)
    shutil.rmtree(volume)
    volume.mkdir()
    subprocess.run([str(servers.BINARY), "admin", "shards", "restore", str(kept), str(volume)], check=True)
    s.start()
    alice = shards.connect(s)
    primary_is_there(alice)
    assert alice.get(shard, b"k") == b"before"
    assert code_of(alice.get, later, b"k")[0] == Code.DATA_LOSS
    alice.put(shard, b"k", b"again")
    assert alice.get(shard, b"k") == b"again"


def test_the_example_of_the_page_works(new_server, tmp_path):
    page = (servers.ROOT / "docs" / "SHARDS.md").read_text()
    s = new_server(options=("--shards", "127.0.0.1:0")).start()
    example = page.split("```python\n")[1].split("```")[0]
    generate = example.splitlines()[0].removeprefix("# ").replace("-Isrc", f"-I{servers.ROOT}/src")
    key = shards.key_of(s, "alice")
    primary_is_there(shards.connect(s))
    (tmp_path / "example.py").write_text(
        f"api_key = {key!r}\n" + example.replace("127.0.0.1:50051", shards.address_of(s.printed)) +
        "print(shards.Get(m.GetRequest(client_id='alice', shard_id=shard, key=b'k'), **call))\n")
    done = subprocess.run(["bash", "-euc", f"{generate}\n{sys.executable} example.py"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and "NOT_FOUND" in done.stderr, done.stdout + done.stderr  # its last line has deleted the key
