"""directory: a client of the directory's front door, for its end-to-end tests."""
import hashlib
import http.client
import json
import re
import urllib.parse

DIRECTORY = ("--directory", "127.0.0.1:0")  # options of `troupe dev`


def number_of(key):
    return int(hashlib.sha256(key.encode()).hexdigest(), 16)


class Directory:
    """A client of one listener; one connection a request, so that a server may be killed under it."""

    def __init__(self, host, port):
        self.host, self.port = host, port

    def ask(self, method, path, query=None, body=None, headers=None):
        """(status, JSON)"""
        target = urllib.parse.quote(path) + ("?" + urllib.parse.urlencode(query) if query else "")
        connection = http.client.HTTPConnection(self.host, self.port, timeout=60)
        try:
            connection.request(method, target, body, headers or {})
            answer = connection.getresponse()
            text = answer.read()
        finally:
            connection.close()
        return answer.status, json.loads(text) if answer.headers["content-type"] == "application/json" else text.decode()

    def put(self, key, value):
        status, said = self.ask("PUT", "/put", {"key": key}, value.encode(), {"content-type": "text/plain"})
        assert status == 200, said
        return said

    def get(self, key):
        status, said = self.ask("GET", "/get/" + key)
        assert status in (200, 404), said
        return said.get("value") if status == 200 else None


def front(server, name="directory"):
    """Where a front door listens, by the line that the process printed."""
    found = [re.search(rf" {name}=(\S+):(\d+)", line) for line in server.printed if line.startswith("listening ")]
    return Directory(found[-1][1], int(found[-1][2]))
