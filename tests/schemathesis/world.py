"""Fills two accounts with data of every kind, and says by what each is known.

usage: world.py BINARY URL FILE     writes {"acme": {"key", "secret", "ids", "texts", "seen"}, "other": …} to FILE
       world.py --unchanged URL FILE ACCOUNT     fails if the account's data is not as it was
"""

import json
import os
import subprocess
import sys
import time
import urllib.error
import urllib.request

# By its marker an account's data can be looked for; its secret stands in every text of it and in no request of anybody else.
ACCOUNTS = {"acme": ("Quokka7731", "Bilby4410", "+14155550111"), "other": ("Wombat9942", "Numbat5518", "+14155550222")}

# Doubles at whose digits a reader may err. The integration tests cannot show that: their crates make every reader exact.
NUMBERS = [2.638344616030823e-256, 5e-324, 1.7976931348623157e308]


def ask(url, key, method, path, body=None, **headers):
    headers = {"Authorization": f"Bearer {key}", "Content-Type": "application/json", **headers}
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url + path, data, headers, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            text = answer.read().decode()
    except urllib.error.HTTPError as error:
        raise SystemExit(f"{method} {path}: {error.code} {error.read().decode()}") from None
    return json.loads(text) if text else None


def onhook(binary, *arguments, **secrets):
    done = subprocess.run([binary, *arguments], check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **secrets})
    return done.stdout.strip()


def fill(binary, url, name):
    marker, secret, number = ACCOUNTS[name]
    text = f"{marker} {secret}"
    account = json.loads(onhook(binary, "account", "create", name, "--business-uid", f"business-{marker}"))
    key = onhook(binary, "key", "create", "--account", name, "--kind", "app", "--staff", f"staff-{marker}")

    def do(method, path, body=None, **headers):
        return ask(url, key, method, path, body, **headers)

    twilio = ["twilio", "--account-sid", f"AC{marker}", "--number", number, "--base-url", f"http://127.0.0.1:9/{secret}"]
    livekit = ["livekit", "--key", f"API{marker}", "--base-url", f"http://127.0.0.1:9/{secret}"]
    connections = [
        json.loads(onhook(binary, "connection", "add", "--account", name, *vendor, ONHOOK_CONNECTION_SECRET=f"secret {marker}"))["id"]
        for vendor in (twilio, livekit)
    ]
    answer = ["--id", connections[0], "--answer-url", "http://127.0.0.1:9/answer"]
    onhook(binary, "connection", "answer", "--account", name, *answer)
    hook = {"url": f"http://127.0.0.1:9/{marker}/{secret}"}
    endpoint = do("POST", "/v1/webhook-endpoints", hook)["id"]
    calls = []
    for n in range(3):
        post = {"CallId": f"{marker}-{n}", "From": f'"{text}" <sip:{number}@example.com>', "To": number, "Direction": "incoming"}
        do("POST", "/api/v1/voip/call-answered", {**post, "email": f"{marker}@example.com"})
    notes = {
        "call_feedback": text, "notes": text, "metadata": {"of": text, "numbers": NUMBERS}, "agent_dynamic_variables": {"of": text},
        "agent_post_call_outcomes": {"of": text}, "agent_task_status": text, "agent_task_feedback": text,
        "record_url": f"https://example.com/{secret}", "workspace": text,
    }  # fmt: skip
    recorded = {"call_sid": f"{marker}-recorded", "call_from": number, "call_to": number, "call_status": "in-progress", **notes}
    made = do("POST", "/calls", recorded)["data"]
    assert made["metadata"] == notes["metadata"], made["metadata"]
    calls.append(made["id"])
    calls += [call["id"] for call in do("GET", "/calls/query?per_page=100")["data"] if call["id"] not in calls]
    utterance = {"speaker": "agent", "begin_ms": 0, "end_ms": 900, "text": f"this is {text}, that is terrible"}
    for call in calls[:3]:
        do("PATCH", f"/calls/{call}", {key: value for key, value in notes.items() if key != "record_url"})
        do("PUT", f"/v1/calls/{call}/transcript", {"language": "en", "utterances": [utterance]})
    do("PUT", f"/v1/calls/{calls[1]}/room", {"connection_id": connections[1], "name": text})
    do("POST", "/calls/end", {"call_id": calls[0], "disconnect_reason": text})
    do("POST", "/calls/end", {"call_id": calls[1], "disconnect_reason": text})
    voice = {
        "staff_uid": f"staff-{marker}", "client_uid": f"client-{marker}", "from_number": number, "to_number": number,
        "direction": "INBOUND", "status": "INCOMING_CALL", "rate": "0.05", "provider": "VONAGE",
        "source_id": f"source-{marker}", "external_uuid": f"external-{marker}",
    }  # fmt: skip
    path = "/v3/communication/voice_calls"
    uid = do("POST", path, {**voice, "business_uid": f"business-{marker}"})["data"]["uid"]
    ended = {
        "status": "VOICEMAIL_RECEIVED", "price": "1.50", "duration": 7, "call_summary": text, "recording_id": f"rec-{marker}",
        "external_app_url": f"https://example.com/{secret}", "external_app_name": text,
    }  # fmt: skip
    do("PUT", f"{path}/{uid}", {**voice, **ended})
    do("PUT", f"/v1/calls/{uid}/transcript", {"language": "en", "utterances": [utterance]})
    deadline = time.monotonic() + 60
    while len(deliveries := do("GET", "/v1/deliveries?limit=100")["data"]) < 6 or not analysed(do, [*calls[:2], uid]):
        assert time.monotonic() < deadline, f"{name} is not analysed"
        time.sleep(0.3)
    ids = {
        "call": [*calls, uid], "connection": connections, "endpoint": [endpoint],
        "delivery": [each["id"] for each in deliveries], "event": [each["event_id"] for each in deliveries],
        "account": [account["account_id"]],
        "analysis": [each["analysis_id"] for call in [*calls, uid] for each in do("GET", f"/v1/calls/{call}/analyses")["data"]],
        "transcript": [do("GET", f"/v1/calls/{call}/transcript")["transcript_id"] for call in [*calls[:3], uid]],
    }  # fmt: skip
    texts = {
        "sid": [f"{marker}-0", f"{marker}-recorded", f"source-{marker}", f"external-{marker}"],
        "recording": [f"rec-{marker}"], "person": [f"staff-{marker}", f"client-{marker}"], "number": [number],
        "business": [f"business-{marker}"], "marker": [marker],
    }  # fmt: skip
    return {"key": key, "secret": secret, "number": number, "ids": ids, "texts": texts, "seen": see(url, key, ids)}


def analysed(do, calls):
    analyses = [do("GET", f"/calls/{call}")["data"]["analysis"] or {} for call in calls]
    return all(analysis.get("analysis_level") == "transcript" for analysis in analyses)


def see(url, key, ids):
    """What the account's owner sees that does not go on by itself."""
    paths = [f"/calls/{call}" for call in ids["call"]] + [f"/v1/calls/{call}/analyses" for call in ids["call"]]
    paths += [f"/v1/webhook-endpoints/{endpoint}" for endpoint in ids["endpoint"]] + ["/v1/connections"]
    paths += [f"/v3/communication/voice_calls/{ids['call'][-1]}"]
    seen = {path: ask(url, key, "GET", path) for path in paths}
    for path, answer in seen.items():
        data = answer.get("data")
        for part in data.get("terminations", []) if isinstance(data, dict) else []:
            # The background goes on asking a provider that is not there.
            part.update(state=None, attempts=None, updated_at=None, detail=None)
    return seen


def main():
    if sys.argv[1] == "--unchanged":
        _, _, url, file, name = sys.argv
        account = json.load(open(file))[name]
        before, now = account["seen"], see(url, account["key"], account["ids"])
        changed = [path for path in before if before[path] != now[path]]
        assert not changed, f"another account's key has changed: {[(before[path], now[path]) for path in changed]}"
        return
    _, binary, url, file = sys.argv
    with open(file, "w") as out:
        json.dump({name: fill(binary, url, name) for name in ACCOUNTS}, out)


main()
