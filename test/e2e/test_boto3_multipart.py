"""Multipart uploads: any order of parts, listings, copies, aborts, and every way to complete one wrongly."""
import base64
import hashlib

import pytest

from conftest import md5, some_bytes
from signing import signed
from test_boto3_buckets import error_of

MIB = 1 << 20
PART = 5 * MIB


def composite_tag(parts):
    return f'"{md5(b"".join(hashlib.md5(p).digest() for p in parts))}-{len(parts)}"'


@pytest.fixture
def upload(s3, bucket):
    started = s3.create_multipart_upload(Bucket=bucket, Key="k", ContentType="text/z", Metadata={"a": "1"})
    return {"Bucket": bucket, "Key": "k", "UploadId": started["UploadId"]}


def send(s3, upload, parts, order=None):
    """Uploads {number: bytes}; the list that completes it, ascending."""
    tags = {n: s3.upload_part(**upload, PartNumber=n, Body=parts[n])["ETag"] for n in order or parts}
    return [{"PartNumber": n, "ETag": tags[n]} for n in sorted(tags)]


def complete(s3, upload, parts):
    return s3.complete_multipart_upload(**upload, MultipartUpload={"Parts": parts})


def test_parts_uploaded_out_of_order_make_one_object(s3, upload):
    data = [some_bytes(PART, 1), some_bytes(PART + 3, 2), some_bytes(777, 3)]
    parts = {1: data[0], 7: data[1], 10000: data[2]}
    done = complete(s3, upload, send(s3, upload, parts, [10000, 1, 7]))
    where = {k: upload[k] for k in ("Bucket", "Key")}
    assert done["ETag"] == composite_tag(data)
    got = s3.get_object(**where)
    assert got["Body"].read() == b"".join(data)
    assert got["ETag"] == composite_tag(data) and got["ContentType"] == "text/z" and got["Metadata"] == {"a": "1"}
    edge = s3.get_object(**where, Range=f"bytes={PART - 2}-{PART + 1}")["Body"].read()
    assert edge == data[0][-2:] + data[1][:2]
    assert s3.list_multipart_uploads(Bucket=upload["Bucket"]).get("Uploads", []) == []


def test_nothing_is_visible_before_completion(s3, upload):
    send(s3, upload, {1: b"x"})
    assert error_of(s3.get_object, Bucket=upload["Bucket"], Key="k") == (404, "NoSuchKey")
    assert s3.list_objects_v2(Bucket=upload["Bucket"])["KeyCount"] == 0


def test_a_part_sent_twice_counts_once_with_its_later_bytes(s3, upload):
    send(s3, upload, {1: some_bytes(PART, 8)})
    parts = send(s3, upload, {1: some_bytes(PART, 9), 2: b"end"})
    complete(s3, upload, parts)
    assert s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"].read() == some_bytes(PART, 9) + b"end"


def test_only_the_named_parts_go_into_the_object(s3, upload):
    parts = send(s3, upload, {1: some_bytes(PART, 1), 2: some_bytes(PART, 2), 3: b"end"})
    complete(s3, upload, [parts[0], parts[2]])
    assert s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"].read() == some_bytes(PART, 1) + b"end"


def test_parts_are_listed_page_by_page(s3, upload):
    tags = {p["PartNumber"]: p["ETag"] for p in send(s3, upload, {n: bytes([n]) * n for n in (9, 2, 30, 4, 5)})}
    for size in (1, 2, 3, 5, 1000):
        seen, marker = [], 0
        while True:
            page = s3.list_parts(**upload, MaxParts=size, PartNumberMarker=marker)
            seen += [(p["PartNumber"], p["Size"], p["ETag"]) for p in page.get("Parts", [])]
            assert len(page.get("Parts", [])) <= size
            if not page["IsTruncated"]:
                break
            marker = page["NextPartNumberMarker"]
        assert seen == [(n, n, tags[n]) for n in (2, 4, 5, 9, 30)]


def test_uploads_are_listed_by_key_and_then_by_age(s3, bucket):
    ids = {}
    for key in ("b", "a/1", "a/2", "b", "c"):
        ids.setdefault(key, []).append(s3.create_multipart_upload(Bucket=bucket, Key=key)["UploadId"])
    listed = s3.list_multipart_uploads(Bucket=bucket)["Uploads"]
    assert [u["Key"] for u in listed] == ["a/1", "a/2", "b", "b", "c"]
    assert {u["UploadId"] for u in listed} == {i for v in ids.values() for i in v}
    rolled = s3.list_multipart_uploads(Bucket=bucket, Delimiter="/")
    assert [p["Prefix"] for p in rolled["CommonPrefixes"]] == ["a/"] and [u["Key"] for u in rolled["Uploads"]] == ["b", "b", "c"]
    assert [u["Key"] for u in s3.list_multipart_uploads(Bucket=bucket, Prefix="a/")["Uploads"]] == ["a/1", "a/2"]
    for size in (1, 2, 3, 4):
        seen, marker = [], {}
        while True:
            page = s3.list_multipart_uploads(Bucket=bucket, MaxUploads=size, **marker)
            seen += [u["UploadId"] for u in page["Uploads"]]
            if not page["IsTruncated"]:
                break
            marker = {"KeyMarker": page["NextKeyMarker"], "UploadIdMarker": page["NextUploadIdMarker"]}
        assert seen == [u["UploadId"] for u in listed]


def test_completing_again_answers_the_same_until_the_object_is_another(s3, upload):
    parts = send(s3, upload, {1: b"x"})
    first, again = complete(s3, upload, parts), complete(s3, upload, parts)
    assert first["ETag"] == again["ETag"]
    s3.put_object(Bucket=upload["Bucket"], Key="k", Body=b"another")
    assert error_of(complete, s3=s3, upload=upload, parts=parts) == (404, "NoSuchUpload")
    assert s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"].read() == b"another"


def test_an_aborted_upload_is_gone(s3, upload):
    parts = send(s3, upload, {1: b"x"})
    assert s3.abort_multipart_upload(**upload)["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_of(s3.upload_part, **upload, PartNumber=2, Body=b"y") == (404, "NoSuchUpload")
    assert error_of(s3.list_parts, **upload) == (404, "NoSuchUpload")
    assert error_of(complete, s3=s3, upload=upload, parts=parts) == (404, "NoSuchUpload")
    assert error_of(s3.abort_multipart_upload, **upload) == (404, "NoSuchUpload")


def test_a_small_part_that_is_not_the_last_is_refused(s3, upload):
    parts = send(s3, upload, {1: b"small", 2: b"end"})
    assert error_of(complete, s3=s3, upload=upload, parts=parts) == (400, "EntityTooSmall")
    complete(s3, upload, parts[1:])  # the upload survives a refusal
    assert s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"].read() == b"end"


def test_parts_must_ascend_exist_and_match(s3, upload):
    good = send(s3, upload, {1: some_bytes(PART), 2: b"end"})
    assert error_of(complete, s3=s3, upload=upload, parts=good[::-1]) == (400, "InvalidPartOrder")
    assert error_of(complete, s3=s3, upload=upload, parts=[good[0], good[0]]) == (400, "InvalidPartOrder")
    assert error_of(complete, s3=s3, upload=upload, parts=good + [{"PartNumber": 3, "ETag": '"x"'}]) == (400, "InvalidPart")
    wrong = [good[0], {"PartNumber": 2, "ETag": f'"{md5(b"other")}"'}]
    assert error_of(complete, s3=s3, upload=upload, parts=wrong) == (400, "InvalidPart")
    assert error_of(complete, s3=s3, upload=upload, parts=[]) == (400, "MalformedXML")
    bare = [{"PartNumber": p["PartNumber"], "ETag": p["ETag"].strip('"')} for p in good]
    assert complete(s3, upload, bare)["ETag"] == composite_tag([some_bytes(PART), b"end"])


@pytest.mark.parametrize("number", [0, 10001, -1])
def test_part_numbers_run_from_1_to_10000(server, upload, number):
    query = [("partNumber", str(number)), ("uploadId", upload["UploadId"])]
    answer = signed(server, "PUT", f"/{upload['Bucket']}/k", query, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidArgument"), answer


@pytest.mark.parametrize("upload_id", ["nonsense", "0" * 32, "../../etc", "%00", "é"])
def test_an_unknown_upload_is_said_to_be_unknown(server, bucket, upload_id):
    query = [("partNumber", "1"), ("uploadId", upload_id)]
    answer = signed(server, "PUT", f"/{bucket}/k", query, body=b"x")
    assert (answer.status, answer.code) == (404, "NoSuchUpload"), answer


def test_an_upload_belongs_to_its_key(s3, upload):
    other = {**upload, "Key": "other"}
    assert error_of(s3.upload_part, **other, PartNumber=1, Body=b"x") == (404, "NoSuchUpload")


def test_parts_can_be_copied_whole_and_in_ranges(s3, upload):
    source = some_bytes(2 * PART + 99)
    s3.put_object(Bucket=upload["Bucket"], Key="from +é", Body=source)
    where = {"Bucket": upload["Bucket"], "Key": "from +é"}
    first = s3.upload_part_copy(**upload, PartNumber=1, CopySource=where)["CopyPartResult"]["ETag"]
    second = s3.upload_part_copy(**upload, PartNumber=2, CopySource=where, CopySourceRange=f"bytes=7-{PART + 6}")
    complete(s3, upload, [{"PartNumber": 1, "ETag": first}, {"PartNumber": 2, "ETag": second["CopyPartResult"]["ETag"]}])
    assert s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"].read() == source + source[7:PART + 7]
    assert first == f'"{md5(source)}"'


def test_a_part_number_reads_one_part(s3, upload):
    data = [some_bytes(PART, 1), some_bytes(PART + 1, 2), b"end"]
    complete(s3, upload, send(s3, upload, dict(enumerate(data, 1))))
    where = {k: upload[k] for k in ("Bucket", "Key")}
    for number, expected in enumerate(data, 1):
        got = s3.get_object(**where, PartNumber=number)
        assert got["Body"].read() == expected and got["PartsCount"] == 3
        assert got["ResponseMetadata"]["HTTPStatusCode"] == 206
        assert s3.head_object(**where, PartNumber=number)["ContentLength"] == len(expected)
    assert error_of(s3.get_object, **where, PartNumber=4)[0] == 416
    s3.put_object(**where, Body=b"plain")
    assert s3.get_object(**where, PartNumber=1)["Body"].read() == b"plain"


def test_composite_checksums_are_the_checksum_of_checksums(s3, bucket):
    started = s3.create_multipart_upload(Bucket=bucket, Key="k", ChecksumAlgorithm="SHA256")
    upload = {"Bucket": bucket, "Key": "k", "UploadId": started["UploadId"]}
    data = [some_bytes(PART, 1), b"end"]
    parts = []
    for number, body in enumerate(data, 1):
        sum_ = base64.b64encode(hashlib.sha256(body).digest()).decode()
        part = s3.upload_part(**upload, PartNumber=number, Body=body, ChecksumSHA256=sum_)
        assert part["ChecksumSHA256"] == sum_
        parts.append({"PartNumber": number, "ETag": part["ETag"], "ChecksumSHA256": sum_})
    wrong = [parts[0], {**parts[1], "ChecksumSHA256": base64.b64encode(hashlib.sha256(b"?").digest()).decode()}]
    status, code = error_of(complete, s3=s3, upload=upload, parts=wrong)
    assert (status, code) in ((400, "InvalidPart"), (400, "BadDigest"))
    done = complete(s3, upload, parts)
    whole = base64.b64encode(hashlib.sha256(b"".join(hashlib.sha256(b).digest() for b in data)).digest()).decode()
    assert done["ChecksumSHA256"] == f"{whole}-2"
    assert s3.head_object(Bucket=bucket, Key="k", ChecksumMode="ENABLED")["ChecksumSHA256"] == f"{whole}-2"


def test_nineteen_parts_in_a_row(s3, upload):
    parts = {n: some_bytes(PART, n % 3) for n in range(1, 20)}
    complete(s3, upload, send(s3, upload, parts))
    got = s3.get_object(Bucket=upload["Bucket"], Key="k")["Body"]
    assert hashlib.md5(got.read()).hexdigest() == md5(b"".join(parts[n] for n in sorted(parts)))


def test_a_bucket_with_an_unfinished_upload_can_be_deleted_or_says_not_empty(s3, upload):
    send(s3, upload, {1: b"x"})
    try:
        s3.delete_bucket(Bucket=upload["Bucket"])  # AWS allows it
    except s3.exceptions.ClientError as e:
        assert e.response["Error"]["Code"] == "BucketNotEmpty"
        s3.abort_multipart_upload(**upload)
        s3.delete_bucket(Bucket=upload["Bucket"])
