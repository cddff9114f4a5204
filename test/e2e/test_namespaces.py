"""A cluster on hosts of its own, in network namespaces: addresses that are not loopback, and cables that are pulled."""
import shutil
import subprocess

import pytest

import namespaces
import server
from authority import Authority
from conftest import client_of
from server import wait_until
from test_cluster import admin, read_all, succeeds, write_some


@pytest.fixture
def hosts(tmp_path):
    if not shutil.which("ip") or not shutil.which("nsenter"):
        pytest.skip("needs iproute2 and util-linux")
    try:
        with namespaces.Network() as network:
            c = namespaces.Cluster(tmp_path / "hosts", network, Authority(tmp_path / "ca"))
            yield c
            c.close()
    except namespaces.NotPermitted as e:
        pytest.skip(f"network namespaces can not be made here: {e}")


def put_from(node, name):
    """Whether a write is taken by that node, as a client on its own host sees it."""
    command = node.network_host.inside(str(server.BINARY), "storage", "put", "-", f"parted/{name}", "--endpoint", node.endpoint)
    return subprocess.run(command, input="mine", env=node.environ(), capture_output=True, text=True, timeout=120).returncode == 0


@pytest.mark.parametrize("direction", ["both", "to"])
def test_a_leader_whose_cable_is_pulled_refuses_and_the_others_go_on(hosts, direction):
    c = hosts.start()
    client_of(c.nodes[1]).create_bucket(Bucket="parted")
    objects = write_some(client_of(c.nodes[1]), "parted", "before", 3, sizes=(100, 100_000, 2_000_000))
    leader = int(admin_there(c, "raft")["leader"].removeprefix("node-")) - 1
    alone, others = c.nodes[leader], [n for n in c.nodes if n.index != leader]
    assert put_from(alone, "together")
    objects["together"] = b"mine"
    alone.network_host.cut(direction)
    other = client_of(others[0], connect_timeout=5, read_timeout=20)
    wait_until(lambda: succeeds(lambda: other.put_object(Bucket="parted", Key="during", Body=b"majority")), "the majority writes", 30)
    objects["during"] = b"majority"
    for n in others:
        read_all(client_of(n), "parted", objects)
    assert not put_from(alone, "during")
    alone.network_host.mend()
    c.ready()
    for n in c.nodes:
        wait_until(lambda n=n: succeeds(lambda: read_all(client_of(n), "parted", objects)), f"{n.name} has what was acknowledged", 30)


def admin_there(c, *words):
    return wait_until(lambda: admin(c.nodes[0], *words), "the leader is known")
