"""Clients and reviewers of a community of nodes that go on whatever happens, and faults, drawn from a seed."""

import collections
import contextlib
import random
import resource
import threading
import time
import uuid

import requests

from nodes import PATIENCE, wait_until

SUBMITTERS = 4
# A request that is not settled in this time waits until the faults are over.
SETTLE_SECONDS = 4
LAST_SETTLE_SECONDS = 60
ANSWER_SECONDS = 12
# What a server may answer while there are faults, with Retry-After.
PASSING = {"no_majority", "outcome_unknown", "unavailable", "storage_full", "storage_failed"}


class Post:
    """A request to add objects, which is sent until it is settled."""

    def __init__(self, node, objects, key):
        self.node, self.objects, self.key = node, objects, key
        self.status_id = None
        self.attempts = 0

    def ids(self):
        return [one["id"] for one in self.objects]


class Traffic:
    """Threads that submit at all servers, and one for each organisation that approves."""

    def __init__(self, community, seed):
        self.community, self.seed = community, seed
        self.lock = threading.Lock()
        self.acknowledged, self.unsettled, self.unexpected = [], [], []
        self.outcomes = collections.Counter()
        self.succeeded = collections.defaultdict(float)
        self.is_over, self.is_settled = threading.Event(), threading.Event()
        self.members = community.members()
        self.submitters = [self.thread(self.submit, number) for number in range(SUBMITTERS)]
        self.voters = [self.thread(self.vote, number) for number in self.members]

    def thread(self, work, number):
        return threading.Thread(target=self.guard, args=[work, number], daemon=True)

    def guard(self, work, number):
        try:
            work(number)
        except Exception as error:  # Told by the thread that waits for this one.
            self.unexpected.append(f"{work.__name__} {number}: {error!r}")

    @contextlib.contextmanager
    def flowing(self):
        for thread in self.submitters + self.voters:
            thread.start()
        try:
            yield
        except BaseException:
            self.is_settled.set()
            raise
        finally:
            self.is_over.set()
            for thread in self.submitters:
                thread.join()

    def submit(self, number):
        draw = random.Random(f"{self.seed} submitter {number}")
        while not self.is_over.wait(draw.uniform(0.01, 0.1)):
            node = draw.choice(self.community.nodes)
            ids = [str(uuid.UUID(int=draw.getrandbits(128), version=4)) for _ in range(draw.randint(1, 3))]
            post = Post(node, [indicator(one) for one in ids], str(uuid.UUID(int=draw.getrandbits(128), version=4)))
            if self.settle(post, SETTLE_SECONDS):
                if draw.random() < 0.1:
                    self.repeat(post)
            else:
                with self.lock:
                    self.unsettled.append(post)

    def settle(self, post, seconds):
        """Sends a request again and again, and tells whether it was acknowledged."""
        end = time.monotonic() + seconds
        while True:
            response = self.attempt(post)
            if response is not None:
                status = response.json()
                # Others may have approved it by now, where the outcome of an earlier attempt was not known.
                is_whole = not status["failure_count"] and status["total_count"] == len(post.objects)
                assert is_whole, f"{post.key}: {status}"
                post.status_id = status["id"]
                with self.lock:
                    self.acknowledged.append(post)
                return True
            if time.monotonic() > end:
                return False
            time.sleep(0.1)

    def attempt(self, post):
        post.attempts += 1
        try:
            response = post.node.submit(post.objects, post.key, seconds=ANSWER_SECONDS)
        except requests.RequestException as error:
            self.count("POST", "no answer" if isinstance(error, requests.ReadTimeout) else "broken off")
            return None
        if response.status_code == 202:
            self.count("POST", "202")
            self.succeeded[post.node.number] = time.monotonic()
            return response
        self.check_refusal(response, "POST", post.key)
        return None

    def check_refusal(self, response, method, what):
        code = response.json().get("error_code") if response.content[:1] == b"{" else None
        self.count(method, f"{response.status_code} {code}")
        is_passing = response.status_code in (503, 507) and code in PASSING and "Retry-After" in response.headers
        if not is_passing:
            answer = f"{response.status_code} {dict(response.headers)} {response.text[:400]}"
            self.unexpected.append(f"{method} {what}: {answer}")

    def repeat(self, post):
        with contextlib.suppress(requests.RequestException):
            response = post.node.submit(post.objects, post.key, seconds=ANSWER_SECONDS)
            if response.status_code == 202:
                assert response.json()["id"] == post.status_id, f"{post.key} was carried out twice: {response.text}"

    def vote(self, number):
        draw = random.Random(f"{self.seed} voter {number}")
        voted = set()
        while not self.is_settled.wait(draw.uniform(0.05, 0.2)):
            node = draw.choice(self.community.nodes)
            try:
                wanted = {"state": "open", "limit": 100}
                proposals = node.get("/consensus/v1/proposals/", params=wanted, seconds=5).json()
            except (requests.RequestException, AssertionError):
                self.count("GET", "failed")
                continue
            for found in proposals:
                if found["id"] in voted or found["organisation"] == self.members[number]:
                    continue
                at = draw.choice(self.community.nodes)
                try:
                    response = self.community.vote(
                        number, found["id"], at, organisation=self.members[number], seconds=ANSWER_SECONDS
                    )
                except requests.RequestException:
                    self.count("vote", "broken off")
                    break
                if response.ok or response.status_code == 409:
                    # Others have decided meanwhile.
                    self.count("vote", str(response.status_code))
                    voted.add(found["id"])
                else:
                    self.check_refusal(response, "vote", found["id"])
                    break

    def count(self, method, outcome):
        with self.lock:
            self.outcomes[method, outcome] += 1

    def check(self):
        """Settles and decides what is left, and holds what each server has against what was acknowledged."""
        community = self.community
        try:
            for post in list(self.unsettled):
                assert self.settle(post, LAST_SETTLE_SECONDS), f"{post.key} is not settled at server {post.node.number}"
            self.unsettled = []
            wait_until(self.is_decided, "proposals stay open", 2 * PATIENCE, 0.3)
        finally:
            self.is_settled.set()
            for thread in self.voters:
                thread.join()
        assert not self.unexpected, self.unexpected[:5]
        records = community.compare()
        stored = [record["id"] for record in records]
        dates = [record["date_added"] for record in records]
        sent = [one for post in self.acknowledged for one in post.ids()]
        assert len(set(stored)) == len(stored), "an object is visible twice"
        missing, surplus = set(sent) - set(stored), set(stored) - set(sent)
        assert not missing, f"acknowledged, and gone: {sorted(missing)}"
        assert not surplus, f"visible, and not acknowledged: {sorted(surplus)}"
        assert dates == sorted(set(dates)), "dates do not rise"
        proposals = [one for one in community.nodes[0].proposals() if one["collection"]]
        assert len(proposals) == len(self.acknowledged), "a request was carried out twice, or not at all"
        for post in self.acknowledged:
            status = post.node.status(post.status_id)
            assert [row["id"] for row in status.get("successes", [])] == post.ids(), status
        return records

    def is_decided(self):
        return not any(node.open_proposals() for node in self.community.nodes)

    def report(self):
        known = ", ".join(f"{method} {outcome}: {count}" for (method, outcome), count in sorted(self.outcomes.items()))
        repeated = sum(post.attempts > 1 for post in self.acknowledged)
        print(f"{len(self.acknowledged)} POSTs acknowledged, {repeated} of them sent more than once; {known}")


def indicator(one):
    return {
        "type": "indicator", "spec_version": "2.1", "id": f"indicator--{one}",
        "created": "2024-01-01T00:00:01.000Z", "modified": "2024-01-01T00:00:01.000Z",
        "pattern": "[domain-name:value = 'example.org']", "pattern_type": "stix",
        "valid_from": "2024-01-01T00:00:00Z",
    }  # fmt: skip


class Faults:
    """Breaks nodes of a community, one after another or two at once, and heals them."""

    def __init__(self, community, traffic, seed):
        self.community, self.traffic, self.seed = community, traffic, seed
        self.times = collections.defaultdict(list)

    def round(self, number):
        """One fault, from its beginning until all is well again."""
        draw = random.Random(f"{self.seed} round {number}")
        kinds = [self.kill, self.kill, self.pause, self.cut, self.cut_one_way, self.fill_disk, self.forbid_writes]
        most = (len(self.community.nodes) - 1) // 2
        targets = self.targets(draw, draw.randint(1, most))
        chosen = [(draw.choice(kinds), target) for target in targets]
        names = " + ".join(f"{kind.__name__} {target.number}" for kind, target in chosen)
        print(f"round {number}: {names}", flush=True)
        heals = [kind(target, draw) for kind, target in chosen]
        time.sleep(draw.uniform(2, 6))
        healed = time.monotonic()
        for heal in heals:
            heal()
        self.recover(names, healed)
        took = time.monotonic() - healed
        self.times[" + ".join(sorted(kind.__name__ for kind, _ in chosen))].append(took)

    def targets(self, draw, count):
        """Servers to break; the one that leads half of the time."""
        leader = self.community.leader()
        found = draw.sample(self.community.nodes, count)
        if leader and leader not in found and draw.random() < 0.5:
            found[0] = leader
        return found

    def kill(self, node, draw):
        node.kill()
        return node.start

    def pause(self, node, draw):
        node.pause()
        return node.go_on

    def cut(self, node, draw):
        others = [other.number for other in self.community.nodes if other is not node]
        pairs = [(node.number, other) for other in others] + [(other, node.number) for other in others]
        return self.cut_pairs(pairs)

    def cut_one_way(self, node, draw):
        """Others do not hear a node, it does not hear them, or it does not hear one of them."""
        others = [other.number for other in self.community.nodes if other is not node]
        pairs = draw.choice([
            [(node.number, other) for other in others],
            [(other, node.number) for other in others],
            [(draw.choice(others), node.number)],
        ])
        return self.cut_pairs(pairs)

    def cut_pairs(self, pairs):
        self.community.cuts.cut(*pairs)
        return self.community.cuts.heal

    def fill_disk(self, node, draw):
        """Fills the disk of a node; where it has none of its own, no file of it can grow."""
        if not node.has_small_disk:
            size = max(file.stat().st_size for file in node.path.iterdir() if file.is_file())
            return self.limit(node, size)
        ballast = node.path / "ballast"
        with ballast.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            for size in (1 << 20, 1 << 12):
                with contextlib.suppress(OSError):
                    while file.write(bytes(size)) == size:
                        pass
        return lambda: ballast.unlink(missing_ok=True)

    def forbid_writes(self, node, draw):
        """Every write of a node fails, as on a broken disk."""
        return self.limit(node, 4096)

    def limit(self, node, size):
        _, most = resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE)
        resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (size, most))

        def lift():
            if node.is_alive():
                resource.prlimit(node.process.pid, resource.RLIMIT_FSIZE, (most, most))

        return lift

    def recover(self, names, healed):
        """Waits until every server has acknowledged something since, and has what the others had."""
        community, succeeded = self.community, self.traffic.succeeded
        goal = max(node.index() for node in community.nodes)

        def late():
            behind = [node.number for node in community.nodes if node.index() < goal]
            silent = [node.number for node in community.nodes if succeeded[node.number] < healed]
            return behind, silent

        def is_well():
            for node in community.nodes:
                if not node.is_alive():
                    # A server may end when its disk fails; its operator starts it again.
                    print(f"  server {node.number} has ended with exit code {node.process.returncode}", flush=True)
                    node.start()
            assert not self.traffic.unexpected, self.traffic.unexpected[:5]
            return late() == ([], [])

        wait_until(is_well, lambda: f"after {names}: (behind, silent) is {late()}", PATIENCE, 0.1)

    def report(self):
        print("fault: times, longest time from its end until all servers acknowledge and none is behind")
        for name, seconds in sorted(self.times.items()):
            print(f"  {name}: {len(seconds)}, {max(seconds):.1f} s")
