"""The configurations of deploy/haproxy, with the real HAProxy in front of real servers.

Clients have addresses of 127.0.0.0/8, so that one machine is many sources.
"""

import collections
import contextlib
import os
import re
import shutil
import socket
import ssl
import subprocess
import threading
import time

import pytest
import requests
from requests.adapters import HTTPAdapter

from concord import ROOT, Folder, free_port

HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
FOLDER = ROOT / "deploy/haproxy"
REPLICAS = 3
# Checks fail after 1 s and again after 0.25 s, and then a replica gets nothing more.
SHUTDOWN_DELAY = 2
# Time for what must come.
LONG = 30

VARIANTS = ["haproxy.cfg", "http.cfg"]


class Cluster:
    """Replicas of one configuration behind HAProxy. Each has a store of its own, and all answer alike to strangers."""

    def __init__(self, path, variant, **bounds):
        self.path, self.is_tls = path, variant == "haproxy.cfg"
        self.port, self.socket = free_port(), path / "admin.sock"
        self.ports = [free_port() for _ in range(REPLICAS)]
        self.folders = [Folder(path / f"replica{number}") for number in range(1, REPLICAS + 1)]
        self.processes = [None] * REPLICAS
        self.url = f"{'https' if self.is_tls else 'http'}://localhost:{self.port}"
        self.certificate = path / "chain.pem"
        if self.is_tls:
            certify(path)
        addresses = {f"CONCORD_REPLICA{n + 1}": f"127.0.0.1:{port}" for n, port in enumerate(self.ports)}
        self.environment = {
            **os.environ,
            **addresses,
            "CONCORD_BIND": f"127.0.0.1:{self.port}",
            "CONCORD_STATS_SOCKET": str(self.socket),
            "CONCORD_NAME": "localhost",
            "CONCORD_CA": str(path / "ca.pem"),
            **{name: str(bound) for name, bound in bounds.items()},
        }
        self.command = [HAPROXY, "-db", "-f", FOLDER / variant]

    @contextlib.contextmanager
    def running(self, replicas=range(REPLICAS)):
        log = (self.path / "haproxy.log").open("w")
        proxy = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        try:
            for number in replicas:
                self.start(number)
            for number in range(REPLICAS):
                # Without a check yet, a replica that does not run is taken for one that does.
                self.wait_until(number, "UP" if number in replicas else "DOWN")
            yield self
        finally:
            proxy.terminate()
            proxy.wait(LONG)
            for process in filter(None, self.processes):
                process.kill()
                process.wait(LONG)

    def start(self, number):
        arguments = ["--listen", f"127.0.0.1:{self.ports[number]}", "--metrics-listen", "none"]
        arguments += ["--proxy-protocol-from", "127.0.0.1", "--shutdown-delay", str(SHUTDOWN_DELAY)]
        if self.is_tls:
            arguments += ["--tls-certificate", self.certificate, "--tls-key", self.path / "key.pem"]
        environment = {**os.environ, "RUST_LOG": "taxii_server=debug"}
        log = self.log(number).open("a")
        self.processes[number] = self.folders[number].start("serve", *arguments, env=environment, stderr=log)

    def log(self, number):
        return self.path / f"replica{number + 1}.log"

    def ask(self, command):
        with socket.socket(socket.AF_UNIX) as stream:
            stream.connect(str(self.socket))
            stream.sendall(f"{command}\n".encode())
            return b"".join(iter(lambda: stream.recv(65536), b"")).decode()

    def states(self):
        rows = [row.split(",") for row in self.ask("show stat").splitlines()]
        column = rows[0].index("status")
        return {row[1]: row[column] for row in rows[1:] if len(row) > column and row[0] == "replicas"}

    def wait_until(self, number, state):
        end, states = time.monotonic() + LONG, None
        while time.monotonic() < end:
            process = self.processes[number]
            assert state == "DOWN" or process.poll() is None, self.log(number).read_text()
            with contextlib.suppress(OSError):
                states = self.states()
                if states[f"replica{number + 1}"].startswith(state):
                    return
            time.sleep(0.05)
        raise AssertionError(f"replica{number + 1} is not {state}: {states}")

    def session(self, source="127.0.0.1"):
        """HTTP from an address."""
        session = requests.Session()
        session.verify = str(self.path / "ca.pem") if self.is_tls else True
        session.trust_env = False
        session.mount(self.url, Source(source))
        return session

    def connect(self, source):
        """TCP or TLS from an address."""
        stream = socket.create_connection(("127.0.0.1", self.port), LONG, (source, 0))
        if not self.is_tls:
            return stream
        context = ssl.create_default_context(cafile=self.path / "ca.pem")
        return context.wrap_socket(stream, server_hostname="localhost")


class Source(HTTPAdapter):
    """Connects from an address, and never sends a request twice."""

    def __init__(self, address):
        self.address = address
        super().__init__(max_retries=0)

    def init_poolmanager(self, *arguments, **options):
        super().init_poolmanager(*arguments, source_address=(self.address, 0), **options)


def certify(path):
    """An authority, and a certificate of it for localhost."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, cwd=path, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    authority = ["-addext", "keyUsage=critical,keyCertSign,cRLSign", "-out", "ca.pem", "-keyout", "ca-key.pem"]
    openssl("req", "-x509", *key, "-days", "9", "-subj", "/CN=test authority", *authority)
    (path / "leaf.cnf").write_text("subjectAltName=DNS:localhost\nbasicConstraints=critical,CA:FALSE\n")
    openssl("req", *key, "-subj", "/CN=localhost", "-keyout", "key.pem", "-out", "leaf.csr")
    issue = ["-CA", "ca.pem", "-CAkey", "ca-key.pem", "-CAcreateserial", "-days", "9", "-extfile", "leaf.cnf"]
    openssl("x509", "-req", "-in", "leaf.csr", *issue, "-out", "chain.pem")


@pytest.fixture(autouse=True)
def haproxy():
    assert HAPROXY, "haproxy is missing: on Debian, apt-get install haproxy"


@pytest.mark.parametrize("variant", VARIANTS)
def test_addresses_of_clients_reach_the_server(tmp_path, variant):
    with Cluster(tmp_path, variant).running([0]) as cluster:
        assert cluster.session("127.0.0.7").get(f"{cluster.url}/livez/").text == "ok\n"
        with cluster.connect("127.0.0.9") as stream:
            # HAProxy sees only TLS in one variant; in the other it would answer this itself.
            version = "9.9" if cluster.is_tls else "1.1"
            stream.sendall(f"GET /livez/ HTTP/{version}\r\nHost: localhost\r\n\r\n".encode())
            answer = stream.recv(4096)
        assert answer.startswith(b"HTTP/1.1 400 " if cluster.is_tls else b"HTTP/1.1 200 "), answer
        if cluster.is_tls:
            # The server notes whose connection failed.
            wait_for(lambda: re.search(r"peer[^ ]*127\.0\.0\.9:\d+", cluster.log(0).read_text()))
        # HAProxy writes down the same addresses.
        wait_for(lambda: "127.0.0.9:" in (tmp_path / "haproxy.log").read_text())
        # What comes past the proxy has no header, and gets no answer.
        with socket.create_connection(("127.0.0.1", cluster.ports[0]), LONG) as stream:
            stream.sendall(b"GET /livez/ HTTP/1.1\r\nHost: localhost\r\n\r\n")
            assert is_closed(stream)


def wait_for(condition):
    end = time.monotonic() + LONG
    while not (found := condition()):
        assert time.monotonic() < end, "it did not come"
        time.sleep(0.05)
    return found


def is_closed(stream):
    try:
        return stream.recv(1) == b""
    except ConnectionError:
        return True


@pytest.mark.parametrize("variant", VARIANTS)
def test_connections_of_a_source_are_bounded(tmp_path, variant):
    bound = 3
    with Cluster(tmp_path, variant, CONCORD_CONNECTIONS_PER_SOURCE=bound).running([0]) as cluster:
        with contextlib.ExitStack() as stack:
            for _ in range(bound):
                stack.enter_context(cluster.connect("127.0.0.7"))
            wait_for(lambda: re.search(rf"127\.0\.0\.7 .*conn_cur={bound}", cluster.ask("show table taxii")))
            with pytest.raises((OSError, requests.ConnectionError)):
                cluster.session("127.0.0.7").get(f"{cluster.url}/livez/")
            assert cluster.session("127.0.0.8").get(f"{cluster.url}/livez/").ok, "another source has room"
        wait_for(lambda: get_livez(cluster, "127.0.0.7"))


def get_livez(cluster, source):
    with contextlib.suppress(requests.ConnectionError):
        return cluster.session(source).get(f"{cluster.url}/livez/").ok
    return False


def test_requests_of_a_source_are_bounded(tmp_path):
    with Cluster(tmp_path, "http.cfg", CONCORD_REQUESTS_PER_SOURCE_IN_10S=5).running([0]) as cluster:
        session = cluster.session("127.0.0.7")
        answers = [session.get(f"{cluster.url}/livez/") for _ in range(7)]
        assert [answer.status_code for answer in answers] == [200] * 5 + [429] * 2
        assert answers[-1].headers["Retry-After"] == "10"
        assert cluster.session("127.0.0.8").get(f"{cluster.url}/livez/").ok, "another source has its own"


def test_without_a_replica_clients_are_told_to_come_again(tmp_path):
    with Cluster(tmp_path, "http.cfg").running([]) as cluster:
        answer = cluster.session().get(f"{cluster.url}/livez/")
        assert (answer.status_code, answer.headers["Retry-After"]) == (503, "2")
        assert answer.headers["Content-Type"] == "application/taxii+json;version=2.1"
        assert answer.json()["http_status"] == "503"


@pytest.mark.parametrize("variant", VARIANTS)
def test_a_rolling_restart_loses_no_request(tmp_path, variant):
    """New connections and kept ones, GET and POST, while each replica in turn is stopped and started again."""
    with Cluster(tmp_path, variant, **NO_BOUNDS).running() as cluster:
        load = Load(cluster)
        with load:
            for number in range(REPLICAS):
                process = cluster.processes[number]
                process.terminate()
                assert process.wait(LONG) == 0
                cluster.start(number)
                cluster.wait_until(number, "UP")
        assert load.failures == [], load.failures[:3]
        assert min(load.counts.values()) > 20 and len(load.counts) == 4, load.counts
    for number in range(REPLICAS):
        # Each replica has served: none of this is the merit of another one.
        assert "stopped" in cluster.log(number).read_text()


NO_BOUNDS = {
    "CONCORD_REQUESTS_PER_SOURCE_IN_10S": 1_000_000,
    "CONCORD_CONNECTIONS_PER_SOURCE": 10_000,
    "CONCORD_CONNECTIONS_PER_SOURCE_IN_10S": 1_000_000,
}


class Load:
    """Requests without a pause, in a thread for each kind."""

    def __init__(self, cluster):
        self.cluster, self.ended = cluster, threading.Event()
        self.failures, self.counts = [], collections.Counter()
        kinds = [(method, is_kept) for method in ("GET", "POST") for is_kept in (False, True)]
        self.threads = [threading.Thread(target=self.run, args=kind) for kind in kinds]

    def __enter__(self):
        for thread in self.threads:
            thread.start()

    def __exit__(self, *_):
        self.ended.set()
        for thread in self.threads:
            thread.join()

    def run(self, method, is_kept):
        session = self.cluster.session()
        while not self.ended.is_set():
            path, wanted = ("livez", 200) if method == "GET" else ("api/collections/none/objects", 401)
            try:
                url, body = f"{self.cluster.url}/{path}/", b"x" * 100_000
                answer = session.request(method, url, data=body, timeout=LONG)
                if answer.status_code != wanted:
                    self.failures.append((method, is_kept, answer.status_code))
            except requests.RequestException as error:
                self.failures.append((method, is_kept, repr(error)))
            self.counts[method, is_kept] += 1
            if not is_kept:
                session.close()
            time.sleep(0.01)
