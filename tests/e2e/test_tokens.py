"""`purge-router tokens` on SSM and the sandbox: what it verifies, stores and shows."""

import base64
import json

import pytest

from tokens_world import ACCOUNT_ID, MANAGER, NOT_AUTHENTIC, PURGES, ZONES, _tokens, _world, refusal, rotate, verified  # noqa: F401, for pytest


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


def test_a_token_that_must_not_be_used_from_here_is_not_invalid(world):
    zone = "shop.com"
    secret = world.create(zone, condition={"request.ip": {"in": ["192.0.2.0/24"]}})
    world.ministack.put_token(ZONES[zone][2], secret)
    code, _, errors = world.run(*rotate(zone))
    assert code == 1 and "couldn't verify the stored token: HTTP 403: 9109 Cannot use the access token from" in errors
    assert world.stored(zone)["Value"] == secret and len(world.of_zone(zone)) == 2


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
