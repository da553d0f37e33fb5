"""Gives requests with one account's key the other account's ids, and fails on any answer that tells something of the other.

WORLD is the file of world.py, OWN the account whose key is used, OTHER the one of which nothing may be told.
"""

import json
import os
import urllib.parse
import zlib

import schemathesis

with open(os.environ["WORLD"]) as file:
    WORLD = json.load(file)
OWN, OTHER = WORLD[os.environ["OWN"]], WORLD[os.environ["OTHER"]]
# By these the other's data is known. Its other texts (numbers, names) are not among them: requests write them into our own data.
OTHER_IDS = sorted(each for ids in OTHER["ids"].values() for each in ids)

# Which of the accounts' ids and texts fit a parameter or field of this name.
FITTING = {
    "call_id": "call", "uid": "call", "filter[uid]": "call", "cursor": "delivery", "endpoint_id": "endpoint",
    "connection_id": "connection", "call_sid": "sid", "CallId": "sid", "source_id": "sid", "external_uuid": "sid",
    "filter[source_id]": "sid", "filter[external_uuid]": "sid", "recording_id": "recording", "filter[recording_id]": "recording",
    "staff_uid": "person", "client_uid": "person", "handled_by_staff_uid": "person", "filter[staff_uid]": "person",
    "filter[client_uid]": "person", "filter[from_number]": "number", "filter[to_number]": "number", "call_from": "number",
    "business_uid": "business", "company_id": "account", "search": "marker", "filter_values[]": "marker", "filter[call_summary]": "marker",
}  # fmt: skip
# What the `id` of a path is depends on the path.
PATHS = [("/v1/webhook-endpoints/", "endpoint"), ("/v1/deliveries/", "delivery"), ("/v1/events/", "event"), ("", "call")]


def of(account, kind):
    return account["ids"].get(kind) or account["texts"][kind]


def choose(kind, generated):
    """The other account's in two of six cases, our own in three, what was generated in one; by the value, so that a seed repeats."""
    number = zlib.crc32(repr(generated).encode())
    if number % 6 == 5:
        return generated
    fitting = of(OTHER if number % 6 < 2 else OWN, kind)
    return fitting[(number // 6) % len(fitting)]


def fit(fields):
    if isinstance(fields, dict):
        for name in fields.keys() & FITTING.keys():
            chosen = choose(FITTING[name], fields[name])
            fields[name] = [chosen] if isinstance(fields[name], list) else chosen
    return fields


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    for name, value in (path_parameters or {}).items():
        path = context.operation.path
        if name == "uid" and "recordings" in path:
            kind = ("recording", "call")[zlib.crc32(repr(value).encode()) % 2]
        else:
            kind = FITTING.get(name) or next(kind for begin, kind in PATHS if path.startswith(begin))
        if name != "provider":
            path_parameters[name] = choose(kind, value)
    return path_parameters


@schemathesis.hook
def map_query(_context, query):
    return fit(query)


@schemathesis.hook
def map_body(_context, body):
    return fit(body)


@schemathesis.hook
def map_headers(_context, headers):
    """No version that was made up is the current one, and most requests shall be carried out."""
    for name in [name for name in headers or {} if name.lower() == "if-match" and zlib.crc32(repr(headers[name]).encode()) % 4]:
        del headers[name]
    return headers


def told(request, answer):
    """What of the other account an answer tells. An id that the request said may be repeated to it; nobody says the secret."""
    known = request + urllib.parse.unquote_plus(request)
    said = [each for each in OTHER_IDS if each in answer and each not in known]
    return said + [OTHER["secret"]] * (OTHER["secret"] in answer)


@schemathesis.check
def tells_nothing_of_another_account(_context, response, _case):
    request = response.request
    body = request.body.decode("utf-8", "replace") if isinstance(request.body, bytes) else str(request.body or "")
    answer = json.dumps(dict(response.headers)) + (response.content or b"").decode("utf-8", "replace")
    if found := told(f"{request.url}\n{body}", answer):
        raise AssertionError(f"tells of another account: {found}")


def self_test():
    """The check sees every record of the other account, also where the request has asked for it by all that it can be asked by."""
    for each in OTHER_IDS:
        assert each in told("GET /calls/query", f'{{"data": "{each}"}}')
        assert told(f"GET /calls/{each}", f"{each} not found") == []
    assert OWN is OTHER or told("GET /", json.dumps(OWN["seen"])) == []
    # By these kinds nothing is asked for.
    never = {*OTHER["ids"]["analysis"], *OTHER["ids"]["transcript"]}
    everything = " ".join(sorted({*OTHER_IDS} - never))
    for path, seen in OTHER["seen"].items():
        assert seen.get("data") == [] or told(everything, json.dumps(seen)), f"nothing in {path} tells whose it is"


self_test()
