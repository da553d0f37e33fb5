"""Twilio's RequestValidator."""

from urllib.parse import parse_qsl, urlencode

from twilio.request_validator import RequestValidator

PROOF = ["x-twilio-signature"]
TOKEN = "2f1c8b9de0a34765b1c2d3e4f5061728"


def pairs(body):
    return dict(parse_qsl(body, keep_blank_values=True))


def verifies(credentials, url, headers, body):
    validator = RequestValidator(credentials["secret"])
    return validator.validate(url, pairs(body), headers.get("x-twilio-signature", ""))


def connect():
    return ["--account-sid", "AC0123456789abcdef0123456789abcdef"], TOKEN, None


def event(call):
    return urlencode({"CallSid": call, "CallStatus": "ringing", "From": "+14155550148", "To": "+14155550100", "Direction": "inbound"})


def signed(url, body):
    signature = RequestValidator(TOKEN).compute_signature(url, pairs(body))
    return {"content-type": "application/x-www-form-urlencoded", "x-twilio-signature": signature}
