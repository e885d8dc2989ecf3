#!/usr/bin/env python3
"""Uses the dashboard in a real browser: dashboard.py [--shots DIR] WINDTUNNEL.

Loads, updates, injects by a click, saves; what is saved is run again to the digest that the page showed. Twelve routes
and a thousand, light and dark, a desk and a phone. Exit code 0 with a line where no browser is found.
"""

import os
import re
import subprocess
import sys
import tempfile
import time
import urllib.request

from browser import Browser, program
from report import DESK, PHONE, check, size

# Three providers; KEYS keys of two models each make 6 × KEYS routes.
WORLD = """# Who notices?
rps = 100
duration = "60s"
policy = "windtunnel"
[workload]
models = { chat = 80, small = 20 }
client = { deadline = "10s" }
[provider]
azure = { profile = "azure/gpt-4o", keys = KEYS, tpm = "300%" }
openai = { profile = "openai/gpt-4o", keys = KEYS, tpm = "300%" }
bedrock = { profile = "bedrock/sonnet", keys = KEYS, tpm = "300%" }
[[fault]]
kind = "error-burst"
on = "azure/key-1"
start = "20s"
lasts = "10s"
error = { rate = "100%", status = 503 }
"""


class Served:
    """The program with its dashboard, in a folder of its own."""

    def __init__(self, windtunnel, keys):
        self.folder = tempfile.TemporaryDirectory()
        with open(f"{self.folder.name}/world.toml", "w") as file:
            file.write(WORLD.replace("KEYS", str(keys)))
        self.windtunnel = os.path.abspath(windtunnel)
        self.process = subprocess.Popen([self.windtunnel, "dashboard", "world.toml", "--against", "bifrost-published"],
                                        cwd=self.folder.name, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.url = self.process.stdout.readline().strip()

    def saved(self):
        with urllib.request.urlopen(self.url.replace("/?", "/scenario.toml?")) as answer:
            return answer.read().decode()

    def digest_of(self, text):
        """Of the run of a scenario under its own policy."""
        with open(f"{self.folder.name}/session.toml", "w") as file:
            file.write(text)
        ended = subprocess.run([self.windtunnel, "run", "session.toml", "--out", "run"], cwd=self.folder.name,
                               capture_output=True, text=True)
        assert ended.returncode == 0, ended.stderr
        return re.search("digest ([0-9a-f]{16})", ended.stdout).group(1)

    def close(self):
        self.process.terminate()
        self.process.wait()
        self.folder.cleanup()


def until(browser, script, seconds=120):
    """Waits for a script to be true."""
    end = time.monotonic() + seconds
    while not browser.run(script):
        assert time.monotonic() < end, f"never: {script}"
        time.sleep(0.1)


def choose(browser, id, value):
    browser.run(f"(() => {{ const e = document.getElementById('{id}'); e.value = '{value}'; "
                "e.dispatchEvent(new Event('change')); })()")


def shoot(browser, name, shots):
    """A desk and a phone, light and dark."""
    for window, where in [(DESK, "desk"), (PHONE, "phone")]:
        size(browser, *window)
        time.sleep(0.5)
        wide = browser.run("document.scrollingElement.scrollWidth")
        check(f"nothing is wider than a {where} ({wide} px)", wide <= window[0])
        for scheme in ["light", "dark"]:
            browser.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
            if shots:
                time.sleep(0.3)
                browser.screenshot(f"{shots}/{name}-{where}-{scheme}.png", whole=False)
    size(browser, *DESK)


# Frames that the page draws in two seconds, and the longest wait between two, in milliseconds.
FRAMES = """new Promise(done => { let n = 0, last = performance.now(), longest = 0; const begin = last;
    const tick = now => { n += 1; longest = Math.max(longest, now - last); last = now;
        now - begin < 2000 ? requestAnimationFrame(tick) : done([n / 2, longest]); };
    requestAnimationFrame(tick); })"""


def session(browser, served, routes, name, shots):
    browser.open(served.url)
    if routes > 60:
        until(browser, "document.querySelectorAll('tr.head').length >= 3")
        check("many routes are folded by provider", browser.run("document.querySelectorAll('tr.route').length") == 0)
        browser.run("document.querySelector('tr.head').click()")
    else:
        until(browser, f"document.querySelectorAll('tr.route').length >= {routes}")
    until(browser, "parseFloat(document.getElementById('clock').textContent) > 0")
    check("it loads and updates", True)
    names = "[...document.querySelectorAll('tr.route td:first-child')].map(cell => cell.textContent)"
    browser.run("document.getElementById('filter').value = 'openai:chat/key-1'")
    until(browser, f"(names => names.length > 0 && names.every(name => name.startsWith('openai:chat/key-1')))({names})")
    check(f"a filter leaves {browser.run(names + '.length')} rows", True)
    browser.run("document.getElementById('filter').value = ''")
    until(browser, f"{names}.some(name => name.startsWith('azure'))")
    choose(browser, "speed", "1")
    choose(browser, "seek", "10")
    until(browser, "(at => at >= 10 && at < 25)(parseFloat(document.getElementById('clock').textContent))")
    ink = """[...document.querySelectorAll('canvas')].every(canvas => new Set(canvas.getContext('2d')
        .getImageData(0, 0, canvas.width, canvas.height).data).size > 20)"""
    check("shares over time are drawn", browser.run(ink))
    rate, longest = browser.run(FRAMES)
    print(f"  {routes} routes: {rate:.0f} frames a second, the longest wait {longest:.0f} ms")
    browser.run("document.querySelector('tr.route').click()")
    on = browser.run("document.getElementById('on').value")
    check(f"a click chooses a route ({on})", on.startswith("azure:"))
    browser.run("document.querySelector('#inject button').click()")
    until(browser, "document.querySelectorAll('#done li').length === 1")
    browser.run("document.getElementById('param').value = 'state.failed'; "
                "document.getElementById('value').value = '40%'; document.querySelector('#set button').click()")
    until(browser, "document.querySelectorAll('#done li').length === 2")
    check("a fault is injected and a threshold changed", True)
    choose(browser, "seek", "24")
    until(browser, "parseFloat(document.getElementById('clock').textContent) >= 24")
    shoot(browser, name, shots)
    choose(browser, "speed", "max")
    until(browser, "document.getElementById('status').textContent.startsWith('over')")
    status = browser.run("document.getElementById('status').textContent")
    digest = served.digest_of(served.saved())
    check(f"what is saved runs to the digest of the session ({digest})", digest in status)
    own = served.url.split("/?")[0]
    trouble = [what for what in browser.trouble() if not what.startswith(f"request: {own}/")]
    check("no error in the console, and no request but to its own server", not trouble or print(trouble))


def main(args):
    shots = args.pop(1) if args[:1] == ["--shots"] else None
    if shots:
        args.pop(0)
        os.makedirs(shots, exist_ok=True)
    path = program()
    if not path:
        print("skipped: no Chromium or Chrome is installed")
        return
    for routes, keys in [(12, 2), (996, 166)]:
        print(f"{routes} routes")
        served, browser = Served(args[0], keys), Browser(path)
        try:
            size(browser, *DESK)
            session(browser, served, routes, f"dashboard-{routes}", shots)
        finally:
            browser.close()
            served.close()


if __name__ == "__main__":
    main(sys.argv[1:])
