"""Envoy and masker are replaced while answers stream: none is cut, none is refused."""
import random
import signal
import threading
import time
import unittest

import rig
from rig import SECRET, ask, asking


class Replacing(unittest.TestCase):
    def setUp(self):
        self.bed = rig.Bed()
        self.addCleanup(self.bed.stop_envoys)

    def streaming(self, port):
        """A stream that has begun; ends when the provider goes on."""
        got, before = {}, len(self.bed.provider.seen)
        thread = threading.Thread(target=lambda: got.update(reply=ask(port, body=asking(stream=True))))
        thread.start()
        while len(self.bed.provider.seen) == before:
            time.sleep(0.02)

        def end():
            self.bed.provider.go_on.set()
            thread.join()
            self.assertIn(SECRET, got["reply"].text)
            self.assertIn("message_stop", got["reply"].text)

        return end

    def test_hot_restart_of_envoy(self):
        port, health = rig.free_port(), rig.free_port()
        base, text = str(random.randrange(1000, 60000)), self.bed.base(port, health)

        def ready():
            return rig.status(health, "/healthz") == 200

        # The parent ends by itself when the time of its connections is over.
        times = ("--base-id", base, "--drain-time-s", "2", "--parent-shutdown-time-s", "20")
        first = self.bed.run_envoy(text, "first", ready, *times)
        end = self.streaming(port)
        self.bed.run_envoy(text, "second", ready, *times, "--restart-epoch", "1")
        for _ in range(10):
            self.assertEqual(ask(port, body=asking()).status, 200)
        self.assertIsNone(first.process.poll(), "the first has gone before its stream ended")
        end()
        first.process.wait(60)
        self.assertEqual(ask(port, body=asking()).status, 200)

    def test_masker_ends_after_its_streams(self):
        port = self.bed.envoy()
        end = self.streaming(port)
        self.bed.masker.process.send_signal(signal.SIGTERM)
        while rig.status(self.bed.masker.admin, "/readyz") == 200:
            time.sleep(0.05)
        self.assertIsNone(self.bed.masker.process.poll(), "masker left a stream behind")
        end()
        self.bed.masker.process.wait(60)
        self.assertEqual(self.bed.masker.process.returncode, 0)
        # Nothing passes without it.
        before = len(self.bed.provider.seen)
        self.assertEqual(ask(port, body=asking()).status, 503)
        self.assertEqual(len(self.bed.provider.seen), before)


if __name__ == "__main__":
    unittest.main()
