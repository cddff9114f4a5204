"""Tokens (JWT) through the real binary: two coordinators and an issuer whose key set they fetch. Which tokens are believed,
which are not, and that what one coordinator is told counts at the other."""
import base64
import hashlib
import hmac
import json
import os
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding, rsa

import cluster as clusters
import signing
from conftest import client_of
from identities import As, Console, code_of, new_user, troupe
from issuer import Issuer, b64
from server import wait_until

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a cluster of its own")


@pytest.fixture(scope="module")
def issuer():
    i = Issuer()
    yield i
    i.server.shutdown()


@pytest.fixture(scope="module")
def pair(tmp_path_factory, issuer):
    """Two coordinators that believe the issuer's tokens."""
    path = tmp_path_factory.mktemp("tokens")
    (path / "master.key").write_text("5a" * 32 + "\n")
    c = clusters.Cluster(path / "cluster", nodes=2, members=1, settings=(
        "  identity:\n"
        f"    master_key_file: {path / 'master.key'}\n"
        f"    jwt: {{issuer: 'https://issuer.test', audience: troupe, keys: '{issuer.url}', refresh: 1h}}\n"
        f"  audit: {{file: '{path}/{{node}}.audit', reads: 'yes'}}\n"))
    c.start()
    s3 = client_of(c.nodes[0])
    s3.create_bucket(Bucket="bkt")
    s3.put_object(Bucket="bkt", Key="k", Body=b"content")
    yield c
    c.close()


def bearer(node, token, method="GET", path="/bkt/k", body=b""):
    return signing.raw(node, method, path, {"authorization": "Bearer " + token, "host": f"{node.host}:{node.port}"}, body)


def test_a_token_of_the_issuer_reads_and_does_not_write(pair, issuer):
    node = pair.nodes[1]
    wait_until(lambda: bearer(node, issuer.token()).status == 200, "the keys were fetched")
    assert bearer(node, issuer.token()).body == b"content"
    assert bearer(node, issuer.token({"alg": "ES256", "kid": "e1"}, issuer.es256)).body == b"content"
    assert bearer(node, issuer.token(), "PUT", body=b"x").code == "AccessDenied"
    assert bearer(node, issuer.token(roles=["writer"]), "PUT", "/bkt/by-token", b"x").status == 200
    assert bearer(node, issuer.token(roles="openid writer"), "DELETE", "/bkt/by-token").status == 204
    assert bearer(node, issuer.token(roles=None)).code == "AccessDenied"
    assert bearer(node, issuer.token(aud=["other", "troupe"])).status == 200
    console = Console(node)
    assert bearer(console, issuer.token(), path="/admin/users").status == 200
    assert bearer(console, issuer.token(), "POST", "/admin/users", b'{"name": "x"}').status == 403


def test_tokens_that_are_not_to_be_believed_are_refused(pair, issuer):
    node, now = pair.nodes[0], int(time.time())
    wait_until(lambda: bearer(node, issuer.token()).status == 200, "the keys were fetched")
    public = issuer.rsa.public_key()
    pem = public.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    der = public.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    other = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    refused = {
        "expired": issuer.token(exp=now - 60),
        "no end": issuer.token(exp=None),
        "not valid yet": issuer.token(nbf=now + 300),
        "another issuer": issuer.token(iss="https://issuer.test.evil"),
        "no issuer": issuer.token(iss=None),
        "another audience": issuer.token(aud="somebody"),
        "no audience": issuer.token(aud=None),
        "nobody": issuer.token(sub=None),
        "alg none": issuer.token({"alg": "none"}, lambda text: b""),
        "alg None, signed": issuer.token({"alg": "None"}),
        "HS256 with the PEM": issuer.token({"alg": "HS256"}, lambda t: hmac.new(pem, t, hashlib.sha256).digest()),
        "HS256 with the DER": issuer.token({"alg": "HS256"}, lambda t: hmac.new(der, t, hashlib.sha256).digest()),
        "HS256 with nothing": issuer.token({"alg": "HS256"}, lambda t: hmac.new(b"", t, hashlib.sha256).digest()),
        "ES256 by an RSA key": issuer.token({"alg": "ES256"}),
        "another key": issuer.token(sign=lambda t: other.sign(t, padding.PKCS1v15(), hashes.SHA256())),
        "an unknown key": issuer.token({"kid": "zz"}),
        "crit": issuer.token({"crit": ["exp"]}),
        "dots": "..",
        "long": "a" * 9000,
    }
    for what, token in refused.items():
        answer = bearer(node, token)
        assert answer.status == 403, f"{what}: {answer}"
        assert answer.body.find(b"content") == -1
    signed = issuer.token().split(".")
    forged = json.loads(base64.urlsafe_b64decode(signed[1] + "=="))
    forged["roles"] = ["admin"]
    assert bearer(node, ".".join([signed[0], b64(json.dumps(forged).encode()), signed[2]])).status == 403
    both = {"authorization": "Bearer " + issuer.token(), "x-api-key": "a.b", "host": f"{node.host}:{node.port}"}
    assert signing.raw(node, "GET", "/bkt/k", both).status == 400


def test_a_new_key_of_the_issuer_is_found_by_its_first_token(pair, issuer):
    node = pair.nodes[0]
    wait_until(lambda: bearer(node, issuer.token()).status == 200, "the keys were fetched")
    issuer.publish("r2")
    wait_until(lambda: bearer(node, issuer.token({"kid": "r2"})).status == 200, "the new key was fetched", 90)
    assert bearer(node, issuer.token({"kid": "r1"})).status == 403
    issuer.publish("r1")
    wait_until(lambda: bearer(node, issuer.token()).status == 200, "the old key is back", 90)


def test_what_is_changed_at_one_coordinator_counts_at_the_other_within_seconds(pair):
    first, second = pair.nodes
    _, key = new_user(first, "reader")
    there = client_of(As(second, key))
    wait_until(lambda: code_of(there.get_object, Bucket="bkt", Key="k") == "", "the key is known at the other one", 30)
    began = time.monotonic()
    troupe(first, "key", "revoke", key["id"])
    wait_until(lambda: code_of(there.get_object, Bucket="bkt", Key="k") == "InvalidAccessKeyId", "it is refused there", 30)
    assert time.monotonic() - began < 10


def test_reads_and_tokens_are_in_the_audit_log_and_the_token_itself_is_not(pair, issuer):
    node = pair.nodes[0]
    token = issuer.token(sub="dave")
    wait_until(lambda: bearer(node, token).status == 200, "the keys were fetched")
    path = pair.path.parent / "node-1.audit"
    wait_until(lambda: '"jwt:dave"' in path.read_text(), "the read is written down")
    line = next(json.loads(x) for x in path.read_text().splitlines() if '"jwt:dave"' in x)
    assert (line["operation"], line["action"], line["resource"]) == ("GetObject", "read", "/bkt/k")
    for part in token.split("."):
        assert part not in path.read_text() and part not in node.tail()


def test_keys_of_a_file_are_believed_also_for_hs256_and_the_audit_log_rotates(tmp_path):
    issuer = Issuer()
    secret = b"0123456789abcdef0123456789abcdef"
    (tmp_path / "master.key").write_text("5a" * 32 + "\n")
    keys = tmp_path / "keys.json"
    rsa_key, ec_key = json.loads(issuer.document)["keys"]
    keys.write_text(json.dumps({"keys": [rsa_key, ec_key, {"kty": "oct", "kid": "h1", "alg": "HS256", "k": b64(secret)}]}))
    audit = tmp_path / "audit.log"
    c = clusters.Cluster(tmp_path / "cluster", nodes=1, members=1, settings=(
        "  identity:\n"
        f"    master_key_file: {tmp_path / 'master.key'}\n"
        f"    jwt: {{issuer: 'https://issuer.test', audience: troupe, keys: '{keys}', refresh: 1s}}\n"
        f"  audit: {{file: '{audit}', reads: 'yes', size: 64KiB, keep: 2}}\n"))
    try:
        c.start()
        node = c.nodes[0]
        s3 = client_of(node)
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="k", Body=b"content")

        def hs256(text, key=secret):
            return hmac.new(key, text, hashlib.sha256).digest()
        shared = {"alg": "HS256", "kid": "h1"}
        for token in (issuer.token(), issuer.token({"alg": "ES256", "kid": "e1"}, issuer.es256), issuer.token(shared, hs256)):
            assert bearer(node, token).body == b"content"
        for token in (issuer.token(shared, lambda t: hs256(t, b"another")), issuer.token(shared, hs256, exp=int(time.time()) - 60),
                      issuer.token({"alg": "RS256", "kid": "h1"}), issuer.token({"alg": "HS256", "kid": "r1"}, hs256)):
            assert bearer(node, token).status == 403
        keys.write_text(json.dumps({"keys": [rsa_key]}))
        wait_until(lambda: bearer(node, issuer.token(shared, hs256)).status == 403, "a key that was taken out is believed no more")
        assert bearer(node, issuer.token()).status == 200

        def rotated():
            for _ in range(50):
                assert bearer(node, issuer.token()).status == 200
            return (tmp_path / "audit.log.2").exists()
        wait_until(rotated, "the audit log was rotated twice", 60)
        for _ in range(600):
            bearer(node, issuer.token())
        files = sorted(p.name for p in tmp_path.glob("audit.log*"))
        assert files == ["audit.log", "audit.log.1", "audit.log.2"]
        for name in files:
            path = tmp_path / name
            assert path.stat().st_mode & 0o777 == 0o600 and path.stat().st_size < 80 << 10
            lines = [json.loads(line) for line in path.read_text().splitlines()]  # no line is cut
            assert not lines or {"time", "principal", "resource", "remote", "outcome", "request_id"} <= set(lines[0])
    finally:
        c.close()
