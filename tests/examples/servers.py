"""What stands around the service while examples run: a relay that sees what clients send, and Twilio's part of a call."""

import base64
import hashlib
import hmac
import http.client
import json
import threading
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import parse_qsl, urlencode, urlsplit


@dataclass
class Sent:
    method: str
    target: str
    headers: object
    body: bytes
    status: int


class Server:
    """An HTTP server on a port of its own, for as long as the process lives."""

    def __init__(self):
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def handle_any(self):
                body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                status, headers, answer = outer.answer(self.command, self.path, self.headers, body)
                self.send_response_only(status)
                for name, value in headers:
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = handle_any

            def log_message(self, *_):
                pass

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        self.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()


class Relay(Server):
    """Passes every request on to the service as it came, and keeps what was sent."""

    def __init__(self, url):
        self.address, self.sent = urlsplit(url).netloc, []
        super().__init__()

    def answer(self, method, target, headers, body):
        connection = http.client.HTTPConnection(self.address, timeout=30)
        dropped = {"host", "connection", "content-length"}
        passed = {name: value for name, value in headers.items() if name.lower() not in dropped}
        connection.request(method, target, body or None, passed)
        answer = connection.getresponse()
        told = answer.read()
        self.sent.append(Sent(method, target, headers, body, answer.status))
        kept = [(name, value) for name, value in answer.getheaders() if name.lower() not in dropped]
        connection.close()
        return answer.status, kept, told

    def take(self):
        sent, self.sent = self.sent, []
        return sent


class Twilio(Server):
    """Takes calls that are placed, tells that somebody answered, and hangs up."""

    def __init__(self, token):
        self.token = token
        super().__init__()

    def answer(self, method, target, _headers, body):
        form = dict(parse_qsl(body.decode()))
        if method == "POST" and target.endswith("/Calls.json"):
            threading.Timer(0.3, self.call_back, (form["StatusCallback"], form["From"], form["To"])).start()
            return self.json(201, {"sid": "CA12345678904567890", "status": "queued", "direction": "outbound-api"})
        if method == "POST" and target.endswith("/Calls/CA12345678904567890.json") and form.get("Status") == "completed":
            return self.json(200, {"sid": "CA12345678904567890", "status": "completed"})
        return self.json(404, {"code": 20404, "message": f"{target} was not found", "status": 404})

    def json(self, status, body):
        return status, [("Content-Type", "application/json")], json.dumps(body).encode()

    def call_back(self, url, caller, callee):
        url = url.partition("#")[0]
        form = {"CallSid": "CA12345678904567890", "CallStatus": "in-progress", "Direction": "outbound-api"}
        form |= {"From": caller, "To": callee}
        signed = url + "".join(name + form[name] for name in sorted(form))
        signature = base64.b64encode(hmac.digest(self.token.encode(), signed.encode(), hashlib.sha1)).decode()
        parts = urlsplit(url)
        connection = http.client.HTTPConnection(parts.netloc, timeout=10)
        headers = {"Content-Type": "application/x-www-form-urlencoded", "X-Twilio-Signature": signature}
        connection.request("POST", f"{parts.path}?{parts.query}" if parts.query else parts.path, urlencode(form), headers)
        status = connection.getresponse().status
        assert status == 204, f"the callback was answered {status}"
