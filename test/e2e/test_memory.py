"""Memory is bounded by what is in flight, never by the size or the number of objects."""
import concurrent.futures
import hashlib
import threading

from conftest import FULL, client_of, some_bytes
from signing import UNSIGNED, headers_for, target_of

STREAMS, OBJECT_MIB, LARGE_GIB = (64, 100, 5) if FULL else (16, 64, 1)
LIMIT_KIB = 512 * 1024
MIB = 1 << 20


class Watch:
    """The largest RssAnon of the server while the block runs."""

    def __init__(self, server):
        self.server, self.peak, self.stop = server, 0, threading.Event()

    def __enter__(self):
        def look():
            while not self.stop.wait(0.05):
                self.peak = max(self.peak, self.server.memory_kib())
        self.thread = threading.Thread(target=look, daemon=True)
        self.thread.start()
        return self

    def __exit__(self, *_):
        self.stop.set()
        self.thread.join()


def put_blocks(server, path, block, count):
    """One PUT of `count` times `block`, written straight to a socket. The ETag."""
    headers = headers_for(server, "PUT", path, payload_hash=UNSIGNED)
    head = f"PUT {target_of(path, ())} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with server.connect(timeout_s=600) as s:
        s.sendall(f"{head}content-length: {count * len(block)}\r\n\r\n".encode())
        for _ in range(count):
            s.sendall(block)
        answer = s.makefile("rb")
        status = answer.readline()
        assert b" 200 " in status, status
        for line in iter(answer.readline, b"\r\n"):
            if line.lower().startswith(b"etag:"):
                return line.split(b'"')[1].decode()


def md5_of(body):
    got = hashlib.md5()
    while piece := body.read(MIB):
        got.update(piece)
    return got.hexdigest()


def test_one_large_object_stays_under_the_limit(new_server):
    server = new_server().start()
    s3 = client_of(server, read_timeout=600)
    s3.create_bucket(Bucket="memory")
    with Watch(server) as watch:
        etag = put_blocks(server, "/memory/large", some_bytes(MIB), LARGE_GIB * 1024)
        got = s3.get_object(Bucket="memory", Key="large")
        assert got["ContentLength"] == LARGE_GIB * 1024 * MIB
        assert md5_of(got["Body"]) == etag
    assert 0 < watch.peak < LIMIT_KIB, f"RssAnon reached {watch.peak // 1024} MiB"


def test_many_large_streams_at_once_stay_under_the_limit(new_server):
    server = new_server().start()
    s3 = client_of(server, read_timeout=600, signature_version="s3v4")
    s3.create_bucket(Bucket="memory")
    block = some_bytes(MIB)
    want = hashlib.md5(block * OBJECT_MIB).hexdigest()

    def put(n):
        assert put_blocks(server, f"/memory/{n}", block, OBJECT_MIB) == want

    def get(n):
        assert md5_of(s3.get_object(Bucket="memory", Key=str(n))["Body"]) == want

    for what in (put, get):
        with Watch(server) as watch, concurrent.futures.ThreadPoolExecutor(STREAMS) as pool:
            list(pool.map(what, range(STREAMS)))
        assert 0 < watch.peak < LIMIT_KIB, f"{what.__name__}: RssAnon reached {watch.peak // 1024} MiB"


def test_readers_that_stop_reading_hold_little_memory(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="memory")
    s3.put_object(Bucket="memory", Key="k", Body=some_bytes(32 * MIB))
    with Watch(server) as watch:
        stalled = [client_of(server).get_object(Bucket="memory", Key="k")["Body"] for _ in range(48)]
        for body in stalled:
            assert len(body.read(10)) == 10
        # Somebody else is served meanwhile.
        s3.put_object(Bucket="memory", Key="small", Body=b"x")
        assert s3.get_object(Bucket="memory", Key="small")["Body"].read() == b"x"
        for body in stalled:
            body.close()
    assert watch.peak < LIMIT_KIB, f"RssAnon reached {watch.peak // 1024} MiB"
