"""`tokens rotate`: a second token replaces the first one, even if the command is interrupted."""

import signal

import pytest

import aws
from tokens_world import ACCOUNT_ID, MANAGER, PURGES, ZONES, _tokens, _world, manager_of, rotate, signaled, stopped  # noqa: F401, for pytest


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


@pytest.mark.parametrize("is_answered", [True, False])
def test_a_rotation_ends_cleanly_on_a_signal_at_each_call(world, is_answered):
    zone, calls, states = "shop.com", 0, set()
    while True:
        world.first_tokens()
        if is_answered:
            world.proxy.pause_at(calls)
        else:
            world.proxy.stop_after(calls)
        number, code = ((signal.SIGINT, 130), (signal.SIGTERM, 143))[calls % 2]
        ended = signaled(world, rotate(zone), MANAGER, number)
        assert world.purges(zone), (calls, ended)
        world.proxy.let_all_pass()
        if ended is None:
            break
        calls += 1
        if ended[0] == 0:
            # The signal came at the last call, which was carried out.
            assert is_answered and "deleted" in ended[1], (calls, ended)
            assert len(world.of_zone(zone)) == 1
            continue
        assert ended[0] == code and "stopped" in ended[2], (calls, ended)
        states |= {line.split("stopped")[1] for line in ended[2].splitlines() if "stopped" in line}
        lines = [line for line in ended[2].splitlines() if line.startswith("to complete it: purge-router ")]
        # Before anything is written there is nothing to complete.
        assert bool(lines) or "nothing was written" in ended[2], (calls, ended)
        arguments = lines[0].split()[5:] if lines else rotate(zone)
        world.done(*arguments)
        [token] = world.of_zone(zone)
        assert token["status"] == "active" and world.purges(zone), (calls, ended)
    assert calls > 10 and len(states) > 2, (calls, states)


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
