"""files_client: requests to the files front door for its tests: signed, and answers as JSON."""
import json
import random

import signing

OPTIONS = ["--files", "127.0.0.1:0"]
MiB = 1 << 20


def ask(door, method, path, query=(), body=b"", headers=None, **how):
    answer = signing.signed(door, method, path, query, headers=headers, body=body, service="troupe", **how)
    answer.json = json.loads(answer.body) if answer.headers.get("content-type") == "application/json" and answer.body else None
    return answer


def upload(door, body, query=(), headers=None):
    answer = ask(door, "POST", "/files", query, body, headers)
    assert answer.status == 201, answer
    return answer.json


def noise(n, seed=1):
    return random.Random(seed).randbytes(n)


def text(n):
    return (b"a line that looks like the others, number %d\n" * 4 * (n // 100 + 1))[:n].replace(b"%d", b"17")


def verified(door):
    answer = ask(door, "POST", "/admin/wal/verify")
    assert answer.status == 200, answer
    assert answer.json["valid"], answer.json
    return answer.json


def all_entries(door):
    entries = []
    wal = ask(door, "GET", "/admin/wal").json
    for segment in [s["segment_id"] for s in wal["segments"]] + ["active"]:
        after = []
        while True:
            page = ask(door, "GET", f"/admin/wal/{segment}", [("limit", "1000")] + after).json
            entries += page["entries"]
            if "next" not in page:
                break
            after = [("after", str(page["next"]))]
    return entries
