"""Requests to TiKV for each page and POST, and what three servers write into one collection against one.

    python3 conformance/interop/bench_cluster.py [SECONDS]

Only counts and ratios say something; times depend on the machine. Needs a server (TAXII_SERVER) and the test store.
"""

import http.client
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).parent))

from concord import MEDIA_TYPE, Folder, free_port, indicators, interrupt, wait_until_ready  # noqa: E402
from tikv import cluster  # noqa: E402

CLIENTS = 32
ROUNDS = 3


class Server:
    def __init__(self, path, settings):
        self.port = free_port()
        listen = {"CONCORD_LISTEN": f"127.0.0.1:{self.port}", "CONCORD_METRICS_LISTEN": "none"}
        os.environ.update(settings | listen | {"RUST_LOG": "warn"})
        self.folder = Folder(path)
        self.process = self.folder.start("serve")
        wait_until_ready(self.process, self.port)
        self.connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=60)

    def send(self, token, method, path, body=None, connection=None):
        connection = connection or self.connection
        headers = {"Authorization": f"Bearer {token}", "Accept": MEDIA_TYPE, "Content-Type": MEDIA_TYPE}
        connection.request(method, path, body, headers)
        response = connection.getresponse()
        text = response.read()
        assert response.status in (200, 202), (response.status, text)
        return json.loads(text)


def envelope(count):
    return json.dumps({"objects": indicators(count, description="x" * 300)})


def write(servers, token, path, seconds):
    """POSTs of one object each, from many clients, for some seconds: the number in a second."""
    counts, end = [0] * CLIENTS, time.monotonic() + seconds

    def client(number):
        server = servers[number % len(servers)]
        connection = http.client.HTTPConnection("127.0.0.1", server.port, timeout=60)
        while time.monotonic() < end:
            server.send(token, "POST", path, envelope(1), connection)
            counts[number] += 1

    threads = [threading.Thread(target=client, args=(number,)) for number in range(CLIENTS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(counts) / seconds


def main(seconds):
    with tempfile.TemporaryDirectory() as folder, cluster(pathlib.Path(folder)) as tikv:
        settings = tikv.deployment()
        first = Server(pathlib.Path(folder) / "1", settings)
        collection = first.folder.json("collection", "add", "bench")
        token = first.folder.json("account", "add", "bench", "--administrator")["token"]
        path = f"/api/collections/{collection['id']}/objects/"

        def count(what, method, path, objects=0):
            """The requests of one call: the fewest of some, because the server has a pulse of its own."""
            tries = []
            for _ in range(6):
                body = envelope(objects) if objects else None
                tikv.ask("rpcs", reset=1)
                first.send(token, method, path, body)
                tries.append(json.loads(tikv.ask("rpcs")))
                time.sleep(0.05)
            found = min(tries[1:], key=lambda found: sum(found.values()))
            print(f"{what:20} {sum(found.values()):4} requests  {json.dumps(found)}")

        count("POST of 1 object", "POST", path, 1)
        for _ in range(20):
            first.send(token, "POST", path, envelope(100))
        count("POST of 100 objects", "POST", path, 100)
        count("first page of 100", "GET", f"{path}?limit=100")
        count("100 of all versions", "GET", f"{path}?limit=100&match[version]=all")
        count("page of 1000", "GET", f"{path}?limit=1000")
        count("manifest of 1000", "GET", path.replace("/objects/", "/manifest/") + "?limit=1000")
        count("poll without news", "GET", f"{path}?added_after=2999-01-01T00:00:00Z")
        servers = [first]
        ratios = []
        for number in (2, 3):
            servers.append(Server(pathlib.Path(folder) / str(number), settings))
        time.sleep(3)
        for round_ in range(ROUNDS):
            hot = first.folder.json("collection", "add", f"hot {round_}")
            hot_path = f"/api/collections/{hot['id']}/objects/"
            time.sleep(1)
            one = write(servers[:1], token, hot_path, seconds)
            three = write(servers, token, hot_path, seconds)
            ratios.append(three / one)
            print(f"{CLIENTS} clients, one collection: one server {one:.0f}, three {three:.0f} POSTs/s: {three / one:.2f}")
        print(f"ratio, median of {ROUNDS}: {sorted(ratios)[ROUNDS // 2]:.2f}")
        for server in servers:
            interrupt(server.process)


if __name__ == "__main__":
    main(float(sys.argv[1]) if len(sys.argv) > 1 else 5.0)
