"""What watches a gateway: Envoy's metrics on their own port, and the scheduled checks."""
import os
import pathlib
import re
import subprocess
import tempfile
import time
import unittest

import yaml

import rig
from rig import ask, asking


def without_processor(text):
    """The second lock alone: masker's filter is missing."""
    start, end = text.index("          - name: envoy.filters.http.ext_proc\n"), text.index("          - name: envoy.filters.http.rbac\n")
    return text[:start] + text[end:]


class Stats(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = rig.Bed()

    def tearDown(self):
        self.bed.stop_envoys()

    def start(self, change=lambda text: text):
        """The gateway's port, and that of its metrics."""
        stats = rig.free_port()

        def same_socket(text):
            socket = re.search(r'^  address: \{pipe: \{path: "([^"]+)"', text, re.MULTILINE)[1]
            return change(text).replace("/tmp/later.sock", socket)

        return self.bed.envoy("stats-socket", change=same_socket, STATS_PORT=str(stats), ADMIN_SOCKET="/tmp/later.sock"), stats

    def denied(self, stats):
        """The sample with its labels, and its value."""
        text = ask(stats, "GET", "/stats/prometheus").text
        return re.search(r"^(envoy_http_rbac_denied\{[^}]*\}) (\d+)$", text, re.MULTILINE).groups()

    def test_only_the_metrics_are_shown(self):
        port, stats = self.start()
        self.assertEqual(ask(port, body=asking()).status, 200)
        self.assertEqual(self.denied(stats)[1], "0")
        for method, path in (("GET", "/"), ("GET", "/stats"), ("GET", "/config_dump"), ("POST", "/quitquitquit"), ("POST", "/stats/prometheus"),
                             ("GET", "/stats/prometheus/../../config_dump"), ("GET", "/stats/prometheus/..%2f..%2fcerts"), ("POST", "/drain_listeners"), ("GET", "/v1/messages")):
            reply = ask(stats, method, path)
            self.assertIn(reply.status, (400, 404), f"{method} {path}: {reply.text[:200]}")
        self.assertEqual(len(self.bed.provider.seen), 1)
        shown = ask(stats, "GET", "/stats/prometheus").text
        self.assertNotIn(rig.SECRET, shown)

    def test_a_missing_proof_is_counted_and_an_alert(self):
        port, stats = self.start(without_processor)
        self.assertEqual(self.denied(stats)[1], "0")
        for _ in range(3):
            self.assertEqual(ask(port, body=asking()).status, 403)
        self.assertEqual(self.bed.provider.seen, [])
        series, count = self.denied(stats)
        self.assertEqual(count, "3")
        # The rule, over the sample as Envoy names it.
        rules = rig.ROOT / "deploy/prometheus/masker.rules.yml"
        labels = dict(re.findall(r'(\w+)="([^"]*)"', series))
        rule = next(rule for group in yaml.safe_load(rules.read_text())["groups"] for rule in group["rules"] if rule.get("alert") == "MaskerProofMissing")
        alert = {"exp_labels": {**labels, **rule["labels"]}, "exp_annotations": rule["annotations"]}
        test = {"rule_files": [str(rules)], "evaluation_interval": "15s", "tests": [{
            "interval": "15s", "input_series": [{"series": series, "values": f"0x8 {count}x8"}],
            "alert_rule_test": [{"eval_time": "1m", "alertname": "MaskerProofMissing", "exp_alerts": []},
                                {"eval_time": "3m", "alertname": "MaskerProofMissing", "exp_alerts": [alert]}]}]}
        with tempfile.NamedTemporaryFile("w", suffix=".yml") as file:
            file.write(yaml.safe_dump(test))
            file.flush()
            done = subprocess.run([os.environ.get("PROMTOOL", "promtool"), "test", "rules", file.name], capture_output=True, text=True)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Checks(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = rig.Bed()

    def run_check(self, name, directory, **environment):
        done = subprocess.run([rig.ROOT / "scripts/checks.sh", name], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "CHECKS_DIR": str(directory), "MASKER": rig.MASKER, **environment})
        file = pathlib.Path(directory) / f"masker-{name}.prom"
        figures = dict(line.rsplit(" ", 1) for line in file.read_text().splitlines())
        for sample, value in figures.items():
            self.assertRegex(sample, r'^masker_[a-z0-9_]+(\{check="[a-z]+"\})?$')
            float(value)
        self.assertEqual(list(pathlib.Path(directory).glob("*.tmp*")), [])
        success, ran = (int(figures[f'masker_check_{what}_time_seconds{{check="{name}"}}']) for what in ("success", "run"))
        return done.returncode, success, ran, figures, done.stderr

    def test_health_keeps_when_it_last_succeeded(self):
        health = rig.free_port()
        port = rig.free_port()
        text = self.bed.base(port, health)
        envoy = self.bed.run_envoy(text, port, lambda: rig.status(health, "/healthz") == 200)
        with tempfile.TemporaryDirectory() as directory:
            url = f"http://127.0.0.1:{health}/healthz"
            code, success, ran, _, _ = self.run_check("health", directory, HEALTH=url)
            self.assertEqual((code, success), (0, ran))
            self.assertLess(abs(time.time() - ran), 30)
            envoy.stop()
            code, later, again, _, said = self.run_check("health", directory, HEALTH=url)
            self.assertEqual((code, later), (1, success))
            self.assertGreaterEqual(again, ran)
            self.assertIn("health failed", said)

    def test_system_has_figures(self):
        with tempfile.TemporaryDirectory() as directory:
            code, success, ran, figures, _ = self.run_check("system", directory)
            self.assertEqual((code, success), (0, ran))
            for ratio in ("memory_available", "disk_free"):
                self.assertTrue(0 < float(figures[f"masker_system_{ratio}_ratio"]) <= 1, figures)

    def test_regression_proves_that_nothing_leaves(self):
        port, health, verify = rig.free_port(), rig.free_port(), rig.free_port()
        os.environ["VERIFY_PORT"] = str(verify)
        self.addCleanup(os.environ.pop, "VERIFY_PORT")
        text = self.bed.base(port, health)
        where = {"GATEWAY": f"http://127.0.0.1:{port}", "VERIFY_LISTEN": f"127.0.0.1:{verify}"}
        envoy = self.bed.run_envoy(text, port, lambda: rig.status(health, "/healthz") == 200)
        with tempfile.TemporaryDirectory() as directory:
            code, success, ran, _, said = self.run_check("regression", directory, **where)
            self.assertEqual((code, success), (0, ran), said)
            # A gateway whose filters are gone does not pass.
            envoy.stop()
            start, end = text.index("          - name: envoy.filters.http.ext_proc\n"), text.index("          - name: envoy.filters.http.router\n")
            open_gate = self.bed.run_envoy(text[:start] + text[end:], f"open-{port}", lambda: rig.status(health, "/healthz") == 200)
            code, later, _, _, _ = self.run_check("regression", directory, **where)
            self.assertEqual((code, later), (1, success))
            open_gate.stop()


    def test_regression_passes_on_what_a_client_needs(self):
        """A stand-in for masker writes down how it was called, and fails with a report."""
        with tempfile.TemporaryDirectory() as directory:
            program, called = pathlib.Path(directory) / "program", pathlib.Path(directory) / "called"
            program.write_text(f'#!/bin/sh\nprintf "%s\\n" "$@" >{called}\necho the report\nexit 1\n')
            program.chmod(0o755)
            where = {"MASKER": str(program), "GATEWAY": "https://localhost:1", "VERIFY_LISTEN": "127.0.0.1:2"}
            plain = ["verify", "https://localhost:1", "--listen", "127.0.0.1:2"]
            code, _, _, _, said = self.run_check("regression", directory, **where)
            self.assertEqual((code, called.read_text().splitlines()), (1, plain))
            self.assertIn("the report", said)
            self.run_check("regression", directory, **where, VERIFY_CA="an authority", VERIFY_CERT="c", VERIFY_KEY="k", VERIFY_HEADERS="h")
            self.assertEqual(called.read_text().splitlines(), [*plain, "--ca", "an authority", "--cert", "c", "--key", "k", "--header-file", "h"])
        self.assertIn("EnvironmentFile=-/etc/masker/checks.env\n", (rig.ROOT / "deploy/systemd/masker-check@.service").read_text())


class Monitoring(unittest.TestCase):
    """What cannot be run here is at least read: YAML, and what the parts call each other."""

    def test_logs_are_joined_kept_and_rotated(self):
        compose = yaml.safe_load((rig.ROOT / "docker-compose.yml").read_text())
        for name, service in compose["services"].items():
            if name == "claude":
                continue
            options = service["logging"]["options"]
            self.assertEqual((options["max-size"], options["max-file"]), ("10m", "5"), name)
        loki = yaml.safe_load((rig.ROOT / "deploy/loki/loki.yml").read_text())
        self.assertEqual(loki["limits_config"]["retention_period"], "30d")
        self.assertTrue(loki["compactor"]["retention_enabled"])
        self.assertIn("--storage.tsdb.retention.time=90d", compose["services"]["prometheus"]["command"])
        alloy = (rig.ROOT / "deploy/loki/config.alloy").read_text()
        self.assertEqual(alloy.count("{"), alloy.count("}"))
        names = set(re.findall(r'^([a-z_.]+) "([a-z]+)" \{', alloy, re.MULTILINE))
        for component, label in re.findall(r"\b([a-z_]+(?:\.[a-z_]+)+)\.([a-z]+)\.(?:receiver|targets)", alloy):
            self.assertIn((component, label), names)
        self.assertIn(f'url = "http://loki:{loki["server"]["http_listen_port"]}/loki/api/v1/push"', alloy)

    def test_every_alert_can_come(self):
        tests = yaml.safe_load((rig.ROOT / "deploy/prometheus/masker.test.yml").read_text())["tests"]
        shown = {own["alertname"] for test in tests for own in test["alert_rule_test"] if own.get("exp_alerts")}
        for path in (rig.ROOT / "deploy/prometheus").glob("*.rules.yml"):
            alerts = {rule["alert"] for group in yaml.safe_load(path.read_text())["groups"] for rule in group["rules"] if "alert" in rule}
            self.assertEqual(alerts - shown, set(), path.name)

    def test_units_are_well_formed_and_have_timers(self):
        for name, every in (("health", "60s"), ("system", "30s"), ("regression", "4h")):
            timer = (rig.ROOT / f"deploy/systemd/masker-check-{name}.timer").read_text()
            self.assertIn(f"OnUnitActiveSec={every}\n", timer)
            self.assertIn(f"Unit=masker-check@{name}.service\n", timer)
        subprocess.run(["bash", "-n", rig.ROOT / "scripts/checks.sh"], check=True)


if __name__ == "__main__":
    unittest.main()
