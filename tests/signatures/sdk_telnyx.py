"""telnyx-python, which verifies with PyNaCl. It signs nothing: PyNaCl does here."""

import base64
import json
import time
import uuid

from nacl.signing import SigningKey
from telnyx.lib.webhook_verification import WebhookVerificationError, verify_webhook_signature

PROOF = ["telnyx-signature-ed25519", "telnyx-timestamp"]
KEY = SigningKey.generate()


def verifies(credentials, url, headers, body):
    try:
        verify_webhook_signature(body, headers, credentials["signing_secret"])
        return True
    except WebhookVerificationError:
        return False


def connect():
    return ["--connection-id", "1293384261075731461"], "KEY0123456789", base64.b64encode(bytes(KEY.verify_key)).decode()


def event(call):
    return json.dumps({
        "data": {
            "record_type": "event", "event_type": "call.initiated", "id": str(uuid.uuid4()),
            "occurred_at": time.strftime("%Y-%m-%dT%H:%M:%S.000000Z", time.gmtime()),
            "payload": {"call_control_id": call, "direction": "incoming", "from": "+14155550148", "to": "+14155550100"},
        },
        "meta": {"attempt": 1},
    })


def signed(url, body):
    timestamp = str(int(time.time()))
    signature = KEY.sign(f"{timestamp}|{body}".encode()).signature
    return {
        "content-type": "application/json",
        "telnyx-signature-ed25519": base64.b64encode(signature).decode(),
        "telnyx-timestamp": timestamp,
    }
