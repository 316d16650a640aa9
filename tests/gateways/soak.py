#!/usr/bin/env python3
"""Many streams at once for a long time, while clients hang up and parts are killed.

Users stream answers through one Envoy and two maskers on one Redis; one in a hundred hangs up
in the middle. Meanwhile Redis is killed three times, and one of the two maskers three times,
and each comes back. No value may reach the provider, no answer may be wrong, and only streams
of the masker that was killed may be cut; Redis may cut none.

    SOAK_STREAMS=512 SOAK_SECONDS=600 tests/gateways/soak.py
"""
import asyncio
import collections
import json
import multiprocessing
import os
import random
import re
import sys
import time
import urllib.request

import rig
import traffic

KILLS = 3
# A stream has 24 events.
PAUSE = 0.4
# So soon after a kill Envoy may not know yet that a masker is gone.
LATE = 15


async def exchange(port, dice, number, hang_up):
    """One streamed answer: what became of it."""
    data, wanted = traffic.body(dice, f"session-{number}")
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 22)
    try:
        writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nx-api-key: sk-ant-api03-soak\r\n"
                     b"x-claude-code-session-id: session-%d\r\ncontent-length: %d\r\n\r\n%s" % (number, len(data), data))
        head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
        if b" 200 " not in head.split(b"\r\n", 1)[0]:
            return "refused"
        text = b""
        try:
            while size := int(await asyncio.wait_for(reader.readuntil(b"\r\n"), 120), 16):
                text += (await reader.readexactly(size + 2))[:-2]
                if hang_up and len(text) > 500:
                    return "hung up"
        except (ConnectionError, asyncio.IncompleteReadError, asyncio.TimeoutError, ValueError):
            return "cut"
        lines = [json.loads(line[6:]) for line in text.decode().splitlines() if line.startswith("data: ")]
        got = "".join(line.get("delta", {}).get("text", "") for line in lines)
        return "complete" if got == wanted and lines[-1]["type"] == "message_stop" else "wrong"
    except (ConnectionError, asyncio.IncompleteReadError):
        return "refused"
    finally:
        writer.close()


async def user(port, number, end, log, streams):
    dice = random.Random(number)
    # They do not all begin at once.
    await asyncio.sleep(dice.random() * min(10, (end - time.monotonic()) / 4))
    while time.monotonic() < end:
        began = time.monotonic()
        streams["now"] += 1
        streams["most"] = max(streams["most"], streams["now"])
        became = await exchange(port, dice, number, dice.random() < 0.01)
        streams["now"] -= 1
        log.append((began, time.monotonic(), became))
        if became == "refused":
            await asyncio.sleep(1)


def gauge(admin, name):
    text = urllib.request.urlopen(f"http://127.0.0.1:{admin}/metrics", timeout=10).read().decode()
    return int(re.search(rf"^{name} (\d+)", text, re.MULTILINE)[1])


class Killer:
    """Ends Redis and one masker in turns, and starts them again."""

    def __init__(self, start_redis, start_masker):
        self.start = {"redis": start_redis, "masker": start_masker}
        self.running = {name: start() for name, start in self.start.items()}
        # What was killed, when, and how many streams it had.
        self.killed = []

    async def run(self, seconds):
        for turn in range(2 * KILLS):
            await asyncio.sleep(seconds / (2 * KILLS + 1))
            name = ("redis", "masker")[turn % 2]
            one = self.running[name]
            had = await asyncio.to_thread(gauge, one.admin, "masker_exchanges") if name == "masker" else 0
            one.process.kill()
            self.killed.append((name, time.monotonic(), had))
            await asyncio.to_thread(one.process.wait)
            await asyncio.sleep(min(5, seconds / 40))
            self.running[name] = await asyncio.to_thread(self.start[name])


def judge(log, killed, streams, counts):
    """What is said, and whether it is good."""
    became = collections.Counter(each for _, _, each in log)
    maskers = [at for name, at, _ in killed if name == "masker"]
    had = sum(had for _, _, had in killed)
    # A stream that began after the count was taken, and before the kill.
    had += sum(at - 2 < began < at for at in maskers for began, _, each in log if each == "cut")
    far = sum(each in ("cut", "refused") and not any(began - 1 < at < ended + LATE for at in maskers) and not any(at - 1 < ended < at + LATE for at in maskers)
              for began, ended, each in log)
    good = became["complete"] and not became["wrong"] and not counts[1].value and became["cut"] <= had and not far and len(killed) == 2 * KILLS
    said = (f"{len(log)} exchanges, {streams['most']} streams at once: {dict(became)}; {len(maskers)} times a masker was killed, with {had} streams, "
            f"{len(killed) - len(maskers)} times Redis; {far} failures at other times; {counts[0].value} requests reached the provider, {counts[1].value} leaks")
    return said, good


def main(streams, seconds):
    counts = (multiprocessing.Value("q", 0), multiprocessing.Value("q", 0))
    bed = rig.Bed()
    bed.masker.stop()
    upstream, redis = rig.free_port(), rig.free_port()
    bed.provider.port, traffic.PAUSE = upstream, min(PAUSE, seconds / 60)
    serving = multiprocessing.Process(target=traffic.provide, args=(upstream, *counts), daemon=True)
    serving.start()
    tls = bed.directory / "tls"
    rig.subprocess.run([rig.ROOT / "scripts/certs.sh", tls], check=True, capture_output=True)
    config = bed.directory / "masker.toml"
    config.write_text(f'[log]\nlevel = "error"\n[listen.tls]\ncert = "{tls}/masker.crt"\nkey = "{tls}/masker.key"\nclient_ca = "{tls}/ca.crt"\n')
    listens = [f"127.0.0.1:{rig.free_port()}" for _ in range(2)]

    def start_redis():
        server = os.environ.get("REDIS_SERVER", "redis-server")
        return rig.Started("redis", [server, "--port", str(redis), "--bind", "127.0.0.1", "--save", ""], bed.directory)

    def start_masker(listen=listens[0]):
        return bed.start_masker(listen, "--config", str(config), "--store", f"redis://127.0.0.1:{redis}")

    killer = Killer(start_redis, start_masker)
    start_masker(listens[1])
    port = bed.envoy("processors", PROCESSORS=",".join(listens), PROC_TLS_DIR=tls)
    log, now = [], {"now": 0, "most": 0}

    async def run():
        killing = asyncio.create_task(killer.run(seconds))
        end = time.monotonic() + seconds
        await asyncio.gather(*(user(port, number, end, log, now) for number in range(streams)))
        await killing

    asyncio.run(run())
    serving.terminate()
    said, good = judge(log, killer.killed, now, counts)
    print(said)
    if not good:
        sys.exit("soak: values, wrong answers, or streams that were cut without a cause")


if __name__ == "__main__":
    main(int(os.environ.get("SOAK_STREAMS", "512")), float(os.environ.get("SOAK_SECONDS", "120")))
