#!/usr/bin/env python3
"""A cluster measured on one machine: each figure stands beside another one of the same run.

Usage: /usr/bin/python3 bench/cluster.py [price|failover|repair|latency|tls ...] [--rounds 3] [--seconds 4] [--runs 20]
           [--repair-mib 2048] [--repair-object-kib 16384] [--latency-s 30] [--directory DIR]

`price`: `troupe dev` and five `troupe serve` processes, the same client in turns; ratios of medians.
`failover`: three nodes; the leader is killed, then every try of a small PUT counts until one is taken.
`repair`: five nodes, RS(3,2); one is killed and its disk emptied, it starts again. From its start until it has all its bytes
    again, beside the same disk written in sequence; healing.rate without a bound, then as by default.
`latency`: p99 of heartbeats (the nodes' /metrics) and of PUTs of one byte (which are metadata commits), at rest, then while
    16 MiB objects are put and got at full speed, then at rest again.
`tls`: two clusters of five nodes, plain TCP and mutual TLS between them, the same client in turns; ratios of medians.
DIR names the disk to measure. Binary: TROUPE_BINARY, else build/release/troupe. Uses the cluster of test/e2e. Results:
docs/PERFORMANCE.md.
"""
import argparse
import collections
import concurrent.futures
import json
import mmap
import os
import pathlib
import re
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "test" / "e2e"))
import cluster  # noqa: E402
import server  # noqa: E402
from conftest import client_of  # noqa: E402

MIB = 1 << 20
LOADS = [("PUT 16 MiB, 4 streams", ["put", "--size", "16MiB", "--concurrency", "4", "--objects", "8"]),
         ("GET 16 MiB, 4 streams", ["get", "--size", "16MiB", "--concurrency", "4", "--objects", "8"]),
         ("PUT 4 KiB, 64 connections", ["put", "--size", "4KiB", "--concurrency", "64"]),
         ("GET 4 KiB, 64 connections", ["get", "--size", "4KiB", "--concurrency", "64"]),
         ("PUT 40 KiB, 16 connections", ["put", "--size", "40KiB", "--concurrency", "16", "--objects", "1000"])]


def start_bench(node, load, seconds):
    return subprocess.Popen([str(server.BINARY), "bench", *load, "--duration", f"{seconds}s", "--json", "--quiet",
                             "--endpoint", node.endpoint], env=node.environ(), stdout=subprocess.PIPE, text=True)


def result_of(running, load, seconds):
    out, _ = running.communicate(timeout=seconds + 300)
    assert running.returncode == 0, out
    return json.loads(out)[load[0]]


def rate(node, load, seconds):
    return result_of(start_bench(node, load, seconds), load, seconds)["ops_per_second"]


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


def status(node):
    done = subprocess.run([str(server.BINARY), "admin", "status", "--json", "--connect", f"127.0.0.1:{node.console_port}"],
                          env=node.environ(), capture_output=True, text=True, timeout=60)
    return json.loads(done.stdout) if done.returncode == 0 else {}


def live_bytes(node, name):
    """What the node `name` says that it holds; 0 while it does not answer."""
    found = re.search(rf'^troupe_node_live_bytes{{node="{name}"}} (\S+)$', node.console("/metrics")[1].decode(), re.MULTILINE)
    return float(found[1]) if found else 0


def disk_rate(directory, mib):
    """MiB/s of one file written in sequence, past the page cache, by 1 MiB, and synced."""
    path = directory / "sequential"
    block = mmap.mmap(-1, MIB)  # aligned, as O_DIRECT wants it
    block.write(os.urandom(MIB))
    f = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_DIRECT, 0o600)
    try:
        began = time.monotonic()
        for _ in range(mib):
            assert os.write(f, block) == MIB
        os.fsync(f)
        return mib / (time.monotonic() - began)
    finally:
        os.close(f)
        path.unlink()


def fill(c, mib, object_kib):
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="repair")
    body = os.urandom(object_kib << 10)
    with concurrent.futures.ThreadPoolExecutor(8) as writers:
        list(writers.map(lambda i: client.put_object(Bucket="repair", Key=f"key-{i}", Body=body), range((mib << 10) // object_kib)))


def repair(directory, mib, object_kib):
    for name, setting in (("without a bound", "rate: 1TiB"), ("by default", "delay: 60s")):
        # Nobody else may take over what is lost, and nothing else may be at work.
        c = cluster.Cluster(directory / f"repair-{setting.split(':')[0]}", settings=f"  healing: {{{setting}}}\n").start()
        try:
            fill(c, mib, object_kib)
            server.wait_until(lambda: status(c.nodes[0])["repairs"]["waiting"] == 0, "nothing is repaired", 600, 0.5)
            lost = c.nodes[4]  # no metadata member
            held = live_bytes(c.nodes[0], lost.name)
            before = disk_rate(directory, mib // 4)
            lost.kill()
            shutil.rmtree(lost.data / "volume")
            began = time.monotonic()
            lost.spawn()
            first = None
            while (there := live_bytes(c.nodes[0], lost.name)) < held:
                now = time.monotonic()
                if first is None and there > 0:
                    first = now, there
                assert now - began < 3600, f"{there} of {held} bytes are there again"
                time.sleep(0.2)
            ended = time.monotonic()
            lost.wait_ready()
            disk = statistics.mean([before, disk_rate(directory, mib // 4)])
            whole = held / MIB / (ended - began)
            steady = (held - first[1]) / MIB / (ended - first[0]) if first else 0
            print(f"repair, rate {name}: {held / MIB:.0f} MiB of one node in {ended - began:.1f} s from its start: "
                  f"{whole:.0f} MiB/s, {steady:.0f} MiB/s once it had begun; the disk in sequence {disk:.0f} MiB/s; "
                  f"share {whole / disk:.2f}, {steady / disk:.2f}", flush=True)
        finally:
            c.close()


def histogram(nodes, name):
    """Cumulative counts by upper bound in seconds, of all nodes together."""
    total = collections.Counter()
    for n in nodes:
        text = n.console("/metrics")[1].decode()
        for bound, count in re.findall(rf'^{name}_bucket{{le="([^"]+)"}} (\S+)$', text, re.MULTILINE):
            total[float(bound)] += float(count)
    assert total, f"no {name} in /metrics"
    return total


def percentile(before, after, part):
    """The upper bound of the bucket that holds it, in ms, and how many there were."""
    bounds = sorted(after)
    n = after[bounds[-1]] - before[bounds[-1]]
    assert n > 0, "nothing was measured"
    return next(b for b in bounds if after[b] - before[b] >= part * n) * 1000, int(n)


def latency(directory, seconds):
    c = cluster.Cluster(directory / "latency").start()
    bulk_loads = [(c.nodes[0], ["put", "--size", "16MiB", "--concurrency", "4", "--objects", "8"]),
                  (c.nodes[1], ["get", "--size", "16MiB", "--concurrency", "4", "--objects", "8"])]
    one = ["put", "--size", "1", "--concurrency", "1", "--objects", "100"]
    names = "troupe_gossip_round_trip_seconds", "troupe_metadata_commit_seconds"
    try:
        for what in ("at rest", "beside bulk traffic", "at rest again"):
            bulk = what.startswith("beside")
            running = [(start_bench(n, load, seconds + 6), load) for n, load in bulk_loads] if bulk else []
            if bulk:
                time.sleep(4)  # its objects are prepared
            before = [histogram(c.nodes, n) for n in names]
            puts = result_of(start_bench(c.nodes[2], one, seconds), one, seconds)
            after = [histogram(c.nodes, n) for n in names]
            mib = sum(result_of(r, load, seconds)["mib_per_second"] for r, load in running)
            said = []
            for n, b, a in zip(("heartbeat", "commit in the leader"), before, after):
                p50, _ = percentile(b, a, 0.5)
                p99, count = percentile(b, a, 0.99)
                said.append(f"{n} p50 <= {p50:.3g}, p99 <= {p99:.3g} ms ({count})")
            us = puts["latency_us"]
            print(f"latency {what}{f' of {mib:.0f} MiB/s' if bulk else ''}: {'; '.join(said)}; PUT of one byte "
                  f"p50 {us['p50'] / 1000:.2f}, p99 {us['p99'] / 1000:.2f} ms ({puts['operations']})", flush=True)
    finally:
        c.close()


def tls(directory, rounds, seconds):
    ca = directory / "ca"

    def certify(*words):
        subprocess.run([str(server.BINARY), "ca", *words, "--dir", str(ca)], check=True, capture_output=True, timeout=60)
    certify("init")
    secure = cluster.Cluster(directory / "tls", settings=f"  tls: {{ca: {ca}/ca.pem, certificate: \"{ca}/{{node}}.pem\", "
                             f"key: \"{ca}/{{node}}.key\"}}\n")
    for name in secure.names:
        certify("issue", name, "--host", "127.0.0.1")
    plain = cluster.Cluster(directory / "plain").start()
    try:
        secure.start()
        for name, load in LOADS[:4]:
            without, with_tls = [], []
            for _ in range(rounds):
                without.append(rate(plain.nodes[0], load, seconds))
                with_tls.append(rate(secure.nodes[0], load, seconds))
            a, b = statistics.median(without), statistics.median(with_tls)
            print(f"{name}: plain {a:.1f}/s, mutual TLS {b:.1f}/s, ratio {b / a:.2f}", flush=True)
    finally:
        plain.close()
        secure.close()


def main():
    p = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    p.add_argument("what", nargs="*", choices=["price", "failover", "repair", "latency", "tls"])
    p.add_argument("--rounds", type=int, default=3)
    p.add_argument("--seconds", type=int, default=4)
    p.add_argument("--runs", type=int, default=20)
    p.add_argument("--repair-mib", type=int, default=2048, help="content; five thirds of it are stored, a fifth of that is lost")
    p.add_argument("--repair-object-kib", type=int, default=16 << 10, help="the size of each object of it")
    p.add_argument("--latency-s", type=int, default=30)
    p.add_argument("--directory", type=pathlib.Path, help="for the nodes' directories; else the system's for temporary files")
    a = p.parse_args()
    with tempfile.TemporaryDirectory(prefix="troupe-bench-", dir=a.directory) as d:
        d = pathlib.Path(d)
        all_of_them = {"price": lambda: price(d, a.rounds, a.seconds), "failover": lambda: failover(d, a.runs),
                       "repair": lambda: repair(d, a.repair_mib, a.repair_object_kib), "latency": lambda: latency(d, a.latency_s),
                       "tls": lambda: tls(d, a.rounds, a.seconds)}
        for what in a.what or all_of_them:
            all_of_them[what]()


if __name__ == "__main__":
    main()
