"""kill -9 under load: what was acknowledged is there, bit for bit; what was not is there whole or not at all."""
import concurrent.futures
import random
import threading

import botocore.exceptions
import pytest

from conftest import FULL, client_of, md5, some_bytes
from server import wait_until

BUCKET = "crash"
SIZES = [0, 100, 5_000, 9_000, 70_000, 600_000, (2 << 20) + 3]


class Load:
    """Writers that keep book: per key, what the last acknowledged state is and what may have happened since."""

    def __init__(self, server, seed):
        self.server, self.seed = server, seed
        self.stop = threading.Event()
        self.ending = threading.Event()  # the kill is on its way: errors are expected from here on
        self.acknowledged = 0
        self.books = []  # one dictionary a writer: key -> set of acceptable MD5 (None: absent)
        self.lock = threading.Lock()

    def writer(self, number, book):
        dice = random.Random(f"{self.seed}/{number}")
        s3 = client_of(self.server)
        n = 0
        while not self.stop.is_set():
            n += 1
            key = f"w{number}/hot" if dice.random() < 0.2 else f"w{number}/{n:05}"
            before = book.get(key, {None})
            try:
                if dice.random() < 0.1 and book:
                    key = dice.choice(sorted(book))
                    before = book[key]
                    book[key] = before | {None}
                    s3.delete_object(Bucket=BUCKET, Key=key)
                    book[key] = {None}
                else:
                    data = some_bytes(dice.choice(SIZES), f"{self.seed}/{number}/{n}")
                    book[key] = before | {md5(data)}  # from now on either
                    s3.put_object(Bucket=BUCKET, Key=key, Body=data)
                    book[key] = {md5(data)}  # acknowledged: only this
                with self.lock:
                    self.acknowledged += 1
            except (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError):
                if self.ending.is_set() or not self.server.alive():
                    return
                raise

    def run_until(self, count, writers=4):
        with concurrent.futures.ThreadPoolExecutor(writers) as pool:
            self.books = [{} for _ in range(writers)]
            running = [pool.submit(self.writer, i, self.books[i]) for i in range(writers)]
            wait_until(lambda: self.acknowledged >= count or any(r.done() for r in running), f"{count} acknowledged writes", 120)
            self.ending.set()
            self.server.kill()  # in the middle of whatever they do
            self.stop.set()
            for r in running:
                r.result()

    def expected(self):
        return {k: v for book in self.books for k, v in book.items()}


def check(server, expected):
    s3 = client_of(server)
    found = {}
    for page in s3.get_paginator("list_objects_v2").paginate(Bucket=BUCKET):
        for entry in page.get("Contents", []):
            body = s3.get_object(Bucket=BUCKET, Key=entry["Key"])["Body"].read()
            assert len(body) == entry["Size"] and f'"{md5(body)}"' == entry["ETag"], f"half an object: {entry}"
            found[entry["Key"]] = md5(body)
    for key, allowed in expected.items():
        assert found.get(key) in allowed, f"{key}: is {found.get(key)}, may be {allowed}"
    assert set(found) <= set(expected), "objects that nobody wrote"
    return found


@pytest.mark.parametrize("round_", range(10 if FULL else 3))
def test_every_acknowledged_write_survives_kill_9(new_server, round_):
    server = new_server().start()
    client_of(server).create_bucket(Bucket=BUCKET)
    expected = {}
    for life in range(3):
        load = Load(server, f"{round_}-{life}")
        load.run_until(60 + 40 * life)
        server.start()
        found = check(server, {**expected, **load.expected()})
        s3 = client_of(server)
        for key in found:  # empty it, so that the next life starts with known content
            s3.delete_object(Bucket=BUCKET, Key=key)
        expected = {}
    assert server.terminate() == 0


def test_a_server_killed_while_it_starts_still_starts(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket=BUCKET)
    data = some_bytes(3 << 20)
    s3.put_object(Bucket=BUCKET, Key="k", Body=data)
    for _ in range(5):
        server.kill()
        server.spawn()  # listening, maybe not ready
    server.kill()
    server.start()
    assert md5(client_of(server).get_object(Bucket=BUCKET, Key="k")["Body"].read()) == md5(data)


def test_an_upload_in_parts_survives_kill_9_between_them(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket=BUCKET)
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="k")["UploadId"]
    parts = []
    for number in range(1, 4):
        body = some_bytes(5 << 20, number)
        tag = client_of(server).upload_part(Bucket=BUCKET, Key="k", UploadId=upload, PartNumber=number, Body=body)["ETag"]
        parts.append({"PartNumber": number, "ETag": tag})
        server.kill()
        server.start()
    s3 = client_of(server)
    s3.complete_multipart_upload(Bucket=BUCKET, Key="k", UploadId=upload, MultipartUpload={"Parts": parts})
    server.kill()
    server.start()
    got = client_of(server).get_object(Bucket=BUCKET, Key="k")["Body"].read()
    assert md5(got) == md5(b"".join(some_bytes(5 << 20, n) for n in range(1, 4)))
