#!/usr/bin/env python3
"""Users who hold conversations as an agent does, and a provider that looks for what should
not have reached it. `load.py` puts a masker between them; in containers they are the profile
`load` of docker-compose.yml:

    traffic.py provide --port 9000
    traffic.py use --gateway envoy:8085 --provider load-provider:9000 --users "1 10" --seconds 30
"""
import argparse
import asyncio
import json
import math
import random
import re
import sys
import time

ID = re.compile(rb"i-0[0-9a-f]{16}")
NAMED = re.compile(rb"(?:AWS_EC2_[0-9A-Z]{12}|i-0[0-9a-f]{16})")
PIECES, PAUSE = 24, 0.01


# ---------------------------------------------------------------- the provider

async def read_body(reader, head):
    if b"chunked" not in head.lower():
        length = re.search(rb"content-length: *(\d+)", head, re.IGNORECASE)
        return await reader.readexactly(int(length[1])) if length else b""
    whole = bytearray()
    while size := int(await reader.readuntil(b"\r\n"), 16):
        whole += (await reader.readexactly(size + 2))[:-2]
    await reader.readuntil(b"\r\n")
    return bytes(whole)


def chunk(data):
    return b"%x\r\n%s\r\n" % (len(data), data)


def event(text):
    data = {"type": "content_block_delta", "index": 0, "delta": {"type": "text_delta", "text": text}}
    return chunk(b"event: content_block_delta\ndata: " + json.dumps(data).encode() + b"\n\n")


def answer_text(names):
    return "Looked at " + ", ".join(names) + ". " + "All of them answer as they should. " * 4


class Upstream:
    """Streams what the request named; counts requests, and those that hold an id."""

    def __init__(self, requests, leaks):
        self.requests, self.leaks = requests, leaks

    def counts(self):
        data = json.dumps({"requests": self.requests.value, "leaks": self.leaks.value}).encode()
        return b"HTTP/1.1 200 OK\r\ncontent-length: %d\r\n\r\n%s" % (len(data), data)

    async def serve(self, reader, writer):
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                body = await read_body(reader, head)
                if head.startswith(b"GET /__counts "):
                    writer.write(self.counts())
                    continue
                self.requests.value += 1
                self.leaks.value += bool(ID.search(head + body))
                start = body.rindex(b"Look at ")
                names = [name.decode() for name in NAMED.findall(body, start)[:3]]
                writer.write(b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ntransfer-encoding: chunked\r\n\r\n")
                writer.write(chunk(b'event: content_block_start\ndata: {"type":"content_block_start","index":0,"content_block":{"type":"text","text":""}}\n\n'))
                text = answer_text(names)
                size = math.ceil(len(text) / PIECES)
                for at in range(0, len(text), size):
                    writer.write(event(text[at:at + size]))
                    await writer.drain()
                    await asyncio.sleep(PAUSE)
                writer.write(chunk(b'event: content_block_stop\ndata: {"type":"content_block_stop","index":0}\n\n'))
                writer.write(chunk(b'event: message_stop\ndata: {"type":"message_stop"}\n\n') + b"0\r\n\r\n")
                await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()


def provide(port, requests, leaks, host="127.0.0.1"):
    async def run():
        server = await asyncio.start_server(Upstream(requests, leaks).serve, host, port, limit=1 << 22, backlog=1024)
        await server.serve_forever()

    asyncio.run(run())


# ---------------------------------------------------------------- the users

def body(dice, session):
    """What an agent sends: a conversation that grew, with ids here and there."""
    size = int(10_000 * 200 ** (dice.random() ** 3))
    words = "the function reads its settings and writes what it found to the log of the service "
    history, have = [], 0
    while have < size:
        text = words * max(1, min(size - have, 20_000) // len(words)) + f"i-0{dice.getrandbits(64):016x}"
        history += [{"role": "user", "content": [{"type": "text", "text": text}]}, {"role": "assistant", "content": [{"type": "text", "text": "Noted."}]}]
        have += len(text) + 150
    names = [f"i-0{dice.getrandbits(64):016x}" for _ in range(3)]
    history.append({"role": "user", "content": "Look at " + " ".join(names)})
    sent = {"model": "claude-load", "max_tokens": 1024, "stream": True, "metadata": {"user_id": session}, "messages": history}
    return json.dumps(sent).encode(), answer_text(names)


class Stage:
    """So many users on one chain."""

    def __init__(self, port, users, seconds, think, host="127.0.0.1"):
        self.host, self.port, self.users, self.seconds, self.think = host, port, users, seconds, think
        self.first, self.total, self.wrong, self.failed, self.sent = [], [], 0, 0, 0

    async def user(self, number, end):
        dice = random.Random(number * 7919 + self.users)
        reader = writer = None
        # They do not all begin at once.
        await asyncio.sleep(dice.random() * min(self.think, self.seconds / 4))
        while time.monotonic() < end:
            data, wanted = body(dice, f"session-{number}")
            try:
                if writer is None:
                    reader, writer = await asyncio.open_connection(self.host, self.port, limit=1 << 22)
                began = time.perf_counter()
                writer.write(b"POST /v1/messages HTTP/1.1\r\nhost: gateway\r\ncontent-type: application/json\r\nx-api-key: sk-ant-api03-load\r\n"
                             b"x-claude-code-session-id: session-%d\r\ncontent-length: %d\r\n\r\n%s" % (number, len(data), data))
                head = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 120)
                if b" 200 " not in head.split(b"\r\n", 1)[0]:
                    raise ConnectionError(head.split(b"\r\n", 1)[0].decode())
                text, first = "", None
                while size := int(await asyncio.wait_for(reader.readuntil(b"\r\n"), 120), 16):
                    piece = (await reader.readexactly(size + 2))[:-2]
                    first = first or time.perf_counter() - began
                    text += piece.decode()
                await reader.readuntil(b"\r\n")
                got = "".join(json.loads(line[6:]).get("delta", {}).get("text", "") for line in text.splitlines() if line.startswith("data: "))
                self.first.append(first)
                self.total.append(time.perf_counter() - began)
                self.sent += len(data)
                self.wrong += got != wanted or "message_stop" not in text
            except (ConnectionError, asyncio.TimeoutError, asyncio.IncompleteReadError):
                self.failed += 1
                if writer:
                    writer.close()
                reader = writer = None
            await asyncio.sleep(dice.expovariate(1 / self.think) if self.think else 0)
        if writer:
            writer.close()

    async def run(self):
        end = time.monotonic() + self.seconds
        await asyncio.gather(*(self.user(number, end) for number in range(self.users)))


def share(values, part):
    return sorted(values)[min(len(values) - 1, int(len(values) * part))] * 1000 if values else float("nan")


# ---------------------------------------------------------------- in containers

class Count:
    """A number, where one process is enough."""

    def __init__(self):
        self.value = 0


async def counted(host, port):
    reader, writer = await asyncio.open_connection(host, port)
    writer.write(b"GET /__counts HTTP/1.1\r\nhost: provider\r\nconnection: close\r\n\r\n")
    head = await reader.readuntil(b"\r\n\r\n")
    counts = json.loads(await read_body(reader, head))
    writer.close()
    return counts


async def use(gateway, provider, users, seconds, think):
    """All stages; true if nothing leaked, was wrong or failed."""
    good = True
    for number in users:
        stage = Stage(gateway[1], number, seconds, think, gateway[0])
        await stage.run()
        good &= bool(stage.total) and not stage.wrong and not stage.failed
        print(f"{number:4} users: {len(stage.total) / seconds:7.1f} requests/s, first byte p50 {share(stage.first, 0.5):.0f} ms "
              f"p95 {share(stage.first, 0.95):.0f} ms, {stage.wrong} wrong, {stage.failed} failed", flush=True)
    counts = await counted(*provider)
    print(f"{counts['requests']} requests reached the provider: {counts['leaks']} leaks", flush=True)
    return good and counts["requests"] and not counts["leaks"]


def place(text):
    host, _, port = text.rpartition(":")
    return host, int(port)


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    roles = arguments.add_subparsers(dest="role", required=True)
    roles.add_parser("provide").add_argument("--port", type=int, default=9000)
    users = roles.add_parser("use")
    users.add_argument("--gateway", type=place, required=True)
    users.add_argument("--provider", type=place, required=True)
    users.add_argument("--users", default="1 10 50 100")
    users.add_argument("--seconds", type=float, default=30)
    users.add_argument("--think", type=float, default=2)
    given = arguments.parse_args()
    if given.role == "provide":
        provide(given.port, Count(), Count(), "0.0.0.0")
    stages = [int(number) for number in given.users.split()]
    if not asyncio.run(use(given.gateway, given.provider, stages, given.seconds, given.think)):
        sys.exit("traffic: leaks, wrong answers or failures")


if __name__ == "__main__":
    main()
