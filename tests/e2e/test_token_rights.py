"""Rights on tokens, tried for real: a team writes and reads only its own, the function reads all and writes none, and a
team's KMS key denies users who may read SSM."""

import json

import botocore.exceptions
import pytest

from aws import ACCOUNT, REGION, TEAM_TEMPLATE, read_template
from conftest import BUCKET, PACKAGE_MAPPINGS, TEAMS, ZONES

ADMINISTRATOR = "administrator"
WITH_KEY = {team: f"{team} with a key" for team in TEAMS}
TEAM_OF = {**{team: team for team in TEAMS}, **{who: team for team, who in WITH_KEY.items()}}


def token_of(team):
    return f"/purge-router/{team}/rights"


FOREIGN = (token_of("docs"), token_of("web-eu"), "/purge-router/rights", "/purge-router-2/web/rights", "/other/rights")


@pytest.fixture(scope="module")
def keys(_world):
    """The outputs of the stacks of teams with a key, by team. The teams of the world have no key."""
    template, stack = read_template(TEAM_TEMPLATE), _world.stack
    create = lambda team: _world.ministack.create_stack(
        f"team-{team}-with-key",
        template,
        Team=team,
        TableArn=stack.table_arn,
        CreateTokenKey="true",
        FunctionRoleArn=stack.role_arn,
    )
    return {team: create(team) for team in TEAMS}


@pytest.fixture(scope="module")
def clients(_world, keys):
    """Creates clients of a service for a principal: a team's editor, the function or the account's administrator."""
    credentials = {team: _world.credentials[team] for team in TEAMS}
    for team, who in WITH_KEY.items():
        credentials[who] = _world.ministack.create_user(who.replace(" ", "-"), keys[team]["PolicyArn"])
    credentials |= {"function": _world.stack.role_credentials(), ADMINISTRATOR: None}
    return lambda service, who: _world.ministack.client(service, credentials[who])


@pytest.fixture
def stored(_world, keys, clients):
    """Stores one version of a token under each name of the tests, encrypted with the teams' keys on request."""
    ssm = clients("ssm", ADMINISTRATOR)

    def store(under_keys=False):
        for name in (*map(token_of, TEAMS), *FOREIGN):
            ssm.delete_parameters(Names=[name])
            team = next((team for team in TEAMS if under_keys and name == token_of(team)), None)
            key = {"KeyId": keys[team]["TokenKeyAlias"]} if team else {}
            ssm.put_parameter(Name=name, Value=f"old of {name}", Type="SecureString", **key)

    store()
    return store


def get(ssm, name):
    return ssm.get_parameter(Name=name, WithDecryption=True)["Parameter"]["Value"]


def put(ssm, name, value="new", **more):
    ssm.put_parameter(Name=name, Value=value, Type="SecureString", Overwrite=True, **more)


def refused(call, **arguments):
    with pytest.raises(botocore.exceptions.ClientError) as refusal:
        call(**arguments)
    assert refusal.value.response["Error"]["Code"] == "AccessDeniedException", refusal.value


@pytest.mark.parametrize("who", TEAM_OF)
def test_a_team_writes_and_reads_its_own_token(stored, clients, who):
    ssm, name = clients("ssm", who), token_of(TEAM_OF[who])
    put(ssm, name)
    assert get(ssm, name) == "new"
    first = f"{name}-first"
    ssm.put_parameter(Name=first, Value="first", Type="SecureString")
    assert get(ssm, first) == "first"
    clients("ssm", ADMINISTRATOR).delete_parameter(Name=first)


@pytest.mark.parametrize("name", FOREIGN)
@pytest.mark.parametrize("who", ["web", WITH_KEY["web"]])
def test_a_team_neither_reads_nor_writes_any_other(stored, clients, who, name):
    ssm = clients("ssm", who)
    refused(ssm.get_parameter, Name=name)
    refused(ssm.get_parameter, Name=name, WithDecryption=True)
    refused(ssm.get_parameter, Name=f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}", WithDecryption=True)
    refused(ssm.get_parameter, Name=f"{name}:1", WithDecryption=True)
    refused(ssm.put_parameter, Name=name, Value="new", Type="SecureString", Overwrite=True)
    refused(ssm.put_parameter, Name=f"{name}-first", Value="new", Type="SecureString")
    refused(ssm.delete_parameter, Name=name)
    assert get(clients("ssm", ADMINISTRATOR), name) == f"old of {name}"


BY_FILE = ("--mappings", PACKAGE_MAPPINGS)


def test_a_team_purges_by_hand_with_its_own_tokens_and_no_others(world):
    code, out, errors = world.command("web", "purge", *BY_FILE, "https://www.website.fr/by-hand.css")
    assert code == 0, (out, errors)
    assert [(it[0], it[1]) for it in world.cloudflare.purges()] == [
        (ZONES["website.fr"][0], ZONES["website.fr"][2][-4:])
    ]
    code, out, errors = world.command("web", "purge", *BY_FILE, "https://docs.website.dev/by-hand.html")
    assert code == 1 and "is not authorized to perform: ssm:GetParameter on resource" in out, (out, errors)
    assert world.cloudflare.purges() == []


OWN = token_of("web")
OTHERWISE = [
    ("get_parameters", {"Names": [OWN], "WithDecryption": True}),
    ("get_parameters_by_path", {"Path": "/purge-router/web/"}),
    ("get_parameters_by_path", {"Path": "/purge-router/", "Recursive": True}),
    ("get_parameter_history", {"Name": OWN}),
    ("describe_parameters", {}),
    ("list_tags_for_resource", {"ResourceType": "Parameter", "ResourceId": OWN}),
    ("label_parameter_version", {"Name": OWN, "Labels": ["kept"]}),
    ("add_tags_to_resource", {"ResourceType": "Parameter", "ResourceId": OWN, "Tags": [{"Key": "a", "Value": "b"}]}),
    ("delete_parameters", {"Names": [OWN]}),
    ("delete_parameter", {"Name": OWN}),
]


@pytest.mark.parametrize(("call", "arguments"), OTHERWISE, ids=[call for call, _ in OTHERWISE])
@pytest.mark.parametrize("who", ["web", WITH_KEY["web"]])
def test_a_team_does_nothing_else_even_to_its_own(stored, clients, who, call, arguments):
    refused(getattr(clients("ssm", who), call), **arguments)
    # It was not refused because the resource or the call does not exist.
    getattr(clients("ssm", ADMINISTRATOR), call)(**arguments)


@pytest.mark.parametrize("under_keys", [False, True], ids=["", "under keys"])
def test_the_function_reads_the_tokens_of_all_teams_and_writes_none(stored, keys, clients, under_keys):
    stored(under_keys)
    ssm, names = clients("ssm", "function"), [token_of(team) for team in TEAMS]
    found = ssm.get_parameters(Names=names, WithDecryption=True)["Parameters"]
    assert {it["Name"]: it["Value"] for it in found} == {name: f"old of {name}" for name in names}
    for team, name in zip(TEAMS, names, strict=True):
        write = {"Name": name, "Value": "new", "Type": "SecureString", "Overwrite": True}
        refused(ssm.put_parameter, **write)
        refused(ssm.put_parameter, **write, KeyId=keys[team]["TokenKeyAlias"])
        refused(ssm.delete_parameter, Name=name)
        assert get(clients("ssm", ADMINISTRATOR), name) == f"old of {name}"


@pytest.mark.parametrize("tier", ["Standard", "Advanced"])
def test_a_team_with_a_key_writes_and_reads_under_its_own_key_only(stored, keys, clients, tier):
    ssm = clients("ssm", WITH_KEY["web"])
    put(ssm, OWN, KeyId=keys["web"]["TokenKeyAlias"], Tier=tier)
    put(ssm, OWN, "newer", KeyId=keys["web"]["TokenKeyArn"], Tier=tier)
    assert get(ssm, OWN) == "newer"
    write = {"Name": OWN, "Value": "newest", "Type": "SecureString", "Overwrite": True, "Tier": tier}
    refused(ssm.put_parameter, **write, KeyId=keys["docs"]["TokenKeyAlias"])
    refused(clients("ssm", "web").put_parameter, **write, KeyId=keys["web"]["TokenKeyAlias"])
    assert get(ssm, OWN) == "newer"


def test_a_key_denies_users_who_may_read_ssm(_world, stored, clients):
    statement = {"Effect": "Allow", "Action": "ssm:*", "Resource": "*"}
    document = json.dumps({"Version": "2012-10-17", "Statement": [statement]})
    policy = _world.ministack.client("iam").create_policy(PolicyName="all-of-ssm", PolicyDocument=document)["Policy"]
    ssm = _world.ministack.client("ssm", _world.ministack.create_user("all-of-ssm", policy["Arn"]))
    assert get(ssm, OWN) == f"old of {OWN}"
    stored(under_keys=True)
    refused(ssm.get_parameter, Name=OWN, WithDecryption=True)
    refused(ssm.get_parameters, Names=[OWN], WithDecryption=True)
    # A team without a key in its policy then can't read its own token either.
    refused(clients("ssm", "web").get_parameter, Name=OWN, WithDecryption=True)
    assert get(clients("ssm", WITH_KEY["web"]), OWN) == f"old of {OWN}"


# Contexts that a key of team web refuses.
OTHER_CONTEXTS = {
    "none": {},
    "another key": {"PARAMETER": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{OWN}"},
    **{name: {"PARAMETER_ARN": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{name}"} for name in FOREIGN},
}


@pytest.mark.parametrize("context", OTHER_CONTEXTS.values(), ids=OTHER_CONTEXTS)
def test_a_key_serves_its_teams_parameters_only(keys, clients, context):
    of_web = {"KeyId": keys["web"]["TokenKeyArn"]}
    own = {"EncryptionContext": {"PARAMETER_ARN": f"arn:aws:ssm:{REGION}:{ACCOUNT}:parameter{OWN}"}}
    other = {"EncryptionContext": context}
    administrator, editor, function = (clients("kms", who) for who in (ADMINISTRATOR, WITH_KEY["web"], "function"))

    good = editor.encrypt(**of_web, Plaintext=b"token", **own)["CiphertextBlob"]
    editor.generate_data_key(**of_web, KeySpec="AES_256", **own)
    for client in (editor, function):
        assert client.decrypt(**of_web, CiphertextBlob=good, **own)["Plaintext"] == b"token"

    bad = administrator.encrypt(**of_web, Plaintext=b"token", **other)["CiphertextBlob"]
    assert administrator.decrypt(**of_web, CiphertextBlob=bad, **other)["Plaintext"] == b"token"
    for client in (editor, function, clients("kms", "web"), clients("kms", WITH_KEY["docs"])):
        refused(client.decrypt, **of_web, CiphertextBlob=bad, **other)
        refused(client.encrypt, **of_web, Plaintext=b"token", **other)
        refused(client.generate_data_key, **of_web, KeySpec="AES_256", **other)
    refused(function.encrypt, **of_web, Plaintext=b"token", **own)
    refused(function.generate_data_key, **of_web, KeySpec="AES_256", **own)
    for client in (clients("kms", "web"), clients("kms", WITH_KEY["docs"])):
        refused(client.decrypt, **of_web, CiphertextBlob=good, **own)
        refused(client.encrypt, **of_web, Plaintext=b"token", **own)


@pytest.mark.parametrize("who", [WITH_KEY["web"], "function"])
def test_nobody_who_uses_a_key_manages_it(keys, clients, who):
    kms, key = clients("kms", who), {"KeyId": keys["web"]["TokenKeyArn"]}
    refused(kms.describe_key, **key)
    refused(kms.get_key_policy, **key)
    refused(kms.put_key_policy, **key, PolicyName="default", Policy="{}")
    refused(kms.create_grant, **key, GranteePrincipal=f"arn:aws:iam::{ACCOUNT}:user/docs", Operations=["Decrypt"])
    refused(kms.disable_key, **key)
    refused(kms.schedule_key_deletion, **key)


def test_the_function_purges_with_a_token_under_the_teams_key(world, keys, clients):
    zone_id, parameter, _ = ZONES["website.fr"]
    world.cloudflare.revoke_all_tokens()
    world.cloudflare.set_token("cfut_under-the-key-1KEY", zone_id)
    put(clients("ssm", WITH_KEY["web"]), parameter, "cfut_under-the-key-1KEY", KeyId=keys["web"]["TokenKeyAlias"])
    world.stack.restart()
    world.put(BUCKET, "fr/page.html", "changed")
    world.stack.wait_until_handled()
    [(zone, token, body, status)] = world.cloudflare.purges()
    assert (zone, token[-4:], body["files"], status) == (zone_id, "1KEY", ["https://www.website.fr/page.html"], 200)


def test_a_key_is_rotated_and_outlives_its_stack(_world, clients):
    name, team = "team-of-a-day", {"Team": "day", "TableArn": _world.stack.table_arn, "CreateTokenKey": "true"}
    template, role = read_template(TEAM_TEMPLATE), _world.stack.role_arn
    key = _world.ministack.create_stack(name, template, **team, FunctionRoleArn=role)
    kms = clients("kms", ADMINISTRATOR)
    assert key["TokenKeyAlias"] == "alias/purge-router-day"
    assert kms.describe_key(KeyId=key["TokenKeyAlias"])["KeyMetadata"]["Arn"] == key["TokenKeyArn"]
    assert kms.get_key_rotation_status(KeyId=key["TokenKeyArn"])["KeyRotationEnabled"] is True
    cloudformation = clients("cloudformation", ADMINISTRATOR)
    cloudformation.delete_stack(StackName=name)
    cloudformation.get_waiter("stack_delete_complete").wait(StackName=name, WaiterConfig={"Delay": 1})
    assert kms.describe_key(KeyId=key["TokenKeyArn"])["KeyMetadata"]["KeyState"] == "Enabled"


def test_another_folder_than_the_default_is_the_teams_instead_of_it(_world, clients):
    folder, ministack = "/purge-router/marketing/", _world.ministack
    parameters = {"Team": "sales", "TableArn": _world.stack.table_arn, "TokenFolder": folder}
    outputs = ministack.create_stack("team-sales", read_template(TEAM_TEMPLATE), **parameters)
    assert outputs.keys() == {"PolicyArn"}, "no key unless it is asked for"
    ssm = ministack.client("ssm", ministack.create_user("sales", outputs["PolicyArn"]))
    put(ssm, f"{folder}rights")
    assert get(ssm, f"{folder}rights") == "new"
    for name in ("/purge-router/sales/rights", "/purge-router/marketing-eu/rights", OWN):
        refused(ssm.put_parameter, Name=name, Value="new", Type="SecureString", Overwrite=True)


@pytest.mark.parametrize(
    ("parameters", "said"),
    [
        ({"CreateTokenKey": "true"}, "CreateTokenKey needs FunctionRoleArn"),
        ({"TokenFolder": "/purge-router/"}, "TokenFolder must be the folder of this team"),
        ({"TokenFolder": "/purge-router/*/"}, "TokenFolder"),
        ({"TokenFolder": "/purge-router/web"}, "TokenFolder"),
    ],
)
def test_a_stack_that_would_allow_too_much_or_not_work_is_not_created(_world, parameters, said):
    with pytest.raises(botocore.exceptions.ClientError, match=said):
        _world.ministack.create_stack(
            "team-refused", read_template(TEAM_TEMPLATE), Team="web", TableArn=_world.stack.table_arn, **parameters
        )
