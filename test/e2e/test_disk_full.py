"""A full disk: writes are refused with a clear error, reads and deletes go on, and writes resume when there is room."""
import os
import subprocess

import botocore.exceptions
import pytest

from conftest import client_of, md5, some_bytes
from server import wait_until

MIB = 1 << 20
OBJECT = some_bytes(4 * MIB)


@pytest.fixture
def small_disk(tmp_path):
    """A file system of 512 MiB; skipped where mounting is not permitted."""
    place = tmp_path / "small"
    place.mkdir()
    if os.geteuid() != 0:
        pytest.skip("mounting a small file system needs root")
    done = subprocess.run(["mount", "-t", "tmpfs", "-o", "size=512m", "tmpfs", str(place)], capture_output=True, text=True)
    if done.returncode != 0:
        pytest.skip(f"mount is not permitted: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", "-l", str(place)], check=True)


@pytest.fixture
def server_on_it(small_disk, new_server):
    server = new_server("small/data")
    server.log_path = small_disk.parent / "server.log"
    yield server.start()
    server.kill()


def refusal(s3, key):
    """None when it was stored, else (status, code)."""
    try:
        s3.put_object(Bucket="full", Key=key, Body=OBJECT)
    except botocore.exceptions.ClientError as e:
        return e.response["ResponseMetadata"]["HTTPStatusCode"], e.response["Error"]["Code"]
    return None


def test_a_full_disk_refuses_writes_and_nothing_else(server_on_it):
    s3 = client_of(server_on_it)
    s3.create_bucket(Bucket="full")
    stored, refused = [], None
    for n in range(200):
        refused = refusal(s3, f"{n:03}")
        if refused:
            break
        stored.append(f"{n:03}")
    assert refused and refused[0] in (503, 507), f"{len(stored)} objects, then {refused}"
    assert len(stored) >= 10
    for _ in range(5):
        assert refusal(s3, "more") is not None
    assert server_on_it.alive()
    for key in stored:
        assert md5(s3.get_object(Bucket="full", Key=key)["Body"].read()) == md5(OBJECT), key
    assert [o["Key"] for o in s3.list_objects_v2(Bucket="full")["Contents"]] == stored, "nothing half written is listed"
    for key in stored[: len(stored) * 2 // 3]:
        s3.delete_object(Bucket="full", Key=key)
    wait_until(lambda: refusal(s3, "again") is None, "a write succeeds after two thirds were deleted", deadline_s=180, interval_s=1)
    for key in stored[len(stored) * 2 // 3:] + ["again"]:
        assert md5(s3.get_object(Bucket="full", Key=key)["Body"].read()) == md5(OBJECT), key


def test_a_restart_on_a_full_disk_serves_what_is_there(server_on_it):
    s3 = client_of(server_on_it)
    s3.create_bucket(Bucket="full")
    stored = []
    while len(stored) < 200 and refusal(s3, f"{len(stored):03}") is None:
        stored.append(f"{len(stored):03}")
    server_on_it.kill()
    server_on_it.start()
    s3 = client_of(server_on_it)
    for key in stored:
        assert md5(s3.get_object(Bucket="full", Key=key)["Body"].read()) == md5(OBJECT), key
