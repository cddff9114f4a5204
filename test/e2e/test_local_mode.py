"""`troupe serve` in mode local: every node of a configuration's list in one process."""
import shutil
import subprocess

import cluster as clusters
import server
from conftest import client_of
from test_cluster import MIB, admin, content, read_all, write_some


class Local(server.Server):
    """One process over a cluster's configuration; its nodes have directories of their own."""

    def __init__(self, path, nodes=5, settings="", more=None, flags=("--mode", "local")):
        self.cluster = clusters.Cluster(path, nodes=nodes, members=3, settings=settings, more=more)
        self.flags = flags
        super().__init__(path / "local")

    def command(self):
        return [str(server.BINARY), "serve", "--config", str(self.cluster.config_path), *self.flags,
                "--s3", "127.0.0.1:0", "--console", "127.0.0.1:0"]

    def directory(self, name):
        return self.cluster.path / name

    def refusal(self, *more):
        done = subprocess.run([*self.command(), *more], env=self.environ(), capture_output=True, text=True, timeout=60)
        return done.returncode, done.stderr


def pieces(local, name):
    return sum(f.stat().st_size for f in (local.directory(name) / "volume").rglob("*") if f.is_file())


def test_local_mode_serves_all_nodes_of_the_list_from_their_directories(tmp_path):
    local = Local(tmp_path, settings="  cluster: {erasure: {data: 2, parity: 2}}\n", more={"node-5": "weight: 0"}).start()
    try:
        assert [line for line in local.printed if line.startswith("listening s3=")], "no actor port"
        client = client_of(local)
        client.create_bucket(Bucket="local")
        objects = write_some(client, "local", "k", 12, sizes=(100, 40_000, 2 * MIB))
        assert sorted(n["id"] for n in admin(local, "nodes")["nodes"]) == local.cluster.names
        used = {name: pieces(local, name) for name in local.cluster.names}
        assert min(used[f"node-{i}"] for i in range(1, 5)) > MIB, used
        assert used["node-5"] < MIB, "it has weight 0"
        # RS(2, 2), as configured: two lost nodes are decoded around.
        assert local.terminate() == 0
        for name in ("node-2", "node-4"):
            shutil.rmtree(local.directory(name) / "volume")
        local.flags = ("--node", "-1")  # the same, by its other name
        local.start()
        client = client_of(local)
        read_all(client, "local", objects)
        # A sixth node takes new data at once.
        assert local.terminate() == 0
        local.cluster.add()
        local.cluster.nodes.pop()
        local.start()
        client = client_of(local)
        read_all(client, "local", objects)
        for i in range(12):
            client.put_object(Bucket="local", Key=f"more-{i}", Body=content(i, 2 * MIB))
        assert pieces(local, "node-6") > MIB
        assert local.terminate() == 0
    finally:
        local.close()


def test_local_mode_refuses_what_would_lose_data_or_mean_nothing(tmp_path):
    local = Local(tmp_path, nodes=3).start()
    try:
        client_of(local).create_bucket(Bucket="kept")
        code, said = local.refusal()
        assert code == 1 and "another process serves" in said
        assert local.terminate() == 0
        local.flags = ("--node", "node-1")
        code, said = local.refusal()
        assert code == 1 and "was filled in mode local and is of no use in mode distributed" in said
        local.flags = ("--mode", "local")
        config = local.cluster.config_path.read_text()
        without = "".join(line for line in config.splitlines(True) if "id: node-3" not in line)
        local.cluster.config_path.write_text(without.replace("[node-1, node-2, node-3]", "[node-1]"))
        code, said = local.refusal()
        assert code == 1 and "node node-3 holds data of this store" in said
        local.cluster.config_path.write_text(config.replace("[node-1, node-2, node-3]", "[node-2]"))
        code, said = local.refusal()
        assert code == 1 and "only copy of this store's metadata" in said
        local.cluster.config_path.write_text(config.replace("storage:\n", "storage:\n  tls: {ca: a, certificate: b, key: c}\n"))
        code, said = local.refusal()
        assert code == 2 and "storage.tls.ca is given, but mode is local" in said
        local.cluster.config_path.write_text(config)
        local.start()
        assert [b["Name"] for b in client_of(local).list_buckets()["Buckets"]] == ["kept"]
    finally:
        local.close()
