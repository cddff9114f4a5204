"""Seed 003's files through crashes, lost disks and on a cluster: rows W5, W6, W13, W14 and W20 (docs/FILES.md)."""
import http.client
import random
import shutil
import threading

import pytest

import cluster as clusters
import signing
from files_client import OPTIONS, all_entries, ask, noise, upload, verified
from server import wait_until


# ---- crashes ---------------------------------------------------------------------------------------------------------------

def test_w13_after_kill_9_the_state_is_that_of_the_acknowledged_operations(new_server):
    server = new_server(options=OPTIONS).start()
    for round_ in range(3):
        door, stop = server.front("files"), threading.Event()
        state, unknown = {}, set()

        def work(n):
            rng, own = random.Random(n), []
            while not stop.is_set():
                # Unknown: asked, and not answered. It happened whole or not at all.
                try:
                    if not own or rng.random() < 0.5:
                        content = rng.randbytes(rng.choice([100, 9000, 90_000]))
                        answer = ask(door, "POST", "/files", body=content)
                        if answer.status == 201:
                            own.append(answer.json["id"])
                            state[own[-1]] = content
                    elif rng.random() < 0.7:
                        file, content = rng.choice(own), rng.randbytes(9000)
                        unknown.add(file)
                        if ask(door, "PUT", f"/files/{file}", body=content).status == 200:
                            state[file] = content
                            unknown.discard(file)
                    else:
                        file = own.pop(rng.randrange(len(own)))
                        unknown.add(file)
                        if ask(door, "DELETE", f"/files/{file}").status == 204:
                            state[file] = None
                            unknown.discard(file)
                except (OSError, http.client.HTTPException):
                    return
        threads = [threading.Thread(target=work, args=(round_ * 10 + i,)) for i in range(4)]
        for t in threads:
            t.start()
        wait_until(lambda: len(state) > 30, "thirty files")
        server.kill()
        stop.set()
        for t in threads:
            t.join()
        door = server.start().front("files")
        wait_until(lambda: signing.raw(door, "GET", "/ready").status == 200, "what was written last was replayed")
        for file, content in state.items():
            if file in unknown:
                continue
            answer = ask(door, "GET", f"/files/{file}")
            assert answer.status == (404 if content is None else 200), file
            if content is not None:
                assert answer.body == content
        found = verified(door)
        last = {e["file_id"]: e["operation"] for e in all_entries(door)}
        listed, after = set(), []
        while True:
            page = ask(door, "GET", "/files", [("limit", "1000")] + after).json
            listed |= {f["id"] for f in page["files"]}
            if not page["truncated"]:
                break
            after = [("after", page["next"])]
        assert listed == {f for f, o in last.items() if o != "DELETE"}
        assert found["entries"] == len(all_entries(door))


def test_w14_files_survive_the_loss_of_two_nodes_disks(new_server):
    server = new_server(options=OPTIONS).start()
    door = server.front("files")
    contents = {upload(door, noise(n, n))["id"]: n for n in (5_000, 50_000, 500_000, 2_000_000)}
    server.kill()
    for directory in server.node_directories()[:2]:
        shutil.rmtree(directory)
    door = server.start().front("files")
    for file, n in contents.items():
        assert ask(door, "GET", f"/files/{file}").body == noise(n, n)
    verified(door)

    def healed():
        lines = ask(door, "GET", "/admin/replicas").json["files"]
        return all(f["inline"] or f["losses"] == 2 for f in lines)
    wait_until(healed, "what was lost was made anew", 120)


# ---- a cluster -------------------------------------------------------------------------------------------------------------

def new_group(path):
    c = clusters.Cluster(path, nodes=3, members=3, settings="  files: {wal_segment: 4KiB, wal_segments_kept: 2}\n")
    ports = clusters.free_ports(3)
    changed = c.config_path.read_text()
    for name, port in zip(c.names, ports):
        changed = changed.replace(f"{{id: {name}, ", f'{{id: {name}, files: "127.0.0.1:{port}", ')
    c.config_path.write_text(changed)
    return c.start()


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    c = new_group(tmp_path_factory.mktemp("files-cluster"))
    yield c
    c.close()


@pytest.fixture
def group_of_its_own(tmp_path):
    c = new_group(tmp_path / "cluster")
    yield c
    c.close()


def test_w12_a_process_is_not_ready_before_it_has_read_the_log(group_of_its_own):
    group = group_of_its_own
    file = upload(group.nodes[0].front("files"), b"content")["id"]
    for n in group.nodes:
        n.kill()
    alone = group.nodes[0].spawn()  # one of three: what the log says is not known
    door = alone.front("files")
    wait_until(lambda: signing.raw(door, "GET", "/health").status == 200, "it is alive")
    assert signing.raw(door, "GET", "/ready").status == 503
    assert ask(door, "GET", f"/files/{file}").status == 503
    for n in group.nodes[1:]:
        n.spawn()
    for n in group.nodes:
        wait_until(lambda n=n: signing.raw(n.front("files"), "GET", "/ready").status == 200, "the log was read", 60)
        assert ask(n.front("files"), "GET", f"/files/{file}").body == b"content"


def test_w20_any_node_takes_and_gives_files_and_all_write_one_log(group):
    doors = [n.front("files") for n in group.nodes]
    made = {}

    def write(door, n):
        for i in range(10):
            content = noise(20_000, n * 100 + i)
            made[upload(door, content)["id"]] = content
    threads = [threading.Thread(target=write, args=(d, n)) for n, d in enumerate(doors)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert len(made) == 30
    for i, (file, content) in enumerate(made.items()):
        assert ask(doors[i % 3], "GET", f"/files/{file}").body == content
    for door in doors:
        verified(door)


def test_w5_segments_rotate_at_their_size_and_old_ones_become_the_base(group):
    door = group.nodes[0].front("files")
    files = [upload(door, b"%d" % i)["id"] for i in range(80)]
    for file in files[:20]:
        assert ask(door, "DELETE", f"/files/{file}").status == 204
    for file in files[20:40]:
        assert ask(door, "PUT", f"/files/{file}", body=b"new").status == 200

    def collected():
        upload(door, b"one more")
        wal = ask(door, "GET", "/admin/wal").json
        return len(wal["segments"]) <= 3 and wal["base_entries"] > 0
    wait_until(collected, "old segments are collected", 60)
    wal = ask(door, "GET", "/admin/wal").json
    assert wal["segment_bytes"] == 4096 and all(s["bytes"] >= 4096 for s in wal["segments"])
    found = verified(door)
    assert found["base_files"] > 0
    assert wal["base_entries"] + found["entries"] >= 120
    for file in files[:20]:
        assert ask(door, "GET", f"/files/{file}").status == 404
    for file in files[20:40]:
        assert ask(door, "GET", f"/files/{file}").body == b"new"


def test_w6_sync_waits_for_every_copy_and_quorum_goes_on_without_one(group):
    door = group.nodes[0].front("files")
    group.nodes[2].freeze()
    try:
        content = noise(20_000, 77)
        # The frozen one may have led the metadata group: then the first tries meet an election.
        answer = wait_until(lambda: (lambda a: a if a.status == 201 else None)(
            ask(door, "POST", "/files", [("replication", "quorum")], content)), "two of three copies are enough", 60)
        assert ask(door, "POST", "/files", [("replication", "sync")], content, timeout_s=120).status in (503, 504)
    finally:
        group.nodes[2].thaw()
    wait_until(lambda: ask(door, "GET", f"/admin/replicas/{answer.json['id']}").json.get("losses") == 2, "the third copy is made", 120)
    wait_until(lambda: ask(door, "POST", "/files", [("replication", "sync")], content).status == 201, "sync works again", 60)
    verified(door)
