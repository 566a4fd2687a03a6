"""boto3 asks DynamoDB and SQS, which a server on loopback stands for."""

import hashlib
import json

import _loopback
import boto3

answer = {
    "TableNames": ["orders"],
    "MessageId": "1",
    "MD5OfMessageBody": hashlib.md5(b"order").hexdigest(),
    "MD5OfMessageAttributes": "0" * 32,
}
with _loopback.http(json.dumps(answer).encode()) as url:
    session = boto3.Session("key", "not a secret", region_name="eu-west-1")
    print(session.client("dynamodb", endpoint_url=url).list_tables()["TableNames"])
    queue = boto3.client(
        "sqs", endpoint_url=url, region_name="eu-west-1", aws_access_key_id="key", aws_secret_access_key="not a secret"
    )
    print(queue.send_message(QueueUrl=f"{url}/1/orders", MessageBody="order")["MessageId"])
