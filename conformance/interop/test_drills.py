"""The drills of deploy/README.md, each block as it stands there, on the cluster of deploy/local/up."""

import contextlib
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess

import pytest

from concord import BINARY, ROOT, free_port

PAGE = ROOT / "deploy/README.md"
START_SECONDS = 300
DRILL_SECONDS = 120


def drills():
    """The blocks, each with the title above it."""
    title, found = "", []
    for part in re.split(r"^(#+ .*)$", PAGE.read_text(), flags=re.MULTILINE):
        if part.startswith("#"):
            title = part.lstrip("# ")
        found += [(title, block) for block in re.findall(r"^```sh drill\n(.*?)^```$", part, re.DOTALL | re.MULTILINE)]
    return found


@pytest.fixture(scope="module")
def cluster(tmp_path_factory):
    """The folder in which a cluster was started."""
    folder = tmp_path_factory.mktemp("drills")
    environment = {
        **os.environ,
        "CONCORD_BIN": str(BINARY.parent),
        "CONCORD_LOCAL_PORT": str(free_ports(4)),
        "CONCORD_LOCAL_METRICS_PORT": str(free_ports(4)),
    }
    process = subprocess.Popen(
        [ROOT / "deploy/local/up", folder / "concord-local"],
        cwd=folder,
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        start_new_session=True,
    )
    said = []
    try:
        for line in process.stdout:
            said.append(line)
            if "Ctrl-C stops all" in line:
                break
        assert process.poll() is None and "Ctrl-C" in said[-1], "".join(said)
        yield folder
    finally:
        # As a terminal does, to the whole group.
        os.killpg(process.pid, signal.SIGINT)
        assert process.wait(DRILL_SECONDS) == 0
    pids = {path.stem: int(path.read_text()) for path in (folder / "concord-local").glob("*.pid")}
    assert len(pids) == 5
    remaining = [part for part, pid in pids.items() if pathlib.Path(f"/proc/{pid}").exists()]
    assert remaining == [], "these parts were not stopped"


def free_ports(count):
    """The first of some free ports in a row."""
    while True:
        first = free_port()
        with contextlib.ExitStack() as stack, contextlib.suppress(OSError, OverflowError):
            for port in range(first, first + count):
                stack.enter_context(socket.socket()).bind(("127.0.0.1", port))
            return first


def test_there_are_drills():
    assert len(drills()) >= 5
    for tool in ["curl", "haproxy", "age-keygen"]:
        assert shutil.which(tool, path=f"{os.environ['PATH']}:/usr/sbin"), f"{tool} is missing: deploy/check.sh installs it"


@pytest.mark.parametrize("title, block", drills(), ids=[title for title, _ in drills()])
def test_drill(cluster, title, block):
    script = ["timeout", str(DRILL_SECONDS), "bash", "-euo", "pipefail", "-c", block]
    outcome = subprocess.run(script, cwd=cluster, capture_output=True, text=True)
    logs = [log.read_text()[-3000:] for log in sorted((cluster / "concord-local/log").glob("*.log"))]
    assert outcome.returncode == 0, "\n".join([title, outcome.stdout, outcome.stderr, *logs])
