"""issuer: somebody who issues tokens (JWT), for the tests of who is believed: keys, tokens, and a key set over HTTP."""
import base64
import http.server
import json
import threading
import time

from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, padding, rsa, utils


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
