"""A current boto3, when some Python here has one: default checksums, conditional writes. newest_boto3.py is the client."""
import os
import pathlib
import shutil
import subprocess

import pytest

PROBE = "import boto3; v = tuple(map(int, boto3.__version__.split('.')[:2])); raise SystemExit(0 if v >= (1, 36) else 1)"


def newest_python():
    for python in (os.environ.get("E2E_NEW_PYTHON"), shutil.which("python3")):
        if python and subprocess.run([python, "-c", PROBE], capture_output=True).returncode == 0:
            return python
    return None


def test_a_current_boto3_with_its_defaults(run, server):
    python = newest_python()
    if not python:
        pytest.skip("no Python with boto3 >= 1.36; name one in E2E_NEW_PYTHON")
    out = run(python, pathlib.Path(__file__).with_name("newest_boto3.py"), extra={"E2E_URL": server.endpoint})
    assert out.count("ok ") == 7, out
