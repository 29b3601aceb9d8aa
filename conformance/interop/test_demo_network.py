"""The demo of a network: one command, three organisations, three servers."""

import contextlib
import json
import pathlib
import queue
import re
import signal
import subprocess
import sys
import threading
import time
import uuid

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from concord import IS_TIKV, ROOT, Folder, indicators, interrupt, session
from network import signed_by

sys.path.insert(0, str(ROOT / "conformance"))
import verify_proof  # noqa: E402

pytestmark = pytest.mark.skipif(IS_TIKV, reason="the demo keeps to the embedded store")
ORGANISATIONS = ["Example Corp", "Partner Ltd", "Third Org"]
STUXNET = "malware--088f1d6e-0783-47c6-9923-9c79b2af43d4"
STEPS = ["founded", "submitted", "pending", "voted", "voted", "approved", "proved", "tampered", "exposed", "repaired"]
DATES = ["X-TAXII-Date-Added-First", "X-TAXII-Date-Added-Last"]
SECONDS = 90


class Demo:
    """A running demo: what it said when it was ready, and what it says then."""

    def __init__(self, process):
        self.process, self.lines, self.began = process, queue.Queue(), time.monotonic()
        threading.Thread(target=self.read, daemon=True).start()
        self.ready = self.line()
        self.seconds = time.monotonic() - self.began
        self.nodes, self.collection = self.ready["nodes"], self.ready["collection"]

    def read(self):
        for line in self.process.stdout:
            self.lines.put(line)
        self.lines.put(None)

    def line(self):
        line = self.lines.get(timeout=SECONDS)
        assert line is not None, "the demo ended"
        return json.loads(line)

    def steps(self, last="serving"):
        """The steps up to one, which is left out."""
        found = []
        while not found or found[-1]["step"] != last:
            found.append(self.line())
        return found[:-1]

    def all(self, path, account="reader", **parameters):
        """What each server answers."""
        answers = []
        for node in self.nodes:
            url = f"{node['api_root']}collections/{self.collection['id']}/{path}"
            answers.append(session(node[account]).get(url, params=parameters))
            answers[-1].raise_for_status()
        return answers


@contextlib.contextmanager
def running(folder, *arguments):
    process = folder.start(
        "demo", "--network", "--json", "--listen", "127.0.0.1:0", *arguments, stdout=subprocess.PIPE, text=True
    )
    try:
        yield Demo(process)
    finally:
        interrupt(process)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return Folder(tmp_path_factory.mktemp("demo") / "network")


@pytest.fixture(scope="module")
def demo(folder):
    with running(folder) as demo:
        demo.first_steps = demo.steps()
        yield demo


def same(answers, *headers):
    """What all servers answer, which is the same."""
    first, *others = [(answer.content, *(answer.headers.get(name) for name in headers)) for answer in answers]
    assert all(other == first for other in others), (first, others)
    return answers[0]


def test_the_first_line_says_where_the_servers_are(demo):
    assert [node["organisation"] for node in demo.nodes] == ORGANISATIONS
    assert len({node["url"] for node in demo.nodes}) == 3
    assert set(demo.collection) == {"id", "alias"} and uuid.UUID(demo.collection["id"])
    for node in demo.nodes:
        assert node["api_root"].startswith(node["url"] + "/")
        assert {"username", "password"} <= set(node["reader"])
        key = pathlib.Path(node["key_file"])
        assert key.stat().st_mode & 0o777 == 0o600
    print(f"ready after {demo.seconds:.1f} s")


def test_each_step_comes_once_and_in_its_order(demo):
    steps = demo.first_steps
    assert [step["step"] for step in steps] == STEPS
    founded, submitted, pending, first_vote, second_vote, approved, proved, tampered, exposed, repaired = steps
    assert len(founded["nodes"]) == 3 and sum(node["is_leader"] for node in founded["nodes"]) == 1
    assert (submitted["object"], submitted["phase"], submitted["is_earlier"]) == (STUXNET, "open", False)
    assert [node["organisation"] for node in pending["nodes"]] == ORGANISATIONS
    assert all(node["is_pending"] and not node["is_visible"] for node in pending["nodes"])
    voted = [(vote["organisation"], vote["is_decided"]) for vote in (first_vote, second_vote)]
    assert voted == [("Partner Ltd", False), ("Third Org", True)]
    assert approved["are_equal"] and approved["object"] == STUXNET
    assert set(proved["approved_by"]) == {"Partner Ltd", "Third Org"}
    assert proved["cosigned_by"] >= 2 and proved["digest"] == submitted["digest"]
    assert tampered["organisation"] == "Third Org" and tampered["served_digest"] != tampered["approved_digest"]
    assert tampered["approved_digest"] == submitted["digest"]
    assert [node["proof_holds"] for node in exposed["nodes"]] == [True, True, False] and exposed["reason"]
    # The text of the object, and the digest of everything that is there.
    assert [node["wrong"] for node in exposed["nodes"]] == [0, 0, 2] and tampered["served_digest"] in exposed["problem"]
    assert repaired["are_equal"]


def test_the_servers_serve_the_same_bytes(demo):
    approved = next(step for step in demo.first_steps if step["step"] == "approved")
    page = same(demo.all("objects/"), *DATES)
    assert json.loads(page.content)["objects"][0]["name"] == "Stuxnet"
    assert page.headers[DATES[0]] == approved["date_added"]
    manifest = same(demo.all("manifest/"), *DATES)
    assert manifest.json()["objects"][0]["date_added"] == approved["date_added"]
    same(demo.all(f"objects/{STUXNET}/versions/"), *DATES)


def test_the_proof_holds_by_another_verifier(demo):
    proved = next(step for step in demo.first_steps if step["step"] == "proved")
    bundle, trust, members = (pathlib.Path(proved[name]).read_bytes() for name in ("proof", "trust", "members"))
    proven = verify_proof.verify(bundle, trust, members)
    assert proven["id"] == STUXNET
    assert {one["name"] for one in proven["approved_by"]} == {"Partner Ltd", "Third Org"}
    with pytest.raises(verify_proof.Refused):
        verify_proof.verify(bundle.replace(b"Stuxnet", b"Stuxnot", 1), trust, members)


def test_the_key_files_vote_and_pages_go_on_alike(demo):
    """A second object, submitted at the second server and approved with the key files; then `next` is the same, too."""
    (new,) = indicators(1)
    submitter, url = demo.nodes[1], demo.nodes[1]["url"]
    client = session(submitter["writer"])
    posted = client.post(
        f"{submitter['api_root']}collections/{demo.collection['id']}/objects/", json.dumps({"objects": [new]})
    )
    assert posted.status_code == 202 and posted.json()["pending_count"] == 1, posted.text
    (proposal,) = client.get(f"{url}/consensus/v1/proposals/", params={"state": "open"}).json()
    for node in (demo.nodes[0], demo.nodes[2]):
        text = pathlib.Path(node["key_file"]).read_text()
        key = Ed25519PrivateKey.from_private_bytes(bytes.fromhex(re.search("^secret: (.*)$", text, re.M)[1]))
        vote = {
            "network": demo.ready["network"], "organisation": node["organisation_id"], "proposal": proposal["id"],
            "decision": "approve", "sequence": 0, "claimed_at": 0,
        }
        answer = client.post(
            f"{url}/consensus/v1/proposals/{proposal['id']}/votes/",
            json.dumps(signed_by(key, "vote", vote)),
            headers={"Content-Type": "application/json"},
        )
        assert answer.ok, answer.text
    end = time.monotonic() + SECONDS
    while any(len(answer.json()["objects"]) < 2 for answer in demo.all("manifest/")):
        assert time.monotonic() < end, "the second object does not reach all servers"
        time.sleep(0.05)
    first = same(demo.all("objects/", limit=1), *DATES)
    following = first.json()["next"]
    # What one server gave goes on at each other.
    second = same(demo.all("objects/", limit=1, next=following), *DATES)
    assert [page.json()["objects"][0]["id"] for page in (first, second)] == [STUXNET, new["id"]]
    assert not second.json().get("more")
    same(demo.all("manifest/", limit=1), *DATES)


def test_it_goes_on_where_it_ended(folder, demo):
    """Uses the folder of a demo that runs, so that one is stopped first. It is the last test."""
    interrupted = demo.process
    interrupted.send_signal(signal.SIGTERM)
    assert interrupted.wait(SECONDS) == 0
    with running(folder) as again:
        print(f"ready again after {again.seconds:.1f} s")
        for part in ("url", "api_root", "reader", "writer", "admin", "organisation", "node"):
            assert [node[part] for node in again.nodes] == [node[part] for node in demo.nodes], part
        assert again.collection == demo.collection
        steps = again.steps()
        assert [step["step"] for step in steps] == [step for step in STEPS if step not in ("pending", "voted")]
        assert steps[1]["is_earlier"] and steps[1]["phase"] == "approved"
        page = same(again.all("objects/"), *DATES)
        assert len(page.json()["objects"]) == 2


@pytest.mark.parametrize("moment", [0.2, 0.6, 1.2, 2.0, 3.0])
def test_an_interrupted_start_is_made_good(tmp_path, moment):
    folder = Folder(tmp_path / "network")
    process = folder.start(
        "demo", "--network", "--json", "--listen", "127.0.0.1:0", stdout=subprocess.DEVNULL
    )
    time.sleep(moment)
    interrupt(process)
    with running(folder) as demo:
        last = demo.steps()[-1]
        assert last["step"] == "repaired", last
        same(demo.all("objects/"), *DATES)


def test_another_folder_is_refused(folder, tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    other = Folder(tmp_path)
    assert "holds something that is no demo of a network" in other.fails("demo", "--network", "--listen", "127.0.0.1:0")
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]
    assert "holds the demo of a network" in folder.fails("demo", "--listen", "127.0.0.1:0")
