"""SQS by the query protocol, as SDKs spoke it before 2023: botocore's model of today with the names that the members had there."""

import gzip
import json
from pathlib import Path

import botocore
import botocore.session
from botocore.config import Config

# The name of a list's members, and of a map's entries with its keys and values.
LISTS = {
    "AWSAccountIdList": "AWSAccountId",
    "ActionNameList": "ActionName",
    "AttributeNameList": "AttributeName",
    "MessageAttributeNameList": "MessageAttributeName",
    "MessageSystemAttributeList": "MessageSystemAttributeName",
    "MessageList": "Message",
    "QueueUrlList": "QueueUrl",
    "TagKeyList": "TagKey",
}
MAPS = {
    "QueueAttributeMap": ("Attribute", "Name", "Value"),
    "MessageSystemAttributeMap": ("Attribute", "Name", "Value"),
    "MessageBodyAttributeMap": ("MessageAttribute", "Name", "Value"),
    "MessageBodySystemAttributeMap": ("MessageSystemAttribute", "Name", "Value"),
    "TagMap": ("Tag", "Key", "Value"),
}


def model():
    """The service's model, speaking the query protocol."""
    path = next(Path(botocore.__path__[0]).glob("data/sqs/2012-11-05/service-2.json.gz"))
    document = json.loads(gzip.decompress(path.read_bytes()))
    metadata = document["metadata"]
    for name in ("awsQueryCompatible", "jsonVersion", "targetPrefix"):
        metadata.pop(name, None)
    metadata |= {"protocol": "query", "protocols": ["query"], "xmlNamespace": "http://queue.amazonaws.com/doc/2012-11-05/"}
    for name, operation in document["operations"].items():
        if "output" in operation:
            operation["output"]["resultWrapper"] = name + "Result"
    shapes = document["shapes"]
    for name, shape in shapes.items():
        if shape["type"] == "list" and shape.get("flattened"):
            shape["member"]["locationName"] = LISTS.get(name, name.removesuffix("List"))
        elif name in MAPS:
            _, shape["key"]["locationName"], shape["value"]["locationName"] = MAPS[name]
        elif shape["type"] == "structure":
            for member in shape["members"].values():
                if member["shape"] in MAPS:
                    member["locationName"] = MAPS[member["shape"]][0]
    return document


def query_client(directory, **options):
    """A client of SQS by the query protocol; the model is written below `directory`. Options as those of `boto3.client`."""
    place = Path(directory) / "models" / "sqs" / "2012-11-05"
    place.mkdir(parents=True, exist_ok=True)
    (place / "service-2.json").write_text(json.dumps(model()))
    session = botocore.session.Session()
    session.get_component("data_loader").search_paths.insert(0, str(place.parents[1]))
    config = Config(retries={"total_max_attempts": 1}, parameter_validation=False)
    return session.create_client("sqs", **({"config": config} | options))
