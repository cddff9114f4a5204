"""browser: Chromium without a window, spoken to over pipes (its DevTools protocol): loads a page, types, clicks, and tells what the page
asked for, what it complained about and what is there to be read."""
import json
import os
import select
import shutil
import signal
import subprocess
import time

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
DEADLINE_S = 60


class Browser:
    """One browser with one tab. It knows no host but 127.0.0.1."""

    def __init__(self, profile):
        to_it, from_it = os.pipe(), os.pipe()

        def pipes():  # it reads from 3 and writes to 4
            a, b = os.dup(to_it[0]), os.dup(from_it[1])
            os.dup2(a, 3)
            os.dup2(b, 4)
        self.process = subprocess.Popen(
            [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--remote-debugging-pipe", f"--user-data-dir={profile}", "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, close_fds=False, preexec_fn=pipes,
            start_new_session=True)
        os.close(to_it[0])
        os.close(from_it[1])
        self.out, self.input = to_it[1], from_it[0]
        self.buffered = b""
        self.counter = 0
        self.requests, self.complaints, self.loaded = [], [], 0
        self.session = None
        try:
            target = self.call("Target.createTarget", url="about:blank")["targetId"]
            self.session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
            for domain in ("Page", "Network", "Runtime", "Log"):
                self.call(domain + ".enable")
        except BaseException:
            self.close()
            raise

    def call(self, method, **parameters):
        """One command of the protocol; its result."""
        self.counter += 1
        message = {"id": self.counter, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.out, json.dumps(message).encode() + b"\0")
        while True:
            said = self._next()
            if said.get("id") == self.counter:
                assert "error" not in said, f"{method}: {said['error']}"
                return said["result"]

    def open(self, url):
        before = self.loaded
        failed = self.call("Page.navigate", url=url).get("errorText")
        assert not failed, f"{url}: {failed}"
        while self.loaded == before:
            self._next()

    def value(self, expression):
        """What a JavaScript expression of the page is, as JSON."""
        said = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in said, f"{expression}: {said['exceptionDetails']}"
        return said["result"].get("value")

    def until(self, expression, what):
        end = time.monotonic() + DEADLINE_S
        while not (found := self.value(expression)):
            assert time.monotonic() < end, f"not within {DEADLINE_S} s: {what}; the page is {self.value('document.body.innerText')}"
            self.value("new Promise(f => setTimeout(f, 20))")  # between two looks, not instead of one
        return found

    def click(self, selector):
        """A press of the mouse on the element's middle."""
        x, y = self.value(f"(e => {{ e.scrollIntoView({{block: 'center'}}); const r = e.getBoundingClientRect();"
                          f" return [r.x + r.width / 2, r.y + r.height / 2]; }})(document.querySelector({json.dumps(selector)}))")
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def type(self, selector, text):
        """Into a field, instead of what is there."""
        self.value(f"(e => {{ e.value = ''; e.focus(); }})(document.querySelector({json.dumps(selector)}))")
        if text:
            self.call("Input.insertText", text=text)

    def close(self):
        for end in (self.out, self.input):
            os.close(end)
        try:
            os.killpg(self.process.pid, signal.SIGKILL)  # its helpers are in its group
        except ProcessLookupError:
            pass
        self.process.wait()

    def _next(self):
        end = time.monotonic() + DEADLINE_S
        while b"\0" not in self.buffered:
            ready = select.select([self.input], [], [], max(0, end - time.monotonic()))[0]
            assert ready, f"the browser said nothing for {DEADLINE_S} s"
            more = os.read(self.input, 1 << 20)
            assert more, f"the browser ended with {self.process.wait(10)}"
            self.buffered += more
        message, self.buffered = self.buffered.split(b"\0", 1)
        said = json.loads(message)
        event, about = said.get("method"), said.get("params", {})
        if event == "Network.requestWillBeSent":
            self.requests.append((about["request"]["method"], about["request"]["url"]))
        elif event == "Page.loadEventFired":
            self.loaded += 1
        elif event == "Runtime.exceptionThrown":
            self.complaints.append(about["exceptionDetails"].get("exception", {}).get("description", str(about)))
        elif event == "Runtime.consoleAPICalled" and about["type"] in ("error", "warning"):
            self.complaints.append(str(about["args"]))
        elif event == "Log.entryAdded" and about["entry"]["level"] in ("error", "warning"):
            self.complaints.append(f"{about['entry']['text']} {about['entry'].get('url', '')}")
        return said
