"""Three nodes on this machine: a submission against a put of etcd, and the objects that are approved in a second.

    python3 conformance/interop/bench_nodes.py [SECONDS]

Both clusters have three nodes on one disk, and take turns, so only the ratio says something; the times depend on the
machine. Needs a server (TAXII_SERVER; a release build says what users get) and etcd, which is installed where that may
be done. CONCORD_BENCH_FOLDER names a folder on the disk that is meant.
"""

import base64
import http.client
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import uuid

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from concord import BINARY, MEDIA_TYPE, free_port, indicators  # noqa: E402
from network import dsse  # noqa: E402
from nodes import API_ROOT, community, proposal_of, wait_until  # noqa: E402

WARM_UP, ROUNDS = 30, 300
ENVELOPE = 100
# Clients of each server that submit, and have two others vote.
CLIENTS = 4
MAX_RATIO, MIN_OBJECTS = 2.5, 5000


class Client:
    """One connection that stays open."""

    def __init__(self, port, **headers):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
        self.headers = headers

    def post(self, path, body):
        self.connection.request("POST", path, body, self.headers)
        response = self.connection.getresponse()
        content = response.read()
        assert response.status in (200, 202), (response.status, content)
        return json.loads(content)


def taxii(node):
    headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE, "Authorization": f"Bearer {node.client['token']}"}
    return Client(node.port, **headers)


def statements(node):
    return Client(node.port, **{"Content-Type": "application/json", "Authorization": f"Bearer {node.root['token']}"})


class Etcd:
    """Three nodes of etcd."""

    def __init__(self, folder):
        install()
        self.ports = [(free_port(), free_port()) for _ in range(3)]
        cluster = ",".join(f"n{number}=http://127.0.0.1:{peer}" for number, (_, peer) in enumerate(self.ports))
        self.processes = [self.start(folder, number, cluster) for number in range(3)]
        wait_until(lambda: self.leader() is not None, "etcd has no leader")
        self.client = Client(self.ports[self.leader()][0], **{"Content-Type": "application/json"})

    def start(self, folder, number, cluster):
        client, peer = (f"http://127.0.0.1:{port}" for port in self.ports[number])
        options = {
            "name": f"n{number}", "data-dir": folder / f"etcd{number}", "listen-client-urls": client,
            "advertise-client-urls": client, "listen-peer-urls": peer, "initial-advertise-peer-urls": peer,
            "initial-cluster": cluster, "log-level": "error",
        }  # fmt: skip
        command = ["etcd", *(f"--{name}={value}" for name, value in options.items())]
        # The packages of some machines ask for a word where the processor is another one.
        environment = {**os.environ, "ETCD_UNSUPPORTED_ARCH": os.uname().machine.replace("aarch64", "arm64")}
        log = (folder / f"etcd{number}.log").open("w")
        return subprocess.Popen(command, env=environment, stdout=log, stderr=log)

    def leader(self):
        for number, (port, _) in enumerate(self.ports):
            try:
                status = Client(port).post("/v3/maintenance/status", "{}")
            except (OSError, AssertionError):
                return None
            if status.get("leader") == status["header"]["member_id"]:
                return number
        return None

    def put(self, body):
        self.client.post("/v3/kv/put", body)

    def close(self):
        for process in self.processes:
            process.kill()
            process.wait()


def install():
    if shutil.which("etcd"):
        return
    assert os.geteuid() == 0 and shutil.which("apt-get"), "etcd is missing: on Debian, apt-get install etcd-server"
    was_running = subprocess.run(["pgrep", "-x", "etcd"], capture_output=True, check=False).returncode == 0
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive", "RUNLEVEL": "1"}
    for command in (["apt-get", "update", "-qq"], ["apt-get", "install", "-y", "-qq", "etcd-server", "etcd-client"]):
        subprocess.run(command, env=environment, stdout=subprocess.DEVNULL, check=True)
    if not was_running and shutil.which("systemctl"):
        # Only the program is wanted, not the service.
        subprocess.run(["systemctl", "stop", "etcd"], capture_output=True, check=False)


def objects(count):
    return json.dumps({"objects": indicators(count, description="x" * 300)})


def put_of(body):
    """A put of as many bytes."""
    key, value = (base64.b64encode(text.encode()).decode() for text in (str(uuid.uuid4()), body))
    return json.dumps({"key": key, "value": value})


def timed(call, *arguments):
    began = time.perf_counter()
    call(*arguments)
    return (time.perf_counter() - began) * 1000


def sync(file):
    os.write(file, bytes(512))
    os.fdatasync(file)


def latency(found, folder):
    """Submissions at the leader and at another node, puts at the leader of etcd, and writes to the disk, in turns."""
    leader = found.wait_for_leader()
    other = next(node for node in found.nodes if node is not leader)
    path = f"/{API_ROOT}/collections/{found.collection}/objects/"
    at_leader, at_other, etcd = taxii(leader), taxii(other), Etcd(folder)
    file = os.open(folder / "sync", os.O_CREAT | os.O_WRONLY)
    times = {"write and fdatasync": [], "put of etcd": [], "202 at the leader": [], "202 at another node": []}
    try:
        for number in range(WARM_UP + ROUNDS):
            bodies = [objects(1), objects(1)]
            put = put_of(bodies[0])
            row = [
                timed(sync, file), timed(etcd.put, put),
                timed(at_leader.post, path, bodies[0]), timed(at_other.post, path, bodies[1]),
            ]  # fmt: skip
            if number >= WARM_UP:
                for series, milliseconds in zip(times.values(), row, strict=True):
                    series.append(milliseconds)
    finally:
        os.close(file)
        etcd.close()
    for name, series in times.items():
        cuts = statistics.quantiles(series, n=100)
        print(f"{name:22} median {statistics.median(series):7.2f} ms   p99 {cuts[98]:7.2f} ms")
    put = statistics.median(times["put of etcd"])
    for name in ["202 at the leader", "202 at another node"]:
        print(f"{name}: {statistics.median(times[name]) / put:.2f} times a put of etcd (goal: {MAX_RATIO} at most)")


def throughput(found, seconds):
    """Envelopes that are submitted at all servers, and approved by the two other organisations, for some seconds."""
    path = f"/{API_ROOT}/collections/{found.collection}/objects/"
    members, approved, errors = found.members(), [], []
    begin = threading.Barrier(CLIENTS * len(found.nodes) + 1)
    # What the clients do before they send must not be measured.
    bodies = {node.number: [[objects(ENVELOPE) for _ in range(40)] for _ in range(CLIENTS)] for node in found.nodes}
    end = [0.0]

    def client(node, number):
        submit, voters = taxii(node), {other.number: statements(other) for other in found.nodes if other is not node}
        mine = bodies[node.number][number]
        begin.wait()
        while time.monotonic() < end[0]:
            status = submit.post(path, mine.pop() if mine else objects(ENVELOPE))
            proposal = proposal_of(status)
            for voter, connection in voters.items():
                said = {
                    "network": found.id, "organisation": members[voter], "proposal": proposal,
                    "decision": "approve", "sequence": 0, "claimed_at": 0,
                }  # fmt: skip
                signed = dsse("vote", said, voter)
                connection.post(f"/consensus/v1/proposals/{proposal}/votes/", json.dumps(signed))
            approved.append(time.monotonic())

    def guarded(node, number):
        try:
            client(node, number)
        except Exception as error:  # Told below.
            errors.append(repr(error))

    threads = [
        threading.Thread(target=guarded, args=[node, number]) for node in found.nodes for number in range(CLIENTS)
    ]
    for thread in threads:
        thread.start()
    began = time.monotonic()
    end[0] = began + seconds
    begin.wait()
    for thread in threads:
        thread.join()
    took = max(approved) - began
    assert not errors, errors[:3]
    found.wait_until_equal()
    records = found.compare(versions=3)
    assert len(records) == len(approved) * ENVELOPE, (len(records), len(approved))
    rate = len(records) / took
    print(f"{len(records)} objects in envelopes of {ENVELOPE} approved in {took:.1f} s, the same on all nodes")
    print(f"{rate:.0f} objects/s (goal: {MIN_OBJECTS} or more)")


def main(seconds):
    build = "release" if "release" in str(BINARY) else "debug" if "debug" in str(BINARY) else "unknown"
    print(f"{BINARY} ({build} build, {BINARY.stat().st_size >> 20} MiB), {os.cpu_count()} processors", flush=True)
    os.environ.setdefault("RUST_LOG", "warn")
    with tempfile.TemporaryDirectory(dir=os.environ.get("CONCORD_BENCH_FOLDER")) as name:
        folder = pathlib.Path(name)
        with community(folder, 3) as found:
            found.wait_for_roles("voter", "voter", "voter")
            throughput(found, seconds)
            latency(found, folder)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 10.0)
