"""Users, keys, roles, policies and the audit log, through the real binary: what each lets in, and what nothing does."""
import json
import os

import pytest

import server as servers
import signing
from conftest import client_of
from identities import As, Console, admin, code_of, new_user, set_policy, troupe
from server import wait_until

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts servers of its own")


def audit_lines(server):
    path = server.data / "audit.log"
    return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []


def s3_lines(server):
    """Without the console's: the last of those may be written a moment later."""
    return [line for line in audit_lines(server) if not line["operation"].startswith("Admin")]


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("identity") / "data").start()
    s3 = client_of(s)
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"content")
    s3.put_object(Bucket="bkt", Key="secret/k", Body=b"hidden")
    s3.put_object(Bucket="bkt", Key="public/k", Body=b"open")
    yield s
    assert s.alive(), s.tail()
    s.close()


def test_a_read_only_user_is_made_in_two_commands(server):
    troupe(server, "user", "add", "alice", "--role", "reader")
    said = troupe(server, "key", "create", "alice")
    words = dict(line.split("  ", 1) for line in said.splitlines() if "key  " in line)
    alice = client_of(As(server, {"id": words["access key"].strip(), "secret_key": words["secret key"].strip()}))
    assert alice.get_object(Bucket="bkt", Key="k")["Body"].read() == b"content"
    assert [o["Key"] for o in alice.list_objects_v2(Bucket="bkt")["Contents"]] == ["k", "public/k", "secret/k"]
    assert code_of(alice.put_object, Bucket="bkt", Key="k", Body=b"x") == "AccessDenied"
    assert code_of(alice.delete_object, Bucket="bkt", Key="k") == "AccessDenied"
    assert code_of(alice.create_bucket, Bucket="mine") == "AccessDenied"
    assert code_of(alice.create_multipart_upload, Bucket="bkt", Key="k") == "AccessDenied"
    troupe(server, "role", "grant", "alice", "writer")
    assert code_of(alice.put_object, Bucket="bkt", Key="new", Body=b"x") == ""
    troupe(server, "role", "revoke", "alice", "writer")
    assert code_of(alice.put_object, Bucket="bkt", Key="new", Body=b"x") == "AccessDenied"
    client_of(server).delete_object(Bucket="bkt", Key="new")
    listed = [u for u in admin(server, "user", "list")["users"] if u["name"] == "alice"]
    assert listed[0]["roles"] == ["reader"] and listed[0]["keys"] == 1


def test_a_revoked_key_and_a_disabled_user_are_refused_by_the_next_request(server):
    name, key = new_user(server, "reader")
    s3 = client_of(As(server, key))
    assert code_of(s3.get_object, Bucket="bkt", Key="k") == ""
    troupe(server, "user", "disable", name)
    assert code_of(s3.get_object, Bucket="bkt", Key="k") == "InvalidAccessKeyId"
    troupe(server, "user", "enable", name)
    assert code_of(s3.get_object, Bucket="bkt", Key="k") == ""
    troupe(server, "key", "revoke", key["id"])
    assert code_of(s3.get_object, Bucket="bkt", Key="k") == "InvalidAccessKeyId"
    assert "no key" in troupe(server, "key", "revoke", key["id"], status=1)
    again = admin(server, "key", "create", name)
    assert code_of(client_of(As(server, again)).get_object, Bucket="bkt", Key="k") == ""
    troupe(server, "user", "rm", name)
    assert code_of(client_of(As(server, again)).get_object, Bucket="bkt", Key="k") == "InvalidAccessKeyId"


def test_a_presigned_url_acts_as_its_key_and_ends_with_it(server):
    name, key = new_user(server, "reader")
    me = As(server, key)
    get, put = signing.presigned(me, "GET", "/bkt/k"), signing.presigned(me, "PUT", "/bkt/k")
    assert signing.raw(server, "GET", get).body == b"content"
    assert signing.raw(server, "PUT", put, body=b"x").code == "AccessDenied"
    troupe(server, "key", "revoke", key["id"])
    assert signing.raw(server, "GET", get).status == 403


def test_deny_wins_over_roles_and_allows(server):
    name, key = new_user(server, "admin")
    s3 = client_of(As(server, key))
    set_policy(server, "bkt", {"effect": "allow", "principals": [f"user:{name}"], "actions": ["*"]},
               {"effect": "deny", "principals": [f"user:{name}"], "actions": ["*"], "keys": ["secret/*"]})
    try:
        assert code_of(s3.get_object, Bucket="bkt", Key="k") == ""
        assert code_of(s3.get_object, Bucket="bkt", Key="secret/k") == "AccessDenied"
        assert code_of(s3.copy_object, Bucket="bkt", Key="stolen", CopySource="bkt/secret/k") == "AccessDenied"
        assert code_of(s3.list_objects_v2, Bucket="bkt") == "AccessDenied"  # it would name what is denied
        assert code_of(s3.list_objects_v2, Bucket="bkt", Prefix="public/") == ""
        errors = s3.delete_objects(Bucket="bkt", Delete={"Objects": [{"Key": "secret/k"}]})["Errors"]
        assert [e["Code"] for e in errors] == ["AccessDenied"]
    finally:
        troupe(server, "policy", "rm", "bkt")
    assert client_of(server).get_object(Bucket="bkt", Key="secret/k")["Body"].read() == b"hidden"


def test_tricks_with_paths_do_not_leave_a_prefix(server):
    name, key = new_user(server)
    me = As(server, key)
    set_policy(server, "bkt", {"effect": "allow", "principals": [f"user:{name}"], "actions": ["read"], "keys": ["public/*"]})
    try:
        assert signing.signed(me, "GET", "/bkt/public/k").body == b"open"
        for path in ("/bkt/secret/k", "/bkt//secret/k", "/bkt/./secret/k", "/bkt/Public/k", "/bkt/public", "/bkt/k"):
            answer = signing.signed(me, "GET", path)
            assert answer.code == "AccessDenied", path
        for path in ("/bkt/public/../secret/k", "/bkt/public/./../secret/k", "/bkt/public//secret/k",
                     "/bkt/public/..%2Fsecret/k"):
            answer = signing.signed(me, "GET", path)
            assert answer.code == "NoSuchKey", path  # keys that begin with public/, and are not there
        assert signing.signed(me, "GET", "/").body.count(b"<Name>") == 1
    finally:
        troupe(server, "policy", "rm", "bkt")
    assert signing.signed(me, "GET", "/").body.count(b"<Name>") == 0


def test_a_policy_that_is_wrong_is_refused_with_what_is_wrong(server):
    said = troupe(server, "policy", "set", "bkt", "-", status=2,
                  stdin='{"statements": [{"effect": "allow", "principals": ["*"], "actions": ["fly"]}]}')
    assert "statement 1" in said and "fly" in said
    assert "not JSON" in troupe(server, "policy", "set", "bkt", "-", status=2, stdin="{")
    assert "no policy" in troupe(server, "policy", "get", "bkt", status=1)
    document = {"statements": [{"effect": "deny", "principals": ["*"], "actions": ["delete"]}]}
    troupe(server, "policy", "set", "keep-*", "-", stdin=json.dumps(document))
    assert json.loads(troupe(server, "policy", "get", "keep-*")) == document
    assert [p["bucket"] for p in admin(server, "policy", "list")["policies"]] == ["keep-*"]
    troupe(server, "policy", "rm", "keep-*")


def test_an_api_key_opens_what_its_user_may(server):
    name, key = new_user(server, "writer", kind="api")
    send = {"x-api-key": key["api_key"], "host": f"{server.host}:{server.port}"}
    assert signing.raw(server, "GET", "/bkt/k", send).body == b"content"
    assert signing.raw(server, "PUT", "/bkt/by-api-key", send, b"x").status == 200
    assert signing.raw(server, "DELETE", "/bkt/by-api-key", send).status == 204
    assert signing.raw(server, "PUT", "/another", send).code == "AccessDenied"
    for wrong in (key["api_key"][:-1], key["id"] + ".", key["id"], "x" * 5000, key["api_key"] + "x"):
        assert signing.raw(server, "GET", "/bkt/k", {**send, "x-api-key": wrong}).status == 403
    console = Console(server)
    at = {"x-api-key": key["api_key"], "host": f"{console.host}:{console.port}"}
    assert signing.raw(console, "GET", "/admin/status", at).status == 200
    refused = signing.raw(console, "POST", "/admin/users", at, b'{"name": "mallory", "roles": ["admin"]}')
    assert refused.status == 403 and b"role admin" in refused.body
    troupe(server, "key", "revoke", key["id"])
    assert signing.raw(server, "GET", "/bkt/k", send).status == 403


def test_only_an_admin_changes_and_only_a_reader_looks(server):
    _, reader = new_user(server, "reader")
    _, nobody = new_user(server)
    _, boss = new_user(server, "admin")
    assert admin(server, "user", "list", key=reader)["users"]
    assert "role admin" in troupe(server, "user", "add", "eve", status=1, key=reader)
    assert "role reader" in troupe(server, "status", status=1, key=nobody)
    troupe(server, "user", "add", "eve", key=boss)
    troupe(server, "user", "rm", "eve", key=boss)


def test_mistakes_are_answered_with_what_to_do(server):
    troupe(server, "user", "add", "twice")
    assert "already" in troupe(server, "user", "add", "twice", status=1)
    assert "no user" in troupe(server, "key", "create", "nobody-there", status=1)
    assert "1 to 64" in troupe(server, "user", "add", "no:name", status=2)
    troupe(server, "role", "grant", "twice", "king", status=2)
    troupe(server, "user", "rm", "twice")


def test_who_did_what_is_written_down_and_no_secret_is_anywhere(server):
    _, key = new_user(server, "reader")
    _, api = new_user(server, "reader", kind="api")
    me = As(server, key)
    before = len(s3_lines(server))
    client_of(server).put_object(Bucket="bkt", Key="audited", Body=b"x")
    assert signing.signed(me, "GET", "/bkt/k").status == 200  # reads are not written down
    denied = signing.signed(me, "PUT", "/bkt/k", body=b"x")
    url = signing.presigned(me, "DELETE", "/bkt/k")
    signing.raw(server, "DELETE", url)
    signing.raw(server, "GET", "/bkt/k?value=in-the-query", {"x-api-key": "TAWRONG.not-a-real-secret", "host": "h"})
    lines = wait_until(lambda: len(s3_lines(server)) >= before + 4 and s3_lines(server)[before:], "four lines")
    told = [(a["principal"], a["operation"], a["action"], a["resource"], a["status"], a["outcome"]) for a in lines]
    name = admin(server, "key", "list")["keys"]
    mine = "user:" + next(k["user"] for k in name if k["id"] == key["id"])
    assert told == [("root", "PutObject", "write", "/bkt/audited", 200, "done"),
                    (mine, "PutObject", "write", "/bkt/k", 403, "denied"),
                    (mine, "DeleteObject", "delete", "/bkt/k", 403, "denied"),
                    ("-", "GetObject", "-", "/bkt/k", 403, "denied")]
    assert lines[1]["remote"] == "127.0.0.1" and lines[1]["request_id"] == denied.headers["x-amz-request-id"]
    signature = url.split("X-Amz-Signature=")[1]
    secrets = [key["secret_key"], api["api_key"].split(".")[1], server.secret_key, signature, "in-the-query",
               "not-a-real-secret"]
    for path in [p for p in server.data.rglob("*") if p.is_file()] + [server.log_path]:
        held = path.read_bytes()
        for secret in secrets:
            assert secret.encode() not in held, f"{path} holds a secret"
    assert (server.data / "audit.log").stat().st_mode & 0o077 == 0
    assert (server.data / "master.key").stat().st_mode & 0o077 == 0


def test_users_survive_a_restart_and_are_of_no_use_without_the_master_key(new_server):
    s = new_server().start()
    _, key = new_user(s, "reader")
    _, api = new_user(s, "reader", kind="api")
    s.kill()
    s.start()
    assert code_of(client_of(As(s, key)).list_buckets) == ""
    s.terminate()
    (s.data / "master.key").write_text("0" * 64 + "\n")
    s.start()
    assert code_of(client_of(As(s, key)).list_buckets) == "InvalidAccessKeyId"
    send = {"x-api-key": api["api_key"], "host": f"{s.host}:{s.port}"}
    assert signing.raw(s, "GET", "/", send).status == 200
    assert key["id"] in s.tail() and key["secret_key"] not in s.tail()
