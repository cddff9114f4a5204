"""Seed 001: another number of disk buckets, while all is served, in both directions, across crashes; nothing is lost."""
import json
import os
import threading

import pytest

import cluster as clusters
import signing
from directory import DIRECTORY, front, number_of
from server import wait_until
from test_admin import troupe

pytestmark = pytest.mark.skipif("E2E_ENDPOINT" in os.environ, reason="starts servers of its own")


def status(server):
    return json.loads(troupe(server, "admin", "directory", "status", "--json").stdout)


def check_all(server, values):
    """Every key has its value; each is in the disk bucket where it belongs; nothing else is there."""
    d, said = front(server), status(server)
    m = said["bucket_count"]
    assert {k: d.get(k) for k in values} == values
    listed = {}
    for i in range(m):
        for k in d.ask("GET", f"/buckets/{i}/keys")[1]["keys"]:
            listed[k] = i
    assert listed == {k: number_of(k) % m for k in values}
    assert {b["bucket_id"]: b["keys_len"] for b in said["buckets"]} == {
        i: sum(number_of(k) % m == i for k in values) for i in range(m)}
    assert said["keys_len"] == len(values) and not said["moving"]


class Load:
    """Threads that put, get and delete keys of their own, and check each answer against what they did."""

    def __init__(self, directory, threads=4):
        self.directory, self.stop, self.failures, self.done = directory, threading.Event(), [], 0
        self.values = [{} for _ in range(threads)]
        self.threads = [threading.Thread(target=self.work, args=(i,)) for i in range(threads)]
        for t in self.threads:
            t.start()

    def work(self, me):
        mine, d = self.values[me], self.directory
        round_ = 0
        try:
            while not self.stop.is_set():
                key = f"load-{me}/{round_ % 50}"
                if round_ % 7 == 6 and key in mine:
                    status, said = d.ask("DELETE", "/delete/" + key)
                    assert (status, said.get("value")) == (200, mine.pop(key)), (key, status, said)
                else:
                    value = f"{round_}" * (1 if round_ % 5 else 4000)
                    assert d.put(key, value)["action"] == ("updated" if key in mine else "created"), key
                    mine[key] = value
                looked = f"load-{me}/{(round_ * 13) % 50}"
                assert d.get(looked) == mine.get(looked), looked
                round_ += 1
                self.done += 1
        except Exception as e:  # shown by end()
            self.failures.append(repr(e))

    def end(self):
        self.stop.set()
        for t in self.threads:
            t.join()
        assert not self.failures
        return {k: v for mine in self.values for k, v in mine.items()}


def test_x2_resize_under_load_loses_nothing_in_both_directions(new_server):
    s = new_server(options=DIRECTORY).start()
    d = front(s)
    values = {f"still/{i}": f"value {i}" for i in range(300)}
    for k, v in values.items():
        d.put(k, v)
    load = Load(d)
    for m in (5, 3, 1, 2):
        before = load.done
        troupe(s, "admin", "directory", "resize", str(m), "--wait")
        wait_until(lambda: load.done > before + 20 or load.failures, "the load goes on")
        assert d.ask("GET", "/health") == (200, {"bucket_count": m})
    values.update(load.end())
    check_all(s, values)


def test_x2_a_second_resize_waits_for_the_first_and_the_same_one_may_be_repeated(new_server):
    s = new_server(options=DIRECTORY).start()
    d = front(s)
    values = {f"k{i}": "v" for i in range(400)}
    for k, v in values.items():
        d.put(k, v)
    answers = []

    def resize(m):
        where = type("Console", (), dict(host=s.console_host, port=s.console_port, access_key=s.access_key, secret_key=s.secret_key))
        answers.append((m, signing.signed(where, "POST", "/admin/directory/resize", [("buckets", str(m))], service="troupe").status))
    threads = [threading.Thread(target=resize, args=(m,)) for m in (3, 4, 5, 3, 4, 5)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    won = status(s)["bucket_count"]
    assert won in (3, 4, 5) and all(status_ in (200, 409) for _, status_ in answers)
    assert all(status_ == 200 for m, status_ in answers if m == won)
    wait_until(lambda: not status(s)["moving"], "every key is in its new home")
    check_all(s, values)


def test_x2_a_resize_goes_on_after_kill_9_in_the_middle(new_server):
    s = new_server(options=DIRECTORY).start()
    d = front(s)
    values = {f"crash/{i}": f"value {i}" * (1 if i % 10 else 3000) for i in range(1500)}
    for k, v in values.items():
        d.put(k, v)
    troupe(s, "admin", "directory", "resize", "7")
    seen = wait_until(lambda: (lambda said: said if said["keys_len"] else None)(status(s)), "keys begin to move")
    s.kill()
    s.start()
    d = front(s)
    assert {k: d.get(k) for k in list(values)[::50]} == {k: values[k] for k in list(values)[::50]}  # while it moves
    wait_until(lambda: not status(s)["moving"], "every key is in its new home")
    check_all(s, values)
    assert seen["moving"], "the kill came too late to say anything: use more keys"


def test_x2_every_coordinator_of_a_cluster_follows_a_resize(tmp_path):
    c = clusters.Cluster(tmp_path / "cluster", nodes=3, settings='  directory: {address: "127.0.0.1:0"}\n').start()
    try:
        doors = [front(n) for n in c.nodes]
        values = {f"c/{i}": f"{i}" for i in range(200)}
        for i, (k, v) in enumerate(values.items()):
            doors[i % 3].put(k, v)
        for d in doors:
            assert d.ask("GET", "/health") == (200, {"bucket_count": 2})
        troupe(c.nodes[1], "admin", "directory", "resize", "4", "--wait")
        for d in doors:  # also those whose routing table was of the epoch before
            assert {k: d.get(k) for k in values} == values
            said = d.put("after", "x")
            assert said["bucket_id"] == number_of("after") % 4
        c.nodes[0].kill()
        wait_until(lambda: doors[1].ask("PUT", "/put", {"key": "survives", "value": "1"})[0] == 200, "two of three serve", 60)
        assert doors[2].get("survives") == "1"
    finally:
        c.close()


def test_x2_a_resize_goes_on_while_the_metadata_leader_dies_and_another_resize_is_asked_for(tmp_path):
    c = clusters.Cluster(tmp_path / "cluster", nodes=3, settings='  directory: {address: "127.0.0.1:0"}\n').start()
    try:
        values = {f"f/{i}": f"value {i}" * (1 if i % 10 else 3000) for i in range(1500)}
        doors = {n.name: front(n) for n in c.nodes}
        for i, (k, v) in enumerate(values.items()):
            doors[f"node-{i % 3 + 1}"].put(k, v)
        leader = next(n for n in c.nodes if n.name == json.loads(troupe(c.nodes[0], "admin", "raft", "--json").stdout)["leader"])
        left = [n for n in c.nodes if n is not leader]
        troupe(left[0], "admin", "directory", "resize", "7")
        assert status(left[0])["moving"]
        leader.kill()
        answers, failures, ended = [], [], threading.Event()

        def read(node, keys):
            while not ended.is_set():
                for k in keys:
                    code, said = doors[node.name].ask("GET", "/get/" + k)
                    if code != 503 and (code, said.get("value")) != (200, values[k]):
                        failures.append((k, code, said))

        def resize(node, m):  # refused while the first one goes on, or done when it has ended
            where = type("Console", (), dict(host=node.console_host, port=node.console_port, access_key=node.access_key,
                                             secret_key=node.secret_key))
            while not ended.is_set():
                code = signing.signed(where, "POST", "/admin/directory/resize", [("buckets", str(m))], service="troupe").status
                answers.append((m, code))
                if code == 200:
                    return
                ended.wait(0.1)
        threads = [threading.Thread(target=read, args=(n, list(values)[i::37])) for i, n in enumerate(left)]
        threads += [threading.Thread(target=resize, args=(n, m)) for n, m in zip(left, (3, 4))]
        for t in threads:
            t.start()
        wait_until(lambda: {m for m, code in answers if code == 200} == {3, 4} or failures, "both were taken, one after the other", 120)
        ended.set()
        for t in threads:
            t.join()
        assert not failures and {code for _, code in answers} <= {200, 409, 503, 504}
        leader.start()
        wait_until(lambda: not status(left[0])["moving"], "every key is in its new home", 60)
        assert status(left[0])["bucket_count"] in (3, 4)
        for n in c.nodes:
            check_all(n, values)
    finally:
        c.close()
