"""Three servers over one TiKV cluster, behind HAProxy, under load: what breaks, and what is restarted.

SEED repeats what is sent and what is meant to break when; what exactly a fault hits is up to the machine.
CONCORD_FAULT_SECONDS is the time of the faults. CONCORD_PREVIOUS_SERVER is the program before an upgrade; without it, all
replicas are restarted as they are. CONCORD_TIKV_PD names a real cluster (with CONCORD_TIKV_CA,
CONCORD_TIKV_CERT, CONCORD_TIKV_KEY, CONCORD_TIKV_KEYSPACE); then only servers are broken.
"""

import os
import pathlib
import secrets
import time

import pytest

from concord import BINARY
from nemesis import Nemesis
from replicas import served
from tikv import TestStore, cluster
from traffic import Traffic

FAULT_SECONDS = float(os.environ.get("CONCORD_FAULT_SECONDS", 60))
PREVIOUS = pathlib.Path(os.environ.get("CONCORD_PREVIOUS_SERVER", BINARY)).resolve()
STARTING_REGIONS = 4


@pytest.fixture(scope="module")
def seed():
    seed = int(os.environ.get("SEED") or secrets.randbits(32))
    print(f"SEED={seed}")
    return seed


@pytest.fixture(scope="module")
def store(tmp_path_factory):
    with cluster(tmp_path_factory.mktemp("tikv")) as found:
        yield found


def new_traffic(replicas, proxy, seed):
    """Traffic into a new collection."""
    folder = replicas[0].folder
    collection = folder.run("collection", "add", f"Collection {secrets.token_hex(4)}").strip()
    account = folder.json("account", "add", f"client-{collection}", "--read", collection, "--write", collection)
    # The other servers know of both within a second.
    time.sleep(1)
    return Traffic(proxy.port, f"/api/collections/{collection}/", account, seed)


def report(traffic, nemesis=None):
    print(f"{len(traffic.acknowledged)} versions acknowledged, each found once by {len(traffic.pollers)} pollers")
    print("request   ok  503 server  503 proxy  broken off  ms: median    99 %     max")
    for method, counts, (median, most, longest) in traffic.tally.rows():
        ok, server, proxy, broken = counts.values()
        print(f"{method:<5} {ok:>6}  {server:>10}  {proxy:>9}  {broken:>10}  {median:>10}  {most:>6}  {longest:>6}")
    if nemesis:
        print("fault        times  longest recovery, s")
        for name, seconds in sorted(nemesis.recoveries.items()):
            print(f"{name:<12} {len(seconds):>5}  {max(seconds):>19.2f}")


def test_faults_lose_and_repeat_nothing(store, seed, tmp_path):
    with served(tmp_path, store.deployment()) as (replicas, proxy):
        traffic = new_traffic(replicas, proxy, seed)
        nemesis = Nemesis(seed, replicas, store, traffic)
        with traffic.flowing():
            time.sleep(1)
            if isinstance(store, TestStore):
                for _ in range(STARTING_REGIONS):
                    store.split()
            nemesis.rage(FAULT_SECONDS)
        traffic.check(replicas)
        report(traffic, nemesis)


def test_a_rolling_upgrade_fails_no_request(store, seed, tmp_path):
    with served(tmp_path, store.deployment(), binary=PREVIOUS) as (replicas, proxy):
        traffic = new_traffic(replicas, proxy, seed)
        with traffic.flowing():
            time.sleep(1)
            for replica in replicas:
                replica.stop()
                replica.folder.binary = BINARY
                replica.start()
                replica.wait_until_ready()
                proxy.wait_until_up(len(replicas))
            time.sleep(1)
        traffic.check(replicas)
        report(traffic)
        assert traffic.tally.failures() == 0
