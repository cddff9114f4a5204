"""signing: raw S3 requests with a SigV4 signature of our own, so that a test can get any single thing wrong.

signed() signs what it is told and sends what it is told; the two may differ on purpose. No retries, no rewriting of
paths: the bytes that go out are the bytes that were given.
"""
import datetime
import hashlib
import hmac
import urllib.parse
import xml.etree.ElementTree as xml

from server import connection_to

EMPTY = hashlib.sha256(b"").hexdigest()
UNSIGNED = "UNSIGNED-PAYLOAD"


def now():
    return datetime.datetime.now(datetime.timezone.utc)


def quote(text, safe="-_.~"):
    return urllib.parse.quote(text, safe=safe)


def canonical_query(query):
    return "&".join(f"{quote(k)}={quote(v)}" for k, v in sorted(query))


def _hmac(key, text):
    return hmac.new(key, text.encode(), hashlib.sha256).digest()


def signing_key(secret, day, region="us-east-1", service="s3"):
    return _hmac(_hmac(_hmac(_hmac(("AWS4" + secret).encode(), day), region), service), "aws4_request")


def signature(secret, when, method, path, query, headers, payload_hash, region="us-east-1", service="s3"):
    names = sorted(headers)
    canonical = "\n".join([method, quote(path, "/-_.~"), canonical_query(query),
                           "".join(f"{n}:{' '.join(headers[n].split())}\n" for n in names), ";".join(names), payload_hash])
    day = when.strftime("%Y%m%d")
    scope = f"{day}/{region}/{service}/aws4_request"
    to_sign = "\n".join(["AWS4-HMAC-SHA256", when.strftime("%Y%m%dT%H%M%SZ"), scope,
                         hashlib.sha256(canonical.encode()).hexdigest()])
    return scope, ";".join(names), hmac.new(signing_key(secret, day, region, service), to_sign.encode(), hashlib.sha256).hexdigest()


class Answer:
    def __init__(self, status, headers, body):
        self.status, self.headers, self.body = status, {k.lower(): v for k, v in headers}, body

    @property
    def code(self):
        """S3's error code, "" when the body is not an error."""
        if not self.body.startswith(b"<"):
            return ""
        root = xml.fromstring(self.body)
        return (root.findtext("Code") or "") if root.tag == "Error" else ""

    def __repr__(self):
        return f"<{self.status} {self.code} {self.headers} {self.body[:300]!r}>"


def headers_for(server, method, path, query=(), headers=None, body=b"", payload_hash=None, when=None,
                access_key=None, secret_key=None, region="us-east-1", host=None, service="s3"):
    """All headers of a signed request, lower case."""
    when = when or now()
    h = {k.lower(): v for k, v in (headers or {}).items()}
    h.setdefault("host", host or f"{server.host}:{server.port}")
    h.setdefault("x-amz-date", when.strftime("%Y%m%dT%H%M%SZ"))
    if payload_hash is None:
        payload_hash = hashlib.sha256(body).hexdigest()
    h["x-amz-content-sha256"] = payload_hash
    scope, names, sig = signature(secret_key or server.secret_key, when, method, path, query, h, payload_hash, region,
                                  service)
    h["authorization"] = (f"AWS4-HMAC-SHA256 Credential={access_key or server.access_key}/{scope}, "
                          f"SignedHeaders={names}, Signature={sig}")
    return h


def target_of(path, query):
    return quote(path, "/-_.~") + ("?" + canonical_query(query) if query else "")


def signed(server, method, path, query=(), headers=None, body=b"", change=None, timeout_s=60, **how):
    """Sends one signed request; `change` may edit the headers after signing. Query: pairs of decoded text."""
    h = headers_for(server, method, path, query, headers, body, **how)
    if change:
        change(h)
    return raw(server, method, target_of(path, query), h, body, timeout_s)


def raw(server, method, target, headers=None, body=b"", timeout_s=60):
    connection = connection_to(server.host, server.port, getattr(server, "ca", None), timeout_s)
    connection.putrequest(method, target, skip_host=bool(headers and "host" in headers), skip_accept_encoding=True)
    for name, value in (headers or {}).items():
        connection.putheader(name, value)
    if (body or method in ("PUT", "POST")) and not {"content-length", "transfer-encoding"} & set(headers or {}):
        connection.putheader("content-length", str(len(body)))
    connection.endheaders(body or None)
    response = connection.getresponse()
    answer = Answer(response.status, response.getheaders(), response.read())
    connection.close()
    return answer


def presigned(server, method, path, query=(), expires_s=600, when=None, secret_key=None, host=None):
    """The target (path and query) of a presigned URL."""
    when = when or now()
    scope = f"{when.strftime('%Y%m%d')}/us-east-1/s3/aws4_request"
    full = list(query) + [("X-Amz-Algorithm", "AWS4-HMAC-SHA256"), ("X-Amz-Credential", f"{server.access_key}/{scope}"),
                          ("X-Amz-Date", when.strftime("%Y%m%dT%H%M%SZ")), ("X-Amz-Expires", str(expires_s)),
                          ("X-Amz-SignedHeaders", "host")]
    _, _, sig = signature(secret_key or server.secret_key, when, method, path, full,
                          {"host": host or f"{server.host}:{server.port}"}, UNSIGNED)
    return quote(path, "/-_.~") + "?" + canonical_query(full) + "&X-Amz-Signature=" + sig
