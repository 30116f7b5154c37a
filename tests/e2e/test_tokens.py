"""`purge-router tokens` on SSM and the sandbox: what it reports, stores and replaces, even if it is interrupted."""

import base64
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


class Tokens:
    """The tokens of some zones. Calls to Cloudflare and SSM may go through a proxy that interrupts them."""

    def __init__(self, ministack, folder, zones=ZONES, mappings=MAPPINGS, origins=None):
        self.zones = zones
        self.ministack, self.ssm, self.s3 = ministack, ministack.client("ssm"), ministack.client("s3")
        self.mappings = folder / "mappings.toml"
        self.mappings.write_text(mappings)
        self.cloudflare = cloudflare.Cloudflare(PURGE_ROUTER, self.mappings, origins or {})
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


@pytest.fixture
def world(_tokens):
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


def test_good_tokens_are_verified(world):
    code, lines = verified(world)
    assert code == 0 and set(lines) == set(ZONES)
    for zone, line in lines.items():
        assert (line["type"], line["may_purge"], line["problems"], line["warnings"]) == ("SecureString", True, [], [])
        assert line["token"]["status"] == "active" and line["parameter"] == ZONES[zone][2]
    assert [lines[zone]["token"]["owner"] for zone in ("shop.com", "shop.net")] == ["user", "account"]
    table = world.done("verify", "--team", "shop", manager=None).splitlines()
    assert [line.split()[:2] for line in table] == [["TEAM", "ZONE"], ["shop", "shop.com"], ["shop", "shop.net"]]


@pytest.mark.parametrize(
    "what, problem, purges",
    [
        (
            "absent",
            "SSM has no parameter /purge-router/shop/shop.com in this region: `purge-router tokens put --zone",
            None,
        ),
        ("open", "it is a String, not a SecureString: delete it", None),
        ("no token", "this is not an API token: it holds white space", None),
        ("unknown", "Cloudflare does not know it (HTTP 401", None),
        ("disabled", "it is disabled: enable it", None),
        ("of another zone", f"it can't purge shop.com, zone {ZONES['shop.com'][0]} (HTTP 403", False),
        ("a global key", "it is a global key, which can do everything that its user can", None),
    ],
)
def test_a_problem_of_a_token_is_reported(world, what, problem, purges):
    zone, parameter = "shop.com", ZONES["shop.com"][2]
    put = lambda text: world.ministack.put_token(parameter, text)
    match what:
        case "absent":
            world.ssm.delete_parameters(Names=[parameter])
        case "open":
            token = world.stored(zone)["Value"]
            world.ssm.delete_parameters(Names=[parameter])
            world.ministack.put_token(parameter, token, "String")
        case "no token":
            put("two words")
        case "unknown":
            put("cfut_nobody-has-this-token-0000000000")
        case "disabled":
            world.control("/tokens", secret="cfut_switched-off-00000000000", zones=[ZONES[zone][0]], status="disabled")
            put("cfut_switched-off-00000000000")
        case "of another zone":
            put(world.create("blog.org"))
        case "a global key":
            put("cfk_0000000000000000000000000000")
    code, lines = verified(world)
    assert code == 1
    [reported] = lines[zone]["problems"]
    assert problem in reported
    assert lines[zone]["may_purge"] is purges
    assert all(not line["problems"] for other, line in lines.items() if other != zone)
    code, _, errors = world.run("verify", "--zone", zone, manager=None)
    assert code == 1 and f"error: {zone}: {problem}" in errors


def test_unneeded_rights_and_a_near_expiry_give_a_warning(world):
    zone_ids = [ZONES[zone][0] for zone in ("shop.com", "blog.org")]
    resources = {f"com.cloudflare.api.account.zone.{zone_id}": "*" for zone_id in zone_ids}
    policy = {"effect": "allow", "resources": resources, "permission_groups": [{"id": PURGES}]}
    body = {"name": "for both", "policies": [policy], "expires_on": "2100-01-01T00:00:00Z"}
    world.ministack.put_token(ZONES["shop.com"][2], world.api("POST", "/user/tokens", MANAGER, body)["value"])
    code, lines = verified(world, "--zone", "shop.com", manager=MANAGER)
    assert (code, lines["shop.com"]["problems"]) == (0, [])
    [warning] = lines["shop.com"]["warnings"]
    assert warning == f"it can do more than purge this zone: reach com.cloudflare.api.account.zone.{zone_ids[1]}"
    # A user who may not read tokens gets no warning.
    code, lines = verified(world, "--zone", "shop.com", manager=world.create("shop.com"))
    assert code == 0 and "couldn't read its permissions: HTTP 403" in lines["shop.com"]["warnings"][0]
    _, lines = verified(world, "--zone", "shop.com", "--expiring-within", "40000")
    assert lines["shop.com"]["warnings"][0].startswith("it expires in ")


def test_a_first_token_is_put_from_standard_input(world):
    zone, parameter = "shop.com", ZONES["shop.com"][2]
    world.ssm.delete_parameters(Names=[parameter])
    secret = world.create(zone)
    out = world.done("put", "--zone", zone, stdin=f"{secret}\n", manager=None)
    assert out == f"shop.com of team shop: it can purge the zone; stored in {parameter}, version 1\n"
    assert (world.stored(zone)["Value"], world.stored(zone)["Type"]) == (secret, "SecureString")
    other = world.create(zone)
    code, _, errors = world.run("put", "--zone", zone, stdin=other)
    assert code == 1 and "a token is already stored; add --overwrite to replace it" in errors
    assert world.stored(zone)["Value"] == secret
    world.done("put", "--zone", zone, "--overwrite", stdin=other)
    assert world.stored(zone)["Value"] == other
    for bad, reason in [
        (
            world.create("blog.org"),
            f"this token was not stored: it can't purge {zone}, zone {ZONES[zone][0]} (HTTP 403",
        ),
        ("cfk_0000000000000000000000000000", "this is a global key"),
        ("two words", "this is not an API token"),
    ]:
        code, out, errors = world.run("put", "--zone", zone, "--overwrite", stdin=bad)
        assert code in (1, 2) and reason in errors and bad not in out + errors
    assert world.stored(zone)["Value"] == other
    world.done("put", "--zone", zone, "--overwrite", "--unverified", stdin="cfut_not-yet-there-000000000000")
    assert world.stored(zone)["Version"] == 3


def test_status_shows_version_age_and_expiry(world):
    out = world.done("status", "--zone", "shop.com", manager=None)
    assert "active" in out and "ago" in out and "never" in out
    [line] = json.loads(world.done("status", "--json", "--zone", "shop.com"))
    assert (line["version"], line["may_purge"]) == (1, None) and line["stored_at"] and line["created_at"]


@pytest.mark.parametrize("zone", ["shop.com", "shop.net"])
def test_a_rotation_replaces_the_token(world, zone):
    old = world.stored(zone)
    out = world.done(*rotate(zone), manager=manager_of(zone))
    new = world.stored(zone)
    assert new["Version"] == 2 and new["Value"] != old["Value"] and new["Type"] == "SecureString"
    assert new["Value"].startswith("cfat_" if ZONES[zone][1] else "cfut_")
    assert world.purges(zone) and not world.purges(zone, old["Value"])
    [token] = world.of_zone(zone)
    assert ZONES[zone][0] in token["name"] and token["name"].endswith(zone)
    assert "old token" in out and "deleted" in out and new["Value"] not in out
    for _ in range(3):
        world.done(*rotate(zone), manager=manager_of(zone))
        assert len(world.of_zone(zone)) == 1 and world.purges(zone)


def test_a_rotation_keeps_the_old_tokens_settings_by_default(world):
    zone = "shop.com"
    condition = {"request.ip": {"in": ["127.0.0.0/8"]}}
    world.ministack.put_token(
        ZONES[zone][2], world.create(zone, condition=condition, expires_on="2100-01-01T00:00:00Z")
    )
    [before] = [token for token in world.of_zone(zone) if "condition" in token]
    world.done(*rotate(zone))
    [after] = [token for token in world.of_zone(zone) if "condition" in token]
    assert after["id"] != before["id"] and after["condition"] == condition and after["expires_on"] > "2099"
    world.done(*rotate(zone, more=("--expires-in", "30", "--from", "127.0.0.1/32")))
    [after] = [token for token in world.of_zone(zone) if "condition" in token]
    assert after["condition"] == {"request.ip": {"in": ["127.0.0.1/32"]}} and after["expires_on"] < "2099"
    # A new token that does not work is not stored, and is deleted.
    before, tokens = world.stored(zone), len(world.of_zone(zone))
    code, _, errors = world.run(*rotate(zone, more=("--from", "192.0.2.1/32")))
    assert code == 1 and "the new token was deleted again: the new token does not work: HTTP 403" in errors
    assert (world.stored(zone), len(world.of_zone(zone))) == (before, tokens)


def test_several_zones_are_rotated_at_once(world):
    world.done(*rotate("shop.com", "blog.org"))
    for zone in ("shop.com", "blog.org"):
        assert world.stored(zone)["Version"] == 2 and len(world.of_zone(zone)) == 1 and world.purges(zone)


def test_a_token_that_two_zones_share_is_left_to_the_other(world):
    shared = world.create("shop.com")
    for zone in ("shop.com", "shop.net"):
        world.ministack.put_token(ZONES[zone][2], shared)
    out, errors = world.run(*rotate("shop.com"))[1:]
    assert "is kept: shop.net of team shop uses it, too" in errors, (out, errors)
    assert world.purges("shop.com") and world.purges("shop.com", shared)


def test_a_token_that_may_not_manage_tokens_changes_nothing(world):
    zone, before = "shop.com", world.stored("shop.com")["Value"]
    code, out, errors = world.run(*rotate(zone), manager=world.create(zone))
    assert code == 1 and "the admin token must be able to read and edit its user's tokens" in errors, (
        out,
        errors,
    )
    code, _, errors = world.run(*rotate(zone), manager=None)
    assert code == 2 and "set CLOUDFLARE_API_TOKEN to an admin token" in errors
    assert world.stored(zone)["Value"] == before and world.purges(zone)


def test_a_token_that_is_already_refused_is_replaced(world):
    zone = "shop.com"
    world.ministack.put_token(ZONES[zone][2], "cfut_nobody-has-this-token-0000000000")
    code, out, errors = world.run(*rotate(zone))
    assert (code, out) == (1, "") and "add --least-rights" in errors, errors
    out = world.done(*rotate(zone, more=("--least-rights",)))
    assert f"that can only purge {zone} ({ZONES[zone][0]})" in out
    assert "is already refused" in out and world.purges(zone)


def stopped(world, arguments, manager):
    """Kills a command where the proxy interrupts it. Returns whether it had already finished."""
    process = world.start(*arguments, manager=manager, through_proxy=True)
    aws.wait_for("the command", lambda: world.proxy.waiting.is_set() or process.poll() is not None, 60)
    is_over = process.poll() is not None
    process.kill()
    process.communicate()
    return is_over


@pytest.mark.parametrize("zone", ["shop.com", "shop.net"])
def test_a_rotation_can_be_interrupted_at_each_call_without_loss_or_leak(world, zone):
    manager = manager_of(zone)
    calls, lost = 0, []
    while True:
        for lose_answer in (False, True):
            world.first_tokens()
            world.proxy.stop_after(calls, lose_answer)
            is_over = stopped(world, rotate(zone), manager)
            lost.append(world.proxy.seen[-1])
            # In any case, the stored token may purge.
            assert world.purges(zone), (calls, lose_answer, world.proxy.seen)
            world.proxy.let_all_pass()
            if is_over:
                break
            out = world.done(*rotate(zone), manager=manager)
            assert world.purges(zone), (calls, lose_answer, out)
            [token] = world.of_zone(zone)
            assert token["status"] == "active", (calls, lose_answer, out)
        if is_over:
            break
        calls += 1
    # Read, create, try, store, delete.
    assert calls > 10, lost
    for part in ("POST", "PutParameter", "DELETE"):
        assert any(part in call for call in lost), lost


def test_a_rotation_that_may_be_in_progress_is_not_disturbed(world):
    zone = "shop.com"
    # It is interrupted after it has created a token and before it has stored it.
    world.proxy.stop_after(10**6)
    world.done(*rotate(zone), through_proxy=True)
    create = next(
        index for index, call in enumerate(world.proxy.seen) if call.startswith("POST") and call.endswith("/tokens")
    )
    world.first_tokens()
    world.proxy.stop_after(create + 1)
    assert not stopped(world, rotate(zone), MANAGER)
    world.proxy.let_all_pass()
    assert len(world.of_zone(zone)) == 2
    hasty = ("rotate", "--zone", zone, "--yes", "--wait", "0")
    may_go_on = "by a rotation that may still be running: wait for it, or add --take-over"
    code, out, errors = world.run(*hasty)
    assert code == 1 and may_go_on in errors, (out, errors)
    assert world.stored(zone)["Version"] == 1 and len(world.of_zone(zone)) == 2
    # Also while one waits for the caches: the other would delete tokens that are still cached.
    with world.start("rotate", "--zone", zone, "--yes", "--take-over", "--wait", "3") as waiting:
        aws.wait_for("the new token is stored", lambda: world.stored(zone)["Version"] == 2)
        code, out, errors = world.run(*hasty)
        assert code == 1 and may_go_on in errors, (out, errors)
        assert len(world.of_zone(zone)) == 3 and waiting.wait(60) == 0
    assert len(world.of_zone(zone)) == 1 and world.stored(zone)["Version"] == 2


def test_a_token_that_must_not_be_used_from_here_is_not_invalid(world):
    zone = "shop.com"
    secret = world.create(zone, condition={"request.ip": {"in": ["192.0.2.0/24"]}})
    world.ministack.put_token(ZONES[zone][2], secret)
    code, _, errors = world.run(*rotate(zone))
    assert code == 1 and "couldn't verify the stored token: HTTP 403: 9109 Cannot use the access token from" in errors
    assert world.stored(zone)["Value"] == secret and len(world.of_zone(zone)) == 2


def test_a_leaked_token_is_rolled(world):
    zone = "shop.com"
    old = world.stored(zone)["Value"]
    [before] = world.of_zone(zone)
    code, out, errors = world.run("rotate", "--zone", zone, "--roll", "--yes")
    assert code == 0, (out, errors)
    assert "at once; purges fail until" in errors and f"--token-id {before['id']}" in errors
    [after] = world.of_zone(zone)
    assert after["id"] == before["id"] and world.purges(zone) and not world.purges(zone, old)
    assert world.stored(zone)["Value"] not in out + errors


def test_an_interrupted_roll_is_rolled_again(world):
    zone = "shop.com"
    [token] = world.of_zone(zone)
    world.api(
        "PUT", f"/user/tokens/{token['id']}/value", MANAGER, {}
    )  # as if the run had been interrupted before it was stored
    assert not world.purges(zone)
    code, _, errors = world.run("rotate", "--zone", zone, "--roll", "--yes")
    assert code == 1 and "name the token with --token-id" in errors
    world.done("rotate", "--zone", zone, "--roll", "--yes", "--token-id", token["id"])
    assert world.purges(zone) and len(world.of_zone(zone)) == 1


def test_a_good_token_that_is_refused_once_is_not_invalid(world):
    zone = "shop.com"
    world.done(*rotate(zone))
    [before], stored = world.of_zone(zone), world.stored(zone)["Value"]
    # Nothing can be created, so the existing token must stay.
    world.proxy.refuse("/verify", 401, NOT_AUTHENTIC, times=1)
    world.proxy.refuse("POST /client/v4/user/tokens", 500, refusal(1, "no"))
    code, _, errors = world.run(*rotate(zone), through_proxy=True)
    assert code == 1 and "creating a token" in errors
    assert world.of_zone(zone) == [before] and world.purges(zone, stored)
    # A token that is always refused is not deleted either, before another is stored.
    world.proxy.refuse("/verify", 401, NOT_AUTHENTIC, holding=stored)
    code, out, errors = world.run(*rotate(zone), through_proxy=True)
    assert code == 1 and "set the zone's `account_id` to the token's account" in errors, (out, errors)
    world.proxy.refuse("/purge_cache", 401, NOT_AUTHENTIC, holding=stored)
    code, out, errors = world.run(*rotate(zone, more=("--least-rights",)), through_proxy=True)
    assert code == 1 and "is already refused" in out, (out, errors)
    assert world.of_zone(zone) == [before] and world.purges(zone, stored)
    world.proxy.let_all_pass()
    world.proxy.refuse("/verify", 401, NOT_AUTHENTIC, times=1)
    world.done(*rotate(zone), through_proxy=True)
    assert len(world.of_zone(zone)) == 1 and world.purges(zone) and not world.purges(zone, stored)


@pytest.mark.parametrize("trouble", ["throttled", "denied", "hidden"])
def test_an_old_token_is_kept_if_its_users_are_unknown(world, trouble):
    world.ministack.put_token(ZONES["shop.net"][2], world.stored("shop.com")["Value"])
    old = world.stored("shop.com")["Value"]
    name = ZONES["shop.net"][2]
    match trouble:
        case "throttled":
            error = {"__type": "ThrottlingException", "message": "slow down"}
            world.proxy.refuse("GetParameter", 400, error, holding=f'"{name}"')
        case "denied":
            error = {"__type": "AccessDeniedException", "message": "no"}
            world.proxy.refuse("GetParameter", 400, error, holding=f'"{name}"')
        case "hidden":  # the kind of token does not say who owns it
            world.proxy.refuse("/verify", 429, refusal(971, "too many"), holding=old, skip=1)
    code, out, errors = world.run(*rotate("shop.com"), through_proxy=True)
    if trouble == "hidden":
        assert code == 0 and "is kept: shop.net of team shop uses it, too" in errors, (out, errors)
    else:
        assert code == 1 and "is kept: shop.net of team shop may use it, too: " in errors, (out, errors)
    assert world.purges("shop.com") and world.purges("shop.com", old)


@pytest.mark.parametrize("status", [404, 403, 503])
def test_the_old_tokens_rights_are_not_guessed(world, status):
    zone = "shop.com"
    only_here = {"request.ip": {"in": ["127.0.0.0/8"]}}
    world.ministack.put_token(ZONES[zone][2], world.create(zone, condition=only_here))
    tokens, stored = world.of_zone(zone), world.stored(zone)
    [token] = [token for token in tokens if "condition" in token]
    world.proxy.refuse(f"GET /client/v4/user/tokens/{token['id']}", status, refusal(1003, "no"))
    code, out, errors = world.run(*rotate(zone), through_proxy=True)
    assert code == 1 and f"couldn't read the permissions of the stored token {token['id']}" in errors, (out, errors)
    assert "--least-rights" in errors and (world.of_zone(zone), world.stored(zone)) == (tokens, stored)
    out = world.done(*rotate(zone, more=("--least-rights",)), through_proxy=True)
    assert "never expires" in out and world.purges(zone)
    [policy] = next(token for token in world.of_zone(zone) if token["name"].endswith(zone))["policies"]
    assert list(policy["resources"]) == [f"com.cloudflare.api.account.zone.{ZONES[zone][0]}"]


def test_another_users_token_is_not_taken_for_deleted(world):
    zone = "shop.com"
    old = world.stored(zone)["Value"]
    world.proxy.refuse("DELETE /client/v4/user/tokens/", 404, refusal(1003, "no such token"))
    code, out, errors = world.run(*rotate(zone), through_proxy=True)
    assert code == 1 and "is kept: it belongs to another user, and only that user can delete it" in errors, (
        out,
        errors,
    )
    assert world.purges(zone) and world.purges(zone, old)
    world.done(*rotate(zone))
    assert world.purges(zone) and not world.purges(zone, old) and len(world.of_zone(zone)) == 1


def test_a_token_replaced_by_an_earlier_rotation_is_deleted_too(world):
    zone, first = "shop.com", world.stored("shop.com")["Value"]
    # It is interrupted before it deletes the first one, and then a user stores another by hand.
    with world.start("rotate", "--zone", zone, "--yes", "--wait", "600") as waiting:
        aws.wait_for("the new token is stored", lambda: world.stored(zone)["Version"] == 2)
        waiting.kill()
    second = world.stored(zone)["Value"]
    world.done("put", "--zone", zone, "--overwrite", stdin=world.create(zone), manager=None)
    out = world.done(*rotate(zone))
    assert len(world.of_zone(zone)) == 1 and world.purges(zone), out
    assert not world.purges(zone, first) and not world.purges(zone, second)


def broken_off(world, zone):
    """A rotation that is interrupted while it waits: the new token is stored and the old one exists."""
    version = world.stored(zone)["Version"]
    with world.start("rotate", "--zone", zone, "--yes", "--take-over", "--wait", "600") as waiting:
        aws.wait_for("the new token is stored", lambda: world.stored(zone)["Version"] == version + 1)
        waiting.kill()


def test_a_token_is_deleted_before_the_one_that_names_it(world):
    zone, first = "shop.com", world.stored("shop.com")["Value"]
    [made_by_hand] = world.of_zone(zone)
    broken_off(world, zone)
    # The second run must not delete tokens that it did not create.
    world.proxy.refuse(f"DELETE /client/v4/user/tokens/{made_by_hand['id']}", 503, refusal(1, "no"))
    code, out, errors = world.run(*rotate(zone), through_proxy=True)
    assert code == 1 and "its name records the token that it replaced" in errors, (out, errors)
    assert world.purges(zone, first)
    world.done(*rotate(zone))
    assert len(world.of_zone(zone)) == 1 and world.purges(zone) and not world.purges(zone, first)


def test_tokens_that_use_up_the_limit_are_deleted_first(world):
    broken_off(world, "shop.com")
    while len(world.tokens("/user", MANAGER)) < 50:
        world.create("blog.org")
    world.done(*rotate("shop.com"))
    assert world.purges("shop.com") and len(world.of_zone("shop.com")) == 1


@pytest.mark.parametrize("code", ["TooManyUpdates", "AccessDeniedException", "InternalServerError"])
def test_a_token_that_was_stored_despite_an_error_is_kept(world, code):
    error = {"__type": code, "message": "no"}
    world.proxy.refuse("PutParameter", 500 if code == "InternalServerError" else 400, error, carried_out=True)
    world.done(*rotate("shop.com"), through_proxy=True)
    assert world.purges("shop.com") and len(world.of_zone("shop.com")) == 1


def test_zones_that_share_a_parameter_are_rotated_together(world):
    text = world.mappings.read_text()
    try:
        for domain in ("shop.com", "shop.net"):
            host = f'hostnames = ["www.{domain}"]'
            text_of_both = world.mappings.read_text().replace(host, f'{host}\ntoken = "both"')
            world.mappings.write_text(text_of_both.replace(f'account_id = "{ACCOUNT_ID}"\n', ""))
        name = "/purge-router/shop/both"
        zone_ids = [ZONES[zone][0] for zone in ("shop.com", "shop.net")]
        resources = {f"com.cloudflare.api.account.zone.{zone_id}": "*" for zone_id in zone_ids}
        policy = {"effect": "allow", "resources": resources, "permission_groups": [{"id": PURGES}]}
        old = world.api("POST", "/user/tokens", MANAGER, {"name": "for both", "policies": [policy]})["value"]
        world.ministack.put_token(name, old)
        for named, more in (("shop.com", ()), ("shop.net", ("--least-rights",))):
            out = world.done(*rotate(named, more=more))
            assert "shop.com and shop.net of team shop: " in out
            now = world.ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]
            assert all(world.purges(zone, now) and not world.purges(zone, old) for zone in ("shop.com", "shop.net"))
            old = now
    finally:
        world.ssm.delete_parameters(Names=["/purge-router/shop/both"])
        world.mappings.write_text(text)


def test_with_room_for_one_more_token_zones_are_rotated_one_by_one(world):
    while len(world.tokens("/user", MANAGER)) < 49:
        world.create("blog.org")
    world.done(*rotate("shop.com", "blog.org"))
    for zone in ("shop.com", "blog.org"):
        assert world.stored(zone)["Version"] == 2 and world.purges(zone)
    assert len(world.tokens("/user", MANAGER)) == 49


def test_a_token_with_other_uses_is_not_rolled(world):
    other = world.create("blog.org")
    [token] = [it for it in world.of_zone("blog.org") if world.purges("blog.org", other)][-1:]
    for stored in ("good", "dead"):
        if stored == "dead":
            world.ministack.put_token(ZONES["shop.com"][2], "cfut_nobody-has-this-token-0000000000")
        arguments = ("rotate", "--zone", "shop.com", "--roll", "--yes", "--token-id", token["id"])
        code, out, errors = world.run(*arguments)
        reason = "holds another token" if stored == "good" else "can't purge shop.com, so it is not rolled"
        assert code == 1 and reason in errors, (out, errors)
        assert world.purges("blog.org", other)


def test_a_token_that_can_not_be_stored_is_not_rolled(world):
    error = {"__type": "AccessDeniedException", "message": "no"}
    world.proxy.refuse("PutParameter", 400, error)
    code, _, errors = world.run("rotate", "--zone", "shop.com", "--roll", "--yes", through_proxy=True)
    assert code == 1 and "AccessDeniedException: no; nothing was rolled" in errors
    assert world.purges("shop.com")


def test_a_roll_overwrites_no_concurrent_change(world):
    zone, name = "shop.com", ZONES["shop.com"][2]
    parameter = {"Name": name, "Type": "SecureString", "Value": "cfut_of-somebody-0000000000000000", "Version": 7}
    world.proxy.refuse("GetParameter", 200, {"Parameter": parameter}, holding=f'"{name}"', skip=2)
    code, _, errors = world.run("rotate", "--zone", zone, "--roll", "--yes", through_proxy=True)
    assert code == 1 and "another token was stored in the meantime and is kept; nothing was rolled" in errors
    assert world.purges(zone) and world.stored(zone)["Version"] == 1


def test_a_roll_reports_parameters_that_it_can_not_read(world):
    name = ZONES["shop.net"][2]
    world.proxy.refuse("GetParameter", 400, {"__type": "AccessDeniedException", "message": "no"}, holding=f'"{name}"')
    code, _, errors = world.run("rotate", "--zone", "shop.com", "--roll", "--yes", through_proxy=True)
    assert code == 1 and "shop.net of team shop may use the same token, and would keep the old secret" in errors
    assert world.purges("shop.com")


def test_a_roll_can_be_interrupted_at_each_call_and_another_one_repairs_all_parameters(world):
    zones = ("shop.com", "blog.org")
    zone_ids = [ZONES[zone][0] for zone in zones]
    calls = 0
    text = world.mappings.read_text()
    # Zones of one team, so that each is known to have the other's token.
    world.mappings.write_text(
        text.replace("teams.blog.zones", "teams.shop.zones").replace("[teams.blog]", "[teams.other]")
    )
    parameters = ("/purge-router/shop/shop.com", "/purge-router/shop/blog.org")
    try:
        while True:
            for lose_answer in (False, True):
                world.first_tokens()
                resources = {f"com.cloudflare.api.account.zone.{zone_id}": "*" for zone_id in zone_ids}
                policy = {"effect": "allow", "resources": resources, "permission_groups": [{"id": PURGES}]}
                made = world.api("POST", "/user/tokens", MANAGER, {"name": "for both", "policies": [policy]})
                for parameter in parameters:
                    world.ministack.put_token(parameter, made["value"])
                world.proxy.stop_after(calls, lose_answer)
                is_over = stopped(world, ("rotate", "--zone", "shop.com", "--roll", "--yes"), MANAGER)
                world.proxy.let_all_pass()
                if is_over:
                    break
                world.done("rotate", "--zone", "shop.com", "--roll", "--yes", "--token-id", made["id"])
                for zone, parameter in zip(zones, parameters, strict=True):
                    secret = world.ssm.get_parameter(Name=parameter, WithDecryption=True)["Parameter"]["Value"]
                    assert secret != made["value"] and world.purges(zone, secret), (calls, lose_answer, zone)
            if is_over:
                break
            calls += 1
        assert calls > 8
    finally:
        world.mappings.write_text(text)
        world.ssm.delete_parameters(Names=list(parameters[1:]))


def test_a_good_token_is_not_reported_as_bad(world):
    zone, account = "shop.net", f'account_id = "{ACCOUNT_ID}"\n'
    text = world.mappings.read_text()
    try:
        world.mappings.write_text(text.replace(account, ""))
        code, lines = verified(world, "--zone", zone)
        assert (code, lines[zone]["may_purge"], lines[zone]["problems"]) == (0, True, [])
        [warning] = lines[zone]["warnings"]
        assert "set the zone's `account_id` to the token's account" in warning
    finally:
        world.mappings.write_text(text)
    # Cloudflare's rate limits do not mean that the token is bad.
    world.proxy.refuse("/purge_cache", 429, refusal(971, "too many"))
    code, out, _ = world.run("verify", "--json", "--zone", zone, manager=None, through_proxy=True)
    [line] = json.loads(out)
    assert (code, line["may_purge"]) == (1, None) and "couldn't check that it can purge the zone: HTTP 429" in out
    secret = world.create(zone)
    code, _, errors = world.run("put", "--zone", zone, "--overwrite", stdin=secret, manager=None, through_proxy=True)
    assert code == 1 and "couldn't check that it can purge shop.net: HTTP 429" in errors


def test_users_can_purge_by_hand_with_the_stored_tokens(world):
    zone, parameter = "shop.com", ZONES["shop.com"][2]
    purge = ("https://www.shop.com/by-hand.css", "--json")
    token = world.stored(zone)["Value"]
    world.cloudflare.purges()
    [outcome] = json.loads(world.done(*purge, command="purge", manager=None))["outcomes"]
    assert (outcome["status"], outcome["attempts"]) == ("purged", 1)
    [(zone_id, end_of_token, body, status)] = world.cloudflare.purges()
    assert (zone_id, end_of_token, status) == (ZONES[zone][0], token[-4:], 200)
    assert body == {"files": ["https://www.shop.com/by-hand.css"]}
    world.ssm.delete_parameters(Names=[parameter])
    code, out, _ = world.run(*purge, command="purge", manager=None)
    [outcome] = json.loads(out)["outcomes"]
    reason = f"CLOUDFLARE_API_TOKEN is not set, and {parameter}: SSM has no such parameter in this region; "
    assert (code, outcome["status"], outcome["attempts"]) == (1, "token-missing", 0) and reason in outcome["error"]
    # The one in the environment has precedence.
    world.done(*purge, command="purge", manager=token)


def test_no_output_holds_a_secret_even_at_trace_level(world):
    zone, parameter = "shop.com", ZONES["shop.com"][2]
    secrets, outputs = {MANAGER, world.stored(zone)["Value"]}, []

    def note(*arguments, code=0, **how):
        seen, out, errors = world.run(*arguments, log="trace", **how)
        assert seen == code, (arguments, seen, out, errors[-2000:])
        outputs.append(out + errors)
        secrets.add(world.stored(zone)["Value"])

    note("verify", "--zone", zone)
    note("status", "--zone", zone, "--json")
    note(*rotate(zone))
    note(*rotate(zone, more=("--from", "192.0.2.1/32")), code=1)
    note("rotate", "--zone", zone, "--roll", "--yes")
    note("https://www.shop.com/a.css", command="purge", manager=None)
    # Unreadable text may contain an unknown secret.
    secrets.add("a-secret-without-a-prefix-0000000000")
    world.proxy.refuse("POST /client/v4/user/tokens", 200, {"value": "a-secret-without-a-prefix-0000000000"})
    note(*rotate(zone), code=1, through_proxy=True)
    by_hand = world.create(zone)
    secrets.add(by_hand)
    note("put", "--zone", zone, "--overwrite", stdin=by_hand)
    of_another = world.create("blog.org")
    secrets.add(of_another)
    note("put", "--zone", zone, "--overwrite", stdin=of_another, code=1)
    world.ministack.put_token(parameter, of_another)
    note("verify", "--zone", zone, code=1)
    secrets.add("cfut_in-the-clear-00000000000000")
    world.ssm.delete_parameters(Names=[parameter])
    world.ministack.put_token(parameter, "cfut_in-the-clear-00000000000000", "String")
    note("verify", "--zone", zone, code=1)
    text = "\n".join(outputs)
    assert len(text) > 100_000, "everything is logged"
    for secret in secrets:
        forms = [secret, base64.b64encode(secret.encode()).decode(), ", ".join(str(byte) for byte in secret.encode())]
        assert not [form for form in forms if form in text], secret[:9]
