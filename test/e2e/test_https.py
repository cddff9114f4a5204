"""TLS on every front door: P27, V20, W23, X15. One authority, made by `troupe ca`, and clients that believe it, or do not."""
import http.client
import json
import re
import socket
import ssl
import subprocess

import botocore.exceptions
import grpc
import pytest

import server as servers
import shards
import signing
from authority import clean_environment, https_options, s3_of
from conftest import some_bytes
from identities import Console
from server import BINARY

DOORS = ("directory", "files", "s3db")
TOLD = b"Client sent an HTTP request to an HTTPS server."


@pytest.fixture(scope="module")
def server(tmp_path_factory, authority, https_files):
    """`troupe dev` with every front door, all over TLS."""
    fronts = [w for name in (*DOORS, "shards") for w in (f"--{name}", "127.0.0.1:0")]
    s = servers.Server(tmp_path_factory.mktemp("https") / "data", options=[*https_options(https_files), *fronts],
                       ca=authority.pem).start()
    yield s
    assert s.alive(), s.tail()
    assert s.terminate() == 0


def every_door(server):
    yield "s3", server
    yield "console", Console(server)
    for name in DOORS:
        yield name, server.front(name)


def troupe(server, *words, status=0, ca=True, **environment):
    """A client command against this server, with its root's keys."""
    environment = clean_environment(TROUPE_ACCESS_KEY=server.access_key, TROUPE_SECRET_KEY=server.secret_key, **environment)
    done = subprocess.run([str(BINARY), *map(str, words), *(["--ca-cert", str(server.ca)] if ca else [])],
                          capture_output=True, text=True, timeout=120, env=environment, cwd="/")
    assert done.returncode == status, done
    return done.stdout + done.stderr


def test_p27_every_front_door_says_https_and_speaks_it(server):
    line = next(l for l in server.printed if l.startswith("listening "))
    for name in ("s3", "console", *DOORS, "shards"):
        assert re.search(rf"\b{name}=https://127\.0\.0\.1:\d+\b", line), line
    assert any(f"Troupe serves S3 on {server.endpoint}" == l for l in server.printed)
    for path in ("/health", "/ready", "/metrics"):
        assert server.console(path)[0] == 200
    for name, door in every_door(server):
        answer = signing.raw(door, "GET", "/health")
        assert answer.status in (200, 403), (name, answer)  # S3 has no such thing
    credentials = (server.data / "credentials").read_text()
    assert f"endpoint = {server.endpoint}\n" in credentials
    assert f"console = https://127.0.0.1:{server.console_port}\n" in credentials


def test_a_request_in_the_clear_is_told_to_use_tls(server):
    for name, door in every_door(server):
        for method, body in (("GET", b""), ("PUT", b"x" * 100_000), ("DELETE", b"")):
            connection = http.client.HTTPConnection(door.host, door.port, timeout=10)
            connection.request(method, "/x", body=body)
            answer = connection.getresponse()
            assert answer.status == 400 and TOLD in answer.read(), (name, method)


def test_the_probe_of_images_knows_that_a_console_with_tls_is_alive(server):
    def probe(path):
        return subprocess.run([servers.ROOT / "scripts" / "probe.sh", path, "127.0.0.1", str(server.console_port)],
                              capture_output=True, timeout=30).returncode
    assert probe("/health") == 0
    assert probe("/ready") == 1


def test_a_tls_client_on_a_plain_port_is_closed(new_server):
    plain = new_server().start()
    with pytest.raises(ssl.SSLError) as refused, socket.create_connection((plain.host, plain.port), timeout=10) as s:
        ssl.create_default_context().wrap_socket(s, server_hostname="localhost")
    assert "EOF" in str(refused.value)
    assert plain.console("/health")[0] == 200


def test_only_tls_1_2_and_1_3(server):
    def version(name):
        c = ssl.create_default_context(cafile=str(server.ca))
        c.minimum_version = c.maximum_version = name
        if name < ssl.TLSVersion.TLSv1_2:
            c.set_ciphers("DEFAULT:@SECLEVEL=0")
        with socket.create_connection((server.host, server.port), timeout=10) as s:
            with c.wrap_socket(s, server_hostname="127.0.0.1") as t:
                return t.version(), t.cipher()[0]
    assert version(ssl.TLSVersion.TLSv1_3)[0] == "TLSv1.3"
    spoken, cipher = version(ssl.TLSVersion.TLSv1_2)
    assert spoken == "TLSv1.2" and cipher.startswith("ECDHE-")
    with pytest.raises(ssl.SSLError):
        version(ssl.TLSVersion.TLSv1_1)


def test_boto3_that_knows_the_authority(server):
    s3 = s3_of(server, str(server.ca))
    s3.create_bucket(Bucket="boto3")
    data = some_bytes((20 << 20) + 7)
    s3.put_object(Bucket="boto3", Key="whole", Body=data)
    assert s3.get_object(Bucket="boto3", Key="whole")["Body"].read() == data
    upload = s3.create_multipart_upload(Bucket="boto3", Key="parts")["UploadId"]
    parts = [{"PartNumber": n, "ETag": s3.upload_part(Bucket="boto3", Key="parts", UploadId=upload, PartNumber=n, Body=b)["ETag"]}
             for n, b in ((1, data[:6 << 20]), (2, data[6 << 20:]))]
    done = s3.complete_multipart_upload(Bucket="boto3", Key="parts", UploadId=upload, MultipartUpload={"Parts": parts})
    assert done["Location"] == f"{server.endpoint}/boto3/parts"
    assert s3.get_object(Bucket="boto3", Key="parts", Range="bytes=6291450-6291461")["Body"].read() == data[6291450:6291462]
    url = s3.generate_presigned_url("get_object", Params={"Bucket": "boto3", "Key": "whole"})
    assert url.startswith("https://")


def test_boto3_that_does_not_know_it_refuses(server):
    with pytest.raises(botocore.exceptions.SSLError):
        s3_of(server, True).list_buckets()


def test_curl(server, tmp_path):
    file, back = tmp_path / "file", tmp_path / "back"
    file.write_bytes(some_bytes((3 << 20) + 1))
    s3_of(server, str(server.ca)).create_bucket(Bucket="curl")

    def curl(*words, status=0, ca=True):
        done = subprocess.run(["/usr/bin/curl", "-sS", *(["--cacert", str(server.ca)] if ca else []), "--aws-sigv4",
                               "aws:amz:us-east-1:s3", "--user", f"{server.access_key}:{server.secret_key}", "-H",
                               "x-amz-content-sha256: UNSIGNED-PAYLOAD", *map(str, words)], capture_output=True, text=True,
                              timeout=60, env=clean_environment())
        assert done.returncode == status, done
        return done.stdout + done.stderr
    url = f"{server.endpoint}/curl/k"
    written = ["-o", "/dev/null", "-w", "%{http_code} %{http_version}"]
    assert curl("-T", file, *written, url) == "200 1.1"  # with Expect: 100-continue
    for version in (["--tlsv1.3"], ["--tls-max", "1.2"], ["--http2"]):
        assert curl(*version, "-o", back, "-w", "%{http_version}", url) == "1.1"
        assert back.read_bytes() == file.read_bytes()
    assert curl("-X", "PUT", "-d", "x", "-H", "content-type: text/plain", "-w", "%{num_connects}",
                f"{server.endpoint}/curl/k[1-20]").count("1") == 1
    assert "certificate" in curl(url, status=60, ca=False)
    assert TOLD.decode() in curl(url.replace("https://", "http://"))


def test_rclone(server, tmp_path):
    tree = tmp_path / "tree"
    tree.mkdir()
    for n in range(20):
        (tree / f"file {n}").write_bytes(some_bytes(n * 40_001, n))
    (tree / "large").write_bytes(some_bytes((12 << 20) + 5))

    def rclone(*words, status=0, **more):
        setting = dict(RCLONE_CONFIG_T_TYPE="s3", RCLONE_CONFIG_T_PROVIDER="Other", RCLONE_CONFIG_T_ENDPOINT=server.endpoint,
                       RCLONE_CONFIG_T_ACCESS_KEY_ID=server.access_key, RCLONE_CONFIG_T_SECRET_ACCESS_KEY=server.secret_key,
                       RCLONE_CONFIG_T_REGION="us-east-1", RCLONE_CONFIG="/dev/null", RCLONE_RETRIES="1",
                       RCLONE_LOW_LEVEL_RETRIES="1", RCLONE_S3_CHUNK_SIZE="5M", RCLONE_S3_UPLOAD_CUTOFF="6M")
        done = subprocess.run(["/usr/bin/rclone", *map(str, words)], capture_output=True, text=True, timeout=120,
                              env=clean_environment(**setting, **more))
        assert (done.returncode == 0) == (status == 0), done
        return done.stdout + done.stderr
    rclone("mkdir", "t:rclone", RCLONE_CA_CERT=server.ca)
    rclone("sync", tree, "t:rclone/tree", RCLONE_CA_CERT=server.ca)
    rclone("check", "--download", tree, "t:rclone/tree", RCLONE_CA_CERT=server.ca)
    assert "certificate" in rclone("lsd", "t:", status=1)


def test_v20_shards_speak_tls(server):
    client = shards.connect(server)
    shard = client.NewShard().shard_id
    client.put(shard, b"k", b"v" * 100_000)
    assert client.get(shard, b"k") == b"v" * 100_000
    client.close()
    address = shards.address_of(server.printed)
    plain = shards.Client(address, "alice", server.client_keys["alice"])
    assert shards.code_of(plain.ListShards, timeout=5)[0] == grpc.StatusCode.UNAVAILABLE
    plain.close()


def test_w23_the_directory_files_and_s3db_work_over_tls(server):
    directory, kept, db = (server.front(name) for name in DOORS)
    put = signing.signed(directory, "PUT", "/put", [("key", "a")], {"content-type": "text/plain"}, b"value", service="troupe")
    assert put.status == 200, put
    assert b"value" in signing.signed(directory, "GET", "/get/a", service="troupe").body
    data = some_bytes(3 << 20)
    uploaded = signing.signed(kept, "POST", "/files", body=data, service="troupe")
    assert uploaded.status in (200, 201), uploaded
    assert signing.signed(db, "POST", "/v1/put/t/k", body=b"value", service="s3db").status == 201
    assert signing.signed(db, "GET", "/v1/get/t/k", service="s3db").status == 200


def test_x15_the_commands_verify_unless_they_are_told_not_to(server, tmp_path):
    file = tmp_path / "file"
    file.write_bytes(some_bytes((9 << 20) + 3))
    at = ["--endpoint", server.endpoint]
    troupe(server, "storage", "mb", "commands", *at)
    troupe(server, "storage", "put", file, "commands/file", *at)
    troupe(server, "storage", "get", "commands/file", tmp_path / "back", *at)
    assert (tmp_path / "back").read_bytes() == file.read_bytes()
    refused = troupe(server, "storage", "ls", *at, ca=False, status=1)
    assert "certificate" in refused and "--ca-cert" in refused
    assert "commands" in troupe(server, "storage", "ls", *at, ca=False, TROUPE_CA_CERT=server.ca)
    assert "commands" in troupe(server, "storage", "ls", "--endpoint", f"127.0.0.1:{server.port}")  # https, with an authority
    blind = troupe(server, "storage", "ls", "--insecure-skip-verify", "--quiet", *at, ca=False)
    assert "WARNING" in blind and "insecure-skip-verify" in blind
    assert "WARNING" not in troupe(server, "storage", "ls", *at)
    by_name = ["--endpoint", f"https://localhost:{server.port}"]  # which the certificate does not have
    assert "localhost" in troupe(server, "storage", "ls", *by_name, status=1)
    clear = troupe(server, "storage", "ls", "--endpoint", f"http://127.0.0.1:{server.port}", ca=False, status=1)
    assert TOLD.decode() in clear and "hint: give the address with https://" in clear


def test_x15_admin_console_and_bench_verify_too(server):
    console = f"127.0.0.1:{server.console_port}"
    assert "node-1" in troupe(server, "admin", "nodes", "--connect", console)
    assert "certificate" in troupe(server, "admin", "nodes", "--connect", f"https://{console}", ca=False, status=1)
    assert TOLD.decode() in troupe(server, "admin", "nodes", "--connect", console, ca=False, status=1)
    assert "WARNING" in troupe(server, "admin", "nodes", "--connect", console, "--insecure-skip-verify", ca=False)
    assert "node-1" in troupe(server, "console", "--connect", console, "-c", "nodes")
    bench = ["bench", "put", "--size", "64KiB", "--duration", "500ms", "--concurrency", "4", "--endpoint", server.endpoint,
             "--json", "--quiet"]
    def numbers(said):
        return json.loads(said[said.index("{"):])
    measured = numbers(troupe(server, *bench))
    assert "errors" in json.dumps(measured)
    troupe(server, "bench", "get", *bench[2:], "--objects", "20")
    by_name = [w.replace("127.0.0.1", "localhost") for w in bench]
    troupe(server, *by_name, status=1)
    troupe(server, *bench, ca=False, status=1)
