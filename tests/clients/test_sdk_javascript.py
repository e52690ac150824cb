"""The AWS SDK for JavaScript v3 against the built binary; what it does is in `js/round_trips.js`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import REGION, Server

HERE = Path(__file__).parent
# Where `script/install test` puts the packages of `js/package-lock.json`.
PACKAGES = Path(os.environ.get("KEYWATCH_JS", HERE.parents[1] / "target/clients/js"))
MISSING = not shutil.which("node") or not (PACKAGES / "node_modules/@aws-sdk/client-kms").is_dir()


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


@pytest.mark.skipif(MISSING, reason=f"no Node.js of version 20 or later, or no SDK in {PACKAGES}: run `script/install test`")
def test_round_trips(server):
    environment = server.environment() | {"KEYWATCH_JS": str(PACKAGES), "AWS_REGION": REGION}
    done = subprocess.run(["node", "--test", HERE / "js/round_trips.js"], env=environment, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stdout + done.stderr
