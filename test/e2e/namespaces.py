"""namespaces: hosts of a network of their own, each a network namespace on one bridge, whose cables a test can pull. All of it lives
in a namespace of the test's thread, and goes with it: the machine's own network is not touched. Needs CAP_SYS_ADMIN."""
import ctypes
import os
import subprocess

import cluster as clusters
import server

CLONE_NEWNET = 0x40000000


class NotPermitted(Exception):
    """Namespaces can not be made here."""


def ip(*words):
    subprocess.run(["ip", *words], check=True, capture_output=True, text=True)


class Host:
    """One end of a cable; `pid`: a process that keeps its namespace."""

    def __init__(self, number):
        self.address, self.cable = f"198.18.0.{10 + number}", f"cable-{number}"
        self.keeper = subprocess.Popen(["unshare", "--net", "sh", "-c", "echo there; exec cat"], stdin=subprocess.PIPE,
                                       stdout=subprocess.PIPE, text=True)
        assert self.keeper.stdout.readline() == "there\n"
        ip("link", "add", self.cable, "master", "hub", "type", "veth", "peer", "name", "eth0", "netns", str(self.keeper.pid))
        ip("link", "set", self.cable, "up")
        for words in (["link", "set", "lo", "up"], ["addr", "add", f"{self.address}/24", "dev", "eth0"], ["link", "set", "eth0", "up"]):
            subprocess.run(self.inside("ip", *words), check=True)

    def inside(self, *command):
        return ["nsenter", "--target", str(self.keeper.pid), "--net", *command]

    def cut(self, direction):
        """both: the cable is pulled. to: it hears nothing, though what it says is heard."""
        if direction == "both":
            ip("link", "set", self.cable, "down")
        else:  # the bridge forgets who is at that port, learns nothing, and sends what it does not know elsewhere only
            ip("link", "set", self.cable, "type", "bridge_slave", "learning", "off", "flood", "off", "bcast_flood", "off",
               "mcast_flood", "off")
            ip("link", "set", self.cable, "type", "bridge_slave", "fdb_flush")

    def mend(self):
        ip("link", "set", self.cable, "up")
        ip("link", "set", self.cable, "type", "bridge_slave", "learning", "on", "flood", "on", "bcast_flood", "on", "mcast_flood", "on")

    def end(self):
        self.keeper.stdin.close()
        self.keeper.wait(10)


class Network:
    """A context: inside of it the test's thread, and what it starts, are on the bridge."""

    def __enter__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = os.open("/proc/thread-self/ns/net", os.O_RDONLY)
        self.hosts = []
        if self.libc.unshare(CLONE_NEWNET) != 0:
            os.close(self.home)
            raise NotPermitted(os.strerror(ctypes.get_errno()))
        try:
            ip("link", "set", "lo", "up")
            ip("link", "add", "hub", "type", "bridge")
            ip("addr", "add", "198.18.0.1/24", "dev", "hub")
            ip("link", "set", "hub", "up")
        except (OSError, subprocess.CalledProcessError) as e:
            self.__exit__()
            raise NotPermitted(str(e)) from e
        return self

    def __exit__(self, *_):
        for h in self.hosts:
            h.end()
        assert self.libc.setns(self.home, CLONE_NEWNET) == 0
        os.close(self.home)

    def add(self):
        self.hosts.append(Host(len(self.hosts) + 1))
        return self.hosts[-1]


class Node(clusters.Node):
    @property
    def network_host(self):
        return self.cluster.network.hosts[self.index]

    def command(self):
        return self.network_host.inside(str(server.BINARY), "serve", "--config", str(self.config), "--node", self.name,
                                        "--s3", f"{self.network_host.address}:0", "--console", f"{self.network_host.address}:0")


class Cluster(clusters.Cluster):
    """A node a host, with certificates of `authority`, since they are not on loopback."""

    def __init__(self, path, network, authority, nodes=3):
        self.network = network
        for i in range(nodes):
            authority.issue(f"node-{i + 1}", network.add().address)
        super().__init__(path, nodes, nodes, settings=(
            f"  tls: {{ca: {authority.pem}, certificate: \"{authority.path}/{{node}}.pem\", key: \"{authority.path}/{{node}}.key\"}}\n"))
        self.nodes = [Node(self, name, i) for i, name in enumerate(self.names)]

    def address_of(self, index):
        return f"{self.network.hosts[index].address}:9101"
