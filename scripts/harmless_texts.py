"""Texts of kinds that packages do not hold, the same in each run: lock files, git logs,
server logs, hex and base64, and style sheets. Nothing in them is AWS's."""

import base64
import random

BYTES = 2_400_000
WORDS = (
    "fix add remove rename parser cache index retry token buffer account owner zone secret key password public "
    "address distribution session server client test build release merge branch docs typo lint update handle error"
).split()


class Dice(random.Random):
    def hex(self, length):
        return f"{self.getrandbits(4 * length):0{length}x}"

    def uuid(self):
        return "-".join(self.hex(length) for length in (8, 4, 4, 4, 12))

    def base64(self, length):
        return base64.b64encode(self.randbytes(length)).decode()

    def version(self):
        return ".".join(str(self.randrange(30)) for _ in range(self.choice((3, 3, 3, 4))))

    def words(self, most=9):
        return " ".join(self.choice(WORDS) for _ in range(self.randrange(2, most)))

    def day(self):
        return f"20{self.randrange(10, 30)}-{self.randrange(1, 13):02}-{self.randrange(1, 29):02}"

    def time(self):
        return f"{self.randrange(24):02}:{self.randrange(60):02}:{self.randrange(60):02}"

    def local(self):
        return self.choice(("127.0.0.1", "::1", "169.254.7.9", "192.0.2.17", "203.0.113.8", "2001:db8::17"))


def npm_lock(dice):
    name = f"{dice.choice(WORDS)}-{dice.choice(WORDS)}"
    version = dice.version()
    return (
        f'    "node_modules/{name}": {{\n      "version": "{version}",\n'
        f'      "resolved": "https://registry.example/{name}/-/{name}-{version}.tgz",\n'
        f'      "integrity": "sha512-{dice.base64(64)}",\n      "engines": {{ "node": ">={dice.version()}" }}\n    }},\n'
    )


def cargo_lock(dice):
    return (
        f'[[package]]\nname = "{dice.choice(WORDS)}-{dice.choice(WORDS)}"\nversion = "{dice.version()}"\n'
        f'source = "registry+https://example.org/index"\nchecksum = "{dice.hex(64)}"\n\n'
    )


def python_lock(dice):
    hashes = "".join(f" \\\n    --hash=sha256:{dice.hex(64)}" for _ in range(dice.randrange(1, 5)))
    return f"{dice.choice(WORDS)}-{dice.choice(WORDS)}=={dice.version()}{hashes}\n"


def git_log(dice):
    return (
        f"commit {dice.hex(40)} (tag: v{dice.version()})\nMerge: {dice.hex(7)} {dice.hex(9)}\n"
        f"Author: A. Person <{dice.randrange(10**8)}+person@users.example>\n"
        f"Date:   Mon {dice.day()} {dice.time()} +0200\n\n    {dice.words()} (#{dice.randrange(9999)})\n\n"
        f"    {dice.words()}-{dice.hex(8)} reverts {dice.hex(40)}\n    Change-Id: I{dice.hex(40)}\n\n"
        f"diff --git a/{dice.choice(WORDS)}.c b/{dice.choice(WORDS)}.c\nindex {dice.hex(7)}..{dice.hex(7)} 100644\n"
        f"@@ -{dice.randrange(900)},7 +{dice.randrange(900)},9 @@ {dice.choice(WORDS)}()\n\n"
    )


def server_log(dice):
    stamp = f"{dice.day()}T{dice.time()}.{dice.randrange(10**9):09}Z"
    mac = ":".join(dice.hex(2) for _ in range(6))
    return dice.choice((
        f"{stamp} INFO request_id={dice.uuid()} trace={dice.hex(32)} span={dice.hex(16)} took {dice.randrange(999)}ms\n",
        f'{dice.local()} - - [{dice.time()}] "GET /{dice.choice(WORDS)}/{dice.uuid()} HTTP/1.1" 200 {dice.randrange(10**6)} "-" "Mozilla/5.0 Chrome/91.0.{dice.randrange(4000, 5000)}.{dice.randrange(200)}"\n',
        f"{stamp} WARN [worker-{dice.randrange(64)}] {dice.words()}: 0x{dice.hex(16)} at {dice.randrange(10**12, 10**13)}\n",
        f"{dice.day()} {dice.time()},{dice.randrange(999):03} kernel: eth0 {mac} {dice.words()} pid={dice.randrange(10**5)}\n",
        f"{stamp} app::{dice.choice(WORDS)}::{dice.choice(WORDS)} version {dice.version()} id={dice.randrange(10**11, 10**12)}\n",
        f'{{"time":"{stamp}","level":"debug","session":"{dice.uuid()}","container":"{dice.hex(64)}","bytes":{dice.randrange(10**12)}}}\n',
        f"pod/{dice.choice(WORDS)}-{dice.hex(10)}-{dice.hex(5)} sha256:{dice.hex(64)} restarted {dice.day()}\n",
    ))


def hex_text(dice):
    dump = " ".join(dice.hex(4) for _ in range(8))
    return f"{dice.hex(8)}: {dump}\n{dice.hex(40)}  {dice.choice(WORDS)}.bin\n{dice.hex(dice.choice((32, 56, 64, 128)))}\n"


def base64_text(dice):
    return dice.base64(dice.choice((16, 30, 33, 57, 57, 57, 96, 300))) + "\n"


def style(dice):
    return (
        f".{dice.choice(WORDS)}-{dice.choice(WORDS)}-{dice.randrange(99)}:not(:last-child)::before {{ color: #{dice.hex(6)}; margin: {dice.randrange(40)}px -{dice.randrange(9)}.{dice.randrange(99)}em; "
        f"background: url(data:image/svg+xml;base64,{dice.base64(60)}); grid-area: {dice.randrange(9)}/{dice.randrange(9)}; "
        f"transition: all .{dice.randrange(9)}s cubic-bezier(.{dice.randrange(99)},.{dice.randrange(99)},0,1) }}\n"
    )


MAKERS = {
    "lock files": {"npm": npm_lock, "cargo": cargo_lock, "python": python_lock},
    "git logs": {"log": git_log},
    "server logs": {"log": server_log},
    "hex": {"dump": hex_text},
    "base64": {"lines": base64_text},
    "styles": {"generated": style},
}


def write(folder):
    for kind, makers in MAKERS.items():
        (folder / kind).mkdir(parents=True, exist_ok=True)
        for name, maker in makers.items():
            dice, pieces, size = Dice(f"{kind} {name}"), [], 0
            while size < BYTES / len(makers):
                pieces.append(maker(dice))
                size += len(pieces[-1])
            (folder / kind / f"{name}.txt").write_text("".join(pieces))
