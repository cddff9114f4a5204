"""Who does not belong is refused, and the operator of either side reads why: a second process of one name, another cluster, a
certificate that is none of ours or has expired, another protocol. A clock that is wrong by an hour is no reason."""
import os
import re
import socket
import ssl
import struct
import subprocess
import time

import botocore.exceptions
import pytest

import cluster as clusters
import server
from authority import Authority, replace
from conftest import client_of
from server import wait_until
from test_cluster import MIB, new_cluster, read_all, succeeds, write_some  # noqa: F401 (new_cluster is a fixture)
from test_observe import scrape

CLOCK = r"""
#define _GNU_SOURCE
#include <dlfcn.h>
#include <stdlib.h>
#include <time.h>
static long ahead(void) { const char* s = getenv("CLOCK_AHEAD_S"); return s ? atol(s) : 0; }
int clock_gettime(clockid_t id, struct timespec* t) {
  int (*real)(clockid_t, struct timespec*) = (int (*)(clockid_t, struct timespec*)) dlsym(RTLD_NEXT, "clock_gettime");
  int r = real(id, t);
  if (r == 0 && id == CLOCK_REALTIME) t->tv_sec += ahead();
  return r;
}
time_t time(time_t* to) {
  struct timespec t;
  clock_gettime(CLOCK_REALTIME, &t);
  if (to) *to = t.tv_sec;
  return t.tv_sec;
}
"""


@pytest.fixture(scope="module")
def wrong_clock(tmp_path_factory):
    """environment(seconds): that of a process whose wall clock is ahead by so much."""
    path = tmp_path_factory.mktemp("clock")
    (path / "clock.c").write_text(CLOCK)
    made = subprocess.run(["cc", "-shared", "-fPIC", "-o", path / "clock.so", path / "clock.c", "-ldl"], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"needs a C compiler: {made.stderr}")
    return lambda seconds: {"LD_PRELOAD": str(path / "clock.so"), "CLOCK_AHEAD_S": str(seconds)}


def test_who_does_not_belong_is_refused_and_told_why(new_cluster):  # noqa: F811
    c = new_cluster(nodes=3).start()
    twin = subprocess.run(c.nodes[0].command(), env=c.nodes[0].environ(), capture_output=True, text=True, timeout=30)
    assert twin.returncode == 1
    assert "another process serves" in twin.stderr
    elsewhere = c.path / "elsewhere.yaml"  # the same name on another directory and port
    elsewhere.write_text(c.config_path.read_text().replace(f"{c.nodes[1].data}}}", f"{c.nodes[1].data}-twin}}")
                         .replace(f":{c.ports[1]}\"", f":{clusters.free_ports(1)[0]}\""))
    second = clusters.Node(c, "node-2", 1)
    second.config, second.log_path = elsewhere, c.path / "twin.log"
    c.nodes.append(second)  # ends with the cluster
    second.spawn()
    wait_until(lambda: "another process is node 'node-2'" in second.tail(), "the second one is told", 30)
    assert second.console("/ready")[0] == 503
    second.terminate()
    other = c.path / "other.yaml"
    other.write_text(c.config_path.read_text().replace("storage:\n", "storage:\n  cluster: {name: other}\n"))
    c.nodes[2].terminate()
    command = [str(other) if word == str(c.config_path) else word for word in c.nodes[2].command()]
    moved = subprocess.run(command, env=c.nodes[2].environ(), capture_output=True, text=True, timeout=30)
    assert moved.returncode == 1
    assert "belongs to cluster" in moved.stderr


def answered_hello(port, identity):
    """Whether the actor port says a word after TLS, to somebody with that certificate (None: without one)."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if identity:
        context.load_cert_chain(identity + ".pem", identity + ".key")
    with socket.create_connection(("127.0.0.1", port), timeout=10) as plain:
        plain.sendall(b"\0")  # the control plane
        try:
            with context.wrap_socket(plain) as s:
                s.sendall(b"TP\1" + b"\0" * 17)  # an empty hello: a node answers it with its reasons
                return s.recv(2) == b"TP"
        except (ssl.SSLError, ConnectionError):
            return False


def test_nodes_with_certificates_talk_and_others_get_nothing(new_cluster, tmp_path):  # noqa: F811
    ca = tmp_path / "ca"

    def troupe(*args):
        subprocess.run([str(server.BINARY), *args], check=True, capture_output=True, timeout=60)
    troupe("ca", "init", "--dir", str(ca))
    for i in range(3):
        troupe("ca", "issue", f"node-{i + 1}", "--dir", str(ca), "--host", "127.0.0.1")
    c = new_cluster(nodes=3, settings=f"  tls: {{ca: {ca}/ca.pem, certificate: \"{ca}/{{node}}.pem\", key: \"{ca}/{{node}}.key\"}}\n")
    c.start()
    client = client_of(c.nodes[0])
    client.create_bucket(Bucket="secured")
    objects = write_some(client, "secured", "k", 6)
    read_all(client_of(c.nodes[2]), "secured", objects)
    other = tmp_path / "other-ca"
    troupe("ca", "init", "--dir", str(other))
    troupe("ca", "issue", "node-2", "--dir", str(other), "--host", "127.0.0.1")
    assert answered_hello(c.ports[0], f"{ca}/node-2") is True  # the test itself speaks as a node would
    assert answered_hello(c.ports[0], f"{other}/node-2") is False
    assert answered_hello(c.ports[0], None) is False
    assert "plain text" not in c.nodes[0].tail()
    read_all(client, "secured", objects)


def test_the_end_of_a_nodes_certificate_is_measured_and_warned_about(new_cluster, authority, tmp_path):  # noqa: F811
    own = tmp_path / "own"
    authority.issue("node-1", "127.0.0.1", out=own, days=20)
    c = new_cluster(nodes=1, members=1, settings=f"  tls: {{ca: {authority.pem}, certificate: {own}/node-1.pem, key: {own}/node-1.key}}\n")
    node = c.start().nodes[0]

    def days_left(purpose):
        ends = {labels: value for labels, value in scrape(node)["troupe_certificate_end_seconds"]}
        return (ends[f'{{purpose="{purpose}"}}'] - time.time()) / 86_400
    assert days_left("node") == pytest.approx(20, abs=0.1)
    assert days_left("authority") == pytest.approx(3650, abs=0.1)
    assert "node-1.pem expires on" in node.tail() and "ca.pem is valid until" in node.tail()
    renewed = authority.issue("node-1", "127.0.0.1", out=tmp_path / "renewed")
    for new, old in zip(renewed, (own / "node-1.pem", own / "node-1.key")):
        replace(old, new)
    wait_until(lambda: days_left("node") > 300, "the renewed certificate is seen", 30)
    assert "node-1.pem is valid until" in node.tail()


def refusal_of_hello(port, version):
    """What the actor port answers to a hello of that protocol version: the text of its failure, and then nothing more."""
    hello = bytes([0x08, version, 0x10, version])  # pb::hello: protocol_min, protocol_max
    with socket.create_connection(("127.0.0.1", port), timeout=10) as s:
        s.sendall(b"\0" + b"TP\1\0" + struct.pack(">IIQ", len(hello), 0, 0) + hello)
        answer = b""
        while part := s.recv(4096):
            answer += part
    assert answer[:3] == b"TP\4", answer  # a failure
    return answer.decode(errors="replace")


@pytest.mark.parametrize("version", [0, 2])
def test_another_protocol_is_refused_and_both_sides_read_why(new_cluster, version):  # noqa: F811
    c = new_cluster(nodes=1, members=1).start()
    told = f"speaks protocol {version} to {version}, this one 1 to 1: upgrade the older of the two"
    assert told in refusal_of_hello(c.ports[0], version)
    wait_until(lambda: told in c.nodes[0].tail(), "the node's own log says so, too")


def test_a_certificate_that_has_expired_gets_nothing(new_cluster, tmp_path, wrong_clock):  # noqa: F811
    ca = Authority(tmp_path / "ca")
    for i in range(3):
        ca.issue(f"node-{i + 1}", "127.0.0.1")
    c = new_cluster(nodes=3, settings=f"  tls: {{ca: {ca.pem}, certificate: \"{ca.path}/{{node}}.pem\", key: \"{ca.path}/{{node}}.key\"}}\n")
    c.start()
    old = tmp_path / "old"
    subprocess.run([str(server.BINARY), "ca", "issue", "node-3", "--dir", str(ca.path), "--out", str(old), "--days", "1"], check=True,
                   capture_output=True, env={**os.environ, **wrong_clock(-3 * 86_400)})
    assert answered_hello(c.ports[0], f"{ca.path}/node-3") is True
    assert answered_hello(c.ports[0], f"{old}/node-3") is False
    third = c.nodes[2]
    assert third.terminate() == 0
    keep = {f: f.read_bytes() for f in (ca.path / "node-3.pem", ca.path / "node-3.key")}
    for f in keep:
        replace(f, old / f.name)
    third.spawn()
    wait_until(lambda: "node-3.pem has expired" in third.tail(), "its own log says so")
    wait_until(lambda: any("certificate verify failed" in n.tail() for n in c.nodes[:2]), "those who refuse it say so, too")
    assert third.console("/ready")[0] == 503
    for f, content in keep.items():
        new = tmp_path / f.name
        new.write_bytes(content)
        replace(f, new)
    c.ready()  # without a restart


def test_a_clock_that_is_wrong_by_an_hour_is_told_and_costs_nothing(new_cluster, wrong_clock):  # noqa: F811
    c = new_cluster(nodes=3, settings="  healing: {delay: 1s, reclaim_grace: 1s, compare_interval: 5s}\n")
    c.nodes[2].environment = wrong_clock(3600)
    c.start()
    right, wrong = client_of(c.nodes[0]), client_of(c.nodes[2])
    right.create_bucket(Bucket="clocks")
    objects = write_some(right, "clocks", "k", 6, sizes=(100, 40_000, MIB))
    with pytest.raises(botocore.exceptions.ClientError) as refused:
        wrong.list_objects_v2(Bucket="clocks")
    assert refused.value.response["Error"]["Code"] == "RequestTimeTooSkewed"
    wait_until(lambda: re.search(r"the clocks of node node-3 and of this one differ by (3599|360\d) s", c.nodes[0].tail()), "it is told")
    second = client_of(c.nodes[1])
    c.nodes[0].kill()  # it heals, until the next one does, and may lead the metadata group
    wait_until(lambda: succeeds(lambda: second.put_object(Bucket="clocks", Key="k-0", Body=b"overwritten")), "a write is taken")
    objects["k-0"] = b"overwritten"
    second.delete_object(Bucket="clocks", Key="k-5")
    objects.pop("k-5")
    c.nodes[0].start()
    c.ready()
    for node in c.nodes[:2]:
        wait_until(lambda n=node: succeeds(lambda: read_all(client_of(n), "clocks", objects)), "it serves again")
        assert sorted(o["Key"] for o in client_of(node).list_objects_v2(Bucket="clocks")["Contents"]) == sorted(objects)
