"""Drives the dashboard in headless Chromium over the WebDriver protocol.

URL, TOKEN, EXPECTED (tiles and their numbers), MASKER (a process id, stopped at
the end), PROFILE (a directory), CHROMEDRIVER and AXE (axe.min.js) come from the
environment; SHOTS, if it is set, is a directory for screenshots.
"""
import base64
import json
import os
import signal
import subprocess
import time
import urllib.error
import urllib.request
from pathlib import Path

URL, TOKEN = os.environ["URL"], os.environ["TOKEN"]
SHOTS = os.environ.get("SHOTS")
AXE = Path(os.environ["AXE"]).read_text()
REASON = "<img src=x onerror=alert(1)> & 'quotes'"


class Browser:
    def __init__(self):
        self.driver = subprocess.Popen(
            [os.environ["CHROMEDRIVER"], "--port=0"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.base = None
        for line in self.driver.stdout:
            if "successfully on port" in line:
                self.base = f"http://127.0.0.1:{line.split('port ')[1].split('.')[0].strip()}"
                break
        assert self.base, "chromedriver starts"
        options = {
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--hide-scrollbars",
                     f"--user-data-dir={os.environ['PROFILE']}", "--window-size=1360,1900"],
        }
        wanted = {"browserName": "chrome", "goog:chromeOptions": options, "goog:loggingPrefs": {"browser": "ALL"}}
        self.session = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}}, bare=True)["sessionId"]

    def call(self, method, path, body=None, bare=False):
        url = self.base + (path if bare else f"/session/{self.session}{path}")
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(url, data, {"content-type": "application/json"}, method=method)
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.load(answer)["value"]
        except urllib.error.HTTPError as error:
            raise AssertionError(f"{path}: {error.read().decode()[:2000]}") from None

    def run(self, script, *args):
        return self.call("POST", "/execute/sync", {"script": script, "args": list(args)})

    def later(self, script, *args):
        return self.call("POST", "/execute/async", {"script": script, "args": list(args)})

    def cdp(self, command, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": command, "params": params})

    def click(self, selector):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/click", {})

    def type(self, selector, text):
        element = self.call("POST", "/element", {"using": "css selector", "value": selector})
        self.call("POST", f"/element/{next(iter(element.values()))}/value", {"text": text})

    def keys(self, *keys):
        actions = [step for key in keys for step in ({"type": "keyDown", "value": key}, {"type": "keyUp", "value": key})]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "keys", "actions": actions}]})

    def until(self, script, what, *args):
        for _ in range(300):
            found = self.run(script, *args)
            if found:
                return found
            time.sleep(0.1)
        self.shot("failed")
        raise AssertionError(f"not within 30 s: {what}; the page says: {self.run('return document.body.innerText')[:1500]}")

    def shot(self, name):
        if SHOTS:
            self.call("POST", "/window/rect", {"height": 2400})
            (Path(SHOTS) / f"{name}.png").write_bytes(base64.b64decode(self.call("GET", "/screenshot")))

    def console(self):
        """What the page complained of, without answers that a test provoked."""
        lines = [line["message"] for line in self.call("POST", "/se/log", {"type": "browser"})]
        return [line for line in lines if "Failed to load resource" not in line]

    def axe(self, where):
        self.run(AXE + ";return 1")
        found = self.later("const done = arguments[0]; axe.run(document, {resultTypes: ['violations']}).then(done)")
        bad = [f"{v['id']}: {v['help']}: {[n['html'][:160] for n in v['nodes']]}" for v in found["violations"]]
        assert not bad, f"{where}: {bad}"

    def end(self):
        try:
            self.call("DELETE", "")
        finally:
            self.driver.terminate()
            self.driver.wait()


def unlock(page):
    """A page without the token says so, refuses a wrong one and takes the right one."""
    page.call("POST", "/url", {"url": URL})
    page.until("return document.querySelector('#token-dialog').open", "the dialog for the token")
    assert page.run("return document.body.dataset.state") == "unauthorized"
    page.axe("locked")
    page.shot("locked")
    page.type("#token", "wrong" * 8)
    page.click("#token-form button[type=submit]")
    page.until("return document.querySelector('#token-error').textContent.includes('not the one')", "a word on the wrong token")
    page.type("#token", TOKEN)
    page.click("#token-form button[type=submit]")
    page.until("return document.body.dataset.state === 'live'", "numbers")


def numbers(page):
    tiles = "return Object.fromEntries([...document.querySelectorAll('.tile')].map(t => [t.querySelector('dt').textContent, t.querySelector('dd').textContent]))"
    shown = page.run(tiles)
    for name, value in json.loads(os.environ["EXPECTED"]).items():
        assert shown[name] == value, f"{name} is {shown[name]}, not {value}"
    page.until("return document.querySelectorAll('#patterns tr').length > 3", "patterns")
    page.until("return document.querySelectorAll('#requests tr').length === 9", "nine requests")
    parts = page.run("return [...document.querySelectorAll('.part')].map(p => p.dataset.up)")
    assert parts == ["yes"] * 4, parts
    assert page.run("return document.querySelector('#health').textContent") == "Healthy"


def charts(page):
    for span in ["1min", "24h", "5min"]:
        page.run("document.querySelector(`input[value='${arguments[0]}']`).click()", span)
        page.until("return document.querySelector('#spans').dataset.shown === arguments[0]", f"the charts of {span}", span)
        label = "return document.querySelector('#chart-requests .plot').getAttribute('aria-label')"
        page.until(f"{label.replace('return ', 'const l = ')}; return /Highest: (?!0(\\.0+)?\\.? )[0-9]/.test(l)", f"a chart of {span}")
    lines = page.run("return [...document.querySelectorAll('.plot')].map(p => p.querySelectorAll('path.line').length)")
    assert all(own >= least for own, least in zip(lines, [3, 3, 2])), lines
    page.run("document.querySelector('#chart-requests .plot').focus()")
    # Left twice, and right again: before the newest point masker may not have run yet.
    page.keys("\ue012", "\ue012", "\ue014")
    tip = page.run("return document.querySelector('#chart-requests .tip').textContent")
    assert "all:" in tip, tip
    page.click("#chart-requests summary")
    page.until("return document.querySelectorAll('#chart-requests tbody tr').length > 10", "a table")
    page.click("#chart-requests summary")
    page.click("#requests summary")
    page.shot("light")
    page.axe("light")


def mode(page):
    page.click("#change-mode")
    page.until("return document.querySelector('#mode-dialog').open", "the dialog")
    page.click("input[value=BLOCK_ALL]")
    page.click("#mode-submit")
    assert "audit log" in page.run("return document.querySelector('#mode-error').textContent")
    page.type("#reason", REASON)
    page.shot("dialog")
    page.axe("dialog")
    page.click("#mode-submit")
    page.until("return document.querySelector('#mode-card').dataset.mode === 'BLOCK_ALL'", "the mode")
    assert page.run("return document.querySelector('#mode-why').textContent").startswith(REASON)
    page.until("return [...document.querySelectorAll('#events p')].some(p => p.textContent.includes('<img src=x'))", "the event")
    page.until("return [...document.querySelectorAll('#alerts p')].some(p => p.textContent.includes('BLOCK_ALL'))", "the alert")
    assert page.run("return document.querySelectorAll('main img').length") == 0
    page.shot("blocked")
    page.axe("blocked")
    page.click("#change-mode")
    page.click("input[value=NORMAL]")
    page.type("#reason", "over\ue007")
    page.until("return document.querySelector('#mode-card').dataset.mode === 'NORMAL'", "normal again")


def looks(page):
    page.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    page.shot("dark")
    page.axe("dark")
    page.cdp("Emulation.setDeviceMetricsOverride", width=375, height=3600, deviceScaleFactor=1, mobile=True)
    page.until("return innerWidth === 375", "a small window")
    wide = page.run("return [...document.querySelectorAll('body *')].filter(e => !e.closest('.scroll, .list, .hidden, .skip, svg, details:not([open])') && e.getBoundingClientRect().right > 376).map(e => e.outerHTML.slice(0, 90))")
    assert not wide and page.run("return document.documentElement.scrollWidth <= innerWidth"), wide
    page.shot("phone")
    page.axe("phone")
    page.cdp("Emulation.clearDeviceMetricsOverride")


def main():
    page = Browser()
    try:
        unlock(page)
        numbers(page)
        charts(page)
        mode(page)
        looks(page)
        assert not page.console(), page.console()
        os.kill(int(os.environ["MASKER"]), signal.SIGKILL)
        page.until("return document.body.dataset.state === 'lost'", "a word on the lost connection")
        page.until("return !document.querySelector('#banner').hidden", "the banner")
        page.axe("lost")
        page.shot("lost")
    finally:
        page.end()


main()
