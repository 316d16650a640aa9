"""The load test itself: it runs, and it sees what is wrong."""
import pathlib
import subprocess
import sys
import tempfile
import unittest

import load
import rig
import traffic


class Load(unittest.TestCase):
    def test_a_short_run(self):
        with tempfile.TemporaryDirectory() as made:
            file = pathlib.Path(made) / "load.html"
            done = subprocess.run([sys.executable, rig.ROOT / "tests/gateways/load.py", "--users", "1 3", "--seconds", "3", "--think", "0.2", "--report", file],
                                  capture_output=True, text=True)
            self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
            self.assertRegex(done.stdout, r"[1-9]\d* exchanges through masker: 0 leaks, 0 wrong answers, 0 failures")
            page = file.read_text()
            self.assertEqual(page.count("<svg"), 10)
            self.assertNotIn("nan", page)

    def test_bars_are_missed_by_failures_and_by_time(self):
        good = {"users": 10, "failed": 0, "wrong": 0, "total_p95": 900.0}
        for changed, met in (({}, "yes"), ({"failed": 1}, "NO"), ({"wrong": 1}, "NO"), ({"total_p95": 1100.0}, "NO"), ({"users": 11, "total_p95": 1100.0}, "yes")):
            self.assertEqual(load.old_bars([{**good, **changed}])[0]["met"], met, changed)
        self.assertEqual(load.old_bars([{**good, "users": 512}]), [])

    def test_the_search_knows_ids_and_placeholders_apart(self):
        data, wanted = traffic.body(traffic.random.Random(1), "s")
        self.assertTrue(traffic.ID.search(data))
        self.assertIn("i-0", wanted)
        self.assertIsNone(traffic.ID.search(b"AWS_EC2_K7F3Q92MX4TB"))


if __name__ == "__main__":
    unittest.main()
