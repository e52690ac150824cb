"""Dashboards and pictures of their widgets with boto3, the AWS CLI and signed raw requests."""

import base64
import json
import struct
import urllib.parse
import urllib.request
import zlib

import boto3
import botocore.auth
import botocore.awsrequest
import botocore.credentials
import pytest
from botocore.exceptions import ClientError

from bare import Bare
from harness import ACCOUNT, REGION, Aws, Server

START = "2026-11-02T08:00:00Z"
WIDGET = {
    "type": "metric", "x": 0, "y": 0, "width": 6, "height": 6,
    "properties": {"metrics": [["AWS/KMS", "SuccessfulRequest"]], "region": REGION, "view": "timeSeries", "stacked": False},
}


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("dashboards") / "data", "--test-clock", START)
    server.data_dir.mkdir()
    server.start()
    yield server
    server.stop()


@pytest.fixture(scope="module")
def cloudwatch(server):
    exports = server.environment()
    return boto3.client(
        "cloudwatch", endpoint_url=server.url, region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )


def refused(call, **request):
    with pytest.raises(ClientError) as error:
        call(**request)
    return error.value.response


def test_a_dashboard_lives(server, cloudwatch):
    body = json.dumps({"widgets": [WIDGET]})
    answer = cloudwatch.put_dashboard(DashboardName="kms", DashboardBody=body)
    assert answer["DashboardValidationMessages"] == []
    got = cloudwatch.get_dashboard(DashboardName="kms")
    assert (got["DashboardBody"], got["DashboardName"]) == (body, "kms")
    assert got["DashboardArn"] == f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/kms"
    cloudwatch.put_dashboard(DashboardName="other", DashboardBody='{"widgets":[]}')
    names = lambda **request: [entry["DashboardName"] for entry in cloudwatch.list_dashboards(**request)["DashboardEntries"]]
    assert names() == ["kms", "other"] and names(DashboardNamePrefix="k") == ["kms"] and names(DashboardNamePrefix="z") == []
    [entry] = cloudwatch.list_dashboards(DashboardNamePrefix="kms")["DashboardEntries"]
    assert entry["Size"] == len(body) and entry["LastModified"].isoformat().startswith("2026-11-02T08:00:00")
    # Dashboards belong to the account, not to the Region.
    elsewhere = Aws(server)("cloudwatch", "get-dashboard", dashboard_name="kms", region="eu-west-1")
    assert elsewhere["DashboardBody"] == body
    tags = lambda: cloudwatch.list_tags_for_resource(ResourceARN=got["DashboardArn"])["Tags"]
    assert tags() == []
    cloudwatch.tag_resource(ResourceARN=got["DashboardArn"], Tags=[{"Key": "team", "Value": "keys"}])
    cloudwatch.put_dashboard(DashboardName="kms", DashboardBody=body, Tags=[{"Key": "late", "Value": ""}])
    assert tags() == [{"Key": "team", "Value": "keys"}], "tags come with the creation only"
    cloudwatch.untag_resource(ResourceARN=got["DashboardArn"], TagKeys=["team"])
    assert tags() == []
    cloudwatch.delete_dashboards(DashboardNames=["other", "none"])
    assert names() == ["kms"]
    error = refused(cloudwatch.get_dashboard, DashboardName="other")
    assert error["ResponseMetadata"]["HTTPStatusCode"] == 404
    assert error["Error"]["Message"] == "Dashboard other does not exist"
    records = Aws(server)("cloudtrail", "lookup-events", lookup_attributes="AttributeKey=EventName,AttributeValue=PutDashboard")
    request = json.loads(records["Events"][0]["CloudTrailEvent"])["requestParameters"]
    assert request["dashboardBody"] == "HIDDEN_DUE_TO_SECURITY_REASONS"


def test_answers_without_members(server, cloudwatch):
    """By the query protocol they have an empty result, which the SDK for Go will not do without."""
    model = cloudwatch.meta.service_model
    bare = Bare(server, model, "query")
    cloudwatch.put_dashboard(DashboardName="gone", DashboardBody=json.dumps({"widgets": [WIDGET]}))
    arn = f"arn:aws:cloudwatch::{ACCOUNT}:dashboard/gone"
    for operation, request in [
        ("TagResource", {"ResourceARN": arn, "Tags": [{"Key": "team", "Value": "x"}]}),
        ("UntagResource", {"ResourceARN": arn, "TagKeys": ["team"]}),
        ("DeleteDashboards", {"DashboardNames": ["gone"]}),
    ]:
        assert model.operation_model(operation).output_shape is not None
        status, text = bare.exchange(operation, bare.body(operation, request))
        assert status == 200 and f"<{operation}Result></{operation}Result>".encode() in text, text


def test_bodies_are_checked(server, cloudwatch):
    put = lambda body: cloudwatch.put_dashboard(DashboardName="checked", DashboardBody=body)
    good = '{"widgets":[],"colour":"red"}'
    [warning] = put(good)["DashboardValidationMessages"]
    assert warning == {"DataPath": "/colour", "Message": "Should NOT have additional properties"}
    for body, text in [
        ("nonsense", "The field DashboardBody must be a valid JSON object"),
        ("[]", "The field DashboardBody must be a valid JSON object"),
        ('{"widgets":[{}]}', "The dashboard body is invalid, there are 2 validation errors:"),
    ]:
        error = refused(cloudwatch.put_dashboard, DashboardName="checked", DashboardBody=body)
        assert error["Error"]["Code"] in ("InvalidParameterInput", "DashboardInvalidInputError"), error
        assert text in error["Error"]["Message"], error
    assert '"dataPath": "/widgets/0"' in error["Error"]["Message"]
    assert cloudwatch.get_dashboard(DashboardName="checked")["DashboardBody"] == good, "what is refused changes nothing"
    error = refused(cloudwatch.put_dashboard, DashboardName="a b", DashboardBody=good)
    assert error["Error"]["Message"] == (
        "The value for field DashboardName contains invalid characters. "
        "It can only contain alphanumerics, dash (-) and underscore (_).\n"
    )


def pixels(png):
    """Width, height and the colours of a PNG whose rows are not interlaced."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data = 8, b""
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        if kind == b"IHDR":
            width, height, depth, form = struct.unpack(">IIBB", png[at + 8 : at + 18])
            assert (depth, form) == (8, 6), "8 bits of red, green, blue and alpha"
        elif kind == b"IDAT":
            data += png[at + 8 : at + 8 + length]
        at += 12 + length
    raw, stride, before, colors = zlib.decompress(data), 4 * width, bytes(4 * width), set()
    for row in range(height):
        begin = row * (stride + 1)
        line = unfiltered(raw[begin], bytearray(raw[begin + 1 : begin + 1 + stride]), before)
        colors |= {bytes(line[x : x + 3]) for x in range(0, stride, 4)}
        before = line
    return width, height, colors


def unfiltered(kind, line, before):
    """A row as PNG's filters (RFC 2083, 6) had it."""
    for x in range(len(line)):
        left = line[x - 4] if x >= 4 else 0
        up, corner = before[x], before[x - 4] if x >= 4 else 0
        estimate = left + up - corner
        nearest = min((left, up, corner), key=lambda one: abs(estimate - one))
        line[x] = (line[x] + (0, left, up, (left + up) // 2, nearest)[kind]) & 255
    return bytes(line)


def test_pictures(server, cloudwatch):
    aws = Aws(server)
    key = aws("kms", "create-key")["KeyMetadata"]
    for _ in range(3):
        for _ in range(4):
            aws("kms", "generate-data-key", key_id=key["KeyId"], key_spec="AES_256")
        server.advance("5m")
    widget = {
        "metrics": [
            ["AWS/KMS", "SuccessfulRequest", "KeyArn", key["Arn"], "Operation", "GenerateDataKey", {"stat": "Sum", "color": "#12ab34"}],
            [{"expression": "row_0 * 2", "label": "twice", "color": "#ab1234"}],
        ],
        "width": 400, "height": 240, "title": "Data keys", "start": "-PT1H",
        "annotations": {"horizontal": [{"value": 6, "label": "much", "color": "#3412ab"}]},
    }
    png = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps(widget))["MetricWidgetImage"]
    width, height, colors = pixels(png)
    assert (width, height) == (400, 240)
    for color in ("12ab34", "ab1234", "3412ab"):
        assert bytes.fromhex(color) in colors, color
    assert base64.b64decode(aws("cloudwatch", "get-metric-widget-image", metric_widget=json.dumps(widget))["MetricWidgetImage"]) == png
    for view in ("bar", "pie", "singleValue"):
        _, _, colors = pixels(cloudwatch.get_metric_widget_image(MetricWidget=json.dumps(widget | {"view": view}))["MetricWidgetImage"])
        assert bytes.fromhex("12ab34") in colors, view
    dark = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps(widget | {"theme": "dark"}))["MetricWidgetImage"]
    assert bytes.fromhex("161d26") in pixels(dark)[2]
    error = refused(cloudwatch.get_metric_widget_image, MetricWidget=json.dumps({"metrics": [["one"]]}))
    assert "/metrics/0" in error["Error"]["Message"]


def test_an_alarm_is_drawn(server, cloudwatch):
    cloudwatch.put_metric_alarm(
        AlarmName="much", Namespace="AWS/KMS", MetricName="SuccessfulRequest", Statistic="Sum", Period=60,
        EvaluationPeriods=1, Threshold=5, ComparisonOperator="GreaterThanThreshold",
    )
    arn = f"arn:aws:cloudwatch:{REGION}:{ACCOUNT}:alarm:much"
    widget = json.dumps({"annotations": {"alarms": [arn]}, "width": 300, "height": 200})
    width, height, colors = pixels(cloudwatch.get_metric_widget_image(MetricWidget=widget)["MetricWidgetImage"])
    assert (width, height) == (300, 200) and bytes.fromhex("d13212") in colors, "the threshold is red"
    error = refused(cloudwatch.get_metric_widget_image, MetricWidget=json.dumps({"annotations": {"alarms": [arn + "-none"]}}))
    assert error["Error"]["Message"] == f"The alarm {arn}-none does not exist."


def test_the_picture_itself(server):
    exports = server.environment()
    form = {
        "Action": "GetMetricWidgetImage", "Version": "2010-08-01", "OutputFormat": "image/png",
        "MetricWidget": json.dumps({"metrics": [["N", "M"]], "width": 50, "height": 40}),
    }
    request = botocore.awsrequest.AWSRequest(
        "POST", server.url + "/", data=urllib.parse.urlencode(form), headers={"Content-Type": "application/x-www-form-urlencoded"}
    )
    credentials = botocore.credentials.Credentials(exports["AWS_ACCESS_KEY_ID"], exports["AWS_SECRET_ACCESS_KEY"])
    botocore.auth.SigV4Auth(credentials, "monitoring", REGION).add_auth(request)
    sent = urllib.request.Request(request.url, request.data.encode(), dict(request.headers))
    with urllib.request.urlopen(sent, timeout=10) as answer:
        assert answer.headers["Content-Type"] == "image/png"
        assert pixels(answer.read())[:2] == (50, 40)


def test_dashboards_made_of_what_there_is(server, cloudwatch, tmp_path):
    exports = server.environment()
    kms = boto3.client(
        "kms", endpoint_url=server.url, region_name=REGION,
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
    key = kms.create_key()["KeyMetadata"]["Arn"]
    kms.create_alias(AliasName="alias/drawn", TargetKeyId=key)
    for minutes in range(6):
        for _ in range(minutes % 4 + 1):
            blob = kms.encrypt(KeyId=key, Plaintext=b"x")["CiphertextBlob"]
            kms.decrypt(CiphertextBlob=blob)
        with pytest.raises(ClientError):
            kms.encrypt(KeyId="alias/none", Plaintext=b"x")
        server.advance("20m")
    account = json.loads(server.keywatch("dashboard"))
    of_key = json.loads(server.keywatch("dashboard", "alias/drawn"))
    titles = lambda body: [widget["properties"].get("title") for widget in body["widgets"]]
    assert {"Calls by operation", "Busiest keys", "Refused calls by error"} <= set(titles(account))
    assert {"Uses by operation", "Encryptions by key material"} <= set(titles(of_key))
    for body in [account, of_key]:
        answer = cloudwatch.put_dashboard(DashboardName="made", DashboardBody=json.dumps(body))
        assert answer["DashboardValidationMessages"] == []
        for number, widget in enumerate(body["widgets"]):
            if widget["type"] == "metric":
                image = cloudwatch.get_metric_widget_image(MetricWidget=json.dumps(widget["properties"]))["MetricWidgetImage"]
                assert image.startswith(b"\x89PNG") and len(image) > 2000, widget
                (tmp_path / f"{widget['properties']['title'].replace(' ', '-')}-{number}.png").write_bytes(image)
    assert "made-by-command" in server.keywatch("dashboard", key, "--put", "made-by-command")
    kept = json.loads(cloudwatch.get_dashboard(DashboardName="made-by-command")["DashboardBody"])
    assert kept == of_key
    nothing = json.loads(server.keywatch("dashboard", "00000000-0000-4000-8000-000000000000"))
    assert "No successful use" in nothing["widgets"][1]["properties"]["markdown"]
