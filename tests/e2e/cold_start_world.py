"""What a function talks to at its first event, on loopback: Lambda's runtime API, DynamoDB, SSM and Cloudflare. All of them
answer at once, so that only the function's own time is measured."""

import http.server
import json
import os
import pathlib
import ssl
import subprocess
import threading
import time

BUCKET, DOMAIN, TABLE = "assets", "website.com", "mappings"
ZONE_ID = "023e105f4ecef8ad9ca31a8372d0c353"
TOKEN = "cfut_Zq8Wm2Xv5Lk9Jt4Rb7Np1Hs6Gd3Fc0Y"
PARAMETER = f"/purge-router/web/{DOMAIN}"

EVENT = {
    "Records": [
        {
            "messageId": "059f36b4-87a3-44ab-83d2-661975830a7d",
            "receiptHandle": "AQEBwJnKyrHigUMZj6rYigCgxlaS3SLy0a",
            "body": json.dumps(
                {
                    "Records": [
                        {
                            "eventVersion": "2.1",
                            "eventSource": "aws:s3",
                            "awsRegion": "eu-west-1",
                            "eventTime": "2026-11-02T09:30:00.000Z",
                            "eventName": "ObjectCreated:Put",
                            "s3": {"bucket": {"name": BUCKET}, "object": {"key": "css/app.css", "sequencer": "0055"}},
                        }
                    ]
                }
            ),
            "attributes": {"ApproximateReceiveCount": "1", "SentTimestamp": "1793611800500"},
            "eventSource": "aws:sqs",
            "eventSourceARN": "arn:aws:sqs:eu-west-1:111122223333:purge-router",
            "awsRegion": "eu-west-1",
        }
    ]
}


def string(text):
    return {"S": text}


def strings(*texts):
    return {"L": [string(text) for text in texts]}


ONE = {"N": "1"}
GRANT = {"pk": string("GRANTS"), "sk": string("web"), "version": ONE, "owns": strings(f"s3://{BUCKET}/")}
ZONE = {
    "pk": string("TEAM#web"),
    "sk": string(f"ZONE#{DOMAIN}"),
    "version": ONE,
    "zone_id": string(ZONE_ID),
    "hostnames": strings(f"www.{DOMAIN}"),
}
MAPPING = {
    "pk": string("TEAM#web"),
    "sk": string(f"MAPPING#{BUCKET}/"),
    "version": ONE,
    "bucket": string(BUCKET),
    "prefix": string(""),
    "zones": strings(DOMAIN),
    "include": strings("*.{css,js}", "blog/**"),
}


class World:
    """One start after another: `begin`, start the function, wait for `answered`."""

    def __init__(self, folder):
        self.answered = threading.Event()
        self.certificates = Certificates(pathlib.Path(folder))
        self.runtime = Server(self.on_runtime)
        self.aws = Server(self.on_aws)
        self.cloudflare = Server(self.on_cloudflare)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.certificates.localhost)
        self.cloudflare.socket = context.wrap_socket(self.cloudflare.socket, server_side=True)
        self.servers = [self.runtime, self.aws, self.cloudflare]
        for server in self.servers:
            threading.Thread(target=server.serve_forever, daemon=True).start()
        self.begin()

    def begin(self):
        self.next_at = self.purged_at = self.answer = None
        self.on_next = lambda: None
        self.answered.clear()

    def close(self):
        for server in self.servers:
            server.shutdown()
            server.server_close()

    def environment(self):
        aws = f"http://127.0.0.1:{self.aws.server_port}"
        return {
            "PATH": os.environ["PATH"],
            "NODE_PATH": os.environ.get("NODE_PATH", ""),
            "NODE_EXTRA_CA_CERTS": str(self.certificates.authority),
            "SSL_CERT_FILE": str(self.certificates.trusted),
            "AWS_LAMBDA_RUNTIME_API": f"127.0.0.1:{self.runtime.server_port}",
            "AWS_LAMBDA_FUNCTION_NAME": "purge-router",
            "AWS_LAMBDA_FUNCTION_VERSION": "1",
            "AWS_LAMBDA_FUNCTION_MEMORY_SIZE": "256",
            "AWS_LAMBDA_LOG_FORMAT": "JSON",
            "AWS_REGION": "eu-west-1",
            "AWS_DEFAULT_REGION": "eu-west-1",
            "AWS_ACCESS_KEY_ID": "AKIAIOSFODNN7EXAMPLE",
            "AWS_SECRET_ACCESS_KEY": "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY",
            "AWS_ENDPOINT_URL_DYNAMODB": aws,
            "AWS_ENDPOINT_URL_SSM": aws,
            "MAPPINGS_TABLE": TABLE,
            "CLOUDFLARE_BASE_URL": f"https://localhost:{self.cloudflare.server_port}/client/v4",
        }

    def on_runtime(self, request, body):
        if request.command == "POST":
            self.answer = body.decode()
            self.answered.set()
            return 202, {}, {"status": "OK"}
        if self.next_at is not None:
            # It is killed while it waits for a second event.
            threading.Event().wait(60)
        self.next_at = time.monotonic()
        self.on_next()
        headers = {
            "Lambda-Runtime-Aws-Request-Id": "8476a536-e9f4-11e8-9739-2dfe598c3fcd",
            "Lambda-Runtime-Deadline-Ms": str(int(time.time() * 1000) + 30_000),
            "Lambda-Runtime-Invoked-Function-Arn": "arn:aws:lambda:eu-west-1:111122223333:function:purge-router",
        }
        return 200, headers, EVENT

    def on_aws(self, request, _):
        match request.headers["X-Amz-Target"].split(".")[-1]:
            case "Query":
                return 200, {}, {"Items": [MAPPING], "Count": 1, "ScannedCount": 1}
            case "BatchGetItem":
                return 200, {}, {"Responses": {TABLE: [GRANT, ZONE]}, "UnprocessedKeys": {}}
            case "GetParameter":
                return 200, {}, {"Parameter": parameter()}
            case "GetParameters":
                return 200, {}, {"Parameters": [parameter()], "InvalidParameters": []}
        return 400, {}, {"__type": "UnknownOperationException"}

    def on_cloudflare(self, request, body):
        self.purged_at = self.purged_at or time.monotonic()
        assert request.headers["Authorization"] == f"Bearer {TOKEN}", "the token from SSM"
        assert json.loads(body) == {"files": [f"https://www.{DOMAIN}/css/app.css"]}, body
        return 200, {"CF-Ray": "7d0a"}, {"success": True, "errors": [], "messages": [], "result": {"id": ZONE_ID}}


def parameter():
    return {"Name": PARAMETER, "Type": "SecureString", "Value": TOKEN, "Version": 1}


class Server(http.server.ThreadingHTTPServer):
    """Answers with what a function says: a status, headers and JSON."""

    daemon_threads = True

    def __init__(self, answer):
        super().__init__(("127.0.0.1", 0), Handler)
        self.answer = answer

    def handle_error(self, request, client_address):
        """Functions are killed in the middle of a request."""


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True

    def do_GET(self):
        self.respond()

    def do_POST(self):
        self.respond()

    def respond(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        status, headers, answer = self.server.answer(self, body)
        text = json.dumps(answer).encode()
        self.send_response(status)
        for name, value in {"Content-Type": "application/json", "Content-Length": str(len(text)), **headers}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_):
        pass


# What Amazon Linux and Debian trust.
BUNDLES = ["/etc/pki/tls/certs/ca-bundle.crt", "/etc/ssl/certs/ca-certificates.crt"]


class Certificates:
    """An authority that clients trust besides those of the system, and a certificate of localhost with its key, which it signed."""

    def __init__(self, folder):
        self.authority, self.localhost = folder / "authority.pem", folder / "localhost.pem"
        self.trusted = folder / "trusted.pem"
        authority_key, key, signed = folder / "authority.key", folder / "localhost.key", folder / "localhost.crt"
        new = ["req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2"]
        openssl(*new, "-subj", "/CN=Cold start", "-keyout", authority_key, "-out", self.authority)
        names = ["-addext", "subjectAltName=DNS:localhost", "-addext", "basicConstraints=critical,CA:FALSE"]
        by_authority = ["-CA", self.authority, "-CAkey", authority_key]
        openssl(*new, "-subj", "/CN=localhost", *names, *by_authority, "-keyout", key, "-out", signed)
        self.localhost.write_bytes(signed.read_bytes() + key.read_bytes())
        system = next(path for path in map(pathlib.Path, BUNDLES) if path.exists())
        self.trusted.write_bytes(system.read_bytes() + self.authority.read_bytes())


def openssl(*arguments):
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)
