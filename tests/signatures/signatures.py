"""Holds our signatures against the providers' own libraries.

usage: signatures.py BINARY URL

Each sdk_NAME.py beside this file is one provider:

    PROOF                              headers without which, or with any of which altered, a callback proves nothing
    verifies(credentials, url, headers, body) -> bool
                                       what the provider's library says of a callback; credentials as `onhook simulate
                                       --callbacks` prints them: account, key_id, secret, signing_secret
    connect() -> (arguments, secret, signing_secret)
                                       what `onhook connection add` is given, of keys that are made here
    event(call) -> str                 the body of a callback that tells of this call; or, with ROOMS = True, that the room of
                                       this name is over
    signed(url, body) -> headers       the callback's headers, by the provider's library or by what that library verifies with

A server of rooms has no double, and needs no `verifies`. If our requests to it are signed as well:

    PROBE                              the JSON that answers a test of a connection
    accepts(authorization) -> bool     whether its `Authorization` is one that the provider takes
"""

import glob
import importlib
import json
import os
import pathlib
import subprocess
import sys
import threading
import urllib.error
import urllib.request
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def onhook(binary, *arguments, **secrets):
    environment = {**os.environ, **{name: value for name, value in secrets.items() if value is not None}}
    done = subprocess.run([binary, *arguments], check=True, text=True, stdout=subprocess.PIPE, env=environment)
    return done.stdout.strip()


def post(url, headers, body):
    request = urllib.request.Request(url, body.encode(), headers, method="POST")
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return answer.status
    except urllib.error.HTTPError as error:
        return error.code


def other(text, at):
    """The text with one character altered."""
    return text[:at] + ("8" if text[at] == "7" else "7") + text[at + 1 :]


def altered(sdk, headers, body):
    """Every way in which a callback is altered, and what was done."""
    yield "body longer", headers, body + " "
    for at in (0, len(body) // 2, len(body) - 1):
        yield f"body altered at {at}", headers, other(body, at)
    for name in sdk.PROOF:
        value = headers[name]
        for at in (0, len(value) // 2):
            yield f"{name} altered at {at}", {**headers, name: other(value, at)}, body
        yield f"without {name}", {kept: value for kept, value in headers.items() if kept != name}, body


class Asked:
    """The provider's API, which answers everything alike and keeps how it was asked."""

    def __init__(self, answer):
        outer, self.authorizations = self, []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                outer.authorizations.append(self.headers.get("Authorization"))
                body = json.dumps(answer).encode()
                self.send_response(200)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_port}/"
        threading.Thread(target=server.serve_forever, daemon=True).start()


def library_verifies_ours(sdk, provider, binary):
    url = f"https://calls.example.com/inbound/{provider}/c1"
    shown = json.loads(onhook(binary, "simulate", "--provider", provider, "--callbacks", url))
    credentials, callbacks = shown["credentials"], shown["callbacks"]
    assert callbacks, f"{provider}: the double signs nothing"
    for callback in callbacks:
        headers, body, step = callback["headers"], callback["body"], callback["step"]
        assert sdk.verifies(credentials, url, headers, body), f"{provider}: its library refuses {step}"
        for what, headers, body in altered(sdk, headers, body):
            assert not sdk.verifies(credentials, url, headers, body), f"{provider}: its library takes {step}, {what}"
    return len(callbacks)


def we_verify_the_library(sdk, provider, binary, service):
    api = Asked(getattr(sdk, "PROBE", {}))
    arguments, secret, signing_secret = sdk.connect()
    secrets = {"ONHOOK_CONNECTION_SECRET": secret, "ONHOOK_CONNECTION_SIGNING_SECRET": signing_secret}
    add = ["connection", "add", "--account", "default", provider, *arguments, "--base-url", api.url]
    connection = json.loads(onhook(binary, *add, **secrets))
    callback_url = connection["status_callback_url"].split("#")[0]
    here = service + callback_url.removeprefix("https://calls.example.com")
    key = onhook(binary, "key", "create", "--account", "default", "--kind", "app")
    name = f"{provider}-1"
    if hasattr(sdk, "ROOMS"):
        told = call_in_a_room(service, key, connection["id"], name)
    else:
        told = lambda: ask(service, key, "GET", "/calls/query?per_page=1")["meta"]["total"]
    before = told()
    body = sdk.event(name)
    headers = sdk.signed(callback_url, body)
    for what, headers_altered, body_altered in altered(sdk, headers, body):
        status = post(here, headers_altered, body_altered)
        # 503 asks the provider to send again what it failed to sign.
        refused = status == 401 or (status == 503 and what.startswith("without"))
        assert refused, f"{provider}: we answer {status} to a callback, {what}"
    assert told() == before, f"{provider}: an altered callback was believed"
    status = post(here, headers, body)
    assert status in (200, 204), f"{provider}: we answer {status} to what its library signs"
    assert told() == before + 1, f"{provider}: a genuine callback did nothing"
    if hasattr(sdk, "accepts"):
        onhook(binary, "connection", "test", "--account", "default", "--id", connection["id"])
        assert api.authorizations, f"{provider}: it was not asked"
        for authorization in api.authorizations:
            assert sdk.accepts(authorization), f"{provider}: its library refuses our token"
            assert not sdk.accepts(other(authorization, len(authorization) - 20)), f"{provider}: it takes any token"


def call_in_a_room(service, key, connection, room):
    """A live call in this room; what is returned counts whether it is over."""
    report = {"CallId": room, "From": "+14155550148", "To": "+14155550100", "Direction": "incoming"}
    ask(service, key, "POST", "/api/v1/voip/call-answered", report)
    call = ask(service, key, "GET", "/calls/query?per_page=1")["data"][0]["id"]
    ask(service, key, "PUT", f"/v1/calls/{call}/room", {"connection_id": connection, "name": room})
    return lambda: int(ask(service, key, "GET", f"/calls/{call}")["data"]["ended_at"] is not None)


def ask(service, key, method, path, body=None):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json"}
    body = None if body is None else json.dumps(body).encode()
    with urllib.request.urlopen(urllib.request.Request(service + path, body, headers, method=method), timeout=30) as answer:
        text = answer.read()
        return json.loads(text) if text else None


def main(binary, service):
    here = pathlib.Path(__file__).parent
    files = sorted(pathlib.Path(name).stem for name in glob.glob(f"{here}/sdk_*.py"))
    assert files, "there is no library"
    for name in files:
        sdk, provider = importlib.import_module(name), name.removeprefix("sdk_")
        we_verify_the_library(sdk, provider, binary, service)
        signed = library_verifies_ours(sdk, provider, binary) if hasattr(sdk, "verifies") else None
        ours = "our requests" if signed is None else f"{signed} callbacks of ours"
        print(f"{provider}: its library verifies {ours}, and we verify its own callbacks")


main(*sys.argv[1:])
