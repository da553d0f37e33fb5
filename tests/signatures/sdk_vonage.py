"""vonage-jwt, which verifies with PyJWT. It leaves the body's hash to the receiver, and signs no webhooks: PyJWT does here."""

import hashlib
import json
import time
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from vonage_jwt import JwtClient, VonageVerifyJwtError, verify_signature

PROOF = ["authorization"]
PROBE = {"count": 0, "page_size": 1, "record_index": 0, "_links": {"self": {"href": "/calls"}}, "_embedded": {"calls": []}}
APPLICATION = "aaaaaaaa-bbbb-cccc-dddd-0123456789ab"
SECRET = "a signature secret of at least thirty-two bytes"
KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
PEM = KEY.private_bytes(
    serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
).decode()


def sha256(body):
    return hashlib.sha256(body.encode()).hexdigest()


def verifies(credentials, url, headers, body):
    scheme, _, token = headers.get("authorization", "").partition(" ")
    try:
        genuine = scheme == "Bearer" and verify_signature(token, credentials["signing_secret"])
    except VonageVerifyJwtError:
        return False
    return genuine and jwt.decode(token, options={"verify_signature": False})["payload_hash"] == sha256(body)


def connect():
    # In one line, as an environment variable holds it.
    return ["--application-id", APPLICATION], PEM.replace("\n", "\\n"), SECRET


def event(call):
    return json.dumps({
        "uuid": call, "conversation_uuid": f"CON-{call}", "status": "ringing", "direction": "inbound",
        "from": "14155550148", "to": "14155550100", "timestamp": time.strftime("%Y-%m-%dT%H:%M:%S.000Z", time.gmtime()),
    })


def signed(url, body):
    claims = {
        "iat": int(time.time()), "jti": str(uuid.uuid4()), "iss": "Vonage", "api_key": "abcd1234",
        "application_id": APPLICATION, "payload_hash": sha256(body),
    }
    return {"content-type": "application/json", "authorization": f"Bearer {jwt.encode(claims, SECRET, algorithm='HS256')}"}


def accepts(authorization):
    """Ours has what the library's own token has, signed by the same key."""
    scheme, _, token = authorization.partition(" ")
    theirs = JwtClient(APPLICATION, PEM).generate_application_jwt().decode()
    read = lambda token: jwt.decode(token, KEY.public_key(), algorithms=["RS256"], options={"require": ["exp", "iat", "jti"]})
    try:
        ours, theirs = read(token), read(theirs)
    except jwt.InvalidTokenError:
        return False
    return scheme == "Bearer" and ours.keys() == theirs.keys() and ours["application_id"] == theirs["application_id"]
