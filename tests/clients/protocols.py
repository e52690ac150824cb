"""One boto3 client of CloudWatch for each protocol that its model lists: JSON, CBOR and Query, with botocore's own serialisers and parsers."""

import copy

import boto3
import botocore.session
from botocore.config import Config

from harness import REGION

PROTOCOLS = ["json", "smithy-rpc-v2-cbor", "query"]


def cloudwatch(server, protocol, **config):
    session = botocore.session.Session()
    loader = session.get_component("data_loader")
    load = loader.load_service_model

    def only(service, kind, api_version=None):
        model = load(service, kind, api_version)
        if service == "cloudwatch" and kind == "service-2":
            assert protocol in model["metadata"]["protocols"]
            model = copy.deepcopy(model)
            model["metadata"] |= {"protocol": protocol, "protocols": [protocol]}
        return model

    loader.load_service_model = only
    exports = server.environment()
    return boto3.Session(botocore_session=session).client(
        "cloudwatch", endpoint_url=exports["AWS_ENDPOINT_URL"], region_name=REGION, config=Config(retries={"max_attempts": 0}, **config),
        aws_access_key_id=exports["AWS_ACCESS_KEY_ID"], aws_secret_access_key=exports["AWS_SECRET_ACCESS_KEY"],
    )
