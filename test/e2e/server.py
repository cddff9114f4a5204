"""server: a real `troupe dev` process for the end-to-end tests: started on free ports, watched, killed, restarted.

Nothing here waits for a fixed time: wait_until() polls a condition and fails at a deadline, naming the condition.
"""
import http.client
import os
import pathlib
import re
import signal
import socket
import ssl
import subprocess
import threading
import time
import types

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
BINARY = pathlib.Path(os.environ.get("TROUPE_BINARY", ROOT / "build" / "release" / "troupe"))
START_S = 60
LISTENING = re.compile(  # a node without clients has no s3
    r"^listening (?:actor=\S+ )?(?:s3=(?:https://)?(\S+):(\d+) )?console=(?:https://)?(\S+):(\d+)")


def wait_until(condition, what, deadline_s=30, interval_s=0.02):
    """The first true value of condition(); AssertionError naming `what` when there is none in time."""
    end = time.monotonic() + deadline_s
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < end, f"not within {deadline_s} s: {what}"
        threading.Event().wait(interval_s)  # between two looks, not instead of one


def connection_to(host, port, ca=None, timeout=10):
    """An HTTP connection; with an authority (a file) over TLS, to servers that it knows."""
    if ca is None:
        return http.client.HTTPConnection(host, port, timeout=timeout)
    return http.client.HTTPSConnection(host, port, timeout=timeout, context=ssl.create_default_context(cafile=str(ca)))


class Server:
    """One process on one data directory. A restart keeps data and keys; the ports change. `ca`: the authority of its
    certificate, when its options give it one."""

    def __init__(self, data, access_key="AKIAE2E", secret_key="end-to-end-secret", options=(), environment=None, ca=None):
        self.ca = ca
        self.data = pathlib.Path(data)
        self.access_key = access_key
        self.secret_key = secret_key
        self.options = list(options)
        self.environment = environment
        self.process = None
        self.host = self.console_host = "127.0.0.1"
        self.port = self.console_port = 0
        self.log_path = self.data.parent / (self.data.name + ".log")

    @property
    def endpoint(self):
        return f"{'https' if self.ca else 'http'}://{self.host}:{self.port}"

    @property
    def pid(self):
        return self.process.pid

    def command(self):
        return [str(BINARY), "dev", "--data", str(self.data), "--s3", "127.0.0.1:0", "--console", "127.0.0.1:0", *self.options]

    def environ(self):
        env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
        if self.access_key:
            env.update(TROUPE_ACCESS_KEY=self.access_key, TROUPE_SECRET_KEY=self.secret_key)
        env.update(self.environment or {})
        return env

    def spawn(self):
        """Starts the process and reads its addresses; not ready yet."""
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.command(), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=self.log,
                                        text=True, env=self.environ())
        self.port = self.console_port = 0
        self.printed = []
        found = threading.Event()
        threading.Thread(target=self._read, args=(self.process, self.printed, found), daemon=True).start()
        assert found.wait(START_S), f"no `listening` line in {START_S} s; printed {self.printed}; {self.tail()}"
        assert self.console_port, f"ended with {self.process.wait(START_S)}: {self.printed} {self.tail()}"
        return self

    def start(self):
        self.spawn()
        self.wait_ready()
        return self

    def wait_ready(self, deadline_s=START_S):
        def ready():
            assert self.alive(), f"the server ended with {self.process.returncode} before it was ready: {self.tail()}"
            return self.console("/ready")[0] == 200
        wait_until(ready, "GET /ready answers 200", deadline_s)

    def front(self, name):
        """A front door beside S3, as signing.py wants a server: host, port and the keys."""
        for line in self.printed:
            found = re.search(rf"^listening .*\b{name}=(?:https://)?(\S+):(\d+)", line)
            if found:
                return types.SimpleNamespace(host=found[1], port=int(found[2]), access_key=self.access_key,
                                             secret_key=self.secret_key, ca=self.ca)
        raise AssertionError(f"no {name}= in {self.printed}")

    def console(self, path):
        """(status, body) of a GET on the console's port; (0, b"") when nobody answers."""
        try:
            connection = connection_to(self.console_host, self.console_port, self.ca)
            connection.request("GET", path)
            response = connection.getresponse()
            return response.status, response.read()
        except OSError:
            return 0, b""

    def alive(self):
        return self.process is not None and self.process.poll() is None

    def kill(self):
        """kill -9: no goodbye."""
        self.process.kill()
        self.process.wait()

    def terminate(self, deadline_s=30):
        """SIGTERM; the exit status."""
        self.process.send_signal(signal.SIGTERM)
        return self.process.wait(deadline_s)

    def close(self):
        if self.alive():
            try:
                self.terminate()
            except subprocess.TimeoutExpired:
                self.kill()

    def memory_kib(self, field="RssAnon"):
        for line in pathlib.Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(field + ":"):
                return int(line.split()[1])
        raise AssertionError(f"/proc says nothing about {field}")

    def node_directories(self):
        """The storage directories of the simulated hosts, one a node."""
        found = sorted(p for p in self.data.rglob("node-*") if p.is_dir() and any(p.iterdir()))
        return [p for p in found if not any(q in found for q in p.parents)]

    def connect(self, timeout_s=30):
        s = socket.create_connection((self.host, self.port), timeout=timeout_s)
        s.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return s

    def tail(self):
        return self.log_path.read_text(errors="replace")[-4000:] if self.log_path.exists() else ""

    def _read(self, process, printed, found):
        """A thread a process: reads its standard output to the end, and the addresses in it."""
        for line in process.stdout:
            printed.append(line.rstrip("\n"))
            match = LISTENING.match(line)
            if match and process is self.process:
                self.host, self.console_host = match[1], match[3]
                self.port, self.console_port = int(match[2] or 0), int(match[4])
                found.set()
        found.set()  # it ended: nobody waits for what cannot come


class Endpoint:
    """A server that somebody else runs (E2E_ENDPOINT=http://host:port): enough for the tests that only speak S3."""

    def __init__(self, url, access_key, secret_key):
        self.endpoint, self.access_key, self.secret_key = url, access_key, secret_key
        host, port = url.split("//")[1].split(":")
        self.host, self.port = host, int(port)

    connect = Server.connect

    def alive(self):
        return True
