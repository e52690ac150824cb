"""Buckets that are imported once, how far that has come, and files that are restored or contradicted after they were read."""

import gzip
import http.client
import http.server
import json
import os
import pty
import re
import subprocess
import threading
import time

from harness import BINARY, REGION
from test_import_sources import BUCKET, WATCHED, houses  # noqa: F401 (a fixture)


class Gate:
    """Stands before a server and holds one object back until it is opened."""

    def __init__(self, url, held):
        self.opened = threading.Event()
        gate, target = self, url.removeprefix("http://")

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def pass_on(self):
                if self.path.endswith(held):
                    gate.opened.wait(60)
                body = self.rfile.read(int(self.headers.get("content-length", 0)))
                to = http.client.HTTPConnection(target, timeout=60)
                # The signature is over the host that the client knows.
                to.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
                for name, value in self.headers.items():
                    to.putheader(name, value)
                to.endheaders(body)
                answer = to.getresponse()
                text = answer.read()
                self.send_response(answer.status)
                for name, value in answer.getheaders():
                    if name.lower() not in ("transfer-encoding", "connection", "date", "server"):
                        self.send_header(name, value)
                self.end_headers()
                self.wfile.write(text)
                to.close()

            do_GET = do_HEAD = do_POST = pass_on

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def close(self):
        self.opened.set()
        self.server.shutdown()


def once(watching, watched, *flags, url=None, place=f"s3://{BUCKET}", **options):
    """`keywatch import` of the watched bucket, running."""
    command = [BINARY, "import", place, "--endpoint-url", url or watched.server.url, "--region", REGION, *flags]
    command += ["--data-dir", str(watching.server.data_dir)]
    options = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | options
    return subprocess.Popen(command, env=watched.environment, **options)


def finished(process):
    out, err = process.communicate(timeout=120)
    return process.returncode, out.splitlines(), err


def sources(watching):
    return watching.server.keywatch("import-source", "list", "--json").splitlines()


def test_a_bucket_is_imported_once(houses):  # noqa: F811
    watched, watching = houses
    watched.use(5)
    watched.server.advance("1h")
    expected, keys, digests = watched.event_ids(), watched.keys(), watched.keys("CloudTrail-Digest")
    code, out, err = finished(once(watching, watched, "--fetch-public-keys"))
    assert (code, err) == (0, ""), (out, err)
    assert out[0] == f"{len(keys)} files: {len(expected)} records imported, 0 were there already, 0 skipped"
    assert out[2] == f"of {WATCHED}/{REGION}"
    assert out[3] == f"{len(digests)} digests, 0 of them unproven: {len(keys)} log files as they say, 0 refused, 0 missing"
    assert sorted(watching.imported()) == sorted(expected)
    assert sources(watching) == [], "what is done is no source any more"
    code, out, _ = finished(once(watching, watched, "--no-digests"))
    assert (code, len(out)) == (0, 3)
    assert out[0] == f"{len(keys)} files: 0 records imported, {len(expected)} were there already, 0 skipped"
    assert sorted(watching.imported()) == sorted(expected)

    # What the bucket says is told, and leaves nothing behind.
    code, out, err = finished(once(watching, watched, place="s3://no-such-bucket"))
    assert code == 1 and "NoSuchBucket" in err and sources(watching) == [], err
    done = subprocess.run([BINARY, "import", str(watching.server.data_dir), "--region", REGION, "--data-dir", str(watching.server.data_dir)],
                          capture_output=True, text=True)
    assert done.returncode == 2 and "are for s3://bucket/prefix" in done.stderr


def test_an_import_that_was_broken_off_goes_on(houses):  # noqa: F811
    watched, watching = houses
    for _ in range(12):
        watched.use(2)
        watched.server.advance("1m")
    keys, expected = sorted(watched.keys()), watched.event_ids()
    gate = Gate(watched.server.url, keys[-1])
    importing = once(watching, watched, url=gate.url)
    deadline = time.monotonic() + 30
    while not (lines := sources(watching)):
        assert time.monotonic() < deadline and importing.poll() is None
    name = json.loads(lines[0])["Name"]
    # Killed when all but the last file is in.
    watching.wait(name, lambda source: source["Files"] == len(keys) - 1)
    watching.server.kill()
    assert finished(importing)[0] == 2
    watching.start()
    again = once(watching, watched, url=gate.url)
    gate.opened.set()
    code, out, err = finished(again)
    assert (code, err) == (0, ""), (out, err)
    # No file was read twice: none of its records was there already.
    assert out[0] == f"{len(keys)} files: {len(expected)} records imported, 0 were there already, 0 skipped"
    assert sorted(watching.imported()) == sorted(expected) and sources(watching) == []
    gate.close()


def test_how_much_of_how_much(houses):  # noqa: F811
    watched, watching = houses
    for _ in range(4):
        watched.use(2)
        watched.server.advance("20m")
    keys = sorted(watched.keys())
    total = len(keys) + len(watched.keys("CloudTrail-Digest"))
    wanted = f"{total - 1} of {total} files"

    gate = Gate(watched.server.url, keys[-1])
    importing = once(watching, watched, url=gate.url)
    line = importing.stderr.readline()
    assert re.fullmatch(rf"keywatch: {wanted}, [\d.]+ KiB of [\d.]+ KiB, \d+ records imported, 0 were there already\n", line), line
    gate.opened.set()
    assert finished(importing)[0] == 0
    gate.close()

    # A bar on a terminal; the same for a source that is waited for.
    gate = Gate(watched.server.url, keys[-1])
    terminal, stderr = pty.openpty()
    command = [BINARY, "import-source", "add", "prod", f"s3://{BUCKET}", "--wait", "--endpoint", gate.url]
    adding = subprocess.Popen([*command, "--data-dir", str(watching.server.data_dir)], env=watched.environment | {"TERM": "xterm", "COLUMNS": "200"},
                              stdout=subprocess.PIPE, stderr=stderr, text=True)
    os.close(stderr)
    shown = ""
    while wanted not in shown:
        shown += os.read(terminal, 4096).decode()
    gate.opened.set()
    assert adding.communicate(timeout=60) and adding.returncode == 0
    os.close(terminal)
    assert "CurrentPoll" not in watching.source("prod")
    gate.close()


def without_one(body):
    """A log file without its last record."""
    records = json.loads(gzip.decompress(body))["Records"]
    return gzip.compress(json.dumps({"Records": records[:-1]}).encode()), records[-1]["eventID"]


def test_what_is_restored_is_read(houses, tmp_path):  # noqa: F811
    watched, watching = houses
    for _ in range(3):
        watched.use(3)
        watched.server.advance("20m")
    watched.server.advance("1h")
    changed, removed = sorted(key for key in watched.keys() if watched.get(key) and b"Encrypt" in gzip.decompress(watched.get(key)[0]))[:2]
    files = {key: watched.get(key) for key in (changed, removed)}
    watched.put(changed, without_one(files[changed][0])[0])
    watched.s3.delete_object(Bucket=BUCKET, Key=removed)
    assert watching.add("prod", f"s3://{BUCKET}", "--wait", of=watched).returncode == 1
    source = watching.source("prod")
    assert (source["FilesRefused"], source["Digests"]["FilesMissing"], source["FilesRestored"]) == (1, 1, 0)
    assert {finding["Place"] for finding in source["Findings"]} == {changed, removed}
    listed = watching.server.keywatch("import-source", "list")
    assert f"prod: {changed}: refused: its digest names another hash\n" in listed and f"prod: {removed}: " in listed

    # Far behind what was read since, where no listing looks any more.
    watched.use(1)
    watched.server.advance("5h")
    watching.server.advance("5h")
    source = watching.source("prod")
    assert (source["FilesRefused"], source["Digests"]["FilesMissing"]) == (1, 1), "told once"
    for key, (body, metadata) in files.items():
        watched.put(key, body, metadata)
    watching.server.advance("1m")
    source = watching.source("prod")
    assert (source["FilesRestored"], source["Findings"], source["Files"]) == (2, [], len(watched.keys())), source
    assert source["Digests"]["FilesMatching"] == len(watched.keys()) and source["Duplicates"] == 0
    assert sorted(watching.imported()) == sorted(watched.event_ids())

    # The same in a directory.
    copy = tmp_path / "copy"
    for key in watched.keys() + watched.keys("CloudTrail-Digest"):
        (copy / key).parent.mkdir(parents=True, exist_ok=True)
        (copy / key).write_bytes(watched.get(key)[0])
    (copy / changed).write_bytes(without_one(files[changed][0])[0])
    (copy / removed).unlink()
    watching.add("archive", str(copy), "--wait")
    source = watching.source("archive")
    assert (source["FilesRefused"], source["Files"]) == (1, len(watched.keys()) - 2)
    for key, (body, _) in files.items():
        (copy / key).write_bytes(body)
    watching.server.advance("1m")
    source = watching.source("archive")
    assert (source["Files"], source["Digests"]["FilesMatching"]) == (len(watched.keys()),) * 2, source
    assert not source["Findings"]


def test_a_late_digest_contradicts_what_was_imported(houses):  # noqa: F811
    watched, watching = houses
    watched.use(3)
    watched.server.advance("5m")
    [key] = [key for key in watched.keys() if b"Encrypt" in gzip.decompress(watched.get(key)[0])]
    body, metadata = watched.get(key)
    tampered, hidden = without_one(body)
    watched.put(key, tampered, metadata)
    kept = watched.event_ids([key])
    assert watching.add("prod", f"s3://{BUCKET}", "--fetch-public-keys", "--wait", of=watched).returncode == 0
    watched.server.advance("1h")
    watching.server.advance("1h")
    source = watching.source("prod")
    assert (source["Digests"]["FilesChanged"], source["FilesRefused"]) == (1, 0)
    [finding] = source["Findings"]
    reason = f"contradicted: imported before its digest came, which names another hash; the {len(kept)} records that it brought stay"
    assert (finding["Place"], finding["Reason"]) == (key, reason)
    assert f"prod: {key}: {reason}" in watching.server.keywatch("import-source", "list")
    log = watching.server.data_dir.with_suffix(".log").read_text()
    assert [line for line in log.splitlines() if "WARN" in line and key in line and "contradicted" in line], log
    [line] = watching.server.keywatch("search", "--name", "ImportedLogFileContradicted", "--json").splitlines()
    record = json.loads(line)
    details = record["serviceEventDetails"]
    assert (record["eventType"], record["eventSource"]) == ("AwsServiceEvent", "keywatch.amazonaws.com")
    assert (details["importSource"], details["object"], details["recordsKept"]) == ("prod", key, len(kept))
    assert details["importedHash"] != details["digestHash"]
    imported = watching.imported()
    assert set(kept) <= set(imported) and hidden not in imported

    # Restored, it brings what was withheld; what was wrong stays told.
    watched.put(key, body, metadata)
    watching.server.advance("1m")
    source = watching.source("prod")
    assert (source["FilesRestored"], len(source["Findings"])) == (1, 1), source
    assert sorted(watching.imported()) == sorted(watched.event_ids())
