"""What strangers may try: malformed requests by the thousand, slow ones, too many of them. The server lives and serves."""
import concurrent.futures
import random
import socket

from conftest import FULL, client_of
from signing import headers_for

COUNT = 10_000


def a_request(server, dice):
    """A request that could be a good one."""
    method = dice.choice(["GET", "PUT", "POST", "HEAD", "DELETE", "OPTIONS"])
    path = dice.choice(["/", "/limits", "/limits/k", "/limits/k?acl", "/limits?list-type=2&max-keys=3", "/limits/k?uploads",
                        "/limits/k?partNumber=1&uploadId=x", "/limits?delete", "/limits?versions"])
    body = dice.randbytes(dice.choice([0, 0, 5, 300]))
    headers = headers_for(server, method, path.split("?")[0], body=body)
    lines = [f"{method} {path} HTTP/1.1"] + [f"{k}: {v}" for k, v in headers.items()] + [f"content-length: {len(body)}"]
    return "\r\n".join(lines).encode() + b"\r\n\r\n" + body


def flip(raw, dice):
    raw = bytearray(raw)
    for _ in range(dice.choice([1, 1, 2, 8, 40])):
        raw[dice.randrange(len(raw))] = dice.randrange(256)
    return bytes(raw)


def cut(raw, dice):
    return raw[:dice.randrange(1, len(raw) + 1)] if raw else raw


def insert(raw, dice):
    at = dice.randrange(len(raw))
    return raw[:at] + dice.choice([b"\0", b"\r", b"\n", b"\r\n\r\n", b"%", b"%zz", b"\xff\xfe", b" ", b"A" * 3000, b":" * 50]) + raw[at:]


def header(raw, dice):
    extra = dice.choice([
        b"Transfer-Encoding: chunked", b"Transfer-Encoding: gzip, chunked", b"Content-Length: 18446744073709551615", b"Content-Length: -1",
        b"Content-Length: 0x10", b"Content-Length: 5\r\nContent-Length: 6", b"Host: a\r\nHost: b", b"Range: bytes=0-" + b"9" * 400,
        b"X-Amz-Decoded-Content-Length: 99999999999999999999", b"Content-MD5: ====", b"Expect: 200-maybe", b"X-Long: " + b"y" * 20000,
        b" folded: header", b"NoColon", b"Authorization: AWS4-HMAC-SHA256 Credential=" + b"/" * 500, b"x-amz-copy-source: %%%",
        b"If-Modified-Since: yesterday", b"X-Amz-Date: 99999999T999999Z", b"Connection: close, close, \xff", b"\x00: \x00"])
    first = raw.index(b"\r\n") + 2
    return raw[:first] + extra + b"\r\n" + raw[first:]


def body(raw, dice):
    head = raw[:raw.index(b"\r\n\r\n")].replace(b"content-length: ", b"x-was: ") + b"\r\nTransfer-Encoding: chunked\r\n\r\n"
    return head + dice.choice([b"5\r\nhello\r\n0\r\n\r\n", b"ffffffffffffffffff\r\n", b"-5\r\nhello", b"5;" + b"x" * 5000 + b"\r\nhello\r\n0\r\n\r\n",
                               b"5\nhello\n0\n\n", b"0\r\nX: " + b"t" * 20000 + b"\r\n\r\n", b"zz\r\n", dice.randbytes(100)])


def noise(raw, dice):
    return dice.randbytes(dice.choice([1, 16, 500, 5000]))


def target(raw, dice):
    first = raw.index(b"\r\n")
    strange = dice.choice([b"GET  HTTP/1.1", b"GET /%00 HTTP/1.1", b"GET /" + b"a" * 30000 + b" HTTP/1.1", b"GET * HTTP/1.1", b"GET / HTTP/9.9",
                           b"GET http://x/y HTTP/1.1", b"\xf0\x9f\x8e\xad / HTTP/1.1", b"GET /limits?" + b"a&" * 3000 + b" HTTP/1.1",
                           b"CONNECT a:1 HTTP/1.1", b"GET /%c0%af%c0%af HTTP/1.1", b"PRI * HTTP/2.0", b"GET /limits/k?partNumber=99999999999 HTTP/1.1"])
    return strange + raw[first:]


DAMAGES = [flip, cut, insert, header, body, noise, target]


def try_one(server, seed):
    """Sends one broken request; the status line, b"" when the connection was only closed."""
    dice = random.Random(f"limits/{seed}")
    raw = a_request(server, dice)
    for _ in range(dice.choice([1, 1, 2])):
        damage = dice.choice(DAMAGES)
        if not raw:  # nothing is left to damage
            break
        if b"\r\n\r\n" in raw or damage in (flip, cut, insert, noise):
            raw = damage(raw, dice)
    answer = b""
    try:
        with server.connect(timeout_s=30) as s:
            s.sendall(raw)
            s.shutdown(socket.SHUT_WR)
            while more := s.recv(65536):
                answer += more
                assert len(answer) < 1 << 22
    except (ConnectionResetError, BrokenPipeError):
        pass
    return answer.split(b"\r\n", 1)[0]


def test_ten_thousand_malformed_requests(server, s3):
    s3.create_bucket(Bucket="limits")
    s3.put_object(Bucket="limits", Key="kept", Body=b"kept")
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda n: try_one(server, n), range(COUNT)))
    assert server.alive()
    failed = [(n, a) for n, a in enumerate(answers) if a and (b" 500 " in a or not a.startswith(b"HTTP/1."))]
    assert failed == [], "seeds of try_one()"
    assert sum(b" 4" in a for a in answers) > COUNT / 3, "the requests were hardly looked at"
    assert s3.get_object(Bucket="limits", Key="kept")["Body"].read() == b"kept"


def test_slow_clients_cost_little_and_stop_nobody(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="limits")
    before = server.memory_kib()
    slow = []
    try:
        for n in range(2000 if FULL else 500):
            s = server.connect()
            s.sendall(b"PUT /limits/k HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"z" * (n % 100))
            slow.append(s)
        for n in range(50):
            s3.put_object(Bucket="limits", Key=f"{n}", Body=b"x" * 1000)
            s3.get_object(Bucket="limits", Key=f"{n}")["Body"].read()
        grown = server.memory_kib() - before
        assert grown < 64 * 1024, f"{len(slow)} idle connections cost {grown} KiB"
    finally:
        for s in slow:
            s.close()
    assert s3.list_objects_v2(Bucket="limits")["KeyCount"] == 50
