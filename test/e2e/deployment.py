"""deployment: the files that ship for running Troupe, as the tests of them read them."""
import os
import re
import subprocess

import yaml

import server
from server import ROOT

PORTS = {"s3": 9000, "console": 9001, "nodes": 9101}
KEYS = {"TROUPE_ACCESS_KEY": "AKIADEPLOY", "TROUPE_SECRET_KEY": "deployment-secret"}


def load(path):
    return yaml.safe_load((ROOT / path).read_text())


def troupe(*args, cwd=ROOT, **environment):
    env = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    return subprocess.run([str(server.BINARY), *map(str, args)], cwd=cwd, env={**env, **environment}, capture_output=True,
                          text=True, timeout=60)


def port_of(address):
    return int(address.rsplit(":", 1)[1])


def dockerfile():
    """(verb, rest) of the Dockerfile; lines that end in a backslash go on."""
    text = re.sub(r"\\\n\s*", "", (ROOT / "Dockerfile").read_text())
    lines = [line.split(None, 1) for line in text.splitlines() if line.strip() and not line.startswith("#")]
    return [(verb, rest) for verb, rest in lines]
