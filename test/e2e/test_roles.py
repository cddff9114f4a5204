"""Nodes with some of the roles only, and nodes behind something that translates addresses."""
import socket
import subprocess
import threading

import pytest

import cluster as clusters
import server
from conftest import client_of
from server import wait_until
from test_cluster import MIB, admin, new_cluster, read_all, volume_bytes, write_some  # noqa: F401 (new_cluster is a fixture)

ROLES = {"meta": "roles: [metadata]", "storage": "roles: [storage]", "front": "roles: [coordinator]"}


def split(new, **options):
    """config/split.yaml's shape: metadata, storage and coordinators apart."""
    names = ["meta"] * 3 + ["storage"] * 5 + ["front"]
    return new(nodes=9, members=3, more={f"node-{i + 1}": ROLES[what] for i, what in enumerate(names)}, **options)


def test_every_node_has_a_console_whatever_its_roles(new_cluster):  # noqa: F811
    c = split(new_cluster).start()  # start() waits for /ready of each
    meta, storage, front = c.nodes[0], c.nodes[3], c.nodes[8]
    for n in (meta, storage):
        assert n.console("/health")[0] == 200
        assert n.port == 0, "it serves no clients"
    assert front.port != 0
    client = client_of(front)
    client.create_bucket(Bucket="apart")
    objects = write_some(client, "apart", "k", 6, sizes=(100, 40_000, MIB))
    read_all(client, "apart", objects)
    for n in (meta, storage, front):
        status = admin(n, "status")
        assert status["nodes"]["up"] == 9, status
        assert {m["node"] for m in admin(n, "raft")["members"]} == {"node-1", "node-2", "node-3"}
    admin(storage, "weight", "node-4", "2")  # changes go through any of them
    wait_until(lambda: next(n["weight"] for n in admin(meta, "nodes")["nodes"] if n["id"] == "node-4") == 2,
               "the others see the new weight")


def test_a_storage_node_without_keys_answers_probes_alone(new_cluster):  # noqa: F811
    c = split(new_cluster)
    keyless = c.nodes[3]
    keyless.access_key = None
    c.start()
    assert keyless.console("/ready")[0] == 200
    assert "nothing under /admin" in keyless.tail()
    command = [str(server.BINARY), "admin", "status", "--connect", f"127.0.0.1:{keyless.console_port}"]
    refused = subprocess.run(command, env=c.nodes[0].environ(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 1
    assert "access key" in refused.stderr.lower(), refused.stderr


def test_a_node_that_restarts_with_another_zone_and_weight_tells_the_cluster(new_cluster):  # noqa: F811
    c = new_cluster(nodes=5).start()

    def told(name):
        n = next(n for n in admin(c.nodes[0], "nodes")["nodes"] if n["id"] == name)
        return n["zone"], n["weight"]
    follower = next(n for n in reversed(c.nodes[:3]) if n.name != admin(c.nodes[0], "raft")["leader"])
    c.more = {follower.name: "zone: cellar, weight: 3", "node-5": "zone: attic"}
    c.write_config()  # the others keep what they have read
    for n in (follower, c.nodes[4]):
        assert n.terminate() == 0
        n.start()
    wait_until(lambda: told(follower.name) == ("cellar", 3) and told("node-5") == ("attic", 1), "the map has both")
    assert "zone '' -> 'cellar', as this node's configuration says" in follower.tail()
    admin(c.nodes[1], "weight", follower.name, "2")
    assert follower.terminate() == 0
    follower.start()
    c.ready()
    wait_until(lambda: told(follower.name) == ("cellar", 2), "an operator's weight outlives a restart with the old one")


def test_roles_can_be_said_on_the_command_line(new_cluster):  # noqa: F811
    c = new_cluster(nodes=3, members=3)
    third = c.nodes[2]
    third.options = ["--roles", "storage,metadata"]
    c.start()
    assert third.port == 0, "it serves no clients"
    first = client_of(c.nodes[0])
    first.create_bucket(Bucket="said")
    objects = write_some(first, "said", "k", 6)
    read_all(client_of(c.nodes[1]), "said", objects)
    assert volume_bytes(third) > 0

    def roles():
        return {n["id"]: sorted(n["roles"]) for n in admin(c.nodes[1], "nodes")["nodes"]}
    everything = ["coordinator", "metadata", "storage"]
    wait_until(lambda: roles() == {"node-1": everything, "node-2": everything, "node-3": everything[1:]}, "the map says so")
    for wrong, why in (("clerk", "expected a list of coordinator, storage and metadata"), ("metadata", "other nodes would send it pieces")):
        refused = subprocess.run([*third.command()[:-1], wrong], env=third.environ(), capture_output=True, text=True, timeout=30)
        assert refused.returncode == 2 and why in refused.stderr


class Translator:
    """What NAT does: connections to one port go to another."""

    def __init__(self, port, target):
        self.target, self.carried = target, 0
        self.listener = socket.create_server(("127.0.0.1", port))
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
                far = socket.create_connection(("127.0.0.1", self.target))
            except OSError:
                if self.listener.fileno() < 0:
                    return
                near.close()
                continue
            self.carried += 1
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self._copy, args=(a, b), daemon=True).start()

    @staticmethod
    def _copy(source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
        except OSError:
            pass
        for s in (source, sink):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        self.listener.close()


@pytest.fixture
def translators():
    made = []
    yield made
    for t in made:
        t.close()


def test_nodes_behind_nat_listen_elsewhere_than_they_are_reached(new_cluster, translators):  # noqa: F811
    inside = clusters.free_ports(3)
    c = new_cluster(nodes=3, more={f"node-{i + 1}": f"listen: \":{p}\"" for i, p in enumerate(inside)})
    refused = subprocess.run(c.nodes[0].command(), env=c.nodes[0].environ(), capture_output=True, text=True, timeout=60)
    assert refused.returncode == 2, "every address of the host, and no certificates"
    assert "storage.nodes[0].listen is '0.0.0.0:" in refused.stderr and "without tls" in refused.stderr
    c.more = {f"node-{i + 1}": f"listen: \"127.0.0.1:{p}\"" for i, p in enumerate(inside)}
    c.write_config()
    translators += [Translator(outside, port) for outside, port in zip(c.ports, inside)]
    c.start()
    assert all(f"actor=127.0.0.1:{port} " in "".join(n.printed) for n, port in zip(c.nodes, inside))
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="translated")
    objects = write_some(client, "translated", "k", 6, sizes=(100, 40_000, MIB))
    for n in c.nodes:
        read_all(client_of(n), "translated", objects)
    listed = admin(c.nodes[1], "nodes")["nodes"]
    assert sorted(n["address"] for n in listed) == sorted(f"127.0.0.1:{p}" for p in c.ports), "what others reach, not what is bound"
    assert all(t.carried > 0 for t in translators)
