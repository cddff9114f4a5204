"""Parts of an object: Range, its corner cases, and conditions on reads."""
import datetime
import random

import pytest

from conftest import md5, some_bytes
from signing import signed
from test_boto3_buckets import error_of

MIB = 1 << 20
SIZE = 7 * MIB + 1234


@pytest.fixture(scope="module")
def large(s3):
    s3.create_bucket(Bucket="ranges-large")
    s3.put_object(Bucket="ranges-large", Key="k", Body=some_bytes(SIZE))
    return "ranges-large", some_bytes(SIZE)


EDGES = [(0, 0), (0, 1), (0, SIZE - 1), (SIZE - 1, SIZE - 1), (MIB - 1, MIB), (MIB, 2 * MIB - 1), (3 * MIB - 1, 3 * MIB),
         (3 * MIB, 3 * MIB), (6 * MIB - 1, 6 * MIB + 1), (5, SIZE + 1000000)]


@pytest.mark.parametrize("first, last", EDGES)
def test_a_range_is_exactly_those_bytes(s3, large, first, last):
    name, data = large
    got = s3.get_object(Bucket=name, Key="k", Range=f"bytes={first}-{last}")
    end = min(last, SIZE - 1)
    assert got["Body"].read() == data[first:end + 1]
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
    assert got["ContentRange"] == f"bytes {first}-{end}/{SIZE}" and got["ContentLength"] == end - first + 1


def test_a_hundred_random_ranges(s3, large):
    name, data = large
    dice = random.Random(7)
    for _ in range(100):
        first = dice.randrange(SIZE)
        last = min(first + dice.randrange(1, dice.choice([10, 1000, 3 * MIB])), SIZE - 1)
        got = s3.get_object(Bucket=name, Key="k", Range=f"bytes={first}-{last}")["Body"].read()
        assert md5(got) == md5(data[first:last + 1]), (first, last)


def test_suffix_and_open_ranges(s3, large):
    name, data = large
    assert s3.get_object(Bucket=name, Key="k", Range="bytes=-100")["Body"].read() == data[-100:]
    assert s3.get_object(Bucket=name, Key="k", Range=f"bytes=-{SIZE * 2}")["Body"].read() == data
    assert s3.get_object(Bucket=name, Key="k", Range=f"bytes={SIZE - 5}-")["Body"].read() == data[-5:]
    head = s3.head_object(Bucket=name, Key="k", Range="bytes=0-9")
    assert head["ContentLength"] == 10 and head["ResponseMetadata"]["HTTPStatusCode"] == 206


@pytest.mark.parametrize("header", [f"bytes={SIZE}-", f"bytes={SIZE + 5}-{SIZE + 9}", "bytes=-0"])
def test_a_range_outside_is_416(s3, server, large, header):
    assert error_of(s3.get_object, Bucket=large[0], Key="k", Range=header) == (416, "InvalidRange")
    assert signed(server, "GET", f"/{large[0]}/k", headers={"range": header}).headers["content-range"] == f"bytes */{SIZE}"


@pytest.mark.parametrize("header", ["bytes=9-3", "bytes=a-b", "pages=1-2", "bytes", "bytes=", "bytes=0-1,5-6"])
def test_a_range_that_is_none_means_the_whole_object(s3, large, header):
    got = s3.get_object(Bucket=large[0], Key="k", Range=header)
    assert got["ResponseMetadata"]["HTTPStatusCode"] == 200 and got["ContentLength"] == SIZE
    got["Body"].close()


def test_an_empty_object_has_no_ranges(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"")
    assert error_of(s3.get_object, Bucket=bucket, Key="k", Range="bytes=0-0") == (416, "InvalidRange")


PAST, FUTURE = datetime.datetime(2001, 1, 1), datetime.datetime(2099, 1, 1)


@pytest.fixture(scope="module")
def small(s3):
    s3.create_bucket(Bucket="conditions-small")
    etag = s3.put_object(Bucket="conditions-small", Key="k", Body=b"12345")["ETag"]
    return {"Bucket": "conditions-small", "Key": "k"}, etag


# Condition -> status; E is the object's tag. AWS' documentation of GetObject settles the pairs.
CONDITIONS = [
    ({"IfMatch": "E"}, 200), ({"IfMatch": "*"}, 200), ({"IfMatch": '"other"'}, 412), ({"IfNoneMatch": "E"}, 304),
    ({"IfNoneMatch": "*"}, 304), ({"IfNoneMatch": '"other"'}, 200), ({"IfModifiedSince": PAST}, 200),
    ({"IfUnmodifiedSince": PAST}, 412), ({"IfUnmodifiedSince": FUTURE}, 200),
    ({"IfMatch": "E", "IfUnmodifiedSince": PAST}, 200), ({"IfNoneMatch": "E", "IfModifiedSince": PAST}, 304),
    ({"IfNoneMatch": '"other"', "IfModifiedSince": FUTURE}, 200)]


@pytest.mark.parametrize("operation", ["get_object", "head_object"])
@pytest.mark.parametrize("condition, status", CONDITIONS)
def test_conditions_on_reads(s3, small, operation, condition, status):
    where, etag = small
    arguments = {k: etag if v == "E" else v for k, v in condition.items()}
    if status == 200:
        assert getattr(s3, operation)(**where, **arguments)["ETag"] == etag
    else:
        assert error_of(getattr(s3, operation), **where, **arguments)[0] == status


def test_not_modified_has_the_tag_and_no_body(server, small):
    where, etag = small
    answer = signed(server, "GET", f"/{where['Bucket']}/k", headers={"if-none-match": etag})
    assert answer.status == 304 and answer.headers["etag"] == etag and answer.body == b""
    assert "last-modified" in answer.headers


def test_if_modified_since_the_date_it_was_modified_is_not_modified(s3, small):
    where, _ = small
    when = s3.head_object(**where)["LastModified"]
    assert error_of(s3.get_object, **where, IfModifiedSince=when)[0] == 304
