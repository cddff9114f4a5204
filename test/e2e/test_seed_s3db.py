"""Seed 004's s3db through the real binary: rows P6 to P16 of the requirements, X6, X12 and X13 (docs/S3DB.md)."""
import base64
import datetime
import hashlib
import json
import os
import subprocess
import threading
import urllib.parse

import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest

import cluster as clusters
import server as servers
import signing
from server import wait_until


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("s3db") / "data", options=["--s3db", "127.0.0.1:0"]).start()
    yield s
    assert s.terminate() == 0


@pytest.fixture(scope="module")
def db(process):
    return process.front("s3db")


def ask(db, method, path, query=(), body=b"", **how):
    answer = signing.signed(db, method, path, query, body=body, service="s3db", **how)
    answer.json = json.loads(answer.body) if answer.body.startswith(b"{") else None
    return answer


def put(db, table, key, value, query=()):
    return ask(db, "POST", f"/v1/put/{table}/{key}", query, value)


def get(db, table, key, query=()):
    return ask(db, "GET", f"/v1/get/{table}/{key}", query)


def value_of(answer):
    assert answer.status == 200, answer
    return base64.b64decode(answer.json["value"])


def test_p7_put_answers_201_with_table_key_and_size(db):
    answer = put(db, "objects", "arn:aws:s3:::bucket/some/key", b"0123456789abcdef")
    assert answer.status == 201
    assert answer.json == {"table": "objects", "key": "arn:aws:s3:::bucket/some/key", "size": 16}


def test_p7_an_empty_value_is_refused(db):
    answer = put(db, "objects", "empty", b"")
    assert (answer.status, answer.json["error"]) == (400, "BadRequest")
    assert get(db, "objects", "empty").status == 404


def test_p7_a_value_is_replaced_and_of_at_most_1_mib(db):
    for value in (b"one", b"two", b"x" * (1 << 20)):
        assert put(db, "t", "k", value).status == 201
        assert value_of(get(db, "t", "k")) == value
    answer = put(db, "t", "k", b"x" * ((1 << 20) + 1))
    assert (answer.status, answer.json["error"]) == (413, "TooLarge")
    assert len(value_of(get(db, "t", "k"))) == 1 << 20


def test_p8_get_answers_table_key_and_the_value_in_base64(db):
    put(db, "buckets", "alpha", bytes(range(256)))
    answer = get(db, "buckets", "alpha")
    assert answer.json == {"table": "buckets", "key": "alpha", "value": base64.b64encode(bytes(range(256))).decode()}


def test_p8_a_missing_key_is_404_key_not_found(db):
    answer = get(db, "buckets", "nobody")
    assert (answer.status, answer.json["error"]) == (404, "KeyNotFound")
    assert answer.json["message"]


def test_p9_and_x12_delete_answers_204_whether_the_key_was_there_or_not(db):
    put(db, "t", "gone", b"v")
    for _ in range(2):
        assert ask(db, "DELETE", "/v1/delete/t/gone").status == 204
    assert get(db, "t", "gone").status == 404


def test_p10_scan_answers_table_prefix_count_and_items_in_order(db):
    for key in ("a/1", "a/2", "b/1", "a0"):
        put(db, "scanned", key, key.encode())
    answer = ask(db, "GET", "/v1/scan/scanned", [("prefix", "a/")])
    assert answer.json == {"table": "scanned", "prefix": "a/", "count": 2, "truncated": False, "items": [
        {"key": k, "value": base64.b64encode(k.encode()).decode()} for k in ("a/1", "a/2")]}
    assert [i["key"] for i in ask(db, "GET", "/v1/scan/scanned").json["items"]] == ["a/1", "a/2", "a0", "b/1"]
    assert ask(db, "GET", "/v1/scan/other").json["count"] == 0


def test_p10_scan_is_paged_by_limit_and_goes_on_at_next(db):
    keys = sorted(f"{i:04}" for i in range(25))
    for key in keys:
        put(db, "paged", key, b"v")
    seen, start = [], ""
    for _ in range(10):
        query = [("limit", "10")] + ([("start_after", start)] if start else [])
        page = ask(db, "GET", "/v1/scan/paged", query).json
        seen += [i["key"] for i in page["items"]]
        if not page["truncated"]:
            assert "next" not in page
            break
        start = page["next"]
    assert seen == keys
    for limit in ("0", "10001", "-1", "x"):
        assert ask(db, "GET", "/v1/scan/paged", [("limit", limit)]).status == 400


def test_x13_keys_are_percent_encoded_and_binary_ones_hexadecimal(db):
    for key in ("with space", "ünicode/ключ", "a//b/../c", "q?u&e=r", "+plus"):
        assert put(db, "keys", key, key.encode()).json["key"] == key
        assert value_of(get(db, "keys", key)) == key.encode()
    raw = bytes([0, 255, 47, 10, 128])
    hexed = [("encoding", "hex")]
    assert put(db, "binary", raw.hex(), b"v", hexed).json["key"] == raw.hex()
    assert value_of(get(db, "binary", raw.hex(), hexed)) == b"v"
    assert ask(db, "GET", "/v1/scan/binary", hexed + [("prefix", "00ff")]).json["items"][0]["key"] == raw.hex()
    assert ask(db, "GET", "/v1/scan/binary").status == 400  # not text, and it says so
    assert value_of(get(db, "keys", b"+plus".hex(), hexed)) == b"+plus"  # the same key either way
    for bad in ("xyz", "abc"):
        assert get(db, "keys", bad, hexed).status == 400
    assert get(db, "keys", "61", [("encoding", "base64")]).status == 400


def botocore_headers(db, method, path, body):
    """What an AWS SDK signs for a service that is not S3: the path as it is sent, encoded once more."""
    request = botocore.awsrequest.AWSRequest(method=method, url=f"http://{db.host}:{db.port}{path}", data=body,
                                             headers={"X-Amz-Content-SHA256": hashlib.sha256(body).hexdigest()})
    keys = botocore.credentials.Credentials(db.access_key, db.secret_key)
    botocore.auth.SigV4Auth(keys, "s3db", "us-east-1").add_auth(request)
    return {k.lower(): v for k, v in request.headers.items()} | {"host": f"{db.host}:{db.port}"}


def test_p15_requests_that_an_aws_sdk_signed_are_taken(db):
    for key in ("plain", "with space", "100%", "100%25", "arn:aws:s3:::b/k", "ключ"):
        path = "/v1/put/sdk/" + urllib.parse.quote(key, safe="/~")
        assert signing.raw(db, "POST", path, botocore_headers(db, "POST", path, b"value"), b"value").status == 201, key
        assert value_of(get(db, "sdk", key.encode().hex(), [("encoding", "hex")])) == b"value"


def test_p15_the_curl_command_of_the_page_works(db):
    page = (servers.ROOT / "docs" / "S3DB.md").read_text()
    script = "curl " + page.split("```\ncurl ")[1].split("```")[0].replace("127.0.0.1:6660", f"{db.host}:{db.port}")
    done = subprocess.run(["bash", "-euc", script.replace("curl ", "curl --silent --show-error --fail-with-body ")], capture_output=True,
                          text=True, timeout=60, env={**os.environ, "KEY": db.access_key, "SECRET": db.secret_key})
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {"table": "objects", "key": "greeting", "size": 5}
    assert value_of(get(db, "objects", "greeting")) == b"hello"


def test_p15_what_is_not_signed_for_s3db_is_403_access_denied(db):
    def refused(answer):
        body = json.loads(answer.body)
        return answer.status == 403 and body["error"] == "AccessDenied" and bool(body["message"])
    assert refused(signing.raw(db, "GET", "/v1/get/t/k"))
    assert refused(signing.signed(db, "GET", "/v1/get/t/k", service="s3"))
    assert refused(signing.signed(db, "GET", "/v1/get/t/k", service="s3db", secret_key="wrong"))
    assert refused(signing.signed(db, "GET", "/v1/get/t/k", service="s3db", access_key="AKIANOBODY"))
    old = signing.now() - datetime.timedelta(hours=1)
    assert refused(signing.signed(db, "GET", "/v1/get/t/k", service="s3db", when=old))
    # Another body than the signed one, and one that was not signed.
    assert refused(signing.signed(db, "POST", "/v1/put/t/k", service="s3db", body=b"value",
                                  payload_hash=hashlib.sha256(b"other").hexdigest()))
    assert refused(signing.signed(db, "POST", "/v1/put/t/k", service="s3db", body=b"v", payload_hash=signing.UNSIGNED))
    assert refused(signing.signed(db, "GET", "/v1/get/t/a%20b", service="s3db"))  # S3's form, and a literal %
    headers = botocore_headers(db, "GET", "/v1/get/t/a%2520b", b"")
    assert refused(signing.raw(db, "GET", "/v1/get/t/a%20b", headers))  # another path than the signed one
    assert refused(signing.raw(db, "POST", "/v1/join"))
    assert refused(signing.raw(db, "GET", "/v1/no-such-thing"))


def test_p7_table_names_and_keys_have_bounds(db):
    for path in ("/v1/put/a b/k", "/v1/put/" + "t" * 65 + "/k", "/v1/put/t/", "/v1/put/t/" + "k" * 1025):
        assert ask(db, "POST", path, body=b"v").status == 400, path
    assert put(db, "t", "k" * 1024, b"v").status == 201
    assert ask(db, "GET", "/v1/put/t/k").status == 405
    assert ask(db, "GET", "/v2/get/t/k").status == 404


def test_p11_leader_names_the_api_address(db):
    answer = ask(db, "GET", "/v1/leader").json
    assert answer == {"leader_id": "metadata-1", "leader_addr": f"{db.host}:{db.port}", "is_leader": True}


def test_p12_there_is_nothing_to_join_in_one_process(db):
    assert ask(db, "POST", "/v1/join", body=b'{"node_id": "2", "addr": "127.0.0.1:1"}').status == 501
    assert ask(db, "POST", "/v1/join", body=b'{"node_id": 2}').status == 400


def test_p13_status_needs_no_signature_and_numbers_are_strings(db):
    answer = signing.raw(db, "GET", "/status")
    status = json.loads(answer.body)
    assert answer.status == 200
    assert set(status) == {"node_id", "state", "leader", "leader_addr", "term", "commit_index", "applied_index", "is_leader"}
    assert status["state"] == "Leader" and status["is_leader"] is True
    assert all(status[k].isdigit() for k in ("term", "commit_index", "applied_index"))


def test_p14_health_needs_no_signature(db):
    answer = signing.raw(db, "GET", "/health")
    health = json.loads(answer.body)
    assert answer.status == 200 and health["status"] == "healthy"
    datetime.datetime.fromisoformat(health["time"].replace("Z", "+00:00"))


def test_p16_what_was_acknowledged_survives_kill_9(new_server):
    server = new_server(options=["--s3db", "127.0.0.1:0"]).start()
    db, acked, stop = server.front("s3db"), {}, threading.Event()

    def write():
        n = 0
        while not stop.is_set():
            try:
                if put(db, "crash", f"k{n}", str(n).encode()).status == 201:
                    acked[f"k{n}"] = str(n).encode()
            except OSError:
                return
            n += 1
    thread = threading.Thread(target=write)
    thread.start()
    wait_until(lambda: len(acked) > 50, "fifty acknowledged writes")
    server.kill()
    stop.set()
    thread.join()
    db = server.start().front("s3db")
    for key, value in acked.items():
        assert value_of(get(db, "crash", key)) == value


@pytest.fixture(scope="module")
def group(tmp_path_factory):
    path = tmp_path_factory.mktemp("s3db-cluster")
    c = clusters.Cluster(path, nodes=3, members=3)
    ports = clusters.free_ports(3)
    text = c.config_path.read_text()
    for name, port in zip(c.names, ports):
        text = text.replace(f"{{id: {name}, ", f'{{id: {name}, s3db: "127.0.0.1:{port}", ')
    c.config_path.write_text(text)
    c.start()
    yield c
    c.close()


def doors(group):
    return {n.name: n.front("s3db") for n in group.nodes[:3] if n.alive()}  # one that is added later has none


def leader_of(group):
    def settled():
        said = [ask(d, "GET", "/v1/leader").json for d in doors(group).values()]
        return said[0] if len({s.get("leader_addr") for s in said}) == 1 and "leader_id" in said[0] else None
    return wait_until(settled, "all nodes name one leader")


def test_p11_in_a_cluster_every_node_names_the_leaders_s3db_address(group):
    leader = leader_of(group)
    assert leader["leader_addr"] == "{0.host}:{0.port}".format(doors(group)[leader["leader_id"]])
    for name, door in doors(group).items():
        assert ask(door, "GET", "/v1/leader").json["is_leader"] is (name == leader["leader_id"])
        status = json.loads(signing.raw(door, "GET", "/status").body)
        assert (status["node_id"], status["leader"]) == (name, leader["leader_id"])
        assert status["state"] == ("Leader" if name == leader["leader_id"] else "Follower")


def test_p16_any_node_serves_writes_and_reads_of_all(group):
    for name, door in doors(group).items():
        assert put(door, "spread", name, name.encode()).status == 201
    for door in doors(group).values():
        for name in doors(group):
            assert value_of(get(door, "spread", name)) == name.encode()


def test_p7_and_p9_who_asks_for_the_leader_is_sent_to_its_api_address(group):
    leader = leader_of(group)
    for name, door in doors(group).items():
        query = [("consistency", "leader")]
        answer = put(door, "led", name, b"v", query)
        if name == leader["leader_id"]:
            assert answer.status == 201
            continue
        assert answer.status == 307
        assert answer.json["error"] == "NotLeader" and answer.json["message"]
        assert answer.json["leader"] == leader["leader_addr"]
        assert answer.headers["location"] == f"http://{leader['leader_addr']}/v1/put/led/{name}?consistency=leader"
        assert get(door, "led", name).status == 404  # nothing was written
        assert ask(door, "DELETE", f"/v1/delete/led/{name}", query).status == 307
        there = doors(group)[leader["leader_id"]]  # followed, and signed anew
        assert put(there, "led", name, b"v", query).status == 201
        assert value_of(get(door, "led", name)) == b"v"
    assert put(door, "led", "k", b"v", [("consistency", "strong")]).status == 400


def test_p12_joining_what_has_joined_changes_nothing(group):
    door = doors(group)["node-1"]
    body = json.dumps({"node_id": "node-2", "addr": f"127.0.0.1:{group.ports[1]}"}).encode()
    for _ in range(2):
        answer = ask(door, "POST", "/v1/join", body=body)
        assert (answer.status, answer.json) == (200, {"status": "joined", "node_id": "node-2"})


def test_p12_a_node_that_was_added_joins_the_group(group):
    new = group.add()
    new.start()
    door = doors(group)["node-1"]
    body = json.dumps({"node_id": new.name, "addr": f"127.0.0.1:{group.ports[3]}"}).encode()
    answer = ask(door, "POST", "/v1/join", body=body)
    assert (answer.status, answer.json) == (200, {"status": "joined", "node_id": new.name})
    assert ask(door, "POST", "/v1/join", body=b'{"node_id": "x"}').status == 400


def test_p12_an_address_changes_with_its_node_and_not_by_a_word(group):
    moves, door = group.nodes[3], doors(group)["node-1"]

    def join(port):
        return ask(door, "POST", "/v1/join", body=json.dumps({"node_id": moves.name, "addr": f"127.0.0.1:{port}"}).encode())
    old, (new,) = group.ports[3], clusters.free_ports(1)
    refused = join(new)
    assert refused.status == 409 and f"127.0.0.1:{old}" in refused.json["message"], refused
    assert moves.terminate() == 0
    group.ports[3] = new
    group.write_config()
    moves.start()
    joined = wait_until(lambda: (lambda a: a if a.status == 200 else None)(join(new)), "the group has it at its new address", 60)
    assert joined.json == {"status": "joined", "node_id": moves.name}
    assert join(old).status == 409


def test_p16_writes_go_on_with_a_new_leader_when_the_old_one_dies(group):
    leader = leader_of(group)
    put(doors(group)["node-1"], "failover", "before", b"v")
    group.nodes[group.names.index(leader["leader_id"])].kill()
    name, door = next(iter(doors(group).items()))
    wait_until(lambda: put(door, "failover", "after", b"w").status == 201, "a write is taken again", 60)
    assert value_of(get(door, "failover", "before")) == b"v"
    assert ask(door, "GET", "/v1/leader").json["leader_id"] != leader["leader_id"]
