"""rclone: sync, check, streams of unknown length, multipart, ranges through `cat --offset`."""
import pytest

from conftest import bucket_name, md5, some_bytes


@pytest.fixture
def rclone(run, server):
    setting = {"RCLONE_CONFIG_T_TYPE": "s3", "RCLONE_CONFIG_T_PROVIDER": "Other", "RCLONE_CONFIG_T_ENV_AUTH": "true",
               "RCLONE_CONFIG_T_ENDPOINT": server.endpoint, "RCLONE_CONFIG_T_REGION": "us-east-1",
               "RCLONE_CONFIG_T_FORCE_PATH_STYLE": "true", "RCLONE_CONFIG": "/dev/null", "RCLONE_RETRIES": "1",
               "RCLONE_LOW_LEVEL_RETRIES": "1", "RCLONE_S3_CHUNK_SIZE": "5M", "RCLONE_S3_UPLOAD_CUTOFF": "6M"}
    return lambda *words, **how: run("/usr/bin/rclone", *words, extra=setting, **how)


@pytest.fixture
def tree(tmp_path):
    top = tmp_path / "tree"
    for n in range(60):
        file = top / f"d{n % 5}" / f"file {n} é!'()"
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(some_bytes(n * 777, n))
    (top / "large").write_bytes(some_bytes((17 << 20) + 5))
    return top


def test_a_tree_syncs_checks_and_comes_back(rclone, request, tree, tmp_path):
    name = bucket_name(request)
    rclone("mkdir", f"t:{name}")
    assert name in rclone("lsd", "t:")
    rclone("sync", tree, f"t:{name}/tree")
    rclone("check", tree, f"t:{name}/tree")
    rclone("check", "--download", tree, f"t:{name}/tree")
    (tree / "large").unlink()
    rclone("sync", tree, f"t:{name}/tree")
    assert "large" not in rclone("lsf", "-R", f"t:{name}")
    rclone("copy", f"t:{name}/tree", tmp_path / "back")
    rclone("check", tree, tmp_path / "back")
    rclone("purge", f"t:{name}")
    assert name not in rclone("lsd", "t:")


def test_a_stream_of_unknown_length(rclone, bucket):
    data = some_bytes(13 << 20)
    rclone("rcat", f"t:{bucket}/streamed", input=data)
    assert rclone("md5sum", "--download", f"t:{bucket}/streamed").split()[0] == md5(data)
    rclone("rcat", f"t:{bucket}/short", input=b"0123456789")
    assert rclone("cat", "--offset", "3", "--count", "4", f"t:{bucket}/short") == "3456"


def test_server_side_copy_and_move(rclone, bucket):
    rclone("rcat", f"t:{bucket}/a b", input=b"content")
    rclone("copyto", f"t:{bucket}/a b", f"t:{bucket}/c é")
    rclone("moveto", f"t:{bucket}/c é", f"t:{bucket}/d+%")
    assert sorted(rclone("lsf", f"t:{bucket}").split("\n")[:-1]) == ["a b", "d+%"]
    assert rclone("cat", f"t:{bucket}/d+%") == "content"
