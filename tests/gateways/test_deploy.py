"""What is shipped beside the program: manifests, units, compose, the package."""
import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile
import tomllib
import unittest

import jsonschema
import kubernetes_validate
import yaml

import rig

DEPLOY = rig.ROOT / "deploy"


def run(*command, **options):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)


class Kubernetes(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.files = {path.name: [each for each in yaml.safe_load_all(path.read_text()) if each] for path in sorted((DEPLOY / "kubernetes").glob("*.yaml"))}
        cls.all = [each for documents in cls.files.values() for each in documents]

    def pods(self):
        return [(each["metadata"]["name"], each["spec"]["template"]) for each in self.all if each["kind"] == "Deployment"]

    def test_schemas(self):
        self.assertGreater(len(self.all), 10)
        for each in self.all:
            for version in ("1.30", "1.37"):
                with self.subTest(f"{each['kind']} {each['metadata']['name']} {version}"):
                    kubernetes_validate.validate(each, version, strict=True)

    def test_a_wrong_one_is_noticed(self):
        wrong = {"apiVersion": "v1", "kind": "Service", "metadata": {"name": "x"}, "spec": {"prots": []}}
        with self.assertRaises(kubernetes_validate.ValidationError):
            kubernetes_validate.validate(wrong, "1.37", strict=True)

    def test_pods_are_closed(self):
        for name, template in self.pods():
            pod = template["spec"]
            self.assertFalse(pod["automountServiceAccountToken"], name)
            self.assertTrue(pod["securityContext"]["runAsNonRoot"], name)
            self.assertEqual(pod["securityContext"]["seccompProfile"], {"type": "RuntimeDefault"}, name)
            for container in pod["initContainers"] + pod["containers"]:
                own = container["securityContext"]
                self.assertEqual(own, {"allowPrivilegeEscalation": False, "readOnlyRootFilesystem": True, "capabilities": {"drop": ["ALL"]}}, name)
                self.assertIn("memory", container["resources"]["limits"], container["name"])
                self.assertNotIn("env", container, "secrets are files")
            # Every volume that is mounted is there.
            volumes = {volume["name"] for volume in pod["volumes"]}
            mounted = {mount["name"] for container in pod["initContainers"] + pod["containers"] for mount in container["volumeMounts"]}
            self.assertEqual(volumes, mounted, name)

    def test_names_fit_together(self):
        apps = {name: template["metadata"]["labels"]["app"] for name, template in self.pods()}
        for each in self.all:
            spec = each.get("spec", {})
            if each["kind"] == "HorizontalPodAutoscaler":
                self.assertIn(spec["scaleTargetRef"]["name"], apps)
            if each["kind"] in ("PodDisruptionBudget", "Deployment"):
                self.assertIn(spec["selector"]["matchLabels"]["app"], apps.values())
            if each["kind"] == "NetworkPolicy":
                self.assertIn(spec["podSelector"]["matchLabels"]["app"], apps.values())
            if each["kind"] == "Service":
                self.assertIn(spec["selector"]["app"], apps.values())

    def test_the_metric_to_scale_by_exists(self):
        source = (rig.ROOT / "src/telemetry/metrics.rs").read_text()
        for each in self.all:
            if each["kind"] == "HorizontalPodAutoscaler":
                metric = each["spec"]["metrics"][0]["pods"]["metric"]["name"]
                self.assertIn(f'"{metric} 0"', source, "masker has no such gauge")

    def test_envoy_gets_longer_than_its_answers(self):
        pod = dict(self.pods())["masker-gateway"]["spec"]
        self.assertGreater(pod["terminationGracePeriodSeconds"], pod["containers"][0]["lifecycle"]["preStop"]["sleep"]["seconds"] + 35)

    def test_configurations_are_right(self):
        """With the secrets where the pod has them, but here."""
        with tempfile.TemporaryDirectory() as made:
            made = pathlib.Path(made)
            (made / "master-key").write_text("8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c")
            (made / "redis-password").write_text("a password")
            run(rig.ROOT / "scripts/certs.sh", made / "tls", check=True)
            for name in ("masker.crt", "masker.key", "ca.crt"):
                shutil.copy(made / "tls" / name, made)
            for name in ("master-key", "redis-password", "masker.key"):
                (made / name).chmod(0o400)
            for each in [each for each in self.all if each["kind"] == "ConfigMap"]:
                file = made / "masker.toml"
                file.write_text(each["data"]["masker.toml"].replace("/run/masker/secrets", str(made)))
                done = run(rig.MASKER, "check", "--config", file, env={"PATH": os.environ["PATH"]})
                self.assertEqual(done.returncode, 0, each["metadata"]["name"] + done.stdout + done.stderr)

    def test_examples_say_that_nobody_ran_them(self):
        for path in (DEPLOY / "kubernetes/examples").glob("*.yaml"):
            text = path.read_text()
            self.assertTrue(text.startswith("# UNVALIDATED"), path)
            self.assertGreater(len(list(yaml.safe_load_all(text))), 0)
            # The second lock is in every example.
            self.assertIn("metadata_matcher: {filter: masker, path: [{key: ok}], value: {bool_match: true}}", text)
            self.assertNotRegex(text, r"failOpen: true|failure_mode_allow: true")


class Schema(unittest.TestCase):
    """The schema of the configuration, held against configurations."""

    def setUp(self):
        schema = json.loads((rig.ROOT / "tests/golden/config.schema.json").read_text())
        jsonschema.Draft202012Validator.check_schema(schema)
        self.validator = jsonschema.Draft202012Validator(schema)

    def wrong(self, text):
        return [error.message for error in self.validator.iter_errors(tomllib.loads(text))]

    def test_what_is_right(self):
        texts = [(DEPLOY / "compose/masker.toml").read_text(), (DEPLOY / "debian/masker.toml").read_text()]
        for path in (DEPLOY / "kubernetes").glob("*.yaml"):
            texts += [each["data"]["masker.toml"] for each in yaml.safe_load_all(path.read_text()) if each["kind"] == "ConfigMap"]
        texts.append(run(rig.MASKER, "check", "--print-default").stdout)
        texts += re.findall(r"^```toml\n(.*?)^```", (rig.ROOT / "README.md").read_text(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(texts), 6)
        for text in texts:
            self.assertEqual(self.wrong(text), [], text[:200])

    def test_what_is_wrong(self):
        for text in ("surprise = 1", "[limits]\nbdy = '1MiB'", "[limits]\ndepth = 1", "[limits]\nbody = '1 MB'", "[store]\nttl = 7", "[detect]\nprofile = 'x'", "[[patterns]]\nname = 'a'"):
            self.assertNotEqual(self.wrong(text), [], text)


class Units(unittest.TestCase):
    def test_systemd_reads_them(self):
        systemd = rig.program("SYSTEMD_ANALYZE")
        with tempfile.TemporaryDirectory() as made:
            for path in (DEPLOY / "systemd").glob("*.service"):
                text = path.read_text().replace("/usr/bin/masker", rig.MASKER).replace("/usr/bin/envoy", rig.ENVOY)
                text = text.replace("/usr/lib/masker", str(rig.ROOT))
                unit = pathlib.Path(made) / path.name
                unit.write_text(text)
            for path in (DEPLOY / "systemd").glob("*.timer"):
                timer = pathlib.Path(made) / path.name
                timer.write_text(path.read_text())
                done = run(systemd, "verify", "--recursive-errors=no", timer)
                self.assertEqual((done.returncode, done.stderr), (0, ""), timer.name)
            for unit in sorted(pathlib.Path(made).glob("*.service")):
                done = run(systemd, "verify", "--recursive-errors=no", unit)
                self.assertEqual((done.returncode, done.stderr), (0, ""), unit.name)
                exposure = run(systemd, "security", "--offline=true", "--threshold=15", unit)
                self.assertEqual(exposure.returncode, 0, exposure.stdout[-300:])

    def test_nothing_of_memory_is_written(self):
        for path in (DEPLOY / "systemd").glob("*.service"):
            for line in ("LimitCORE=0", "MemorySwapMax=0", "NoNewPrivileges=true", "ProtectSystem=strict"):
                self.assertIn(f"\n{line}\n", path.read_text(), path.name)

    def test_the_audit_log_can_be_written(self):
        """Where the shown configuration has it, and nobody else reads it."""
        unit = (DEPLOY / "systemd/masker.service").read_text()
        self.assertIn("\nStateDirectory=masker\nStateDirectoryMode=0700\n", unit)
        for text in ((DEPLOY / "debian/masker.toml").read_text(), run(rig.MASKER, "check", "--print-default").stdout):
            self.assertIn('# file = "/var/lib/masker/audit.log"', text)


class Process(unittest.TestCase):
    """What masker does about its own memory."""

    def started(self, memlock, *config):
        """A masker as a user without rights, where this is root, with this limit of locked memory."""
        made = pathlib.Path(tempfile.mkdtemp(prefix="masker-process-"))
        self.addCleanup(shutil.rmtree, made)
        file, key = made / "masker.toml", made / "key"
        key.write_text("8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c")
        file.write_text("\n".join(("log.format = 'text'", *config)))
        key.chmod(0o600)
        command = [rig.MASKER, "serve", "--config", str(file), "--key-file", str(key), "--listen", f"127.0.0.1:{rig.free_port()}"]
        if os.getuid() == 0:
            made.chmod(0o755)
            os.chown(key, 65534, 65534)
            command = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", "--inh-caps=-all", "--bounding-set=-all", *command]
        admin = rig.free_port()
        command = ["prlimit", f"--memlock={memlock}", *command, "--admin", f"127.0.0.1:{admin}"]
        masker = rig.Started("masker", command, made)
        self.addCleanup(masker.stop)
        return masker, lambda: rig.status(admin, "/readyz") == 200

    def test_nothing_of_it_is_dumped(self):
        masker, ready = self.started("65536:65536")
        masker.until(ready, "is not ready")
        proc = pathlib.Path(f"/proc/{masker.process.pid}")
        limit = next(line for line in (proc / "limits").read_text().splitlines() if line.startswith("Max core file size"))
        self.assertEqual(limit.split()[4:6], ["0", "0"])
        # Of a process that may not be dumped, only root may read the memory.
        self.assertEqual((proc / "mem").stat().st_uid, 0)
        self.assertIn("memory may be swapped", masker.log.read_text())
        self.assertEqual(self.locked(proc), 0)

    def test_memory_is_locked_where_it_may_be(self):
        if run("prlimit", "--memlock=unlimited:unlimited", "true").returncode:
            self.skipTest("nobody here may raise the limit of locked memory")
        masker, ready = self.started("unlimited:unlimited", "memory.lock = 'require'")
        masker.until(ready, "is not ready")
        self.assertGreater(self.locked(pathlib.Path(f"/proc/{masker.process.pid}")), 1000)

    def test_memory_that_must_be_locked(self):
        masker, _ = self.started("65536:65536", "memory.lock = 'require'")
        self.assertEqual(masker.process.wait(rig.PATIENCE), 1)
        self.assertIn("the limit of locked memory is 64 KiB", masker.log.read_text())

    def locked(self, proc):
        """In KiB."""
        return next(int(line.split()[1]) for line in (proc / "status").read_text().splitlines() if line.startswith("VmLck:"))


class Package(unittest.TestCase):
    def test_all_that_is_packed_exists(self):
        manifest = tomllib.loads((rig.ROOT / "Cargo.toml").read_text())["package"]["metadata"]["deb"]
        for source, _, mode in manifest["assets"]:
            if not source.startswith("target/"):
                found = list(rig.ROOT.glob(source))
                self.assertTrue(found, source)
                if mode == "755":
                    self.assertTrue(all(os.access(path, os.X_OK) for path in found), source)
        for unit in manifest["systemd-units"]:
            self.assertTrue((rig.ROOT / unit["unit-scripts"] / f"{unit['unit-name']}.service").is_file())
        self.assertEqual(run("sh", "-n", rig.ROOT / manifest["maintainer-scripts"] / "postinst").returncode, 0)

    def test_its_configuration_is_right(self):
        with tempfile.TemporaryDirectory() as made:
            key = pathlib.Path(made) / "key"
            self.assertEqual(run(rig.MASKER, "keys", "new", "--out", key).returncode, 0)
            key.chmod(0o600)
            file = pathlib.Path(made) / "masker.toml"
            file.write_text((DEPLOY / "debian/masker.toml").read_text().replace("/etc/masker/key", str(key)))
            done = run(rig.MASKER, "check", "--config", file, env={"PATH": os.environ["PATH"]})
            self.assertEqual(done.returncode, 0, done.stderr)


class Compose(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.text = (rig.ROOT / "docker-compose.yml").read_text()
        cls.compose = yaml.safe_load(cls.text)

    def test_only_the_gateway_is_published_and_only_on_loopback(self):
        for name, service in self.compose["services"].items():
            for port in service.get("ports", []):
                self.assertIn(name, ("envoy", "grafana"), name)
                self.assertTrue(re.match(r"\$\{[A-Z_]*BIND:-127\.0\.0\.1\}:|127\.0\.0\.1:", port), port)

    def test_services_are_closed_and_limited(self):
        for name, service in self.compose["services"].items():
            with self.subTest(name):
                self.assertIn("no-new-privileges:true", service.get("security_opt", []))
                self.assertEqual(service.get("cap_drop"), ["ALL"])
                # Grafana writes its own files beside its program.
                self.assertTrue(service.get("read_only") or name == "grafana")
                self.assertIn("mem_limit", service)
                for variable, value in dict(service.get("environment") or {}).items():
                    self.assertNotRegex(variable, "PASSWORD$|SECRET$", "secrets are files")
                    self.assertNotRegex(str(value), "^sk-")

    def test_the_user_of_redis_has_what_masker_needs(self):
        """What README names, and INFO, by which /readyz knows of eviction."""
        user = next(line for line in (rig.ROOT / "scripts/compose.sh").read_text().splitlines() if line.startswith("user masker "))
        for right in ("+@connection", "+info", "+get", "+set", "+expire", "+role", "+cluster|slots", "+publish", "+xadd", "+xrange"):
            self.assertIn(right, user.split())

    def test_networks_of_originals_have_no_way_out(self):
        for name in ("processor", "store"):
            self.assertTrue(self.compose["networks"][name]["internal"])

    def test_compose_reads_every_profile(self):
        compose = rig.program("DOCKER_COMPOSE").split()
        profiles = {profile for service in self.compose["services"].values() for profile in service.get("profiles", [])}
        for profile in sorted(profiles):
            done = run(*compose, "-f", rig.ROOT / "docker-compose.yml", "--profile", profile, "config", cwd=rig.ROOT)
            self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    unittest.main()
