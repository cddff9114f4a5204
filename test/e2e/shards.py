"""shards: a client of the shards surface, generated from the published .proto; users and their API keys as docs/SHARDS.md says."""
import functools
import importlib
import pathlib
import re
import subprocess
import sys
import tempfile

import grpc

import server
from identities import admin

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


def key_of(process, client, role="writer"):
    """The API key of a user, who is made when there is none yet."""
    keys = process.__dict__.setdefault("client_keys", {})
    if client not in keys:
        admin(process, "user", "add", client, "--role", role)
        keys[client] = admin(process, "key", "create", client, "--kind", "api")["api_key"]
    return keys[client]


def connect(process, client="alice", role="writer"):
    return Client(address_of(process.printed), client, key_of(process, client, role), ca=process.ca)


def address_of(printed):
    """HOST:PORT of the shards surface, from what a server printed."""
    for line in printed:
        if found := re.search(r"\bshards=(?:https://)?(\S+)", line):
            return found[1]
    raise AssertionError(f"no shards= in {printed}")


class Client:
    """One client id on one address, by an API key or other metadata. Methods are the RPCs; keyword arguments are the request's
    fields."""

    def __init__(self, address, client, key=None, metadata=None, ca=None):
        messages, stubs = generated()
        self.messages, self.client = messages, client
        options = [("grpc.initial_reconnect_backoff_ms", 50), ("grpc.max_reconnect_backoff_ms", 200)]
        if ca:  # a connection of its own, which believes this authority
            roots = grpc.ssl_channel_credentials(pathlib.Path(ca).read_bytes())
            self.channel = grpc.secure_channel(address, roots, options=[*options, ("grpc.use_local_subchannel_pool", 1)])
        else:
            self.channel = grpc.insecure_channel(address, options=options)
        self.stub = stubs.ShardsStub(self.channel)
        self.metadata = [("x-api-key", key)] if metadata is None else metadata

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
