"""The services' own models, as botocore ships them: which operations are built, least requests, the errors each may answer."""

import re
from pathlib import Path

import botocore.session

SERVICES = ["kms", "cloudtrail", "cloudwatch", "logs", "events", "sns", "sqs", "iam", "sts"]

# What every operation may answer besides what it declares: "Common Error Types" of the services' API references, and what a protocol
# answers before an operation is reached (Smithy's AWS JSON and RPC v2 CBOR: SerializationException, UnknownOperationException).
EVERYWHERE = {"ThrottlingException", "ValidationException", "AccessDeniedException", "SerializationException", "UnrecognizedClientException"}
JSON = EVERYWHERE | {"UnknownOperationException", "UnsupportedOperationException"}
# The query protocol's spellings of the same (API references of IAM, STS, SNS and CloudWatch, "Common Errors"), with MalformedInput
# for a form that cannot be read.
QUERY = {
    "AccessDenied", "AuthorizationError", "InvalidAction", "InvalidClientTokenId", "InvalidParameterCombination", "InvalidParameterValue",
    "MalformedInput", "MissingParameter", "Throttling", "ValidationError",
}
# SQS kept its query spellings when it moved to JSON ("Error responses" of its developer guide).
SQS = {"AccessDenied", "InvalidParameterValue", "InvalidParameterValueException", "InvalidParameterCombination", "MissingParameter", "MissingRequiredParameterException", "AWS.SimpleQueueService.UnsupportedOperation"}
# Words of a service that its model leaves out, from its answers as recorded and its API reference.
UNDECLARED = {
    "cloudwatch": {"InvalidParameterValueException", "InvalidParameterCombinationException", "MissingRequiredParameterException"},
    "logs": {"InvalidParameterException"},
    "sqs": SQS,
    # SNS's code for InvalidParameterException and for parameters of the wrong form.
    "sns": {"InvalidParameter"},
}
# The same of one operation, whose model declares no error at all though it names a thing that may not exist.
UNDECLARED_OF = {"iam.GetAccessKeyLastUsed": {"NoSuchEntity"}}


def of(service):
    return botocore.session.get_session().get_service_model(service)


def built(service):
    """Operations with a handler, by `docs/operations.md`, which CI holds against the tables."""
    page = (Path(__file__).parents[2] / "docs/operations.md").read_text()
    section = page.split(f"\n## {'monitoring' if service == 'cloudwatch' else service}\n", 1)[1].split("\n## ", 1)[0]
    names = re.findall(r"^\| (\w+) \| (?:read|write) \| `", section, re.MULTILINE)
    model = of(service)
    return [name for name in names if name in model.operation_names]


def sample(shape, depth=0):
    """The least value of a shape: required members only, first of each choice."""
    match shape.type_name:
        case "structure":
            if getattr(shape, "is_tagged_union", False):
                first = next(iter(shape.members))
                return {first: sample(shape.members[first], depth + 1)} if depth < 6 else {}
            return {name: sample(shape.members[name], depth + 1) for name in shape.required_members}
        case "list":
            return [sample(shape.member, depth + 1)] if shape.metadata.get("min", 0) and depth < 6 else []
        case "map":
            return {}
        case "string":
            return shape.enum[0] if getattr(shape, "enum", None) else "a" * max(1, shape.metadata.get("min", 1))
        case "integer" | "long":
            return shape.metadata.get("min", 1)
        case "float" | "double":
            return 1.0
        case "boolean":
            return False
        case "blob":
            return b"a" * max(1, shape.metadata.get("min", 1))
        case "timestamp":
            return "2026-01-01T00:00:00Z"
    raise AssertionError(shape.type_name)


def answers(service, operation):
    """Every code an operation may answer, as JSON protocols and as the query protocol spell them."""
    codes = set(JSON | UNDECLARED.get(service, set()) | UNDECLARED_OF.get(f"{service}.{operation.name}", set()))
    if of(service).metadata["protocol"] == "query" or "query" in of(service).metadata.get("protocols", []):
        codes |= QUERY
    for shape in operation.error_shapes:
        codes |= {shape.name, shape.metadata.get("error", {}).get("code", shape.name)}
    return codes
