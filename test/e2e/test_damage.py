"""Disks that die: with five nodes and two parity pieces, any two of them may lose or garble everything they have."""
import itertools
import random
import re
import shutil

import pytest

from conftest import FULL, client_of, md5, some_bytes
from server import wait_until

SIZES = [0, 1, 5_000, 9_000, 100_000, (1 << 20) - 1, (1 << 20) + 1, (5 << 20) + 77]
BUCKET = "damage"


def fill(server):
    s3 = client_of(server)
    s3.create_bucket(Bucket=BUCKET)
    for size in SIZES:
        s3.put_object(Bucket=BUCKET, Key=str(size), Body=some_bytes(size))
    upload = s3.create_multipart_upload(Bucket=BUCKET, Key="parts")["UploadId"]
    where = {"Bucket": BUCKET, "Key": "parts", "UploadId": upload}
    parts = [{"PartNumber": n, "ETag": s3.upload_part(**where, PartNumber=n, Body=some_bytes(5 << 20, n))["ETag"]} for n in (1, 2)]
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})


def read_all(server):
    s3 = client_of(server)
    for size in SIZES:
        assert md5(s3.get_object(Bucket=BUCKET, Key=str(size))["Body"].read()) == md5(some_bytes(size)), size
    assert md5(s3.get_object(Bucket=BUCKET, Key="parts")["Body"].read()) == md5(some_bytes(5 << 20, 1) + some_bytes(5 << 20, 2))
    middle = s3.get_object(Bucket=BUCKET, Key=str(SIZES[-1]), Range="bytes=2000000-2000009")["Body"].read()
    assert middle == some_bytes(SIZES[-1])[2000000:2000010]


@pytest.fixture
def filled(new_server, tmp_path):
    """A stopped server with content, and a copy of its data to start each damage from."""
    server = new_server().start()
    fill(server)
    assert len(server.node_directories()) == 5, server.node_directories()
    assert server.terminate() == 0
    pristine = tmp_path / "pristine"
    shutil.copytree(server.data, pristine)

    def restore():
        shutil.rmtree(server.data)
        shutil.copytree(pristine, server.data)
        return server
    return restore


def pairs(count):
    every = list(itertools.combinations(range(count), 2))
    return every if FULL else every[::2]


def test_any_two_nodes_may_lose_everything(filled):
    for pair in pairs(5):
        server = filled()
        nodes = server.node_directories()
        for i in pair:
            shutil.rmtree(nodes[i])
        server.start()
        read_all(server)
        client_of(server).put_object(Bucket=BUCKET, Key="new", Body=some_bytes(300_000))  # writes go on, too
        assert client_of(server).get_object(Bucket=BUCKET, Key="new")["Body"].read() == some_bytes(300_000)
        server.kill()


def test_what_two_nodes_lost_is_made_anew(filled):
    server = filled()
    first = server.node_directories()[:2]
    for node in first:
        shutil.rmtree(node)
    server.start()
    log = server.log_path.read_text
    whole = lambda: sum(map(int, re.findall(r"healer: (\d+) extents have all their pieces again", log())))
    wait_until(lambda: "extents lack pieces" in log(), "the nodes are compared with the records", deadline_s=60)
    lacking = int(re.search(r"healer: (\d+) of \d+ extents lack pieces", log())[1])
    assert lacking >= 5
    wait_until(lambda: whole() >= lacking, f"{lacking} extents are whole again", deadline_s=60)
    assert server.terminate() == 0
    for node in server.node_directories()[2:4]:  # two others
        shutil.rmtree(node)
    server.start()
    read_all(server)


def garble(directory, dice, share=0.002):
    """Random bytes over random places of every segment file."""
    files = [f for f in directory.rglob("*") if f.is_file() and f.suffix != ".mdb" and ("wal" in f.name or "segment" in f.name)]
    assert files, f"no segments in {directory}"
    hits = 0
    for file in files:
        size = file.stat().st_size
        if size == 0:
            continue
        with open(file, "r+b") as f:
            for _ in range(max(3, int(size * share / 64))):
                f.seek(dice.randrange(size))
                f.write(dice.randbytes(min(64, size)))
                hits += 1
    return hits


def test_any_two_nodes_may_hold_garbage(filled):
    dice = random.Random(11)
    for pair in pairs(5):
        server = filled()
        nodes = server.node_directories()
        assert sum(garble(nodes[i], dice) for i in pair) > 0
        server.start()
        read_all(server)
        server.kill()


def test_garbage_under_a_running_server_is_seen_and_decoded_around(filled):
    server = filled().start()
    dice = random.Random(12)
    for i in (1, 3):
        garble(server.node_directories()[i], dice, share=0.05)
    for _ in range(2):
        read_all(server)
    assert server.alive()


def test_three_lost_nodes_are_an_error_and_never_wrong_bytes(filled):
    server = filled()
    for directory in server.node_directories()[:3]:
        shutil.rmtree(directory)
    server.start()
    s3 = client_of(server, read_timeout=60)
    for size in SIZES:
        try:
            body = s3.get_object(Bucket=BUCKET, Key=str(size))["Body"].read()
        except Exception:
            assert size > 1000, "a small object lives in the metadata"
            continue
        assert md5(body) == md5(some_bytes(size))
