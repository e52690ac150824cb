"""The AWS SDK for Rust against the built binary; what it does is in `rust/src/main.rs`."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from harness import REGION, Server

HERE = Path(__file__).parent
# A target directory of its own, so that the SDK is built once and the server's build is left alone.
TARGET = Path(os.environ.get("KEYWATCH_RUST_SDK", HERE.parents[1] / "target/clients/rust"))


@pytest.fixture(scope="module")
def program():
    command = ["cargo", "build", "--quiet", "--locked", "--manifest-path", HERE / "rust/Cargo.toml", "--target-dir", TARGET]
    built = subprocess.run(command, capture_output=True, text=True, timeout=900)
    assert built.returncode == 0, built.stderr
    return TARGET / "debug/sdk-round-trips"


@pytest.fixture
def server(tmp_path):
    server = Server(tmp_path / "data")
    server.data_dir.mkdir()
    yield server.start()
    server.stop()


@pytest.mark.skipif(not shutil.which("cargo"), reason="no cargo to build the SDK with")
def test_round_trips(program, server):
    environment = server.environment() | {"AWS_REGION": REGION}
    done = subprocess.run([program], env=environment, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stdout + done.stderr
