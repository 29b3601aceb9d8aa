"""Servers of several organisations over one log."""

import os
import secrets
import uuid

import pytest

from concord import indicators
from node_faults import Faults, Traffic
from nodes import community

ROUNDS = int(os.environ.get("CONCORD_NODE_ROUNDS", 20))


@pytest.fixture(scope="module")
def seed():
    seed = int(os.environ.get("SEED") or secrets.randbits(32))
    print(f"SEED={seed}")
    return seed


@pytest.fixture(scope="module")
def three(tmp_path_factory):
    with community(tmp_path_factory.mktemp("three"), 3) as found:
        yield found


def test_what_is_approved_is_the_same_everywhere(three):
    first, second, third = three.nodes
    follower = second if three.wait_for_leader() is not second else third
    objects = indicators(20)
    status_id, proposal = three.approve(objects, by=follower)
    three.wait_until_equal()
    print(follower.status(status_id))
    for n in three.nodes:
        r = n.request("GET", f"/network/status/{status_id}/", headers={"Accept": "application/taxii+json;version=2.1"})
        print(r.status_code, r.text[:300])
    records = three.compare()
    print(len(records))


@pytest.mark.parametrize("size, share", [(3, 0.6), (5, 0.4)])
def test_faults_lose_nothing(size, share, seed, tmp_path):
    with community(tmp_path, size, has_gates=True, has_small_disks=True) as found:
        traffic = Traffic(found, f"{seed} {size}")
        faults = Faults(found, traffic, f"{seed} {size}")
        with traffic.flowing():
            for number in range(1, round(ROUNDS * share) + 1):
                faults.round(number)
        traffic.check()
        traffic.report()
        faults.report()
