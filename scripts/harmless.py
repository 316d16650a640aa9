"""Texts that hold nothing to find, and how often something is found in them.

Usage: harmless.py [FOLDER]. Downloads the packages that examples/recall/harmless.txt fixes,
with pip, npm and cargo, sorts their files by kind, writes what packages do not hold (see
harmless_texts.py), and counts what masker finds in each kind. Files that mention AWS are
left out. RECALL names a built examples/recall. Fails above one finding in 10 MB.
In FOLDER, if it is named, the texts stay: a second run begins with them.
"""

import collections
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile

import harmless_texts

ROOT = pathlib.Path(__file__).resolve().parent.parent
LIST = ROOT / "examples/recall/harmless.txt"
LEAST_PACKAGES = 100
LEAST_BYTES = 2_000_000
MOST = 1.0
KINDS = {
    "sources": {".py", ".rs", ".js", ".mjs", ".cjs", ".ts", ".c", ".h"},
    "documents": {".md", ".rst", ".txt", ".html"},
    "styles": {".css", ".scss", ".sass", ".less"},
    "lock files": {".lock"},
}
AWS = re.compile(rb"\baws|amazon|\b(?:s3|ec2|arn):", re.IGNORECASE)
RESULT = re.compile(r"(\d+) findings in ([\d.]+) MB, [\d.]+ for each 10 MB; (\d+) private")


def packages():
    """The list: versions by name, by registry."""
    listed = collections.defaultdict(dict)
    for line in LIST.read_text().splitlines():
        if line and not line.startswith("#"):
            registry, name, version = line.split()
            listed[registry][name] = version
    count = sum(map(len, listed.values()))
    if count < LEAST_PACKAGES:
        sys.exit(f"harmless: {count} packages are listed, not {LEAST_PACKAGES}")
    return listed


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, stdout=sys.stderr, **options)


def crates(listed, folder):
    """cargo vendor takes more than is listed; that is removed."""
    project = folder / "project"
    (project / "src").mkdir(parents=True)
    (project / "src/lib.rs").touch()
    lines = [f'{name} = {{ version = "={v}", default-features = false }}' for name, v in listed.items()]
    head = '[package]\nname = "harmless"\nversion = "0.0.0"\nedition = "2024"\n[workspace]\n[dependencies]\n'
    (project / "Cargo.toml").write_text(head + "\n".join(lines) + "\n")
    run("cargo", "vendor", "--quiet", "--versioned-dirs", folder / "all", cwd=project)
    for name, version in listed.items():
        (folder / "all" / f"{name}-{version}").rename(folder / name)
    shutil.rmtree(folder / "all")
    shutil.rmtree(project)


def pypi(listed, folder):
    pins = [f"{name}=={version}" for name, version in listed.items()]
    run("pip", "download", "--quiet", "--no-deps", "--only-binary=:all:", "--dest", folder, *pins)
    for wheel in folder.glob("*.whl"):
        zipfile.ZipFile(wheel).extractall(folder / wheel.name.split("-")[0])
        wheel.unlink()


def npm(listed, folder):
    pins = [f"{name}@{version}" for name, version in listed.items()]
    run("npm", "pack", "--silent", "--pack-destination", folder, *pins)
    for archive in folder.glob("*.tgz"):
        with tarfile.open(archive) as packed:
            packed.extractall(folder / archive.stem, filter="data")
        archive.unlink()


def sort(packages_at, texts):
    """Copies the files of packages into a folder for each kind."""
    left_out = 0
    for path in sorted(path for path in packages_at.rglob("*") if path.is_file()):
        kind = next((kind for kind, ends in KINDS.items() if path.suffix in ends), None)
        if kind is None:
            continue
        if AWS.search(path.read_bytes()):
            left_out += 1
            continue
        to = texts / kind / path.relative_to(packages_at)
        to.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(path, to)
    print(f"{left_out} files that mention AWS are left out", file=sys.stderr)


def prepare(folder):
    texts = folder / "texts"
    if texts.is_dir():
        return texts
    for registry, listed in packages().items():
        at = folder / "packages" / registry
        at.mkdir(parents=True)
        {"crates": crates, "pypi": pypi, "npm": npm}[registry](listed, at)
    sort(folder / "packages", folder / "sorted")
    harmless_texts.write(folder / "sorted")
    (folder / "sorted").rename(texts)
    return texts


def main():
    if len(sys.argv) > 1:
        folder = pathlib.Path(sys.argv[1]).resolve()
        return measure(prepare(folder))
    with tempfile.TemporaryDirectory(prefix="harmless-") as folder:
        return measure(prepare(pathlib.Path(folder)))


def measure(texts):
    recall = os.environ.get("RECALL")
    if recall is None:
        run("cargo", "build", "--release", "--example", "recall", cwd=ROOT)
        recall = ROOT / os.environ.get("CARGO_TARGET_DIR", "target") / "release/examples/recall"
    total, size = 0, 0.0
    print(f"{'kind':<12}{'MB':>8}{'found':>8}{'in 10 MB':>10}{'private addresses':>20}")
    for kind in sorted(texts.iterdir()):
        out = subprocess.run([recall, "harmless", kind, "--values"], check=True, capture_output=True, text=True)
        found, megabytes, private = RESULT.search(out.stdout).groups()
        found, megabytes = int(found), float(megabytes)
        print(f"{kind.name:<12}{megabytes:>8.1f}{found:>8}{found / megabytes * 10:>10.2f}{private:>20}")
        print("".join(f"  {line}\n" for line in out.stdout.splitlines()[:-1]), end="")
        if megabytes * 1e6 < LEAST_BYTES:
            sys.exit(f"harmless: too little text of the kind {kind.name}")
        total, size = total + found, size + megabytes
    print(f"{'all':<12}{size:>8.1f}{total:>8}{total / size * 10:>10.2f}")
    return int(total / size * 10 > MOST)


if __name__ == "__main__":
    sys.exit(main())
