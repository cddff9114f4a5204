"""A cluster grows and shrinks under load: no read fails, data spreads over the nodes that there are, nothing is lost.

5 -> 6 -> 7 -> 5 nodes; E2E_FULL=1: 5 -> 6 -> 10 -> 5, with more objects. Readers repeat nothing; writers as any S3 client.
"""
import random
import threading
import time

import pytest

import cluster as clusters
from conftest import FULL, client_of
from server import wait_until
from test_chaos import Register
from test_cluster import admin, content

MOST = 10 if FULL else 7
OBJECTS = 600 if FULL else 200  # of 3 copies, and as many of RS(3,2)
COPY_BYTES, CODED_BYTES = 9_000, 70_000
RING = 0.13  # how unevenly the ring's places spread ten equal nodes, at most (ARCHITECTURE.md, known gaps)
MOVE_S = 600 if FULL else 120


class Load:
    """Readers and writers of registers, and readers of the fixed objects, on the nodes that stay."""

    def __init__(self, nodes, bucket, fixed):
        self.nodes, self.bucket, self.fixed = nodes, bucket, fixed
        self.registers = [Register(f"register-{i}", bucket) for i in range(2)]
        self.failed, self.reads, self.stopping = [], 0, threading.Event()
        works = [lambda c, r, rg=rg: rg.write(c) for rg in self.registers] + [self.read_register, self.read_fixed]
        self.threads = [threading.Thread(target=self.run, args=(w, i), daemon=True) for i, w in enumerate(works)]

    def run(self, work, index):
        rng = random.Random(index)
        clients = [client_of(n) for n in self.nodes]
        while not self.stopping.wait(0.01):
            try:
                work(rng.choice(clients), rng)
            except Exception as e:  # pylint: disable=broad-except
                self.failed.append(f"{time.monotonic():.1f}: {e!r}")

    def read_register(self, client, rng):
        register = rng.choice(self.registers)
        if register.acknowledged:
            self.reads += 1
            if not register.read(client):
                self.failed.append(f"{time.monotonic():.1f}: {register.key}")

    def read_fixed(self, client, rng):
        key = rng.choice(sorted(self.fixed))
        self.reads += 1
        assert client.get_object(Bucket=self.bucket, Key=key)["Body"].read() == self.fixed[key], key

    def __enter__(self):
        for t in self.threads:
            t.start()
        return self

    def __exit__(self, *_):
        self.stopping.set()
        for t in self.threads:
            t.join(60)


def pieces(c):
    """How many pieces each node says it has, of nodes that are up."""
    nodes = admin(c.nodes[0], "nodes")["nodes"]
    return {n["id"]: n["storage"]["pieces"] for n in nodes if n["state"] == "up" and "storage" in n}


def is_spread(c, nodes):
    """Every node has its share of the fixed objects' pieces, within what the ring allows and chance does (four standard
    deviations): the registers, and what waits to be reclaimed, add a few."""
    held = pieces(c)
    if len(held) != nodes:
        return False
    copies, coded = OBJECTS * 3 / nodes, OBJECTS * 5 / nodes
    chance = 4 * (copies * (1 - 3 / nodes) + coded * (1 - 5 / nodes)) ** 0.5
    slack = RING * (copies + coded) + chance + 30
    return all(abs(n - copies - coded) <= slack for n in held.values())


def state_of(c, name):
    return next((n["state"] for n in admin(c.nodes[0], "nodes")["nodes"] if n["id"] == name), "unknown")


def write_fixed(client, bucket):
    fixed = {}
    for i in range(OBJECTS):
        for name, size in (("copies", COPY_BYTES), ("coded", CODED_BYTES)):
            key = f"{name}-{i}"
            fixed[key] = content(i, size)
            client.put_object(Bucket=bucket, Key=key, Body=fixed[key])
    return fixed


def told(began, what):
    print(f"{time.monotonic() - began:6.1f} s {what}")


def test_growing_and_shrinking_fails_no_read_and_loses_nothing(tmp_path):
    c = clusters.Cluster(tmp_path / "growth", nodes=5, members=3, settings="  healing: {delay: 2s, reclaim_grace: 1s}\n").start()
    began = time.monotonic()
    try:
        client = client_of(c.nodes[0])
        client.create_bucket(Bucket="growth")
        fixed = write_fixed(client, "growth")
        told(began, f"{len(fixed)} objects, {pieces(c)}")
        with Load(c.nodes[:5], "growth", fixed) as load:
            c.add().start()
            wait_until(lambda: is_spread(c, 6), "the sixth node has its share", MOVE_S, 0.2)
            told(began, f"6 nodes, {pieces(c)}")
            for n in [c.add() for _ in range(MOST - 6)]:
                n.start()
            wait_until(lambda: is_spread(c, MOST), f"{MOST} nodes have their shares", MOVE_S, 0.2)
            told(began, f"{MOST} nodes, {pieces(c)}")
            for n in reversed(c.nodes[5:]):
                admin(c.nodes[1], "drain", n.name)
            for n in reversed(c.nodes[5:]):
                wait_until(lambda n=n: state_of(c, n.name) == "gone", f"{n.name} has left", MOVE_S, 0.2)
                assert n.terminate() == 0, n.tail()
            wait_until(lambda: is_spread(c, 5), "five nodes hold everything", MOVE_S, 0.2)
            told(began, f"5 nodes, {pieces(c)}")
        print(f"{load.reads} reads, {[r.acknowledged for r in load.registers]} writes")
        assert not load.failed
        assert not [w for r in load.registers for w in r.wrong]
        assert load.reads > 100 and all(r.acknowledged > 10 for r in load.registers)
        c.nodes[3].kill()  # RS(3,2) and three copies: what is there is whole without any two
        c.nodes[4].kill()
        wait_until(lambda: client.list_buckets() is not None, "the rest serves")
        listed = [o["Key"] for page in client.get_paginator("list_objects_v2").paginate(Bucket="growth") for o in page["Contents"]]
        assert sorted(listed) == sorted([*fixed, *(r.key for r in load.registers)])
        for key, body in fixed.items():
            assert client.get_object(Bucket="growth", Key=key)["Body"].read() == body, key
    finally:
        c.close()


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-s"]))
