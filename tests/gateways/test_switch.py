"""Moving from the old chain: two stand-ins for the chains, a real Envoy between, and
the script as an operator runs it. docs/moving-from-kong.md tells the same for people."""
import json
import subprocess
import sys
import threading
import time
import unittest

import rig
from rig import ask, asking


class Switching(unittest.TestCase):
    def setUp(self):
        self.bed = rig.Bed()
        self.addCleanup(self.bed.stop_envoys)
        self.old = rig.Provider("old")
        self.gateway = self.bed.envoy()
        self.port, self.admin = rig.free_port(), rig.free_port()
        self.dir = self.bed.directory / "switch"
        self.health = rig.Provider("health")
        self.run_switch("init", "--old", f"127.0.0.1:{self.old.port}", "--new", f"127.0.0.1:{self.gateway}", "--port", str(self.port),
                        "--admin", str(self.admin), "--health", f"http://127.0.0.1:{self.health.port}/healthz",
                        "--masker", f"http://127.0.0.1:{self.bed.masker.admin}")
        self.bed.run_envoy((self.dir / "envoy.yaml").read_text(), "switch", lambda: rig.status(self.admin, "/ready") == 200)

    def run_switch(self, *arguments, wanted=0):
        done = subprocess.run([sys.executable, rig.ROOT / "scripts/switch.py", "--dir", str(self.dir), *arguments], capture_output=True, text=True)
        self.assertEqual(done.returncode, wanted, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def chain(self, session, **headers):
        """Which chain serves this conversation."""
        reply = ask(self.port, body=asking("hello"), headers={"x-claude-code-session-id": session, **headers})
        self.assertEqual(reply.status, 200, reply.text)
        # The gateway's answers come from the bed's provider.
        return {"old": "old", "provider": "new"}[reply.headers["x-chain"]]

    def everyone(self):
        return {f"session-{number}": self.chain(f"session-{number}") for number in range(60)}

    def test_each_stage_and_back(self):
        self.assertEqual(set(self.everyone().values()), {"old"})
        before = set()
        for share, least, most in ((10, 1, 18), (25, 5, 28), (50, 16, 44), (100, 60, 60)):
            self.run_switch("share", str(share))
            moved = {session for session, chain in self.everyone().items() if chain == "new"}
            self.assertTrue(least <= len(moved) <= most, f"{share} %: {len(moved)} of 60")
            self.assertLessEqual(before, moved, "a conversation went back")
            # The same conversation with another key stays where it is.
            self.assertEqual({self.chain(session, **{"x-api-key": "another"}) for session in list(moved)[:3]}, {"new"})
            before = moved
        self.assertIn("100 % to masker", self.run_switch("status"))
        began = time.monotonic()
        self.run_switch("rollback")
        self.assertEqual(set(self.everyone().values()), {"old"})
        self.assertLess(time.monotonic() - began, 180, "a rollback takes at most three minutes")

    def test_a_stream_that_runs_is_not_cut(self):
        self.run_switch("share", "100")
        got = {}
        stream = threading.Thread(target=lambda: got.update(reply=ask(self.port, body=asking("the end", stream=True))))
        stream.start()
        while not self.bed.provider.seen:
            time.sleep(0.02)
        self.run_switch("rollback")
        self.assertEqual(self.chain("another"), "old")
        self.bed.provider.go_on.set()
        stream.join()
        self.assertIn("the end", got["reply"].text)
        self.assertIn("message_stop", got["reply"].text)

    def test_gates(self):
        self.run_switch("share", "10")
        # Not healthy.
        self.health.shutdown()
        self.health.server_close()
        self.assertIn("not healthy", self.run_switch("share", "25", wanted=1))
        self.assertIn("not healthy", self.run_switch("check", wanted=1))
        self.assertIn("10 % to masker", self.run_switch("status"))
        # Going down needs no gate, and neither does who knows better.
        self.run_switch("share", "25", "--force")
        self.run_switch("share", "10")
        self.run_switch("rollback")

    def test_failures_of_the_new_chain_close_the_gate(self):
        self.run_switch("share", "50")
        self.bed.masker.stop()
        statuses = [ask(self.port, body=asking("hello"), headers={"x-claude-code-session-id": f"s{number}"}).status for number in range(30)]
        self.assertIn(503, statuses)
        self.assertIn("are 5xx", self.run_switch("share", "100", wanted=1))
        self.run_switch("rollback")
        self.assertEqual(set(self.everyone().values()), {"old"})

    def test_a_switch_that_is_there_stays(self):
        chains = ("--old", "127.0.0.1:1", "--new", "127.0.0.1:2")
        self.run_switch("share", "50")
        self.assertIn("with 50 % at masker", self.run_switch("init", *chains, wanted=1))
        self.assertIn("50 % to masker", self.run_switch("status"))
        self.assertNotIn("port_value: 2}", (self.dir / "envoy.yaml").read_text())
        self.run_switch("init", *chains, "--force")
        self.assertEqual(json.loads((self.dir / "switch.json").read_text())["share"], 0)

    def test_numbers_that_are_no_ports(self):
        chains = ("--old", "127.0.0.1:1", "--new", "127.0.0.1:2")
        self.dir = self.bed.directory / "another"
        self.assertIn("99999 is no port", self.run_switch("init", *chains, "--port", "99999", wanted=2))
        self.assertIn("--new is b:99999", self.run_switch("init", "--old", "a:1", "--new", "b:99999", wanted=1))
        self.assertIn("choose two", self.run_switch("init", *chains, "--port", "9902", wanted=1))
        self.assertIn("--health is foo", self.run_switch("init", *chains, "--health", "foo", wanted=1))
        self.assertFalse(self.dir.exists())

    def test_without_envoy_the_script_says_so(self):
        self.bed.stop_envoys()
        self.assertIn("has not taken", self.run_switch("rollback", wanted=1))
        # The file is written all the same: Envoy begins with it.
        routes = json.loads((self.dir / "routes/routes.yaml").read_text())
        self.assertEqual(routes["resources"][0]["virtual_hosts"][0]["routes"][0]["route"]["cluster"], "old")


if __name__ == "__main__":
    unittest.main()
