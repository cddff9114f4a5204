"""Content at rest (X21, W23): what is encrypted is nowhere on the disks, reads as it was written, and needs the master key."""
import contextlib
import hashlib
import os
import shutil

import pytest
from botocore.exceptions import ClientError

import cluster as clusters
import files_client
from conftest import client_of, some_bytes
from directory import front
from server import Server

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts stores of its own")

MARK = b"this must not be on any disk: "  # 30 bytes, which content repeats


def marked(size):
    return (MARK * (size // len(MARK) + 1))[:size]


def on_disk(data, needle=MARK):
    """Files below the data directory that hold the needle."""
    return [str(p) for p in data.rglob("*") if p.is_file() and needle in p.read_bytes()]


@contextlib.contextmanager
def store_in(data, **how):
    server = Server(data, **how).start()
    try:
        yield server
    finally:
        server.close()


def put_one_of_each(s3, bucket, **how):
    """Content in a row, in copies, in stripes, and of two parts; what each must read as."""
    sizes = {"row": 3_000, "copies": 40_000, "stripes": 3_000_000, "frame": 65_536, "edge": 65_537}
    for key, size in sizes.items():
        answer = s3.put_object(Bucket=bucket, Key=key, Body=marked(size), **how)
        assert answer["ServerSideEncryption"] == "AES256"
        assert answer["ETag"] == f'"{hashlib.md5(marked(size)).hexdigest()}"'  # of the client's bytes
    upload = s3.create_multipart_upload(Bucket=bucket, Key="parts", **how)["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket=bucket, Key="parts", UploadId=upload, PartNumber=n,
                                                       Body=marked(size))["ETag"]}
             for n, size in ((1, 5 << 20), (2, 100_000))]
    s3.complete_multipart_upload(Bucket=bucket, Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    return {**{k: marked(n) for k, n in sizes.items()}, "parts": marked(5 << 20) + marked(100_000)}


def check_all(s3, bucket, wanted):
    for key, content in wanted.items():
        got = s3.get_object(Bucket=bucket, Key=key)
        assert got["ServerSideEncryption"] == "AES256"
        assert got["ContentLength"] == len(content)
        assert got["Body"].read() == content, key
        for first, last in ((0, 0), (len(content) - 1, len(content) - 1), (len(content) // 3, len(content) // 3 * 2),
                            (65_530, 65_540), (5 << 20, (5 << 20) + 10)):
            if last < len(content):
                part = s3.get_object(Bucket=bucket, Key=key, Range=f"bytes={first}-{last}")
                assert part["Body"].read() == content[first:last + 1], (key, first, last)
    head = s3.head_object(Bucket=bucket, Key="parts")
    assert head["ServerSideEncryption"] == "AES256" and head["ContentLength"] == len(wanted["parts"])


def test_what_is_encrypted_is_on_no_disk_and_survives_a_kill(tmp_path):
    with store_in(tmp_path / "data") as store:
        s3 = client_of(store)
        s3.create_bucket(Bucket="plain")
        s3.put_object(Bucket="plain", Key="k", Body=marked(40_000))
        assert on_disk(store.data)  # the test can see it
        s3.delete_object(Bucket="plain", Key="k")
    with store_in(tmp_path / "other") as store:
        s3 = client_of(store)
        s3.create_bucket(Bucket="secret")
        rule = {"Rules": [{"ApplyServerSideEncryptionByDefault": {"SSEAlgorithm": "AES256"}}]}
        s3.put_bucket_encryption(Bucket="secret", ServerSideEncryptionConfiguration=rule)
        said = s3.get_bucket_encryption(Bucket="secret")["ServerSideEncryptionConfiguration"]["Rules"][0]
        assert said["ApplyServerSideEncryptionByDefault"] == {"SSEAlgorithm": "AES256"}
        wanted = put_one_of_each(s3, "secret")
        check_all(s3, "secret", wanted)
        s3.copy_object(Bucket="secret", Key="copy", CopySource={"Bucket": "secret", "Key": "parts"})
        wanted["copy"] = wanted["parts"]
        store.kill()
        store.start()
        s3 = client_of(store)
        check_all(s3, "secret", wanted)
        store.terminate()  # everything is in its place now
        assert on_disk(store.data) == []


def test_a_request_may_ask_for_encryption_where_the_bucket_does_not(tmp_path):
    with store_in(tmp_path / "data") as store:
        s3 = client_of(store)
        s3.create_bucket(Bucket="bkt")
        with pytest.raises(ClientError) as none:
            s3.get_bucket_encryption(Bucket="bkt")
        assert none.value.response["Error"]["Code"] == "ServerSideEncryptionConfigurationNotFoundError"
        assert "ServerSideEncryption" not in s3.put_object(Bucket="bkt", Key="open", Body=b"x" * 40_000)
        wanted = put_one_of_each(s3, "bkt", ServerSideEncryption="AES256")
        check_all(s3, "bkt", wanted)
        assert "ServerSideEncryption" not in s3.get_object(Bucket="bkt", Key="open")
        assert on_disk(store.data) == []
        s3.put_object(Bucket="bkt", Key="empty", Body=b"", ServerSideEncryption="AES256")
        assert s3.get_object(Bucket="bkt", Key="empty")["Body"].read() == b""
        with pytest.raises(ClientError) as kms:
            s3.put_object(Bucket="bkt", Key="k", Body=b"x", ServerSideEncryption="aws:kms")
        assert kms.value.response["Error"]["Code"] == "NotImplemented"
        with pytest.raises(ClientError) as wrong:  # a digest is of the client's bytes
            s3.put_object(Bucket="bkt", Key="row", Body=b"x", ServerSideEncryption="AES256",
                          ContentMD5="1B2M2Y8AsgTpgAmY7PhCfg==")
        assert wrong.value.response["Error"]["Code"] == "BadDigest"
        check_all(s3, "bkt", wanted)


def test_without_its_master_key_content_is_refused_and_nothing_else(tmp_path):
    with store_in(tmp_path / "data") as store:
        s3 = client_of(store)
        s3.create_bucket(Bucket="bkt")
        s3.put_object(Bucket="bkt", Key="open", Body=b"open")
        wanted = put_one_of_each(s3, "bkt", ServerSideEncryption="AES256")
        store.terminate()
        key = store.data / "master.key"
        kept = key.read_text()
        key.write_text(("0" if kept[0] != "0" else "1") + kept[1:])
        store.start()
        s3 = client_of(store)
        assert s3.get_object(Bucket="bkt", Key="open")["Body"].read() == b"open"
        for key_name in ("row", "stripes", "parts"):
            with pytest.raises(ClientError) as refused:
                s3.get_object(Bucket="bkt", Key=key_name)
            assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        with pytest.raises(ClientError) as refused:
            s3.put_object(Bucket="bkt", Key="row", Body=b"new", ServerSideEncryption="AES256")
        assert refused.value.response["ResponseMetadata"]["HTTPStatusCode"] == 503
        store.terminate()
        key.write_text(kept)
        store.start()
        check_all(client_of(store), "bkt", wanted)


def test_damage_of_any_two_nodes_is_repaired_without_a_key(tmp_path):
    with store_in(tmp_path / "data", options=["--encrypt"]) as store:
        s3 = client_of(store)
        s3.create_bucket(Bucket="bkt")
        body = some_bytes(4_000_000)
        assert s3.put_object(Bucket="bkt", Key="k", Body=body)["ServerSideEncryption"] == "AES256"
        store.terminate()
        nodes = store.node_directories()
        for node in (0, 2):
            shutil.rmtree(nodes[node])
        store.start()
        assert client_of(store).get_object(Bucket="bkt", Key="k")["Body"].read() == body


def test_w23_files_and_the_directory_are_encrypted_where_the_configuration_says_so(tmp_path):
    fronts = ["--files", "127.0.0.1:0", "--directory", "127.0.0.1:0"]
    body = some_bytes(70_000) + MARK + some_bytes(70_000, 2)  # does not compress: it would show
    with store_in(tmp_path / "open", options=fronts) as store:
        files_client.upload(store.front("files"), body)
        front(store).put("k", MARK.decode())
        assert len(on_disk(store.data)) >= 2
    with store_in(tmp_path / "closed", options=[*fronts, "--encrypt"]) as store:
        large, small = (files_client.upload(store.front("files"), b)["id"] for b in (body, MARK))
        front(store).put("k", MARK.decode())
        front(store).put("long", MARK.decode() * 1000)
        store.kill()
        store.start()
        door = store.front("files")
        assert files_client.ask(door, "GET", f"/files/{large}").body == body
        assert files_client.ask(door, "GET", f"/files/{small}").body == MARK
        assert files_client.ask(door, "GET", f"/files/{large}", headers={"Range": "bytes=69990-70040"}).body == body[69990:70041]
        files_client.verified(door)
        assert front(store).get("k") == MARK.decode() and front(store).get("long") == MARK.decode() * 1000
        assert store.terminate() == 0
        assert on_disk(store.data) == []


def test_x21_a_cluster_opens_what_another_node_encrypted(tmp_path):
    key = tmp_path / "master.key"
    key.write_text("5a" * 32 + "\n")
    key.chmod(0o600)
    c = clusters.Cluster(tmp_path / "cluster", nodes=3, settings="  cluster: {encryption: on}\n"
                                                                 f"  identity: {{master_key_file: {key}}}\n")
    try:
        c.start()
        first, other = client_of(c.nodes[0]), client_of(c.nodes[2])
        first.create_bucket(Bucket="bkt")
        wanted = put_one_of_each(first, "bkt")
        check_all(other, "bkt", wanted)
        assert [p for n in c.nodes for p in on_disk(n.data)] == []
    finally:
        c.close()
