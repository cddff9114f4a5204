"""Seed 001, the directory: keys and values in M disk buckets by SHA-256 modulo M. Row ids (D1, ...) are of docs/SEEDS.md."""
import json
import os
import re
import shutil
import subprocess
import threading

import pytest

import server as servers
import signing
from browser import CHROMIUM, Browser
from conftest import client_of
from directory import DIRECTORY, Directory, front, number_of
from identities import new_user

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts servers of its own")


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    s = servers.Server(tmp_path_factory.mktemp("directory") / "data", options=DIRECTORY).start()
    yield s
    s.close()


@pytest.fixture(scope="module")
def directory(store):
    return front(store)


def test_d1_bucket_id_is_sha256_modulo_m_and_both_buckets_get_about_half(directory):
    keys = [f"spread/{i}" for i in range(200)]
    ids = [directory.put(k, "v")["bucket_id"] for k in keys]
    assert ids == [number_of(k) % 2 for k in keys]
    assert 60 <= sum(ids) <= 140  # 200 fair coins stay in there but for one time in 10^8
    assert [directory.put(k, "v")["bucket_id"] for k in keys[:20]] == ids[:20]


def test_d5_put_creates_and_then_updates_from_query_json_and_raw_body(directory):
    key = "pütten/ä b+c?d"
    said = {"key": key, "bucket_id": number_of(key) % 2, "digest": str(number_of(key))[-1]}
    assert directory.ask("PUT", "/put", {"key": key, "value": "one & two"}) == (200, {**said, "value": "one & two", "action": "created"})
    document = json.dumps({"key": key, "value": "zwei\u0000"}).encode()
    assert directory.ask("PUT", "/put", None, document, {"content-type": "application/json; charset=utf-8"}) == (
        200, {**said, "value": "zwei\u0000", "action": "updated"})
    assert directory.ask("PUT", "/put", {"key": key}, b'{"raw": 3}', {"content-type": "text/plain"}) == (
        200, {**said, "value": '{"raw": 3}', "action": "updated"})
    assert directory.get(key) == '{"raw": 3}'
    large = "ö" * 400_000  # goes to the storage nodes
    assert directory.put(key, large)["action"] == "updated"
    assert directory.get(key) == large


def test_d5_parallel_puts_of_one_key_create_it_once(directory):
    actions = []
    threads = [threading.Thread(target=lambda i=i: actions.append(directory.put("race", f"v{i}")["action"])) for i in range(16)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(actions) == ["created"] + ["updated"] * 15


def test_d6_get_answers_value_bucket_and_digest_and_keys_may_hold_slashes(directory):
    for key in ("plain", "a/b/c", "/leading", "trailing/", "..", "a//b"):
        directory.put(key, "value of " + key)
        n = number_of(key)
        assert directory.ask("GET", "/get/" + key) == (200, {"value": "value of " + key, "bucket_id": n % 2, "digest": str(n)[-1]})


def test_d7_delete_answers_the_deleted_value_and_then_404(directory):
    key = "to/delete"
    directory.put(key, "last words")
    n = number_of(key)
    assert directory.ask("DELETE", "/delete/" + key) == (
        200, {"key": key, "value": "last words", "bucket_id": n % 2, "digest": str(n)[-1]})
    assert directory.ask("DELETE", "/delete/" + key)[0] == 404
    assert directory.get(key) is None


def test_d7_of_parallel_deletes_one_gets_the_value(directory):
    directory.put("once", "x" * 20_000)
    answers = []
    threads = [threading.Thread(target=lambda: answers.append(directory.ask("DELETE", "/delete/once"))) for _ in range(8)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert sorted(status for status, _ in answers) == [200] + [404] * 7


def test_d8_health_tells_bucket_count_and_a_disk_bucket_its_keys(directory):
    assert directory.ask("GET", "/health") == (200, {"bucket_count": 2})
    directory.put("counted", "1")
    keys = {}
    for i in range(2):
        status, page = directory.ask("GET", f"/buckets/{i}/keys")
        assert status == 200 and all(number_of(k) % 2 == i for k in page["keys"])
        keys[i] = page["keys"]
        assert directory.ask("GET", f"/buckets/{i}/health") == (200, {"bucket_id": i, "keys_len": len(keys[i])})
    assert "counted" in keys[number_of("counted") % 2]
    assert directory.ask("GET", "/buckets/2/health")[0] == 404


def test_d8_keys_of_a_disk_bucket_come_in_pages(directory):
    for i in range(40):
        directory.put(f"page/{i}", "v")
    whole = directory.ask("GET", "/buckets/0/keys")[1]["keys"]
    found, after = [], None
    while True:
        page = directory.ask("GET", "/buckets/0/keys", {"limit": 7, **({"after": after} if after else {})})[1]
        found += page["keys"]
        after = page.get("after")
        if after is None:
            break
    assert len(whole) > 7 and found == whole


def test_d10_errors_have_the_shapes_that_clients_know(directory):
    n = number_of("nothing here") % 2
    inner = {"detail": f"Key not found: nothing here in bucket: {n}"}
    status, said = directory.ask("GET", "/get/nothing here")
    assert status == 404 and json.loads(said["detail"]) == inner
    assert directory.ask("GET", "/nowhere") == (404, {"detail": "Not Found"})
    assert directory.ask("POST", "/put") == (405, {"detail": "Method Not Allowed"})
    status, said = directory.ask("PUT", "/put", {"value": "v"})
    assert status == 422 and said["detail"] == [{"loc": ["query", "key"], "msg": "field required", "type": "value_error.missing"}]
    assert directory.ask("PUT", "/put", {"key": "k"})[0] == 422
    assert directory.ask("PUT", "/put", {"key": "k", "value": "v"}, b"w", {"content-type": "text/plain"})[0] == 422
    assert directory.ask("PUT", "/put", {"key": "k"}, b"\xff\xfe", {"content-type": "text/plain"})[0] == 422
    assert directory.ask("PUT", "/put", {"key": "k"}, b'{"value": [1]}', {"content-type": "application/json"})[0] == 422
    assert directory.ask("PUT", "/put", {"key": "k"}, b'{"value"', {"content-type": "application/json"})[0] == 422
    assert directory.ask("PUT", "/put", {"key": "k" * 1025, "value": "v"}) == (414, {"detail": "key: 1025 bytes; at most 1024"})
    assert directory.ask("GET", "/get/k", headers={"host": "evil.example"})[1]["detail"].startswith("this port is open to this machine")
    assert directory.ask("PUT", "/put", {"key": "k"}, b"x" * (1 << 20) + b"x", {"content-type": "text/plain"})[0] == 413
    assert directory.get("k") is None


def test_d11_a_disk_bucket_is_spoken_to_directly_and_refuses_the_keys_of_others(directory):
    key = "direct/key"
    mine, other = number_of(key) % 2, 1 - number_of(key) % 2
    assert directory.ask("PUT", f"/buckets/{mine}/put", {"key": key, "value": "v"}) == (
        200, {"key": key, "value": "v", "action": "created"})
    assert directory.ask("GET", f"/buckets/{mine}/get/{key}") == (200, {"value": "v"})
    assert directory.ask("PUT", f"/buckets/{other}/put", {"key": key, "value": "w"})[0] == 409
    for method, verb in (("GET", "get"), ("DELETE", "delete")):
        assert directory.ask(method, f"/buckets/{other}/{verb}/{key}") == (
            404, {"detail": f"Key not found: {key} in bucket: {other}"})
    assert directory.ask("DELETE", f"/buckets/{mine}/delete/{key}") == (200, {"key": key, "value": "v"})


def test_d12_openapi_describes_every_operation_and_docs_needs_nothing_from_elsewhere(directory):
    status, api = directory.ask("GET", "/openapi.json")
    assert status == 200 and api["openapi"].startswith("3.")
    for path, methods in api["paths"].items():
        for method, what in methods.items():
            assert {p["name"] for p in what.get("parameters", []) if p["in"] == "path"} == set(re.findall(r"{(\w+)}", path))
            status, said = directory.ask(method.upper(), path.replace("{id}", "0").replace("{key}", "no-such-key"))
            assert status != 405 and said != {"detail": "Not Found"}, (path, method)
    status, page = directory.ask("GET", "/docs")
    assert status == 200 and "openapi.json" in page
    assert not re.search(r"(src|href)=.(https?:)?//", page) and "http" not in page.lower().replace("http-equiv", "")


# As little of a browser as the page needs: elements are objects that remember what was put into them.
BROWSER = r"""
const made = [];
const element = tag => { const e = {tag, children: [], listeners: {}, append(...c) { e.children.push(...c); },
  replaceChildren(...c) { e.children = c; }, addEventListener(n, f) { e.listeners[n] = f; }}; made.push(e); return e; };
const byId = {about: element("p"), proofs: element("form"), operations: element("main")};
globalThis.document = {createElement: element, getElementById: id => byId[id], baseURI: BASE};
const inBrowser = globalThis.fetch, asked = [];
globalThis.fetch = async (url, options) => { asked.push([options && options.method || "GET", url]); return inBrowser(BASE + "/" + url.replace(/^[/]/, ""), options); };
const until = async done => { for (let i = 0; i < 1000 && !done(); ++i) await new Promise(f => setTimeout(f, 10)); };
(async () => {
  await until(() => byId.operations.children.length > 0);
  const fill = async (id, values) => {
    const form = made.find(e => e.tag === "form" && e.id === id);
    for (const input of form.children) if (values[input.name] !== undefined) input.value = values[input.name];
    for (const input of form.children) if (input.tag === "input" && input.value === undefined) input.value = "";
    const out = form.children.find(e => e.tag === "pre");
    form.listeners.submit({preventDefault() {}});
    await until(() => out.textContent !== "...");
    return out.textContent;
  };
  const shown = [await fill("put", {key: "in/a browser", body: "typed"}), await fill("get", {key: "in/a browser"})];
  console.log(JSON.stringify({operations: byId.operations.children.length, shown, asked}));
})();
"""


@pytest.mark.skipif(shutil.which("node") is None, reason="runs the page's script in node")
def test_d12_the_docs_page_builds_a_form_for_every_operation_and_sends_it(directory, tmp_path):
    script = re.search(r"<script>(.*)</script>", directory.ask("GET", "/docs")[1], re.S)[1]
    (tmp_path / "page.js").write_text(f"const BASE = 'http://{directory.host}:{directory.port}';\n{BROWSER}\n{{{script}}}")
    done = subprocess.run(["node", "page.js"], cwd=tmp_path, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    said = json.loads(done.stdout)
    assert said["operations"] == sum(map(len, directory.ask("GET", "/openapi.json")[1]["paths"].values()))
    assert "200" in said["shown"][0] and '"action": "created"' in said["shown"][0]
    assert '"value": "typed"' in said["shown"][1]
    assert ["GET", "/get/in/a%20browser"] in said["asked"]

needs_chromium = pytest.mark.skipif(CHROMIUM is None, reason="needs chromium in PATH (apt-get install --no-install-recommends chromium)")


@pytest.fixture
def browser(tmp_path):
    b = Browser(tmp_path / "profile")
    yield b
    b.close()


def sent(browser, operation, **fields):
    """Fills the form of an operation, presses its button, and gives back (status, what the answer said)."""
    if not browser.value(f"document.getElementById('{operation}').parentElement.open"):
        browser.click(f"details:has(#{operation}) > summary")
    browser.value(f"document.querySelector('#{operation} pre').textContent = ''")
    for name, text in fields.items():
        if name == "type":
            browser.value(f"document.querySelector('#{operation} select').value = '{text}'")
        else:
            browser.type(f"#{operation} [name={name}]", text)
    browser.click(f"#{operation} button")
    shown = browser.until(f"(t => t !== '...' && t)(document.querySelector('#{operation} pre').textContent)", f"{operation} is answered")
    if shown.startswith("not sent"):
        return 0, shown
    _, status, said = shown.split("\n", 2)
    return int(status), json.loads(said)


@needs_chromium
def test_d12_in_a_browser_the_docs_page_sends_every_operation_and_asks_nobody_else(directory, browser):
    here = f"http://{directory.host}:{directory.port}"
    api = directory.ask("GET", "/openapi.json")[1]
    operations = {what["operationId"] for methods in api["paths"].values() for what in methods.values()}
    browser.open(here + "/docs")
    browser.until(f"document.querySelectorAll('details form').length === {len(operations)}", "a form for every operation")
    assert set(browser.value("[...document.querySelectorAll('details form')].map(f => f.getAttribute('id'))")) == operations
    assert browser.requests == [("GET", here + "/docs"), ("GET", here + "/openapi.json")] and not browser.complaints

    key = "in/a browser ?&#%/ä"
    bucket = number_of(key) % 2
    at = {"key": key, "id": str(bucket)}
    digest = {"bucket_id": bucket, "digest": str(number_of(key))[-1]}
    done = {}
    done["put"] = sent(browser, "put", key=key, body='{"raw": 3}', type="text/plain")
    assert done["put"] == (200, {"key": key, "value": '{"raw": 3}', "action": "created", **digest})
    assert sent(browser, "put", key="", body=json.dumps({"key": key, "value": "typed"}), type="application/json")[1]["action"] == "updated"
    done["get"] = sent(browser, "get", key=key)
    assert done["get"] == (200, {"value": "typed", **digest})
    done["health"] = sent(browser, "health")
    assert done["health"] == (200, {"bucket_count": 2})
    done["bucket_keys"] = sent(browser, "bucket_keys", id=at["id"], limit="1000")
    assert key in done["bucket_keys"][1]["keys"]
    done["bucket_health"] = sent(browser, "bucket_health", id=at["id"])
    assert done["bucket_health"][1]["keys_len"] == len(done["bucket_keys"][1]["keys"])
    done["bucket_put"] = sent(browser, "bucket_put", **at, value="by query")
    done["bucket_get"] = sent(browser, "bucket_get", **at)
    assert done["bucket_get"] == (200, {"value": "by query"})
    done["bucket_delete"] = sent(browser, "bucket_delete", **at)
    assert all(status == 200 for status, _ in done.values()), done
    done["delete"] = sent(browser, "delete", key=key)
    assert done["delete"][0] == 404
    assert set(done) == operations
    # A browser would make /delete/b of /delete/a/../b, and the wrong key would go.
    directory.put("b", "stays")
    status, said = sent(browser, "delete", key="a/../b")
    assert status == 0 and "another client" in said and directory.get("b") == "stays"
    assert all(url.startswith(here + "/") for _, url in browser.requests)
    assert [c for c in browser.complaints if "404" not in c] == []


@needs_chromium
def test_d12_in_a_browser_the_docs_page_proves_who_asks(new_server, browser):
    s = new_server(options=("--directory", "0.0.0.0:0")).start()
    _, key = new_user(s, "writer", kind="api")
    browser.open(f"http://127.0.0.1:{front(s).port}/docs")
    browser.until("document.getElementById('get')", "the forms")
    assert sent(browser, "get", key="k")[0] == 403
    browser.type("#proofs [name=api_key]", key["api_key"])
    assert sent(browser, "put", key="k", body="v")[0] == 200
    assert sent(browser, "get", key="k")[1]["value"] == "v"
    browser.type("#proofs [name=api_key]", "")
    browser.type("#proofs [name=token]", "a.b.c")
    assert sent(browser, "get", key="k")[0] == 403


def test_d12_the_curl_commands_of_the_page_work(directory, tmp_path):
    page = (servers.ROOT / "docs" / "DIRECTORY.md").read_text()
    script = page.split("```sh")[1].split("```")[0].replace("localhost:8000", f"{directory.host}:{directory.port}")
    (tmp_path / "profile.json").write_text('{"name": "Zoë"}')
    done = subprocess.run(["bash", "-euc", script.replace("curl ", "curl --silent --show-error --fail-with-body ")], cwd=tmp_path,
                          capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr
    first, _ = json.JSONDecoder().raw_decode(done.stdout)
    assert first["key"] == "users/7" and first["action"] == "created" and json.loads(first["value"]) == {"name": "Zoë"}


def test_x14_elsewhere_than_on_loopback_every_request_for_a_key_is_signed(new_server):
    s = new_server(options=("--directory", "0.0.0.0:0")).start()
    open_port = Directory("127.0.0.1", front(s).port)
    assert open_port.ask("GET", "/health") == (200, {"bucket_count": 2})
    assert open_port.ask("PUT", "/put", {"key": "k", "value": "v"})[0] == 403
    assert open_port.ask("GET", "/get/k")[0] == 403
    where = type("Where", (), dict(host=open_port.host, port=open_port.port, access_key=s.access_key, secret_key=s.secret_key))
    assert signing.signed(where, "PUT", "/put", [("key", "k")], body=b"v", service="troupe").status == 200
    assert json.loads(signing.signed(where, "GET", "/get/k", service="troupe").body)["value"] == "v"
    changed = signing.headers_for(where, "PUT", "/put", [("key", "k")], body=b"v", service="troupe")
    assert signing.raw(where, "PUT", "/put?key=k", changed, b"w").status == 400
    assert json.loads(signing.signed(where, "GET", "/get/k", service="troupe").body)["value"] == "v"


def test_x14_on_loopback_a_page_of_another_name_gets_nothing(directory):
    assert directory.ask("GET", "/get/plain", headers={"host": "evil.example:8000"})[0] == 403
    assert directory.ask("GET", "/health", headers={"host": "127.evil.example"})[0] == 403
    assert directory.ask("GET", "/health", headers={"host": "localhost:1"})[0] == 200


def test_x10_s3_neither_lists_nor_serves_what_the_directory_keeps(store, directory):
    directory.put("hidden", "secret")
    s3 = client_of(store)
    s3.create_bucket(Bucket="visible")
    assert [b["Name"] for b in s3.list_buckets()["Buckets"]] == ["visible"]
    for method, path in (("GET", "/.directory"), ("GET", "/.directory/x"), ("PUT", "/.directory"), ("DELETE", "/.directory")):
        assert signing.signed(store, method, path).code == "InvalidBucketName"
    copy = signing.signed(store, "PUT", "/visible/copy", headers={"x-amz-copy-source": "/.directory/x"})
    assert copy.code in ("InvalidBucketName", "InvalidArgument"), copy


def test_d4_after_kill_9_every_key_is_there(new_server):
    s = new_server(options=DIRECTORY).start()
    d = front(s)
    values = {f"durable/{i}": f"{i}" * (1 + i * 400) for i in range(30)}
    for k, v in values.items():
        d.put(k, v)
    s.kill()
    s.start()
    d = front(s)
    assert {k: d.get(k) for k in values} == values
