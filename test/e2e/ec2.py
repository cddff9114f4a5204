"""ec2: a stand-in of EC2's API with one volume, a block device to be it, and a node that has it as a volume of shards."""
import contextlib
import http.server
import os
import re
import shutil
import subprocess
import threading
import urllib.parse

import pytest

import cluster as clusters


class Ec2(threading.Thread):
    """A stand-in of EC2's API with one volume of 1 GiB, which is a loop device here. An instance whose file system is mounted lets
    it go only by force: then the mount is taken away, as a device would be. `grow`: what makes the device larger, when a volume that
    is modified has been looked at for a while. `multi`: with multi-attach."""

    def __init__(self, mounts, grow=lambda gibibytes: None, multi=False):
        super().__init__(daemon=True)
        self.lock, self.calls, self.attached, self.snapshots, self.mounts = threading.Lock(), [], {}, {}, mounts
        self.grow, self.multi, self.size, self.iops, self.modified, self.looks = grow, multi, 1, 3000, None, 0
        ec2 = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"])).decode()
                assert "/ec2/aws4_request" in self.headers["Authorization"]
                with ec2.lock:
                    status, answer = ec2.answer(dict(urllib.parse.parse_qsl(body)))
                self.send_response(status)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.endpoint = f"http://127.0.0.1:{self.server.server_port}"

    def run(self):
        self.server.serve_forever()

    def answer(self, q):
        action, instance = q["Action"], q.get("InstanceId")
        self.calls.append((action, instance, q.get("Force") == "true"))
        if action == "DescribeVolumes":
            items = "".join(f"<item><instanceId>{i}</instanceId><device>d</device><status>{s}</status></item>"
                            for i, s in self.attached.items())
            return 200, ("<R><volumeSet><item><volumeId>vol-1</volumeId><volumeType>io2</volumeType><status>in-use</status>"
                         f"<size>{self.size}</size><iops>{self.iops}</iops><multiAttachEnabled>{str(self.multi).lower()}</multiAttachEnabled>"
                         f"<attachmentSet>{items}</attachmentSet></item></volumeSet></R>")
        if action == "ModifyVolume":
            return self.modify(int(q["Size"]), int(q.get("Iops", self.iops)))
        if action == "DescribeVolumesModifications":
            return self.describe_modification()
        if action == "AttachVolume":
            if self.attached and not self.multi:
                return 400, "<R><Errors><Error><Code>VolumeInUse</Code><Message>it is</Message></Error></Errors></R>"
            self.attached[instance] = "attached"
        if action == "DetachVolume":
            if q.get("Force") == "true" or not self.mounts():
                subprocess.run(["umount", "-l", *self.mounts()], check=False)
                self.attached.pop(instance, None)
            else:
                self.attached[instance] = "busy"
        if action == "CreateSnapshot":
            tags = {q[f"TagSpecification.1.Tag.{n}.Key"]: q[f"TagSpecification.1.Tag.{n}.Value"] for n in (1, 2, 3)}
            self.snapshots[f"snap-{len(self.snapshots) + 1}"] = tags
            return 200, f"<R><snapshotId>snap-{len(self.snapshots)}</snapshotId></R>"
        if action == "DescribeSnapshots":
            items = "".join(f"<item><snapshotId>{i}</snapshotId><status>completed</status><startTime>2026-01-01T00:00:00.000Z"
                            "</startTime><tagSet>" + "".join(f"<item><key>{k}</key><value>{v}</value></item>" for k, v in tags.items()) +
                            "</tagSet></item>" for i, tags in self.snapshots.items())
            return 200, f"<R><snapshotSet>{items}</snapshotSet></R>"
        return 200, "<R/>"

    def modify(self, size, iops):
        """The first attempt is throttled."""
        if [c[0] for c in self.calls].count("ModifyVolume") == 1:
            return 503, "<R><Errors><Error><Code>RequestLimitExceeded</Code><Message>slowly</Message></Error></Errors></R>"
        if self.modified and self.modified["modificationState"] != "completed":
            return 400, "<R><Errors><Error><Code>IncorrectModificationState</Code><Message>it is</Message></Error></Errors></R>"
        self.modified = {"modificationState": "modifying", "originalSize": self.size, "targetSize": size,
                         "originalIops": self.iops, "targetIops": iops}
        self.looks = 2
        return 200, "<R><volumeModification/></R>"

    def describe_modification(self):
        if self.modified is None:
            return 400, "<R><Errors><Error><Code>InvalidVolumeModification.NotFound</Code><Message>no</Message></Error></Errors></R>"
        if self.modified["modificationState"] == "modifying":
            self.looks -= 1
            if self.looks < 0:
                self.size, self.iops = self.modified["targetSize"], self.modified["targetIops"]
                self.grow(self.size)
                self.modified["modificationState"] = "optimizing"
        fields = "".join(f"<{k}>{v}</{k}>" for k, v in self.modified.items())
        return 200, f"<R><volumeModificationSet><item><volumeId>vol-1</volumeId>{fields}</item></volumeModificationSet></R>"

    def modifications(self):
        return [c[0] for c in self.calls].count("ModifyVolume")


@contextlib.contextmanager
def blank_device(tmp_path):
    """A blank block device, where this machine lets us have one."""
    image = tmp_path / "image"
    with open(image, "wb") as f:
        f.truncate(1 << 30)  # with holes
    if os.geteuid() != 0 or shutil.which("losetup") is None or shutil.which("mkfs.ext4") is None:
        pytest.skip("loop devices need root, losetup and mkfs.ext4")
    made = subprocess.run(["losetup", "--find", "--show", str(image)], capture_output=True, text=True)
    if made.returncode != 0:
        pytest.skip(f"no loop device here: {made.stderr}")
    device = made.stdout.strip()
    try:
        trial = tmp_path / "trial"
        trial.mkdir()
        if "Operation not permitted" in subprocess.run(["mount", "-t", "tmpfs", "none", str(trial)], capture_output=True, text=True).stderr:
            pytest.skip("mounting is not permitted here")
        subprocess.run(["umount", str(trial)], check=False)
        yield device
    finally:
        subprocess.run(["losetup", "--detach", device], check=False)


def mounted_at(mnt):
    with open("/proc/mounts") as f:
        return [line.split()[1] for line in f if line.split()[1] == str(mnt)]


def may(capability):
    """Whether the kernel lets programs that this one runs do it; by its number."""
    with open("/proc/self/status") as f:
        return int(re.search(r"CapEff:\s*(\w+)", f.read())[1], 16) >> capability & 1 == 1


def one_node_with_ebs(tmp_path, ec2, mnt, device, more=""):
    ec2.start()
    ebs = f"volume: vol-1, instance: i-1, device: {device}, region: eu-central-1, endpoint: \"{ec2.endpoint}\"{more}"
    cluster = clusters.Cluster(tmp_path / "cluster", nodes=1, members=1, settings=(
        f"  shards: {{lease: 1s, volumes: [{{id: volume-1, provider: aws-ebs, path: {mnt}, ebs: {{{ebs}}}}}]}}\n"))
    node, = cluster.nodes
    node.options = ["--shards", "127.0.0.1:0"]
    node.environment = {"AWS_ACCESS_KEY_ID": "AKID", "AWS_SECRET_ACCESS_KEY": "secret"}
    return cluster, node
