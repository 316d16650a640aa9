"""Line coverage by module from an lcov file, without test code.

Usage: coverage.py FILE. Fails when the core is covered below 90 %.
"""

import pathlib
import sys

CORE = ("detect", "body", "mask", "mode", "breaker")
LEAST = 90.0


def tests_begin(path):
    """The line from which a file holds its tests."""
    for number, line in enumerate(path.read_text().splitlines(), 1):
        if line.strip() == "#[cfg(test)]":
            return number
    return sys.maxsize


def main():
    root = pathlib.Path(__file__).resolve().parent.parent / "src"
    lines, path, end = {}, None, 0
    for line in pathlib.Path(sys.argv[1]).read_text().splitlines():
        name, _, value = line.partition(":")
        if name == "SF":
            path = pathlib.Path(value)
            own = path.is_relative_to(root) and not {"tests", "tests.rs"} & set(path.parts[-2:])
            end = tests_begin(path) if own else 0
        elif name == "DA":
            number, count = (int(part) for part in value.split(",")[:2])
            if number < end:
                module = path.relative_to(root).parts[0].removesuffix(".rs")
                key = (module, str(path), number)
                lines[key] = lines.get(key, 0) + count

    def show(name, counts):
        share = 100 * sum(count > 0 for count in counts) / max(len(counts), 1)
        print(f"{name:12} {share:6.1f} % of {len(counts):5} lines")
        return share

    for module in sorted({module for module, *_ in lines}):
        show(module, [count for key, count in lines.items() if key[0] == module])
    show("all", list(lines.values()))
    core = show("core", [count for key, count in lines.items() if key[0] in CORE])
    sys.exit(f"the core is below {LEAST} %" if core < LEAST else 0)


main()
