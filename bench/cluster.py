#!/usr/bin/env python3
"""A cluster beside one process: the price of processes, and how long a lost metadata leader stops writes.

Usage: /usr/bin/python3 bench/cluster.py [price|failover ...] [--rounds 3] [--seconds 4] [--runs 20]

`price`: `troupe dev` and five `troupe serve` processes on this machine, the same client in turns; ratios of medians.
`failover`: three nodes; the leader is killed, then every try of a small PUT counts until one is taken.
Binary: TROUPE_BINARY, else build/release/troupe. Uses the cluster of test/e2e. Results: docs/PERFORMANCE.md.
"""
import argparse
import json
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "e2e"))
import cluster  # noqa: E402
import server  # noqa: E402
from conftest import client_of  # noqa: E402

LOADS = [("PUT 16 MiB, 4 streams", ["put", "--size", "16MiB", "--concurrency", "4", "--objects", "8"]),
         ("GET 16 MiB, 4 streams", ["get", "--size", "16MiB", "--concurrency", "4", "--objects", "8"]),
         ("PUT 4 KiB, 64 connections", ["put", "--size", "4KiB", "--concurrency", "64"]),
         ("GET 4 KiB, 64 connections", ["get", "--size", "4KiB", "--concurrency", "64"]),
         ("PUT 40 KiB, 16 connections", ["put", "--size", "40KiB", "--concurrency", "16", "--objects", "1000"])]


def rate(node, load, seconds):
    done = subprocess.run([str(server.BINARY), "bench", *load, "--duration", f"{seconds}s", "--json", "--quiet",
                           "--endpoint", node.endpoint], env=node.environ(), capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)[load[0]]["ops_per_second"]


def price(directory, rounds, seconds):
    one = server.Server(directory / "one").start()
    five = cluster.Cluster(directory / "five").start()
    try:
        for name, load in LOADS:
            here, there = [], []
            for _ in range(rounds):
                here.append(rate(one, load, seconds))
                there.append(rate(five.nodes[0], load, seconds))
            a, b = statistics.median(here), statistics.median(there)
            print(f"{name}: one process {a:.1f}/s, five {b:.1f}/s, ratio {b / a:.2f}", flush=True)
    finally:
        one.close()
        five.close()


def leader_of(c, asked):
    done = subprocess.run([str(server.BINARY), "admin", "raft", "--json", "--connect", f"127.0.0.1:{asked.console_port}"],
                          env=asked.environ(), capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout).get("leader") if done.returncode == 0 else None


def failover(directory, runs):
    c = cluster.Cluster(directory / "failover", nodes=3).start()
    times = []
    try:
        client_of(c.nodes[0]).create_bucket(Bucket="failover")
        for run in range(runs):
            name = server.wait_until(lambda: leader_of(c, c.nodes[0]), "a leader")
            leader = next(n for n in c.nodes if n.name == name)
            client = client_of(next(n for n in c.nodes if n is not leader))
            leader.kill()
            began = time.monotonic()
            while True:
                try:
                    client.put_object(Bucket="failover", Key=str(run), Body=b"x")
                    break
                except Exception:  # noqa: BLE001 (refused: again)
                    assert time.monotonic() - began < 60
            times.append(time.monotonic() - began)
            leader.start()
            c.ready()
        times.sort()
        print(f"a killed metadata leader: a write again after p50 {statistics.median(times):.2f} s, max {times[-1]:.2f} s, "
              f"{runs} runs")
    finally:
        c.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="*", choices=["price", "failover"])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=4)
    p.add_argument("--runs", type=int, default=20)
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="troupe-bench-") as d:
        for what in a.what or ["price", "failover"]:
            if what == "price":
                price(pathlib.Path(d), a.rounds, a.seconds)
            else:
                failover(pathlib.Path(d), a.runs)


if __name__ == "__main__":
    main()
