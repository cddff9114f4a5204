#!/usr/bin/env python3
"""quickstart.py: the same store from Python, with boto3, against a running `troupe dev`. Ends with 0 when all checks hold.

Keys: TROUPE_ACCESS_KEY and TROUPE_SECRET_KEY, else those that `troupe dev` wrote to ./data/credentials.
"""
import hashlib
import os
import pathlib
import sys
import uuid

import boto3
import botocore.config
import botocore.exceptions


def connect():
    settings = {}
    credentials = pathlib.Path("data/credentials")
    if credentials.exists():
        lines = (line.split("=", 1) for line in credentials.read_text().splitlines() if "=" in line and not line.startswith("#"))
        settings = {name.strip(): value.strip() for name, value in lines}
    return boto3.client(
        "s3",
        endpoint_url=os.environ.get("TROUPE_ENDPOINT") or settings.get("endpoint", "http://127.0.0.1:9000"),
        aws_access_key_id=os.environ.get("TROUPE_ACCESS_KEY") or settings.get("access_key"),
        aws_secret_access_key=os.environ.get("TROUPE_SECRET_KEY") or settings.get("secret_key"),
        region_name="us-east-1",
        config=botocore.config.Config(s3={"addressing_style": "path"}))


def check(holds, what):
    print("ok  " if holds else "FAIL", what)
    if not holds:
        sys.exit(1)


def main():
    s3 = connect()
    bucket = f"quickstart-{uuid.uuid4().hex[:12]}"
    s3.create_bucket(Bucket=bucket)
    try:
        # Put and get, with type and metadata.
        content = os.urandom(200_000)
        s3.put_object(Bucket=bucket, Key="photos/cat.jpg", Body=content, ContentType="image/jpeg", Metadata={"camera": "x100"})
        got = s3.get_object(Bucket=bucket, Key="photos/cat.jpg")
        check(got["Body"].read() == content, "the content came back")
        check(got["ContentType"] == "image/jpeg" and got["Metadata"] == {"camera": "x100"}, "and its type and metadata")
        check(got["ETag"] == f'"{hashlib.md5(content).hexdigest()}"', "the ETag is the content's MD5")

        # A part of an object.
        part = s3.get_object(Bucket=bucket, Key="photos/cat.jpg", Range="bytes=1000-1999")
        check(part["Body"].read() == content[1000:2000], "a range is just that range")

        # Two writers: only one of them creates the object. (A header, as older boto3 has no parameter for it.)
        only_if_absent = lambda request, **_: request.headers.add_header("If-None-Match", "*")
        s3.meta.events.register("before-sign.s3.PutObject", only_if_absent)
        s3.put_object(Bucket=bucket, Key="lock", Body=b"first")
        try:
            s3.put_object(Bucket=bucket, Key="lock", Body=b"second")
            status = 200
        except botocore.exceptions.ClientError as refused:
            status = refused.response["ResponseMetadata"]["HTTPStatusCode"]
        s3.meta.events.unregister("before-sign.s3.PutObject", only_if_absent)
        check(status == 412, "the second writer was refused")
        check(s3.get_object(Bucket=bucket, Key="lock")["Body"].read() == b"first", "and the first one's content is there")

        # A large object goes up in parts, without being in memory.
        parts = [os.urandom(5 << 20), os.urandom(1 << 20)]
        upload = s3.create_multipart_upload(Bucket=bucket, Key="large")["UploadId"]
        done = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="large", UploadId=upload, PartNumber=n, Body=body)["ETag"]}
                for n, body in enumerate(parts, 1)]
        s3.complete_multipart_upload(Bucket=bucket, Key="large", UploadId=upload, MultipartUpload={"Parts": done})
        check(s3.get_object(Bucket=bucket, Key="large")["Body"].read() == b"".join(parts), "the parts became one object")

        # Listing, as if there were folders.
        listing = s3.list_objects_v2(Bucket=bucket, Delimiter="/")
        check([o["Key"] for o in listing["Contents"]] == ["large", "lock"], "the listing has the objects")
        check([p["Prefix"] for p in listing["CommonPrefixes"]] == ["photos/"], "and the folder")
    finally:
        for page in s3.get_paginator("list_objects_v2").paginate(Bucket=bucket):
            keys = [{"Key": o["Key"]} for o in page.get("Contents", [])]
            if keys:
                s3.delete_objects(Bucket=bucket, Delete={"Objects": keys})
        s3.delete_bucket(Bucket=bucket)
    check(bucket not in [b["Name"] for b in s3.list_buckets()["Buckets"]], "nothing is left")


if __name__ == "__main__":
    main()
