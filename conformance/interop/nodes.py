"""Servers of several organisations that keep the log of a network together, on this machine.

Number N stands for a server, its organisation, and the key with which that organisation votes. Each server advertises a
gate in place of its own address, so that tests can cut what one node sends to another.
"""

import contextlib
import json
import os
import pathlib
import secrets
import shutil
import socket
import subprocess
import threading
import time

import requests

from concord import MEDIA_TYPE, START_SECONDS, Controlled, Folder, envelope, free_port
from network import dsse, public

API_ROOT = "network"
ALIAS = "indicators"
# Machines that run other work too are slow at times; what is measured is printed, and no limit is near it.
PATIENCE = 90
DISK = "96m"
TCP = pathlib.Path("/proc/net/tcp")


def wait_until(is_so, what, seconds=PATIENCE, pause=0.05):
    """Waits until something is so, and gives the seconds that it took."""
    began = time.monotonic()
    while not is_so():
        assert time.monotonic() - began < seconds, f"{seconds} s are over: {what() if callable(what) else what}"
        time.sleep(pause)
    return time.monotonic() - began


class Cuts:
    """The pairs of nodes of which one does not hear the other."""

    def __init__(self):
        self.pairs = set()

    def cut(self, *pairs):
        self.pairs |= set(pairs)

    def heal(self):
        self.pairs = set()

    def wait(self, sender, receiver):
        while (sender, receiver) in self.pairs:
            time.sleep(0.02)


class Gate:
    """The address that a node advertises. What is sent while the way is cut arrives afterwards, as TCP has it."""

    def __init__(self, community, number, target):
        self.community, self.number, self.target = community, number, target
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self):
        while True:
            try:
                client, (_, port) = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self.connect, args=[client, port], daemon=True).start()

    def connect(self, client, port):
        sender = self.community.number_at(port)
        self.community.cuts.wait(sender, self.number)
        try:
            server = socket.create_connection(("127.0.0.1", self.target))
        except OSError:
            client.close()
            return
        for one in (client, server):
            one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        ways = [(client, server, sender, self.number), (server, client, self.number, sender)]
        for way in ways:
            threading.Thread(target=self.forward, args=way, daemon=True).start()

    def forward(self, source, sink, sender, receiver):
        with contextlib.suppress(OSError):
            while True:
                data = source.recv(65536)
                self.community.cuts.wait(sender, receiver)
                if not data:
                    break
                sink.sendall(data)
        for one in (source, sink):
            with contextlib.suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self):
        self.listener.close()


class Node(Controlled):
    """A server with its node, its data folder, and accounts of its own."""

    def __init__(self, community, number, path, has_small_disk=False, restored=None):
        self.community, self.number, self.name = community, number, f"Organisation {number}"
        self.path, self.port, self.listen = path, free_port(), free_port()
        if restored:
            # The same machine, for clients and for the other nodes.
            self.port, self.listen = restored.port, restored.listen
        self.gate = Gate(community, number, self.listen) if community.has_gates else None
        self.url = f"http://127.0.0.1:{self.port}"
        self.folder = Folder(path, self.settings())
        self.log_path = community.path / f"{path.name}.log"
        self.log = self.log_path.open("a")
        self.client = None
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o700)
        self.has_small_disk = has_small_disk and mount(path)
        if restored:
            self.root, self.client = restored.root, restored.client
        else:
            self.folder.run("api-root", "add", "api")
            self.root = self.folder.json("account", "add", "root", "--administrator")

    def settings(self):
        advertised = self.gate.port if self.gate else self.listen
        return {
            "CONCORD_LISTEN": f"127.0.0.1:{self.port}",
            "CONCORD_METRICS_LISTEN": "none",
            "CONCORD_NETWORK_LISTEN": f"127.0.0.1:{self.listen}",
            "CONCORD_NETWORK_ADDRESS": f"127.0.0.1:{advertised}",
            "CONCORD_NETWORK_PACE": "lan",
            "RUST_LOG": os.environ.get("RUST_LOG", "info"),
        }

    def is_alive(self):
        return self.process is not None and self.process.poll() is None

    def is_ready(self):
        with contextlib.suppress(requests.RequestException):
            return requests.get(f"{self.url}/readyz", timeout=5).ok
        return False

    def wait_until_ready(self):
        def is_ready():
            assert self.is_alive(), f"the server ended with exit code {self.process.returncode}: see {self.log_path}"
            return self.is_ready()

        return wait_until(is_ready, f"server {self.number} is not ready: see {self.log_path}", START_SECONDS)

    def request(self, method, path, body=None, account=None, seconds=30, **options):
        """A request over a connection of its own, so that none breaks off because of an earlier one."""
        headers = {"Authorization": f"Bearer {(account or self.root)['token']}", **options.pop("headers", {})}
        return requests.request(method, self.url + path, data=body, headers=headers, timeout=seconds, **options)

    def get(self, path, account=None, **options):
        response = self.request("GET", path, account=account, **options)
        assert response.ok, f"server {self.number}: {path}: {response.status_code} {response.text}"
        return response

    def taxii(self, path, **parameters):
        return self.get(path, account=self.client, headers={"Accept": MEDIA_TYPE}, params=parameters)

    def post(self, path, statement, **options):
        """Sends a statement, or a question of an operator."""
        headers = {"Content-Type": "application/json"}
        return self.request("POST", path, json.dumps(statement), headers=headers, **options)

    def submit(self, objects, key=None, **options):
        """Proposes objects, as a client of this server."""
        headers = {"Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        if key:
            headers["Idempotency-Key"] = key
        body = envelope([json.dumps(one) for one in objects])
        path = f"/{API_ROOT}/collections/{self.community.collection}/objects/"
        return self.request("POST", path, body, account=self.client, headers=headers, **options)

    def status(self, status_id):
        return self.taxii(f"/{API_ROOT}/status/{status_id}/").json()

    def state(self):
        return self.get("/consensus/v1/state/").json()

    def nodes(self):
        return self.get("/consensus/v1/nodes/").json()

    def index(self):
        """The last entry that it applied; 0 when it does not say."""
        with contextlib.suppress(requests.RequestException, AssertionError):
            return self.state()["index"]
        return 0

    def own_node(self):
        """Number of its node."""
        return next((node["id"] for node in self.nodes() if node["is_own"]), None)

    def leader(self):
        """Number of the node that leads, as far as this server knows."""
        return next((node["id"] for node in self.nodes() if node["is_leader"]), None)

    def open_proposals(self):
        found = self.get("/consensus/v1/proposals/", params={"state": "open", "limit": 1000})
        return found.json()

    def proposals(self):
        """Everything that was ever proposed."""
        found, after = [], 0
        while True:
            page = self.get("/consensus/v1/proposals/", params={"after": after, "limit": 1000}).json()
            if not page:
                return found
            found += page
            after = page[-1]["index"]

    def add_client(self):
        """An account that submits, reads and reviews; the collection must be known here."""
        rights = ["--read", ALIAS, "--write", ALIAS, "--read", f"{ALIAS}-review"]
        self.client = self.folder.json("account", "add", f"client-{secrets.token_hex(4)}", *rights)

    def close(self):
        if self.is_alive():
            self.go_on()
            self.kill()
        if self.gate:
            self.gate.close()
        self.log.close()
        if self.has_small_disk:
            subprocess.run(["umount", "-l", self.path], check=False)


def mount(path):
    """Gives a folder a small disk of its own, where this may be done."""
    if os.geteuid() != 0 or not shutil.which("mount"):
        return False
    options = f"size={DISK},mode=0700"
    return subprocess.run(["mount", "-t", "tmpfs", "-o", options, "concord-test", path], check=False).returncode == 0


class Community:
    """Servers of organisations, from 1, of one network with one collection."""

    def __init__(self, path, has_gates=False, has_small_disks=False):
        self.path, self.has_gates, self.has_small_disks = path, has_gates, has_small_disks
        self.cuts, self.nodes, self.collection, self.id = Cuts(), [], None, None
        self.closed = []

    def number_at(self, port):
        """The number of the server that connected from a port."""
        local = f"0100007F:{port:04X}"
        rows = [row.split() for row in TCP.read_text().splitlines()[1:]]
        inode = next((row[9] for row in rows if row[1] == local), None)
        for node in [node for node in self.nodes if node.is_alive()]:
            with contextlib.suppress(OSError):
                for descriptor in pathlib.Path(f"/proc/{node.process.pid}/fd").iterdir():
                    with contextlib.suppress(OSError):
                        if os.readlink(descriptor) == f"socket:[{inode}]":
                            return node.number
        return None

    def new(self, number, name=None):
        """A server that runs, and is no member yet."""
        node = Node(self, number, self.path / (name or f"node{number}"), self.has_small_disks)
        self.nodes.append(node)
        node.start()
        node.wait_until_ready()
        return node

    def restore(self, node, backup):
        """Puts a server in the place of one that is gone, with what a backup of it holds."""
        self.nodes.remove(node)
        node.close()
        path = self.path / f"{node.path.name}-restored"
        found = Node(self, node.number, path, restored=node)
        found.folder.run("restore", backup)
        found.start()
        found.wait_until_ready()
        self.nodes.append(found)
        return found

    def forget(self, node):
        """Leaves a server that is gone for good, with its folder."""
        self.nodes.remove(node)
        node.close()
        shutil.rmtree(node.path)

    def roles(self):
        """What each present node does for the log, as the one that leads says."""
        leader = self.wait_for_leader()
        return {node["id"]: node["role"] for node in leader.nodes() if node["left"] is None}

    def wait_until_gone(self, number):
        """Waits until a node that left keeps the log no longer."""
        def is_gone():
            return {node["id"]: node["role"] for node in self.wait_for_leader().nodes()}[number] == "none"

        return wait_until(is_gone, f"node {number} is not removed")

    def wait_for_roles(self, *expected):
        found = {}

        def are_there():
            found.clear()
            found.update(self.roles())
            return sorted(found.values()) == sorted(expected)

        return wait_until(are_there, lambda: f"the roles of the nodes are {found}", pause=0.3)

    def found(self):
        first = self.new(1)
        name = ["example.org/sharing", "--organisation", first.name, "--vote-key", public(1).hex()]
        collection = ["--collection", "Indicators", "--alias", ALIAS, "--api-root", API_ROOT]
        first.folder.run("network", "init", *name, *collection)
        state = first.state()
        self.id, self.collection = state["network"], state["collections"][0]["id"]
        first.add_client()
        # The node that ordered the founding starts again.
        wait_until(lambda: first.leader() is not None, "the first node does not lead")
        return first

    def organisation(self, number):
        """The id of an organisation, which its server gave to it."""
        return self.members()[number]

    def members(self):
        """Number and id of each organisation that is a member."""
        organisations = self.any().get("/consensus/v1/organisations/").json()
        return {int(one["name"].split()[1]): one["id"] for one in organisations if not one["left"]}

    def any(self):
        return next(node for node in self.nodes if node.is_alive() and node.is_ready())

    def invite(self, at):
        return at.folder.json("network", "invite", "a test")["invitation"]

    def ask_to_join(self, node, line):
        name = ["--organisation", node.name, "--vote-key", public(node.number).hex(), "--api-root", API_ROOT]
        node.folder.run("network", "join", line, *name)

    def admit(self, node, at):
        """Has the organisations admit a server that asked the server of another one."""
        wait_until(lambda: at.get("/consensus/v1/applications/").json(), "no server asks to join")
        (application,) = at.get("/consensus/v1/applications/").json()
        voters = [one.number for one in self.running() if one is not node] + [node.number]
        self.govern(application["action"], at, voters)
        self.wait_for(node)
        return application["action"]["kind"]

    def wait_for(self, node):
        """Waits until a new member has what the others have."""
        def has_applied():
            # An error is another JSON than a list of nodes.
            with contextlib.suppress(requests.RequestException, AssertionError, TypeError, KeyError):
                return node.own_node() is not None and node.state()["index"] >= self.any().state()["index"]
            return False

        seconds = wait_until(has_applied, f"server {node.number} does not become a member: see {node.log_path}")
        if node.client is None:
            node.add_client()
        return seconds

    def join(self, number, at=None, name=None):
        at = at or self.nodes[0]
        node = self.new(number, name)
        self.ask_to_join(node, self.invite(at))
        self.admit(node, at)
        return node

    def govern(self, action, at=None, voters=None):
        """Has the members vote for a change, and gives the entry at which it was proposed."""
        at = at or self.any()
        members = self.members()
        voters = [number for number in voters or members if number in members]
        said = {"network": self.id, "action": action, "nonce": secrets.token_hex(16), "claimed_at": 0}
        statement = dsse("govern", {**said, "organisation": members[voters[0]]}, voters[0])
        response = at.post("/consensus/v1/governance/", statement)
        assert response.ok, response.text
        proposal = response.json()["proposal"]
        for number in voters:
            if not self.proposal(at, proposal)["is_open"]:
                break
            response = self.vote(number, proposal, at, organisation=members[number])
            assert response.ok, response.text
        found = self.proposal(at, proposal)
        assert not found["is_open"], found
        assert found["items"][0]["phase"] in ("approved", "visible", "applied", "done"), found["items"]
        return proposal

    def proposal(self, at, proposal):
        return at.get(f"/consensus/v1/proposals/{proposal}/").json()

    def vote(self, number, proposal, at, organisation=None, decision="approve", **options):
        """Votes with the key of an organisation, at any server."""
        said = {
            "network": self.id, "organisation": organisation or self.organisation(number), "proposal": proposal,
            "decision": decision, "sequence": 0, "claimed_at": 0,
        }  # fmt: skip
        return at.post(f"/consensus/v1/proposals/{proposal}/votes/", dsse("vote", said, number), **options)

    def approve(self, objects, by, at=None):
        """Submits objects at a server, has two others approve them, and gives the status and the proposal."""
        response = by.submit(objects)
        assert response.status_code == 202, response.text
        status = response.json()
        proposal = proposal_of(status)
        others = [number for number in self.members() if number != by.number][:2]
        for number in others:
            voted = self.vote(number, proposal, at or by)
            assert voted.ok, voted.text
        return status["id"], proposal

    def running(self):
        return [node for node in self.nodes if node.is_alive()]

    def leader(self):
        """The server whose node leads, when most servers say the same."""
        said = []
        for node in self.running():
            with contextlib.suppress(requests.RequestException, AssertionError):
                said.append(node.leader())
        for node in self.running():
            with contextlib.suppress(requests.RequestException, AssertionError):
                own = node.own_node()
                if own is not None and said.count(own) * 2 > len(self.nodes):
                    return node
        return None

    def wait_for_leader(self):
        found = []
        wait_until(lambda: found.append(self.leader()) or found[-1], "no node leads")
        return found[-1]

    def wait_until_equal(self, nodes=None, seconds=PATIENCE):
        """Waits until servers have applied the same entries; what these came to must be equal."""
        nodes, last = nodes or self.running(), {}

        def are_equal():
            for node in nodes:
                with contextlib.suppress(requests.RequestException, AssertionError):
                    last[node.number] = node.state()
            return len(last) == len(nodes) and len({state["index"] for state in last.values()}) == 1

        took = wait_until(are_equal, lambda: {number: state["index"] for number, state in last.items()}, seconds)
        for field in ["entries", "effects", "state", "tree_size", "tree_root", "time"]:
            found = {number: state[field] for number, state in last.items()}
            index = next(iter(last.values()))["index"]
            assert len(set(found.values())) == 1, f"{field} differs at entry {index}: {found}"
        return took

    def compare(self, nodes=None, versions=5):
        """Holds the bytes of every answer of all servers against each other, and gives the records of the manifest."""
        nodes = nodes or self.running()
        self.wait_until_equal(nodes)
        collection = f"/{API_ROOT}/collections/{self.collection}/"
        first, *others = nodes
        for resource in ["objects", "manifest"]:
            for parameters in [{"limit": 7, "match[version]": "all"}, {"limit": 1000}]:
                expected = pages(first, f"{collection}{resource}/", parameters)
                for node in others:
                    found = pages(node, f"{collection}{resource}/", parameters)
                    assert found == expected, f"server {node.number} sends other {resource} than {first.number}"
        records = manifest(first, collection)
        for record in records[:: max(1, len(records) // versions)]:
            expected = answer(first.taxii(f"{collection}objects/{record['id']}/versions/"))
            for node in others:
                assert answer(node.taxii(f"{collection}objects/{record['id']}/versions/")) == expected
        return records

    def close(self):
        self.cuts.heal()
        for node in self.nodes:
            node.close()


def proposal_of(status):
    """The proposal of a status with objects that await approval."""
    return status["pendings"][0]["message"].split(" as ")[1].split(":")[0]


def answer(response):
    dates = [response.headers.get(f"X-TAXII-Date-Added-{which}") for which in ("First", "Last")]
    return response.content, dates


def pages(node, path, parameters):
    """Bytes and dates of all pages, by `next`."""
    found, parameters = [], dict(parameters)
    while True:
        response = node.taxii(path, **parameters)
        found.append(answer(response))
        page = response.json()
        if not page.get("more"):
            return found
        parameters["next"] = page["next"]


def manifest(node, collection):
    parameters = {"limit": 1000, "match[version]": "all"}
    return [record for content, _ in pages(node, f"{collection}manifest/", parameters)
            for record in json.loads(content).get("objects", [])]  # fmt: skip


@contextlib.contextmanager
def community(path, size, **options):
    """A community of a size, whose servers have all applied the same."""
    found = Community(path, **options)
    try:
        found.found()
        for number in range(2, size + 1):
            found.join(number)
        found.wait_until_equal()
        yield found
    except BaseException:
        print("logs:", *(node.log_path for node in found.nodes))
        raise
    finally:
        found.close()
