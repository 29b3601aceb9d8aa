"""The conformance suite against the real server: over the engine that this run has, as processes serve it."""

import collections
import json
import subprocess

from concord import BINARY

SUITE = BINARY.parent / "taxii-conformance"


def suite(demo, *arguments):
    writer, reader = (f"basic:{one['username']}:{one['password']}" for one in [demo["writer"], demo["reader"]])
    command = [SUITE, *arguments, "--url", demo["url"], "--auth", writer]
    if not arguments:
        command += ["--limited-auth", reader, "--json", "-"]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


def test_every_must_is_kept(demo):
    outcome = suite(demo)
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
    rows = json.loads(outcome.stdout)["rows"]
    outcomes = collections.Counter(row["outcome"] for row in rows)
    print(outcomes)
    assert outcomes["pass"] > 100 and not outcomes["fail"], [row for row in rows if row["outcome"] == "fail"]


def test_hostile_requests_are_refused(demo):
    outcome = suite(demo, "hostile", "--count", "500", "--seed", "7")
    assert outcome.returncode == 0, outcome.stdout + outcome.stderr
