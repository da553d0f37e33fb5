"""Runs the examples of docs/clients, every client in an account of its own, and says what is not as documented.

usage: examples.py BINARY URL SCRATCH [PAGE...]
"""

import json
import os
import pathlib
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qsl, urlsplit

import page
from servers import Relay, Twilio

BINARY, URL, SCRATCH = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3])
PAGES = pathlib.Path("docs/clients")
EVENTUALLY_S = 20

# What each page's examples come with: the kind of key, and where the vendor has its API.
KINDS = {"voip": "ingest", "calls": "app", "voice-calls": "staff"}
VENDORS = {
    "voip": "https://{{account_id}}.acquire.io",
    "calls": "https://api.callab.ai",
    "voice-calls": "https://api.vcita.biz",
}
COMMANDS = {"curl": ["bash", "-euo", "pipefail"], "fetch": ["node"], "axios": ["node"], "requests": ["python", "-B"]}
ENDINGS = {"curl": "sh", "fetch": "mjs", "axios": "mjs", "requests": "py"}


class Different(Exception):
    """An example does not do what the page says."""


def onhook(*arguments, **secrets):
    done = subprocess.run([BINARY, *arguments], check=True, text=True, stdout=subprocess.PIPE, env={**os.environ, **secrets})
    return done.stdout.strip()


def prepare(name, client, relay):
    """An account for one client's walk through a page, and what the page's examples know of it."""
    account = f"{name}-{client}"
    business = f"business-{account}"
    onhook("account", "create", account, "--business-uid", business)
    kind = KINDS[name]
    staff = ["--staff", "d290f1ee-6c54-4b01-90e6-d701748f0851"] if kind == "staff" else []
    state = {"ONHOOK_URL": relay.url, "ONHOOK_KEY": onhook("key", "create", "--account", account, "--kind", kind, *staff)}
    if kind == "app":
        twilio = Twilio(f"a token of {account}")
        connection = ["connection", "add", "--account", account, "twilio", "--account-sid", "AC1", "--number", "+1234567890"]
        served = ["--base-url", twilio.url, "--answer-url", f"{twilio.url}/voice"]
        onhook(*connection, *served, ONHOOK_CONNECTION_SECRET=twilio.token)
    if kind == "staff":
        state["BUSINESS_UID"] = business
    return state


def run(client, script, place, state):
    file = SCRATCH / f"{place}.{ENDINGS[client]}"
    file.write_text(script)
    done = subprocess.run(
        [*COMMANDS[client], str(file)], env={**os.environ, **state}, text=True, capture_output=True, timeout=60
    )
    if done.returncode != 0:
        raise Different(f"failed:\n{done.stdout}{done.stderr}")
    return done.stdout


def as_sent(documented, vendor, state):
    """The vendor's request as it should have come here: the same but for the host, and for values that are ours to know."""
    text = json.dumps(documented)
    for name, value in state.items():
        text = text.replace("{" + name + "}", value)
    method, url, headers, body = json.loads(text)
    if not url.startswith(vendor + "/"):
        raise Different(f"documents {url}, which is not at {vendor}")
    parts = urlsplit(url.removeprefix(vendor))
    return method, parts.path, parse_qsl(parts.query, keep_blank_values=True), headers.get("Content-Type"), body


def check_request(documented, vendor, state, sent):
    expected = as_sent(documented, vendor, state)
    parts = urlsplit(sent.target)
    media = sent.headers.get("Content-Type") if sent.body else None
    body = json.loads(sent.body) if sent.body else None
    got = sent.method, parts.path, parse_qsl(parts.query, keep_blank_values=True), media, body
    for what, one, other in zip(("method", "path", "query", "Content-Type", "body"), expected, got):
        if one != other:
            raise Different(f"sends another {what} than documented:\n{other}\ndocumented:\n{one}")
    if sent.headers.get("Authorization") != f"Bearer {state['ONHOOK_KEY']}":
        raise Different("does not send its key as a bearer token")


def check_answer(answer, status, printed):
    """The values that the answer gives to later examples."""
    if status != answer.status:
        raise Different(f"was answered {status}, documented {answer.status}:\n{printed}")
    if answer.body is None:
        if printed.strip():
            raise Different(f"printed {printed!r}, documented is nothing")
        return {}
    try:
        got = json.loads(printed)
    except ValueError:
        raise Different(f"does not print the answer:\n{printed}") from None
    if found := page.differences(answer.body, got, answer.varies):
        raise Different("\n".join([*found, "the answer:", json.dumps(got, indent=2, ensure_ascii=False)]))
    return {name: str(page.value_at(got, path)) for path, name in answer.varies.items() if name}


def attempt(name, client, each, place, state, relay):
    relay.take()
    printed = run(client, each.scripts[client], place, state)
    sent = relay.take()
    if len(sent) != 1:
        raise Different(f"sends {len(sent)} requests, not one")
    if each.documented:
        check_request(each.documented, VENDORS[name], state, sent[0])
    return check_answer(each.answer, sent[0].status, printed)


def walk(name, client, rounds):
    """How many examples of a page were run by a client."""
    relay, count = Relay(URL), 0
    state = prepare(name, client, relay)
    for number, each in enumerate(rounds):
        # What only curl shows is done by curl in everybody's account, for what follows rests on it.
        by = client if client in each.scripts else "curl"
        deadline = time.monotonic() + (EVENTUALLY_S if each.eventually else 0)
        while True:
            try:
                state |= attempt(name, by, each, f"{name}-{client}-{number}", state, relay)
                break
            except Different as different:
                if time.monotonic() >= deadline:
                    raise Different(f"docs/clients/{name}.md:{each.line}, {each.title}, {by}: {different}") from None
            time.sleep(0.3)
        count += client == by
    return count


def main():
    page.self_test()
    names = sys.argv[4:] or sorted(KINDS)
    written = sorted(path.stem for path in PAGES.glob("*.md"))
    assert written == sorted(KINDS), f"there are pages that nobody runs: {written}"
    pages = {name: page.read(PAGES / f"{name}.md") for name in names}
    with ThreadPoolExecutor(4) as pool:
        walks = [pool.submit(walk, name, client, pages[name]) for name in names for client in page.CLIENTS]
        failed = [str(error) for each in walks if (error := each.exception())]
    if failed:
        sys.exit("\n\n".join(failed))
    ran, there = sum(each.result() for each in walks), sum(len(each.scripts) for rounds in pages.values() for each in rounds)
    assert ran == there and ran > 0, f"{ran} of {there} examples were run"
    requests = sum(len(rounds) for rounds in pages.values())
    print(f"docs/clients: {len(pages)} pages, {requests} requests, {ran} examples run, every answer as documented")


main()
