"""identities: what the tests of users, keys and tokens share: clients that are somebody else, and `troupe admin`."""
import json
import os
import subprocess

import botocore.exceptions

import server as servers


class As:
    """A server as somebody else's client sees it."""

    def __init__(self, server, key):
        self.server = server
        self.access_key, self.secret_key = key["id"], key["secret_key"]
        self.host, self.port, self.endpoint = server.host, server.port, server.endpoint


class Console:
    """A server's console as a host to sign for."""

    def __init__(self, server, key=None):
        self.host, self.port = server.console_host, server.console_port
        self.access_key = key["id"] if key else server.access_key
        self.secret_key = key["secret_key"] if key else server.secret_key
        self.ca = getattr(server, "ca", None)


def troupe(server, *command, status=0, stdin=None, key=None):
    environment = {k: v for k, v in os.environ.items() if not k.startswith("TROUPE_")}
    environment.update(TROUPE_ACCESS_KEY=key["id"] if key else server.access_key,
                       TROUPE_SECRET_KEY=key["secret_key"] if key else server.secret_key)
    if getattr(server, "ca", None):
        environment["TROUPE_CA_CERT"] = str(server.ca)
    done = subprocess.run([str(servers.BINARY), "admin", *command, "--connect",
                           f"{server.console_host}:{server.console_port}"],
                          input=stdin, capture_output=True, text=True, timeout=120, env=environment, cwd="/")
    assert done.returncode == status, f"{command} ended with {done.returncode}\n{done.stdout}\n{done.stderr}"
    return done.stdout + done.stderr


def admin(server, *command, **how):
    return json.loads(troupe(server, *command, "--json", **how))


def set_policy(server, bucket, *statements):
    return troupe(server, "policy", "set", bucket, "-", stdin=json.dumps({"statements": list(statements)}))


def code_of(call, *args, **kwargs):
    """The error code that a boto3 call ends with; "" when it succeeds."""
    try:
        call(*args, **kwargs)
        return ""
    except botocore.exceptions.ClientError as e:
        return e.response["Error"]["Code"]


names = iter(range(1, 1000))


def new_user(server, *roles, kind="sigv4"):
    name = f"user-{next(names)}"
    admin(server, "user", "add", name, *[w for r in roles for w in ("--role", r)])
    return name, admin(server, "key", "create", name, "--kind", kind)
