"""Tokens (JWT) through the real binary: two coordinators and an issuer whose key set they fetch. Which tokens are believed,
which are not, and that what one coordinator is told counts at the other."""
import base64
import hashlib
import hmac
import http.server
import json
import os
import threading
import time

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils

import cluster as clusters
import signing
from conftest import client_of
from identities import As, Console, code_of, new_user, troupe
from server import wait_until

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts a cluster of its own")


def b64(raw):
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


def number(n, size=None):
    return b64(n.to_bytes(size or (n.bit_length() + 7) // 8, "big"))


class Issuer:
    """Keys, tokens, and a key set over HTTP."""

    def __init__(self):
        self.rsa = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        self.ec = ec.generate_private_key(ec.SECP256R1())
        self.asked = 0
        self.publish("r1")
        issuer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                issuer.asked += 1
                self.send_response(200)
                self.send_header("Content-Length", str(len(issuer.document)))
                self.end_headers()
                self.wfile.write(issuer.document)

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/keys"

    def publish(self, rsa_kid):
        n, e = self.rsa.public_key().public_numbers(), self.ec.public_key().public_numbers()
        keys = [{"kty": "RSA", "kid": rsa_kid, "use": "sig", "n": number(n.n), "e": number(n.e)},
                {"kty": "EC", "kid": "e1", "crv": "P-256", "x": number(e.x, 32), "y": number(e.y, 32)}]
        self.document = json.dumps({"keys": keys}).encode()

    def claims(self, **changes):
        now = int(time.time())
        all_of_them = {"iss": "https://issuer.test", "aud": "troupe", "sub": "carol", "roles": ["reader"],
                       "nbf": now - 10, "exp": now + 300, **changes}
        return {k: v for k, v in all_of_them.items() if v is not None}

    def token(self, header=None, sign=None, **changes):
        header = {"alg": "RS256", "kid": "r1", **(header or {})}
        text = b64(json.dumps(header).encode()) + "." + b64(json.dumps(self.claims(**changes)).encode())
        return text + "." + b64((sign or self.rs256)(text.encode()))

    def rs256(self, text):
        return self.rsa.sign(text, padding.PKCS1v15(), hashes.SHA256())

    def es256(self, text):
        r, s = utils.decode_dss_signature(self.ec.sign(text, ec.ECDSA(hashes.SHA256())))
        return r.to_bytes(32, "big") + s.to_bytes(32, "big")


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
    wait_until(lambda: bearer(node, issuer.token({"kid": "r2"})).status == 200, "the new key was fetched", 30)
    assert bearer(node, issuer.token({"kid": "r1"})).status == 403
    issuer.publish("r1")
    wait_until(lambda: bearer(node, issuer.token()).status == 200, "the old key is back", 30)


def test_what_is_changed_at_one_coordinator_counts_at_the_other_within_seconds(pair):
    first, second = pair.nodes
    _, key = new_user(first, "reader")
    there = client_of(As(second, key))
    wait_until(lambda: code_of(there.get_object, Bucket="bkt", Key="k") == "", "the key is known at the other one", 10)
    began = time.monotonic()
    troupe(first, "key", "revoke", key["id"])
    wait_until(lambda: code_of(there.get_object, Bucket="bkt", Key="k") == "InvalidAccessKeyId", "it is refused there", 10)
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
