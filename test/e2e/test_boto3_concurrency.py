"""Many clients at once: each sees one whole version, never a mixture, and each acknowledged write is the one that counts."""
import concurrent.futures
import threading

import pytest

from conftest import md5, some_bytes
from signing import signed

MIB = 1 << 20


def version(number, size):
    """Content that tells its number in every block."""
    return some_bytes(size, number)


@pytest.mark.parametrize("size", [100, 70_000, 3 * MIB])
def test_of_many_puts_of_one_key_one_is_left_whole(s3, bucket, size):
    writers = 8
    with concurrent.futures.ThreadPoolExecutor(writers) as pool:
        tags = list(pool.map(lambda n: s3.put_object(Bucket=bucket, Key="k", Body=version(n, size))["ETag"], range(writers)))
    assert tags == [f'"{md5(version(n, size))}"' for n in range(writers)]
    got = s3.get_object(Bucket=bucket, Key="k")
    body = got["Body"].read()
    assert f'"{md5(body)}"' == got["ETag"] and got["ETag"] in tags
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 1


@pytest.mark.parametrize("size", [1000, 2 * MIB + 1])
def test_a_reader_beside_a_writer_sees_one_whole_version(s3, bucket, size):
    versions = {md5(version(n, size + n)): n for n in range(12)}
    s3.put_object(Bucket=bucket, Key="k", Body=version(0, size))
    written = threading.Event()
    seen = []

    def read():
        while not written.is_set() or not seen:
            got = s3.get_object(Bucket=bucket, Key="k")
            body = got["Body"].read()
            assert got["ETag"] == f'"{md5(body)}"'
            seen.append(versions[md5(body)])

    def write():
        try:
            for n in range(1, 12):
                s3.put_object(Bucket=bucket, Key="k", Body=version(n, size + n))
        finally:
            written.set()
    with concurrent.futures.ThreadPoolExecutor(4) as pool:
        readers = [pool.submit(read) for _ in range(3)]
        pool.submit(write).result()
        for r in readers:
            r.result()
    assert s3.get_object(Bucket=bucket, Key="k")["ETag"] == f'"{md5(version(11, size + 11))}"'


def test_a_read_that_began_before_a_delete_ends_whole(s3, bucket):
    data = some_bytes(24 * MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=data)
    got = s3.get_object(Bucket=bucket, Key="k")["Body"]
    head = got.read(MIB)
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    s3.delete_object(Bucket=bucket, Key="k")
    assert md5(head + got.read()) == md5(data)


def test_of_many_creators_exactly_one_wins(server, s3, bucket):
    writers = 8
    with concurrent.futures.ThreadPoolExecutor(writers) as pool:
        answers = list(pool.map(lambda n: signed(server, "PUT", f"/{bucket}/k", headers={"if-none-match": "*"}, body=str(n).encode()),
                                range(writers)))
    won = [n for n, a in enumerate(answers) if a.status == 200]
    assert len(won) == 1, answers
    # 409 is AWS' answer to the loser of a race that is still going on.
    assert all((a.status, a.code) in ((412, "PreconditionFailed"), (409, "ConditionalRequestConflict")) for a in answers if a.status != 200)
    assert s3.get_object(Bucket=bucket, Key="k")["Body"].read() == str(won[0]).encode()


def test_a_counter_incremented_by_compare_and_swap_loses_nothing(server, s3, bucket):
    workers, each = 4, 10
    s3.put_object(Bucket=bucket, Key="n", Body=b"0")

    def increment(_):
        done = 0
        while done < each:
            got = s3.get_object(Bucket=bucket, Key="n")
            value = int(got["Body"].read())
            answer = signed(server, "PUT", f"/{bucket}/n", headers={"if-match": got["ETag"]}, body=str(value + 1).encode())
            assert answer.status in (200, 409, 412), answer
            done += answer.status == 200
    with concurrent.futures.ThreadPoolExecutor(workers) as pool:
        list(pool.map(increment, range(workers)))
    assert s3.get_object(Bucket=bucket, Key="n")["Body"].read() == str(workers * each).encode()


def test_two_hundred_objects_from_sixteen_threads(s3, bucket):
    def one(n):
        data = some_bytes(n * 97 % 50_000, n)
        s3.put_object(Bucket=bucket, Key=f"{n}", Body=data)
        assert s3.get_object(Bucket=bucket, Key=f"{n}")["Body"].read() == data
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        list(pool.map(one, range(200)))
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 200


def test_buckets_made_by_everybody_at_once_exist_once(s3):
    def create(_):
        try:
            s3.create_bucket(Bucket="made-by-everybody")
            return True
        except s3.exceptions.ClientError as e:
            assert e.response["Error"]["Code"] in ("BucketAlreadyOwnedByYou", "OperationAborted"), e
            return False
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        assert any(pool.map(create, range(8)))
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]].count("made-by-everybody") == 1
