"""Seed 003's files with a write-ahead log through the real binary: rows W of the requirements, X4, X5 and X20 (docs/FILES.md).
Crashes and clusters: test_seed_files_recovery.py."""
import base64
import datetime
import hashlib
import json
import os
import re
import struct
import subprocess

import pytest

import server as servers
import signing
from files_client import MiB, OPTIONS, all_entries, ask, noise, text, upload, verified
from server import wait_until


@pytest.fixture(scope="module")
def process(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("files") / "data", options=OPTIONS).start()
    yield s
    assert s.terminate() == 0


@pytest.fixture(scope="module")
def door(process):
    return process.front("files")


# ---- upload, download, delete ----------------------------------------------------------------------------------------------

@pytest.mark.parametrize("size", [0, 1, 5000, 8192, 8193, 70_000, 3 * MiB, 9 * MiB + 17])
def test_w9_and_w10_what_was_uploaded_is_downloaded(door, size):
    content = noise(size, size)
    info = upload(door, content, [("name", "räksmörgås.bin")], {"Content-Type": "application/x-test"})
    assert re.fullmatch("[0-9a-f]{32}", info["id"])
    assert info["size"] == size and info["name"] == "räksmörgås.bin"
    assert info["etag"] == hashlib.md5(content).hexdigest() and info["sha256"] == hashlib.sha256(content).hexdigest()
    answer = ask(door, "GET", f"/files/{info['id']}")
    assert answer.status == 200 and answer.body == content
    assert answer.headers["content-type"] == "application/x-test"
    assert answer.headers["etag"] == f'"{info["etag"]}"'
    head = ask(door, "HEAD", f"/files/{info['id']}")
    assert (head.status, head.headers["content-length"], head.body) == (200, str(size), b"")


def test_w16_the_curl_command_of_the_page_uploads_and_curl_downloads(door, tmp_path):
    page = (servers.ROOT / "docs" / "FILES.md").read_text()
    script = "curl " + page.split("```\ncurl ")[1].split("```")[0].replace("127.0.0.1:8001", f"{door.host}:{door.port}")
    (tmp_path / "report.pdf").write_bytes(noise(200_000))

    def run(text):
        done = subprocess.run(["bash", "-euc", text.replace("curl ", "curl --silent --show-error --fail-with-body ")], cwd=tmp_path,
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, "KEY": door.access_key, "SECRET": door.secret_key})
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout
    said = json.loads(run(script))
    assert (said["name"], said["size"], said["replication"]) == ("report.pdf", 200_000, "sync")
    run('curl --aws-sigv4 aws:amz:us-east-1:troupe --user "$KEY:$SECRET" -H x-amz-content-sha256:UNSIGNED-PAYLOAD '
        f'-o copy.pdf "http://{door.host}:{door.port}/files/{said["id"]}"')
    assert (tmp_path / "copy.pdf").read_bytes() == noise(200_000)


def form(content, before=b"", name="up.txt", after=b""):
    return (before + b'--XX\r\nContent-Disposition: form-data; name="file"; filename="' + name.encode() +
            b'"\r\nContent-Type: text/plain\r\n\r\n' + content + b"\r\n" + after + b"--XX--\r\n")


FORM = {"Content-Type": "multipart/form-data; boundary=XX"}
FIELD = b'--XX\r\nContent-Disposition: form-data; name="note"\r\n\r\nhello\r\n'


@pytest.mark.parametrize("content", [b"", b"hello", b"\r\n--X", b"\r\n--XY--\r\n", noise(100_000), text(500_000)])
def test_w16_a_form_is_an_upload(door, content):
    info = upload(door, form(content, FIELD), headers=FORM)
    assert (info["name"], info["content_type"], info["size"]) == ("up.txt", "text/plain", len(content))
    assert ask(door, "GET", f"/files/{info['id']}").body == content


def test_w16_a_form_that_is_cut_or_goes_on_behind_the_file_is_refused(door):
    before = len(ask(door, "GET", "/files", [("limit", "1000")]).json["files"])
    whole = form(b"x" * 20_000)
    bad = [whole[:-1], whole[:-10], whole + b"more", form(b"data", after=FIELD), b"--XX--\r\n", b"", b"nonsense", FIELD + b"--XX--\r\n",
           form(b"y" * 20_000, after=FIELD)]
    for body in bad:
        assert ask(door, "POST", "/files", body=body, headers=FORM).status == 400, body[-60:]
    other = hashlib.sha256(b"other").hexdigest()
    assert ask(door, "POST", "/files", body=whole, headers=FORM, payload_hash=other).status == 400
    assert len(ask(door, "GET", "/files", [("limit", "1000")]).json["files"]) == before


def test_w10_a_range_is_answered_206_and_one_beyond_the_end_416(door):
    for content in (noise(700_000), text(700_000)):  # as it is, and compressed
        info = upload(door, content)
        for spec, expected in [("bytes=0-4", content[:5]), ("bytes=650000-650099", content[650000:650100]),
                               ("bytes=-7", content[-7:]), ("bytes=699999-", content[-1:])]:
            answer = ask(door, "GET", f"/files/{info['id']}", headers={"Range": spec})
            assert (answer.status, answer.body) == (206, expected), spec
            assert answer.headers["content-range"].endswith("/700000")
        assert ask(door, "GET", f"/files/{info['id']}", headers={"Range": "bytes=700000-"}).status == 416


def test_w10_conditions_hold(door):
    info = upload(door, b"content")
    path, tag = f"/files/{info['id']}", f'"{info["etag"]}"'
    assert ask(door, "GET", path, headers={"If-None-Match": tag}).status == 304
    assert ask(door, "GET", path, headers={"If-Match": '"other"'}).status == 412
    assert ask(door, "PUT", path, body=b"new", headers={"If-Match": '"other"'}).status == 412
    assert ask(door, "GET", path).body == b"content"
    assert ask(door, "PUT", path, body=b"new", headers={"If-Match": tag}).status == 200
    assert ask(door, "GET", path).body == b"new"


def test_w16_update_replaces_a_file_and_needs_one(door):
    info = upload(door, noise(100_000))
    for content in (text(200_000), b"", noise(9000, 3)):
        answer = ask(door, "PUT", f"/files/{info['id']}", body=content)
        assert answer.status == 200 and answer.json["id"] == info["id"]
        assert ask(door, "GET", f"/files/{info['id']}").body == content
    assert ask(door, "PUT", "/files/" + "0" * 32, body=b"x").status == 404
    assert ask(door, "PUT", "/files/not-an-id", body=b"x").status == 404


def test_w11_delete_answers_204_and_then_the_file_is_gone(door):
    info = upload(door, b"content")
    assert ask(door, "DELETE", f"/files/{info['id']}").status == 204
    for method in ("GET", "HEAD", "DELETE"):
        assert ask(door, method, f"/files/{info['id']}").status == 404
    assert ask(door, "GET", "/files/" + "../" * 3 + "etc/passwd").status == 404


def test_w16_files_are_listed_page_by_page(door):
    ids = {upload(door, b"listed")["id"] for _ in range(5)}
    seen, after = [], []
    while True:
        page = ask(door, "GET", "/files", [("limit", "2")] + after).json
        seen += [f["id"] for f in page["files"]]
        if not page["truncated"]:
            break
        after = [("after", page["next"])]
    assert ids <= set(seen) and seen == sorted(set(seen))


def test_w16_an_upload_needs_a_length_and_one_that_is_cut_leaves_nothing(door):
    count = len(all_entries(door))
    headers = signing.headers_for(door, "POST", "/files", service="troupe", payload_hash=signing.UNSIGNED)
    answer = signing.raw(door, "POST", "/files", headers | {"transfer-encoding": "chunked"}, b"0\r\n\r\n")
    assert answer.status == 411
    content = noise(50_000)
    assert ask(door, "POST", "/files", body=content, payload_hash=hashlib.sha256(b"other").hexdigest()).status == 400
    assert len(all_entries(door)) == count


def test_w16_requests_that_are_not_signed_are_refused(door):
    for method, path in [("GET", "/files"), ("POST", "/files"), ("GET", "/admin/wal"), ("POST", "/admin/wal/rotate"), ("GET", "/x")]:
        assert signing.raw(door, method, path).status == 403
        assert signing.signed(door, method, path, service="troupe", secret_key="wrong").status == 403
    assert ask(door, "GET", "/x").status == 404
    assert ask(door, "PATCH", "/files").status == 405


def test_files_are_not_seen_through_s3(process, door):
    upload(door, b"content")
    listing = signing.signed(process, "GET", "/")
    assert listing.status == 200 and b".files" not in listing.body
    for method, path in [("GET", "/.files"), ("PUT", "/.files"), ("DELETE", "/.files"), ("PUT", "/.files/x")]:
        assert signing.signed(process, method, path, body=b"").status == 400


# ---- replication -----------------------------------------------------------------------------------------------------------

@pytest.mark.parametrize("mode", ["sync", "quorum", "async"])
def test_w6_and_w7_replication_is_chosen_by_request(door, mode):
    content = noise(50_000, 5)  # three copies
    info = upload(door, content, [("replication", mode)])
    assert info["replication"] == mode
    assert ask(door, "GET", f"/files/{info['id']}").body == content

    def whole():  # at once, or soon when it was acknowledged with less
        line = ask(door, "GET", f"/admin/replicas/{info['id']}").json
        return line["losses"] == 2
    if mode == "sync":
        assert whole()
    wait_until(whole, "all three copies are there", 60)


def test_x4_async_is_refused_where_one_piece_is_no_copy(door):
    answer = ask(door, "POST", "/files", [("replication", "async")], noise(100_000))
    assert answer.status == 400 and "erasure" in answer.json["error"]["message"]
    assert ask(door, "POST", "/files", [("replication", "maybe")], b"x").status == 400


def test_w8_replicas_says_where_pieces_are(door):
    large, small = upload(door, noise(200_000)), upload(door, b"small")
    found, after = {}, []
    while True:
        page = ask(door, "GET", "/admin/replicas", after).json
        found |= {f["id"]: f for f in page["files"]}
        if not page["truncated"]:
            break
        after = [("after", page["next"])]
    assert found[small["id"]]["inline"] is True
    assert found[large["id"]]["inline"] is False and found[large["id"]]["losses"] == 2


# ---- the log ---------------------------------------------------------------------------------------------------------------

def checksum(e):
    """As docs/FILES.md says: SHA-256 over the fields in order, numbers as 8 bytes, texts behind their length."""
    def number(n):
        return struct.pack(">Q", n)

    def blob(b):
        return number(len(b)) + b
    when = datetime.datetime.fromisoformat(e["timestamp"].replace("Z", "+00:00"))
    epoch = datetime.datetime(1970, 1, 1, tzinfo=datetime.timezone.utc)
    ms = (when - epoch) // datetime.timedelta(milliseconds=1)
    operation = ["CREATE", "UPDATE", "DELETE"].index(e["operation"]) + 1
    return hashlib.sha256(number(e["id"]) + number(operation) + blob(e["file_id"].encode()) + blob(base64.b64decode(e["data"])) +
                          number(e["segment_id"]) + number(e["position"]) + number(ms) +
                          blob(bytes.fromhex(e["previous"]))).hexdigest()


def test_w4_every_operation_has_an_entry_with_the_eight_fields(door):
    before = len(all_entries(door))
    info = upload(door, b"one")
    ask(door, "PUT", f"/files/{info['id']}", body=b"two")
    ask(door, "DELETE", f"/files/{info['id']}")
    entries = all_entries(door)
    assert len(entries) == before + 3
    mine = entries[-3:]
    assert [e["operation"] for e in mine] == ["CREATE", "UPDATE", "DELETE"]
    assert {e["file_id"] for e in mine} == {info["id"]}
    for e in mine:
        assert {"id", "operation", "file_id", "data", "checksum", "segment_id", "position", "timestamp"} <= set(e)
    assert [e["id"] for e in entries] == list(range(entries[0]["id"], entries[0]["id"] + len(entries)))
    previous = entries[0]["previous"]
    for e in entries:
        assert e["previous"] == previous
        assert e["checksum"] == checksum(e)
        previous = e["checksum"]
    verified(door)


def test_w2_what_fails_leaves_no_entry(door):
    before = len(all_entries(door))
    assert ask(door, "PUT", "/files/" + "0" * 32, body=b"x").status == 404
    assert ask(door, "DELETE", "/files/" + "0" * 32).status == 404
    assert len(all_entries(door)) == before


def test_w3_and_w5_rotation_closes_the_active_segment(door):
    upload(door, b"content")
    answer = ask(door, "POST", "/admin/wal/rotate").json
    closed, active = answer["closed"], answer["active"]
    assert closed["name"] == f"wal.segments/segment_{closed['segment_id']}.wal" and active["name"] == "wal.active"
    assert active["segment_id"] == closed["segment_id"] + 1 and active["entries"] == 0
    assert ask(door, "POST", "/admin/wal/rotate").json["closed"] is None  # an empty one stays
    upload(door, b"content")
    assert ask(door, "GET", "/admin/wal/active").json["entries"][-1]["segment_id"] == active["segment_id"]
    last = ask(door, "GET", f"/admin/wal/segment_{closed['segment_id']}.wal", [("limit", "1000")]).json["entries"]
    assert len(last) == closed["entries"]
    assert ask(door, "GET", "/admin/wal/999999").status == 404
    assert ask(door, "GET", "/admin/wal/nonsense").status == 400
    verified(door)


def test_w13_replay_finds_nothing_to_do(door):
    answer = ask(door, "POST", "/admin/wal/replay", [("repair", "all")])
    assert answer.status == 200 and answer.json["valid"] and answer.json["differences"] == []
    assert ask(door, "POST", "/admin/wal/replay", [("repair", "perhaps")]).status == 400


def test_w12_health_and_readiness_need_no_signature(door):
    assert signing.raw(door, "GET", "/health").status == 200
    wait_until(lambda: signing.raw(door, "GET", "/ready").status == 200, "the log was read")


# ---- compression and the cache ---------------------------------------------------------------------------------------------

def test_w21_files_are_compressed_where_it_pays(door):
    shrinks, grows = upload(door, text(1_000_000)), upload(door, noise(1_000_000))
    assert shrinks["compression"] == "zstd" and shrinks["stored_size"] < 100_000 and shrinks["size"] == 1_000_000
    assert shrinks["sha256"] == hashlib.sha256(text(1_000_000)).hexdigest()
    assert grows["compression"] == "none" and grows["stored_size"] == 1_000_000
    assert ask(door, "GET", f"/files/{shrinks['id']}").body == text(1_000_000)
    assert ask(door, "HEAD", f"/files/{shrinks['id']}").headers["content-length"] == "1000000"
    assert upload(door, text(1_000_000), [("compression", "none")])["compression"] == "none"
    large = upload(door, text(9 * MiB))  # beyond what is held in memory
    assert large["compression"] == "none" and ask(door, "GET", f"/files/{large['id']}").body == text(9 * MiB)
    wrong = hashlib.sha256(b"other").hexdigest()
    assert ask(door, "POST", "/files", body=text(100_000), payload_hash=wrong).status == 400


def test_w21_a_hot_file_comes_from_memory_and_is_never_stale(door):
    info = upload(door, noise(300_000, 1))
    path = f"/files/{info['id']}"
    assert "x-cache" not in ask(door, "GET", path).headers
    again = ask(door, "GET", path)
    assert again.headers["x-cache"] == "hit" and again.body == noise(300_000, 1)
    part = ask(door, "GET", path, headers={"Range": "bytes=100-199"})
    assert part.headers["x-cache"] == "hit" and part.body == noise(300_000, 1)[100:200]
    ask(door, "PUT", path, body=noise(300_000, 2))
    fresh = ask(door, "GET", path)
    assert "x-cache" not in fresh.headers and fresh.body == noise(300_000, 2)
    ask(door, "DELETE", path)
    assert ask(door, "GET", path).status == 404


# ---- verification by itself ------------------------------------------------------------------------------------------------

def test_w15_the_log_is_verified_by_itself(new_server):
    server = new_server(options=OPTIONS + ["--files-verify-interval", "1s"],
                        environment={"TROUPE_FILES_WAL_SEGMENT": "8KiB"}).start()
    door = server.front("files")
    for n in range(3):
        upload(door, noise(20_000, n))

    def seen():
        wal = ask(door, "GET", "/admin/wal").json
        return wal if wal["verified"] and wal["verified"]["entries"] == 3 else None
    wal = wait_until(seen, "the log was verified")
    verified_ = wal["verified"]
    assert verified_["valid"] and verified_["files"] == 3 and (verified_["faults"], verified_["differences"]) == (0, 0)
    assert wal["segment_bytes"] == 8192
    again = wait_until(lambda: (lambda v: v if v["at"] != verified_["at"] else None)(ask(door, "GET", "/admin/wal").json["verified"]),
                       "and again")
    assert again["valid"]

    def metrics():
        return dict(line.split(" ") for line in server.console("/metrics")[1].decode().splitlines()
                    if line.startswith("troupe_files_log_"))
    found = wait_until(metrics, "the metrics are there")
    assert float(found["troupe_files_log_faults"]) == 0 and float(found["troupe_files_log_differences"]) == 0
    assert float(found["troupe_files_log_verified_seconds"]) > 1.7e9
    assert "the log was verified in" in server.log_path.read_text()


def test_settings_of_files_are_checked_as_in_a_configuration(new_server):
    for flag, value in [("--files-wal-segment", "1KiB"), ("--files-wal-segments-kept", "0"), ("--files-cache", "much"),
                        ("--files-verify-interval", "10")]:
        done = subprocess.run([str(servers.BINARY), "dev", flag, value], capture_output=True, text=True, timeout=60)
        assert done.returncode == 2 and flag in done.stderr and "expected" in done.stderr, done.stderr
