"""authority: a certificate authority and servers' certificates, made by `troupe ca`, and what clients of them need."""
import os
import subprocess

import boto3
import botocore.config

from server import BINARY


def clean_environment(**more):
    kept = {k: v for k, v in os.environ.items() if not k.startswith(("TROUPE_", "AWS_", "RCLONE_"))}
    return {**kept, **{k: str(v) for k, v in more.items()}}


class Authority:
    def __init__(self, path):
        self.path = path
        self.call("init", "--dir", path)
        self.pem = path / "ca.pem"

    def call(self, *words):
        subprocess.run([str(BINARY), "ca", *map(str, words)], check=True, capture_output=True, env=clean_environment())

    def issue(self, name, *hosts, out=None, days=365):
        """(certificate, key) of a server that is called by these hosts."""
        out = out or self.path
        self.call("issue", name, "--dir", self.path, "--out", out, "--days", days, *[w for h in hosts for w in ("--host", h)])
        return out / f"{name}.pem", out / f"{name}.key"


def replace(to, source):
    """As one who renews a certificate does: whole, by rename."""
    aside = to.with_name(to.name + ".new")
    aside.write_bytes(source.read_bytes())
    aside.rename(to)


def https_options(files):
    return ["--tls-cert", str(files[0]), "--tls-key", str(files[1])]


def s3_of(server, verify, **config):
    return boto3.client("s3", endpoint_url=server.endpoint, region_name="us-east-1", verify=verify,
                        aws_access_key_id=server.access_key, aws_secret_access_key=server.secret_key,
                        config=botocore.config.Config(retries={"max_attempts": 0}, s3={"addressing_style": "path"}, **config))
