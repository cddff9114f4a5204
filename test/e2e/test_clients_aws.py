"""The AWS command line: `aws s3` and `aws s3api`, Debian's version, and a newer one when PATH has it."""
import json
import pathlib
import shutil

import pytest

from conftest import FULL, bucket_name, md5, same_tree, some_bytes

PROGRAMS = ["/usr/bin/aws"]
if (other := shutil.which("aws")) and pathlib.Path(other).resolve() != pathlib.Path(PROGRAMS[0]).resolve():
    PROGRAMS.append(other)


@pytest.fixture
def aws(request, run, server):
    program = getattr(request, "param", PROGRAMS[0])
    return lambda *words, **how: run(program, "--endpoint-url", server.endpoint, *words, **how)


# For the tests that move bytes; the others take Debian's (each call of this program costs a second).
every_version = pytest.mark.parametrize("aws", PROGRAMS, indirect=True, ids=["debian", "newer"][:len(PROGRAMS)])


@pytest.fixture(scope="session")
def documents(tmp_path_factory):
    """Real files with real names: /usr/share/doc, some of it by default."""
    tree = tmp_path_factory.mktemp("documents")
    files = [p for p in sorted(pathlib.Path("/usr/share/doc").rglob("*")) if p.is_file() and not p.is_symlink()]
    for file in files if FULL else files[::8]:
        copy = tree / file.relative_to("/usr/share/doc")
        copy.parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(file, copy)  # with its time: a file newer than its object is sent again
    return tree


def test_a_bucket_lives_and_dies(aws, request, tmp_path):
    name = bucket_name(request)
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes(100_000))
    assert name in aws("s3", "mb", f"s3://{name}")
    assert name in aws("s3", "ls")
    aws("s3", "cp", file, f"s3://{name}/dir/file")
    assert "100000 file" in aws("s3", "ls", f"s3://{name}/dir/") and "PRE dir/" in aws("s3", "ls", f"s3://{name}")
    aws("s3", "cp", f"s3://{name}/dir/file", back)
    assert file.read_bytes() == back.read_bytes()
    aws("s3", "cp", f"s3://{name}/dir/file", f"s3://{name}/copy")
    aws("s3", "mv", f"s3://{name}/copy", f"s3://{name}/moved")
    assert aws("s3", "ls", "--recursive", f"s3://{name}").split()[3::4] == ["dir/file", "moved"]
    assert "BucketNotEmpty" in aws("s3", "rb", f"s3://{name}", status=None) or name in aws("s3", "ls")
    aws("s3", "rm", "--recursive", f"s3://{name}")
    aws("s3", "rb", f"s3://{name}")
    assert name not in aws("s3", "ls")


@every_version
def test_large_files_go_up_and_down_in_parts(aws, bucket, tmp_path):
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes((37 << 20) + 11))
    aws("s3", "cp", file, f"s3://{bucket}/large")
    assert json.loads(aws("s3api", "head-object", "--bucket", bucket, "--key", "large"))["ETag"].strip('"').endswith("-5")
    aws("s3", "cp", f"s3://{bucket}/large", back)
    assert md5(file.read_bytes()) == md5(back.read_bytes())
    aws("s3", "cp", f"s3://{bucket}/large", f"s3://{bucket}/large copy")
    aws("s3", "cp", f"s3://{bucket}/large copy", back)
    assert md5(file.read_bytes()) == md5(back.read_bytes())


@every_version
def test_a_tree_goes_up_and_comes_back_identical(aws, bucket, documents, tmp_path):
    aws("s3", "sync", "--only-show-errors", documents, f"s3://{bucket}/docs")
    assert aws("s3", "sync", documents, f"s3://{bucket}/docs") == "", "a second sync has nothing to do"
    aws("s3", "sync", "--only-show-errors", f"s3://{bucket}/docs", tmp_path / "back")
    assert same_tree(documents, tmp_path / "back") == ""
    files = sum(1 for p in documents.rglob("*") if p.is_file())
    assert f"Total Objects: {files}" in aws("s3", "ls", "--recursive", "--summarize", f"s3://{bucket}/docs/")


def test_sync_with_delete_removes_what_is_gone(aws, bucket, tmp_path):
    for name in ("a", "b", "c"):
        (tmp_path / name).write_text(name)
    aws("s3", "sync", tmp_path, f"s3://{bucket}")
    (tmp_path / "b").unlink()
    (tmp_path / "d").write_text("d")
    aws("s3", "sync", "--delete", tmp_path, f"s3://{bucket}")
    assert aws("s3", "ls", f"s3://{bucket}").split()[3::4] == ["a", "c", "d"]


@every_version
def test_standard_input_and_output(aws, bucket):
    aws("s3", "cp", "-", f"s3://{bucket}/piped", input=b"through a pipe")
    assert aws("s3", "cp", f"s3://{bucket}/piped", "-") == "through a pipe"


def test_single_operations(aws, bucket, tmp_path):
    def api(*words):
        out = aws("s3api", *words)
        return json.loads(out) if out.strip() else {}
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(b"0123456789")
    put = api("put-object", "--bucket", bucket, "--key", "k ü", "--body", file, "--metadata", "a=1", "--content-type", "text/x")
    head = api("head-object", "--bucket", bucket, "--key", "k ü")
    assert head["ETag"] == put["ETag"] and head["Metadata"] == {"a": "1"} and head["ContentType"] == "text/x"
    api("get-object", "--bucket", bucket, "--key", "k ü", "--range", "bytes=2-4", back)
    assert back.read_bytes() == b"234"
    api("copy-object", "--bucket", bucket, "--key", "copy", "--copy-source", f"{bucket}/k ü")  # the client escapes it
    listed = api("list-objects-v2", "--bucket", bucket, "--max-items", "10")
    assert [o["Key"] for o in listed["Contents"]] == ["copy", "k ü"]
    assert api("head-bucket", "--bucket", bucket) is not None
    assert api("get-bucket-location", "--bucket", bucket)["LocationConstraint"] is None
    answer = api("delete-objects", "--bucket", bucket, "--delete", json.dumps({"Objects": [{"Key": "copy"}, {"Key": "k ü"}]}))
    assert len(answer["Deleted"]) == 2


def test_multipart_by_hand(aws, bucket, tmp_path):
    where = ["--bucket", bucket, "--key", "k"]
    upload = json.loads(aws("s3api", "create-multipart-upload", *where))["UploadId"]
    parts = []
    for number, size in ((1, 5 << 20), (2, 10)):
        body = tmp_path / f"part{number}"
        body.write_bytes(some_bytes(size))
        done = aws("s3api", "upload-part", *where, "--part-number", number, "--upload-id", upload, "--body", body)
        parts.append({"PartNumber": number, "ETag": json.loads(done)["ETag"]})
    assert len(json.loads(aws("s3api", "list-parts", *where, "--upload-id", upload))["Parts"]) == 2
    aws("s3api", "complete-multipart-upload", *where, "--upload-id", upload, "--multipart-upload", json.dumps({"Parts": parts}))
    back = tmp_path / "back"
    aws("s3api", "get-object", *where, back)
    assert back.read_bytes() == some_bytes(5 << 20) + some_bytes(10)


def test_errors_reach_the_user_in_words(aws, bucket):
    assert aws("s3", "cp", f"s3://{bucket}/missing", "-", status=1) == ""
    assert aws("s3api", "get-object", "--bucket", "never-made-this-bucket", "--key", "k", "/dev/null", status=254) == ""
