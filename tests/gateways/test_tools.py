"""The scripts that check a gateway: they see what is wrong."""
import os
import pathlib
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
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", made / "k", "-out", made / "c", "-subj", "/CN=x", "-days", "5"],
                           check=True, capture_output=True)
            self.check(1, "WRONG  " + str(made / "c"), CERTIFICATES=str(made / "c"))


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
