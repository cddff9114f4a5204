"""A cluster under load while nodes are killed, frozen and cut off at random and their disks fail, at most two at a time, then
mended: nothing acknowledged is lost, each key's history is linearizable, and nothing stays under-protected. Three minutes; CHAOS_S=seconds, or E2E_FULL=1 for half an hour.

Each key has one writer, which puts 1, 2, 3, ... A read that began when n was acknowledged, and ended when m had been begun,
must show one of n..m, and never less than a read that ended before it began: for one writer that is linearizability.
A put without an answer (its coordinator was frozen) may take effect at any later time, also after its successors, but once: it may be
read again only until a put that began after it was first read is acknowledged.
"""
import io
import os
import random
import subprocess
import threading
import time

import botocore.exceptions
import pytest

import cluster as clusters
from conftest import FULL, client_of
from server import wait_until
from test_cluster import admin, succeeds

SECONDS = int(os.environ.get("CHAOS_S", 1800 if FULL else 180))
SIZES = (50, 30_000, 300_000)


def body_of(key, n):
    return (f"{key}:{n}:".encode() * (SIZES[n % len(SIZES)] // 10 + 1))[:max(SIZES[n % len(SIZES)], 32)]


def number_in(body):
    return int(body.split(b":", 2)[1])


class Register:
    """One key: what its writer did, and what a reader may see."""

    def __init__(self, key, bucket="chaos"):
        self.key, self.bucket, self.begun, self.acknowledged, self.seen = key, bucket, 0, 0, 0
        self.wrong = []
        self.unanswered = {}  # number -> what had been begun when it was first read late; None: it was not

    def write(self, client):
        self.begun += 1
        n = self.begun
        if succeeds(lambda: client.put_object(Bucket=self.bucket, Key=self.key, Body=body_of(self.key, n))):
            self.acknowledged = n
        else:
            self.unanswered[n] = None

    def late(self, n, acknowledged):
        """Whether a put below what was acknowledged when the read began may be read now."""
        if n not in self.unanswered:
            return False
        if self.unanswered[n] is None:
            self.unanswered[n] = self.begun
        return acknowledged <= self.unanswered[n]

    def read(self, client):
        acknowledged = self.acknowledged
        at_least = max(acknowledged, self.seen)
        try:
            body = client.get_object(Bucket=self.bucket, Key=self.key)["Body"].read()
        except client.exceptions.NoSuchKey:
            if at_least > 0:
                self.wrong.append(f"{self.key}: gone, {at_least} was there")
            return True
        except (botocore.exceptions.ClientError, botocore.exceptions.BotoCoreError):
            return False
        n = number_in(body)
        if body != body_of(self.key, n):
            self.wrong.append(f"{self.key}: wrong bytes in {n}")
        if not at_least <= n <= self.begun and not self.late(n, acknowledged):
            self.wrong.append(f"{self.key}: read {n}, not in {at_least}..{self.begun}")
        self.seen = max(self.seen, n)
        return True


class OneKey:
    """A client whose key holds what the test says; `answers`: whether a put is answered."""
    class exceptions:
        class NoSuchKey(Exception):
            pass

    def __init__(self):
        self.body, self.answers = b"", True

    def put_object(self, Bucket, Key, Body):
        self.put = Body
        if not self.answers:
            raise botocore.exceptions.ReadTimeoutError(endpoint_url="")
        self.body = Body

    def get_object(self, Bucket, Key):
        return {"Body": io.BytesIO(self.body)}


def test_the_checker_knows_a_late_put_from_a_lost_one():
    client, r = OneKey(), Register("key")
    r.write(client)
    client.answers = False
    r.write(client)
    late, client.answers = client.put, True
    r.write(client)
    assert r.read(client) and not r.wrong
    client.body = late  # 2, after 3 was acknowledged
    assert r.read(client) and r.read(client) and not r.wrong
    r.write(client)
    assert r.read(client) and not r.wrong
    client.body = late  # a second time
    assert r.read(client) and r.wrong == ["key: read 2, not in 4..4"]
    client.body = body_of("key", 3)  # it was answered: 4 is lost
    assert r.read(client) and r.wrong[1:] == ["key: read 3, not in 4..4"]


def disturb(c, rng, until, log):
    """Failures one after the other; what is broken is mended before a third node would be away."""
    away = {}
    while time.monotonic() < until:
        threading.Event().wait(rng.uniform(0.5, 3))
        if away and (len(away) == 2 or rng.random() < 0.5):
            mend(c, away, rng.choice(sorted(away)), log)
            continue
        node = rng.choice([n for n in c.nodes if n.name not in away])
        what = rng.choice(["kill", "crash", "freeze", "cut", "eio", "slow", "flip"])
        log.append(f"{what} {node.name}")
        try:
            BREAK[what](node, rng)
        except (AssertionError, subprocess.TimeoutExpired) as refused:  # it may still be starting
            log.append(f"refused: {refused}"[:200])
        away[node.name] = what
    for name in sorted(away):
        mend(c, away, name, log)


def crash(node, _):
    admin(node, "fault", "crash", node.name)
    wait_until(lambda: not node.alive(), f"{node.name} ends")


def fail_disk(node, rng):
    admin(node, "fault", "disk", node.name, "eio", "--on", rng.choice(["all", "reads", "writes", "syncs"]),
          "--volume", rng.choice(["both", "storage", "metadata"]))


BREAK = {
    "kill": lambda node, _: node.kill(),
    "crash": crash,
    "freeze": lambda node, _: node.freeze(),
    "cut": lambda node, rng: admin(node, "fault", "drop", "*", "--direction", rng.choice(["both", "to", "from"])),
    "eio": fail_disk,
    "slow": lambda node, rng: admin(node, "fault", "disk", node.name, "slow", "--ms", str(rng.choice([20, 200, 1000]))),
    "flip": lambda node, _: admin(node, "fault", "disk", node.name, "flip", "--volume", "storage"),
}


def mend(c, away, name, log):
    node = next(n for n in c.nodes if n.name == name)
    what = away.pop(name)
    log.append(f"mend {name}")
    if what == "freeze":
        return node.thaw()
    if what in ("cut", "slow", "flip"):
        return admin(node, "fault", "clear", name)
    if node.alive():  # its disk: a log that failed takes no writes until the process starts again
        node.kill()
    node.spawn()


def whole(node):
    """Counted, nothing below its full redundancy, nothing waits for repair, no node for its comparison."""
    now = admin(node, "status")
    healing = now.get("healing", {"under_protected": None, "comparing": None})
    return (now["repairs"]["waiting"] == 0 and not healing["comparing"] and
            healing["under_protected"] == {"extents": 0, "objects": 0, "counted": True})


def test_what_was_acknowledged_outlives_random_failures(tmp_path):
    seed = int(os.environ.get("CHAOS_SEED", random.randrange(1 << 30)))
    print(f"CHAOS_SEED={seed}")
    c = clusters.Cluster(tmp_path / "chaos", nodes=5, members=5,
                         settings="  faults: enabled\n  healing: {delay: 2s, reclaim_grace: 2s}\n").start()
    try:
        client_of(c.nodes[0]).create_bucket(Bucket="chaos")
        registers = [Register(f"key-{i}") for i in range(4)]
        until = time.monotonic() + SECONDS
        log = []

        def load(work, rng):
            while time.monotonic() < until:
                client = client_of(rng.choice(c.nodes), connect_timeout=2, read_timeout=10)
                for _ in range(10):
                    if time.monotonic() < until:
                        work(client)
                threading.Event().wait(0.01)
        threads = [threading.Thread(target=load, args=(work, random.Random(f"{seed}-{i}-{j}")))
                   for i, r in enumerate(registers) for j, work in enumerate((r.write, r.read))]
        for t in threads:
            t.start()
        disturb(c, random.Random(seed), until, log)
        for t in threads:
            t.join(120)
        wait_until(lambda: all(n.alive() and n.console("/ready")[0] == 200 for n in c.nodes), "every node is ready again", 60)
        for r in registers:
            for n in c.nodes:
                client = client_of(n)
                wait_until(lambda: r.read(client), f"{r.key} can be read by {n.name}", 30)
        wait_until(lambda: whole(c.nodes[0]), "everything has its full redundancy again", 180, 0.5)
        print(f"{[(r.key, r.acknowledged, r.begun, r.seen) for r in registers]}; {len(log)} disturbances")
        assert not [w for r in registers for w in r.wrong], log
        assert all(r.acknowledged > 0 for r in registers)
    finally:
        c.close()


if __name__ == "__main__":
    raise SystemExit(pytest.main([__file__, "-s"]))
