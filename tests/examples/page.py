"""Reads a page of docs/clients: rounds of a documented request, the same by every client, and the answer.

    ```http          the vendor's request, as documented; optional
    ```sh            curl
    ```js            fetch, or axios where it is imported
    ```python        requests
    Answered `200`:  and then the answer: a ```json block, or nothing where the line ends in "with nothing."

Before a round, `<!-- eventually -->` says that the answer may take a moment; `<!-- varies: a.b, c[].id as CALL_ID -->` before
an answer names the values that differ from run to run, and what a value is called by the examples that follow.
"""

import json
import re
from dataclasses import dataclass, field

CLIENTS = ("curl", "fetch", "axios", "requests")


@dataclass
class Answer:
    status: int
    body: object  # None: nothing
    varies: dict  # path -> name of the variable that keeps it, or None


@dataclass
class Round:
    title: str
    line: int
    documented: object = None  # (method, URL, headers, body) of the vendor
    scripts: dict = field(default_factory=dict)  # client -> script
    answer: Answer = None
    eventually: bool = False


class Broken(Exception):
    """The page is not written as it should be."""


def client_of(tag, text):
    if tag == "js":
        return "axios" if "axios" in text else "fetch"
    return {"sh": "curl", "python": "requests"}.get(tag)


def read(path):
    rounds, now, title = [], None, ""
    varies, eventually, status = {}, False, None
    lines = path.read_text().splitlines()
    at = 0
    while at < len(lines):
        line, number = lines[at], at + 1
        at += 1
        if heading := re.match(r"#+ (.*)", line):
            title = heading[1]
        elif line == "<!-- eventually -->":
            eventually = True
        elif said := re.fullmatch(r"<!-- varies: (.*) -->", line):
            varies = dict(re.fullmatch(r"(\S+)(?: as ([A-Z_]+))?", each.strip()).groups() for each in said[1].split(","))
        elif said := re.match(r"Answered `(\d{3})`(.*)", line):
            if now is None:
                raise Broken(f"{path}:{number}: an answer without a request")
            status = int(said[1])
            if said[2] == " with nothing.":
                now.answer, status = Answer(status, None, {}), None
                rounds.append(now)
                now = None
        elif fence := re.match(r"```(\S*)\s*$", line):
            end = lines.index("```", at)
            text, at, tag = "\n".join(lines[at:end]), end + 1, fence[1]
            if status is not None:
                if tag != "json":
                    raise Broken(f"{path}:{number}: {tag} where an answer should be")
                now.answer = Answer(status, json.loads(text), varies)
                rounds.append(now)
                now, status, varies = None, None, {}
                continue
            now = now or Round(title, number, eventually=eventually)
            eventually = False
            if tag == "http" and now.documented is None:
                now.documented = request(text)
            elif (client := client_of(tag, text)) and client not in now.scripts:
                now.scripts[client] = text
            else:
                raise Broken(f"{path}:{number}: a block ({tag}) that nobody runs")
        elif line.startswith("```"):
            raise Broken(f"{path}:{number}: a block that nobody runs")
    if now is not None or status is not None:
        raise Broken(f"{path}: the last request has no answer")
    for each in rounds:
        wanted = set(CLIENTS) if each.documented else {"curl"}
        if set(each.scripts) != wanted:
            raise Broken(f"{path}:{each.line}: {each.title} lacks a client")
    return rounds


def request(text):
    head, _, body = text.partition("\n\n")
    first, *headers = head.splitlines()
    method, url = first.split(" ", 1)
    headers = dict(header.split(": ", 1) for header in headers)
    return method, url, headers, json.loads(body) if body.strip() else None


UUID = re.compile(r"[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}")
TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z")
DAY = re.compile(r"\d{4}-\d\d-\d\d")


def kind(value):
    """JavaScript writes 0.0 as 0."""
    return "number" if type(value) in (int, float) else type(value).__name__


def differences(documented, got, varies, path=""):
    """What of an answer is not as documented, in words."""
    if kind(documented) != kind(got):
        return [f"{path or 'the answer'} is {json.dumps(got)}, documented {json.dumps(documented)}"]
    if re.sub(r"\[\d+\]", "[]", path) in varies:
        for form in (UUID, TIME, DAY):
            if isinstance(got, str) and form.fullmatch(documented) and not form.fullmatch(got):
                return [f"{path} is {got!r}, not of the form of {documented!r}"]
        return [f"{path} is empty"] if got == "" and documented != "" else []
    if isinstance(documented, dict):
        rest = "…" in documented
        names = [name for name in documented if name != "…"]
        found = [f"{path}.{name} is not there" for name in names if name not in got]
        if not rest:
            found += [f"{path}.{name} is not documented" for name in got if name not in documented]
        for name in names:
            if name in got:
                found += differences(documented[name], got[name], varies, f"{path}.{name}".lstrip("."))
        return found
    if isinstance(documented, list):
        if len(documented) != len(got):
            return [f"{path} has {len(got)} members, documented {len(documented)}"]
        return [each for n, (a, b) in enumerate(zip(documented, got)) for each in differences(a, b, varies, f"{path}[{n}]")]
    return [] if documented == got else [f"{path} is {json.dumps(got)}, documented {json.dumps(documented)}"]


def value_at(answer, path):
    for step in re.findall(r"[^.\[\]]+|\[\]", path):
        answer = answer[0] if step == "[]" else answer[step]
    return answer


def self_test():
    """The comparison sees what it is there for."""
    said = {"id": "0199c0de-0000-7000-8000-000000000001", "n": 1.0, "list": [{"at": "2026-03-02T09:15:00Z"}], "none": None}
    varies = {"id": "ID", "list[].at": None}
    other = json.loads(json.dumps(said))
    other["id"], other["list"][0]["at"] = "0199c0de-0000-7000-8000-000000000002", "2027-01-01T00:00:00.123Z"
    assert differences(said, other, varies) == []
    assert len(differences(said, other, {})) == 2
    for change in ({"n": 2}, {"n": "1"}, {"n": True}, {"id": "call"}, {"id": None}, {"more": 1}, {"none": 0}, {"list": []}):
        assert len(differences(said, {**other, **change}, varies)) == 1, change
    assert len(differences(said, {k: v for k, v in other.items() if k != "n"}, varies)) == 1
    assert differences({"n": 1, "…": "more"}, other, {}) == []
    assert value_at({"data": [{"id": 7}]}, "data[].id") == 7
