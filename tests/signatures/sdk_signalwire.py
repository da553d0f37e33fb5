"""signalwire-sdk, which verifies callbacks of both schemes. It signs nothing: the two lines of its documentation do here."""

import base64
import hashlib
import hmac
from urllib.parse import parse_qsl, urlencode

from signalwire.core.security.webhook_validator import validate_webhook_signature

PROOF = ["x-signalwire-signature"]
KEY = "PSK_2f1c8b9de0a34765b1c2d3e4f5061728"


def verifies(credentials, url, headers, body):
    return validate_webhook_signature(credentials["signing_secret"], headers.get("x-signalwire-signature", ""), url, body)


def connect():
    return ["--project-id", "b3877c40-da60-4998-90ad-b792e98472af"], "PT0123456789", KEY


def event(call):
    # A name that comes twice is signed in its order.
    return urlencode([("X", "b"), ("CallSid", call), ("CallStatus", "ringing"), ("From", "+14155550148"), ("To", "+14155550100"),
                      ("Direction", "inbound"), ("X", "a")])


def signed(url, body):
    pairs = sorted(parse_qsl(body, keep_blank_values=True), key=lambda pair: pair[0])
    text = url + "".join(name + value for name, value in pairs)
    signature = base64.b64encode(hmac.new(KEY.encode(), text.encode(), hashlib.sha1).digest()).decode()
    assert validate_webhook_signature(KEY, signature, url, body)
    return {"content-type": "application/x-www-form-urlencoded", "x-signalwire-signature": signature}
