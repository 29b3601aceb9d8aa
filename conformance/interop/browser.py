"""Chromium without a window, told what to do over a pipe in its DevTools protocol."""

import base64
import contextlib
import fcntl
import json
import os
import select
import shutil
import subprocess
import time

NAMES = ["chromium", "chromium-browser", "google-chrome", "chromium-headless-shell"]
SECONDS = 60


def executable():
    found = os.environ.get("CHROMIUM") or next(filter(None, map(shutil.which, NAMES)), None)
    assert found, "no Chromium is installed: on Debian, apt-get install chromium; or name one in CHROMIUM"
    return found


@contextlib.contextmanager
def browser(folder):
    """A browser with its profile in a folder."""
    ends = [fcntl.fcntl(end, fcntl.F_DUPFD, 10) for pipe in (os.pipe(), os.pipe()) for end in pipe]
    theirs_in, ours_out, ours_in, theirs_out = ends

    def wire():
        os.dup2(theirs_in, 3)
        os.dup2(theirs_out, 4)

    command = [executable(), "--headless", "--remote-debugging-pipe", f"--user-data-dir={folder}"]
    command += ["--no-first-run", "--disable-gpu", "--disable-dev-shm-usage", "--disable-background-networking"]
    # As root it does not start with its sandbox.
    command += ["--no-sandbox"] if os.geteuid() == 0 else []
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    process = subprocess.Popen(command, preexec_fn=wire, pass_fds=(3, 4), **quiet)
    os.close(theirs_in), os.close(theirs_out)
    try:
        yield Browser(ours_in, ours_out)
    finally:
        os.close(ours_out)
        process.terminate()
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
        os.close(ours_in)


class Browser:
    """A connection, and all events that came over it."""

    def __init__(self, read, write):
        self.read, self.write, self.left, self.number, self.events = read, write, b"", 0, []

    def message(self, end):
        while b"\0" not in self.left:
            wait = max(end - time.monotonic(), 0)
            assert select.select([self.read], [], [], wait)[0], f"the browser is silent for {SECONDS} s"
            piece = os.read(self.read, 1 << 16)
            assert piece, "the browser has ended"
            self.left += piece
        text, self.left = self.left.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        self.number += 1
        request = {"id": self.number, "method": method, "params": parameters}
        request |= {"sessionId": session} if session else {}
        text, end = json.dumps(request).encode() + b"\0", time.monotonic() + SECONDS
        while text:
            text = text[os.write(self.write, text) :]
        while True:
            message = self.message(end)
            if message.get("id") == self.number:
                assert "error" not in message, message
                return message["result"]
            self.events.append(message)

    def open(self, url, width, scheme):
        """A page in a window of a width, for people who like it `light` or `dark`."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        page = Page(self, session)
        for domain in ["Page", "Runtime", "Log", "Network", "Accessibility"]:
            page.call(f"{domain}.enable")
        metrics = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": width < 600}
        page.call("Emulation.setDeviceMetricsOverride", **metrics)
        page.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        page.call("Page.navigate", url=url)
        end = time.monotonic() + SECONDS
        while not page.events("Page.loadEventFired"):
            self.events.append(self.message(end))
        return page


class Page:
    def __init__(self, browser, session):
        self.browser, self.session = browser, session

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def events(self, method):
        events = [event for event in self.browser.events if event.get("sessionId") == self.session]
        return [event["params"] for event in events if event["method"] == method]

    def complaints(self):
        """What the console shows."""
        methods = ["Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"]
        return [event for method in methods for event in self.events(method)]

    def requests(self):
        return [event["request"]["url"] for event in self.events("Network.requestWillBeSent")]

    def evaluate(self, script):
        """The value of an expression in the page."""
        outcome = self.call("Runtime.evaluate", expression=script, returnByValue=True)
        assert "exceptionDetails" not in outcome, outcome
        return outcome["result"].get("value")

    def accessible(self, role):
        """The names of what has a role, as a screen reader gets them."""
        nodes = self.call("Accessibility.getFullAXTree")["nodes"]
        named = [node for node in nodes if not node.get("ignored") and node.get("role", {}).get("value") == role]
        return [node.get("name", {}).get("value", "") for node in named]

    def screenshot(self, file):
        """The whole page as a picture, for people."""
        picture = self.call("Page.captureScreenshot", captureBeyondViewport=True)
        file.write_bytes(base64.b64decode(picture["data"]))
