"""The TiKV cluster that servers under test keep their data in: a real one, or the TiKV test store."""

import contextlib
import os
import pathlib
import subprocess
import urllib.parse
import urllib.request
import uuid

from concord import BINARY

PROGRAM = pathlib.Path(os.environ.get("CONCORD_TIKV_TESTD", BINARY.parents[1] / "tikv-testd"))
# Time after which regions of a store that is away have another leader.
ELECTION_SECONDS = 1


class Cluster:
    """How servers reach a cluster."""

    def __init__(self, pd, **options):
        self.settings = {"CONCORD_STORE_ENGINE": "tikv", "CONCORD_STORE_PD": pd, **options}

    def deployment(self):
        """Settings of servers that share a store which holds nothing yet."""
        return {**self.settings, "CONCORD_STORE_PREFIX": f"test-{uuid.uuid4()}"}


class TestStore(Cluster):
    """The test store, and what can be broken in it."""

    __test__ = False

    def __init__(self, process, ready):
        self.process = process
        facts = dict(fact.split("=", 1) for fact in ready.split()[1:])
        self.admin = facts["admin"]
        self.stores = [int(store) for store in facts["ids"].split(",")]
        super().__init__(facts["pd"])

    def ask(self, path, **parameters):
        url = f"http://{self.admin}/{path}?{urllib.parse.urlencode(parameters)}"
        with urllib.request.urlopen(url, timeout=30) as response:
            return response.read().decode()

    def split(self):
        """Splits the region with the most keys."""
        self.ask("split")

    def lead(self, store):
        """Makes a store the leader of every region."""
        self.ask("leader", store=store)

    def stop(self, node):
        self.ask("stop", store=node)

    def hang(self, node):
        self.ask("hang", store=node)

    def start(self, node):
        self.ask("start", store=node)

    def regions(self):
        return len(self.ask("regions").splitlines())


@contextlib.contextmanager
def cluster(folder):
    """The cluster of CONCORD_TIKV_PD, else a test store with three stores that keeps its data in a folder."""
    pd = os.environ.get("CONCORD_TIKV_PD")
    if pd:
        options = {
            f"CONCORD_STORE_{name}": os.environ[f"CONCORD_TIKV_{name}"]
            for name in ["CA", "CERT", "KEY", "KEYSPACE"]
            if os.environ.get(f"CONCORD_TIKV_{name}")
        }
        if "CONCORD_STORE_CA" in options:
            options.setdefault("CONCORD_STORE_KEYSPACE", "DEFAULT")
        yield Cluster(pd, **options)
        return
    assert PROGRAM.is_file(), f"no TiKV test store at {PROGRAM}: conformance/tikv-testd.sh builds it"
    address = "127.0.0.1:0"
    listen = ["-pd", address, "-stores", ",".join([address] * 3), "-admin", address]
    command = [PROGRAM, *listen, "-data", folder, "-elect", f"{ELECTION_SECONDS}s"]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        yield TestStore(process, process.stdout.readline())
    finally:
        process.terminate()
        process.wait(30)
