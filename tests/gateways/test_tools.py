"""The scripts that check a gateway: they see what is wrong."""
import grp
import os
import pathlib
import stat
import subprocess
import tempfile
import unittest

import rig


def run(*command, **environment):
    return subprocess.run([str(part) for part in command], capture_output=True, text=True, env={**os.environ, "ENVOY": rig.ENVOY, **environment})


class Locks(unittest.TestCase):
    def test_each_way_to_open_them_is_seen(self):
        base = (rig.ROOT / "envoy/envoy.yaml").read_text()
        proof = base[base.index("          - name: envoy.filters.http.rbac\n"):base.index("          # room after\n")]
        route = "              - name: v1\n                match: {prefix: /v1/}\n"
        for says, changed in {
            "failure_mode_allow": base.replace("failure_mode_allow: false", "failure_mode_allow: true"),
            "observability_mode": base.replace("observability_mode: false", "observability_mode: true"),
            "allow_mode_override": base.replace("allow_mode_override: false", "allow_mode_override: true"),
            "request_body_mode": base.replace("request_body_mode: FULL_DUPLEX_STREAMED", "request_body_mode: BUFFERED_PARTIAL"),
            "remove: x-masker-tenant": base.replace("- remove: x-masker-tenant", ""),
            "metadata_matcher": base.replace(proof, ""),
            "the order": base.replace(proof, "").replace("          # room before\n", proof),
            "typed_per_filter_config": base.replace(route, route + "                typed_per_filter_config: {envoy.filters.http.ext_proc: {}}\n"),
            "upgrade_configs": base.replace("          # room connection\n", "          upgrade_configs: [{upgrade_type: websocket}]\n"),
            "must not retry": base.replace(route, route + "                retry_policy: {retry_on: 5xx}\n"),
            "direct_response": base.replace("direct_response: {status: 404}", "route: {cluster: provider}"),
            "bypass": base.replace("path: [{key: ok}]", "path: [{key: bypass}]"),
        }.items():
            with self.subTest(says), tempfile.NamedTemporaryFile("w", suffix=".yaml") as file:
                self.assertNotEqual(changed, base)
                file.write(changed)
                file.flush()
                done = run(rig.ROOT / "scripts/locks.sh", file.name)
                self.assertEqual(done.returncode, 1)
                # Several locks may be missing at once; the first is named.
                self.assertTrue(says in done.stderr or says == "bypass", done.stderr)
        self.assertEqual(run(rig.ROOT / "scripts/locks.sh", rig.ROOT / "envoy/envoy.yaml").returncode, 0)


class Release(unittest.TestCase):
    def setUp(self):
        made = tempfile.TemporaryDirectory()
        self.addCleanup(made.cleanup)
        self.dist = pathlib.Path(made.name) / "dist"
        self.dist.mkdir()
        (self.dist / "masker.tar.gz").write_bytes(b"a program")
        self.key, self.signers = pathlib.Path(made.name) / "key", pathlib.Path(made.name) / "signers"
        self.assertEqual(run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.key).returncode, 0)
        self.signers.write_text(f"release {self.key.with_suffix('.pub').read_text()}")
        sums = subprocess.run(["sha256sum", "masker.tar.gz"], cwd=self.dist, capture_output=True, text=True, check=True).stdout
        (self.dist / "SHA256SUMS").write_text(sums)
        self.assertEqual(run("ssh-keygen", "-Y", "sign", "-q", "-f", self.key, "-n", "masker-release", self.dist / "SHA256SUMS").returncode, 0)

    def verified(self, wanted, says):
        done = run(rig.ROOT / "scripts/release.sh", "verify", self.dist, self.signers)
        self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)

    def test_what_was_signed_is_accepted(self):
        self.verified(0, "signature and checksums are right")

    def test_a_changed_file_is_seen(self):
        (self.dist / "masker.tar.gz").write_bytes(b"another program")
        self.verified(1, "files are not what was signed")

    def test_changed_sums_are_seen(self):
        sums = self.dist / "SHA256SUMS"
        sums.write_text(sums.read_text().replace("  ", "  ./"))
        self.verified(1, "the signature is not of a key in")

    def test_another_key_is_seen(self):
        self.key.unlink()
        run("ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-C", "", "-f", self.key)
        self.signers.write_text(f"release {self.key.with_suffix('.pub').read_text()}")
        self.verified(1, "the signature is not of a key in")

    def test_what_is_not_signed_is_said(self):
        (self.dist / "SHA256SUMS.sig").unlink()
        self.verified(1, "is not signed")


class Preflight(unittest.TestCase):
    def check(self, wanted, says, **environment):
        with tempfile.TemporaryDirectory() as made:
            key = pathlib.Path(made) / "key"
            run(rig.MASKER, "keys", "new", "--out", key)
            key.chmod(0o600)
            command = f"ulimit -c 0; exec {rig.ROOT}/scripts/preflight.sh"
            done = run("bash", "-c", command, **{"MASKER": rig.MASKER, "MASKER_KEY_FILE": str(key), **environment})
        self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
        self.assertIn(says, done.stdout)

    def test_what_is_right(self):
        self.check(0, "ok     its locks are closed")

    def test_what_is_wrong(self):
        with tempfile.TemporaryDirectory() as made:
            made = pathlib.Path(made)
            (made / "broken.yaml").write_text("static_resources: {listeners: 1}\n")
            self.check(1, "WRONG  Envoy reads", ENVOY_CONFIG=str(made / "broken.yaml"))
            (made / "masker.toml").write_text("[limits]\nbody = 1\n")
            self.check(1, "WRONG  masker's configuration", MASKER_CONFIG=str(made / "masker.toml"))
            keys = run(rig.ROOT / "scripts/gateway.py", "api-keys", "--set", "CLIENTS=a=key-of-a").stdout
            (made / "keys.yaml").write_text(keys)
            (made / "keys.yaml").chmod(0o644)
            self.check(1, "chmod 600", ENVOY_CONFIG=str(made / "keys.yaml"))
            (made / "keys.yaml").chmod(0o600)
            self.check(0, "ok     nobody else reads its keys", ENVOY_CONFIG=str(made / "keys.yaml"))
            self.check(1, "there is no program", ENVOY=str(made / "none"))
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", made / "k", "-out", made / "c", "-subj", "/CN=x", "-days", "5"],
                           check=True, capture_output=True)
            self.check(1, "WRONG  " + str(made / "c"), CERTIFICATES=str(made / "c"))


    def test_only_the_group_of_envoy_may_read_keys(self):
        """As the unit needs it: root's, and readable by the group that Envoy runs as."""
        with tempfile.TemporaryDirectory() as made:
            config, ours = pathlib.Path(made) / "envoy.yaml", grp.getgrgid(os.getgid()).gr_name
            write = (rig.ROOT / "scripts/gateway.py", "api-keys", "--set", "CLIENTS=a=key-of-a", "--out", config)
            self.assertEqual(run(*write).returncode, 0)
            self.assertEqual(stat.S_IMODE(config.stat().st_mode), 0o600)
            self.check(0, "ok     nobody else reads its keys", ENVOY_CONFIG=str(config))
            self.assertEqual(run(*write, "--group", ours).returncode, 0)
            self.assertEqual(stat.S_IMODE(config.stat().st_mode), 0o640)
            self.assertEqual([path.name for path in config.parent.iterdir()], ["envoy.yaml"])
            self.check(0, "ok     nobody else reads its keys", ENVOY_CONFIG=str(config), ENVOY_GROUP=ours)
            self.check(1, "chgrp another", ENVOY_CONFIG=str(config), ENVOY_GROUP="another")
            for mode in (0o644, 0o660, 0o604):
                config.chmod(mode)
                self.check(1, "WRONG  nobody else reads its keys", ENVOY_CONFIG=str(config), ENVOY_GROUP=ours)
            self.assertIn("there is no group", run(*write, "--group", "no-such-group").stderr)

    def test_what_the_units_start_is_what_is_looked_at(self):
        """Their program, and as root what their users can read; systemctl is a stand-in."""
        with tempfile.TemporaryDirectory() as made:
            made = pathlib.Path(made)
            made.chmod(0o755)
            config, systemctl = made / "envoy.yaml", made / "systemctl"
            config.write_text(run(rig.ROOT / "scripts/gateway.py", "api-keys", "inject-key", "--set", "CLIENTS=a=key-of-a").stdout)
            config.chmod(0o600)
            systemctl.write_text(f"#!/bin/sh\necho 'ExecStart={made}/envoy -c {config} --log-level warning'\necho User=nobody\necho Group=another\n")
            systemctl.chmod(0o755)
            units = {"PATH": f"{made}:{os.environ['PATH']}", "ENVOY_CONFIG": str(config), "ENVOY": ""}
            self.check(1, f"there is no program {made}/envoy", **units)
            if os.getuid() == 0:
                self.check(1, "nobody cannot read it: chgrp another", **units)

    def test_clients_without_a_way_to_send_the_providers_key(self):
        with tempfile.TemporaryDirectory() as made:
            config = pathlib.Path(made) / "envoy.yaml"
            (config.parent / "key").write_text("sk-ant-api03-x")
            for more, noted in (([], True), (["--set", "KEY_HEADER=x-gateway-key"], False), (["inject-key", "--set", f"KEY_FILE={config.parent}/key"], False)):
                run(rig.ROOT / "scripts/gateway.py", "api-keys", "--set", "CLIENTS=a=key-of-a", "--out", config, *more)
                done = run("bash", "-c", f"ulimit -c 0; exec {rig.ROOT}/scripts/preflight.sh", ENVOY_CONFIG=str(config), MASKER=rig.MASKER)
                self.assertEqual("nothing adds the provider's" in done.stdout, noted, done.stdout)


class Settings(unittest.TestCase):
    """What is wrong with a setting is said in a line, before anything is started."""

    def wrong(self, says, *command, **environment):
        done = run(*command, **environment)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn(says, done.stderr)
        for noise in ("Traceback", "unbound", "line ", "@type"):
            self.assertNotIn(noise, done.stderr)
        return done.stderr

    def test_of_smoke(self):
        smoke = rig.ROOT / "scripts/smoke.py"
        for says, environment in (("GATEWAY is foo", {"GATEWAY": "foo"}), ("GATEWAY is http://a:99999", {"GATEWAY": "http://a:99999"}),
                                  ("HEALTH is foo", {"HEALTH": "foo"}), ("KEY is no header", {"KEY": "key"}), ("SLOW_MS is x", {"SLOW_MS": "x"}),
                                  ("CA names", {"CA": "/nowhere"}), ("KEY_FILE names", {"KEY_FILE": "/nowhere"}),
                                  ("both go into x-api-key", {"KEY": "X-Api-Key: k", "KEY_FILE": str(smoke)})):
            self.wrong(says, smoke, **environment)
        self.assertIn("ROUND_TRIP", run(smoke, "--help").stdout)

    def test_of_run(self):
        script = rig.ROOT / "scripts/run.sh"
        with tempfile.TemporaryDirectory() as state:
            fixed = {"STATE": state, "MASKER": rig.MASKER, "HEALTH_PORT": ""}
            for says, environment in (("PORT is no port: abc", {"PORT": "abc"}), ("PORT is no port: 99999", {"PORT": "99999"}), ("HEALTH_PORT", {"PORT": "65535"}),
                                      ("MASKER names no program", {"MASKER": "/nowhere"}), ("MASKER_ADMIN is no address", {"MASKER_ADMIN": "foo"})):
                self.wrong(says, script, **{**fixed, **environment})
            key = pathlib.Path(state) / "wrong"
            key.write_text("no key")
            key.chmod(0o600)
            ports = {"PORT": str(rig.free_port()), "HEALTH_PORT": str(rig.free_port()), "MASKER_LISTEN": f"127.0.0.1:{rig.free_port()}",
                     "MASKER_ADMIN": f"127.0.0.1:{rig.free_port()}", "MASKER_KEY_FILE": str(key)}
            self.wrong("64 hexadecimal characters or 32 bytes", script, **{**fixed, **ports})
            self.wrong("ENVOY is no Envoy: ", script, **{**fixed, **ports, "ENVOY": "/bin/false"})

    def test_of_the_others(self):
        self.wrong("PORT is not a port number: 99999", rig.ROOT / "scripts/render.sh", PORT="99999")
        self.wrong("SIGN_REGION is no region: zz", rig.ROOT / "scripts/render.sh", SIGN_REGION="zz")
        self.wrong("CA_BUNDLE cannot be read: /nowhere/ca.pem", rig.ROOT / "scripts/render.sh", CA_BUNDLE="/nowhere/ca.pem")
        self.wrong("MOCK_PROVIDER names no program: /nowhere/mock", rig.ROOT / "scripts/demo.sh", MASKER=rig.MASKER, MOCK_PROVIDER="/nowhere/mock")
        self.wrong("is no directory", rig.ROOT / "scripts/checks.sh", "health", CHECKS_DIR="/nowhere")
        for name in ("run.sh", "demo.sh", "checks.sh", "render.sh", "preflight.sh"):
            done = run(rig.ROOT / "scripts" / name, "--help")
            self.assertEqual((done.returncode, done.stderr), (0, ""), name)
            self.assertGreater(len(done.stdout), 100, name)

    def test_run_tells_of_a_store_that_is_down(self):
        with tempfile.TemporaryDirectory() as state:
            state = pathlib.Path(state)
            started = self.run_with(state, STORE=f"redis://127.0.0.1:{rig.free_port()}")
            started.stop()
            self.assertIn("the mapping store does not answer", started.log.read_text())

    def run_with(self, state, **environment):
        """Starts `make run` with these settings, until it is ready."""
        started = rig.Started("run", [rig.ROOT / "scripts/run.sh"], state, **{
            "STATE": str(state), "MASKER": rig.MASKER, "ENVOY": rig.ENVOY, "PORT": str(rig.free_port()), "HEALTH_PORT": str(rig.free_port()),
            "MASKER_LISTEN": f"127.0.0.1:{rig.free_port()}", "MASKER_ADMIN": f"127.0.0.1:{rig.free_port()}",
            "UPSTREAM": "http://127.0.0.1:9", "READY_FILE": str(state / "ready"), **environment})
        self.addCleanup(started.stop)
        started.until((state / "ready").exists, "is not ready")
        return started

    def test_run_takes_the_keys_that_the_configuration_names(self):
        for option in ("key_command = [\"cat\", \"{key}\"]", "key_file = \"{key}\""):
            with self.subTest(option), tempfile.TemporaryDirectory() as state:
                state = pathlib.Path(state)
                run(rig.MASKER, "keys", "new", "--out", state / "elsewhere")
                config = state / "masker.toml"
                # The key of a section is another one.
                config.write_text(option.format(key=state / "elsewhere") + "\n[limits]\ndepth = 64\n")
                self.run_with(state, MASKER_CONFIG=str(config)).stop()
                self.assertFalse((state / "key").exists(), "a key was made that nobody asked for")
        with tempfile.TemporaryDirectory() as state:
            config = pathlib.Path(state) / "masker.toml"
            config.write_text("key_command = [\"sh\", \"-c\", \"echo the vault is sealed >&2; exit 2\"]\n")
            ports = {name: str(rig.free_port()) for name in ("PORT", "HEALTH_PORT")}
            ports |= {name: f"127.0.0.1:{rig.free_port()}" for name in ("MASKER_LISTEN", "MASKER_ADMIN")}
            said = self.wrong("the vault is sealed", rig.ROOT / "scripts/run.sh", STATE=state, MASKER=rig.MASKER, ENVOY=rig.ENVOY, MASKER_CONFIG=str(config), **ports)
            self.assertIn("ended with exit status: 2", said)

    def test_run_takes_a_ring(self):
        with tempfile.TemporaryDirectory() as state:
            state = pathlib.Path(state)
            run(rig.MASKER, "keys", "new", "--out", state / "key")
            (state / "key").chmod(0o600)
            self.assertEqual(run(rig.MASKER, "keys", "add", state / "key").returncode, 0)
            self.run_with(state).stop()


class Smoke(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = rig.Bed()

    def tearDown(self):
        self.bed.stop_envoys()

    def smoke(self, port, **environment):
        return run(rig.ROOT / "scripts/smoke.py", GATEWAY=f"http://127.0.0.1:{port}", SLOW_MS="60000", **environment)

    def test_a_gateway_that_works(self):
        port = self.bed.envoy()
        done = self.smoke(port)
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertEqual(self.bed.provider.seen, [], "smoke sends nothing to the provider")
        key = self.bed.directory / "provider-key"
        key.write_text("sk-ant-api03-x")
        done = self.smoke(port, KEY_FILE=str(key))
        self.assertIn("ok     masked, and restored", done.stdout)
        self.assertNotIn(rig.SECRET, str(self.bed.provider.seen))

    def test_a_gateway_with_keys(self):
        port = self.bed.envoy("api-keys", CLIENTS="alice=key-of-alice")
        self.assertEqual(self.smoke(port).returncode, 1)
        done = self.smoke(port, KEY="x-api-key: key-of-alice")
        self.assertEqual(done.returncode, 0, done.stdout)
        self.assertIn("ok     a key is needed", done.stdout)
        # The gateway holds the provider's key.
        provider = self.bed.directory / "injected-key"
        provider.write_text("sk-ant-api03-x")
        port = self.bed.envoy("api-keys", "inject-key", CLIENTS="alice=key-of-alice", KEY_FILE=str(provider))
        done = self.smoke(port, KEY="x-api-key: key-of-alice", ROUND_TRIP="1")
        self.assertIn("ok     masked, and restored", done.stdout)
        self.assertEqual(self.bed.provider.seen[0]["headers"]["x-api-key"], "sk-ant-api03-x")
        # One that should need a key and does not.
        done = self.smoke(self.bed.envoy(), KEY="x-api-key: key-of-alice")
        self.assertIn("WRONG  a key is needed", done.stdout)

    def test_a_gateway_without_masker(self):
        """Whoever took masker out of the way, and the proof with it."""
        def open_wide(text):
            start, end = text.index("          - name: envoy.filters.http.ext_proc\n"), text.index("          - name: envoy.filters.http.router\n")
            return text[:start] + text[end:]

        done = self.smoke(self.bed.envoy(change=open_wide))
        self.assertEqual(done.returncode, 1)
        self.assertIn("WRONG  masker is in the way", done.stdout)

    def test_nobody_there(self):
        done = self.smoke(rig.free_port())
        self.assertEqual(done.returncode, 1)
        self.assertIn("take the gateway out of service", done.stderr)


if __name__ == "__main__":
    unittest.main()
