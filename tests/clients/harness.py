"""What the client tests share: the built server, the AWS CLI, a mail server and an HTTP receiver, all real and on loopback."""

import email
import email.policy
import http.server
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time
from pathlib import Path

from aiosmtpd.controller import Controller

ACCOUNT = "000000000000"
REGION = "us-east-1"
BINARY = os.environ.get("KEYWATCH_BINARY", "keywatch")


class Server:
    """The built binary, serving a data directory until it is stopped."""

    def __init__(self, data_dir, *options):
        self.data_dir = Path(data_dir)
        self.options = options
        self.listen = "127.0.0.1:0"
        self.process = None
        self.url = None

    def start(self):
        command = [BINARY, "serve", "--data-dir", str(self.data_dir), "--listen", self.listen, *self.options]
        self.log = open(self.data_dir.with_suffix(".log"), "ab")
        self.process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=self.log, text=True)
        ready, _, _ = select.select([self.process.stdout], [], [], 20)
        line = self.process.stdout.readline() if ready else ""
        match = re.fullmatch(r"keywatch ready: (http://127\.0\.0\.1:\d+)\n", line)
        assert match, f"no ready line but {line!r}; see {self.log.name}"
        self.url = match[1]
        return self

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        assert self.process.wait(20) == 0

    def kill(self):
        self.process.kill()
        self.process.wait(20)

    def environment(self):
        """What `eval "$(keywatch env)"` sets."""
        text = subprocess.run(
            [BINARY, "env", "--data-dir", str(self.data_dir)], check=True, capture_output=True, text=True
        ).stdout
        exports = dict(re.findall(r"(AWS_[A-Z_]+)='?([^'\s;]+)'?", text))
        base = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
        return base | exports | {"AWS_PAGER": "", "AWS_CONFIG_FILE": os.devnull, "AWS_SHARED_CREDENTIALS_FILE": os.devnull}

    def keywatch(self, *arguments):
        """A command of ours against the running server."""
        done = subprocess.run(
            [BINARY, *arguments, "--data-dir", str(self.data_dir)], capture_output=True, text=True, timeout=300
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def advance(self, duration):
        return self.keywatch("clock", "advance", duration)


class Refused(Exception):
    """An error the AWS CLI reported."""

    def __init__(self, stderr):
        super().__init__(stderr.strip())
        match = re.search(r"An error occurred \((\w+(?:\.\w+)*)\)", stderr)
        self.code = match[1] if match else None


class Aws:
    """The unmodified AWS CLI. `aws("kms", "create-key", description="x")` gives the parsed answer."""

    def __init__(self, server, **credentials):
        self.environment = server.environment() | credentials

    def __call__(self, service, operation, *flags, **options):
        command = ["aws", service, operation, *flags, "--output", "json"]
        if service == "sqs":
            # Version 1 of the AWS CLI puts SQS's old host name above AWS_ENDPOINT_URL; version 2 does not.
            command += ["--endpoint-url", self.environment["AWS_ENDPOINT_URL"]]
        for name, value in options.items():
            text = value if isinstance(value, str) else json.dumps(value)
            command += ["--" + name.rstrip("_").replace("_", "-"), text]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True, timeout=60)
        if done.returncode != 0:
            raise Refused(done.stderr)
        return json.loads(done.stdout) if done.stdout.strip() else {}


class MailBox:
    """An SMTP server that keeps what it is given."""

    def __init__(self):
        self.mails = []
        self.arrived = threading.Condition()
        # The controller visits its own port once, so it cannot be asked for any.
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            port = free.getsockname()[1]
        self.controller = Controller(self, hostname="127.0.0.1", port=port)
        self.controller.start()
        self.url = f"smtp://127.0.0.1:{port}"

    async def handle_DATA(self, server, session, envelope):
        mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
        mail.seen_at = time.monotonic()
        mail.text = (mail.get_body(("plain",)) or mail).get_content()
        mail.envelope_to = list(envelope.rcpt_tos)
        with self.arrived:
            self.mails.append(mail)
            self.arrived.notify_all()
        return "250 kept"

    def wait_for(self, subject, seconds=10):
        """The first mail whose subject contains a text."""
        return self.wait_for_one(lambda mail: subject in mail["subject"], seconds)

    def wait_for_one(self, accept, seconds=10):
        """The first mail that is accepted."""
        with self.arrived:
            found = lambda: next((mail for mail in self.mails if accept(mail)), None)
            assert self.arrived.wait_for(found, seconds), f"no such mail, only {[m['subject'] for m in self.mails]}"
            return found()

    def close(self):
        self.controller.stop()


class Receiver:
    """An HTTP server that keeps what is posted to it and confirms SNS subscriptions as a subscriber does."""

    def __init__(self):
        self.posts = []
        self.arrived = threading.Condition()
        keeper = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["content-length"]))
                post = {"headers": dict(self.headers), "body": json.loads(body), "raw": body, "seen_at": time.monotonic()}
                with keeper.arrived:
                    keeper.posts.append(post)
                    keeper.arrived.notify_all()
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook"

    def wait_for(self, kind, accept=lambda post: True, seconds=10):
        """The first post of an `x-amz-sns-message-type` that is accepted."""
        with self.arrived:
            found = lambda: next((p for p in self.posts if p["body"]["Type"] == kind and accept(p)), None)
            assert self.arrived.wait_for(found, seconds), f"no {kind}, only {[p['body']['Type'] for p in self.posts]}"
            return found()

    def close(self):
        self.server.shutdown()
