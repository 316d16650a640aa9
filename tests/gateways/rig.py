"""Provider, masker and Envoy on free ports, for the tests beside this file.

ENVOY and MASKER name the programs; else they are looked for where `make test` puts them.
"""
import atexit
import contextlib
import http.client
import http.server
import json
import os
import pathlib
import shutil
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "scripts"))
SECRET = "i-0abc123def4567890"
PATIENCE = 60


def program(variable, *places):
    if os.environ.get(variable):
        return os.environ[variable]
    found = [str(place) for place in places if place.is_file()] + [shutil.which(variable.lower().replace("_", "-"))]
    if not found[0]:
        raise FileNotFoundError(f"{variable} is missing: name the program in the environment, or let scripts/install.sh find it")
    return found[0]


ENVOY = program("ENVOY", ROOT / ".venv/bin/envoy")
MASKER = program("MASKER", pathlib.Path(os.environ.get("CARGO_TARGET_DIR", ROOT / "target")) / "debug/masker")


def free_port():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        return taken.getsockname()[1]


class Provider(http.server.ThreadingHTTPServer):
    """Answers with what it was asked, and remembers every request."""

    daemon_threads = True
    request_queue_size = 512

    def __init__(self, name="provider"):
        super().__init__(("127.0.0.1", 0), Answer)
        self.name, self.port, self.seen = name, self.server_address[1], []
        self.results = None
        self.go_on = threading.Event()
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, client_address):
        """A client that goes away is part of some tests."""


class Answer(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def body(self):
        if "chunked" not in self.headers.get("transfer-encoding", ""):
            return self.rfile.read(int(self.headers.get("content-length") or 0))
        whole = b""
        while size := int(self.rfile.readline(), 16):
            whole += self.rfile.read(size)
            self.rfile.readline()
        self.rfile.readline()
        return whole

    def do_POST(self):
        body = self.body()
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.server.seen.append({"method": self.command, "path": self.path, "headers": headers, "body": body.decode()})
        if self.server.results and self.path.endswith("/results"):
            return self.answer("application/x-jsonl", json.dumps(self.server.results) + "\n")
        asked = json.loads(body) if body else {}
        text = (asked.get("messages") or [{}])[-1].get("content", "")
        if isinstance(text, list):
            text = text[0].get("text", "")
        if asked.get("stream"):
            return self.stream(text)
        answer = {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "stop_reason": "end_turn",
                  "content": [{"type": "text", "text": text}], "usage": {"input_tokens": 1, "output_tokens": 1}}
        if "/chat/" in self.path:
            answer = {"id": "c", "object": "chat.completion", "choices": [{"index": 0, "message": {"role": "assistant", "content": text}}]}
        if "/converse" in self.path:
            answer = {"output": {"message": {"role": "assistant", "content": [{"text": text}]}}}
        self.answer("application/json", json.dumps(answer))

    def answer(self, media, text):
        data = text.encode()
        self.send_response(200)
        for name, value in (("content-type", media), ("content-length", str(len(data))), ("x-chain", self.server.name)):
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(data)

    do_GET = do_PUT = do_DELETE = do_POST

    def stream(self, text):
        """One event, then the rest when the test says so."""
        self.send_response(200)
        self.send_header("content-type", "text/event-stream")
        self.send_header("transfer-encoding", "chunked")
        self.end_headers()

        def event(name, **data):
            line = f"event: {name}\ndata: {json.dumps({'type': name, **data})}\n\n".encode()
            self.wfile.write(b"%x\r\n%s\r\n" % (len(line), line))
            self.wfile.flush()

        event("content_block_start", index=0, content_block={"type": "text", "text": ""})
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": "first "})
        self.server.go_on.wait(PATIENCE)
        event("content_block_delta", index=0, delta={"type": "text_delta", "text": text})
        event("content_block_stop", index=0)
        event("message_stop")
        self.wfile.write(b"0\r\n\r\n")


class Started:
    """A program that ends with the test, and whose log is shown when it does not start."""

    def __init__(self, name, command, directory, **environment):
        self.name, self.log = name, directory / f"{name}.log"
        # Settings of the shell that calls must not reach the programs.
        clean = {key: value for key, value in os.environ.items() if not key.startswith(("MASKER_", "AWS_"))}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env={**clean, **environment}, cwd=directory)
        atexit.register(self.stop)

    def stop(self):
        if self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()

    def until(self, ready, what):
        end = time.monotonic() + PATIENCE
        while not ready():
            if self.process.poll() is not None or time.monotonic() > end:
                raise AssertionError(f"{self.name}: {what}\n{self.log.read_text()[-2000:]}")
            time.sleep(0.05)


def status(port, path, host="127.0.0.1"):
    try:
        return ask(port, "GET", path, host=host).status
    except (OSError, http.client.HTTPException):
        return 0


class Reply:
    def __init__(self, response):
        self.status, self.headers = response.status, response.headers
        self.text = response.read().decode("utf-8", "replace")


def ask(port, method="POST", path="/v1/messages", body=None, headers=(), tls=None, host="127.0.0.1"):
    """One request on a connection of its own; `tls` is a context."""
    kind = http.client.HTTPSConnection if tls else http.client.HTTPConnection
    options = {"context": tls} if tls else {}
    connection = kind(host, port, timeout=PATIENCE, **options)
    with contextlib.closing(connection):
        data = json.dumps(body).encode() if body is not None else None
        sent = {"content-type": "application/json"} if data else {}
        connection.request(method, path, data, {**sent, **dict(headers)})
        return Reply(connection.getresponse())


def asking(text=f"Stop {SECRET} please", **more):
    return {"model": "claude-test", "max_tokens": 16, "messages": [{"role": "user", "content": text}], **more}


def raw(port, data, timeout=10, keep=False):
    """Bytes there and back, until the other side hangs up or has said what it says."""
    with socket.create_connection(("127.0.0.1", port), timeout) as connection:
        got = b""
        with contextlib.suppress(OSError):
            connection.sendall(data)
            while piece := connection.recv(65536):
                got += piece
                if not keep:
                    connection.settimeout(0.2)
        return got.decode("utf-8", "replace")


class Bed:
    """One masker and one provider; Envoys as they are asked for."""

    def __init__(self):
        self.directory = pathlib.Path(tempfile.mkdtemp(prefix="masker-gateways-"))
        atexit.register(shutil.rmtree, self.directory, True)
        self.provider, self.envoys = Provider(), []
        self.listen = f"127.0.0.1:{free_port()}"
        key = self.directory / "key"
        key.write_text("8c1f0a7d93e4b2566fd80b19c7a35e42d1960f3b78ac24e5510d9be76342fa8c")
        key.chmod(0o600)
        self.masker = self.start_masker(self.listen)

    def start_masker(self, listen, *more):
        admin = free_port()
        masker = Started(f"masker-{admin}", [MASKER, "serve", "--listen", listen, "--admin", f"127.0.0.1:{admin}",
                                             "--key-file", str(self.directory / "key"), *more], self.directory)
        masker.until(lambda: status(admin, "/readyz") == 200, "is not ready")
        masker.admin = admin
        return masker

    def base(self, port, health, provider=None):
        provider = provider or self.provider
        settings = {"UPSTREAM": f"http://127.0.0.1:{provider.port}", "PORT": str(port), "HEALTH_PORT": str(health),
                    "MASKER_LISTEN": self.listen, "ENVOY_ADMIN_SOCKET": str(self.directory / f"{port}.sock")}
        return subprocess.run([ROOT / "scripts/render.sh"], env={**os.environ, **settings}, check=True,
                              capture_output=True, text=True).stdout

    def envoy(self, *parts, change=lambda text: text, provider=None, **settings):
        """Envoy with these parts of envoy/with/; gives the port of the gateway."""
        import gateway
        port, health = free_port(), free_port()
        text = gateway.compose(self.base(port, health, provider), parts, [f"{name}={value}" for name, value in settings.items()])
        self.run_envoy(change(text), port, lambda: status(health, "/healthz") == 200)
        return port

    def run_envoy(self, text, name, ready, *more, **environment):
        path = self.directory / f"{name}.yaml"
        path.write_text(text)
        path.chmod(0o600)
        base_id = [] if "--base-id" in more else ["--use-dynamic-base-id"]
        envoy = Started(f"envoy-{name}", [ENVOY, "-c", str(path), "--concurrency", "1", "--log-level", "warning", *base_id, *more],
                        self.directory, AWS_ACCESS_KEY_ID="AKIDEXAMPLE", AWS_SECRET_ACCESS_KEY="x", **environment)
        envoy.until(ready, "is not healthy")
        self.envoys.append(envoy)
        return envoy

    def stop_envoys(self):
        for envoy in self.envoys:
            envoy.stop()
        self.envoys.clear()
        self.provider.seen.clear()


def certificates(directory):
    """An authority, and certificates of the gateway, of alice, and of one without a name."""
    directory.mkdir(parents=True, exist_ok=True)

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], check=True, capture_output=True, cwd=directory)

    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", "ca.key",
            "-out", "clients-ca.crt", "-subj", "/CN=test authority", "-days", "2")
    for name, names in (("gateway", "DNS:localhost,IP:127.0.0.1"), ("alice", "DNS:alice"), ("nobody", "email:x@example.org")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-keyout", f"{name}.key",
                "-out", f"{name}.csr", "-subj", f"/CN={name}")
        (directory / "ext").write_text(f"subjectAltName={names}\n")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", "clients-ca.crt", "-CAkey", "ca.key", "-CAcreateserial",
                "-days", "2", "-extfile", "ext", "-out", f"{name}.crt")
    return directory


def client_tls(directory, name=None):
    context = ssl.create_default_context(cafile=directory / "clients-ca.crt")
    if name:
        context.load_cert_chain(directory / f"{name}.crt", directory / f"{name}.key")
    return context


def without_tls(text):
    """The clusters of a configuration, speaking HTTP/1.1 without TLS."""
    out, skip = [], False
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if line.startswith("    transport_socket:"):
            skip = True
            continue
        if skip and indent > 4:
            continue
        skip = False
        out.append("        explicit_http_config: {http_protocol_options: {}}" if line.startswith("        auto_config:") else line)
    return "\n".join(out) + "\n"
