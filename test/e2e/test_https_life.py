"""TLS on the front doors over a server's life: certificates that are renewed, refused or careless, handshakes that never end, a
stop, clusters, and seed 004's flags (P1)."""
import http.client
import json
import re
import socket
import ssl
import subprocess

import grpc
import pytest

import cluster as clusters
import shards
import signing
from authority import Authority, clean_environment, https_options, replace, s3_of
from server import BINARY, connection_to, wait_until


def test_a_renewed_certificate_is_used_without_a_restart(new_server, tmp_path):
    old, new = Authority(tmp_path / "old"), Authority(tmp_path / "new")
    certificate, key = old.issue("server", "127.0.0.1")
    next_certificate, next_key = new.issue("server", "127.0.0.1")
    s = new_server(options=[*https_options((certificate, key)), "--shards", "127.0.0.1:0"], ca=old.pem).start()
    address = shards.address_of(s.printed)
    api_key = shards.key_of(s, "alice")
    open_connection = connection_to(s.console_host, s.console_port, old.pem)
    open_connection.request("GET", "/health")
    open_connection.getresponse().read()

    def believed(ca):
        try:
            connection = connection_to(s.console_host, s.console_port, ca)
            connection.request("GET", "/health")
            return connection.getresponse().status == 200
        except ssl.SSLError:
            return False

    def believed_by_grpc(ca):
        client = shards.Client(address, "alice", api_key, ca=ca)
        code = shards.code_of(client.VolumeStatus, timeout=2)[0]
        client.close()
        return code == grpc.StatusCode.OK
    assert believed(old.pem) and not believed(new.pem)
    wait_until(lambda: believed_by_grpc(old.pem), "a client that knows the authority is served")
    assert not believed_by_grpc(new.pem)

    replace(certificate, next_certificate)  # its key is still the old one: nothing changes
    wait_until(lambda: "new files are not used" in s.tail(), "the mismatch is logged")
    assert believed(old.pem)
    replace(key, next_key)
    wait_until(lambda: believed(new.pem), "the new certificate is shown")
    assert not believed(old.pem)
    wait_until(lambda: believed_by_grpc(new.pem), "the new certificate is shown by shards")
    assert not believed_by_grpc(old.pem)
    open_connection.request("GET", "/health")  # what was open lives on
    assert open_connection.getresponse().status == 200


def test_files_that_can_not_be_used_keep_it_from_starting(authority, https_files, tmp_path):
    other = authority.issue("other", "127.0.0.1", out=tmp_path)
    encrypted = tmp_path / "encrypted.key"
    subprocess.run(["openssl", "pkey", "-in", str(https_files[1]), "-aes256", "-passout", "pass:secret", "-out", str(encrypted)],
                   check=True, capture_output=True)

    def said(*options, status=1):
        done = subprocess.run([str(BINARY), "dev", "--data", str(tmp_path / "data"), "--s3", "127.0.0.1:0", "--console",
                               "127.0.0.1:0", *map(str, options)], capture_output=True, text=True, timeout=60,
                              stdin=subprocess.DEVNULL, env=clean_environment())
        assert done.returncode == status and "listening" not in done.stdout, done
        return done.stderr
    missing = tmp_path / "missing.pem"
    assert f"{missing}: no such file" in said("--tls-cert", missing, "--tls-key", https_files[1])
    assert f"{missing}: no such file" in said("--tls-cert", https_files[0], "--tls-key", missing)
    assert f"{other[1]}: is not the key of the certificate in {https_files[0]}" in said("--tls-cert", https_files[0], "--tls-key", other[1])
    assert f"{https_files[1]}: is no certificate" in said("--tls-cert", https_files[1], "--tls-key", https_files[1])
    assert f"{encrypted}: is no private key in PEM form, or an encrypted one" in said(
        "--tls-cert", https_files[0], "--tls-key", encrypted)
    assert "--tls-cert and --tls-key together" in said("--tls-cert", https_files[0], status=2)


def test_a_key_that_everybody_may_read_is_warned_about(new_server, authority, tmp_path):
    certificate, key = authority.issue("careless", "127.0.0.1", out=tmp_path)
    key.chmod(0o644)
    s = new_server(environment={"TROUPE_HTTPS_CERT": str(certificate), "TROUPE_HTTPS_KEY": str(key)}, ca=authority.pem).start()
    assert f"https: {key} may be read by everybody" in s.tail()
    assert "https: the certificate in" in s.tail()


def test_a_handshake_that_never_ends_is_cut(new_server, authority, https_files):
    server = new_server(options=https_options(https_files), ca=authority.pem).start()
    # One that never says its first word, one that stops within it: both end by themselves (head_time, 10 s).
    silent = socket.create_connection((server.host, server.port), timeout=30)
    half = socket.create_connection((server.host, server.port), timeout=30)
    half.sendall(b"\x16\x03\x01\x02\x00\x01\x00")
    for s in (silent, half):
        assert s.recv(1) == b""
        s.close()


def test_stop_answers_what_is_in_flight(new_server, authority, https_files):
    s = new_server(options=https_options(https_files), ca=authority.pem).start()
    connection = http.client.HTTPSConnection(s.host, s.port, timeout=30, context=ssl.create_default_context(cafile=str(s.ca)))
    data = b"x" * 100_000
    s3_of(s, str(s.ca)).create_bucket(Bucket="stop")
    headers = signing.headers_for(s, "PUT", "/stop/k", body=data)
    connection.putrequest("PUT", "/stop/k", skip_host=True, skip_accept_encoding=True)
    for name, value in {**headers, "content-length": str(len(data))}.items():
        connection.putheader(name, value)
    connection.endheaders(data[:50_000])
    s.process.send_signal(15)
    wait_until(lambda: "finishing requests in flight" in s.tail(), "it was asked to stop")
    connection.send(data[50_000:])
    assert connection.getresponse().status == 200
    assert s.process.wait(30) == 0
    assert "were cut" not in s.tail()


@pytest.fixture(scope="module")
def group(tmp_path_factory, authority):
    """Three nodes, each with a certificate of its own for its front doors; the console is plain."""
    out = tmp_path_factory.mktemp("group-certificates")
    c = clusters.Cluster(tmp_path_factory.mktemp("group") / "cluster", nodes=3, settings=(
        f"  https: {{certificate: \"{out}/{{node}}.pem\", key: \"{out}/{{node}}.key\", plain: [console]}}\n"))
    ports = clusters.free_ports(6)  # at once: else one could be picked twice
    c.ports = ports[:3]
    for n, port in zip(c.nodes, ports[3:]):
        authority.issue(n.name, "127.0.0.1", out=out)
        c.more[n.name] = f's3db: "127.0.0.1:{port}"'
    c.write_config()
    try:
        yield c.start()
    finally:
        c.close()


def test_in_a_cluster_redirects_say_https_and_the_console_may_stay_plain(group, authority):
    doors = {}
    for n in group.nodes:
        line = next(l for l in n.printed if l.startswith("listening "))
        assert re.search(r"\bs3=https://\S+ console=127\.0\.0\.1:\d+ s3db=https://\S+$", line), line
        doors[n.name] = n.front("s3db")
        doors[n.name].ca = authority.pem

    def leader():
        answer = signing.signed(doors["node-1"], "GET", "/v1/leader", service="s3db")
        return json.loads(answer.body)["leader_id"] if answer.status == 200 else None
    leading = wait_until(leader, "the group has a leader")
    other = next(name for name in doors if name != leading)
    answer = signing.signed(doors[other], "POST", "/v1/put/t/k", [("consistency", "leader")], body=b"v", service="s3db")
    assert answer.status == 307, answer
    assert answer.headers["location"].startswith(f"https://127.0.0.1:{doors[leading].port}/v1/put/t/k")


def test_p1_in_one_process_tls_cert_and_tls_key_are_the_front_doors(tmp_path, authority, https_files):
    c = clusters.Cluster(tmp_path / "cluster", nodes=3)
    node = c.nodes[0]
    node.ca = authority.pem
    node.command = lambda: [str(BINARY), "serve", "--config", str(c.config_path), "--node", "-1", "--s3", "127.0.0.1:0",
                            "--console", "127.0.0.1:0", *https_options(https_files)]
    try:
        node.start()
        assert re.search(r"listening s3=https://\S+ console=https://\S+$", node.printed[-1])
        s3_of(node, str(authority.pem)).create_bucket(Bucket="local")
    finally:
        node.close()
