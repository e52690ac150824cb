"""`keywatch verify` on the files of a real trail: what AWS's tool finds, and what it misses."""

import gzip
import json
import shutil
import subprocess

import pytest
from harness import BINARY
from test_trail_files import BUCKET, House

HOURS = 8


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A directory with the bucket's files, the public keys beside it, and the data directory of the stopped server."""
    root = tmp_path_factory.mktemp("verify")
    house = House(root)
    house.begin()
    house.work(HOURS)
    house.aws("kms", "generate-random", number_of_bytes="8")
    house.server.advance("10m")
    subprocess.run(["aws", "s3", "sync", "--quiet", f"s3://{BUCKET}", str(root / "bucket")], env=house.aws.environment, check=True, timeout=120)
    keys = house.aws("cloudtrail", "list-public-keys")
    (root / "keys.json").write_text(json.dumps(keys))
    house.server.stop()
    return root


def verify(path, *options):
    done = subprocess.run([BINARY, "verify", str(path), "--format", "json", *options], capture_output=True, text=True, timeout=120)
    return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr


def faults(answer):
    return {finding["fault"] for finding in answer["findings"]}


@pytest.fixture
def copy(place, tmp_path):
    shutil.copytree(place / "bucket", tmp_path / "bucket")
    return tmp_path / "bucket"


def files(directory, kind):
    return sorted(path for path in directory.rglob("*.json.gz") if f"/{kind}/" in str(path))


def test_whole_files(place, tmp_path):
    keys = f"--public-keys={place / 'keys.json'}"
    code, answer = verify(place / "bucket", keys, f"--write-anchor={tmp_path / 'anchor.json'}")
    assert (code, answer["findings"], answer["valid"]) == (0, [], True), answer
    assert (answer["digests"], answer["logFiles"], answer["unproven"], answer["uncovered"]) == (HOURS, HOURS, 0, 1)
    held = sum(len(json.loads(gzip.decompress(log.read_bytes()))["Records"]) for log in files(place / "bucket", "CloudTrail")[:-1])
    assert answer["records"] == held
    code, answer = verify(place / "bucket")
    assert (code, answer["unproven"], answer["findings"]) == (1, HOURS, [])
    code, answer = verify(place / "bucket", f"--anchor={tmp_path / 'anchor.json'}")
    assert (code, answer["unproven"]) == (0, 0)
    table = subprocess.run([BINARY, "verify", str(place / "bucket"), keys], capture_output=True, text=True)
    assert table.returncode == 0 and "VALID: 8 digests, 8 log files" in table.stdout and table.stderr == ""


def test_usage(place, tmp_path):
    for path, words in ((tmp_path / "none", "cannot read"), (tmp_path, "no digest in")):
        code, text = verify(path)
        assert code == 2 and words in text and text.count("\n") == 1
    code, text = verify(place / "bucket", f"--anchor={place / 'keys.json'}")
    assert code == 2 and "not an anchor" in text


def changed(path):
    text = bytearray(gzip.decompress(path.read_bytes()))
    text[len(text) // 2] ^= 1
    path.write_bytes(gzip.compress(bytes(text)))


def reordered(path):
    records = json.loads(gzip.decompress(path.read_bytes()))["Records"]
    path.write_bytes(gzip.compress(json.dumps({"Records": records[::-1]}, separators=(",", ":")).encode()))


def appended(path):
    path.write_bytes(path.read_bytes() + gzip.compress(b"more"))


def renamed(path):
    path.rename(path.with_name(path.name.replace("Z_", "Z_0")))


def moved(path):
    folder = path.parent.with_name("28")
    folder.mkdir(exist_ok=True)
    path.rename(folder / path.name)


def forged(path):
    """What a digest lists is changed, as by somebody who cannot sign."""
    digest = json.loads(gzip.decompress(path.read_bytes()))
    digest["logFiles"] = []
    path.write_bytes(gzip.compress(json.dumps(digest).encode()))


def inserted(path):
    other = path.with_name(path.name.replace("Z_", "Z_0"))
    shutil.copy(path, other)


TAMPERINGS = [
    ("CloudTrail", changed, "logChanged"),
    ("CloudTrail", reordered, "logChanged"),
    ("CloudTrail", appended, "logChanged"),
    ("CloudTrail", lambda path: path.unlink(), "logMissing"),
    ("CloudTrail", renamed, "logMissing"),
    ("CloudTrail", moved, "logMoved"),
    ("CloudTrail", inserted, "logUnlisted"),
    ("CloudTrail", lambda path: path.write_bytes(path.read_bytes()[:-20]), "logUnreadable"),
    ("CloudTrail-Digest", lambda path: path.unlink(), "digestsMissing"),
    ("CloudTrail-Digest", moved, "digestMoved"),
    ("CloudTrail-Digest", forged, "headWrong"),
]


@pytest.mark.parametrize("kind, tamper, fault", TAMPERINGS)
def test_tamperings(place, copy, kind, tamper, fault):
    tamper(files(copy, kind)[3])
    code, answer = verify(copy, f"--public-keys={place / 'keys.json'}")
    assert code == 1 and fault in faults(answer), answer


def test_what_aws_misses(place, copy, tmp_path):
    keys = f"--public-keys={place / 'keys.json'}"
    assert verify(copy, keys, f"--write-anchor={tmp_path / 'anchor.json'}")[0] == 0
    digests = files(copy, "CloudTrail-Digest")
    for path in digests[3:5]:
        path.unlink()
    code, answer = verify(copy, keys)
    [finding] = answer["findings"]
    assert (finding["fault"], finding["from"], finding["to"]) == ("digestsMissing", 4, 5)
    assert finding["message"] == "digests 4 to 5 are missing"
    for path in digests[5:]:
        path.unlink()
    assert verify(copy, keys)[0] == 0, "a cut that nobody knows of cannot be seen"
    code, answer = verify(copy, keys, f"--anchor={tmp_path / 'anchor.json'}")
    assert code == 1 and [(one["fault"], one["newest"], one["anchored"]) for one in answer["findings"]] == [("endMissing", 3, HOURS)]


def test_the_data_directory(place, tmp_path):
    data = tmp_path / "data"
    shutil.copytree(place / "data", data)
    code, answer = verify(data)
    assert (code, answer["valid"], answer["waiting"], answer["unproven"]) == (0, True, 1, 0), answer
    assert verify(data)[1] == answer, "verifying changes nothing"
    bodies = sorted((path for path in (data / "objects").rglob("*") if path.is_file()), key=lambda path: path.stat().st_size)
    bodies[-1].unlink()
    code, answer = verify(data)
    assert code == 1 and faults(answer) & {"logUnreadable", "digestUnreadable"}, answer
