"""The disks of a majority of the metadata members are lost: a new group is made of the one that is left, and members of the
old one that turn up again do not make a second group."""
import re
import shutil
import subprocess

import pytest

import server
from conftest import client_of
from server import wait_until
from test_cluster import admin, new_cluster, read_all, succeeds, write_some  # noqa: F401 (new_cluster is a fixture)

MIB = 1 << 20


def recover(node, *more, text=""):
    command = [str(server.BINARY), "recover", "metadata", "--config", str(node.config), "--node", node.name,
               "--s3", "127.0.0.1:0", "--console", "127.0.0.1:0", *more]
    done = subprocess.run(command, input=text, env=node.environ(), capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout, done.stderr


def voters(node):
    return sorted(m["node"] for m in admin(node, "raft").get("group", []) if m["role"] == "voter")


def lose_metadata(node):
    shutil.rmtree(node.data / "metadata")


def test_one_member_that_is_left_becomes_a_new_group(new_cluster, tmp_path):  # noqa: F811
    c = new_cluster(nodes=5).start()
    first, second, third, fourth, fifth = c.nodes
    client = client_of(fifth)
    client.create_bucket(Bucket="kept")
    objects = write_some(client, "kept", "k", 9, sizes=(100, 40_000, MIB))

    code, _, said = recover(third)
    assert code == 1 and "another process serves" in said, "its process runs"
    assert third.terminate() == 0
    code, out, said = recover(third, "--yes-lose-after", "1")
    assert code == 1 and "nothing was changed: node node-" in said and "there is a metadata leader" in said, (out, said)
    third.start()
    c.ready()

    for n in (first, second):
        n.kill()
        shutil.copytree(n.data, tmp_path / f"old-{n.name}")  # turns up again later
        lose_metadata(n)
        n.spawn()
    wait_until(lambda: "catches up before it votes" in first.tail() and "catches up before it votes" in second.tail(),
               "the empty members know that their group exists", 30)
    assert not succeeds(lambda: client.put_object(Bucket="kept", Key="stuck", Body=b"x")), "there is no majority"
    third.terminate()
    code, out, said = recover(third)
    assert code == 1 and "nothing was changed; to lose what came after entry" in said
    assert "node-1     answers, and has lost its disk" in out, out
    last = re.search(r"up to entry (\d+), of term", out)[1]
    assert recover(third, "--yes-lose-after", str(int(last) + 1))[0] == 1
    code, out, said = recover(third, "--yes-lose-after", last)
    assert code == 0 and "is the metadata group of generation 1" in out, (out, said)
    code, out, said = recover(third, "--yes-lose-after", last)
    assert code == 1 and "the only one of its group already" in said, said

    third.spawn()
    c.ready([third, fourth, fifth])  # those two never restarted
    read_all(client, "kept", objects)
    objects.update(write_some(client, "kept", "alone", 6))
    assert voters(third) == ["node-3"]
    for n in (first, second):  # they wait, empty
        admin(third, "members", "add", n.name)
        wait_until(lambda n=n: n.name in voters(third), f"{n.name} votes", 30)
    assert voters(fifth) == ["node-1", "node-2", "node-3"]
    c.ready()
    third.kill()
    wait_until(lambda: succeeds(lambda: client.put_object(Bucket="kept", Key="without-node-3", Body=b"two of three")), "a write", 30)
    read_all(client_of(first), "kept", objects)

    # The old disks of two members, which were a majority: whole, with what they remember of the cluster.
    for n in (first, second):
        n.kill()
        n.data.rename(tmp_path / f"new-{n.name}")
        shutil.copytree(tmp_path / f"old-{n.name}", n.data)
        n.spawn()
    for n in (first, second):
        assert n.process.wait(60) == 1, n.tail()
        assert "which generation 1" in n.tail() and "has replaced" in n.tail(), n.tail()
    third.spawn()  # one of three: not ready yet
    # Started once more, they remember: their members stay closed.
    for n in (first, second):
        n.spawn()
        wait_until(lambda n=n: "does not start: it is of the metadata group of generation 0" in n.tail(), "it says why", 30)
        assert n.console("/ready")[0] == 503
        n.terminate()
    for n in (first, second):
        shutil.rmtree(n.data)
        (tmp_path / f"new-{n.name}").rename(n.data)
        n.spawn()
    c.ready()
    read_all(client, "kept", objects)
    assert client.get_object(Bucket="kept", Key="without-node-3")["Body"].read() == b"two of three"


def test_what_is_no_reason_to_recover_is_refused(new_cluster):  # noqa: F811
    c = new_cluster(nodes=4).start()
    for n in c.nodes:
        assert n.terminate() == 0
    code, _, said = recover(c.nodes[3])
    assert code == 1 and "holds no metadata member" in said or "never was in a group" in said, said
    lose_metadata(c.nodes[0])
    code, out, said = recover(c.nodes[1])  # nobody answers: it can not be seen that node-3 is whole
    assert code == 1 and "--yes-lose-after" in said and out.count("does not answer") == 2
    for n in (c.nodes[0], c.nodes[2]):
        n.spawn()
    wait_until(lambda: "catches up before it votes" in c.nodes[0].tail(), "node-1 found the group", 30)
    code, out, said = recover(c.nodes[1], "--yes-lose-after", "1")
    assert code == 1 and "nothing was changed: with this member 2 of 3 have their disks" in said, (out, said)
    c.nodes[1].spawn()
    c.nodes[3].spawn()
    c.ready()


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-s"]))
