"""livekit-api, whose tokens sign a webhook. Its receiver, beside ours, takes what is signed here."""

import base64
import hashlib
import json
import time
import uuid

from livekit.api import AccessToken, TokenVerifier, WebhookReceiver

ROOMS = True
PROOF = ["authorization"]
PROBE = {"rooms": []}
API_KEY = "APIabcdefgh1234"
SECRET = "an API secret of at least thirty-two bytes"


def connect():
    return ["--api-key", API_KEY], SECRET, None


def event(room):
    return json.dumps({
        "event": "room_finished", "room": {"sid": "RM_hycBMAjmt6Ub", "name": room}, "id": f"EV_{uuid.uuid4().hex}",
        "createdAt": str(int(time.time())),
    })


def signed(url, body):
    token = AccessToken(API_KEY, SECRET)
    token.claims.sha256 = base64.b64encode(hashlib.sha256(body.encode()).digest()).decode()
    token = token.to_jwt()
    assert WebhookReceiver(TokenVerifier(API_KEY, SECRET)).receive(body, token).event == "room_finished"
    return {"content-type": "application/webhook+json", "authorization": token}


def accepts(authorization):
    scheme, _, token = authorization.partition(" ")
    try:
        claims = TokenVerifier(API_KEY, SECRET).verify(token)
    except Exception:
        return False
    return scheme == "Bearer" and claims.video.room_list is True
