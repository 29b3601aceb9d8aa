"""kill -9 in the middle of everything: what was acknowledged stays, nothing is there by half.

This kills the process, not the machine: what the kernel already holds survives. SEED repeats what is sent and when a
kill is meant to come; what exactly it hits is up to the machine.
"""

import collections
import itertools
import json
import os
import random
import secrets
import threading
import time
import uuid
from datetime import datetime

import requests

from concord import (
    IS_TIKV,
    Folder,
    envelope,
    free_port,
    manifest,
    object_texts,
    pages,
    session,
    stored_texts,
    wait_until_ready,
)

ROUNDS = 12 if IS_TIKV else 50
WRITERS = 4
MAX_OBJECTS = 50
# POSTs that are acknowledged before the kill, at most.
MAX_ACKNOWLEDGED = 30
PAGE = 500

Post = collections.namedtuple("Post", "ids status_id")


def test_kill_loses_nothing(tmp_path):
    seed = int(os.environ.get("SEED") or secrets.randbits(32))
    print(f"SEED={seed}")
    folder, port = Folder(tmp_path / "data"), free_port()
    folder.run("api-root", "add", "api")
    collection = folder.run("collection", "add", "Killed").strip()
    account = folder.json("account", "add", "writer", "--read", collection, "--write", collection)
    writers = Writers(f"http://127.0.0.1:{port}/api/", collection, account)

    cursor, known = None, []
    for number in range(ROUNDS):
        draw = random.Random(f"{seed} {number}")
        if draw.random() < 0.2:
            kill_while_starting(folder, port, draw)
        process = folder.start_serving(port)
        try:
            wait_until_ready(process, port)
            known = check(writers, known, cursor, draw)
            cursor = first_cursor(writers, len(known), draw)
            writers.write_until_killed(process, draw)
        finally:
            process.kill()
            process.wait()

    # The command line finds a folder whose server was killed, and no server.
    exported = [json.loads(line) for line in folder.run("export", "--collection", collection).splitlines()]
    with folder.serve(port):
        known = check(writers, known, cursor, draw, statuses=len(writers.acknowledged))
    assert [(line["date_added"], line["object"]["id"]) for line in exported] == known
    broken_off = len(writers.posts) - len(writers.acknowledged)
    print(f"{len(known)} objects; {len(writers.acknowledged)} POSTs acknowledged, {broken_off} broken off")


class Writers:
    """Threads that POST, what they sent, and what was acknowledged."""

    def __init__(self, api_root, collection, account):
        self.api_root, self.account = api_root, account
        self.collection_url = f"{api_root}collections/{collection}/"
        self.sent = {}
        self.posts = []
        self.acknowledged = []
        self.unexpected = []

    def write_until_killed(self, process, draw):
        """Posts until enough is acknowledged, then kills the server under the next POSTs."""
        enough = len(self.acknowledged) + draw.randint(1, MAX_ACKNOWLEDGED)
        threads = [
            threading.Thread(target=self.write, args=[random.Random(draw.random())]) for _ in range(WRITERS)
        ]
        for thread in threads:
            thread.start()
        while len(self.acknowledged) < enough and all(thread.is_alive() for thread in threads):
            time.sleep(0.001)
        time.sleep(draw.uniform(0, 0.03))
        has_ended_by_itself = process.poll() is not None
        process.kill()
        for thread in threads:
            thread.join()
        assert not self.unexpected
        assert not has_ended_by_itself

    def write(self, draw):
        with session(self.account) as client:
            while True:
                new = dict(new_object(draw) for _ in range(draw.randint(1, MAX_OBJECTS)))
                self.sent.update(new)
                self.posts.append(list(new))
                try:
                    response = client.post(f"{self.collection_url}objects/", data=envelope(new.values()))
                    status = response.json()
                except requests.RequestException:
                    return
                if response.status_code != 202 or status["success_count"] != len(new):
                    self.unexpected.append(response.text)
                    return
                self.acknowledged.append(Post(list(new), status["id"]))


def new_object(draw):
    """An id and a text that would not survive a parser and a writer."""
    stix_id = f"indicator--{uuid.UUID(int=draw.getrandbits(128), version=4)}"
    name = "\\u00fc" * draw.randint(0, 50) + "ü" * draw.randint(0, 200)
    return stix_id, (
        f'{{"type" : "indicator","spec_version":"2.1", "id":"{stix_id}","x_n":{draw.random():.3e},'
        '"created":"2024-01-01T00:00:00.000Z","modified":"2024-01-01T00:00:00.000Z",'
        f'"pattern_type":"stix","valid_from":"2024-01-01T00:00:00Z","name":"{name}",'
        '"pattern":"[ipv4-addr:value = \'198.51.100.1\']"}'
    )


def kill_while_starting(folder, port, draw):
    """What a kill left must survive a kill of its repair."""
    process = folder.start_serving(port)
    time.sleep(draw.uniform(0, 0.1))
    process.kill()
    process.wait()


def check(writers, known, cursor, draw, statuses=20):
    """Checks everything; gives date_added and id of each object, for the next check."""
    with session(writers.account) as client:
        texts = stored_texts(client, writers.collection_url)
        ids = [json.loads(text)["id"] for text in texts]
        assert len(set(ids)) == len(ids)
        for stix_id, text in zip(ids, texts, strict=True):
            assert text == writers.sent[stix_id]

        there = set(ids)
        for post in writers.acknowledged:
            assert there.issuperset(post.ids), f"an acknowledged POST is gone: {post.status_id}"
        for post in writers.posts:
            assert there.issuperset(post) or there.isdisjoint(post), "a POST is there by half"

        records = manifest(client, writers.collection_url)
        assert [record["id"] for record in records] == ids
        dates = [datetime.fromisoformat(record["date_added"].replace("Z", "+00:00")) for record in records]
        assert all(earlier < later for earlier, later in itertools.pairwise(dates))
        found = [(record["date_added"], record["id"]) for record in records]
        assert found[: len(known)] == known, "a kill changed what was there before"

        recent = writers.acknowledged[-statuses:]
        sample = draw.sample(writers.acknowledged, min(statuses, len(writers.acknowledged)))
        for post in recent + sample:
            status = client.get(f"{writers.api_root}status/{post.status_id}/").json()
            assert [row["id"] for row in status["successes"]] == post.ids

        if cursor:
            served, next_page = cursor
            rest = pages(client, f"{writers.collection_url}objects/", next=next_page, limit=PAGE)
            assert [text for page in rest for text in object_texts(page.content.decode())] == texts[served:]
    return found


def first_cursor(writers, count, draw):
    """How many objects come before a `next`, and the `next`; none when there are too few objects."""
    if count < 2:
        return None
    limit = draw.randint(1, min(count, 1000) - 1)
    with session(writers.account) as client:
        page = client.get(f"{writers.collection_url}objects/", params={"limit": limit}).json()
    return len(page["objects"]), page["next"]
