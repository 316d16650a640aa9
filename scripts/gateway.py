#!/usr/bin/env python3
"""Prints Envoy's configuration with what you choose from envoy/with/.

    scripts/gateway.py                                   lists what there is
    scripts/gateway.py mtls allow --set ALLOW=10.0.0.0/8 >envoy.yaml
    scripts/render.sh | scripts/gateway.py --base - api-keys --set CLIENTS=@clients --out envoy.yaml

--out writes the file whole or not at all, for its owner alone; with --group that group may
read it, too. That is the way for a configuration that holds keys.

The base is envoy/envoy.yaml. A value that begins with @ names a file that holds it:
that is the place for keys. What a file in envoy/with/ may say:

    #@ rank N             where it stands among the others; lower comes first
    #@ set NAME = VALUE   a setting and its default; with no value it must be given
    #@ needs NAME...      one of these has to be chosen too
    #@ not NAME...        none of these may be
    #@ drop NAME          leaves out the lines from `# [NAME` to `# NAME]`
    #@ add ROOM           the lines below go to the mark `# room ROOM`

@NAME@ stands for a setting. A line that ends in `#@ each NAME` is repeated for each
item of the setting; @1@ and @2@ are the parts of the item. Needs nothing but Python.
"""
import argparse
import grp
import os
import pathlib
import re
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent.parent / "envoy"
# What a value may hold: nothing that means something to YAML inside quotes.
PLAIN = re.compile(r"[A-Za-z0-9_./:+=, \n-]*")
SPLIT = re.compile(r"[\s/=]+|:(?=\d+$)")


class Wrong(Exception):
    pass


class Part:
    """One file of envoy/with/."""

    def __init__(self, path):
        self.name, self.about, self.rank = path.stem, [], 50
        self.settings, self.needs, self.excludes, self.drops, self.rooms = {}, [], [], [], {}
        room = None
        for line in path.read_text().splitlines():
            word, _, rest = line.removeprefix("#@ ").partition(" ")
            if not line.startswith("#@ "):
                if room is not None:
                    room.append(line)
                elif line.startswith("#"):
                    self.about.append(line.removeprefix("#").strip())
            elif word == "rank":
                self.rank = int(rest)
            elif word == "set":
                name, _, value = rest.partition("=")
                self.settings[name.strip()] = value.strip()
            elif word == "needs":
                self.needs.append(rest.split())
            elif word == "not":
                self.excludes += rest.split()
            elif word == "drop":
                self.drops.append(rest)
            elif word == "add":
                room = self.rooms.setdefault(rest, [])
            else:
                raise Wrong(f"{path.name}: no such line: {line}")


def parts():
    return {path.stem: Part(path) for path in sorted((HERE / "with").glob("*.yaml"))}


def value(name, text):
    """A setting as it was given, checked; @FILE is what the file holds."""
    if text.startswith("@"):
        try:
            text = pathlib.Path(text[1:]).read_text()
        except OSError as error:
            raise Wrong(f"{name}: {error}") from None
    if not PLAIN.fullmatch(text):
        # The value may be a key: it is not shown.
        raise Wrong(f"{name} holds a character that has no place in it (quotes, @, a backslash)")
    return text.strip()


def settings(chosen, given):
    known = {name: default for part in chosen for name, default in part.settings.items()}
    for pair in given:
        name, equals, text = pair.partition("=")
        if not equals or name not in known:
            raise Wrong(f"no setting {name}; there are: {', '.join(sorted(known)) or 'none'}")
        known[name] = value(name, text)
    for name, text in known.items():
        if not text:
            raise Wrong(f"{name} has no default: --set {name}=…, or {name}=@FILE")
    return known


def filled(lines, known):
    def one(match):
        if match[1] not in known:
            raise Wrong(f"no setting is called {match[1]}")
        return known[match[1]]

    for line in lines:
        each = re.fullmatch(r"(.*?)\s*#@ each ([A-Z_]+)", line)
        if not each:
            yield re.sub(r"@([A-Z_]+)@", one, line)
            continue
        for item in re.split(r"[,\n]+", known[each[2]]):
            if item.strip():
                fields = SPLIT.split(item.strip())
                yield re.sub(r"@(\d)@", lambda m: field(each[2], fields, int(m[1])), each[1])


def field(name, fields, number):
    if number > len(fields):
        raise Wrong(f"an item of {name} has {len(fields)} parts and needs {number}")
    return fields[number - 1]


def compose(base, names, given=()):
    """The text of `base` with the parts `names` in their rooms."""
    known_parts = parts()
    for name in names:
        if name not in known_parts:
            raise Wrong(f"no part {name} in envoy/with; there are: {', '.join(known_parts)}")
    chosen = sorted((known_parts[name] for name in set(names)), key=lambda part: (part.rank, part.name))
    for part in chosen:
        for choice in part.needs:
            if not set(choice) & set(names):
                raise Wrong(f"{part.name} needs {' or '.join(choice)}")
        for other in part.excludes:
            if other in names:
                raise Wrong(f"{part.name} and {other} exclude each other")
    known = settings(chosen, given)
    drops = {drop for part in chosen for drop in part.drops}
    rooms = {}
    for part in chosen:
        for room, lines in part.rooms.items():
            rooms.setdefault(room, []).extend(filled(lines, known))
    out, dropped = [], None
    for line in base.splitlines():
        mark = line.strip()
        if dropped:
            dropped = None if mark == f"# {dropped}]" else dropped
        elif mark.startswith("# [") and mark[3:] in drops:
            dropped = mark[3:]
            drops.discard(dropped)
        elif mark.startswith("# room "):
            out += rooms.pop(mark[7:], [])
        else:
            out.append(line)
    if rooms or drops:
        raise Wrong(f"the base has no place for: {', '.join([*rooms, *drops])}")
    return "\n".join(out) + "\n"


def write(text, path, group):
    """Beside, then renamed: nobody reads half of it, and nobody else reads it at any time."""
    path = pathlib.Path(path)
    try:
        number = grp.getgrnam(group).gr_gid if group else -1
    except KeyError:
        raise Wrong(f"there is no group {group}; the Debian package makes masker-envoy") from None
    try:
        handle, beside = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    except OSError as error:
        raise Wrong(f"cannot write {path}: {error.strerror}") from None
    try:
        with open(handle, "w", encoding="utf-8") as file:
            file.write(text)
            os.fchown(handle, -1, number)
            os.fchmod(handle, 0o640 if group else 0o600)
        os.replace(beside, path)
    except OSError:
        os.unlink(beside)
        raise


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("parts", nargs="*")
    arguments.add_argument("--base", default=str(HERE / "envoy.yaml"), help="a file, or - for standard input")
    arguments.add_argument("--set", action="append", default=[], metavar="NAME=VALUE")
    arguments.add_argument("--out", metavar="FILE", help="in place of standard output, for its owner alone")
    arguments.add_argument("--group", help="may read it, too: the group that Envoy runs as")
    chosen = arguments.parse_args()
    if chosen.group and not chosen.out:
        raise Wrong("--group is for the file that --out names")
    if not chosen.parts:
        for part in parts().values():
            print(f"{part.name:14} {part.about[0]}")
            for name, default in part.settings.items():
                print(f"{'':14}   {name}={default or '(must be given)'}")
        return
    base = sys.stdin.read() if chosen.base == "-" else pathlib.Path(chosen.base).read_text()
    text = compose(base, chosen.parts, chosen.set)
    if chosen.out:
        write(text, chosen.out, chosen.group)
    else:
        sys.stdout.write(text)


if __name__ == "__main__":
    try:
        main()
    except (Wrong, OSError) as error:
        sys.exit(f"masker: {error}")
