"""What abuse of each front door comes to: names that climb out of what a policy allows or a route serves, requests that are too large,
ids that nobody gave out, requests that somebody recorded. Tokens, keys and roles: test_identity_fronts.py."""
import json
import os
import types
import urllib.parse

import grpc
import pytest

import shards
import signing
from identities import admin, names, set_policy, troupe
from shards import code_of
from test_identity_fronts import BESIDE_S3, HTTP, site  # noqa: F401 (a fixture)

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a server of its own")

# Each is another key than secret/k, or is refused for being it.
TRICKS = ("secret/k", "%73ecret/k", "./secret/k", "/secret/k", "//secret/k", "..%2fsecret/k", "public/../secret/k", "public/%2e%2e/secret/k",
          "public/..%2fsecret/k", "public/..%2Fsecret%2Fk", "public/%2e%2e%2fsecret%2fk", "public//../secret/k", "public/./../secret/k",
          "public/x/../../secret/k", "public/..%5csecret/k", "public/%252e%252e/secret/k", "PUBLIC/k", "public")


def api_user(site, *roles):
    name = f"abuse-{next(names)}"
    admin(site.node, "user", "add", name)
    for role in roles:
        admin(site.node, "role", "grant", name, role)
    return name, admin(site.node, "key", "create", name, "--kind", "api")["api_key"]


def ask(door, method, target, key=None, headers=None, body=b""):
    """Sends the target as it is, byte for byte."""
    return signing.raw(door, method, target, {"host": f"{door.host}:{door.port}", **({"x-api-key": key} if key else {}), **(headers or {})}, body)


@pytest.mark.parametrize("name, bucket, keys, read, write", [
    ("storage", "bkt", "public/*", "/storage/buckets/bkt/objects/", "/storage/buckets/bkt/objects/{}"),
    ("storage", "bkt", "public/*", "/buckets/bkt/", "/buckets/bkt/{}"),
    ("directory", ".directory", "public/*", "/get/", "/put?key={}&value=treasure"),
    ("s3db", ".s3db", "t/public/*", "/v1/get/t/", "/v1/put/t/{}")])
def test_tricks_with_paths_do_not_leave_what_a_policy_allows(site, name, bucket, keys, read, write):
    door = site.fronts[name].door
    _, writer = api_user(site, "writer")
    for key in ("public/k", "secret/k"):
        method = "POST" if name == "s3db" else "PUT"
        body = b"" if name == "directory" else b"treasure"
        assert ask(door, method, write.replace("{}", urllib.parse.quote(key)), writer, body=body).status in (200, 201)
    user, mine = api_user(site)
    set_policy(site.node, bucket, {"effect": "allow", "principals": [f"user:{user}"], "actions": ["read"], "keys": [keys]})
    try:
        assert ask(door, "GET", read + "public/k", mine).status == 200
        assert ask(door, "GET", read + "secret/k", writer).status == 200  # so that there is something to be found
        for trick in TRICKS:
            answer = ask(door, "GET", read + trick, mine)
            assert answer.status in (400, 403, 404) and b"treasure" not in answer.body and b"dHJlYXN1cmU" not in answer.body, f"{trick}: {answer}"
            if trick.startswith("public/"):  # it begins with public/, is served as that name, and is not there
                assert answer.status in (400, 404), f"{trick}: {answer}"
    finally:
        troupe(site.node, "policy", "rm", bucket)


def test_tricks_with_keys_of_a_shard_do_not_leave_what_a_policy_allows(site):
    user, key = api_user(site, "writer")
    mine = shards.Client(site.fronts["shards"].address, user, key)
    shard = mine.NewShard().shard_id
    for k in (b"public/k", b"secret/k"):
        mine.put(shard, k, k)
    admin(site.node, "role", "revoke", user, "writer")
    set_policy(site.node, ".shards", {"effect": "allow", "principals": [f"user:{user}"], "actions": ["read"], "keys": [f"{shard}/public/*"]})
    try:
        assert mine.get(shard, b"public/k") == b"public/k"
        for trick in TRICKS:
            for k in {trick.encode(), urllib.parse.unquote_to_bytes(trick)}:
                code = code_of(mine.get, shard, k)[0]
                assert code == (grpc.StatusCode.NOT_FOUND if k.startswith(b"public/") else grpc.StatusCode.PERMISSION_DENIED), k
    finally:
        troupe(site.node, "policy", "rm", ".shards")
        mine.close()


@pytest.mark.parametrize("name, targets", [
    ("console", ["/storage/../admin/users", "/health/../admin/users", "//admin/users", "/%61dmin/users", "/admin%2fusers", "/./admin/users"]),
    ("storage", ["/storage/buckets/../../admin/users", "/storage/buckets/bkt/../../../admin/users", "/storage/%2e%2e/admin/users"]),
    ("directory", ["/docs/../get/k", "/health/../buckets/0/keys", "//buckets/0/keys", "/openapi.json/../get/k"]),
    ("files", ["/health/../files", "/ready/../admin/wal", "/files/../admin/wal", "/files/%2e%2e/admin/wal", "//admin/wal",
               "/files/..%2fadmin%2fwal", "/admin/wal/..%2f..%2f..%2fetc%2fpasswd", "/admin/wal/../../files"]),
    ("s3db", ["/health/../v1/get/t/k", "/status/../v1/leader", "//v1/get/t/k", "/v1/../v1/get/t/k"])])
def test_no_path_leads_from_what_is_open_to_what_is_not(site, name, targets):
    door = site.fronts[name].door
    _, nobody = api_user(site)
    for target in targets:
        for key in (None, nobody):
            answer = ask(door, "GET", target, key)
            assert answer.status in (400, 403, 404), f"{target}: {answer}"
            assert b"content" != answer.body and b"AKIAE2E" not in answer.body and b"root:" not in answer.body


@pytest.mark.parametrize("name", HTTP)
def test_what_is_too_large_is_refused_before_it_is_read(site, name):
    front = site.fronts[name]
    _, key = api_user(site, "admin")
    for target, headers in (("/" + "x" * 100_000, {}), ("/x", {"x-large": "y" * 100_000}), ("/x", {f"x-{i}": "y" for i in range(1000)})):
        answer = ask(front.door, "GET", target, key, headers)
        assert 400 <= answer.status < 500, f"{name}: {answer.status}"
    what = "write" if front.uses["write"] else "admin"
    method, path, query, _ = front.use(what)
    # Nothing of the terabyte is sent: whoever waits for it does not answer.
    answer = signing.raw(front.door, method, signing.target_of(path, query), {
        "host": f"{front.door.host}:{front.door.port}", "x-api-key": key, "content-length": str(1 << 40)}, timeout_s=10)
    assert answer.status in (400, 413), f"{name}: {answer}"
    for wrong in ("-1", "1e3", "0x10", str(1 << 64), "5, 6", ""):
        answer = signing.raw(front.door, method, signing.target_of(path, query), {
            "host": f"{front.door.host}:{front.door.port}", "x-api-key": key, "content-length": wrong}, timeout_s=10)
        assert answer.status in (400, 411, 413), f"{name}: Content-Length {wrong!r}: {answer}"
    assert site.node.alive() and site.node.console("/health")[0] == 200


def test_ids_of_files_that_nobody_gave_out_are_not_found(site):
    door = site.fronts["files"].door
    _, key = api_user(site, "admin")
    there = json.loads(ask(door, "POST", "/files", key, body=b"x").body)["id"]
    for wrong in ("0" * 32, there.upper(), there[:-1], there + "0", there + "%00", there + "/", "%ff" * 16, "..", "%2e%2e", "x" * 5000,
                  "-1", "*", "%2a", there[:16] + "%20" + there[17:]):
        if wrong == there:
            continue
        for method, where in (("GET", "/files/"), ("HEAD", "/files/"), ("PUT", "/files/"), ("DELETE", "/files/"), ("GET", "/admin/replicas/")):
            answer = ask(door, method, where + wrong, key, body=b"y" if method == "PUT" else b"")
            assert answer.status in (400, 404), f"{method} {where}{wrong}: {answer}"
    for wrong in ("0", "999999", "-1", "segment_0.wal", "segment_999999.wal", "segment_x.wal", "wal.segments", "9" * 40, "..", "%2e%2e%2fx"):
        assert ask(door, "GET", "/admin/wal/" + wrong, key).status in (400, 404), wrong
    for wrong in ("limit=0", "limit=-1", "limit=x", "limit=99999999999999999999", "after=" + "z" * 5000):
        assert ask(door, "GET", "/files?" + wrong, key).status in (200, 400), wrong
    assert ask(door, "GET", f"/files/{there}", key).body == b"x"


@pytest.mark.parametrize("name", [n for n in BESIDE_S3 if n != "console"])
def test_a_request_that_somebody_recorded_is_good_for_nothing_else(site, name):
    front = site.fronts[name]
    user = f"abuse-{next(names)}"
    admin(site.node, "user", "add", user, "--role", "writer")
    key = admin(site.node, "key", "create", user)
    method, path, query, body = front.use("write")
    client = types.SimpleNamespace(host=front.door.host, port=front.door.port, access_key=key["id"], secret_key=key["secret_key"])
    recorded = signing.headers_for(client, method, path, query, body=body, service=front.service)
    target = signing.target_of(path, query)
    read = front.use("read")
    for what, answer in {
            "another body": signing.raw(front.door, method, target, recorded, b"z" * len(body)),
            "a longer body": signing.raw(front.door, method, target, recorded, body + b"z"),
            "another path": signing.raw(front.door, read[0], read[1], recorded, b""),
            "another query": signing.raw(front.door, method, target + ("&" if query else "?") + "limit=1", recorded, body),
            "another method": signing.raw(front.door, "DELETE", read[1].replace("/get/", "/delete/"), recorded, b""),
            "without a header that was signed": signing.raw(
                front.door, method, target, {k: v for k, v in recorded.items() if k != "x-amz-date"}, body)}.items():
        assert answer.status in (400, 403) or (name, answer.status) == ("storage", 409), f"{name}: {what}: {answer}"
    elsewhere = site.fronts["s3db" if name != "s3db" else "files"].door
    assert signing.raw(elsewhere, method, target, recorded, body).status in (400, 403)
    assert signing.raw(front.door, method, target, recorded, body).status < 300  # the recorded request itself
