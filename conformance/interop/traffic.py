"""Writers and pollers that go on whatever happens, and note what came of each request."""

import collections
import contextlib
import http.client
import itertools
import json
import random
import threading
import time
import urllib.parse
import uuid
from datetime import datetime, timedelta, timezone

from concord import MEDIA_TYPE

ANSWER_SECONDS = 20
WRITER_PAUSE = 0.1
POLLER_PAUSE = 0.15
PAGE = 40
# Part of the answers that HAProxy gives by itself (deploy/haproxy/503.http).
ANSWER_OF_PROXY = b"No server answered"

Version = collections.namedtuple("Version", "id modified")


class Tally:
    """What came of all requests."""

    def __init__(self):
        self.lock = threading.Lock()
        self.outcomes = collections.Counter()
        self.seconds = collections.defaultdict(list)
        self.unexpected = []

    def note(self, method, outcome, seconds):
        with self.lock:
            self.outcomes[method, outcome] += 1
            if outcome == "ok":
                self.seconds[method].append(seconds)

    def refuse(self, what):
        with self.lock:
            self.unexpected.append(what)

    def rows(self):
        for method in ["POST", "GET"]:
            seconds = sorted(self.seconds[method]) or [0]
            counts = {
                outcome: self.outcomes[method, outcome]
                for outcome in ["ok", "503 of a server", "503 of the proxy", "broken off"]
            }
            quantiles = [seconds[int(part * (len(seconds) - 1))] for part in [0.5, 0.99, 1]]
            yield method, counts, [round(one * 1000) for one in quantiles]

    def failures(self):
        return sum(count for (_, outcome), count in self.outcomes.items() if outcome != "ok")


class Worker(threading.Thread):
    """One client: requests over one connection, each of which is sent until it succeeds."""

    def __init__(self, traffic, number):
        super().__init__(name=f"{type(self).__name__} {number}")
        self.traffic, self.number = traffic, number
        self.connection = None
        self.succeeded = 0
        self.error = None

    def run(self):
        try:
            self.work()
        except Exception as error:  # Told by the thread that waits for this one.
            self.error = error
            self.traffic.tally.refuse(f"{self.name}: {error!r}")

    def until_it_succeeds(self, method, path, body=None, **headers):
        while True:
            response = self.request(method, path, body, headers)
            if response is not None:
                return response
            if time.monotonic() > self.traffic.deadline:
                raise TimeoutError(f"{method} did not succeed in time")

    def request(self, method, path, body, headers):
        """Headers and JSON of a success; nothing when the request is to be sent again, after a pause."""
        tally, began = self.traffic.tally, time.monotonic()
        try:
            if self.connection is None:
                self.connection = http.client.HTTPConnection(
                    "127.0.0.1", self.traffic.port, timeout=ANSWER_SECONDS
                )
            self.connection.request(method, path, body, {**self.traffic.headers, **headers})
            response = self.connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException):
            self.connection.close()
            self.connection = None
            tally.note(method, "broken off", time.monotonic() - began)
            time.sleep(0.1)
            return None
        if response.status in (200, 202):
            self.succeeded = time.monotonic()
            tally.note(method, "ok", self.succeeded - began)
            return response.headers, json.loads(content)
        retry_after = response.getheader("Retry-After")
        if response.status == 503 and retry_after:
            origin = "the proxy" if ANSWER_OF_PROXY in content else "a server"
            tally.note(method, f"503 of {origin}", time.monotonic() - began)
            time.sleep(float(retry_after))
            return None
        raise AssertionError(f"{method} {path}: {response.status} {response.headers} {content[:500]}")


class Writer(Worker):
    """Posts new objects and new versions of its own; each request has a key and is repeated until it is settled."""

    def work(self):
        draw = random.Random(f"{self.traffic.seed} {self.number}")
        modified = {}
        while not self.traffic.is_over.wait(WRITER_PAUSE * draw.uniform(0.5, 1.5)):
            known = draw.sample(sorted(modified), min(len(modified), draw.choice([0, 0, 1, 2])))
            new = [f"indicator--{uuid.UUID(int=draw.getrandbits(128), version=4)}" for _ in range(draw.randint(1, 4))]
            versions = {one: modified.get(one, 0) + 1 for one in known + new}
            self.post(versions, str(uuid.UUID(int=draw.getrandbits(128), version=4)), draw.random() < 0.1)
            modified.update(versions)

    def post(self, versions, key, is_repeated):
        objects = [indicator(*version) for version in versions.items()]
        body = json.dumps({"objects": objects}).encode()
        _, status = self.send(body, key)
        assert status["status"] == "complete", status
        assert status["success_count"] == len(objects), status
        assert sorted(row["id"] for row in status["successes"]) == sorted(versions), status
        self.traffic.acknowledge(Version(one["id"], one["modified"]) for one in objects)
        if is_repeated:
            _, repeated = self.send(body, key)
            assert repeated["id"] == status["id"], f"a repeated request was carried out again: {repeated}"

    def send(self, body, key):
        path = f"{self.traffic.collection_path}objects/"
        return self.until_it_succeeds("POST", path, body, **{"Idempotency-Key": key})


FIRST_INSTANT = datetime(2024, 1, 1, tzinfo=timezone.utc)


def indicator(stix_id, number):
    """The version of an object that has a number."""
    instant = FIRST_INSTANT + timedelta(seconds=number)
    return {
        "type": "indicator",
        "spec_version": "2.1",
        "id": stix_id,
        "created": "2024-01-01T00:00:01.000Z",
        "modified": f"{instant:%Y-%m-%dT%H:%M:%S}.000Z",
        "pattern": "[domain-name:value = 'example.org']",
        "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
    }


class Poller(Worker):
    """Takes every version of every object, in the order in which the server gives them."""

    def __init__(self, *arguments):
        super().__init__(*arguments)
        self.found = []
        self.last = None

    def work(self):
        while not self.traffic.has_everything(len(self.found)):
            self.poll()
            time.sleep(POLLER_PAUSE)

    def page(self, **parameters):
        query = {"match[version]": "all", "limit": PAGE, **parameters}
        path = f"{self.traffic.collection_path}objects/?{urllib.parse.urlencode(query)}"
        headers, envelope = self.until_it_succeeds("GET", path)
        objects = envelope.get("objects", [])
        if objects:
            first = headers["X-TAXII-Date-Added-First"]
            assert self.last is None or first > self.last, f"{first} comes after {self.last}"
            self.last = headers["X-TAXII-Date-Added-Last"]
        self.found += [Version(one["id"], one["modified"]) for one in objects]
        return envelope


class DatePoller(Poller):
    """Asks for what came after the last date, and takes one page each time."""

    def poll(self):
        self.page(**({"added_after": self.last} if self.last else {}))


class NextPoller(Poller):
    """Follows `next` as far as it leads, and then asks for what came after the last date."""

    def poll(self):
        envelope = self.page(**({"added_after": self.last} if self.last else {}))
        while envelope.get("more"):
            envelope = self.page(next=envelope["next"])


class Traffic:
    """All writers and pollers of one collection."""

    def __init__(self, port, collection_path, account, seed):
        self.port, self.collection_path, self.account, self.seed = port, collection_path, account, seed
        self.headers = {
            "Accept": MEDIA_TYPE,
            "Content-Type": MEDIA_TYPE,
            "Authorization": f"Bearer {account['token']}",
        }
        self.tally = Tally()
        self.acknowledged = []
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.is_settled = threading.Event()
        self.deadline = float("inf")
        self.writers = [Writer(self, number) for number in range(4)]
        self.pollers = [kind(self, number) for number in range(2) for kind in [NextPoller, DatePoller]]
        self.workers = self.writers + self.pollers

    def acknowledge(self, versions):
        with self.lock:
            self.acknowledged += versions

    def has_everything(self, count):
        return self.is_settled.is_set() and (
            count >= len(self.acknowledged) or time.monotonic() > self.deadline
        )

    @contextlib.contextmanager
    def flowing(self):
        """Traffic for the time of the block; afterwards everything is settled and polled."""
        for worker in self.workers:
            worker.start()
        try:
            yield
        finally:
            self.is_over.set()
            self.deadline = time.monotonic() + 3 * ANSWER_SECONDS
            for writer in self.writers:
                writer.join()
            self.is_settled.set()
            for poller in self.pollers:
                poller.join()

    def check(self, replicas):
        """Holds what pollers found and what each server has against what was acknowledged."""
        assert not self.tally.unexpected, self.tally.unexpected
        assert len(set(self.acknowledged)) == len(self.acknowledged)
        for replica in replicas:
            records = list(self.manifest(replica))
            dates = [record["date_added"] for record in records]
            assert all(earlier < later for earlier, later in itertools.pairwise(dates)), "dates do not rise"
            stored = [Version(record["id"], record["version"]) for record in records]
            assert sorted(stored) == sorted(self.acknowledged)
            for poller in self.pollers:
                assert poller.found == stored, f"{poller.name} did not find what is there"

    def manifest(self, replica):
        """The records of every version, as one server tells them."""
        query = {"match[version]": "all"}
        while True:
            path = f"{self.collection_path}manifest/?{urllib.parse.urlencode(query)}"
            status, content = replica.get(path, **self.headers)
            assert status == 200, content
            page = json.loads(content)
            yield from page.get("objects", [])
            if not page.get("more"):
                return
            query["next"] = page["next"]
