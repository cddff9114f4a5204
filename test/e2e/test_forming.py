"""A cluster finds together: from one address that all know, and a node from config/reference.yaml as it stands."""
import json
import subprocess

import server
from cluster import free_ports
from conftest import client_of
from server import ROOT, wait_until
from test_cluster import admin, new_cluster, read_all, write_some  # noqa: F401 (new_cluster is a fixture)


def test_c9_nodes_that_know_one_address_find_all_the_others(new_cluster):  # noqa: F811
    c = new_cluster(nodes=5, members=1)
    for n in c.nodes:  # itself, and the first one
        n.config = c.path / f"{n.name}.yaml"
        n.config.write_text(c.config_of(sorted({0, n.index})))
    c.start()
    names = {n.name for n in c.nodes}
    for n in c.nodes:
        def seen(n=n):
            return {m["id"] for m in admin(n, "nodes")["nodes"] if m["state"] == "up" and m["gossip"] == "alive"}
        wait_until(lambda: seen() == names, f"{n.name} sees all: {seen()}")
    client = client_of(c.nodes[4])
    client.create_bucket(Bucket="found")
    objects = write_some(client, "found", "k", 6)
    for n in c.nodes:
        read_all(client_of(n), "found", objects)

    def all_hold_some():  # a write does not wait for the slowest node: what it lacks follows
        spread = {n["id"]: n["storage"]["pieces"] for n in admin(c.nodes[3], "nodes")["nodes"]}
        return set(spread) == names and all(spread.values())
    wait_until(all_hold_some, "every node holds pieces")


def test_a_node_starts_from_the_reference(tmp_path):
    config = tmp_path / "reference.yaml"
    text = (ROOT / "config" / "reference.yaml").read_text()
    config.write_text(text.replace('data_dir: "/data/{node}"', f'data_dir: "{tmp_path}/{{node}}"')
                      .replace('address: "127.0.0.1:9101"', f'address: "127.0.0.1:{free_ports(1)[0]}"'))
    node = server.Server(tmp_path / "node-1")
    node.command = lambda: [str(server.BINARY), "serve", "--config", str(config), "--node", "node-1", "--s3", "127.0.0.1:0",
                            "--console", "127.0.0.1:0"]
    try:
        client = client_of(node.start())
        client.create_bucket(Bucket="reference")
        objects = write_some(client, "reference", "k", 3)
        read_all(client, "reference", objects)
        raft = subprocess.run([str(server.BINARY), "admin", "raft", "--json", "--connect", f"127.0.0.1:{node.console_port}"],
                              env=node.environ(), capture_output=True, text=True, timeout=30)
        assert json.loads(raft.stdout)["leader"] == "node-1"
        assert node.terminate() == 0
    finally:
        if node.process:
            node.close()
