"""newest_boto3: what a current boto3 does by default that Debian's does not. A program: test_newest_boto3.py runs it with
a Python that has boto3 >= 1.36. Prints one line a check and ends with 0 when all held."""
import io
import os

import boto3
import botocore.config
import botocore.exceptions

s3 = boto3.client("s3", endpoint_url=os.environ["E2E_URL"], region_name="us-east-1",
                  config=botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}))
MIB = 1 << 20


def code_of(call, **arguments):
    try:
        call(**arguments)
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]
    return None


def default_checksums(bucket):
    """CRC32 (or CRC64NVME) with every request, as a trailer when the body is a stream."""
    put = s3.put_object(Bucket=bucket, Key="bytes", Body=b"12345")
    assert any(k.startswith("Checksum") for k in put), put
    with open(__file__, "rb") as body:
        s3.put_object(Bucket=bucket, Key="stream", Body=body)
    with open(__file__, "rb") as body:
        assert s3.get_object(Bucket=bucket, Key="stream")["Body"].read() == body.read()
    head = s3.head_object(Bucket=bucket, Key="bytes", ChecksumMode="ENABLED")
    assert head.get("ChecksumType") == "FULL_OBJECT" and any(k.startswith("ChecksumCRC") for k in head), head


def every_algorithm(bucket):
    for name in ("CRC32", "SHA1", "SHA256"):
        put = s3.put_object(Bucket=bucket, Key=name, Body=b"x" * 100_000, ChecksumAlgorithm=name)
        got = s3.get_object(Bucket=bucket, Key=name, ChecksumMode="ENABLED")
        assert got["Body"].read() == b"x" * 100_000 and got["Checksum" + name] == put["Checksum" + name]


def conditional_writes(bucket):
    tag = s3.put_object(Bucket=bucket, Key="c", Body=b"1", IfNoneMatch="*")["ETag"]
    assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"2", IfNoneMatch="*") == "PreconditionFailed"
    s3.put_object(Bucket=bucket, Key="c", Body=b"3", IfMatch=tag)
    assert code_of(s3.put_object, Bucket=bucket, Key="c", Body=b"4", IfMatch=tag) == "PreconditionFailed"
    assert s3.get_object(Bucket=bucket, Key="c")["Body"].read() == b"3"


def multipart_with_default_checksums(bucket):
    body = os.urandom(5 * MIB)
    upload = s3.create_multipart_upload(Bucket=bucket, Key="m")
    where = {"Bucket": bucket, "Key": "m", "UploadId": upload["UploadId"]}
    parts = []
    for number, data in ((1, body), (2, b"end")):
        part = s3.upload_part(**where, PartNumber=number, Body=data)
        parts.append({"PartNumber": number, **{k: v for k, v in part.items() if k == "ETag" or k.startswith("ChecksumCRC")}})
    s3.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})
    assert s3.get_object(Bucket=bucket, Key="m")["Body"].read() == body + b"end"


def full_object_checksum_of_parts(bucket):
    upload = s3.create_multipart_upload(Bucket=bucket, Key="f", ChecksumAlgorithm="CRC32", ChecksumType="FULL_OBJECT")
    where = {"Bucket": bucket, "Key": "f", "UploadId": upload["UploadId"]}
    part = s3.upload_part(**where, PartNumber=1, Body=b"123456789", ChecksumAlgorithm="CRC32")
    done = s3.complete_multipart_upload(**where, MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert done["ChecksumCRC32"] == "y/Q5Jg==" and done["ChecksumType"] == "FULL_OBJECT", done


def managed_transfers(bucket):
    data = os.urandom(20 * MIB + 1)
    s3.upload_fileobj(io.BytesIO(data), bucket, "managed")
    back = io.BytesIO()
    s3.download_fileobj(bucket, "managed", back)
    assert back.getvalue() == data


def deletes_and_listings(bucket):
    keys = [o["Key"] for o in s3.list_objects_v2(Bucket=bucket)["Contents"]]
    s3.delete_objects(Bucket=bucket, Delete={"Objects": [{"Key": k} for k in keys]})  # a CRC32 instead of Content-MD5
    assert s3.list_objects_v2(Bucket=bucket)["KeyCount"] == 0


name = "newest-boto3"
s3.create_bucket(Bucket=name)
for check in (default_checksums, every_algorithm, conditional_writes, multipart_with_default_checksums, full_object_checksum_of_parts,
              managed_transfers, deletes_and_listings):
    check(name)
    print("ok", check.__name__, flush=True)
s3.delete_bucket(Bucket=name)
