"""Times the Python peers on what comes on standard input; answers with CPU seconds as JSON. Called by `compare`."""
import json
import statistics
import sys
import time
import uuid

from stix2matcher.matcher import Pattern as Matcher
from stix2patterns.v21.pattern import Pattern
from stix2validator import ValidationOptions, validate_instance

ROUNDS = 3


def median(work):
    def once():
        start = time.thread_time()
        work()
        return time.thread_time() - start
    return statistics.median(once() for _ in range(ROUNDS))


def observed(observable):
    """What stix2-matcher takes: a bundle with an observation of one object."""
    stamp = "2024-01-01T00:00:00.000Z"
    observation = {
        "type": "observed-data", "spec_version": "2.1", "id": f"observed-data--{uuid.uuid4()}", "created": stamp,
        "modified": stamp, "first_observed": stamp, "last_observed": stamp, "number_observed": 1,
        "object_refs": [observable["id"]],
    }
    return {"type": "bundle", "id": f"bundle--{uuid.uuid4()}", "objects": [observation, observable]}


def main():
    given = json.load(sys.stdin)
    bundle = json.dumps(given["bundle"])
    options = ValidationOptions(version="2.1")
    matchers = [Matcher(pattern, stix_version="2.1") for pattern in given["patterns"]]
    observations = [[observed(observable)] for observable in given["observables"]]
    answer = {
        "validate": median(lambda: validate_instance(json.loads(bundle), options)),
        "parse": median(lambda: [Pattern(pattern) for pattern in given["patterns"]]),
        "match": median(lambda: [matcher.match(seen) for seen in observations for matcher in matchers]),
    }
    json.dump(answer, sys.stdout)


main()
