"""s3cmd: its own signatures, its own XML, its own idea of multipart."""
import pytest

from conftest import bucket_name, md5, same_tree, some_bytes


@pytest.fixture
def s3cmd(run, server, tmp_path_factory):
    settings = tmp_path_factory.mktemp("s3cmd") / "settings"
    settings.write_text("\n".join([
        "[default]", f"access_key = {server.access_key}", f"secret_key = {server.secret_key}",
        f"host_base = {server.host}:{server.port}", f"host_bucket = {server.host}:{server.port}", "use_https = False",
        "signature_v2 = False", "bucket_location = us-east-1", "progress_meter = False", ""]))
    return lambda *words, **how: run("/usr/bin/s3cmd", "--config", settings, *words, **how)


def test_a_bucket_lives_and_dies(s3cmd, request, tmp_path):
    name = bucket_name(request)
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes(123_456))
    s3cmd("mb", f"s3://{name}")
    assert f"s3://{name}" in s3cmd("ls")
    s3cmd("put", file, f"s3://{name}/dir/a file")
    assert "123456" in s3cmd("ls", f"s3://{name}/dir/")
    s3cmd("get", f"s3://{name}/dir/a file", back)
    assert file.read_bytes() == back.read_bytes()
    s3cmd("cp", f"s3://{name}/dir/a file", f"s3://{name}/copy")
    s3cmd("mv", f"s3://{name}/copy", f"s3://{name}/moved é")
    assert s3cmd("ls", "--recursive", f"s3://{name}").count("s3://") == 2
    assert md5(file.read_bytes()) in s3cmd("info", f"s3://{name}/moved é")
    s3cmd("info", f"s3://{name}")
    s3cmd("du", f"s3://{name}")
    s3cmd("del", "--recursive", "--force", f"s3://{name}")
    s3cmd("rb", f"s3://{name}")
    assert f"s3://{name}" not in s3cmd("ls")


def test_large_files_go_up_in_parts(s3cmd, bucket, tmp_path):
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes((16 << 20) + 1))
    s3cmd("put", "--multipart-chunk-size-mb=5", file, f"s3://{bucket}/large")
    s3cmd("get", f"s3://{bucket}/large", back)
    assert md5(file.read_bytes()) == md5(back.read_bytes())


def test_a_tree_goes_up_and_comes_back_identical(s3cmd, bucket, tmp_path):
    up, down = tmp_path / "up", tmp_path / "down"
    for n in range(40):
        file = up / f"d{n % 4}" / f"file {n} ü+%"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(some_bytes(n * 1000, n))
    down.mkdir()
    s3cmd("sync", f"{up}/", f"s3://{bucket}/tree/")
    s3cmd("sync", f"s3://{bucket}/tree/", f"{down}/")
    assert same_tree(up, down) == ""


def test_a_missing_object_is_an_error(s3cmd, bucket, tmp_path):
    s3cmd("get", f"s3://{bucket}/missing", tmp_path / "none", status=64)
