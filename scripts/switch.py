#!/usr/bin/env python3
"""Moves conversations from the old chain to masker's gateway, and back at once.

    scripts/switch.py init --old HOST:PORT --new HOST:PORT   writes Envoy's configuration, once
    scripts/switch.py status                                 the share, and how both chains do
    scripts/switch.py check                                  the gates alone: exit code 0 or 1
    scripts/switch.py share 10                               10, 25, 50, 100 % go to masker
    scripts/switch.py rollback                               everything to the old chain, no questions

`share` goes up only if the gates are open: the new chain answers its health check, has no
more failures than the old one (by --margin), and masker has no critical alert.
A conversation is told by its session header, else by its key: the same one goes the same
way, and when the share grows nobody moves back. Needs nothing but Python.
"""
import argparse
import contextlib
import json
import os
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

ROOT = pathlib.Path(__file__).resolve().parent.parent
# What Envoy tells conversations apart by; the first that a request has counts.
CONVERSATION = ["x-claude-code-session-id", "x-api-key", "api-key", "x-goog-api-key", "authorization"]
STAGES = [0, 10, 25, 50, 100]


class Closed(Exception):
    """A gate is closed, or something is wrong: with what to do."""


def routes(share):
    """The file of routes, as Envoy reads it. JSON is YAML."""
    policy = [{"header": {"header_name": name}, "terminal": True} for name in CONVERSATION]
    route = {
        # The new chain first: a conversation below the share stays below a larger one.
        "weighted_clusters": {"use_hash_policy": True,
                              "clusters": [{"name": "new", "weight": share}, {"name": "old", "weight": 100 - share}]},
        "hash_policy": [*policy, {"connection_properties": {"source_ip": True}}],
        "timeout": "0s",
    }
    if share in (0, 100):
        route = {"cluster": "new" if share else "old", "timeout": "0s"}
    return {
        "version_info": str(time.time_ns()),
        "resources": [{
            "@type": "type.googleapis.com/envoy.config.route.v3.RouteConfiguration",
            "name": "switch",
            "virtual_hosts": [{"name": "switch", "domains": ["*"], "routes": [{"name": f"share-{share}", "match": {"prefix": "/"}, "route": route}]}],
        }],
    }


def port(text):
    """A port, for argparse."""
    if not re.fullmatch(r"[1-9]\d{0,4}", text) or int(text) > 65535:
        raise argparse.ArgumentTypeError(f"{text} is no port; it is a number from 1 to 65535")
    return int(text)


class Switch:
    def __init__(self, directory):
        self.directory = pathlib.Path(directory)
        self.settings = self.directory / "switch.json"
        self.file = self.directory / "routes" / "routes.yaml"

    def load(self):
        try:
            self.known = json.loads(self.settings.read_text())
        except FileNotFoundError:
            raise Closed(f"{self.settings} is missing: begin with `switch.py init`") from None
        except ValueError as error:
            raise Closed(f"{self.settings} is damaged ({error}): `switch.py init --force` writes it again, with all at the old chain") from None

    def init(self, arguments):
        for name in ("old", "new"):
            host, _, number = getattr(arguments, name).rpartition(":")
            if not re.fullmatch(r"[A-Za-z0-9.-]+", host) or not re.fullmatch(r"[1-9]\d{0,4}", number) or int(number) > 65535:
                raise Closed(f"--{name} is {getattr(arguments, name)}; it must be host:port, as in 127.0.0.1:8185, the port from 1 to 65535")
        if arguments.port == arguments.admin:
            raise Closed(f"--port and --admin are both {arguments.port}; choose two")
        if not re.fullmatch(r"[0-9A-Fa-f.:]+", arguments.address):
            raise Closed(f"--address is {arguments.address}; it must be an IP address, as in 127.0.0.1 or 0.0.0.0")
        for name in ("health", "masker"):
            if getattr(arguments, name) and not re.match(r"https?://[^/]", getattr(arguments, name)):
                raise Closed(f"--{name} is {getattr(arguments, name)}; it must begin with http:// or https://")
        there = [str(file) for file in (self.settings, self.file) if file.exists()]
        if there and not arguments.force:
            share = "a share"
            with contextlib.suppress(Closed):
                self.load()
                share = f"{self.known.get('share', 0)} %"
            raise Closed(f"{self.directory} holds a switch, with {share} at masker, and init would move all to the old chain. "
                         "Change the share with `share` or `rollback`, name another --dir, or say --force")
        self.file.parent.mkdir(parents=True, exist_ok=True)
        text = (ROOT / "envoy/switch.yaml").read_text()
        for name in ("old", "new"):
            host, _, port = getattr(arguments, name).rpartition(":")
            text = text.replace(f"@{name.upper()}_HOST@", host).replace(f"@{name.upper()}_PORT@", port)
        for name, value in (("ADMIN", arguments.admin), ("ADDRESS", arguments.address), ("PORT", arguments.port),
                            ("ROUTES", self.file.parent.resolve())):
            text = text.replace(f"@{name}@", str(value))
        (self.directory / "envoy.yaml").write_text(text)
        self.settings.write_text(json.dumps({"admin": arguments.admin, "health": arguments.health, "masker": arguments.masker,
                                             "token_file": arguments.token_file, "share": 0}))
        self.known = json.loads(self.settings.read_text())
        self.write(0)
        print(f"wrote {self.directory}/envoy.yaml; all goes to the old chain. Start: envoy -c {self.directory}/envoy.yaml")

    def write(self, share):
        """At once or not at all: Envoy sees the old file or the new one."""
        made = routes(share)
        beside = self.file.with_suffix(".new")
        beside.write_text(json.dumps(made, indent=1))
        os.replace(beside, self.file)
        before = self.known.get("share", 0)
        self.settings.write_text(json.dumps({**self.known, "share": share, "before": before, "since": int(time.time()),
                                             "counts": self.counts(quiet=True)}))
        return made["resources"][0]["virtual_hosts"][0]["routes"][0]["name"]

    def get(self, url, token=None):
        request = urllib.request.Request(url, headers={"authorization": f"Bearer {token}"} if token else {})
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.read().decode()

    def taken(self, name, within=10):
        """Waits until Envoy routes by the file that was written."""
        end = time.monotonic() + within
        while time.monotonic() < end:
            try:
                dump = self.get(f"http://127.0.0.1:{self.known['admin']}/config_dump?resource=dynamic_route_configs")
                if f'"{name}"' in dump:
                    return
            except OSError:
                pass
            time.sleep(0.05)
        raise Closed(f"Envoy has not taken {self.file} within {within} s: is it running, and what does its log say?")

    def counts(self, quiet=False):
        """Requests and failures of both chains since Envoy began."""
        try:
            text = self.get(f"http://127.0.0.1:{self.known['admin']}/stats?filter=^cluster\\.(old|new)\\.upstream_rq_")
        except OSError:
            if quiet:
                return {}
            raise Closed("the switch does not answer on its admin port: is Envoy running?") from None
        numbers = dict(re.findall(r"^cluster\.((?:old|new)\.upstream_rq_\w+): (\d+)$", text, re.MULTILINE))
        return {chain: {"requests": int(numbers.get(f"{chain}.upstream_rq_total", 0)),
                        "failures": int(numbers.get(f"{chain}.upstream_rq_5xx", 0))} for chain in ("old", "new")}

    def since(self):
        """The same, since the share was changed."""
        now, then = self.counts(), self.known.get("counts") or {}
        # Envoy was started again: its counts began anew.
        if any(now[chain]["requests"] < then.get(chain, {}).get("requests", 0) for chain in now):
            then = {}
        return {chain: {name: number - then.get(chain, {}).get(name, 0) for name, number in of.items()} for chain, of in now.items()}

    def gates(self, margin):
        closed = []
        if self.known["health"]:
            try:
                self.get(self.known["health"])
            except OSError as error:
                closed.append(f"the new chain is not healthy ({self.known['health']}: {error})")
        counts = self.since()
        rate = {chain: of["failures"] / max(of["requests"], 1) * 100 for chain, of in counts.items()}
        if rate["new"] > rate["old"] + margin:
            closed.append(f"{rate['new']:.1f} % of the new chain's answers are 5xx, {rate['old']:.1f} % of the old one's")
        if self.known["masker"]:
            try:
                token = pathlib.Path(self.known["token_file"]).read_text().strip() if self.known["token_file"] else None
                alerts = json.loads(self.get(f"{self.known['masker']}/api/monitoring/alerts?severity=CRITICAL", token))
                grave = [alert["message"] for alert in alerts["alerts"] if alert["active"]]
                if grave:
                    closed.append(f"masker has alerts: {', '.join(grave)}")
            except (OSError, KeyError, ValueError) as error:
                closed.append(f"masker's alerts cannot be read: {error}")
        return closed

    def share(self, share, margin, force):
        before = self.known.get("share", 0)
        if share > before:
            closed = self.gates(margin)
            if closed and not force:
                raise Closed("a gate is closed, the share stays at %d %%:\n  %s" % (before, "\n  ".join(closed)))
        self.taken(self.write(share))
        print(f"{share} % of the conversations go to masker (before: {before} %)")

    def status(self):
        print(f"share: {self.known.get('share', 0)} % to masker, before: {self.known.get('before', 0)} %")
        for chain, of in self.since().items():
            print(f"{chain}: {of['requests']} requests, {of['failures']} failures since the share was changed")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--dir", default=".masker/switch", help="where configuration and routes are")
    parser.add_argument("--margin", type=float, default=1.0, help="percentage points that the new chain may fail more")
    orders = parser.add_subparsers(dest="order", required=True)
    init = orders.add_parser("init")
    init.add_argument("--old", required=True)
    init.add_argument("--new", required=True)
    init.add_argument("--address", default="127.0.0.1")
    init.add_argument("--port", type=port, default=8085)
    init.add_argument("--admin", type=port, default=9902)
    init.add_argument("--health", default="", help="of the new chain, as in http://127.0.0.1:8086/healthz")
    init.add_argument("--masker", default="", help="its admin port, as in http://127.0.0.1:9400")
    init.add_argument("--token-file", default="")
    init.add_argument("--force", action="store_true", help="though there is a switch: it is written anew, and all goes to the old chain")
    for name in ("status", "check", "rollback"):
        orders.add_parser(name)
    share = orders.add_parser("share")
    share.add_argument("percent", type=int, choices=STAGES)
    share.add_argument("--force", action="store_true", help="though a gate is closed")
    arguments = parser.parse_args()
    switch = Switch(arguments.dir)
    if arguments.order == "init":
        return switch.init(arguments)
    switch.load()
    if arguments.order == "status":
        return switch.status()
    if arguments.order == "check":
        closed = switch.gates(arguments.margin)
        if closed:
            raise Closed("\n  ".join(["closed:", *closed]))
        return print("all gates are open")
    if arguments.order == "rollback":
        return switch.share(0, arguments.margin, True)
    return switch.share(arguments.percent, arguments.margin, arguments.force)


if __name__ == "__main__":
    try:
        main()
    except (Closed, OSError) as error:
        sys.exit(f"switch: {error}")
