"""SIGKILL under load: every answered call has its record, every acknowledged change is there, and no record is double."""

import json
import threading
import time
from collections import Counter

import boto3
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from harness import REGION, Server

KILLS = 25
CALLERS = 6
SECONDS_OF_LOAD = 0.5


def client(server, service):
    exports = server.environment()
    return boto3.client(
        service, endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        config=Config(retries={"total_max_attempts": 1}, connect_timeout=2, read_timeout=5, max_pool_connections=CALLERS),
    )


class Caller(threading.Thread):
    """Calls until the server is gone and remembers what was answered."""

    def __init__(self, kms, number):
        super().__init__()
        self.kms, self.number = kms, number
        self.answered, self.keys, self.blobs = [], [], []

    def run(self):
        try:
            while True:
                key = self.answer(self.kms.create_key, Description=f"caller {self.number}")["KeyMetadata"]["KeyId"]
                self.keys.append(key)
                for _ in range(5):
                    blob = self.answer(self.kms.encrypt, KeyId=key, Plaintext=b"hello")["CiphertextBlob"]
                    self.blobs.append(blob)
                    self.answer(self.kms.generate_data_key, KeyId=key, KeySpec="AES_256")
                try:
                    self.kms.disable_key_rotation(KeyId="no such key")
                except ClientError as refused:
                    self.answered.append(refused.response["ResponseMetadata"]["RequestId"])
        except BotoCoreError:
            pass  # The server was killed: this call was not answered.

    def answer(self, operation, **request):
        response = operation(**request)
        self.answered.append(response["ResponseMetadata"]["RequestId"])
        return response


def records(server):
    """Every record of the history, page by page."""
    trail = client(server, "cloudtrail")
    for page in trail.get_paginator("lookup_events").paginate():
        for event in page["Events"]:
            yield event


def test_nothing_acknowledged_is_lost(tmp_path):
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    answered, keys, blobs = [], [], []
    for _ in range(KILLS):
        server.start()
        kms = client(server, "kms")
        callers = [Caller(kms, number) for number in range(CALLERS)]
        for caller in callers:
            caller.start()
        time.sleep(SECONDS_OF_LOAD)
        server.kill()
        for caller in callers:
            caller.join()
            answered += caller.answered
            keys += caller.keys
            blobs += caller.blobs[-1:]
    server.start()
    try:
        kms = client(server, "kms")
        assert len(answered) > KILLS
        seen_requests, seen_events = set(), Counter()
        for event in records(server):
            record = json.loads(event["CloudTrailEvent"])
            seen_events[record["eventID"]] += 1
            seen_requests.add(record.get("requestID"))
        assert not [request for request in answered if request not in seen_requests], "answered without a record"
        assert not [event for event, count in seen_events.items() if count > 1], "a record is double"
        stored = {key["KeyId"] for page in kms.get_paginator("list_keys").paginate() for key in page["Keys"]}
        assert not set(keys) - stored, "an acknowledged key is gone"
        for blob in blobs:
            assert kms.decrypt(CiphertextBlob=blob)["Plaintext"] == b"hello"
        print(f"{len(answered)} answered calls, {len(keys)} keys, {sum(seen_events.values())} records, {KILLS} kills")
    finally:
        server.stop()
