"""Every program in examples/ runs against a fresh `troupe dev` and ends with 0. They find it through the environment."""
import os
import pathlib
import subprocess

import pytest

import server as servers

EXAMPLES = sorted(p for p in (servers.ROOT / "examples").glob("*") if p.suffix in (".sh", ".py"))


def test_there_are_examples():
    assert EXAMPLES, "examples/ has no .sh and no .py"


@pytest.mark.parametrize("example", EXAMPLES, ids=lambda p: p.name)
def test_the_example_works(new_server, example, tmp_path):
    server = new_server().start()
    programs = tmp_path / "bin"
    programs.mkdir()
    (programs / "troupe").symlink_to(servers.BINARY.resolve())
    env = {k: v for k, v in os.environ.items() if not k.startswith(("AWS_", "TROUPE_"))}
    env.update(AWS_ACCESS_KEY_ID=server.access_key, AWS_SECRET_ACCESS_KEY=server.secret_key, AWS_DEFAULT_REGION="us-east-1",
               AWS_ENDPOINT_URL=server.endpoint, AWS_EC2_METADATA_DISABLED="true", AWS_PAGER="",
               TROUPE_ACCESS_KEY=server.access_key, TROUPE_SECRET_KEY=server.secret_key, TROUPE_ENDPOINT=server.endpoint,
               TROUPE_CONSOLE=f"http://{server.console_host}:{server.console_port}",
               PATH=f"{programs}:/usr/local/bin:/usr/bin:/bin")
    program = ["bash", str(example)] if example.suffix == ".sh" else ["/usr/bin/python3", str(example)]
    done = subprocess.run(program, env=env, cwd=tmp_path, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, f"{example.name} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
