"""The seed tasks of docs/walkthrough.md, with the AWS CLI against the built binary, real mail and a real web hook."""

import base64
import json
import re
import time
import urllib.request

import pytest
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.x509 import load_pem_x509_certificate

from harness import ACCOUNT, REGION, Aws, MailBox, Receiver, Refused, Server

START = "2026-11-02T08:00:00Z"


@pytest.fixture(scope="module")
def world(tmp_path_factory):
    """One server on a test clock, with mail and a web hook beside it."""
    mail, hook = MailBox(), Receiver()
    server = Server(
        tmp_path_factory.mktemp("walkthrough") / "data",
        "--test-clock", START, "--smtp", mail.url, "--allow-private-targets",
    )
    server.data_dir.mkdir()
    server.start()
    server.mail, server.hook = mail, hook
    yield server
    server.stop()
    mail.close()
    hook.close()


@pytest.fixture(scope="module")
def aws(world):
    return Aws(world)


def import_material(aws, key_id, tmp_path, valid_to):
    """Wraps 32 bytes as the KMS guide says and imports them."""
    parameters = aws(
        "kms", "get-parameters-for-import", key_id=key_id, wrapping_algorithm="RSAES_OAEP_SHA_256", wrapping_key_spec="RSA_2048"
    )
    public_key = serialization.load_der_public_key(base64.b64decode(parameters["PublicKey"]))
    oaep = padding.OAEP(mgf=padding.MGF1(hashes.SHA256()), algorithm=hashes.SHA256(), label=None)
    (tmp_path / "wrapped").write_bytes(public_key.encrypt(bytes(range(32)), oaep))
    (tmp_path / "token").write_bytes(base64.b64decode(parameters["ImportToken"]))
    aws(
        "kms", "import-key-material", key_id=key_id, encrypted_key_material=f"fileb://{tmp_path}/wrapped",
        import_token=f"fileb://{tmp_path}/token", expiration_model="KEY_MATERIAL_EXPIRES", valid_to=valid_to,
    )


def encrypt(aws, key_id, path):
    """Encrypts `hello` and leaves the ciphertext in a file, since version 1 of the CLI takes blobs from files only."""
    path.with_suffix(".plain").write_bytes(b"hello")
    answer = aws("kms", "encrypt", key_id=key_id, plaintext=f"fileb://{path.with_suffix('.plain')}")
    path.write_bytes(base64.b64decode(answer["CiphertextBlob"]))
    return f"fileb://{path}"


def subscribe_by_mail(aws, world, topic, address):
    """Subscribes an address and opens the link of the confirmation mail."""
    answer = aws("sns", "subscribe", topic_arn=topic, protocol="email", notification_endpoint=address)
    assert answer["SubscriptionArn"] == "pending confirmation"
    deadline = time.monotonic() + 10
    link = None
    while link is None and time.monotonic() < deadline:
        confirmation = world.mail.wait_for("AWS Notification - Subscription Confirmation")
        links = [
            re.search(r"https?://\S+confirmation\.html\S+", mail.text)
            for mail in world.mail.mails
            if address in mail.envelope_to and mail["subject"] == confirmation["subject"] and topic in mail.text
        ]
        link = next((found[0] for found in links if found), None)
        if link is None:
            with world.mail.arrived:
                world.mail.arrived.wait(1)
    assert link, "no confirmation mail for this topic and address"
    page = urllib.request.urlopen(link.rstrip(">.)"), timeout=10).read().decode()
    assert topic in page


def subscribe_by_hook(aws, world, topic):
    """Subscribes the web hook and visits the SubscribeURL it is sent."""
    aws("sns", "subscribe", topic_arn=topic, protocol="http", notification_endpoint=world.hook.url)
    asked = world.hook.wait_for("SubscriptionConfirmation", lambda post: post["body"]["TopicArn"] == topic)
    confirmed = urllib.request.urlopen(asked["body"]["SubscribeURL"], timeout=10).read().decode()
    assert f"<SubscriptionArn>{topic}:" in confirmed


def verify_sns_signature(message):
    """As an SNS validator does, except that the certificate comes from our own endpoint."""
    names = ["Message", "MessageId", "Subject", "SubscribeURL", "Timestamp", "Token", "TopicArn", "Type"]
    if message["Type"] == "Notification":
        names = ["Message", "MessageId", "Subject", "Timestamp", "TopicArn", "Type"]
    text = "".join(f"{name}\n{message[name]}\n" for name in names if name in message)
    certificate = load_pem_x509_certificate(urllib.request.urlopen(message["SigningCertURL"], timeout=10).read())
    digest = {"1": hashes.SHA1(), "2": hashes.SHA256()}[message["SignatureVersion"]]
    certificate.public_key().verify(base64.b64decode(message["Signature"]), text.encode(), padding.PKCS1v15(), digest)


def alarm_state(aws, name):
    return aws("cloudwatch", "describe-alarms", alarm_names=[name])["MetricAlarms"][0]["StateValue"]


def queue_bodies(aws, queue_url):
    """Everything in a queue, as JSON."""
    bodies = []
    while messages := aws("sqs", "receive-message", queue_url=queue_url, max_number_of_messages="10").get("Messages"):
        for message in messages:
            bodies.append(json.loads(message["Body"]))
            aws("sqs", "delete-message", queue_url=queue_url, receipt_handle=message["ReceiptHandle"])
    return bodies


def test_a_key_material_that_expires(world, aws, tmp_path):
    key = aws("kms", "create-key", origin="EXTERNAL")["KeyMetadata"]
    assert key["KeyState"] == "PendingImport"
    import_material(aws, key["KeyId"], tmp_path, "2026-11-22T08:00:00Z")
    assert aws("kms", "describe-key", key_id=key["KeyId"])["KeyMetadata"]["KeyState"] == "Enabled"
    world.advance("2m")
    metrics = aws("cloudwatch", "list-metrics", namespace="AWS/KMS")["Metrics"]
    dimensions = [{"Name": "KeyId", "Value": key["KeyId"]}]
    assert {"Namespace": "AWS/KMS", "MetricName": "SecondsUntilKeyMaterialExpiration", "Dimensions": dimensions} in metrics

    topic = aws("sns", "create-topic", name="expiry")["TopicArn"]
    subscribe_by_mail(aws, world, topic, "oncall@example.com")
    aws(
        "cloudwatch", "put-metric-alarm", alarm_name="KeyMaterialExpiresSoon", namespace="AWS/KMS",
        metric_name="SecondsUntilKeyMaterialExpiration", dimensions=dimensions, statistic="Minimum", period="60",
        evaluation_periods="1", threshold="864000", comparison_operator="LessThanOrEqualToThreshold", alarm_actions=[topic],
    )
    queue = aws("sqs", "create-queue", queue_name="expired")["QueueUrl"]
    queue_arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:expired"
    pattern = {"source": ["aws.kms"], "detail-type": ["KMS Imported Key Material Expiration"]}
    aws("events", "put-rule", name="expired", event_pattern=pattern)
    aws("events", "put-targets", rule="expired", targets=[{"Id": "q", "Arn": queue_arn}])

    world.advance("5m")
    assert alarm_state(aws, "KeyMaterialExpiresSoon") == "OK"
    assert not [mail for mail in world.mail.mails if "ALARM" in mail["subject"]]
    world.advance("11d")
    assert alarm_state(aws, "KeyMaterialExpiresSoon") == "ALARM"
    mail = world.mail.wait_for('ALARM: "KeyMaterialExpiresSoon"')
    assert mail.envelope_to == ["oncall@example.com"]

    world.advance("10d")
    described = aws("kms", "describe-key", key_id=key["KeyId"])["KeyMetadata"]
    assert described["KeyState"] == "PendingImport"
    events = queue_bodies(aws, queue)
    assert [event["detail"]["key-id"] for event in events] == [key["KeyId"]]


def test_b_the_busiest_key(world, aws):
    import boto3

    exports = aws.environment
    kms = boto3.client(
        "kms", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    keys = [kms.create_key()["KeyMetadata"]["Arn"] for _ in range(12)]
    for index, arn in enumerate(keys):
        for _ in range(index + 1):
            kms.generate_data_key(KeyId=arn, KeySpec="AES_256")
    now = world.keywatch("clock", "now").strip()
    world.advance("1m")
    later = world.keywatch("clock", "now").strip()
    for order in ("SUM()", "MAX ()"):
        query = (
            'SELECT SUM(SuccessfulRequest) FROM SCHEMA("AWS/KMS", KeyArn, Operation) '
            f"GROUP BY KeyArn ORDER BY {order} DESC LIMIT 20"
        )
        answer = aws(
            "cloudwatch", "get-metric-data", start_time=minute(now), end_time=later,
            metric_data_queries=[{"Id": "top", "Expression": query, "Period": 60}],
        )["MetricDataResults"]
        ours = [(series["Label"], sum(series["Values"])) for series in answer if series["Label"] in keys]
        assert ours == [(arn, float(count + 1)) for count, arn in reversed(list(enumerate(keys)))]


def minute(time_text):
    """The minute a time falls in."""
    return re.sub(r":\d\d(\.\d+)?Z$", ":00Z", time_text)


def test_c_runaway_use(world, aws, tmp_path):
    arn = aws("kms", "create-key")["KeyMetadata"]["Arn"]
    topic = aws("sns", "create-topic", name="runaway")["TopicArn"]
    subscribe_by_hook(aws, world, topic)
    aws(
        "cloudwatch", "put-metric-alarm", alarm_name="Runaway", namespace="AWS/KMS", metric_name="SuccessfulRequest",
        dimensions=[{"Name": "KeyArn", "Value": arn}, {"Name": "Operation", "Value": "Encrypt"}], statistic="Sum", period="60",
        evaluation_periods="1", threshold="3", comparison_operator="GreaterThanThreshold", treat_missing_data="notBreaching",
        alarm_actions=[topic],
    )
    world.advance("2m")
    for _ in range(3):
        encrypt(aws, arn, tmp_path / "blob")
    assert alarm_state(aws, "Runaway") == "OK"
    encrypt(aws, arn, tmp_path / "blob")
    post = world.hook.wait_for("Notification", lambda post: post["body"]["TopicArn"] == topic)
    verify_sns_signature(post["body"])
    message = json.loads(post["body"]["Message"])
    assert (message["AlarmName"], message["NewStateValue"], message["OldStateValue"]) == ("Runaway", "ALARM", "OK")


def watch_pending_deletion(aws, world, suffix, tmp_path):
    """The monitoring that the KMS guide describes: trail, log group, metric filter, alarm; mail and web hook behind it."""
    aws("s3api", "create-bucket", bucket=f"trail-{suffix}")
    aws("logs", "create-log-group", log_group_name=f"trail-{suffix}")
    aws(
        "cloudtrail", "create-trail", name=f"trail-{suffix}", s3_bucket_name=f"trail-{suffix}",
        cloud_watch_logs_log_group_arn=f"arn:aws:logs:{REGION}:{ACCOUNT}:log-group:trail-{suffix}:*",
        cloud_watch_logs_role_arn=f"arn:aws:iam::{ACCOUNT}:role/CloudTrail_CloudWatchLogs_Role",
    )
    aws("cloudtrail", "start-logging", name=f"trail-{suffix}")
    aws(
        "logs", "put-metric-filter", log_group_name=f"trail-{suffix}", filter_name="pending",
        filter_pattern='{ $.eventSource = kms* && $.errorMessage = "* is pending deletion."}',
        metric_transformations=[{"metricName": f"Pending-{suffix}", "metricNamespace": "CloudTrailLogMetrics", "metricValue": "1"}],
    )
    topic = aws("sns", "create-topic", name=f"pending-{suffix}")["TopicArn"]
    subscribe_by_hook(aws, world, topic)
    subscribe_by_mail(aws, world, topic, "security@example.com")
    aws(
        "cloudwatch", "put-metric-alarm", alarm_name=f"PendingDeletionUse-{suffix}", namespace="CloudTrailLogMetrics",
        metric_name=f"Pending-{suffix}", statistic="Sum", period="60", evaluation_periods="1", threshold="1",
        comparison_operator="GreaterThanOrEqualToThreshold", treat_missing_data="notBreaching", alarm_actions=[topic],
    )
    key = aws("kms", "create-key")["KeyMetadata"]["KeyId"]
    blob = encrypt(aws, key, tmp_path / "blob")
    aws("kms", "schedule-key-deletion", key_id=key, pending_window_in_days="7")
    return topic, key, blob


def test_d_use_of_a_key_pending_deletion_on_the_test_clock(world, aws, tmp_path):
    topic, key, blob = watch_pending_deletion(aws, world, "d", tmp_path)
    with pytest.raises(Refused) as refused:
        aws("kms", "decrypt", ciphertext_blob=blob)
    assert refused.value.code == "KMSInvalidStateException"
    assert str(refused.value).endswith(" is pending deletion.")
    world.advance("1m")
    assert alarm_state(aws, "PendingDeletionUse-d") == "ALARM"
    world.hook.wait_for("Notification", lambda post: post["body"]["TopicArn"] == topic)
    world.mail.wait_for('ALARM: "PendingDeletionUse-d"')
    aws("kms", "cancel-key-deletion", key_id=key)


def test_d_within_a_second_on_the_real_clock(tmp_path):
    mail, hook = MailBox(), Receiver()
    server = Server(tmp_path / "data", "--smtp", mail.url, "--allow-private-targets")
    server.data_dir.mkdir()
    server.start()
    server.mail, server.hook = mail, hook
    try:
        import boto3

        aws = Aws(server)
        topic, key, blob = watch_pending_deletion(aws, server, "real", tmp_path)
        exports = aws.environment
        kms = boto3.client(
            "kms", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION,
            aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
        )
        kms.describe_key(KeyId=key)
        with pytest.raises(kms.exceptions.KMSInvalidStateException):
            kms.decrypt(CiphertextBlob=(tmp_path / "blob").read_bytes())
        called = time.monotonic()
        post = hook.wait_for("Notification", lambda post: post["body"]["TopicArn"] == topic)
        alarm = mail.wait_for('ALARM: "PendingDeletionUse-real"')
        print(f"web hook after {post['seen_at'] - called:.3f} s, mail after {alarm.seen_at - called:.3f} s")
        assert post["seen_at"] - called < 1.0
        assert alarm.seen_at - called < 1.0
    finally:
        server.stop()
        mail.close()
        hook.close()


def test_e_event_history(world, aws):
    aws("iam", "create-user", user_name="alice")
    aws("iam", "put-user-policy", user_name="alice", policy_name="kms", policy_document={
        "Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "kms:*", "Resource": "*"}]})
    made = aws("iam", "create-access-key", user_name="alice")["AccessKey"]
    alice = Aws(world, AWS_ACCESS_KEY_ID=made["AccessKeyId"], AWS_SECRET_ACCESS_KEY=made["SecretAccessKey"])
    alice("kms", "list-aliases")
    with pytest.raises(Refused) as refused:
        alice("sns", "list-topics")
    assert refused.value.code in ("AuthorizationError", "AccessDenied")

    def lookup(key, value):
        attribute = f"AttributeKey={key},AttributeValue={value}"
        return aws("cloudtrail", "lookup-events", "--max-items", "50", lookup_attributes=attribute)["Events"]

    by_name = lookup("EventName", "ListAliases")
    assert {event["Username"] for event in by_name} == {"alice"}
    assert {event["EventName"] for event in lookup("Username", "alice")} == {"ListAliases", "ListTopics"}
    assert len(lookup("AccessKeyId", made["AccessKeyId"])) == 2
    sources = {json.loads(event["CloudTrailEvent"])["eventSource"] for event in lookup("EventSource", "kms.amazonaws.com")}
    assert sources == {"kms.amazonaws.com"}
    times = [event["EventTime"] for event in lookup("EventSource", "kms.amazonaws.com")]
    assert times == sorted(times, reverse=True)
    stored = json.dumps([event["CloudTrailEvent"] for event in lookup("Username", "root")])
    assert made["SecretAccessKey"] not in stored


def test_f_a_rule_on_generate_data_key(world, aws):
    topic = aws("sns", "create-topic", name="data-keys")["TopicArn"]
    subscribe_by_hook(aws, world, topic)
    pattern = {
        "source": ["aws.kms"], "detail-type": ["AWS API Call via CloudTrail"],
        "detail": {"eventSource": ["kms.amazonaws.com"], "eventName": ["GenerateDataKey"]},
    }
    aws("events", "put-rule", name="data-keys", event_pattern=pattern)
    aws("events", "put-targets", rule="data-keys", targets=[{"Id": "t", "Arn": topic}])
    key = aws("kms", "create-key")["KeyMetadata"]["Arn"]
    aws("kms", "generate-data-key", key_id=key, key_spec="AES_256", encryption_context={"Department": "Engineering"})
    post = world.hook.wait_for("Notification", lambda post: post["body"]["TopicArn"] == topic)
    event = json.loads(post["body"]["Message"])
    assert event["detail"]["eventName"] == "GenerateDataKey"
    assert event["detail"]["requestParameters"]["encryptionContext"] == {"Department": "Engineering"}
    assert event["detail"]["resources"][0]["ARN"] == key


def test_g_rotation_and_deletion_events(world, aws, tmp_path):
    queue = aws("sqs", "create-queue", queue_name="lifecycle")["QueueUrl"]
    pattern = {"source": ["aws.kms"], "detail-type": ["KMS CMK Rotation", "KMS CMK Deletion"]}
    aws("events", "put-rule", name="lifecycle", event_pattern=pattern)
    aws("events", "put-targets", rule="lifecycle", targets=[{"Id": "q", "Arn": f"arn:aws:sqs:{REGION}:{ACCOUNT}:lifecycle"}])
    rotated, deleted, kept = (aws("kms", "create-key")["KeyMetadata"]["KeyId"] for _ in range(3))
    blob = encrypt(aws, rotated, tmp_path / "blob")
    aws("kms", "enable-key-rotation", key_id=rotated, rotation_period_in_days="90")
    aws("kms", "schedule-key-deletion", key_id=deleted, pending_window_in_days="7")
    aws("kms", "schedule-key-deletion", key_id=kept, pending_window_in_days="7")
    aws("kms", "cancel-key-deletion", key_id=kept)
    assert aws("kms", "describe-key", key_id=kept)["KeyMetadata"]["KeyState"] == "Disabled"

    def events():
        return [(event["detail-type"], event["detail"]["key-id"]) for event in queue_bodies(aws, queue)]

    # Messages wait four days in a queue, so they are fetched before that.
    world.advance("8d")
    with pytest.raises(Refused) as refused:
        aws("kms", "describe-key", key_id=deleted)
    assert refused.value.code == "NotFoundException"
    assert events() == [("KMS CMK Deletion", deleted)]
    world.advance("83d")
    rotations = aws("kms", "list-key-rotations", key_id=rotated)["Rotations"]
    assert [rotation["RotationType"] for rotation in rotations] == ["AUTOMATIC"]
    plaintext = aws("kms", "decrypt", ciphertext_blob=blob)["Plaintext"]
    assert base64.b64decode(plaintext) == b"hello"
    assert events() == [("KMS CMK Rotation", rotated)]
