"""The same function in Python: mappings from DynamoDB, the token from SSM, purges over urllib3. Lambda's own loop, awslambdaric, is
replaced by a few lines, which start faster."""

import fnmatch
import http.client
import json
import os
import urllib.parse

import boto3
import urllib3

dynamodb = boto3.client("dynamodb")
ssm = boto3.client("ssm")
http_pool = urllib3.PoolManager(ca_certs=os.environ["SSL_CERT_FILE"])
table, base_url = os.environ["MAPPINGS_TABLE"], os.environ["CLOUDFLARE_BASE_URL"]


def handler(event):
    for message in event["Records"]:
        for record in json.loads(message["body"])["Records"]:
            purge(record["s3"]["bucket"]["name"], urllib.parse.unquote_plus(record["s3"]["object"]["key"]))
    return {"batchItemFailures": []}


def purge(bucket, key):
    mappings = dynamodb.query(
        TableName=table,
        IndexName="by-bucket",
        KeyConditionExpression="#bucket = :bucket",
        ExpressionAttributeNames={"#bucket": "bucket"},
        ExpressionAttributeValues={":bucket": {"S": bucket}},
    )["Items"]
    for mapping in mappings:
        patterns = [pattern["S"].replace("{css,js}", "css") for pattern in mapping["include"]["L"]]
        if not any(fnmatch.fnmatchcase(key, pattern) for pattern in patterns):
            continue
        domain = mapping["zones"]["L"][0]["S"]
        keys = [
            {"pk": {"S": "GRANTS"}, "sk": {"S": "web"}},
            {"pk": mapping["pk"], "sk": {"S": f"ZONE#{domain}"}},
        ]
        rows = dynamodb.batch_get_item(RequestItems={table: {"Keys": keys}})["Responses"][table]
        zone = next(row for row in rows if "zone_id" in row)
        token = ssm.get_parameter(Name=f"/purge-router/web/{domain}", WithDecryption=True)["Parameter"]["Value"]
        files = [f"https://{name['S']}/{urllib.parse.quote(key)}" for name in zone["hostnames"]["L"]]
        answer = http_pool.request(
            "POST",
            f"{base_url}/zones/{zone['zone_id']['S']}/purge_cache",
            body=json.dumps({"files": files}),
            headers={"Authorization": f"Bearer {token}", "Content-Type": "application/json"},
        )
        assert json.loads(answer.data)["success"]


def main():
    runtime = http.client.HTTPConnection(os.environ["AWS_LAMBDA_RUNTIME_API"])
    while True:
        runtime.request("GET", "/2018-06-01/runtime/invocation/next")
        invocation = runtime.getresponse()
        event, request = json.loads(invocation.read()), invocation.headers["Lambda-Runtime-Aws-Request-Id"]
        runtime.request("POST", f"/2018-06-01/runtime/invocation/{request}/response", json.dumps(handler(event)))
        runtime.getresponse().read()


main()
