"""`troupe dev` as a program: keys, ports, signals, options."""
import http.client
import os
import re
import signal
import stat
import subprocess
import threading

import pytest

from conftest import client_of, md5, some_bytes
from server import BINARY, wait_until
from signing import headers_for, target_of


def keys_in(server):
    file = server.data / "credentials"
    pairs = dict(re.findall(r"^(\w+)\s*=\s*(\S+)", file.read_text(), re.M))
    return file, pairs["access_key"], pairs["secret_key"]


def test_the_first_start_makes_keys_that_later_starts_keep(new_server):
    server = new_server(access_key=None).start()
    file, server.access_key, server.secret_key = keys_in(server)
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert len(server.secret_key) >= 20
    server_keys = (server.access_key, server.secret_key)
    s3 = client_of(server)
    s3.create_bucket(Bucket="kept")
    s3.put_object(Bucket="kept", Key="k", Body=b"x")
    assert server.terminate() == 0
    server.access_key = None  # nothing in the environment
    server.start()
    file, server.access_key, server.secret_key = keys_in(server)
    assert (server.access_key, server.secret_key) == server_keys
    assert client_of(server).get_object(Bucket="kept", Key="k")["Body"].read() == b"x"


def test_two_first_starts_make_different_keys(new_server):
    secrets = set()
    for name in ("one", "two"):
        server = new_server(name, access_key=None).start()
        secrets.add(keys_in(server)[2])
    assert len(secrets) == 2


def test_no_secret_is_logged(new_server):
    server = new_server(access_key=None).start()
    secret = keys_in(server)[2]
    server.terminate()
    assert secret not in server.tail()


def test_keys_of_the_environment_come_first(new_server):
    server = new_server(access_key="FROMENV", secret_key="secret-of-the-environment").start()
    assert client_of(server).list_buckets()["Buckets"] == []


def test_half_of_the_keys_in_the_environment_is_an_error(new_server):
    server = new_server(access_key=None, environment={"TROUPE_ACCESS_KEY": "alone"})
    done = subprocess.run(server.command(), env=server.environ(), capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "TROUPE_SECRET_KEY" in done.stderr


def test_data_survives_a_clean_restart(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    sizes = [0, 10, 100_000, (3 << 20) + 1]
    for size in sizes:
        s3.put_object(Bucket="bucket", Key=str(size), Body=some_bytes(size), Metadata={"size": str(size)})
    upload = s3.create_multipart_upload(Bucket="bucket", Key="later")["UploadId"]
    part = s3.upload_part(Bucket="bucket", Key="later", UploadId=upload, PartNumber=1, Body=b"part")
    assert server.terminate() == 0
    server.start()
    s3 = client_of(server)
    for size in sizes:
        got = s3.get_object(Bucket="bucket", Key=str(size))
        assert got["Body"].read() == some_bytes(size) and got["Metadata"] == {"size": str(size)}
    s3.complete_multipart_upload(Bucket="bucket", Key="later", UploadId=upload,
                                 MultipartUpload={"Parts": [{"PartNumber": 1, "ETag": part["ETag"]}]})
    assert s3.get_object(Bucket="bucket", Key="later")["Body"].read() == b"part"


def test_a_port_in_use_is_named(new_server):
    first = new_server("first").start()
    second = new_server("second")
    command = [str(BINARY), "dev", "--data", str(second.data), "--s3", f"127.0.0.1:{first.port}", "--console", "127.0.0.1:0"]
    done = subprocess.run(command, env=second.environ(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and str(first.port) in done.stderr and "in use" in done.stderr.lower(), done


def test_data_in_use_by_another_process_is_refused(new_server):
    first = new_server("shared").start()
    done = subprocess.run(first.command(), env=first.environ(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and str(first.data) in done.stderr, done
    assert first.alive() and client_of(first).list_buckets()


def test_data_that_cannot_be_a_directory_is_an_error(tmp_path, new_server):
    (tmp_path / "file").write_text("not a directory")
    server = new_server("file")
    done = subprocess.run(server.command(), env=server.environ(), capture_output=True, text=True, timeout=30)
    assert done.returncode == 1 and "file" in done.stderr, done


@pytest.mark.parametrize("size", [4 << 20])
def test_sigterm_lets_a_request_in_flight_finish(new_server, size):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    data = some_bytes(size)
    headers = headers_for(server, "PUT", "/bucket/k", body=data)
    with server.connect() as s:
        head = f"PUT {target_of('/bucket/k', ())} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        s.sendall(f"{head}content-length: {size}\r\n\r\n".encode() + data[:size // 2])
        ended = []
        waiter = threading.Thread(target=lambda: ended.append(server.terminate()))
        waiter.start()

        def refused():  # it stopped accepting: the signal has been seen
            try:
                with server.connect(timeout_s=2):
                    return False
            except OSError:
                return True
        wait_until(refused, "no new connection is accepted after SIGTERM")
        s.sendall(data[size // 2:])
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 200, response.read()
    waiter.join(60)
    assert ended == [0]
    server.start()
    assert md5(client_of(server).get_object(Bucket="bucket", Key="k")["Body"].read()) == md5(data)


@pytest.mark.parametrize("signal_name", ["SIGTERM", "SIGINT", "SIGHUP"])
def test_signals_end_an_idle_server_with_0(new_server, signal_name):
    server = new_server().start()
    with server.connect():  # an idle connection does not hold it up
        server.process.send_signal(getattr(signal, signal_name))
        assert server.process.wait(30) == 0
    assert "stopped" in server.tail()


def test_a_terminal_that_goes_away_may_say_so_more_than_once(new_server):
    server = new_server().start()
    s3 = client_of(server)
    s3.create_bucket(Bucket="bucket")
    data = some_bytes(16 << 20)  # half of it is more than sockets hold: the server reads it
    headers = headers_for(server, "PUT", "/bucket/k", body=data)
    with server.connect() as s:  # an upload holds the end up
        head = f"PUT {target_of('/bucket/k', ())} HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
        s.sendall(f"{head}content-length: {len(data)}\r\n\r\n".encode() + data[:len(data) // 2])
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: "hung up: finishing requests" in server.tail(), "the hangup is seen")
        server.process.send_signal(signal.SIGHUP)  # as the shell and the kernel do
        s.sendall(data[len(data) // 2:])
        response = http.client.HTTPResponse(s)
        response.begin()
        assert response.status == 200, response.read()
    assert server.process.wait(30) == 0


def test_under_nohup_a_hangup_is_nothing(new_server):
    server = new_server()
    server.command = lambda c=server.command: ["nohup", *c()]
    server.start()
    server.process.send_signal(signal.SIGHUP)  # before a SIGTERM in the queue of signals, were it not ignored
    assert server.terminate() == 0
    assert "asked to stop" in server.tail() and "hung up" not in server.tail()


def test_ready_and_health_answer_on_the_console(new_server):
    server = new_server().start()
    for path in ("/ready", "/health"):
        assert server.console(path)[0] == 200, path
    assert server.console("/nothing-here")[0] == 404


def call(*words):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    return subprocess.run([str(BINARY), *words], capture_output=True, text=True, timeout=30, env=env)


def test_help_and_version():
    assert call("--help").returncode == 0 and "dev" in call("--help").stdout
    assert call("dev", "--help").returncode == 0 and "--data" in call("dev", "--help").stdout
    assert re.search(r"\d+\.\d+\.\d+", call("--version").stdout)


@pytest.mark.parametrize("words", [["dev", "--no-such-option"], ["no-such-command"], ["dev", "--s3", "nonsense"], ["dev", "--nodes", "0"]])
def test_a_wrong_command_line_ends_with_2_and_says_why(words, tmp_path):
    done = call(*words)
    assert done.returncode == 2 and (done.stderr or done.stdout), done
