"""What goes wrong with the function's calls, for how large a share of them."""

import json
import random
import time

from . import proxy


class Fault:
    """Happens to a share of the calls that match. `make` returns an action of `proxy`."""

    def __init__(self, name, make, share=0.5, service="cloudflare", matches=lambda request: True, seed=1):
        self.name, self.make, self.share, self.service, self.matches = name, make, share, service, matches
        self.random = random.Random(f"{name} {seed}")

    def action(self, request):
        if service_of(request) != self.service or not self.matches(request) or self.random.random() >= self.share:
            return None
        return self.make(self.random)


def service_of(request):
    target = request.headers.get("x-amz-target", "")
    for prefix, service in (("AmazonSSM", "ssm"), ("DynamoDB", "dynamodb"), ("AmazonSQS", "sqs")):
        if target.startswith(prefix):
            return service
    return "cloudflare"


def envelope(success, code, message):
    errors = [] if success else [{"code": code, "message": message}]
    return json.dumps({"success": success, "errors": errors, "messages": [], "result": None}).encode()


JSON = ("content-type: application/json",)
HTML = ("content-type: text/html",)
PAGE = b"<!doctype html><title>Error</title><h1>Web server is returning an unknown error</h1>"


def server_error(rng):
    return proxy.answer(rng.choice([500, 502, 503, 520]), envelope(False, 10001, "internal server error"), JSON)


def rate_limited(*headers):
    message = "Unable to purge, rate limit reached"
    return lambda rng: proxy.answer(429, envelope(False, 1134, message), (*JSON, *headers))


class Block(Fault):
    """Cloudflare's block of all calls: it lasts until `until` and says for how long."""

    def __init__(self, seconds):
        super().__init__("block of all calls", None, 1.0)
        self.seconds, self.until = seconds, None

    def action(self, request):
        self.until = self.until or time.monotonic() + self.seconds
        left = self.until - time.monotonic()
        if service_of(request) != self.service or left <= 0:
            return None
        return proxy.answer(429, envelope(False, 971, "Rate limited"), (*JSON, f"retry-after: {int(left) + 1}"))


def html(rng):
    return proxy.answer(rng.choice([200, 502]), PAGE, HTML)


def not_successful(rng):
    return proxy.answer(200, envelope(False, 0, "an unknown error occurred"), JSON)


def drop(rng):
    """Says that it purged, and did not: no fault of Cloudflare, but a way to see that the checker finds a loss."""
    return proxy.answer(200, envelope(True, 0, ""), JSON)


def cloudflare(share):
    """Every fault of Cloudflare's API, each with this share, by its scenario."""
    return {
        "server errors": [Fault("500, 502, 503 or 520", server_error, share)],
        "429 with Retry-After": [Fault("429 with Retry-After: 3", rate_limited("retry-after: 3"), share)],
        "429 without Retry-After": [Fault("429 without Retry-After", rate_limited(), share)],
        "resets": [
            Fault("reset before the request is carried out", lambda rng: proxy.reset, share / 2),
            Fault("reset after it", lambda rng: proxy.reset_after, share / 2),
        ],
        "timeouts": [Fault("no answer", lambda rng: proxy.hang, share)],
        "slow answers": [Fault("2 to 6 s", lambda rng: proxy.delay(rng.uniform(2, 6)), share)],
        "answers cut off": [Fault("answer cut off", lambda rng: proxy.cut_off, share)],
        "HTML": [Fault("HTML with 200 or 502", html, share)],
        "success: false": [Fault("`success: false` with 200", not_successful, share)],
    }


def aws_refusal(status, code):
    body = json.dumps({"__type": code, "message": "injected"}).encode()
    return lambda rng: proxy.answer(status, body, ("content-type: application/x-amz-json-1.1",))


def aws(service, share):
    """A service of AWS that is throttled, slow and failing, each with this share."""
    label = {"ssm": "SSM", "dynamodb": "DynamoDB", "sqs": "SQS"}[service]
    slow = lambda rng: proxy.delay(rng.uniform(0.5, 4))
    return [
        Fault(f"{label} throttled", aws_refusal(400, "ThrottlingException"), share, service),
        Fault(f"{label} slow, 0.5 to 4 s", slow, share, service),
        Fault(f"{label} failing with 500", aws_refusal(500, "InternalServerError"), share, service),
    ]
