"""Which tokens a rotation deletes afterwards, and which it keeps."""

import pytest

import aws
from tokens_world import MANAGER, ZONES, _tokens, _world, broken_off, refusal, rotate  # noqa: F401, for pytest


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
