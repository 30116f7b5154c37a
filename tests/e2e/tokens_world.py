"""The world of `purge-router tokens`: SSM, the sandbox, and zones with tokens that may be managed."""

import contextlib
import json
import subprocess
import urllib.error
import urllib.request

import pytest

import aws
import cloudflare
from conftest import PURGE_ROUTER
from stopping import Stopping

ACCOUNT_ID = "acacacacacacacacacacacacacacacac"
PURGES = "e17beae8b8cb423a99b1730f21238bed"

# Each zone: its id, its account, its parameter.
ZONES = {
    "shop.com": ("0a" * 16, None, "/purge-router/shop/shop.com"),
    "shop.net": ("0b" * 16, ACCOUNT_ID, "/purge-router/shop/shop.net"),
    "blog.org": ("0c" * 16, None, "/purge-router/blog/blog.org"),
}

MAPPINGS = """version = 1
[teams.shop]
owns = ["s3://shop/"]
[teams.shop.zones."shop.com"]
zone_id = "0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a0a"
hostnames = ["www.shop.com"]
[teams.shop.zones."shop.net"]
zone_id = "0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b0b"
account_id = "acacacacacacacacacacacacacacacac"
hostnames = ["www.shop.net"]
[teams.blog]
owns = ["s3://blog/"]
[teams.blog.zones."blog.org"]
zone_id = "0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c0c"
hostnames = ["www.blog.org"]
"""

# These tokens may manage the tokens of the user, or of the account.
MANAGER, ACCOUNTS_MANAGER = "cfut_the-managers-own-token-0001", "cfat_the-accounts-managing-token-0002"


# Tests of rotations make more calls than one caller may in five minutes.
NO_LIMITS = ("--no-rate-limits",)


class Tokens:
    """The tokens of some zones. Calls to Cloudflare and SSM may go through a proxy that interrupts them."""

    def __init__(self, ministack, folder, zones=ZONES, mappings=MAPPINGS, origins=None):
        self.zones = zones
        self.ministack, self.ssm, self.s3 = ministack, ministack.client("ssm"), ministack.client("s3")
        self.mappings = folder / "mappings.toml"
        self.mappings.write_text(mappings)
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, self.mappings, origins or {}, NO_LIMITS)
        self.proxy = Stopping(self.cloudflare.api_url, ministack.url)
        self.control("/tokens", secret=MANAGER, zones=[], manages_tokens=True)
        self.control("/tokens", secret=ACCOUNTS_MANAGER, zones=[], manages_tokens=True, account_id=ACCOUNT_ID)

    def close(self):
        self.proxy.close()
        self.cloudflare.stop()

    def control(self, path, **body):
        return self.cloudflare.control("POST", path, body)

    def first_tokens(self):
        """Gives each zone one token that a user created."""
        for owner, manager in (("/user", MANAGER), (f"/accounts/{ACCOUNT_ID}", ACCOUNTS_MANAGER)):
            for token in self.tokens(owner, manager):
                if any(group["id"] == PURGES for policy in token["policies"] for group in policy["permission_groups"]):
                    self.api("DELETE", f"{owner}/tokens/{token['id']}", manager)
        for zone, (_, _, parameter) in self.zones.items():
            self.ssm.delete_parameters(Names=[parameter])
            self.ministack.put_token(parameter, self.create(zone))

    def owner(self, zone):
        account = self.zones[zone][1]
        return (f"/accounts/{account}", ACCOUNTS_MANAGER) if account else ("/user", MANAGER)

    def create(self, zone, **more):
        owner, manager = self.owner(zone)
        resources = {f"com.cloudflare.api.account.zone.{self.zones[zone][0]}": "*"}
        policy = {"effect": "allow", "resources": resources, "permission_groups": [{"id": PURGES}]}
        body = {"name": "made by hand", "policies": [policy], **more}
        return self.api("POST", f"{owner}/tokens", manager, body)["value"]

    def api(self, method, path, secret, body=None):
        request = urllib.request.Request(f"{self.cloudflare.api_url}{path}", method=method)
        request.add_header("authorization", f"Bearer {secret}")
        request.data = json.dumps(body).encode() if body is not None else None
        with urllib.request.urlopen(request, timeout=10) as answer:
            return json.load(answer)["result"]

    def tokens(self, owner, manager):
        return self.api("GET", f"{owner}/tokens?per_page=50", manager)

    def of_zone(self, zone):
        """All tokens that may purge a zone."""
        resource = f"com.cloudflare.api.account.zone.{self.zones[zone][0]}"
        return [
            token
            for token in self.tokens(*self.owner(zone))
            if any(resource in it["resources"] for it in token["policies"])
        ]

    def stored(self, zone):
        return self.ssm.get_parameter(Name=self.zones[zone][2], WithDecryption=True)["Parameter"]

    def purges(self, zone, secret=None):
        """Whether the stored token, or another secret, may purge a zone."""
        path = f"/zones/{self.zones[zone][0]}/purge_cache"
        try:
            self.api("POST", path, secret or self.stored(zone)["Value"], {"files": [f"https://www.{zone}/a.css"]})
        except urllib.error.HTTPError:
            return False
        return True

    def start(
        self, *arguments, command="tokens", manager=MANAGER, through_proxy=False, stdin=subprocess.DEVNULL, log="error"
    ):
        api, endpoint = self.proxy.urls if through_proxy else (self.cloudflare.api_url, self.ministack.url)
        environment = {name.upper(): value for name, value in aws.ROOT.items()}
        environment |= {"AWS_ENDPOINT_URL": endpoint, "AWS_REGION": aws.REGION, "CLOUDFLARE_BASE_URL": api}
        environment |= {"MAPPINGS_FILE": str(self.mappings), "RUST_LOG": log} | (
            {"CLOUDFLARE_API_TOKEN": manager} if manager else {}
        )
        return subprocess.Popen(
            [PURGE_ROUTER, command, *arguments],
            env=environment,
            stdin=stdin,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def run(self, *arguments, stdin=None, **how):
        process = self.start(*arguments, stdin=subprocess.PIPE if stdin else subprocess.DEVNULL, **how)
        out, errors = process.communicate(stdin, timeout=120)
        return process.returncode, out, errors

    def done(self, *arguments, **how):
        code, out, errors = self.run(*arguments, **how)
        assert code == 0, (arguments, code, out, errors)
        return out


@pytest.fixture(scope="module")
def _tokens(ministack, tmp_path_factory):
    with contextlib.closing(Tokens(ministack, tmp_path_factory.mktemp("tokens"))) as world:
        yield world


@pytest.fixture(name="world")
def _world(_tokens):
    _tokens.proxy.let_all_pass()
    _tokens.first_tokens()
    return _tokens


def rotate(*zones, more=()):
    """A rotation that does not wait, and ignores other recent rotations."""
    of_zones = [part for zone in zones for part in ("--zone", zone)]
    return ("rotate", *of_zones, "--yes", "--wait", "0", "--take-over", *more)


def refusal(code, message):
    return {"success": False, "errors": [{"code": code, "message": message}], "messages": [], "result": None}


NOT_AUTHENTIC = refusal(10000, "Authentication error")


def manager_of(zone):
    return ACCOUNTS_MANAGER if ZONES[zone][1] else MANAGER


def verified(world, *arguments, manager=None):
    code, out, _ = world.run("verify", "--json", *arguments, manager=manager)
    return code, {line["zone"]: line for line in json.loads(out)}


def stopped(world, arguments, manager):
    """Kills a command where the proxy interrupts it. Returns whether it had already finished."""
    process = world.start(*arguments, manager=manager, through_proxy=True)
    aws.wait_for("the command", lambda: world.proxy.waiting.is_set() or process.poll() is not None, 60)
    is_over = process.poll() is not None
    process.kill()
    process.communicate()
    return is_over


def signaled(world, arguments, manager, signal_number):
    """Sends a signal to a command where the proxy interrupts it, and lets the proxy go on. Returns its exit code, its
    output and its errors, or `None` if it had already finished."""
    process = world.start(*arguments, manager=manager, through_proxy=True)
    aws.wait_for("the command", lambda: world.proxy.waiting.is_set() or process.poll() is not None, 60)
    is_over = process.poll() is not None
    if not is_over:
        process.send_signal(signal_number)
        world.proxy.resume.set()
    out, errors = process.communicate(timeout=60)
    return None if is_over else (process.returncode, out, errors)


def broken_off(world, zone):
    """A rotation that is interrupted while it waits: the new token is stored and the old one exists."""
    version = world.stored(zone)["Version"]
    with world.start("rotate", "--zone", zone, "--yes", "--take-over", "--wait", "600") as waiting:
        aws.wait_for("the new token is stored", lambda: world.stored(zone)["Version"] == version + 1)
        waiting.kill()
