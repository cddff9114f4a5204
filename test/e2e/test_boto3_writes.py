"""Writes that must not happen: conditional PUT and DELETE, and content that is not what the client said it is.

Debian's boto3 is older than conditional writes, so those are raw signed requests.
"""
import base64
import hashlib
import struct
import zlib

import pytest

from conftest import md5, some_bytes
from signing import UNSIGNED, headers_for, signed, target_of
from test_boto3_buckets import error_of

MIB = 1 << 20


def put(server, bucket, key, body, headers=None, **how):
    return signed(server, "PUT", f"/{bucket}/{key}", headers=headers, body=body, **how)


def read(s3, bucket, key="k"):
    return s3.get_object(Bucket=bucket, Key=key)["Body"].read()


def test_if_none_match_star_creates_only_once(server, s3, bucket):
    once = {"if-none-match": "*"}
    assert put(server, bucket, "k", b"first", once).status == 200
    second = put(server, bucket, "k", b"second", once)
    assert (second.status, second.code) == (412, "PreconditionFailed"), second
    assert read(s3, bucket) == b"first"
    s3.delete_object(Bucket=bucket, Key="k")
    assert put(server, bucket, "k", b"third", once).status == 200
    assert read(s3, bucket) == b"third"


def test_if_match_replaces_only_what_was_read(server, s3, bucket):
    tag = put(server, bucket, "k", b"one").headers["etag"]
    assert put(server, bucket, "k", b"two", {"if-match": tag}).status == 200
    stale = put(server, bucket, "k", b"three", {"if-match": tag})
    assert (stale.status, stale.code) == (412, "PreconditionFailed"), stale
    assert read(s3, bucket) == b"two"
    missing = put(server, bucket, "none", b"x", {"if-match": tag})
    assert (missing.status, missing.code) == (404, "NoSuchKey"), missing


def test_conditions_hold_for_large_objects_too(server, s3, bucket):
    put(server, bucket, "k", b"first")
    answer = put(server, bucket, "k", some_bytes(6 * MIB), {"if-none-match": "*"})
    assert (answer.status, answer.code) == (412, "PreconditionFailed"), answer
    assert read(s3, bucket) == b"first"


def test_a_delete_can_be_conditional(server, s3, bucket):
    tag = put(server, bucket, "k", b"one").headers["etag"]
    refused = signed(server, "DELETE", f"/{bucket}/k", headers={"if-match": '"0123"'})
    assert (refused.status, refused.code) == (412, "PreconditionFailed"), refused
    assert read(s3, bucket) == b"one"
    assert signed(server, "DELETE", f"/{bucket}/k", headers={"if-match": tag}).status == 204
    assert error_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")


def test_completing_an_upload_can_be_conditional(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"there")
    upload = s3.create_multipart_upload(Bucket=bucket, Key="k")["UploadId"]
    tag = s3.upload_part(Bucket=bucket, Key="k", UploadId=upload, PartNumber=1, Body=b"x")["ETag"]
    body = f"<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>{tag}</ETag></Part></CompleteMultipartUpload>".encode()
    answer = signed(server, "POST", f"/{bucket}/k", [("uploadId", upload)], {"if-none-match": "*"}, body)
    assert answer.code == "PreconditionFailed", answer
    assert read(s3, bucket) == b"there"


def base64_of(raw):
    return base64.b64encode(raw).decode()


def crc32c(data):
    """Castagnoli, bit by bit: the reference, for small inputs."""
    value = 0xFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x82F63B78 if value & 1 else 0)
    return value ^ 0xFFFFFFFF


def crc64nvme(data):
    value = 0xFFFFFFFFFFFFFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = (value >> 1) ^ (0x9A6C9329AC4BC9B5 if value & 1 else 0)
    return value ^ 0xFFFFFFFFFFFFFFFF


SUMS = {
    "crc32": lambda d: struct.pack(">I", zlib.crc32(d)),
    "crc32c": lambda d: struct.pack(">I", crc32c(d)),
    "crc64nvme": lambda d: struct.pack(">Q", crc64nvme(d)),
    "sha1": lambda d: hashlib.sha1(d).digest(),
    "sha256": lambda d: hashlib.sha256(d).digest(),
}


def test_the_reference_checksums_are_right():
    assert crc32c(b"123456789") == 0xE3069283 and crc64nvme(b"123456789") == 0xAE8B14860A799888


@pytest.mark.parametrize("kind", SUMS)
@pytest.mark.parametrize("size", [0, 9, 40000])
def test_each_checksum_is_verified_kept_and_given_back(server, s3, bucket, kind, size):
    data = some_bytes(size)
    name = f"x-amz-checksum-{kind}"
    right = base64_of(SUMS[kind](data))
    done = put(server, bucket, "k", data, {name: right})
    assert done.status == 200 and done.headers[name] == right, done
    got = signed(server, "GET", f"/{bucket}/k", headers={"x-amz-checksum-mode": "ENABLED"})
    assert got.headers[name] == right and got.body == data
    assert name not in signed(server, "GET", f"/{bucket}/k").headers
    wrong = put(server, bucket, "k", data, {name: base64_of(SUMS[kind](data + b"?"))})
    assert (wrong.status, wrong.code) == (400, "BadDigest"), wrong
    assert read(s3, bucket) == data


@pytest.mark.parametrize("value", ["", "AAAA", "not base64!", "A" * 5000])
def test_a_checksum_that_cannot_be_one_is_refused(server, bucket, value):
    answer = put(server, bucket, "k", b"x", {"x-amz-checksum-sha256": value})
    assert answer.status == 400 and answer.code in ("InvalidRequest", "InvalidArgument"), answer


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_content_md5_is_verified(server, s3, bucket, size):
    put(server, bucket, "k", b"old")
    wrong = put(server, bucket, "k", some_bytes(size), {"content-md5": base64_of(hashlib.md5(b"other").digest())})
    assert (wrong.status, wrong.code) == (400, "BadDigest"), wrong
    invalid = put(server, bucket, "k", some_bytes(size), {"content-md5": "short"})
    assert (invalid.status, invalid.code) == (400, "InvalidDigest"), invalid
    assert read(s3, bucket) == b"old"
    assert put(server, bucket, "k", some_bytes(size), {"content-md5": base64_of(hashlib.md5(some_bytes(size)).digest())}).status == 200


@pytest.mark.parametrize("size", [5, 3 * MIB])
def test_a_wrong_sha256_of_the_payload_leaves_the_old_object(server, s3, bucket, size):
    put(server, bucket, "k", b"old")
    answer = put(server, bucket, "k", some_bytes(size), payload_hash=hashlib.sha256(b"other").hexdigest())
    assert (answer.status, answer.code) == (400, "XAmzContentSHA256Mismatch"), answer
    assert read(s3, bucket) == b"old"


def test_an_unsigned_payload_is_taken(server, s3, bucket):
    assert put(server, bucket, "k", b"unsigned", payload_hash=UNSIGNED).status == 200
    assert read(s3, bucket) == b"unsigned"


@pytest.mark.parametrize("size", [1000, 6 * MIB])
def test_a_body_that_stops_early_leaves_the_old_object(server, s3, bucket, size):
    put(server, bucket, "k", b"old")
    data = some_bytes(size)
    headers = headers_for(server, "PUT", f"/{bucket}/k", body=data)
    head = f"PUT {target_of(f'/{bucket}/k', ())} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
    with server.connect() as s:
        s.sendall(f"{head}content-length: {size}\r\n\r\n".encode() + data[:-1])
        s.shutdown(1)
        answer = b""
        while more := s.recv(65536):
            answer += more
    assert not answer.startswith(b"HTTP/1.1 200"), answer
    assert read(s3, bucket) == b"old"
    assert [o["ETag"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [f'"{md5(b"old")}"']


def test_a_put_without_a_length_is_refused(server, bucket):
    headers = headers_for(server, "PUT", f"/{bucket}/k", payload_hash=UNSIGNED)
    with server.connect() as s:
        s.sendall(f"PUT /{bucket}/k HTTP/1.1\r\n{''.join(f'{k}: {v}' + chr(13) + chr(10) for k, v in headers.items())}\r\n".encode())
        status = s.makefile("rb").readline()
    assert b" 411 " in status, status


def test_chunks_with_a_trailer_checksum_are_taken(server, s3, bucket):
    data = some_bytes(200000)
    body = b"".join(f"{len(c):x}\r\n".encode() + c + b"\r\n" for c in (data[i:i + 65536] for i in range(0, len(data), 65536)))

    def trailer(value):
        return body + f"0\r\nx-amz-checksum-crc32:{base64_of(struct.pack('>I', value))}\r\n\r\n".encode()
    headers = {"content-encoding": "aws-chunked", "x-amz-decoded-content-length": str(len(data)), "x-amz-trailer": "x-amz-checksum-crc32"}
    how = {"payload_hash": "STREAMING-UNSIGNED-PAYLOAD-TRAILER"}
    done = put(server, bucket, "k", trailer(zlib.crc32(data)), headers, **how)
    assert done.status == 200, done
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data and "ContentEncoding" not in got
    wrong = put(server, bucket, "k", trailer(zlib.crc32(data) ^ 1), headers, **how)
    assert (wrong.status, wrong.code) == (400, "BadDigest"), wrong
    assert read(s3, bucket) == data
