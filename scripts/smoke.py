#!/usr/bin/env python3
"""After a gateway has started: does it answer, mask, refuse, and in time?

    make smoke GATEWAY=http://127.0.0.1:8085 HEALTH=http://127.0.0.1:8086/healthz

    GATEWAY      http(s)://HOST[:PORT]
    HEALTH       a URL that answers 200 while masker is healthy
    KEY          what a gateway with api-keys or jwt wants, as `name: value`
    CA           a file of authorities, for https
    SLOW_MS      what an answer may take that does not go to the provider (250)
    KEY_FILE     a file with the provider's key: one short request goes there, masked
    ROUND_TRIP   1: the same with the key that the gateway itself holds (inject-key)
    MODEL        whom that request asks

Sends nothing to the provider unless KEY_FILE or ROUND_TRIP is set. Prints each check, and
ends with 1 if one is wrong. Needs nothing but Python.
"""
import http.client
import json
import os
import pathlib
import re
import socket
import ssl
import statistics
import sys
import time
import urllib.parse

SECRET = "i-0abc123def4567890"
KEY_NAME = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


def setting(name):
    return (os.environ.get(name) or "").strip()


def stop(text):
    sys.exit(f"smoke: {text}")


def address(name, text):
    """Where to, or what is wrong with the setting."""
    right = f"{name} is {text}; it must be http://HOST:PORT or https://HOST:PORT"
    try:
        url = urllib.parse.urlsplit(text)
        port = url.port
    except ValueError:
        stop(right)
    if url.scheme not in ("http", "https") or not url.hostname or port == 0 or url.username is not None:
        stop(right)
    return url


def readable(name):
    """The file that a setting names, if there is one."""
    path = setting(name)
    if path:
        try:
            pathlib.Path(path).read_bytes()
        except OSError as error:
            stop(f"{name} names {path}, which cannot be read: {error.strerror}")
    return path


def header(text):
    """`name: value`, or nothing."""
    name, colon, value = (part.strip() for part in text.partition(":"))
    if text and not (colon and value and KEY_NAME.fullmatch(name) and value.isascii() and value.isprintable()):
        stop("KEY is no header; it must be `name: value`, as in KEY='x-api-key: …'")
    return {name: value} if name else {}


GATEWAY = address("GATEWAY", setting("GATEWAY") or "http://127.0.0.1:8085")
HEALTH = address("HEALTH", setting("HEALTH")) if setting("HEALTH") else None
KEY = header(setting("KEY"))
CA = readable("CA")
KEY_FILE = readable("KEY_FILE")
try:
    # What every answer may take that does not go to the provider.
    SLOW = float(setting("SLOW_MS") or 250)
except ValueError:
    stop(f"SLOW_MS is {setting('SLOW_MS')}; it must be a number of milliseconds")


def connect(url):
    if url.scheme == "https":
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=ssl.create_default_context(cafile=CA or None))
    return http.client.HTTPConnection(url.hostname, url.port, timeout=20)


def ask(method, path, body=None, headers=(), url=GATEWAY, key=KEY):
    connection = connect(url)
    try:
        connection.request(method, path, body, {**key, **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def health():
    status, _, _ = ask("GET", HEALTH.path or "/", url=HEALTH, key={})
    return status == 200, f"status {status}"


def masks():
    """A body that only masker refuses: it is in the way, and nothing reaches the provider."""
    status, headers, text = ask("POST", "/v1/messages", b"\x00" + SECRET.encode(),
                                {"content-type": "application/json", "content-encoding": "none-such"})
    return status == 415 and bool(headers["x-masker-refused"]) and SECRET not in text, f"status {status}, x-masker-refused: {headers['x-masker-refused']}"


def no_route():
    status, _, _ = ask("POST", "/other", json.dumps({"text": SECRET}), {"content-type": "application/json"})
    return status in (404, 415, 422), f"status {status}"


def no_tunnel():
    with socket.create_connection((GATEWAY.hostname, GATEWAY.port or (443 if GATEWAY.scheme == "https" else 80)), 10) as plain:
        context = ssl.create_default_context(cafile=CA or None)
        with context.wrap_socket(plain, server_hostname=GATEWAY.hostname) if GATEWAY.scheme == "https" else plain as connection:
            connection.sendall(b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nhost: api.anthropic.com:443\r\n\r\n")
            answer = connection.recv(4096).decode("latin-1")
    return " 405 " in answer, answer.splitlines()[0] if answer else "cut"


def no_upgrade():
    status, _, _ = ask("GET", "/v1/messages", None, {"connection": "upgrade", "upgrade": "websocket"})
    return status in (400, 401, 403, 404, 405, 426), f"status {status}"


def needs_a_key():
    """Where the gateway has keys of its own, it refuses who has none."""
    status, _, _ = ask("GET", "/v1/models", key={})
    return status in (401, 403), f"status {status}"


def fast():
    times = []
    for _ in range(50):
        began = time.perf_counter()
        masks()
        times.append((time.perf_counter() - began) * 1000)
    p50, p95 = statistics.median(times), sorted(times)[47]
    return p95 <= SLOW, f"p50 {p50:.1f} ms, p95 {p95:.1f} ms, at most {SLOW:.0f}"


def round_trip():
    body = {"model": setting("MODEL") or "claude-haiku-4-5", "max_tokens": 60, "messages": [
        {"role": "user", "content": f"Repeat this word and nothing else: {SECRET}"}]}
    provider = {"x-api-key": pathlib.Path(KEY_FILE).read_text().strip()} if KEY_FILE else {}
    status, _, text = ask("POST", "/v1/messages", json.dumps(body), {"content-type": "application/json", "anthropic-version": "2023-06-01", **provider})
    hint = ": the provider got no key that it knows (or KEY is wrong)" if status == 401 else ""
    return status == 200 and SECRET in text, f"status {status}{hint}"


def main():
    if len(sys.argv) > 1:
        if sys.argv[1] in ("-h", "--help"):
            return print(__doc__)
        stop(f"settings are variables, and there is no argument {sys.argv[1]}; --help lists them")
    if KEY_FILE and "x-api-key" in map(str.lower, KEY):
        stop("KEY and KEY_FILE both go into x-api-key, which the gateway takes for its own. With inject-key say ROUND_TRIP=1 "
             "in place of KEY_FILE; without it api-keys needs another KEY_HEADER (docs/envoy.md)")
    checks = [("masker is in the way", masks), ("no other path has a route", no_route), ("no tunnels", no_tunnel),
              ("no upgrades", no_upgrade), ("in time", fast)]
    if HEALTH:
        checks.insert(0, ("healthy", health))
    if KEY:
        checks.append(("a key is needed", needs_a_key))
    if KEY_FILE or setting("ROUND_TRIP"):
        checks.append(("masked, and restored", round_trip))
    wrong = 0
    for name, check in checks:
        try:
            good, found = check()
        except (OSError, http.client.HTTPException) as error:
            good, found = False, getattr(error, "strerror", None) or type(error).__name__
        wrong += not good
        print(f"{'ok   ' if good else 'WRONG'}  {name}: {found}")
    if wrong:
        sys.exit(f"smoke: {wrong} wrong: take the gateway out of service")


if __name__ == "__main__":
    main()
