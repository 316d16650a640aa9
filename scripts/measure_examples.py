#!/usr/bin/env python3
"""Which share of the names in AWS's own examples does masker mask?

    pip install --no-deps --target DIR botocore==1.43.0 awscli
    cargo build --release --example recall
    python3 scripts/measure_examples.py DIR target/release/examples/recall

Examples of botocore are masked as JSON, those of the command line as text. Counted are
string values whose member ends in Id, Ids, Arn, Identifier or Name and is one of a
resource in the service model of the example. Not counted is what is AWS's own.
Fails below nine of ten.
"""

import collections
import json
import pathlib
import re
import subprocess
import sys

import key_names

PLACEHOLDER = re.compile(r"(?:AWS|SECRET)_[A-Z0-9_]+_[A-HJKMNP-TV-Z][0-9A-HJKMNP-TV-Z]{11}")
ENDING = re.compile(r"(.*?)(?:Id|Arn|Identifier|Name)s?$")
# Nothing a customer chose: names of AWS's own, and places for a value.
OWN = re.compile(r"|-|default.*|root|local|\$LATEST|arn:aws:\w+::aws:.*|AWS.*|string|none|all|alias/aws/.*|\d{1,10}")
LEAST = 0.9
PAIR = re.compile(r"\"(\w+)\": *\"([^\"\n]*)\"|--([a-z0-9-]+) +([^\s-][^\s]*)")


class Tally:
    def __init__(self):
        self.masked, self.all = collections.Counter(), collections.Counter()
        self.misses, self.seen = collections.Counter(), {}

    def count(self, service, member, value, shown):
        if OWN.fullmatch(value):
            return
        self.all[service] += 1
        if PLACEHOLDER.search(shown):
            self.masked[service] += 1
        else:
            self.misses[member] += 1
            self.seen[member] = value

    def share(self, of=None):
        masked, everything = sum(self.masked.values()), sum(self.all.values())
        if of:
            masked, everything = self.masked[of], self.all[of]
        return f"{100 * masked / max(everything, 1):5.1f} % of {everything}"

    def show(self, title):
        print(f"\n{title}: {self.share()}")
        for service in sorted(self.all):
            print(f"  {service:28} {self.share(service)}")
        print("  misses by member:")
        for member, times in self.misses.most_common(40):
            print(f"  {times:5} {member}, such as {self.seen[member]!r}")


def is_of_resource(member, nouns):
    ending = ENDING.match(member[:1].upper() + member[1:])
    return bool(ending and ending[1] and key_names.noun_of(ending[1], nouns))


def pairs(value, shown, member=None):
    """The strings of a document beside what masking made of them."""
    if isinstance(value, dict):
        for (key, inner), other in zip(value.items(), shown.values()):
            yield from pairs(inner, other, key)
    elif isinstance(value, list):
        for inner, other in zip(value, shown):
            yield from pairs(inner, other, member)
    elif isinstance(value, str) and member:
        yield member, value, str(shown)


def mask(program, texts, form):
    """Each text by itself: what one teaches does not help another."""
    lines = "\n".join(map(json.dumps, texts))
    masked = subprocess.run([program, "each", *form], input=lines, stdout=subprocess.PIPE, text=True, check=True)
    return list(map(json.loads, masked.stdout.splitlines()))


def examples(program, folder, nouns):
    tally = Tally()
    for path in sorted(folder.glob("botocore/data/*/*/examples-1.json*")):
        service = path.parts[-3]
        documents = [
            example[side]
            for listed in key_names.load(path).get("examples", {}).values()
            for example in listed
            for side in ("input", "output")
            if isinstance(example.get(side), dict)
        ]
        masked = mask(program, map(json.dumps, documents), ["--json"])
        for document, shown in zip(documents, masked):
            for member, value, shown in pairs(document, json.loads(shown)):
                if is_of_resource(member, nouns[service]):
                    tally.count(service, member, value, shown)
    return tally


def command_line(program, folder, nouns):
    tally = Tally()
    paths = sorted(folder.glob("awscli/examples/*/*.rst"))
    texts = [path.read_text() for path in paths]
    for path, text, masked in zip(paths, texts, mask(program, texts, [])):
        service = path.parts[-2]
        masked, found = PAIR.findall(masked), PAIR.findall(text)
        if service not in nouns or len(found) != len(masked):
            continue
        for (key, value, flag, given), (_, shown, _, instead) in zip(found, masked):
            member = key or "".join(part.capitalize() for part in flag.split("-"))
            if is_of_resource(member, nouns[service]):
                tally.count(service, member, value or given, shown or instead)
    return tally


def main(folder, program):
    folder = pathlib.Path(folder)
    models = key_names.models(folder / "botocore/data")
    nouns = {service: key_names.resources(service, model) for service, model in models}
    botocore, cli = examples(program, folder, nouns), command_line(program, folder, nouns)
    botocore.show("botocore's examples")
    cli.show("the command line's examples")
    both = Tally()
    both.masked, both.all = botocore.masked + cli.masked, botocore.all + cli.all
    print(f"\ntogether: {both.share()}")
    return int(sum(both.masked.values()) < LEAST * sum(both.all.values()))


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:3]))
