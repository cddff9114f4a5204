"""curl: its own SigV4, presigned URLs, buckets named by the Host header, and HTTP as a plain client speaks it."""
import pytest

from conftest import md5, some_bytes
from signing import presigned

UNSIGNED = ["-H", "x-amz-content-sha256: UNSIGNED-PAYLOAD"]


@pytest.fixture
def curl(run, server):
    return lambda *words, **how: run("/usr/bin/curl", "-sS", *words, **how)


@pytest.fixture
def signed_curl(curl, server):
    return lambda *words, **how: curl("--aws-sigv4", "aws:amz:us-east-1:s3", "--user", f"{server.access_key}:{server.secret_key}",
                                      *UNSIGNED, *words, **how)


def test_put_get_head_delete(signed_curl, server, bucket, tmp_path):
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes((2 << 20) + 1))
    url = f"{server.endpoint}/{bucket}/k"
    code = ["-o", "/dev/null", "-w", "%{http_code}"]
    assert signed_curl("-T", file, *code, url) == "200"  # sends Expect: 100-continue
    signed_curl("-o", back, url)
    assert back.read_bytes() == file.read_bytes()
    assert f'etag: "{md5(file.read_bytes())}"' in signed_curl("-I", url).lower()
    signed_curl("-r", "5-9", "-o", back, url)
    assert back.read_bytes() == file.read_bytes()[5:10]
    assert "<Key>k</Key>" in signed_curl(f"{server.endpoint}/{bucket}")
    assert signed_curl("-X", "DELETE", *code, url) == "204"
    assert "<Code>NoSuchKey</Code>" in signed_curl(url)


def test_a_presigned_url_needs_no_keys(curl, server, bucket):
    up = server.endpoint + presigned(server, "PUT", f"/{bucket}/by url")
    down = server.endpoint + presigned(server, "GET", f"/{bucket}/by url", [("response-content-type", "image/png")])
    assert curl("-T", "-", "-H", "Content-Length: 5", "-H", "Transfer-Encoding:", up, input=b"hello") == ""
    answer = curl("-i", down)
    assert answer.endswith("hello") and "content-type: image/png" in answer.lower()


def test_a_bucket_named_by_the_host(curl, signed_curl, server, bucket):
    host = f"{bucket}.localhost"
    resolve = ["--resolve", f"{host}:{server.port}:{server.host}"]
    url = f"http://{host}:{server.port}"
    assert signed_curl(*resolve, "-T", "-", "-H", "Content-Length: 5", "-H", "Transfer-Encoding:", f"{url}/k", input=b"hello") == ""
    assert signed_curl(*resolve, f"{url}/k") == "hello"
    assert "<Key>k</Key>" in signed_curl(*resolve, f"{url}/")
    assert curl("-H", f"Host: {host}:{server.port}",
                server.endpoint + presigned(server, "GET", "/k", host=f"{host}:{server.port}")) == "hello"


def test_one_connection_serves_many_requests(signed_curl, server, bucket):
    url = f"{server.endpoint}/{bucket}/k[1-20]"
    assert signed_curl("-X", "PUT", "-d", "x", "-H", "content-type: text/plain", "-w", "%{num_connects}", url).count("1") == 1


def test_http_1_0_and_connection_close(signed_curl, server, bucket):
    for flag in ("--http1.0", "--http1.1"):
        answer = signed_curl(flag, "-i", "-H", "Connection: close", f"{server.endpoint}/{bucket}")
        assert " 200 " in answer.splitlines()[0] and "ListBucketResult" in answer


def test_a_large_put_that_is_refused_gets_its_answer(curl, server, bucket, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(bytes(64 << 20))
    for extra in ([], ["-H", "Expect:"]):
        assert curl("-T", file, "-o", "/dev/null", "-w", "%{http_code}", *extra, f"{server.endpoint}/{bucket}/k", status=None) == "403"
