"""Objects through boto3: bytes, headers, metadata, keys, copies and deletes."""
import base64
import datetime
import hashlib

import botocore.exceptions
import pytest

from conftest import md5, some_bytes
from signing import signed
from test_boto3_buckets import error_of

MIB = 1 << 20


@pytest.mark.parametrize("size", [0, 1, 511, 4096, 8 * 1024 - 1, 8 * 1024, 16 * 1024 + 1, 64 * 1024, MIB - 1, MIB, MIB + 1,
                                  3 * MIB, 3 * MIB + 1, 5 * MIB - 1, 17 * MIB + 3])
def test_what_is_read_is_what_was_written(s3, bucket, size):
    data = some_bytes(size)
    put = s3.put_object(Bucket=bucket, Key="k", Body=data)
    got = s3.get_object(Bucket=bucket, Key="k")
    head = s3.head_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data
    assert put["ETag"] == got["ETag"] == head["ETag"] == f'"{md5(data)}"'
    assert got["ContentLength"] == head["ContentLength"] == size
    assert head["AcceptRanges"] == "bytes"


def test_an_overwrite_replaces_everything(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=some_bytes(2 * MIB), Metadata={"old": "1"}, ContentType="text/old")
    s3.put_object(Bucket=bucket, Key="k", Body=b"new")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == b"new" and got["Metadata"] == {} and got["ContentType"] == "binary/octet-stream"


def test_headers_and_metadata_come_back(s3, bucket):
    sent = dict(ContentType="text/html; charset=utf-8", CacheControl="max-age=60", ContentDisposition='attachment; filename="x"',
                ContentEncoding="gzip", ContentLanguage="de-DE")
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"one": "1", "two-words": "a b  c", "empty": ""},
                  Expires=datetime.datetime(2030, 1, 2, 3, 4, 5), **sent)
    for answer in (s3.head_object(Bucket=bucket, Key="k"), s3.get_object(Bucket=bucket, Key="k")):
        assert {k: answer[k] for k in sent} == sent
        assert answer["Metadata"]["one"] == "1" and answer["Metadata"]["two-words"].split() == ["a", "b", "c"]
        assert answer["Metadata"]["empty"] == ""
        assert answer["Expires"].year == 2030


def test_metadata_of_two_kilobytes_fits_and_more_is_refused(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", Metadata={"m": "v" * 2000})
    assert s3.head_object(Bucket=bucket, Key="k")["Metadata"]["m"] == "v" * 2000
    assert error_of(s3.put_object, Bucket=bucket, Key="k", Body=b"x", Metadata={"m": "v" * 2100}) == (400, "MetadataTooLarge")


def test_response_headers_can_be_asked_for(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", ContentType="text/plain")
    got = s3.get_object(Bucket=bucket, Key="k", ResponseContentType="image/png", ResponseCacheControl="no-store",
                        ResponseContentDisposition="inline", ResponseContentEncoding="x-e", ResponseContentLanguage="fr",
                        ResponseExpires=datetime.datetime(2031, 1, 1))
    headers = got["ResponseMetadata"]["HTTPHeaders"]
    assert (got["ContentType"], got["CacheControl"], got["ContentDisposition"]) == ("image/png", "no-store", "inline")
    assert (headers["content-encoding"], headers["content-language"]) == ("x-e", "fr") and "2031" in headers["expires"]
    assert s3.get_object(Bucket=bucket, Key="k")["ContentType"] == "text/plain"


def test_last_modified_is_now_in_whole_seconds(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    when = s3.head_object(Bucket=bucket, Key="k")["LastModified"]
    assert abs((datetime.datetime.now(datetime.timezone.utc) - when).total_seconds()) < 60
    listed = s3.list_objects_v2(Bucket=bucket)["Contents"][0]["LastModified"]
    assert abs((listed - when).total_seconds()) < 1


STRANGE = ["with space", "plus+sign", "per%cent", "per%20cent", "a/b/c", "//double//slash//", "../up", "a/../b", "./here", "a/./b",
           "trailing/", "question?mark", "hash#tag", "and&=equals", "semi;colon", "quote'\"`", "ünïcödé", "日本語/キー", "🎭",
           "new\nline", "tab\there", "back\\slash", "pipe|brace{}", "<xml>&amp;", "~tilde", "dot.", "*(star)!", "e\u0301", "é",
           "a" * 1024]


@pytest.mark.parametrize("key", STRANGE, ids=[f"{i}" for i in range(len(STRANGE))])
def test_a_key_is_bytes_not_a_path(s3, bucket, key):
    s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()
    assert s3.head_object(Bucket=bucket, Key=key)["ContentLength"] == len(key.encode())
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == [key]
    s3.delete_object(Bucket=bucket, Key=key)
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_strange_keys_do_not_collide(s3, bucket):
    for key in STRANGE:
        s3.put_object(Bucket=bucket, Key=key, Body=key.encode())
    listed = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    assert listed == sorted(STRANGE, key=lambda k: k.encode())
    for key in STRANGE:
        assert s3.get_object(Bucket=bucket, Key=key)["Body"].read() == key.encode()


def test_a_key_of_1025_bytes_is_refused(s3, bucket):
    assert error_of(s3.put_object, Bucket=bucket, Key="k" * 1025, Body=b"x") == (400, "KeyTooLongError")
    assert error_of(s3.put_object, Bucket=bucket, Key="é" * 512 + "k", Body=b"x") == (400, "KeyTooLongError")


def test_deleting_what_is_not_there_is_fine(s3, bucket):
    assert s3.delete_object(Bucket=bucket, Key="never")["ResponseMetadata"]["HTTPStatusCode"] == 204
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    for _ in range(2):
        assert s3.delete_object(Bucket=bucket, Key="k")["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert error_of(s3.get_object, Bucket=bucket, Key="k") == (404, "NoSuchKey")
    assert error_of(s3.head_object, Bucket=bucket, Key="k")[0] == 404


def test_many_objects_are_deleted_at_once(s3, bucket):
    keys = [f"k{i:04}&<>" for i in range(50)]
    for key in keys:
        s3.put_object(Bucket=bucket, Key=key, Body=b"x")
    answer = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys[:49] + ["missing"]]})
    assert sorted(d["Key"] for d in answer["Deleted"]) == sorted(keys[:49] + ["missing"]) and "Errors" not in answer
    assert [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]] == keys[49:]
    quiet = s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": keys[49]}], "Quiet": True})
    assert "Deleted" not in quiet and "Errors" not in quiet
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


def test_a_multi_delete_takes_at_most_1000_keys(s3, bucket):
    objects = [{"Key": f"k{i}"} for i in range(1001)]
    assert len(s3.delete_objects(Bucket=bucket, Delete={"Objects": objects[:1000]})["Deleted"]) == 1000
    assert error_of(s3.delete_objects, Bucket=bucket, Delete={"Objects": objects}) == (400, "MalformedXML")


def test_a_multi_delete_without_a_digest_is_refused(server, bucket):
    body = b"<Delete><Object><Key>k</Key></Object></Delete>"
    answer = signed(server, "POST", "/" + bucket, [("delete", "")], body=body)
    assert (answer.status, answer.code) == (400, "InvalidRequest"), answer
    good = {"content-md5": base64.b64encode(hashlib.md5(body).digest()).decode()}
    assert signed(server, "POST", "/" + bucket, [("delete", "")], good, body).status == 200
    bad = {"content-md5": base64.b64encode(hashlib.md5(b"other").digest()).decode()}
    assert signed(server, "POST", "/" + bucket, [("delete", "")], bad, body).code == "BadDigest"


@pytest.mark.parametrize("size", [0, 10, 3 * MIB + 7])
def test_a_copy_has_the_bytes_and_the_metadata(s3, bucket, size):
    data = some_bytes(size)
    s3.put_object(Bucket=bucket, Key="from é/+%", Body=data, Metadata={"a": "1"}, ContentType="text/x")
    copied = s3.copy_object(Bucket=bucket, Key="to", CopySource={"Bucket": bucket, "Key": "from é/+%"})
    assert copied["CopyObjectResult"]["ETag"] == f'"{md5(data)}"'
    s3.delete_object(Bucket=bucket, Key="from é/+%")
    got = s3.get_object(Bucket=bucket, Key="to")
    assert got["Body"].read() == data and got["Metadata"] == {"a": "1"} and got["ContentType"] == "text/x"


def test_a_copy_can_replace_the_metadata_in_place(s3, bucket):
    data = some_bytes(100000)
    s3.put_object(Bucket=bucket, Key="k", Body=data, Metadata={"a": "1"})
    source = {"Bucket": bucket, "Key": "k"}
    assert error_of(s3.copy_object, Bucket=bucket, Key="k", CopySource=source) == (400, "InvalidRequest")
    s3.copy_object(Bucket=bucket, Key="k", CopySource=source, MetadataDirective="REPLACE", Metadata={"b": "2"},
                   ContentType="text/y")
    got = s3.get_object(Bucket=bucket, Key="k")
    assert got["Body"].read() == data and got["Metadata"] == {"b": "2"} and got["ContentType"] == "text/y"


def test_a_copy_needs_its_source(s3, bucket):
    assert error_of(s3.copy_object, Bucket=bucket, Key="to", CopySource=f"{bucket}/missing") == (404, "NoSuchKey")
    assert error_of(s3.copy_object, Bucket=bucket, Key="to", CopySource="never-made-this-bucket/k") == (404, "NoSuchBucket")
    assert error_of(s3.head_object, Bucket=bucket, Key="to")[0] == 404


def test_a_copy_obeys_conditions_on_its_source(s3, bucket):
    etag = s3.put_object(Bucket=bucket, Key="k", Body=b"x")["ETag"]
    source = {"Bucket": bucket, "Key": "k"}
    s3.copy_object(Bucket=bucket, Key="to", CopySource=source, CopySourceIfMatch=etag)
    for condition in ({"CopySourceIfMatch": '"other"'}, {"CopySourceIfNoneMatch": etag},
                      {"CopySourceIfUnmodifiedSince": datetime.datetime(2001, 1, 1)}):
        assert error_of(s3.copy_object, Bucket=bucket, Key="to2", CopySource=source, **condition) == (412, "PreconditionFailed")


def test_the_storage_class_is_standard_and_unknown_ones_are_refused(s3, server, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x", StorageClass="STANDARD")
    assert s3.list_objects_v2(Bucket=bucket)["Contents"][0]["StorageClass"] == "STANDARD"
    answer = signed(server, "PUT", f"/{bucket}/j", headers={"x-amz-storage-class": "SHINY"}, body=b"x")
    assert (answer.status, answer.code) == (400, "InvalidStorageClass"), answer


def test_head_says_the_same_as_get_without_a_body(server, s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"12345", Metadata={"a": "1"})
    head, get = (signed(server, m, f"/{bucket}/k") for m in ("HEAD", "GET"))
    skip = {"date", "x-amz-request-id", "x-amz-id-2"}
    assert {k: v for k, v in head.headers.items() if k not in skip} == {k: v for k, v in get.headers.items() if k not in skip}
    assert head.body == b"" and get.body == b"12345"


def test_boto3_downloads_and_uploads_files(s3, bucket, tmp_path):
    up, down = tmp_path / "up", tmp_path / "down"
    up.write_bytes(some_bytes(20 * MIB + 5))
    s3.upload_file(str(up), bucket, "file")  # multipart, eight parts at a time
    s3.download_file(bucket, "file", str(down))
    assert up.read_bytes() == down.read_bytes()
    assert s3.head_object(Bucket=bucket, Key="file")["ETag"].endswith('-3"')


def test_a_missing_waiter_ends_when_the_object_appears(s3, bucket):
    s3.put_object(Bucket=bucket, Key="k", Body=b"x")
    s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k", WaiterConfig={"MaxAttempts": 1})
    s3.delete_object(Bucket=bucket, Key="k")
    s3.get_waiter("object_not_exists").wait(Bucket=bucket, Key="k", WaiterConfig={"MaxAttempts": 1})
    with pytest.raises(botocore.exceptions.WaiterError):
        s3.get_waiter("object_exists").wait(Bucket=bucket, Key="k", WaiterConfig={"MaxAttempts": 1})
