"""fronts: every front door as one who only wants to read, to write or to administrate: for the tests of who may. A client is
a proof of who sends: a SigV4 key, an API key, a token, or nothing."""
import json
import types

import grpc

import shards
import signing

GRPC_STATUS = {grpc.StatusCode.OK: 200, grpc.StatusCode.UNAUTHENTICATED: 401, grpc.StatusCode.PERMISSION_DENIED: 403,
               grpc.StatusCode.UNAVAILABLE: 503}


class Proof:
    """`key`: as `troupe admin key create --json` says it; or a token; or neither."""

    def __init__(self, name, key=None, token=None):
        self.name, self.key, self.token = name, key or {}, token

    @property
    def is_signature(self):
        return "secret_key" in self.key

    def headers(self):
        if "api_key" in self.key:
            return {"x-api-key": self.key["api_key"]}
        return {"authorization": "Bearer " + self.token} if self.token else {}


class Http:
    """A front door over HTTP. `read`, `write`, `admin`: (method, path, query, body), or nothing where there is no such thing;
    `made`: the numbers that {} in them become; `bucket`: what policies call it."""

    presigned_anywhere = False

    def __init__(self, name, door, service, bucket, read, write, admin=None, unproven=403):
        self.name, self.door, self.service, self.bucket = name, door, service, bucket
        self.uses = {"read": read, "write": write, "admin": admin}
        self.unproven = unproven
        self.made = 0

    def use(self, what):
        method, path, query, body = self.uses[what]
        if "{}" in path or b"{}" in body:
            self.made += 1
        n = f"{self.made:04}"
        return method, path.replace("{}", n), query, body.replace(b"{}", n.encode())

    def prepare(self, client):
        pass

    def ask(self, what, client, **how):
        """(status, what an error is called, the whole answer)"""
        method, path, query, body = self.use(what)
        if client.is_signature:
            as_client = types.SimpleNamespace(host=self.door.host, port=self.door.port, access_key=client.key["id"],
                                              secret_key=client.key["secret_key"])
            answer = signing.signed(as_client, method, path, query, body=body, **{"service": self.service, **how})
        else:
            headers = {"host": f"{self.door.host}:{self.door.port}", **client.headers()}
            answer = signing.raw(self.door, method, signing.target_of(path, query), headers, body)
        return answer.status, self.code_of(answer), answer

    def code_of(self, answer):
        if answer.status < 400:
            return ""
        if self.service == "s3":
            return answer.code
        said = json.loads(answer.body)
        if self.name == "directory":
            return "AccessDenied" if set(said) == {"detail"} and said["detail"] else said
        error = said["error"]
        return error if isinstance(error, str) else error["code"]

    denied = property(lambda self: "access_denied" if self.name in ("console", "storage", "files") else "AccessDenied")


class Shards:
    """Each client has a shard of its own, made while they were a writer."""

    name, bucket, denied, unproven = "shards", ".shards", grpc.StatusCode.PERMISSION_DENIED, 401
    uses = {"read": True, "write": True, "admin": True}

    def __init__(self, address):
        self.address, self.of, self.made = address, {}, 0

    def connect(self, client):
        return shards.Client(self.address, client.name, metadata=list(client.headers().items()))

    def prepare(self, client):
        c = self.connect(client)
        self.of[client.name] = c.NewShard().shard_id
        c.put(self.of[client.name], b"k", b"content")
        c.close()

    def ask(self, what, client, **how):
        c = self.connect(client)
        shard = self.of.get(client.name, 1)
        self.made += 1
        code, text, _ = shards.code_of({
            "read": lambda: c.get(shard, b"k"), "write": lambda: c.put(shard, b"w", b"x"),
            "admin": lambda: c.SnapshotVolume(volume="v1", name=f"s{self.made}")}[what])
        c.close()
        return GRPC_STATUS.get(code, 500), code, text
