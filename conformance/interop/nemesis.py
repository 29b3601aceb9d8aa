"""Faults, one after another, drawn from a seed; and the time that each took to heal."""

import collections
import os
import random
import time

from tikv import TestStore

# A real cluster elects other leaders within 20 s. A machine that runs other tests too may be slower.
MAX_RECOVERY = {True: 5, False: 25}
if "CONCORD_RECOVERY_SECONDS" in os.environ:
    MAX_RECOVERY = dict.fromkeys(MAX_RECOVERY, float(os.environ["CONCORD_RECOVERY_SECONDS"]))


class Nemesis:
    """Breaks replicas, and the cluster where it is the test store."""

    def __init__(self, seed, replicas, cluster, traffic):
        self.draw = random.Random(f"{seed} nemesis")
        self.replicas, self.cluster, self.traffic = replicas, cluster, traffic
        self.recoveries = collections.defaultdict(list)
        self.faults = [self.kill, self.kill, self.pause, self.restart]
        self.is_test_store = isinstance(cluster, TestStore)
        if self.is_test_store:
            self.faults += [self.lead, self.split, self.stop_store, self.hang_store, self.stop_pd, self.everything]

    def rage(self, seconds):
        """Breaks and heals until the time is over; each fault comes before any of them comes again."""
        end = time.monotonic() + seconds
        queue = []
        while time.monotonic() < end:
            queue = queue or self.draw.sample(self.faults, len(self.faults))
            fault = queue.pop()
            fault()
            self.recover(fault.__name__)
            time.sleep(self.draw.uniform(0.2, 1.5))
        return [fault.__name__ for fault in self.faults if fault.__name__ not in self.recoveries]

    def recover(self, name):
        """Waits until every client has had a success since, and every replica is ready."""
        healed = time.monotonic()
        limit = MAX_RECOVERY[self.is_test_store]
        waits = {worker for worker in self.traffic.workers}
        unready = set(self.replicas)
        while waits or unready:
            waits = {worker for worker in waits if worker.succeeded < healed}
            unready = {replica for replica in unready if not replica.is_ready()}
            assert not self.traffic.tally.unexpected, self.traffic.tally.unexpected
            if time.monotonic() - healed > limit:
                late = [worker.name for worker in waits] + [f"replica {replica.port}" for replica in unready]
                raise AssertionError(f"{limit} s after the end of {name}, nothing has come of {late}")
            time.sleep(0.02)
        self.recoveries[name].append(time.monotonic() - healed)

    def wait(self, shortest, longest):
        time.sleep(self.draw.uniform(shortest, longest))

    def kill(self):
        replica = self.draw.choice(self.replicas)
        replica.kill()
        self.wait(0.1, 3)
        replica.start()

    def pause(self):
        replica = self.draw.choice(self.replicas)
        replica.pause()
        self.wait(0.5, 6)
        replica.go_on()

    def restart(self):
        replica = self.draw.choice(self.replicas)
        replica.stop()
        replica.start()

    def lead(self):
        self.cluster.lead(self.draw.choice(self.cluster.stores))

    def split(self):
        self.cluster.split()

    def stop_store(self):
        store = self.draw.choice(self.cluster.stores)
        self.cluster.stop(store)
        self.wait(0.5, 4)
        self.cluster.start(store)

    def hang_store(self):
        store = self.draw.choice(self.cluster.stores)
        self.cluster.hang(store)
        self.wait(0.5, 4)
        self.cluster.start(store)

    def stop_pd(self):
        self.cluster.stop("pd")
        self.wait(0.5, 4)
        self.cluster.start("pd")

    def everything(self):
        """All replicas die at once, while a store is away."""
        store = self.draw.choice(self.cluster.stores)
        self.cluster.stop(store)
        for replica in self.replicas:
            replica.kill()
        self.wait(0.1, 1)
        for replica in self.replicas:
            replica.start()
        self.wait(0.1, 1)
        self.cluster.start(store)
