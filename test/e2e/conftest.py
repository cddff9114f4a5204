"""Fixtures of the end-to-end tests: one shared server, private servers, clients, buckets, files, seeded bytes.

Run: /usr/bin/python3 -m pytest test/e2e   (docs/TESTING.md). Against another server: E2E_ENDPOINT, E2E_ACCESS_KEY,
E2E_SECRET_KEY; the tests that start, kill or damage a server are then skipped.
"""
import hashlib
import itertools
import os
import random
import re
import signal
import subprocess

import boto3
import botocore.config
import pytest

import server as servers
from authority import Authority

FULL = os.environ.get("E2E_FULL") == "1"


def pytest_configure(config):
    if signal.getsignal(signal.SIGHUP) == signal.SIG_IGN:  # of nohup: the servers would inherit it, and hear no hangup
        signal.signal(signal.SIGHUP, signal.SIG_DFL)
    if "E2E_ENDPOINT" not in os.environ and not servers.BINARY.exists():
        raise pytest.UsageError(f"{servers.BINARY} is not there: build it (cmake --build --preset release) "
                                "or set TROUPE_BINARY")


@pytest.fixture(scope="session")
def server(tmp_path_factory):
    """The server that most tests share."""
    if "E2E_ENDPOINT" in os.environ:
        yield servers.Endpoint(os.environ["E2E_ENDPOINT"], os.environ.get("E2E_ACCESS_KEY", "AKIAE2E"),
                               os.environ.get("E2E_SECRET_KEY", "end-to-end-secret"))
        return
    s = servers.Server(tmp_path_factory.mktemp("shared") / "data").start()
    yield s
    assert s.alive(), f"the shared server died: {s.tail()}"
    assert s.terminate() == 0, f"SIGTERM ended it with {s.process.returncode}: {s.tail()}"


@pytest.fixture
def new_server(tmp_path):
    """Makes servers of this test alone; they end with it."""
    if "E2E_ENDPOINT" in os.environ:
        pytest.skip("needs a server of its own")
    made = []

    def make(name="data", **options):
        s = servers.Server(tmp_path / name, **options)
        made.append(s)
        return s
    yield make
    for s in made:
        if s.process:
            s.close()


@pytest.fixture(scope="session")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("authority") / "ca")


@pytest.fixture(scope="session")
def https_files(authority):
    """The certificate and the key of a server on 127.0.0.1."""
    return authority.issue("server", "127.0.0.1")


def client_of(server, **config):
    settings = dict(signature_version="s3v4", retries={"max_attempts": 0}, connect_timeout=10, read_timeout=120,
                    max_pool_connections=64, s3={"addressing_style": "path"})
    settings.update(config)
    return boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1",
                        aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key,
                        config=botocore.config.Config(**settings))


@pytest.fixture(scope="session")
def s3(server):
    return client_of(server)


counter = itertools.count(1)


def bucket_name(request):
    words = re.sub(r"[^a-z0-9]+", "-", request.node.name.lower().removeprefix("test_"))
    return f"{words[:40].strip('-')}-{os.getpid()}-{next(counter)}"


@pytest.fixture
def bucket(s3, request):
    """A new, empty bucket."""
    name = bucket_name(request)
    s3.create_bucket(Bucket=name)
    return name


def some_bytes(size, seed=1):
    """The same bytes for the same arguments; no two blocks alike."""
    return random.Random(f"{seed}/{size}").randbytes(size)


def md5(data):
    return hashlib.md5(data).hexdigest()


@pytest.fixture(scope="session")
def run(server):
    """Runs a client program with the server's keys in its environment; stdout, or an assertion with everything it said."""
    environment = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TROUPE_"))}
    environment.update(AWS_ACCESS_KEY_ID=server.access_key, AWS_SECRET_ACCESS_KEY=server.secret_key,
                       AWS_DEFAULT_REGION="us-east-1", AWS_CONFIG_FILE="/nonexistent", AWS_PAGER="",
                       AWS_SHARED_CREDENTIALS_FILE="/nonexistent", AWS_EC2_METADATA_DISABLED="true", LC_ALL="C.UTF-8")

    def call(*command, status=0, input=None, extra=None, timeout=300):
        done = subprocess.run([str(c) for c in command], input=input, capture_output=True, timeout=timeout,
                              env={**environment, **(extra or {})})
        assert status is None or done.returncode == status, (
            f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout.decode(errors='replace')}\n"
            f"{done.stderr.decode(errors='replace')}")
        return done.stdout.decode(errors="replace")
    return call


def same_tree(left, right):
    """Differences between two directories: regular files only, as object stores know no others."""
    done = subprocess.run(["diff", "-r", "--no-dereference", str(left), str(right)], capture_output=True, text=True)
    return done.stdout + done.stderr
