#!/usr/bin/env python3
"""After a gateway has started: does it answer, mask, refuse, and in time?

    make smoke GATEWAY=http://127.0.0.1:8085 HEALTH=http://127.0.0.1:8086/healthz

Sends nothing to the provider unless KEY_FILE names a file with a provider's key (then one
short request goes there, masked). KEY is what a gateway with api-keys or jwt wants, as
`name: value`; CA a file of authorities. Prints each check, and ends with 1 if one is wrong.
Needs nothing but Python.
"""
import http.client
import json
import os
import pathlib
import socket
import ssl
import statistics
import sys
import time
import urllib.parse

GATEWAY = urllib.parse.urlsplit(os.environ.get("GATEWAY") or "http://127.0.0.1:8085")
HEALTH = os.environ.get("HEALTH") or ""
SECRET = "i-0abc123def4567890"
# What every answer may take that does not go to the provider.
SLOW = float(os.environ.get("SLOW_MS") or 250)


def connect(url):
    if url.scheme == "https":
        return http.client.HTTPSConnection(url.hostname, url.port, timeout=20, context=ssl.create_default_context(cafile=os.environ.get("CA") or None))
    return http.client.HTTPConnection(url.hostname, url.port, timeout=20)


def key():
    name, _, value = (os.environ.get("KEY") or "").partition(":")
    return {name.strip(): value.strip()} if name else {}


def ask(method, path, body=None, headers=(), url=GATEWAY):
    connection = connect(url)
    try:
        connection.request(method, path, body, {**key(), **dict(headers)})
        answer = connection.getresponse()
        return answer.status, answer.headers, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


def health():
    url = urllib.parse.urlsplit(HEALTH)
    status, _, _ = ask("GET", url.path or "/", url=url)
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
    with socket.create_connection((GATEWAY.hostname, GATEWAY.port), 10) as plain:
        context = ssl.create_default_context(cafile=os.environ.get("CA") or None)
        with context.wrap_socket(plain, server_hostname=GATEWAY.hostname) if GATEWAY.scheme == "https" else plain as connection:
            connection.sendall(b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nhost: api.anthropic.com:443\r\n\r\n")
            answer = connection.recv(4096).decode("latin-1")
    return " 405 " in answer, answer.splitlines()[0] if answer else "cut"


def no_upgrade():
    status, _, _ = ask("GET", "/v1/messages", None, {"connection": "upgrade", "upgrade": "websocket"})
    return status in (400, 401, 403, 404, 405, 426), f"status {status}"


def needs_a_key():
    """Where the gateway has keys of its own, it refuses who has none."""
    own, os.environ["KEY"] = os.environ["KEY"], ""
    try:
        status, _, _ = ask("GET", "/v1/models")
    finally:
        os.environ["KEY"] = own
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
    body = {"model": os.environ.get("MODEL") or "claude-haiku-4-5", "max_tokens": 60, "messages": [
        {"role": "user", "content": f"Repeat this word and nothing else: {SECRET}"}]}
    provider = pathlib.Path(os.environ["KEY_FILE"]).read_text().strip()
    status, _, text = ask("POST", "/v1/messages", json.dumps(body), {"content-type": "application/json", "anthropic-version": "2023-06-01", "x-api-key": provider})
    return status == 200 and SECRET in text, f"status {status}"


def main():
    checks = [("masker is in the way", masks), ("no other path has a route", no_route), ("no tunnels", no_tunnel),
              ("no upgrades", no_upgrade), ("in time", fast)]
    if HEALTH:
        checks.insert(0, ("healthy", health))
    if os.environ.get("KEY"):
        checks.append(("a key is needed", needs_a_key))
    if os.environ.get("KEY_FILE"):
        checks.append(("masked, and restored", round_trip))
    wrong = 0
    for name, check in checks:
        try:
            good, found = check()
        except (OSError, http.client.HTTPException) as error:
            good, found = False, type(error).__name__
        wrong += not good
        print(f"{'ok   ' if good else 'WRONG'}  {name}: {found}")
    if wrong:
        sys.exit(f"smoke: {wrong} wrong: take the gateway out of service")


if __name__ == "__main__":
    main()
