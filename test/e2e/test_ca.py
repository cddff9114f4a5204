"""`troupe ca`: an authority and node certificates that openssl agrees with."""
import os
import re
import stat
import subprocess

import pytest

from server import BINARY


@pytest.fixture
def ca(tmp_path):
    """Runs `troupe ca ...` in an empty directory."""
    env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}

    def call(*words, status=0):
        done = subprocess.run([str(BINARY), "ca", *words], capture_output=True, text=True, timeout=30, env=env, cwd=tmp_path)
        assert done.returncode == status, done
        return done.stdout if status == 0 else done.stderr
    return call


@pytest.fixture
def openssl(tmp_path):
    def call(*words, status=0):
        done = subprocess.run(["openssl", *words], capture_output=True, text=True, timeout=30, cwd=tmp_path)
        assert done.returncode == status, done
        return done.stdout
    return call


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def test_openssl_trusts_what_the_authority_issued(ca, openssl, tmp_path):
    ca("init")
    ca("issue", "node-1", "--host", "storage-1", "--host", "10.0.0.7", "--host", "fd00::7")
    for purpose in ("sslserver", "sslclient"):
        assert "node-1.pem: OK" in openssl("verify", "-x509_strict", "-purpose", purpose, "-CAfile", "ca/ca.pem", "ca/node-1.pem")
    assert "OK" in openssl("verify", "-CAfile", "ca/ca.pem", "-verify_hostname", "storage-1", "ca/node-1.pem")
    assert "OK" in openssl("verify", "-CAfile", "ca/ca.pem", "-verify_ip", "10.0.0.7", "ca/node-1.pem")
    openssl("verify", "-CAfile", "ca/ca.pem", "-verify_hostname", "storage-2", "ca/node-1.pem", status=2)
    text = openssl("x509", "-in", "ca/node-1.pem", "-noout", "-text")
    assert re.search(r"Subject: CN ?= ?node-1\n", text) and re.search(r"Issuer: CN ?= ?Troupe cluster CA\n", text)
    assert "DNS:node-1, DNS:storage-1, IP Address:10.0.0.7, IP Address:FD00:0:0:0:0:0:0:7" in text
    assert "TLS Web Server Authentication, TLS Web Client Authentication" in text
    assert "ASN1 OID: prime256v1" in text and "CA:FALSE" in text
    authority = openssl("x509", "-in", "ca/ca.pem", "-noout", "-text")
    assert "CA:TRUE, pathlen:0" in authority and "Certificate Sign" in authority
    assert openssl("pkey", "-in", "ca/node-1.key", "-pubout") == openssl("x509", "-in", "ca/node-1.pem", "-noout", "-pubkey")


def test_another_authority_does_not_verify(ca, openssl):
    ca("init")
    ca("init", "--dir", "other")
    ca("issue", "node-1")
    openssl("verify", "-CAfile", "other/ca.pem", "ca/node-1.pem", status=2)


def test_keys_are_their_owners_alone(ca, tmp_path):
    old = os.umask(0)
    try:
        ca("init")
        ca("issue", "node-1", "--out", "a/b")
    finally:
        os.umask(old)
    assert mode(tmp_path / "ca") == mode(tmp_path / "a" / "b") == 0o700
    assert mode(tmp_path / "ca" / "ca.key") == mode(tmp_path / "a" / "b" / "node-1.key") == 0o600
    assert mode(tmp_path / "ca" / "ca.pem") == mode(tmp_path / "a" / "b" / "node-1.pem") == 0o644
    assert sorted(p.name for p in (tmp_path / "ca").iterdir()) == ["ca.key", "ca.pem"]


@pytest.mark.parametrize("left", ["ca.pem", "ca.key"])
def test_an_authority_is_never_overwritten(ca, tmp_path, left):
    ca("init")
    kept = (tmp_path / "ca" / left).read_bytes()
    for other in {"ca.pem", "ca.key"} - {left}:
        (tmp_path / "ca" / other).unlink()
    said = ca("init", status=1)
    assert f"ca/{left}: is already there" in said and "--dir" in said
    assert (tmp_path / "ca" / left).read_bytes() == kept
    assert [p.name for p in (tmp_path / "ca").iterdir()] == [left]


def test_a_certificate_is_renewed_beside_the_old_one(ca, openssl, tmp_path):
    ca("init")
    ca("issue", "node-1")
    said = ca("issue", "node-1", status=1)
    assert "ca/node-1.key: is already there" in said and "--out" in said
    ca("issue", "node-1", "--out", "new")
    assert (tmp_path / "new" / "node-1.pem").read_bytes() != (tmp_path / "ca" / "node-1.pem").read_bytes()
    openssl("verify", "-CAfile", "ca/ca.pem", "new/node-1.pem")


def test_show_says_whose_it_is_and_how_long(ca, openssl):
    said = ca("init", "--days", "10")
    ca("issue", "--host", "10.0.0.7", "node-1")
    shown = ca("show", "ca/node-1.pem")
    assert "subject      node-1\n" in shown and "issuer       Troupe cluster CA\n" in shown
    assert "hosts        node-1, 10.0.0.7\n" in shown and re.search(r"\((9|10) days left\)", shown)
    until = re.search(r"valid until  (\S+) ", shown)[1]
    assert until in said  # cut short where the authority ends
    assert until[:10] in openssl("x509", "-in", "ca/node-1.pem", "-noout", "-enddate", "-dateopt", "iso_8601")
    assert "(a certificate authority)" in ca("show", "ca/ca.pem")


def test_errors_say_what_to_do(ca, tmp_path):
    assert "troupe ca init --dir nowhere" in ca("issue", "node-1", "--dir", "nowhere", status=1)
    assert not (tmp_path / "nowhere").exists()
    ca("init")
    ca("init", "--dir", "other")
    assert "is no node id" in ca("issue", "../node", status=2)
    assert "'a b' is neither a host name nor an IP address" in ca("issue", "node-1", "--host", "a b", status=2)
    assert "such as ca/ca.pem" in ca("show", "ca/ca.key", status=1)
    assert "no such file" in ca("show", "missing.pem", status=1)
    (tmp_path / "ca" / "ca.key").write_bytes((tmp_path / "other" / "ca.key").read_bytes())
    said = ca("issue", "node-1", status=1)
    assert "key" in said and "backup" in said and "PRIVATE" not in said
    (tmp_path / "file").write_text("")
    assert "cannot make the directory" in ca("init", "--dir", "file/ca", status=1)
    assert ca("issue", "node-1", "--days", "0", status=2)
    assert sorted(p.name for p in (tmp_path / "ca").iterdir()) == ["ca.key", "ca.pem"]
