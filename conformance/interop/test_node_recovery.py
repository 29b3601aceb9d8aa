"""Nodes that are left alone, and one whose store was changed below it."""

import contextlib
import json

import pytest
import requests

from concord import IS_TIKV, MEDIA_TYPE, indicators
from nodes import API_ROOT, community, wait_until

pytestmark = pytest.mark.skipif(IS_TIKV, reason="each of these servers has a store of its own")


def test_one_node_goes_on_when_most_are_gone_for_good(tmp_path):
    with community(tmp_path, 3) as found:
        found.wait_for_roles("voter", "voter", "voter")
        first, second, third = found.nodes
        found.approve(indicators(5), by=second)
        found.wait_until_equal()
        assert "nothing to recover" in first.folder.fails("network", "recover", "--yes")
        gone = [second.own_node(), third.own_node()]
        for node in (second, third):
            node.kill()
            found.forget(node)
        wait_until(lambda: first.submit(indicators(1)).status_code == 503, "it acknowledges what one node has alone")
        assert "--yes" in first.folder.fails("network", "recover")
        first.folder.run("network", "recover", "--yes")
        wait_until(lambda: first.leader() == first.own_node(), "it does not lead")
        for number in gone:
            found.govern({"kind": "remove_node", "node": number}, first, voters=[1, 2])
            found.wait_until_gone(number)
        found.approve(indicators(3), by=first)
        found.join(3, at=first, name="node3-new")
        found.join(2, at=first, name="node2-new")
        found.wait_for_roles("voter", "voter", "voter")
        found.approve(indicators(2), by=found.nodes[-1])
        assert len(found.compare()) == 10


def test_a_node_whose_store_was_changed_stops_serving_the_network(tmp_path):
    with community(tmp_path, 3) as found:
        found.wait_for_roles("voter", "voter", "voter")
        first, second, third = found.nodes
        found.approve(indicators(5), by=first)
        found.wait_until_equal()
        entries = bytes.fromhex(third.state()["entries"])
        third.stop()
        store = next(file for file in third.folder.path.iterdir() if entries in file.read_bytes())
        changed = bytes([entries[0] ^ 1]) + entries[1:]
        store.write_bytes(store.read_bytes().replace(entries, changed))
        third.start()

        # Its log says something else than that of the others, so it does not go on.
        def is_fenced():
            # It may not listen yet.
            with contextlib.suppress(requests.RequestException):
                response = third.request("GET", "/readyz/")
                return response.status_code == 503 and response.json()["error_code"] == "fenced"
            return False

        wait_until(is_fenced, "it serves a state that no other node has")
        path = f"/{API_ROOT}/collections/{found.collection}/objects/"
        response = third.request("GET", path, account=third.client, headers={"Accept": MEDIA_TYPE})
        assert response.status_code == 503 and response.json()["error_code"] == "fenced", response.text
        proofs = [proof for node in (first, second) for proof in node.folder.path.glob("difference-*.json")]
        statements = json.loads(proofs[0].read_text())
        assert len({statement["signatures"][0]["keyid"] for statement in statements}) == 2
        found.nodes.remove(third)
        found.approve(indicators(3), by=first)
        assert len(found.compare()) == 8

        # It joins again as another node, and gets everything from the others.
        found.nodes.append(third)
        found.ask_to_join(third, found.invite(first))
        assert found.admit(third, first) == "add_node"
        found.wait_for_roles("voter", "voter", "voter")
        found.approve(indicators(2), by=third)
        assert len(found.compare()) == 10
