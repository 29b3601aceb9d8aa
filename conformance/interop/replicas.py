"""Several servers over one store, and the proxy before them."""

import contextlib
import http.client
import os
import shutil
import socket
import subprocess
import time

from concord import BINARY, ROOT, START_SECONDS, STOP_SECONDS, Controlled, Folder, free_port

HAPROXY = shutil.which("haproxy", path=f"{os.environ['PATH']}:/usr/sbin")
PROXY_CONFIG = ROOT / "deploy/haproxy/http.cfg"
# Time for which a replica that was told to stop goes on, so that the proxy takes it out first.
SHUTDOWN_DELAY = 3


class Replica(Controlled):
    """One server, with a data folder of its own for what is not in the store."""

    stop_seconds = SHUTDOWN_DELAY + STOP_SECONDS

    def __init__(self, path, settings):
        self.port = free_port()
        listen = {
            "CONCORD_LISTEN": f"127.0.0.1:{self.port}",
            "CONCORD_METRICS_LISTEN": "none",
            "CONCORD_PROXY_PROTOCOL_FROM": "127.0.0.1",
            "CONCORD_SHUTDOWN_DELAY": str(SHUTDOWN_DELAY),
        }
        self.folder = Folder(path, {"RUST_LOG": "info", **settings, **listen})
        self.log = path.with_suffix(".log").open("w")

    def get(self, path, seconds=30, **headers):
        """Asks the server past the proxy."""
        with contextlib.closing(Direct("127.0.0.1", self.port, timeout=seconds)) as connection:
            connection.request("GET", path, headers=headers)
            response = connection.getresponse()
            return response.status, response.read()

    def is_ready(self):
        try:
            return self.get("/readyz/", seconds=2)[0] == 200
        except (OSError, http.client.HTTPException):
            return False

    def wait_until_ready(self, seconds=START_SECONDS):
        end = time.monotonic() + seconds
        while not self.is_ready():
            code = self.process.poll()
            assert code is None, f"the server ended with exit code {code}: see {self.log.name}"
            assert time.monotonic() < end, f"the server did not get ready: see {self.log.name}"
            time.sleep(0.05)


class Direct(http.client.HTTPConnection):
    """A connection that says, as the checks of a proxy do, that it is of no client."""

    def connect(self):
        super().connect()
        # Version 2 of the PROXY protocol, with the command LOCAL.
        self.sock.sendall(b"\r\n\r\n\0\r\nQUIT\n\x20\0\0\0")


class Proxy:
    """HAProxy before three replicas, with the configuration that is meant for operators."""

    def __init__(self, folder, replicas):
        self.port, self.stats = free_port(), folder / "haproxy.sock"
        self.environment = {
            **os.environ,
            "CONCORD_BIND": f"127.0.0.1:{self.port}",
            "CONCORD_STATS_SOCKET": str(self.stats),
            # All of the load comes from one address.
            "CONCORD_REQUESTS_PER_SOURCE_IN_10S": "1000000",
            **{
                f"CONCORD_REPLICA{number}": f"127.0.0.1:{replica.port}"
                for number, replica in enumerate(replicas, 1)
            },
        }
        self.log = (folder / "haproxy.log").open("w+")
        self.process = None

    def start(self):
        command = [HAPROXY, "-db", "-n", "1000", "-f", PROXY_CONFIG]
        self.process = subprocess.Popen(command, env=self.environment, stdout=self.log, stderr=self.log)

    def states(self):
        """Name of each replica and its state, as `UP`."""
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(str(self.stats))
            client.sendall(b"show stat\n")
            text = b"".join(iter(lambda: client.recv(65536), b"")).decode()
        names, *rows = [line.split(",") for line in text.removeprefix("# ").splitlines() if line]
        found = [dict(zip(names, row, strict=False)) for row in rows]
        return {row["svname"]: row["status"] for row in found if row["svname"].startswith("replica")}

    def wait_until_up(self, number, seconds=30):
        """Waits until every one of the first replicas takes requests."""
        end = time.monotonic() + seconds
        while True:
            with contextlib.suppress(OSError):
                up = [name for name, state in self.states().items() if state.startswith("UP")]
                if len(up) == number:
                    return
            assert self.process.poll() is None, f"HAProxy ended: see {self.log.name}"
            assert time.monotonic() < end, f"HAProxy finds {up} only"
            time.sleep(0.05)


@contextlib.contextmanager
def served(folder, settings, count=3, binary=BINARY):
    """Replicas of a program over one store, behind HAProxy, all of them ready."""
    assert HAPROXY, "haproxy is missing: on Debian, apt-get install haproxy"
    replicas = [Replica(folder / f"replica{number}", settings) for number in range(1, count + 1)]
    proxy = Proxy(folder, replicas)
    try:
        # The first start makes the store.
        for replica in replicas:
            replica.folder.binary = binary
            replica.start()
            replica.wait_until_ready()
        proxy.start()
        proxy.wait_until_up(count)
        yield replicas, proxy
    finally:
        for process in [replica.process for replica in replicas] + [proxy.process]:
            if process and process.poll() is None:
                process.kill()
                process.wait()
        for log in [proxy.log] + [replica.log for replica in replicas]:
            log.close()
