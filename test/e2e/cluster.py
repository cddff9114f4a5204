"""cluster: real `troupe serve` processes on loopback, one a node: started together, killed, stopped, restarted."""
import os
import signal
import socket

import server
from server import wait_until


held = []  # sockets that are bound, and never listen


def free_ports(n):
    """Ports that the kernel picked. Nodes must know each other's before they start, so they stay bound here: the kernel gives
    them to nobody else, and a listener with SO_REUSEADDR, as Troupe's are, may still have them."""
    sockets = [socket.socket() for _ in range(n)]
    for s in sockets:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(("127.0.0.1", 0))
    held.extend(sockets)
    return [s.getsockname()[1] for s in sockets]


class Node(server.Server):
    """One process of a cluster. Its ports stay the same over restarts; S3 and console are its own."""

    def __init__(self, cluster, name, index):
        super().__init__(cluster.path / name)
        self.cluster, self.name, self.index = cluster, name, index
        self.config = cluster.config_path

    def command(self):
        return [str(server.BINARY), "serve", "--config", str(self.config), "--node", self.name,
                "--s3", "127.0.0.1:0", "--console", "127.0.0.1:0", *self.options]

    def freeze(self):
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self):
        os.kill(self.pid, signal.SIGCONT)


class Cluster:
    """`nodes` processes with all roles; the first `members` of them are the metadata group. `more`: further keys of nodes,
    as YAML, by name."""

    def __init__(self, path, nodes=5, members=3, settings="", more=None):
        self.path = path
        path.mkdir(parents=True, exist_ok=True)
        self.config_path = path / "cluster.yaml"
        self.ports = free_ports(nodes)
        self.names = [f"node-{i + 1}" for i in range(nodes)]
        self.members = self.names[:members]
        self.settings, self.more = settings, more or {}
        self.nodes = [Node(self, name, i) for i, name in enumerate(self.names)]
        self.write_config()

    def write_config(self):
        self.config_path.write_text(self.config_of(range(len(self.names))))

    def address_of(self, index):
        return f"127.0.0.1:{self.ports[index]}"

    def config_of(self, indices):
        """The configuration that lists these nodes."""
        listed = "".join(f"    - {{id: {self.names[i]}, address: \"{self.address_of(i)}\", data_dir: {self.path / self.names[i]}"
                         f"{', ' + self.more[self.names[i]] if self.names[i] in self.more else ''}}}\n" for i in indices)
        return (
            "storage:\n"
            "  gossip: {interval: 200ms, suspect_timeout: 1s, dead_timeout: 5s}\n"
            f"  metadata: {{members: [{', '.join(self.members)}]}}\n"
            f"{self.settings}"
            "  nodes:\n" + listed)

    def add(self):
        """One more node, in the configuration of those that start from now on."""
        name = f"node-{len(self.names) + 1}"
        self.names.append(name)
        self.ports += free_ports(1)
        self.nodes.append(Node(self, name, len(self.nodes)))
        self.write_config()
        return self.nodes[-1]

    def start(self):
        for n in self.nodes:
            n.spawn()
        for n in self.nodes:
            n.wait_ready()
        return self

    def close(self):
        for n in self.nodes:
            if n.alive():
                n.thaw()
                n.process.send_signal(signal.SIGTERM)
        for n in self.nodes:
            if n.process:
                n.close()

    def ready(self, nodes=None):
        wait_until(lambda: all(n.console("/ready")[0] == 200 for n in nodes or self.nodes), "every node is ready", 60)
