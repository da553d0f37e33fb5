"""plivo-python's V3 signatures."""

from urllib.parse import parse_qsl, urlencode

from plivo.exceptions import ValidationError
from plivo.utils.signature_v3 import construct_post_url, get_signature_v3, validate_v3_signature

PROOF = ["x-plivo-signature-v3", "x-plivo-signature-v3-nonce"]
TOKEN = "ZmFrZSB0b2tlbiBmb3IgdGVzdHMgb25seQ"
NONCE = "05429567804466091622"


def parameters(body):
    """As a web framework gives them to the library: a list where a name comes twice."""
    pairs = parse_qsl(body, keep_blank_values=True)
    all_of = {name: [value for own, value in pairs if own == name] for name, _ in pairs}
    return {name: values[0] if len(values) == 1 else values for name, values in all_of.items()}


def verifies(credentials, url, headers, body):
    signature, nonce = (headers.get(name, "") for name in PROOF)
    try:
        return validate_v3_signature("POST", url, nonce, credentials["secret"], signature, parameters(body))
    except ValidationError:
        return False


def connect():
    return ["--auth-id", "MA0123456789ABCDEFGHIJ"], TOKEN, None


def event(call):
    return urlencode([("CallUUID", call), ("CallStatus", "ringing"), ("Event", "Ring"), ("Direction", "outbound"),
                      ("From", "14155550100"), ("To", "14155550148"), ("X", "b"), ("X", "a"), ("ForwardedFrom", "")])


def signed(url, body):
    base = construct_post_url(url, parameters(body)).decode()
    signature = get_signature_v3(TOKEN.encode(), base, NONCE).decode()
    return {
        "content-type": "application/x-www-form-urlencoded",
        "x-plivo-signature-v3": signature,
        "x-plivo-signature-v3-nonce": NONCE,
    }
