"""The soak itself: it runs, and it sees what is wrong."""
import os
import subprocess
import sys
import unittest

import rig
import soak


class Count:
    def __init__(self, value):
        self.value = value


class Soak(unittest.TestCase):
    def test_a_short_run(self):
        done = subprocess.run([sys.executable, rig.ROOT / "tests/gateways/soak.py"], capture_output=True, text=True,
                              env={**os.environ, "SOAK_STREAMS": "12", "SOAK_SECONDS": "15"})
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertRegex(done.stdout, r"'complete': [1-9]")
        self.assertRegex(done.stdout, r"3 times a masker was killed, with \d+ streams, 3 times Redis; 0 failures at other times; [1-9]\d* requests reached the provider, 0 leaks")

    def judged(self, *log, leaks=0, had=1):
        killed = [("redis", 50, 0), ("masker", 100, had)] * 3
        return soak.judge([(10, 20, "complete"), *log], killed, {"most": 2}, (Count(9), Count(leaks)))[1]

    def test_what_is_good_and_what_is_not(self):
        self.assertTrue(self.judged())
        self.assertTrue(self.judged((90, 101, "cut"), (101, 102, "refused"), (10, 11, "hung up")))
        self.assertFalse(self.judged(leaks=1))
        self.assertFalse(self.judged((10, 20, "wrong")))
        self.assertFalse(self.judged((10, 20, "refused")), "nothing was killed then")
        self.assertFalse(self.judged((45, 51, "cut")), "Redis cuts nothing")
        self.assertFalse(self.judged(*[(90, 101, "cut")] * 4), "more than the killed one had")


if __name__ == "__main__":
    unittest.main()
