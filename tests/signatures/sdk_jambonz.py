"""jambonz-python-sdk, which verifies callbacks. It signs none: jambonz's own recipe does here."""

import hashlib
import hmac
import json
import time

from jambonz_sdk.webhook.middleware import verify_signature_middleware

PROOF = ["jambonz-signature"]
SECRET = "wh_secret_a1b2c3d4e5f60718"


def verifies(credentials, url, headers, body):
    try:
        header = headers.get("jambonz-signature")
        return verify_signature_middleware(body.encode(), header, credentials["signing_secret"])
    except ValueError:
        return False


def connect():
    return ["--account-sid", "9351f46a-678c-43f5-b8a6-d4eb58d131af"], "38700987-c7a4-4685-a5bb-af378f9734de", SECRET


def event(call):
    return json.dumps({
        "call_sid": call, "call_status": "ringing", "direction": "inbound", "from": "+14155550148", "to": "+14155550100",
        "sip_status": 180, "sip_reason": "Ringing", "call_id": call,
    })


def signed(url, body):
    now = int(time.time())
    signature = hmac.new(SECRET.encode(), f"{now}.{body}".encode(), hashlib.sha256).hexdigest()
    header = f"t={now},v1={signature}"
    assert verify_signature_middleware(body.encode(), header, SECRET)
    return {"content-type": "application/json", "jambonz-signature": header}
