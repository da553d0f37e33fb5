#!/usr/bin/env python3
"""A webhook receiver: verifies each request with the public Standard Webhooks library and prints what it was told.

    pip install standardwebhooks
    SECRET=whsec_… python3 examples/receiver.py 9000
"""
import json
import os
import sys
from http.server import BaseHTTPRequestHandler, HTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

webhook = Webhook(os.environ["SECRET"])
seen = set()


class Receiver(BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        try:
            # On the bytes as they came: a body that was parsed and written again has another signature.
            webhook.verify(body, dict(self.headers))
        except WebhookVerificationError as error:
            print(f"refused: {error}", flush=True)
            self.send_response(401)
        else:
            self.told(self.headers["webhook-id"], json.loads(body))
            self.send_response(204)
        self.end_headers()

    def told(self, event_id, event):
        if event_id in seen:  # at least once: a repetition has the same id
            return
        seen.add(event_id)
        call = event["data"]
        sentiment = (call.get("analysis") or {}).get("sentiment") or {}
        print(f"verified {event['type']} {call['id']} {call['call_status']} {sentiment.get('overall', '')}", flush=True)

    def log_message(self, *arguments):
        pass


HTTPServer(("127.0.0.1", int(sys.argv[1])), Receiver).serve_forever()
