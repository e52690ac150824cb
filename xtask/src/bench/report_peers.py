"""The question of `keywatch report`, asked of ClickHouse (chdb) or DuckDB over the same files.

    report_peers.py chdb|duckdb DIRECTORY THREADS

Counts KMS records by key, operation, principal, error and day, in each of several formulations. Prints a JSON object a line:
the formulation, the seconds of the query alone (without start and import), the groups and the records it counted.
"""

import importlib
import json
import sys
import time

SOURCE = "kms.amazonaws.com"
# Of a record, what the question needs.
MEMBERS = (
    "eventSource {text}, eventName {text}, eventTime {text}, errorCode {text}, "
    "userIdentity {open}arn {text}{close}, resources {list_open}ARN {text}{list_close}"
)


def chdb_questions(files, threads):
    record = MEMBERS.format(
        text="String", open="Tuple(", close=")", list_open="Array(Tuple(", list_close="))"
    )
    settings = (
        f"max_threads={threads}, input_format_json_ignore_unknown_keys_in_named_tuple=1, "
        "input_format_json_defaults_for_missing_elements_in_named_tuple=1, input_format_null_as_default=1"
    )
    count = "SELECT count(), sum(c) FROM (SELECT k, op, p, e, d, count() c FROM ({}) GROUP BY k, op, p, e, d) SETTINGS " + settings
    of_tuple = (
        "SELECT r.6[1].1 k, r.2 op, r.5.1 p, r.4 e, substring(r.3, 1, 10) d FROM (SELECT arrayJoin({}) r FROM {}) "
        f"WHERE r.1 = '{SOURCE}'"
    )
    typed = f"file('{files}', 'JSONEachRow', 'Records Array(Tuple({record}))')"
    texts = f"file('{files}', 'JSONAsString', 'json String')"
    of_text = (
        "SELECT JSONExtractString(r, 'resources', 1, 'ARN') k, JSONExtractString(r, 'eventName') op, "
        "JSONExtractString(r, 'userIdentity', 'arn') p, JSONExtractString(r, 'errorCode') e, "
        "substring(JSONExtractString(r, 'eventTime'), 1, 10) d "
        f"FROM (SELECT arrayJoin(JSONExtractArrayRaw(json, 'Records')) r FROM {texts}) "
        f"WHERE JSONExtractString(r, 'eventSource') = '{SOURCE}'"
    )
    extracted = f"JSONExtract(json, 'Records', 'Array(Tuple({record}))')"
    yield "JSONEachRow, typed", count.format(of_tuple.format("Records", typed))
    yield "JSONAsString, JSONExtractArrayRaw", count.format(of_text)
    yield "JSONAsString, JSONExtract of tuples", count.format(of_tuple.format(extracted, texts))


def duckdb_questions(files, _threads):
    record = MEMBERS.format(
        text="VARCHAR", open="STRUCT(", close=")", list_open="STRUCT(", list_close=")[]"
    )
    count = "SELECT count(*), sum(c) FROM (SELECT k, op, p, e, d, count(*) c FROM ({}) GROUP BY ALL)"
    question = (
        "SELECT r.resources[1].ARN k, r.eventName op, r.userIdentity.arn p, r.errorCode e, r.eventTime::DATE d "
        f"FROM (SELECT unnest(Records) r FROM {{}}) WHERE r.eventSource = '{SOURCE}'"
    )
    size = "maximum_object_size=268435456"
    auto = f"read_json('{files}', {size})"
    typed = f"read_json('{files}', {size}, columns={{Records: 'STRUCT({record})[]'}})"
    yield "read_json, its own schema", count.format(question.format(auto))
    yield "read_json, typed", count.format(question.format(typed))


def ask_chdb(chdb, question, _threads):
    groups, records = str(chdb.query(question)).strip().split(",")
    return int(groups), int(records)


def ask_duckdb(duckdb, question, threads):
    with duckdb.connect() as connection:
        connection.execute(f"SET threads={threads}")
        groups, records = connection.execute(question).fetchone()
    return int(groups), int(records)


def main():
    name, directory, threads = sys.argv[1], sys.argv[2], int(sys.argv[3])
    engine = importlib.import_module(name)
    questions, ask = {
        "chdb": (chdb_questions, ask_chdb),
        "duckdb": (duckdb_questions, ask_duckdb),
    }[name]
    for formulation, question in questions(f"{directory}/**/*.json.gz", threads):
        began = time.perf_counter()
        groups, records = ask(engine, question, threads)
        seconds = time.perf_counter() - began
        answer = {"formulation": formulation, "seconds": seconds, "groups": groups, "records": records}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main()
