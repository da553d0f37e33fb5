"""Has the service tell a receiver of calls, and holds what came against the public libraries.

usage: webhooks.py BINARY URL VERIFY_MJS
"""

import base64
import json
import os
import queue
import subprocess
import sys
import threading
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from nacl.exceptions import BadSignatureError
from nacl.signing import VerifyKey
from standardwebhooks import Webhook, WebhookVerificationError

NAMES = ["webhook-id", "webhook-timestamp", "webhook-signature"]


class Receiver:
    """Takes everything, and keeps it as it came."""

    def __init__(self):
        outer, self.got = self, queue.Queue()

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                outer.got.put(({name: self.headers[name] for name in NAMES}, body.decode()))
                self.send_response(204)
                self.end_headers()

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/hook"
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Node:
    """The JavaScript side."""

    def __init__(self, script):
        self.process = subprocess.Popen(["node", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def asked(self, by, key, headers, body):
        question = json.dumps({"by": by, "key": key, "headers": headers, "body": body})
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        answer = self.process.stdout.readline().strip()
        assert answer in ("true", "false"), "node gave up"
        return answer == "true"


def by_library(secret, headers, body):
    try:
        Webhook(secret).verify(body, headers)
        return True
    except WebhookVerificationError:
        return False


def by_key(key, headers, body):
    public = VerifyKey(base64.b64decode(key.removeprefix("whpk_")))
    content = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.{body}".encode()
    for entry in headers["webhook-signature"].split(" "):
        scheme, _, signature = entry.partition(",")
        if scheme != "v1a":
            continue
        try:
            public.verify(content, base64.b64decode(signature))
            return True
        except BadSignatureError:
            pass
    return False


def other(text, at):
    return text[:at] + ("8" if text[at] == "7" else "7") + text[at + 1 :]


def altered(headers, body):
    """Every way in which a webhook is altered."""
    yield headers, body + " "
    for at in (0, len(body) // 2, len(body) - 1):
        yield headers, other(body, at)
    yield {**headers, "webhook-id": other(headers["webhook-id"], 0)}, body
    # Still a time, and near enough.
    yield {**headers, "webhook-timestamp": str(int(headers["webhook-timestamp"]) + 1)}, body
    entries = headers["webhook-signature"].split(" ")
    yield {**headers, "webhook-signature": " ".join(other(entry, 20) for entry in entries)}, body


class Service:
    def __init__(self, binary, url):
        done = subprocess.run(
            [binary, "key", "create", "--account", "default", "--kind", "app"], check=True, text=True, stdout=subprocess.PIPE
        )
        self.url, self.key, self.calls = url, done.stdout.strip(), 0

    def ask(self, method, path, body=None):
        headers = {"Authorization": f"Bearer {self.key}", "Content-Type": "application/json"}
        body = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read()
            return json.loads(text) if text else None

    def call_ends(self):
        """A call from 'Zoë 電話', whose bytes are not its characters."""
        self.calls += 1
        self.ask("POST", "/api/v1/voip/call-end", {
            "CallId": f"signed-{self.calls}", "From": "Zoë 電話", "To": "+14155550100", "Direction": "incoming", "CallStatus": "completed",
        })


def main(binary, url, script):
    service, receiver, node = Service(binary, url), Receiver(), Node(script)
    verified = 0

    def both(by, key, headers, body):
        """What Python says, which is what JavaScript says."""
        python = (by_library if by == "library" else by_key)(key, headers, body)
        javascript = node.asked(by, key, headers, body)
        assert python == javascript, f"{by}: Python says {python}, JavaScript {javascript}"
        return python

    def told():
        service.call_ends()
        return receiver.got.get(timeout=60)

    def holds(what, takes, refuses):
        """One webhook: these take it, and nothing that is made of it; those do not."""
        nonlocal verified
        headers, body = told()
        assert json.loads(body)["data"]["call_from"] == "Zoë 電話", body
        for by, key in takes:
            assert both(by, key, headers, body), f"{what}: {by} refuses what the service sent"
            for headers_altered, body_altered in altered(headers, body):
                assert not both(by, key, headers_altered, body_altered), f"{what}: {by} takes what was altered"
            verified += 1
        for by, key in refuses:
            assert not both(by, key, headers, body), f"{what}: {by} takes what is signed by another key"
        return headers

    wanted = {"url": receiver.url, "event_types": ["call.ended"], "signatures": ["v1"]}
    endpoint = service.ask("POST", "/v1/webhook-endpoints", wanted)
    path, secret, public = f"/v1/webhook-endpoints/{endpoint['id']}", endpoint["secret"], endpoint["public_key"]
    stranger = "whsec_" + base64.b64encode(os.urandom(32)).decode()
    holds("v1", [("library", secret)], [("library", stranger), ("ed25519", public)])

    service.ask("PATCH", path, {"signatures": ["v1", "v1a"]})
    holds("v1 and v1a", [("library", secret), ("ed25519", public)], [("library", stranger)])

    # Two of each sign in one header, of which the libraries know the half.
    new = service.ask("POST", f"{path}/rotate-secret", {"overlap_s": 3600})["secret"]
    new_public = service.ask("POST", f"{path}/rotate-secret", {"overlap_s": 3600, "scheme": "v1a"})["public_key"]
    assert new != secret and new_public != public
    all_of = [("library", secret), ("library", new), ("ed25519", public), ("ed25519", new_public)]
    headers = holds("during rotation", all_of, [("library", stranger)])
    assert len(headers["webhook-signature"].split(" ")) == 4, headers

    newest = service.ask("POST", f"{path}/rotate-secret", {"overlap_s": 0})["secret"]
    newest_public = service.ask("POST", f"{path}/rotate-secret", {"overlap_s": 0, "scheme": "v1a"})["public_key"]
    holds("after rotation", [("library", newest), ("ed25519", newest_public)], all_of)

    service.ask("PATCH", path, {"signatures": ["v1a"]})
    holds("v1a alone", [("ed25519", newest_public)], [("library", newest)])

    tested = service.ask("POST", f"{path}/test")
    headers, body = receiver.got.get(timeout=60)
    assert tested["ok"] and tested["request"]["body"] == body and both("ed25519", newest_public, headers, body), tested
    print(f"standardwebhooks of Python and of JavaScript, PyNaCl and node:crypto verify {verified} signatures, and take nothing altered")


main(*sys.argv[1:])
