#!/usr/bin/env python3
"""Two versions of masker on one Redis, as in the middle of an upgrade or of a way back.

Conversations go on turn by turn, each turn through one of both at random. What was sent
before must be sent again as it was (the model's reasoning and the provider's cache are bound
to it), and every answer must be restored, whoever masked what it names. In the end one that
has seen nothing must restore from Redis what each version stored there; the older of two
forms only, where the changelog names a new one.

    PREVIOUS_MASKER=path/to/older/masker tests/gateways/versions.py [CONVERSATIONS] [TURNS]
"""
import json
import os
import random
import re
import subprocess
import sys
import shutil

import rig


HEADERS = [("x-api-key", "sk-ant-api03-versions")]
PLACEHOLDER = re.compile(r"AWS_[A-Z0-9_]+_[0-9A-Z]{12}\b")


def version(program):
    return subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout.strip()


class Chain:
    """One version behind an Envoy of its own."""

    def __init__(self, bed, program, redis):
        rig.MASKER, mine = program, rig.MASKER
        listen = f"127.0.0.1:{rig.free_port()}"
        self.masker = bed.start_masker(listen, "--store", redis)
        rig.MASKER, bed.listen = mine, listen
        self.port = bed.envoy()
        self.turns, self.refused, self.masked = 0, 0, {}


def values(masked, text):
    """What stands in a text where a placeholder stands in what was made of it."""
    names = PLACEHOLDER.findall(masked)
    pattern = "(.+?)".join(re.escape(part) for part in PLACEHOLDER.split(masked))
    return dict(zip(names, re.fullmatch(pattern, text).groups(), strict=True))


def missing(chain, provider, masked):
    """How many of the placeholders this chain does not know, from results that the provider kept;
    none may be restored as something else."""
    names = sorted(masked)
    provider.results = {"custom_id": "all", "result": {"type": "succeeded", "message": {
        "type": "message", "role": "assistant", "content": [{"type": "text", "text": name} for name in names]}}}
    reply = rig.ask(chain.port, "GET", "/v1/messages/batches/msgbatch_1/results", headers=HEADERS)
    provider.results = None
    if reply.status != 200:
        sys.exit(f"versions: results were answered with {reply.status}: {reply.text[:200]}")
    texts = [each["text"] for each in json.loads(reply.text)["result"]["message"]["content"]]
    wrong = [name for name, text in zip(names, texts, strict=True) if text not in (name, masked[name])]
    if wrong:
        sys.exit(f"versions: {len(wrong)} placeholders were restored as something else")
    return sum(text == name for name, text in zip(names, texts, strict=True))


def turn_of(chain, chains, messages, session):
    """One turn; a conversation that began with patterns that the older version does not know yet
    is refused by that one, and sent again, as clients do, until a newer one gets it."""
    headers = [*HEADERS, ("x-claude-code-session-id", session)]
    body = {"model": "claude-test", "max_tokens": 99, "messages": messages}
    reply = rig.ask(chain.port, body=body, headers=headers)
    if chain is chains[1] and reply.status == 503 and reply.headers.get("x-masker-refused") == "newer_edition":
        chain.refused += 1
        chain = chains[0]
        reply = rig.ask(chain.port, body=body, headers=headers)
    chain.turns += 1
    return chain, reply


def conversation(dice, chains, provider, number, turns):
    """How many turns were wrong, and how many changed what was sent before."""
    messages, before, wrong, changed = [], [], 0, 0
    names = [f"i-0{dice.getrandbits(64):016x}" for _ in range(4)]
    bucket = f"acme-{dice.getrandbits(24):06x}-exports"
    for turn in range(turns):
        told = f"arn:aws:s3:::{bucket} " if turn == 1 else ""
        text = f"turn {turn}: {told}{dice.choice(names)} writes to {bucket} of account {dice.randrange(10**11, 10**12)}"
        messages.append({"role": "user", "content": text})
        chain, reply = turn_of(dice.choice(chains), chains, messages, f"session-{number}")
        sent = json.loads(provider.seen[-1]["body"])["messages"]
        said = json.loads(reply.text)["content"][0]["text"] if reply.status == 200 else None
        chain.masked |= values(sent[-1]["content"], text)
        wrong += said != text or any(name in json.dumps(sent) for name in names)
        changed += sent[:len(before)] != before
        messages.append({"role": "assistant", "content": said})
        before = sent + [{"role": "assistant", "content": sent[-1]["content"]}]
    return wrong, changed


def main(conversations=20, turns=8):
    previous = os.environ.get("PREVIOUS_MASKER") or sys.exit("PREVIOUS_MASKER names the program of the previous version")
    bed = rig.Bed()
    bed.masker.stop()
    port = rig.free_port()
    server = rig.Started("redis", [os.environ.get("REDIS_SERVER") or shutil.which("redis-server") or sys.exit("redis-server is missing"),
                                   "--port", str(port), "--bind", "127.0.0.1", "--save", ""], bed.directory)
    chains = [Chain(bed, program, f"redis://127.0.0.1:{port}") for program in (rig.MASKER, previous)]
    dice = random.Random(int(os.environ.get("SEED", "1")))
    wrong = changed = 0
    for number in range(conversations):
        one = conversation(dice, chains, bed.provider, number, turns)
        wrong, changed = wrong + one[0], changed + one[1]
    fresh = [Chain(bed, program, f"redis://127.0.0.1:{port}") for program in (rig.MASKER, previous)]
    lost = [missing(fresh[0], bed.provider, chain.masked) for chain in chains]
    # What the older one cannot read it must leave as it is.
    left = missing(fresh[1], bed.provider, chains[0].masked)
    bed.stop_envoys()
    for chain in chains + fresh:
        chain.masker.stop()
    server.stop()
    new, old = chains
    print(f"{conversations} conversations of {turns} turns, {new.turns} through {version(rig.MASKER)}, {old.turns} through {version(previous)} before it, which sent {old.refused} to the new one: "
          f"{changed} changed what was sent before, {wrong} answers were wrong or leaked; of {len(new.masked)} and {len(old.masked)} placeholders a new one has not "
          f"{lost[0]} and {lost[1]} from Redis, and the one before it not {left} of the new one's")
    if wrong or changed or any(lost) or not new.masked or not old.masked or not new.turns or not old.turns:
        sys.exit("versions: they do not go together")


if __name__ == "__main__":
    main(*(int(each) for each in sys.argv[1:]))
