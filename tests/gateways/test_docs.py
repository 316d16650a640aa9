"""The documents: commands run, links lead somewhere, names exist."""
import os
import pathlib
import re
import subprocess
import unittest

import rig

PAGES = [rig.ROOT / name for name in ("README.md", "ARCHITECTURE.md", "SECURITY.md", "CONTRIBUTING.md", "tests/README.md")] + sorted((rig.ROOT / "docs").glob("*.md"))


def blocks(text, kind):
    return re.findall(rf"^```{kind}\n(.*?)^```", text, re.MULTILINE | re.DOTALL)


def anchor(title):
    """As GitHub makes it."""
    plain = re.sub(r"[^\w\- ]", "", re.sub(r"[`*]", "", title.strip().lower()))
    return plain.replace(" ", "-")


class Commands(unittest.TestCase):
    def test_each_block_that_is_marked_runs(self):
        bed = rig.Bed()
        self.addCleanup(bed.stop_envoys)
        port, health = rig.free_port(), rig.free_port()
        bed.run_envoy(bed.base(port, health), port, lambda: rig.status(health, "/healthz") == 200)
        programs = bed.directory / "bin"
        programs.mkdir()
        (programs / "masker").symlink_to(pathlib.Path(rig.MASKER).resolve())
        tls = rig.certificates(bed.directory / "tls")
        ran = 0
        for page in PAGES:
            for block in blocks(page.read_text(), "sh run"):
                with self.subTest(f"{page.name}: {block.splitlines()[0]}"):
                    ran += 1
                    state = bed.directory / f"state-{ran}"
                    state.mkdir()
                    done = subprocess.run(["bash", "-euo", "pipefail", "-c", f"ulimit -c 0\n{block}"], cwd=rig.ROOT, capture_output=True, text=True, env={
                        "PATH": f"{programs}:{os.environ['PATH']}", "HOME": str(state), "STATE": str(state), "ENVOY": rig.ENVOY, "MASKER": rig.MASKER,
                        "TLS_DIR": str(tls), "GATEWAY": f"http://127.0.0.1:{port}", "HEALTH": f"http://127.0.0.1:{health}/healthz",
                        "MASKER_KEY_FILE": str(bed.directory / "key"), "SLOW_MS": "60000"})
                    self.assertEqual(done.returncode, 0, done.stdout[-1500:] + done.stderr[-1500:])
        self.assertGreaterEqual(ran, 7)


class Names(unittest.TestCase):
    def test_links_lead_somewhere(self):
        for page in PAGES:
            for target in re.findall(r"\]\(([^)\s]+)\)", page.read_text()):
                if target.startswith(("http://", "https://")):
                    continue
                path, _, part = target.partition("#")
                file = (page.parent / path).resolve() if path else page
                self.assertTrue(file.exists(), f"{page.name}: {target}")
                if part:
                    titles = {anchor(title) for title in re.findall(r"^#+ (.*)$", file.read_text(), re.MULTILINE)}
                    self.assertIn(part, titles, f"{page.name}: {target}")

    def test_targets_scripts_and_files_exist(self):
        targets = set(re.findall(r"^([a-z-]+):", (rig.ROOT / "Makefile").read_text(), re.MULTILINE))
        for page in PAGES:
            code = " ".join(re.findall(r"`([^`\n]+)`", page.read_text()) + blocks(page.read_text(), r"sh(?: run)?"))
            for target in re.findall(r"(?:^|[\s`(])make ([a-z][a-z-]*)", code):
                self.assertIn(target, targets, f"{page.name}: make {target}")
            for path in re.findall(r"(?<![\w/.])((?:scripts|envoy|deploy|tests/gateways)/[\w./-]*\w)", code):
                self.assertTrue((rig.ROOT / path).exists(), f"{page.name}: {path}")

    def test_commands_of_masker_exist(self):
        shown = subprocess.run([rig.MASKER, "--help"], capture_output=True, text=True, check=True).stdout
        commands = set(re.findall(r"^  ([a-z-]+) ", shown, re.MULTILINE))
        for page in PAGES:
            code = blocks(page.read_text(), r"sh(?: run)?")
            for command in re.findall(r"`masker ([a-z][a-z-]*)[^`]*`", page.read_text()) + re.findall(r"^(?:sudo )?masker ([a-z][a-z-]*)", "".join(code), re.MULTILINE):
                self.assertIn(command, commands, page.name)

    def test_every_part_of_envoy_is_told(self):
        told = (rig.ROOT / "docs/envoy.md").read_text()
        for part in (rig.ROOT / "envoy/with").glob("*.yaml"):
            self.assertIn(f"| `{part.stem}` |", told)

    def test_every_guide_is_in_the_index(self):
        index = (rig.ROOT / "docs/README.md").read_text()
        for page in (rig.ROOT / "docs").glob("*.md"):
            if page.name != "README.md":
                self.assertIn(f"]({page.name})", index)

    def test_the_checklist_names_tests_that_exist(self):
        rows = re.findall(r"^\|[^|]+\|[^|]+\| (`test_.*) \|$", (rig.ROOT / "docs/production.md").read_text(), re.MULTILINE)
        self.assertGreater(len(rows), 10)
        for row in rows:
            for name in re.findall(r"`([\w.]+)`", row):
                found = unittest.defaultTestLoader.loadTestsFromName(name)
                self.assertGreater(found.countTestCases(), 0, name)
                self.assertNotIn("_FailedTest", str(found), name)


if __name__ == "__main__":
    unittest.main()
