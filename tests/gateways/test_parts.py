"""Each part of envoy/with/, in a real Envoy: what it lets in, what it keeps out, and
that nothing unmasked reaches the provider."""
import base64
import hashlib
import hmac
import json
import os
import ssl
import subprocess
import time
import unittest
from concurrent import futures

import rig
from rig import SECRET, ask, asking


def token(secret, **claims):
    """A JWT, HS256."""
    def part(data):
        return base64.urlsafe_b64encode(json.dumps(data).encode()).rstrip(b"=").decode()

    head = f"{part({'alg': 'HS256', 'typ': 'JWT', 'kid': 'a'})}.{part(claims)}"
    signature = hmac.new(secret, head.encode(), hashlib.sha256).digest()
    return f"{head}.{base64.urlsafe_b64encode(signature).rstrip(b'=').decode()}"


class Parts(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.bed = rig.Bed()

    def tearDown(self):
        self.bed.stop_envoys()

    def passes(self, port, **options):
        """The request is masked, its answer restored; gives what the provider saw."""
        reply = ask(port, body=asking(), **options)
        self.assertEqual(reply.status, 200, reply.text)
        self.assertIn(SECRET, reply.text)
        seen = self.bed.provider.seen[-1]
        self.assertNotIn(SECRET, json.dumps(seen))
        self.assertIn("AWS_EC2_", seen["body"])
        self.assertNotIn("x-masker-tenant", seen["headers"])
        return seen

    def refused(self, port, wanted, **options):
        before = len(self.bed.provider.seen)
        reply = ask(port, **{"body": asking(), **options})
        self.assertEqual(reply.status, wanted, reply.text)
        self.assertEqual(len(self.bed.provider.seen), before, "the provider saw a refused request")
        return reply

    def placeholder(self, **options):
        return self.passes(**options)["body"].split("Stop ")[1].split(" ")[0]

    def test_allow(self):
        self.passes(self.bed.envoy("allow", ALLOW="127.0.0.1/32"))
        port = self.bed.envoy("allow", ALLOW="10.0.0.0/8,192.168.0.0/16")
        self.refused(port, 403)
        self.refused(port, 403, headers={"x-forwarded-for": "10.0.0.1"})

    def test_tls(self):
        tls = rig.certificates(self.bed.directory / "tls")
        port = self.bed.envoy("tls", TLS_DIR=tls)
        self.passes(port, tls=rig.client_tls(tls))
        with self.assertRaises((OSError, rig.http.client.HTTPException)):
            ask(port, body=asking())
        stranger = ssl.create_default_context()
        with self.assertRaises(ssl.SSLCertVerificationError):
            ask(port, body=asking(), tls=stranger)

    def test_mtls(self):
        tls = rig.certificates(self.bed.directory / "mtls")
        port = self.bed.envoy("mtls", TLS_DIR=tls)
        alice = self.placeholder(port=port, tls=rig.client_tls(tls, "alice"))
        # The certificate decides, not what the client says.
        self.assertEqual(alice, self.placeholder(port=port, tls=rig.client_tls(tls, "alice"), headers={"x-masker-tenant": "bob"}))
        self.refused(port, 403, tls=rig.client_tls(tls, "nobody"))
        self.refused(port, 403, tls=rig.client_tls(tls, "nobody"), headers={"x-masker-tenant": "alice"})
        with self.assertRaises((OSError, rig.http.client.HTTPException)):
            ask(port, body=asking(), tls=rig.client_tls(tls))

    def test_api_keys_and_an_injected_key(self):
        clients, key = self.bed.directory / "clients", self.bed.directory / "provider-key"
        clients.write_text("alice=key-of-alice\nbob=key-of-bob\n")
        key.write_text("sk-of-the-company")
        port = self.bed.envoy("api-keys", "inject-key", CLIENTS=f"@{clients}", KEY_FILE=key)
        seen = self.passes(port, headers={"x-api-key": "key-of-alice"})
        self.assertEqual(seen["headers"]["x-api-key"], "sk-of-the-company")
        self.assertNotIn("key-of-alice", json.dumps(seen))
        alice = self.placeholder(port=port, headers={"x-api-key": "key-of-alice"})
        bob = self.placeholder(port=port, headers={"x-api-key": "key-of-bob", "x-masker-tenant": "alice"})
        self.assertNotEqual(alice, bob, "tenants share placeholders")
        for headers in ({}, {"x-api-key": "wrong"}, {"x-api-key": ""}, {"x-masker-tenant": "alice"}):
            self.refused(port, 401, headers=headers)

    def test_a_gateway_that_asks_for_a_key_and_a_certificate_is_verified(self):
        tls = rig.certificates(self.bed.directory / "verified")
        verify = rig.free_port()
        os.environ["VERIFY_PORT"] = str(verify)
        self.addCleanup(os.environ.pop, "VERIFY_PORT")
        headers = self.bed.directory / "headers"
        headers.write_text("x-api-key: key-of-alice\n")
        headers.chmod(0o600)

        def run(port, *more):
            done = subprocess.run([rig.MASKER, "verify", f"https://localhost:{port}", "--listen", f"127.0.0.1:{verify}",
                                   "--ca", tls / "clients-ca.crt", *more], capture_output=True, text=True)
            return done.returncode, done.stdout + done.stderr

        port = self.bed.envoy("tls", "api-keys", TLS_DIR=tls, CLIENTS="alice=key-of-alice")
        code, said = run(port, "--header-file", headers)
        self.assertEqual(code, 0, said)
        code, said = run(port)
        self.assertEqual(code, 1, said)
        self.assertIn("said 401): it asks its clients for a key", said)
        self.assertIn("401: masker did not see it", said)
        self.assertNotIn(" ok ", said)
        self.bed.stop_envoys()
        port = self.bed.envoy("mtls", TLS_DIR=tls)
        code, said = run(port, "--cert", tls / "alice.crt", "--key", tls / "alice.key")
        self.assertEqual(code, 0, said)
        code, said = run(port)
        self.assertEqual(code, 1, said)

    def test_jwt(self):
        secret = b"a secret of the identity provider of this test"
        jwks = self.bed.directory / "jwks.json"
        jwks.write_text(json.dumps({"keys": [{"kty": "oct", "kid": "a", "alg": "HS256",
                                              "k": base64.urlsafe_b64encode(secret).rstrip(b"=").decode()}]}))
        port = self.bed.envoy("jwt", JWKS=jwks, ISSUER="https://id.example")
        good = {"iss": "https://id.example", "aud": "masker", "exp": int(time.time()) + 600, "tenant": "alice"}

        def bearer(key=secret, **changed):
            claims = {name: value for name, value in {**good, **changed}.items() if value is not None}
            return {"authorization": f"Bearer {token(key, **claims)}", "x-api-key": "sk-ant-api03-test"}

        seen = self.passes(port, headers=bearer())
        self.assertNotIn("authorization", seen["headers"])
        self.assertEqual(seen["headers"]["x-api-key"], "sk-ant-api03-test")
        self.assertNotEqual(self.placeholder(port=port, headers=bearer()), self.placeholder(port=port, headers=bearer(tenant="bob")))
        for headers in ({}, bearer(b"another secret of somebody else entirely"), bearer(exp=1000), bearer(exp=None), bearer(iss="https://other.example")):
            self.refused(port, 401, headers=headers)
        self.refused(port, 403, headers=bearer(aud="other"))
        self.refused(port, 403, headers=bearer(tenant=None))
        self.refused(port, 403, headers={**bearer(tenant=None), "x-masker-tenant": "alice"})

    def test_limit_for_each_tenant(self):
        port = self.bed.envoy("api-keys", "limit-tenant", CLIENTS="alice=ka,bob=kb", PER_MINUTE="3")
        for _ in range(3):
            self.passes(port, headers={"x-api-key": "ka"})
        self.refused(port, 429, headers={"x-api-key": "ka"})
        self.passes(port, headers={"x-api-key": "kb"})

    def test_global_limit(self):
        asked, answer = [], {"code": 1}
        server, limiter = rate_limiter(asked, answer)
        port = self.bed.envoy("api-keys", "limit-global", CLIENTS="alice=key-of-alice", LIMITER_PORT=limiter)
        alice = {"x-api-key": "key-of-alice"}
        self.passes(port, headers=alice)
        # What the service learns: the tenant's name, and not its key.
        self.assertIn(b"alice", asked[0])
        self.assertNotIn(b"key-of-alice", asked[0])
        answer["code"] = 2
        self.refused(port, 429, headers=alice)
        server.stop(None).wait()
        self.refused(port, 500, headers=alice)

    def test_several_providers(self):
        openai, gemini, bedrock = rig.Provider("openai"), rig.Provider("gemini"), rig.Provider("bedrock")

        def local(text):
            """The providers' hosts, but here and without TLS."""
            for host, provider in (("api.openai.com", openai), ("generativelanguage.googleapis.com", gemini),
                                   ("bedrock-runtime.us-east-1.amazonaws.com", bedrock)):
                text = text.replace(f'socket_address: {{address: "{host}", port_value: 443}}',
                                    f"socket_address: {{address: 127.0.0.1, port_value: {provider.port}}}")
            head, mark, tail = text.partition("  - name: openai\n    type: LOGICAL_DNS")
            tail = rig.without_tls(tail)
            return head + mark + tail

        port = self.bed.envoy("providers", change=local)
        chat = {"model": "gpt", "messages": [{"role": "user", "content": f"Stop {SECRET} please"}]}
        for path, provider, headers in (("/v1/messages", self.bed.provider, {}), ("/v1/chat/completions", openai, {}),
                                        ("/v1/embeddings", openai, {}), ("/v1beta/models/g:generateContent", gemini, {}),
                                        ("/v1/models/x", openai, {"host": "openai.gateway.internal"})):
            reply = ask(port, path=path, body=chat, headers=headers)
            self.assertEqual((reply.status, reply.headers["x-chain"]), (200, provider.name), path)
            self.assertIn("AWS_EC2_", provider.seen[-1]["body"])
            self.assertNotIn(SECRET, json.dumps(provider.seen))
            self.assertNotIn("authorization", provider.seen[-1]["headers"])
        path = "/model/arn%3Aaws%3Abedrock%3Aus-east-1%3A%3Ainference-profile%2Fx/converse"
        reply = ask(port, path=path, body={"messages": [{"role": "user", "content": [{"text": f"Stop {SECRET} please"}]}]})
        self.assertEqual(reply.status, 200, reply.text)
        self.assertIn(SECRET, reply.text)
        seen = bedrock.seen[-1]
        # Signed is what was masked.
        self.assertEqual(seen["headers"]["x-amz-content-sha256"], hashlib.sha256(seen["body"].encode()).hexdigest())
        self.assertIn("AWS4-HMAC-SHA256 Credential=AKIDEXAMPLE/", seen["headers"]["authorization"])
        self.assertNotIn(SECRET, json.dumps(seen))
        big = {"messages": [{"role": "user", "content": [{"text": f"Stop {SECRET} " + "word " * 600_000}]}]}
        self.assertEqual(ask(port, path=path, body=big).status, 200)
        self.assertNotIn(SECRET, bedrock.seen[-1]["body"])

    def test_unix_socket(self):
        directory = self.bed.directory / "run"
        directory.mkdir(mode=0o700)
        self.bed.start_masker(f"unix:{directory}/ext_proc.sock")
        self.passes(self.bed.envoy("unix-socket", SOCKET=f"{directory}/ext_proc.sock"))

    def test_several_processors(self):
        tls = self.bed.directory / "processor-tls"
        rig.subprocess.run([rig.ROOT / "scripts/certs.sh", tls], check=True, capture_output=True)
        maskers, config = [], self.bed.directory / "tls.toml"
        config.write_text(f'[listen.tls]\ncert = "{tls}/masker.crt"\nkey = "{tls}/masker.key"\nclient_ca = "{tls}/ca.crt"\n')
        for _ in range(2):
            listen = f"127.0.0.1:{rig.free_port()}"
            maskers.append((listen, self.bed.start_masker(listen, "--config", str(config))))
        port = self.bed.envoy("processors", PROCESSORS=",".join(listen for listen, _ in maskers), PROC_TLS_DIR=tls)
        first = {self.placeholder(port=port) for _ in range(6)}
        self.assertEqual(len(first), 1, "two maskers made two placeholders of one value")
        maskers[0][1].stop()
        for _ in range(6):
            self.assertEqual({self.placeholder(port=port)}, first)
        maskers[1][1].stop()
        self.refused(port, 503)

    def test_the_minimal_one(self):
        def local(text):
            head, mark, tail = text.partition("  - name: provider\n    type: LOGICAL_DNS")
            tail = rig.without_tls(tail).replace("address: api.anthropic.com, port_value: 443", f"address: 127.0.0.1, port_value: {self.bed.provider.port}")
            return (head + mark + tail).replace("port_value: 50051", f"port_value: {self.bed.listen.split(':')[1]}").replace("port_value: 8085", f"port_value: {port}")

        port = rig.free_port()
        self.bed.run_envoy(local((rig.ROOT / "envoy/minimal.yaml").read_text()), port, lambda: rig.status(port, "/") == 404)
        self.passes(port)
        self.refused(port, 404, path="/other")


class WhatDoesNotBelongTogether(unittest.TestCase):
    def test_is_refused_and_no_value_is_shown(self):
        import gateway
        base = (rig.ROOT / "envoy/envoy.yaml").read_text()
        for parts, settings, says in (
            (["inject-key"], [], "inject-key needs mtls or jwt or api-keys"),
            (["tls", "mtls"], [], "exclude each other"),
            (["allow"], [], "ALLOW has no default"),
            (["allow"], ["ALLOW=10.0.0.0"], "an item of ALLOW has 1 parts and needs 2"),
            (["api-keys"], ['CLIENTS=a=secret"}'], "CLIENTS holds a character"),
            (["api-keys"], ["CLIENTS=a=k", "OTHER=1"], "no setting OTHER"),
            (["api-keys"], ["CLIENTS=@/nowhere"], "No such file"),
            (["nothing"], [], "no part nothing"),
        ):
            with self.assertRaises(gateway.Wrong) as wrong:
                gateway.compose(base, parts, settings)
            self.assertIn(says, str(wrong.exception))
            self.assertNotIn("secret", str(wrong.exception))


def rate_limiter(asked, answer):
    """A rate limit service that says what the test wants: 1 is OK, 2 over the limit."""
    import grpc

    def decide(request, _):
        asked.append(request)
        return bytes([8, answer["code"]])

    class Service(grpc.GenericRpcHandler):
        def service(self, details):
            if details.method == "/envoy.service.ratelimit.v3.RateLimitService/ShouldRateLimit":
                return grpc.unary_unary_rpc_method_handler(decide)
            return None

    server = grpc.server(futures.ThreadPoolExecutor(2), [Service()])
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    return server, port


if __name__ == "__main__":
    unittest.main()
