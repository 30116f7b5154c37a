"""`tokens roll`: a leaked secret becomes invalid at once."""

from tokens_world import MANAGER, PURGES, ZONES, _tokens, _world, rotate, stopped  # noqa: F401, for pytest


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
