#!/usr/bin/env python3
"""The whole store beside what the machine can do: each figure is a ratio of two things measured in turns, in one run.

Usage: /usr/bin/python3 bench/store.py [get|put|small-put|small-get|list ...] [--binary build/release/troupe]
           [--rounds 3] [--seconds 5] [--keys 1000000] [--directory DIR]

Needs the packages nginx-light, wrk and python3-botocore. Starts `troupe dev` and nginx on ports of the kernel's choice,
in a directory that it removes; DIR names the disk to measure. The client runs on the same machine, and the same client
drives both sides. Results: docs/PERFORMANCE.md.
"""
import argparse
import hashlib
import json
import os
import pathlib
import re
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials

MIB = 1 << 20
WRK_SCRIPT = """
local paths, next = {}, 0
for line in io.lines(os.getenv("BENCH_PATHS")) do paths[#paths + 1] = line end
request = function() next = next + 1; return wrk.format("GET", paths[next % #paths + 1]) end
done = function(s, l)
  io.stderr:write(string.format('{"requests": %d, "us": %d, "bytes": %d, "bad": %d, "p50": %d, "p99": %d}\\n', s.requests,
    s.duration, s.bytes, s.errors.status + s.errors.connect + s.errors.read + s.errors.timeout,
    l:percentile(50), l:percentile(99)))
end
"""


class Troupe:
    """`troupe dev` in a directory of its own."""

    def __init__(self, binary, directory):
        self.binary, self.data = binary, directory / "data"
        self.log = open(directory / "troupe.log", "w")
        self.process = subprocess.Popen([binary, "dev", "--data", self.data, "--s3", "127.0.0.1:0",
                                         "--console", "127.0.0.1:0"], stdout=subprocess.PIPE, stderr=self.log, text=True)
        for line in self.process.stdout:
            if found := re.match(r"listening s3=(\S+)", line):
                self.address = found[1]
                break
        keys = dict(re.findall(r'"?(access_key|secret_key)"?\s*[:=]\s*"?([^"\s,]+)', self.credentials_text()))
        self.keys = botocore.credentials.Credentials(keys["access_key"], keys["secret_key"])

    def credentials_text(self):
        return next(p for p in self.data.iterdir() if p.name.startswith("credentials")).read_text()

    def cpu_seconds(self):
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def presigned_path(self, path):
        request = botocore.awsrequest.AWSRequest("GET", f"http://{self.address}{path}")
        botocore.auth.S3SigV4QueryAuth(self.keys, "s3", "us-east-1", expires=86400).add_auth(request)
        url = urllib.parse.urlsplit(request.url)
        return f"{url.path}?{url.query}"

    def bench(self, *arguments):
        command = [self.binary, "bench", *map(str, arguments), "--data", self.data, "--endpoint",
                   f"http://{self.address}", "--json", "--quiet"]
        before, started = self.cpu_seconds(), time.monotonic()
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode != 0:
            sys.exit(f"{' '.join(map(str, command))}: {done.stderr}")
        report = json.loads(done.stdout)
        report["operations"] = report.get("put", report.get("pages"))["operations"]
        report["server_cpu"] = self.cpu_seconds() - before
        report["elapsed"] = time.monotonic() - started
        return report

    def storage(self, *arguments, **options):
        subprocess.run([self.binary, "storage", *arguments, "--data", self.data, "--endpoint", f"http://{self.address}"],
                       check=True, capture_output=True, **options)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.log.close()


class Nginx:
    def __init__(self, directory, root):
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            port = s.getsockname()[1]
        self.address = f"127.0.0.1:{port}"
        config = directory / "nginx.conf"
        config.write_text(f"""daemon off; worker_processes 1; pid {directory}/nginx.pid; error_log {directory}/nginx.log;
            user root; events {{ worker_connections 1024; }}
            http {{ access_log off; sendfile on; keepalive_requests 1000000000;
                    server {{ listen {self.address}; location / {{ root {root}; }} }} }}""")
        self.process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", config],
                                        stderr=subprocess.DEVNULL)
        for _ in range(500):
            try:
                socket.create_connection(("127.0.0.1", port)).close()
                return
            except OSError:
                time.sleep(0.01)
        sys.exit(f"nginx did not start: see {directory}/nginx.log")

    def close(self):
        self.process.terminate()
        self.process.wait()


def wrk(directory, address, paths, connections, seconds):
    script, listed = directory / "wrk.lua", directory / "paths"
    script.write_text(WRK_SCRIPT)
    listed.write_text("\n".join(paths) + "\n")
    done = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", "--latency", "-s", script,
                           f"http://{address}"], env=dict(os.environ, BENCH_PATHS=str(listed)), capture_output=True,
                          text=True, check=True)
    report = json.loads(done.stderr.strip().splitlines()[-1])
    if report["bad"]:
        sys.exit(f"{report['bad']} requests to {address} failed")
    return report


def show(name, ours, theirs, wanted, note=""):
    ratio = statistics.median(a / b for a, b in zip(ours, theirs))
    print(f"{name}: ratio {ratio:.2f} (wanted {wanted}); {statistics.median(ours):.5g} beside "
          f"{statistics.median(theirs):.5g} {note}", flush=True)


def measure_get(o, size, objects, connections, name, wanted):
    """GET of objects against nginx serving the same bytes from files; wrk drives both, at equal concurrency."""
    root = o.place / f"www-{size}"
    (root / "bench").mkdir(parents=True)
    o.troupe.storage("mb", f"bench-{size}")
    for i in range(objects):
        (root / "bench" / str(i)).write_bytes(os.urandom(size))
        o.troupe.storage("put", str(root / "bench" / str(i)), f"bench-{size}/{i}")
    nginx = Nginx(o.place, root)
    mine = [o.troupe.presigned_path(f"/bench-{size}/{i}") for i in range(objects)]
    theirs = [f"/bench/{i}" for i in range(objects)]
    for count in connections:
        ours, other, p99 = [], [], []
        for _ in range(o.rounds):
            for address, paths, rates in ((nginx.address, theirs, other), (o.troupe.address, mine, ours)):
                r = wrk(o.place, address, paths, count, o.seconds)
                rates.append(r["requests"] / r["us"] * 1e6)
                p99.append(f"p50 {r['p50'] / 1e3:.2f} p99 {r['p99'] / 1e3:.2f} ms")
        show(f"{name}, {count} connections", ours, other, wanted, f"requests/s; troupe {p99[-1]}, nginx {p99[-2]}")
    nginx.close()


def get(o):
    measure_get(o, 16 * MIB, 4, (1, 8), "GET 16 MiB / nginx", 0.5)


def small_get(o):
    measure_get(o, 4096, 1000, (64,), "GET 4 KiB / nginx", 0.3)


def md5_bytes_per_second():
    block, total, started = os.urandom(16 * MIB), 0, time.monotonic()
    while time.monotonic() - started < 1:
        hashlib.md5(block).digest()
        total += len(block)
    return total / (time.monotonic() - started)


def put(o):
    """Bytes that the server takes for each second of its processor time, against MD5 on one core."""
    for streams in (1, 8):
        ours, md5, rates = [], [], []
        for round_ in range(o.rounds):
            md5.append(md5_bytes_per_second() / MIB)
            # Kept: removing and compacting are not what is measured here.
            o.troupe.storage("mb", bucket := f"put-{streams}-{round_}")
            r = o.troupe.bench("put", "--size", "16MiB", "--concurrency", streams, "--unsigned-payload", "--bucket", bucket,
                               "--keep", "--duration", f"{o.seconds}s")
            ours.append(r["operations"] * 16 / r["server_cpu"])
            rates.append(r["operations"] * 16 / r["seconds"])
        show(f"PUT 16 MiB, {streams} streams, per busy core / MD5", ours, md5, 0.7,
             f"MiB a CPU second; {statistics.median(rates):.0f} MiB/s")


def plain_appends_per_second(directory, seconds):
    block, done = os.urandom(4096), 0
    with open(directory / "plain", "wb", buffering=0) as f:
        started = time.monotonic()
        while time.monotonic() - started < seconds:
            f.write(block)
            os.fdatasync(f.fileno())
            done += 1
    (directory / "plain").unlink()
    return done / (time.monotonic() - started)


def small_put(o):
    """Acknowledged writes, each on disk, against one thread that appends and calls fdatasync each time."""
    ours, plain, note = [], [], ""
    for _ in range(o.rounds):
        plain.append(plain_appends_per_second(o.place, o.seconds))
        r = o.troupe.bench("put", "--size", "4KiB", "--concurrency", 64, "--unsigned-payload", "--duration",
                           f"{o.seconds}s")
        ours.append(r["operations"] / r["seconds"])
        note = ", ".join(f"{k} {r['put']['latency_us'][k] / 1e3:.1f} ms" for k in ("p50", "p90", "p99"))
    show("PUT 4 KiB, 64 connections / append and fdatasync", ours, plain, 8, f"requests/s; {note}")


def fill(o, bucket, keys):
    r = o.troupe.bench("list", "--bucket", bucket, "--keys", keys, "--concurrency", 64, "--duration", "1s", "--keep")
    print(f"  {keys} keys put into {bucket} in {r['elapsed']:.0f} s", flush=True)


def list_keys(o):
    """Listing a bucket of many keys; and a put into it beside a put into an empty one."""
    o.troupe.storage("mb", "full")
    o.troupe.storage("mb", "empty")
    fill(o, "full", o.keys)
    rates = []
    for _ in range(o.rounds):
        r = o.troupe.bench("list", "--bucket", "full", "--existing", "--concurrency", 1, "--duration", f"{o.seconds}s")
        rates.append(r["keys_per_second"])
    print(f"ListObjectsV2 over {o.keys} keys: {statistics.median(rates):.0f} keys/s (wanted 100000)", flush=True)
    full, empty = [], []
    for _ in range(o.rounds):
        for bucket, values in (("empty", empty), ("full", full)):
            r = o.troupe.bench("put", "--bucket", bucket, "--size", "4KiB", "--concurrency", 64, "--unsigned-payload",
                               "--duration", f"{o.seconds}s")
            values.append(r["operations"] / r["seconds"])
    show("PUT 4 KiB into a bucket of many keys / into an empty one", full, empty, "about 1")


MEASURES = {"get": get, "put": put, "small-put": small_put, "small-get": small_get, "list": list_keys}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", nargs="*", choices=[[], *MEASURES], default=[])
    parser.add_argument("--binary", default=pathlib.Path(__file__).parents[1] / "build/release/troupe")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=1_000_000)
    parser.add_argument("--directory", default=".")
    o = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=o.directory, prefix="bench-store-") as place:
        o.place = pathlib.Path(place).resolve()
        o.troupe = Troupe(pathlib.Path(o.binary).resolve(), o.place)
        try:
            for name in o.what or MEASURES:
                MEASURES[name](o)
        finally:
            o.troupe.close()


if __name__ == "__main__":
    main()
