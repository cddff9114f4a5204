"""Seed 000: /storage REST, the `storage` commands, and what phase 1 and phase 2 of that design are to show. Row ids (C13,
...) are of docs/SEEDS.md."""
import datetime
import hashlib
import json
import os
import re
import shutil
import subprocess

import pytest

import cluster as clusters
import server as servers
import signing
from conftest import bucket_name, client_of, some_bytes
from server import wait_until
from test_admin import troupe

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts servers of its own")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("storage") / "data").start()
    yield s
    s.close()


def console_of(server):
    return type("Console", (), dict(host=server.console_host, port=server.console_port, access_key=server.access_key,
                                    secret_key=server.secret_key))


def ask(server, method, path, query=(), body=b"", **how):
    """A signed request; the answer has .json when it is JSON."""
    answer = signing.signed(console_of(server), method, path, query, body=body, service="troupe", **how)
    if answer.headers.get("content-type") == "application/json" and answer.body:
        answer.json = json.loads(answer.body)
        meta = answer.json["meta"]
        assert len(meta["request_id"]) == 16
        datetime.datetime.strptime(meta["timestamp"], "%Y-%m-%dT%H:%M:%S.%fZ")
    return answer


@pytest.fixture
def bucket(store, request):
    name = bucket_name(request)
    assert ask(store, "PUT", f"/storage/buckets/{name}").status == 201
    return name


def objects(name):
    return f"/storage/buckets/{name}/objects"


def test_c13_put_and_post_create_a_bucket_once(store):
    made = ask(store, "PUT", "/storage/buckets/c13-put")
    assert made.status == 201 and made.json["data"]["name"] == "c13-put"
    assert ask(store, "PUT", "/storage/buckets/c13-put").status == 409
    body = json.dumps({"name": "c13-post", "is_public": False}).encode()
    assert ask(store, "POST", "/storage/buckets", body=body).status == 201
    assert ask(store, "POST", "/storage/buckets", body=json.dumps({"name": "c13-x", "is_public": True}).encode()).status == 501
    assert ask(store, "POST", "/storage/buckets", body=b"{}").status == 400
    for name in ("no", ".directory", "UPPER", "a" * 64):
        assert ask(store, "PUT", f"/storage/buckets/{name}").status == 400
    client_of(store).put_object(Bucket="c13-put", Key="by-s3", Body=b"x")  # it is one of S3's


def test_c14_buckets_are_listed_in_the_envelope(store, bucket):
    said = ask(store, "GET", "/storage/buckets")
    assert said.status == 200 and bucket in [b["name"] for b in said.json["data"]]
    assert all(b["is_public"] is False and b["created"].endswith("Z") for b in said.json["data"])
    assert ask(store, "GET", f"/storage/buckets/{bucket}").json["data"]["name"] == bucket


def test_c15_delete_refuses_a_bucket_that_is_not_empty_unless_forced(store, bucket):
    s3 = client_of(store)
    for i in range(1100):  # more than a page
        s3.put_object(Bucket=bucket, Key=f"k/{i}", Body=b"x")
    s3.put_object(Bucket=bucket, Key="large", Body=some_bytes(300_000))
    s3.create_multipart_upload(Bucket=bucket, Key="unfinished")
    refused = ask(store, "DELETE", f"/storage/buckets/{bucket}")
    assert refused.status == 409 and refused.json["error"]["code"] == "bucket_not_empty"
    assert ask(store, "DELETE", f"/storage/buckets/{bucket}", [("force", "true")]).status == 204
    gone = ask(store, "DELETE", f"/storage/buckets/{bucket}")
    assert gone.status == 404 and gone.json["error"]["code"] == "no_such_bucket"


@pytest.mark.parametrize("size", [0, 5, 100_000, 3_000_000])
def test_c16_put_checks_the_sha256_and_answers_the_object(store, bucket, size):
    data = some_bytes(size)
    path = f"{objects(bucket)}/deep/er key/ü.bin"
    digest = hashlib.sha256(data).hexdigest()
    wrong = ask(store, "PUT", path, body=data, payload_hash="UNSIGNED-PAYLOAD", headers={"X-Content-Sha256": "0" * 64})
    assert wrong.status == 409 and wrong.json["error"]["code"] == "content_sha256_mismatch"
    assert ask(store, "GET", path).status == 404
    made = ask(store, "PUT", path, body=data, payload_hash="UNSIGNED-PAYLOAD",
               headers={"X-Content-Sha256": digest.upper(), "content-type": "image/x-test"})
    assert made.status == 201, made
    assert {k: made.json["data"][k] for k in ("key", "size", "sha256", "content_type")} == {
        "key": "deep/er key/ü.bin", "size": size, "sha256": digest, "content_type": "image/x-test"}
    assert client_of(store).get_object(Bucket=bucket, Key="deep/er key/ü.bin")["Body"].read() == data


def test_c16_a_body_that_is_not_what_was_signed_is_not_stored(store, bucket):
    path = f"{objects(bucket)}/k"
    headers = signing.headers_for(console_of(store), "PUT", path, body=b"signed", service="troupe")
    assert signing.raw(console_of(store), "PUT", path, headers, b"forged").status == 409
    assert ask(store, "GET", path).status == 404


def test_c16_uploads_have_a_length_and_at_most_5_gib(store, bucket):
    path = f"{objects(bucket)}/k"
    too_large = ask(store, "PUT", path, payload_hash="UNSIGNED-PAYLOAD", headers={"content-length": str((5 << 30) + 1)})
    assert too_large.status == 413
    unknown = ask(store, "PUT", path, payload_hash="UNSIGNED-PAYLOAD", headers={"transfer-encoding": "chunked"}, body=b"0\r\n\r\n")
    assert unknown.status == 411
    assert ask(store, "PUT", f"{objects(bucket)}/{'k' * 1025}", body=b"x").status == 414
    assert ask(store, "PUT", f"{objects('no-such-bucket')}/k", body=b"x").status == 404


def test_c17_get_answers_the_whole_or_a_range(store, bucket):
    data = some_bytes(500_000)
    path = f"{objects(bucket)}/ranged"
    ask(store, "PUT", path, body=data)
    whole = ask(store, "GET", path)
    assert (whole.status, whole.body) == (200, data) and whole.headers["etag"] == f'"{hashlib.md5(data).hexdigest()}"'
    head = ask(store, "HEAD", path)
    assert (head.status, head.body, head.headers["content-length"]) == (200, b"", "500000")
    part = ask(store, "GET", path, headers={"range": "bytes=250000-250009"})
    assert (part.status, part.body, part.headers["content-range"]) == (206, data[250000:250010], "bytes 250000-250009/500000")
    assert ask(store, "GET", path, headers={"range": "bytes=-3"}).body == data[-3:]
    beyond = ask(store, "GET", path, headers={"range": "bytes=500000-"})
    assert beyond.status == 416 and beyond.headers["content-range"] == "bytes */500000"


def test_c17_x11_buckets_is_an_alias_and_keys_keep_their_slashes(store, bucket):
    for key in ("cat.jpg", "a//b", "objects/x", "../up", "trailing/"):
        assert ask(store, "PUT", f"/buckets/{bucket}/{key}", body=key.encode()).status == 201
        assert ask(store, "GET", f"{objects(bucket)}/{key}").body == key.encode()
        assert ask(store, "GET", f"/buckets/{bucket}/{key}").body == key.encode()
        assert ask(store, "DELETE", f"/buckets/{bucket}/{key}").status == 204
        assert ask(store, "GET", f"{objects(bucket)}/{key}").status == 404


def test_c18_x12_delete_answers_204_and_404_for_what_is_not_there(store, bucket):
    path = f"{objects(bucket)}/k"
    ask(store, "PUT", path, body=b"x")
    assert ask(store, "DELETE", path).status == 204
    missing = ask(store, "DELETE", path)
    assert missing.status == 404 and missing.json["error"]["code"] == "no_such_key"


def test_c19_objects_are_listed_by_prefix_delimiter_and_page(store, bucket):
    keys = sorted(f"{d}/{i}" for d in "ab" for i in range(15))
    for k in keys:
        ask(store, "PUT", f"{objects(bucket)}/{k}", body=b"xy")
    found, after = [], []
    while True:
        page = ask(store, "GET", objects(bucket), [("limit", "7"), *after]).json
        found += [o["key"] for o in page["data"]]
        if not page["meta"]["truncated"]:
            break
        after = [("after", page["meta"]["after"])]
    assert found == keys
    assert ask(store, "GET", objects(bucket), [("delimiter", "/")]).json["data"] == [{"prefix": "a/"}, {"prefix": "b/"}]
    assert len(ask(store, "GET", objects(bucket), [("prefix", "b/")]).json["data"]) == 15
    assert ask(store, "GET", objects(bucket), [("limit", "0")]).status == 400


def test_c20_cluster_status_tells_every_node(store):
    said = ask(store, "GET", "/storage/cluster/status").json["data"]["nodes"]
    assert len(said) == 5
    assert all(set(n) == {"id", "address", "data_dir", "status", "last_seen"} and n["status"] == "alive" for n in said)
    assert all(re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", n["last_seen"]) and n["address"] is None for n in said)


@pytest.mark.parametrize("method, path", [("GET", "/storage/buckets"), ("PUT", "/storage/buckets/b/objects/k"), ("GET", "/buckets/b/k"),
                                          ("GET", "/storage/cluster/status"), ("DELETE", "/storage/nowhere")])
def test_x14_what_is_not_signed_is_refused_before_anything_is_said(store, method, path):
    assert signing.raw(console_of(store), method, path).status == 403
    assert ask(store, method, path, secret_key="wrong").status == 403
    presigned = signing.signed(console_of(store), method, path, service="s3")
    assert presigned.status in (400, 403)


def test_the_curl_commands_of_the_page_work(store, tmp_path):
    page = (servers.ROOT / "docs" / "STORAGE.md").read_text()
    script = page.split("```sh")[1].split("```")[0].replace("localhost:9001", f"{store.console_host}:{store.console_port}")
    (tmp_path / "cat.jpg").write_bytes(some_bytes(70_000))
    done = subprocess.run(["bash", "-euc", script.replace("curl ", "curl --silent --show-error --fail-with-body ")], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, "TROUPE_ACCESS_KEY": store.access_key, "TROUPE_SECRET_KEY": store.secret_key})
    assert done.returncode == 0, done.stdout + done.stderr
    assert (tmp_path / "copy.jpg").read_bytes() == some_bytes(70_000)


def storage(server, *command, status=0, cwd="/"):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    environment.update(TROUPE_ACCESS_KEY=server.access_key, TROUPE_SECRET_KEY=server.secret_key, TROUPE_ENDPOINT=server.endpoint,
                       TROUPE_CONSOLE=f"{server.console_host}:{server.console_port}")
    done = subprocess.run([str(servers.BINARY), "storage", *map(str, command)], capture_output=True, text=True, timeout=120,
                          env=environment, cwd=cwd)
    assert done.returncode == status, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def test_c22_the_commands_have_the_names_that_are_documented(store, tmp_path):
    (tmp_path / "cat.jpg").write_bytes(some_bytes(50_000))
    storage(store, "mb", "c22-photos")
    storage(store, "upload", "c22-photos", "cat.jpg", cwd=tmp_path)
    storage(store, "upload", "c22-photos", "cat.jpg", "--key", "2026/cat.jpg", cwd=tmp_path)
    storage(store, "put", "cat.jpg", "c22-photos/z/cat.jpg", cwd=tmp_path)
    storage(store, "download", "c22-photos", "2026/cat.jpg", "copy.jpg", cwd=tmp_path)
    assert (tmp_path / "copy.jpg").read_bytes() == some_bytes(50_000)

    def keys(*command):
        return [json.loads(line).get("key") for line in storage(store, *command, "--json").splitlines()]
    assert keys("list", "c22-photos") == ["2026/cat.jpg", "cat.jpg", "z/cat.jpg"]
    assert keys("list", "c22-photos", "--limit", "1", "--offset", "1") == ["cat.jpg"]
    assert keys("ls", "c22-photos", "--recursive", "--limit", "2") == ["2026/cat.jpg", "cat.jpg"]
    assert "c22-photos" in storage(store, "list")
    status = storage(store, "cluster-status")
    assert status.count("alive") == 5 and status.count(" seen 2") == 5, status
    assert "not empty" in storage(store, "rb", "c22-photos", status=1).lower()
    storage(store, "rb", "c22-photos", "--force")


@pytest.mark.parametrize("command", [("versions", "b", "k"), ("versioning", "b", "on"), ("mb", "b22", "--public"),
                                     ("lifecycle", "set", "b", "--prefix", "x", "--days", "30", "--enabled"),
                                     ("rm", "b/k", "--version", "1"), ("download", "b", "k", "f", "--version", "1")])
def test_c22_what_is_not_there_says_so(store, command):
    assert "not there" in storage(store, *command, status=1)


@pytest.fixture
def three(tmp_path):
    c = clusters.Cluster(tmp_path / "cluster", nodes=3).start()
    wait_until(lambda: all(n["state"] == "up" for n in nodes_of(c.nodes[0])), "every node is up")
    yield c
    c.close()


def nodes_of(node):
    return json.loads(troupe(node, "admin", "nodes", "--json").stdout)["nodes"]


def test_c23_phase_1_three_nodes_run_spread_objects_and_serve_reads_after_one_failure(three):
    n1, n2, n3 = three.nodes
    assert ask(n1, "PUT", "/storage/buckets/phase-1").status == 201
    before = {n["id"]: n["storage"]["pieces"] for n in nodes_of(n1)}
    data = {f"dir/{i}": some_bytes(60_000, i) for i in range(12)}
    for i, (k, v) in enumerate(data.items()):  # whichever node is asked
        assert ask(three.nodes[i % 3], "PUT", f"{objects('phase-1')}/{k}", body=v).status == 201
    wait_until(lambda: all(n["storage"]["pieces"] > before[n["id"]] for n in nodes_of(n1)), "objects are spread over all nodes")
    assert storage(n1, "list", "phase-1").count("dir/") == 12  # the command line
    n3.kill()
    for node in (n1, n2):
        for k, v in data.items():
            got = wait_until(lambda: (lambda a: a if a.status != 503 else None)(ask(node, "GET", f"{objects('phase-1')}/{k}")),
                             "the metadata group goes on")
            assert (got.status, got.body) == (200, v)


def test_c23_phase_1_the_basic_commands_put_get_and_ls_work_on_a_cluster(three, tmp_path):
    n1, n2, n3 = three.nodes
    (tmp_path / "cat.jpg").write_bytes(some_bytes(300_000))
    storage(n1, "mb", "phase-1-cli")
    storage(n1, "put", "cat.jpg", "phase-1-cli/cat.jpg", cwd=tmp_path)
    storage(n2, "get", "phase-1-cli/cat.jpg", "copy.jpg", cwd=tmp_path)
    assert (tmp_path / "copy.jpg").read_bytes() == some_bytes(300_000)
    assert "cat.jpg" in storage(n3, "ls", "phase-1-cli")


def test_c24_phase_2_nodes_join_and_leave_gracefully(tmp_path):
    c = clusters.Cluster(tmp_path / "cluster", nodes=4, settings="  healing: {delay: 1s, reclaim_grace: 1s}\n").start()
    try:
        wait_until(lambda: all(n["state"] == "up" for n in nodes_of(c.nodes[0])), "every node is up")
        n1, _, _, leaves = c.nodes
        ask(n1, "PUT", "/storage/buckets/phase-2-moves")
        data = {f"k{i}": some_bytes(150_000, i) for i in range(12)}
        for k, v in data.items():
            assert ask(n1, "PUT", f"{objects('phase-2-moves')}/{k}", body=v).status == 201

        def status():
            assert all(ask(n1, "GET", f"{objects('phase-2-moves')}/{k}").body == v for k, v in data.items())  # all the time
            return {n["id"]: n["status"] for n in ask(n1, "GET", "/storage/cluster/status").json["data"]["nodes"]}
        joins = c.add()
        joins.start()
        wait_until(lambda: status().get("node-5") == "alive", "the new node is seen", 60)
        wait_until(lambda: {n["id"]: n.get("storage", {}).get("pieces", 0) for n in nodes_of(n1)}["node-5"] > 0 and status(),
                   "it takes its share", 60)
        assert troupe(n1, "admin", "drain", "node-4").returncode == 0
        wait_until(lambda: "node-4" not in status(), "the drained node has left", 90)
        assert leaves.terminate() == 0
        shutil.rmtree(leaves.data)
        status()
    finally:
        c.close()


def test_c24_phase_2_a_failed_node_is_detected_by_itself_and_returns_whole(three):
    n1, _, n3 = three.nodes
    ask(n1, "PUT", "/storage/buckets/phase-2")
    ask(n1, "PUT", f"{objects('phase-2')}/before", body=some_bytes(200_000))
    n3.kill()

    def status():
        answer = ask(n1, "GET", "/storage/cluster/status")
        return {n["id"]: n for n in answer.json["data"]["nodes"]} if answer.status == 200 else None
    dead = wait_until(lambda: (lambda s: s if s and s["node-3"]["status"] == "dead" else None)(status()), "gossip calls it dead", 60)
    assert dead["node-3"]["last_seen"] is None and dead["node-1"]["last_seen"].endswith("Z")
    assert dead["node-1"]["address"] == f"127.0.0.1:{three.ports[0]}"
    wait_until(lambda: ask(n1, "PUT", f"{objects('phase-2')}/meanwhile", body=some_bytes(200_000, 2)).status == 201, "writes go on", 60)
    n3.start()

    def healed():
        where = [json.loads(troupe(n1, "admin", "where", f"phase-2/{k}", "--json").stdout) for k in ("before", "meanwhile")]
        return all(e["losses"] == e["losses_wanted"] for w in where for e in w["extents"])
    wait_until(healed, "what it missed was given to it", 120)
