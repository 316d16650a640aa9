"""What hostile clients try on the data plane of the gateway: nothing unmasked gets
through, nobody else is disturbed, and the gateway goes on."""
import concurrent.futures
import contextlib
import json
import socket
import struct
import unittest

import rig
from rig import SECRET, ask, asking, raw


def h2(kind, flags, stream, payload=b""):
    return struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload


def literal(name, value):
    """A header in HPACK, neither indexed nor compressed."""
    return b"\0" + bytes([len(name)]) + name + bytes([len(value)]) + value


def request_headers(path=b"/v1/messages", *more):
    pseudo = ((b":method", b"POST"), (b":scheme", b"http"), (b":authority", b"gateway"), (b":path", path))
    return b"".join(literal(name, value) for name, value in (*pseudo, (b"content-type", b"application/json"), *more))


PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + h2(4, 0, 0)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = rig.Bed()
        cls.port = cls.bed.envoy()

    def setUp(self):
        self.bed.provider.seen.clear()

    def tearDown(self):
        # After every attack: nothing leaked, and the next request works.
        self.assertNotIn(SECRET, json.dumps(self.bed.provider.seen))
        self.assertIn(SECRET, ask(self.port, body=asking()).text)

    def test_two_lengths_of_one_body(self):
        body = json.dumps(asking()).encode()
        smuggled = b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-length: %d\r\n\r\n%s" % (len(body), body)
        heads = {
            "length and chunks": "content-length: 4\r\ntransfer-encoding: chunked\r\n",
            "two lengths": f"content-length: 4\r\ncontent-length: {len(body)}\r\n",
            "list of lengths": f"content-length: 4, {len(body)}\r\n",
            "no number": "content-length: +4\r\n",
            "negative": "content-length: -1\r\n",
            "chunked, obscured": "transfer-encoding: xchunked\r\n",
            "chunked twice": "transfer-encoding: chunked, chunked\r\n",
            "not chunked at the end": "transfer-encoding: chunked, identity\r\n",
            "space before the colon": "transfer-encoding : chunked\r\ncontent-length: 4\r\n",
            "folded": "transfer-encoding:\r\n chunked\r\ncontent-length: 4\r\n",
        }
        for name, lengths in heads.items():
            with self.subTest(name):
                head = f"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\n{lengths}\r\n"
                answer = raw(self.port, head.encode() + b"0\r\n\r\n" + smuggled, 1)
                self.assertNotIn("HTTP/1.1 200", answer, answer)
                self.assertEqual(self.bed.provider.seen, [])

    def test_damaged_chunks(self):
        for chunks in (b"zz\r\nabc\r\n", b"-1\r\n", b"ffffffffffffffffff\r\nabc", b"5;x\n12345\r\n0\r\n\r\nGET / HTTP/1.1\r\n\r\n"):
            with self.subTest(chunks):
                raw(self.port, b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + chunks, 1)
                self.assertEqual(self.bed.provider.seen, [])

    def test_a_chunk_longer_than_it_says(self):
        """Envoy drops what is too much: what goes on is framed anew, so nothing hides behind it."""
        hidden = b"3\r\nabcPOST /v1/messages HTTP/1.1\r\n0\r\n\r\n"
        raw(self.port, b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + hidden, 1)
        self.assertIn([seen["body"] for seen in self.bed.provider.seen], ([], ["abc"]))

    def test_damaged_heads(self):
        for head in (b"POST /v1/mess\0ages HTTP/1.1\r\nhost: g\r\n\r\n", b"POST /v1/messages HTTP/9.9\r\nhost: g\r\n\r\n",
                     b"POST /v1/messages HTTP/1.1\r\nhost: g\r\nx\0y: z\r\n\r\n", b"POST /v1/messages HTTP/1.1\r\nhost: g\r\nx: " + b"y" * 200_000 + b"\r\n\r\n",
                     b"POST /v1/messages HTTP/1.1\r\nhost: g\r\n" + b"".join(b"x%d: y\r\n" % n for n in range(500)) + b"\r\n",
                     b"POST /v1/messages HTTP/1.1\r\nx_masker_tenant: a\r\nhost: g\r\ncontent-length: 2\r\n\r\n{}", b"\x16\x03\x01\x02\0\x01" + bytes(500)):
            with self.subTest(head[:60]):
                self.assertNotIn(" 200 ", raw(self.port, head, 1))
                self.assertEqual(self.bed.provider.seen, [])

    def test_tunnels_and_upgrades(self):
        answer = raw(self.port, b"CONNECT api.anthropic.com:443 HTTP/1.1\r\nhost: api.anthropic.com:443\r\n\r\n", 3)
        self.assertIn(" 405 ", answer)
        self.assertIn("ANTHROPIC_BASE_URL", answer)
        body = json.dumps(asking()).encode()
        for upgrade in ("websocket", "h2c", "TLS/1.0", "foo"):
            head = (f"POST /v1/messages HTTP/1.1\r\nhost: g\r\nconnection: upgrade, http2-settings\r\nupgrade: {upgrade}\r\nhttp2-settings: AAMAAABkAARAAAAAAAIAAAAA\r\n"
                    f"sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\nsec-websocket-version: 13\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n")
            self.assertNotIn(" 101 ", raw(self.port, head.encode() + body, 1), upgrade)
            self.assertNotIn(SECRET, json.dumps(self.bed.provider.seen))

    def test_absolute_form(self):
        body = json.dumps(asking()).encode()
        for host in (b"api.anthropic.com", b"169.254.169.254", b"evil.example:80"):
            answer = raw(self.port, b"POST http://%s/v1/messages HTTP/1.1\r\nhost: other\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: %d\r\n\r\n%s" % (host, len(body), body))
            # It goes to the provider of the configuration, masked, wherever it wanted to go.
            self.assertIn(" 200 ", answer)
            self.assertIn("AWS_EC2_", self.bed.provider.seen[-1]["body"])
            self.assertEqual(self.bed.provider.seen[-1]["headers"]["host"], f"127.0.0.1:{self.bed.provider.port}")

    def test_headers_that_only_the_gateway_may_set(self):
        honest = ask(self.port, body=asking(), headers={"x-api-key": "sk-ant-api03-a"})
        self.assertEqual(honest.status, 200)
        usual = self.bed.provider.seen[-1]["body"]
        for headers in ({"x-masker-tenant": "somebody"}, {"X-MASKER-TENANT": "somebody"}, {"x-envoy-retry-on": "5xx", "x-envoy-max-retries": "9"},
                        {"x-envoy-original-path": "/admin", "x-envoy-upstream-rq-timeout-ms": "1"}, {"x-masker-mode": "bypass", "masker": '{"ok":true}'},
                        {"connection": "close, x-api-key, content-type"}, {"x-envoy-expected-rq-timeout-ms": "1", "grpc-timeout": "1n"}):
            with self.subTest(headers):
                reply = ask(self.port, body=asking(), headers={"x-api-key": "sk-ant-api03-a", **headers})
                if reply.status == 200:
                    seen = self.bed.provider.seen[-1]
                    self.assertNotIn(SECRET, seen["body"])
                    self.assertFalse([name for name in seen["headers"] if name.startswith(("x-envoy", "x-masker-t"))])
                    if "connection" not in headers:
                        self.assertEqual(seen["body"], usual, "the header named another tenant")

    def test_tricks_with_the_path(self):
        for path in ("/v1/../admin", "/v1/..%2fadmin", "/v1%2fmessages", "/v1/%2e%2e/other", "//v1/messages", "/v1/messages%00", "/v1\\messages",
                     "/V1/messages", "/v1/;/messages", "/v1/messages#x", "/v1/./messages", "/api/hello/../../v1/messages", "/v1/%5c..%5cx", "/stats", "/v1/messages?x=%00"):
            with self.subTest(path):
                with contextlib.suppress(OSError, rig.http.client.HTTPException):
                    body = json.dumps(asking()).encode()
                    raw(self.port, f"POST {path} HTTP/1.1\r\nhost: g\r\nconnection: close\r\ncontent-type: application/json\r\ncontent-length: {len(body)}\r\n\r\n".encode() + body, 1)
                for seen in self.bed.provider.seen:
                    self.assertNotIn(SECRET, json.dumps(seen))
                    self.assertTrue(seen["path"].startswith("/v1/"), seen["path"])
                    self.assertNotIn("..", seen["path"])

    def test_pipelined_requests_are_masked_each(self):
        body = json.dumps(asking()).encode()
        one = b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(body)
        answer = raw(self.port, (one + b"\r\n" + body) * 2 + one + b"connection: close\r\n\r\n" + body, keep=True)
        self.assertEqual(answer.count(SECRET), 3)
        self.assertEqual(len(self.bed.provider.seen), 3)

    def test_rapid_resets(self):
        """Thousands of HTTP/2 streams, opened and reset at once, with somebody else's request beside."""
        with concurrent.futures.ThreadPoolExecutor(1) as pool, contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", self.port), 10) as connection:
            other = pool.submit(ask, self.port, body=asking())
            connection.sendall(PREFACE)
            for first in range(1, 8000, 200):
                connection.sendall(b"".join(h2(1, 4, stream, request_headers()) + h2(3, 0, stream, struct.pack(">I", 8)) for stream in range(first, first + 200, 2)))
        self.assertEqual(other.result().status, 200)
        self.assertIsNone(self.bed.masker.process.poll())

    def test_damaged_http2(self):
        body = json.dumps(asking()).encode()
        for name, frames in {
            "a length that is not so": h2(1, 4, 1, request_headers(b"/v1/messages", (b"content-length", b"3"))) + h2(0, 1, 1, body),
            "connection headers": h2(1, 4, 1, request_headers(b"/v1/messages", (b"transfer-encoding", b"chunked"))) + h2(0, 1, 1, body),
            "a line break in a header": h2(1, 4, 1, request_headers(b"/v1/messages", (b"x", b"a\r\nx-masker-tenant: b"))) + h2(0, 1, 1, body),
            "capitals": h2(1, 4, 1, request_headers(b"/v1/messages", (b"X-Masker-Tenant", b"b"))) + h2(0, 1, 1, body),
            "two paths": h2(1, 4, 1, request_headers(b"/v1/messages", (b":path", b"/v1/x"))) + h2(0, 1, 1, body),
            "body before its head": h2(0, 1, 1, body),
            "headers without end": h2(1, 0, 1, request_headers()) + b"".join(h2(9, 0, 1, literal(b"x", b"y" * 100) * 80) for _ in range(200)),
            "settings without end": h2(4, 0, 0) * 20000,
            "pings without end": h2(6, 0, 0, b"12345678") * 20000,
        }.items():
            with self.subTest(name):
                raw(self.port, PREFACE + frames, 2)
                self.assertEqual([seen["body"] for seen in self.bed.provider.seen if SECRET in seen["body"]], [])
                self.assertEqual(self.bed.provider.seen, [])

    def test_trailers_are_dropped(self):
        body = json.dumps(asking()).encode()
        chunks = b"%x\r\n%s\r\n0\r\nx-leak: %s\r\n\r\n" % (len(body), body, SECRET.encode())
        raw(self.port, b"POST /v1/messages HTTP/1.1\r\nhost: g\r\nconnection: close\r\nte: trailers\r\ntrailer: x-leak\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\n" + chunks)
        self.assertEqual(len(self.bed.provider.seen), 1)

    def test_slow_clients_hold_nobody_up(self):
        body = json.dumps(asking()).encode()
        with contextlib.ExitStack() as stack:
            slow = [stack.enter_context(socket.create_connection(("127.0.0.1", self.port), 10)) for _ in range(200)]
            for number, connection in enumerate(slow):
                head = b"POST /v1/messages HTTP/1.1\r\nhost: g\r\ncontent-type: application/json\r\ncontent-length: %d\r\n" % len(body)
                # Half of them stop in the head, the others in the body.
                connection.sendall(head if number % 2 else head + b"\r\n" + body[:20])
            for _ in range(5):
                self.assertEqual(ask(self.port, body=asking()).status, 200)
            seen = len(self.bed.provider.seen)
            # Everyone who stopped in the body ends it now, and is served.
            slow[0].sendall(body[20:])
            self.assertIn(b" 200 ", slow[0].recv(65536))
            self.assertEqual(len(self.bed.provider.seen), seen + 1)


if __name__ == "__main__":
    unittest.main()
