"""shards: a client of the shards surface, generated from the published .proto; tokens as docs/SHARDS.md describes them."""
import functools
import hashlib
import hmac
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile

import grpc

import server

PROTO = server.ROOT / "src" / "api" / "shards"


@functools.cache
def generated():
    """(messages, stubs): what protoc makes of shards.proto."""
    out = tempfile.mkdtemp(prefix="shards-client-")
    plugin = subprocess.run(["sh", "-c", "command -v grpc_python_plugin"], capture_output=True, text=True, check=True)
    subprocess.run(["protoc", f"-I{PROTO}", f"--python_out={out}", f"--grpc_out={out}",
                    f"--plugin=protoc-gen-grpc={plugin.stdout.strip()}", str(PROTO / "shards.proto")], check=True)
    sys.path.insert(0, out)
    return importlib.import_module("shards_pb2"), importlib.import_module("shards_pb2_grpc")


def token(secret, client):
    mac = hmac.new(secret.encode(), b"troupe shards client\n" + client.encode(), hashlib.sha256).hexdigest()
    return f"{client}.{mac}"


def address_of(printed):
    """HOST:PORT of the shards surface, from what a server printed."""
    for line in printed:
        if found := re.search(r"\bshards=(\S+)", line):
            return found[1]
    raise AssertionError(f"no shards= in {printed}")


class Client:
    """One client id on one address. Methods are the RPCs; keyword arguments are the request's fields."""

    def __init__(self, address, client="alice", secret="end-to-end-secret", authorization=None):
        messages, stubs = generated()
        self.messages, self.client = messages, client
        self.channel = grpc.insecure_channel(address, options=[("grpc.initial_reconnect_backoff_ms", 50),
                                                               ("grpc.max_reconnect_backoff_ms", 200)])
        self.stub = stubs.ShardsStub(self.channel)
        self.metadata = [("authorization", authorization or f"Bearer {token(secret, client)}")]

    def close(self):
        self.channel.close()

    def __getattr__(self, name):
        def call(timeout=30, **fields):
            fields.setdefault("client_id", self.client)
            request = getattr(self.messages, name + "Request")(**fields)
            return getattr(self.stub, name)(request, timeout=timeout, metadata=self.metadata)
        return call

    def entry(self, key, value, **indexes):
        return self.messages.Entry(key=key, value=value, indexes=[
            self.messages.IndexEntry(name=n, value=v) for n, v in indexes.items()])

    def put(self, shard, key, value, timeout=30, **indexes):
        self.Put(shard_id=shard, entry=self.entry(key, value, **indexes), timeout=timeout)

    def get(self, shard, key, **options):
        return self.Get(shard_id=shard, key=key, **options).value


def code_of(call, *args, **kwargs):
    """The status code that a call ends with, and its text."""
    try:
        result = call(*args, **kwargs)
        if hasattr(result, "code"):  # a stream
            list(result)
    except grpc.RpcError as e:
        return e.code(), e.details(), dict(e.trailing_metadata() or ())
    return grpc.StatusCode.OK, "", {}
