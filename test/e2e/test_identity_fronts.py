"""X14: one identity service for every front door. For each of them: what each role may, what a policy denies, which proofs are
taken, and what is written down."""
import datetime
import json
import os
import re
import time

import pytest

import cluster as clusters
import fronts
import signing
from conftest import client_of
from fronts import Http, Proof, Shards
from identities import Console, admin, names, troupe
from issuer import Issuer, b64
from server import wait_until

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a server of its own")

EVERY = ("s3", "console", "storage", "directory", "files", "s3db", "shards")
HTTP = EVERY[:-1]
BESIDE_S3 = HTTP[1:]


class Site:
    """A node with every front door, an issuer that it believes, and something to read behind each."""

    def __init__(self, path):
        self.issuer = Issuer()
        (path / "master.key").write_text("5a" * 32 + "\n")
        self.audit = path / "audit.log"
        (path / "volume").mkdir()
        self.cluster = clusters.Cluster(path / "cluster", nodes=1, members=1, settings=(
            "  identity:\n"
            f"    master_key_file: {path / 'master.key'}\n"
            f"    jwt: {{issuer: 'https://issuer.test', audience: troupe, keys: '{self.issuer.url}', refresh: 1h}}\n"
            f"  audit: {{file: '{self.audit}'}}\n"
            f"  shards: {{volumes: [{{id: v1, provider: local-dir, path: {path / 'volume'}}}]}}\n"))
        self.node = self.cluster.nodes[0]
        # Open on loopback: only elsewhere the directory asks who one is.
        self.node.options = ["--directory", "0.0.0.0:0", *(w for f in ("files", "s3db", "shards") for w in (f"--{f}", "127.0.0.1:0"))]
        self.cluster.start()
        self.fill()

    def fill(self):
        s3 = client_of(self.node)
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="k", Body=b"content")
        console, doors = Console(self.node), {n: self.node.front(n) for n in ("directory", "files", "s3db")}
        doors["directory"].host = "127.0.0.1"
        assert signing.signed(doors["directory"], "PUT", "/put", [("key", "k")], body=b"content", service="troupe").status == 200
        made = signing.signed(doors["files"], "POST", "/files", body=b"content", service="troupe")
        assert signing.signed(doors["s3db"], "POST", "/v1/put/t/k", body=b"content", service="s3db").status == 201
        file = f"/files/{json.loads(made.body)['id']}"
        join = json.dumps({"node_id": "node-1", "addr": f"127.0.0.1:{self.cluster.ports[0]}"}).encode()
        self.fronts = {f.name: f for f in (
            Http("s3", self.node, "s3", "bkt", ("GET", "/bkt/k", (), b""), ("PUT", "/bkt/w{}", (), b"x"), ("PUT", "/made-{}", (), b"")),
            Http("console", console, "troupe", None, ("GET", "/admin/users", (), b""), None,
                 ("POST", "/admin/users", (), b'{"name": "made-{}"}')),
            Http("storage", console, "troupe", "bkt", ("GET", "/storage/buckets/bkt/objects/k", (), b""),
                 ("PUT", "/buckets/bkt/s{}", (), b"x"), ("PUT", "/storage/buckets/stored-{}", (), b"")),
            Http("directory", doors["directory"], "troupe", ".directory", ("GET", "/get/k", (), b""),
                 ("PUT", "/put", (("key", "w"),), b"x")),
            Http("files", doors["files"], "troupe", ".files", ("GET", file, (), b""), ("POST", "/files", (), b"x"),
                 ("GET", "/admin/wal", (), b"")),
            Http("s3db", doors["s3db"], "s3db", ".s3db", ("GET", "/v1/get/t/k", (), b""), ("POST", "/v1/put/t/w", (), b"x"),
                 ("POST", "/v1/join", (), join)),
            Shards(fronts.shards.address_of(self.node.printed)))}

    def has_keys(self, front):
        somebody = Proof("jwt:somebody", token=self.issuer.token(sub="somebody"))
        wait_until(lambda: front.ask("read", somebody)[0] != 503, "the issuer's keys were fetched")

    def user(self, front, role, kind):
        """A client of a role, by a proof of this kind. Whoever is to have a shard is a writer before."""
        name = f"{kind}-{next(names)}"
        if kind == "token":
            subject = f"jwt:{name}"
            self.has_keys(front)
            front.prepare(Proof(subject, token=self.issuer.token(sub=name, roles=["writer"])))
            return Proof(subject, token=self.issuer.token(sub=name, roles=[role] if role else []))
        admin(self.node, "user", "add", name, "--role", "writer")
        client = Proof(name, admin(self.node, "key", "create", name, "--kind", kind))
        front.prepare(client)
        if role != "writer":
            admin(self.node, "role", "revoke", name, "writer")
        if role not in (None, "writer"):
            admin(self.node, "role", "grant", name, role)
        return client

    def principal(self, client):
        return client.name if client.token else "user:" + client.name

    def lines(self, client):
        """What was written down of somebody."""
        return [line for line in map(json.loads, self.audit.read_text().splitlines()) if line["principal"] == self.principal(client)]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    s = Site(tmp_path_factory.mktemp("fronts"))
    yield s
    s.cluster.close()
    s.issuer.server.shutdown()


def kinds_of(name):
    return ("api", "token") if name == "shards" else ("sigv4", "api", "token")


BY_EVERY_PROOF = pytest.mark.parametrize("name, kind", [(n, k) for n in EVERY for k in kinds_of(n)])


def may(front, client, **wanted):
    """`read`, `write`, `admin`: whether; where there is no such thing it is not asked for."""
    for what, allowed in wanted.items():
        if front.uses[what] is None:
            continue
        status, code, answer = front.ask(what, client)
        if allowed:
            assert status < 300, f"{front.name}: {client.name} may not {what}: {answer}"
        else:
            assert (status, code) == (403, front.denied), f"{front.name}: {client.name} may {what}: {answer}"


@BY_EVERY_PROOF
def test_x14_a_reader_reads_and_changes_nothing(site, name, kind):
    front = site.fronts[name]
    may(front, site.user(front, "reader", kind), read=True, write=False, admin=False)


@BY_EVERY_PROOF
def test_x14_a_writer_writes_and_does_not_administrate(site, name, kind):
    front = site.fronts[name]
    may(front, site.user(front, "writer", kind), read=True, write=True, admin=False)


@BY_EVERY_PROOF
def test_x14_an_admin_does_all(site, name, kind):
    front = site.fronts[name]
    may(front, site.user(front, "admin", kind), read=True, write=True, admin=True)


@pytest.mark.parametrize("name", EVERY)
def test_x14_somebody_without_a_role_may_nothing_until_a_policy_says_so(site, name):
    front = site.fronts[name]
    client = site.user(front, None, "api")
    may(front, client, read=False, write=False, admin=False)
    if front.bucket is None:
        return
    statement = {"effect": "allow", "principals": [site.principal(client)], "actions": ["read"]}
    troupe(site.node, "policy", "set", front.bucket, "-", stdin=json.dumps({"statements": [statement]}))
    try:
        may(front, client, read=True, write=False, admin=False)
    finally:
        troupe(site.node, "policy", "rm", front.bucket)


@pytest.mark.parametrize("name, kind", [(n, k) for n in EVERY if n != "console" for k in kinds_of(n)])
def test_x14_a_deny_wins_over_the_role_admin(site, name, kind):
    front = site.fronts[name]
    client = site.user(front, "admin", kind)
    statements = [{"effect": "allow", "principals": [site.principal(client)], "actions": ["*"]},
                  {"effect": "deny", "principals": [site.principal(client)], "actions": ["read", "write"]}]
    troupe(site.node, "policy", "set", front.bucket, "-", stdin=json.dumps({"statements": statements}))
    try:
        may(front, client, read=False, write=False)
    finally:
        troupe(site.node, "policy", "rm", front.bucket)
    may(front, client, read=True, write=True)


@pytest.mark.parametrize("name", EVERY)
def test_x14_without_a_proof_nothing_is_said(site, name):
    front = site.fronts[name]
    for what in ("read", "write", "admin"):
        if front.uses[what] is not None:
            assert front.ask(what, Proof("nobody"))[0] == front.unproven


@pytest.mark.parametrize("name", EVERY)
def test_x14_tokens_that_are_not_to_be_believed_are_refused(site, name):
    front, now = site.fronts[name], int(time.time())
    claims = dict(sub="carol", roles=["admin"])
    right = site.issuer.token(**claims)
    site.has_keys(front)
    signed = right.split(".")
    refused = {
        "expired": site.issuer.token(exp=now - 60, **claims),
        "alg none": site.issuer.token({"alg": "none"}, lambda text: b"", **claims),
        "alg none, the signature cut off": b64(b'{"alg":"none"}') + "." + signed[1] + ".",
        "another audience": site.issuer.token(aud="somebody", **claims),
        "another payload": ".".join([signed[0], b64(json.dumps(site.issuer.claims(**claims, exp=now + 9999)).encode()), signed[2]]),
        "no token": "x",
    }
    for what, token in refused.items():
        status, _, answer = front.ask("read", Proof("jwt:carol", token=token))
        assert status == front.unproven, f"{what}: {answer}"


@pytest.mark.parametrize("name", EVERY)
def test_x14_a_revoked_key_and_a_disabled_user_are_refused_by_the_next_request(site, name):
    front = site.fronts[name]
    client = site.user(front, "reader", "api")
    may(front, client, read=True)
    troupe(site.node, "user", "disable", client.name)
    assert front.ask("read", client)[0] == front.unproven
    troupe(site.node, "user", "enable", client.name)
    may(front, client, read=True)
    troupe(site.node, "key", "revoke", client.key["id"])
    assert front.ask("read", client)[0] == front.unproven


@pytest.mark.parametrize("name", HTTP)
def test_x14_a_signature_does_not_live_long_and_is_of_one_front_door(site, name):
    front = site.fronts[name]
    client = site.user(front, "admin", "sigv4")
    old = signing.now() - datetime.timedelta(minutes=16)
    assert front.ask("read", client, when=old)[0] == 403  # replayed later
    elsewhere = "127.0.0.1:1"
    status, _, answer = front.ask("read", client, host=elsewhere, change=lambda h: h.update(host=f"{front.door.host}:{front.door.port}"))
    assert status == 403, answer  # recorded at another host
    other = "s3db" if front.service == "s3" else "s3"
    assert front.ask("read", client, service=other)[0] in (400, 403)
    assert front.ask("read", client, secret_key="wrong")[0] == 403
    may(front, client, read=True)


@pytest.mark.parametrize("name", HTTP)
def test_x14_a_presigned_url_ends_and_opens_nothing_beside_s3(site, name):
    front = site.fronts[name]
    client = site.user(front, "admin", "sigv4")
    as_client = type("As", (), dict(host=front.door.host, port=front.door.port, access_key=client.key["id"],
                                    secret_key=client.key["secret_key"]))
    path = front.use("read")[1]
    an_hour_ago = signing.now() - datetime.timedelta(hours=1)
    expired = signing.presigned(as_client, "GET", path, when=an_hour_ago, expires_s=600)
    assert signing.raw(as_client, "GET", expired).status in ((403,) if name == "s3" else (400, 403))
    fresh = signing.raw(as_client, "GET", signing.presigned(as_client, "GET", path))
    assert fresh.status == 200 if name == "s3" else fresh.status in (400, 403)


@pytest.mark.parametrize("name", HTTP)
def test_x14_two_proofs_are_one_too_many(site, name):
    front = site.fronts[name]
    client = site.user(front, "admin", "api")
    method, path, query, body = front.use("read")
    both = {"host": f"{front.door.host}:{front.door.port}", **client.headers(), "authorization": "Bearer " + site.issuer.token()}
    assert signing.raw(front.door, method, path, both).status in (400, 403)


@pytest.mark.parametrize("name, kind", [(n, k) for n in EVERY if n != "console" for k in kinds_of(n)])
def test_w23_who_did_what_is_written_down_for_every_front_door(site, name, kind):
    front = site.fronts[name]
    client = site.user(front, "writer", kind)
    may(front, client, read=True, write=True, admin=False)
    wanted = {("write", "done")} | ({("admin", "denied")} if front.uses["admin"] else set())
    wait_until(lambda: wanted <= {(line["action"], line["outcome"]) for line in site.lines(client)}, "it is written down")
    lines = site.lines(client)
    written = [line for line in lines if line["action"] == "write" and line["outcome"] == "done"]
    assert written and all(line["status"] < 300 for line in written)
    expected = {"s3": r"/bkt/w\d+", "storage": r"/bkt/s\d+", "directory": "/.directory/w", "files": "/.files/[0-9a-f]{32}",
                "s3db": "/.s3db/t/w", "shards": rf"/.shards/{getattr(front, 'of', {}).get(client.name)}/w"}[name]
    assert re.fullmatch(expected, written[-1]["resource"]) and written[-1]["operation"] not in ("-", "")
    assert all(line["remote"] == "127.0.0.1" and len(line["request_id"]) == 16 for line in lines)
    assert not [line for line in lines if line["action"] in ("read", "list")]  # which are not, unless audit.reads says so
    if front.uses["admin"] is not None:
        refused = [line for line in lines if line["outcome"] == "denied"]
        assert [(line["action"], line["status"]) for line in refused] == [("admin", 403)]


def test_w23_no_secret_is_written_down(site):
    secrets = [site.node.secret_key]
    for name in EVERY:
        front = site.fronts[name]
        for kind in kinds_of(name):
            client = site.user(front, "reader", kind)
            front.ask("read", client)
            front.ask("write" if front.uses["write"] else "admin", client)
            front.ask("read", Proof("x", {"api_key": "TAWRONG.not-a-real-secret-" + name}))
            secrets += [client.key.get("secret_key"), client.key.get("api_key", ".").split(".")[1]]
            secrets += (client.token or "").split(".")[1:]
        last = client
    secrets.append("not-a-real-secret")
    wait_until(lambda: site.lines(last), "the last one is written down")
    held = site.audit.read_text() + site.node.log_path.read_text(errors="replace")
    for secret in filter(None, secrets):
        assert secret not in held
    assert "api-" in held  # names are


def test_x10_s3_and_storage_neither_list_nor_serve_what_the_others_keep(site):
    front = site.fronts["s3"]
    client = site.user(front, "admin", "sigv4")
    as_client = type("As", (), dict(host=site.node.host, port=site.node.port, access_key=client.key["id"],
                                    secret_key=client.key["secret_key"]))
    assert b"<Name>." not in signing.signed(as_client, "GET", "/").body
    console = Console(site.node, client.key)
    assert b'"name":"."' not in signing.signed(console, "GET", "/storage/buckets", service="troupe").body
    for bucket in (".files", ".directory", ".s3db", ".shards"):
        for method, path in (("GET", f"/{bucket}"), ("GET", f"/{bucket}/k"), ("PUT", f"/{bucket}/k"), ("DELETE", f"/{bucket}")):
            assert signing.signed(as_client, method, path).code == "InvalidBucketName"
        for method, path in (("GET", f"/storage/buckets/{bucket}/objects"), ("GET", f"/buckets/{bucket}/k"), ("DELETE", f"/buckets/{bucket}")):
            assert signing.signed(console, method, path, service="troupe").status == 400


def test_x14_a_token_of_a_users_name_is_not_that_user(site):
    front = site.fronts["shards"]
    owner = site.user(front, "writer", "api")
    shard = front.of[owner.name]
    alike = Proof("jwt:" + owner.name, token=site.issuer.token(sub=owner.name, roles=["admin"]))
    front.of[alike.name] = shard
    assert front.ask("read", alike)[:2] == (403, front.denied)
    assert front.ask("read", Proof(owner.name, token=alike.token))[:2] == (403, front.denied)  # a forged client_id
    may(front, owner, read=True)


def test_the_directory_is_open_on_loopback_and_a_proof_counts_there_too(new_server):
    s = new_server(options=("--directory", "127.0.0.1:0")).start()
    door = s.front("directory")
    front = Http("directory", door, "troupe", ".directory", ("GET", "/get/k", (), b""), ("PUT", "/put", (("key", "k"),), b"x"))
    may(front, Proof("nobody"), write=True, read=True)
    admin(s, "user", "add", "rita", "--role", "reader")
    may(front, Proof("rita", admin(s, "key", "create", "rita")), read=True, write=False)
    assert front.ask("read", Proof("rita", {"api_key": "TAWRONG.x"}))[0] == 403
