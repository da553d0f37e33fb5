"""Reads the analysis of two calls that real models have a part in: one with a transcript, one of which there is a recording only.

usage: models.py URL KEY RECORDING_URL TRUTH

RECORDING_URL is the fixtures' recording of two channels, and TRUTH what is said in it. What the language model says is not looked at,
only that it is of the schema, that its evidence is there, and that the rest of the analysis stands.
"""

import json
import pathlib
import re
import sys
import time
import urllib.error
import urllib.request

URL, KEY, RECORDING, TRUTH = sys.argv[1:]
SAID = """\
[0:00.5 - 0:03.0] agent: Thank you for calling Acme, how can I help you today?
[0:03.5 - 0:08.0] customer: I was charged twice for my order, my card is 4111 1111 1111 1111.
[0:08.5 - 0:12.0] agent: I am sorry about that. I will send you a refund today.
[0:12.5 - 0:15.0] customer: Great, thank you so much.
"""
OUTCOMES = {"resolved", "unresolved", "follow_up", "transferred", "voicemail", "no_conversation", "other"}


def ask(method, path, body=None, media="application/json"):
    data = body.encode() if body else None
    headers = {"Authorization": f"Bearer {KEY}", "Content-Type": media}
    request = urllib.request.Request(URL + path, data, headers, method=method)
    with urllib.request.urlopen(request, timeout=30) as answer:
        return json.load(answer)


def post(place, name, **more):
    call = {"CallId": name, "From": "+14155550100", "To": "+14155550101", "Direction": "incoming", **more}
    ask("POST", f"/api/v1/voip/{place}", json.dumps(call))


def answered(name):
    """A call that is talking; answers our id of it."""
    post("call-ringing", name)
    post("call-answered", name)
    return ask("GET", "/calls/query?per_page=1")["data"][0]["id"]


def analysis(call, whole):
    """The newest revision, once it is whole: once it has what has to be waited for."""
    deadline = time.monotonic() + 900
    while time.monotonic() < deadline:
        try:
            made = ask("GET", f"/v1/calls/{call}/analysis")
            if whole(made):
                return made
        except urllib.error.HTTPError as error:
            assert error.code == 404, error
        time.sleep(0.5)
    raise SystemExit("the analysis is not whole after fifteen minutes")


def holds(made, turns):
    """What holds of a model's part, whatever it says."""
    shown = {name: made[name] for name in ("status", "insights", "success_evaluation", "structured_data", "outcome")}
    print(json.dumps(shown, indent=2))
    assert made["status"] == "completed", made["insights"]
    assert made["analysis_level"] == "llm"
    insights = made["insights"]
    assert insights["method"] == "llm" and insights["outcome"] in OUTCOMES, insights
    assert all(0 <= turn < turns for item in insights["action_items"] for turn in item["evidence_turns"]), insights
    assert insights["usage"]["prompt_tokens"] > 0 and not insights["truncated"], insights
    assert isinstance(made["structured_data"]["value"]["refund_promised"], bool), made["structured_data"]
    return insights


def words(text):
    return re.findall(r"[a-z0-9']+", text.lower())


def distance(heard, said):
    """How many words have to be put in, taken out or changed."""
    row = list(range(len(said) + 1))
    for place, word in enumerate(heard, 1):
        before, row[0] = row[0], place
        for at, wanted in enumerate(said, 1):
            before, row[at] = row[at], min(row[at] + 1, row[at - 1] + 1, before + (word != wanted))
    return row[-1]


def with_a_transcript():
    call = answered("models-1")
    given = ask("PUT", f"/v1/calls/{call}/transcript?language=en", SAID, "text/plain")
    assert given["timed"], given
    post("call-end", "models-1", CallStatus="completed", Duration=15)
    insights = holds(made := analysis(call, lambda made: True), 4)
    assert "4111" not in json.dumps(insights)
    assert made["pii"]["counts"] == {"CREDIT_DEBIT_NUMBER": 1}, made["pii"]
    assert made["conversation_characteristics"]["talk_time"]["total_ms"] == 13000, made["conversation_characteristics"]
    print(f"with a transcript: {insights['model']}, {insights['usage']}")


def with_a_recording():
    truth = json.loads(pathlib.Path(TRUTH).read_text())
    call = answered("models-2")
    post("call-end", "models-2", CallStatus="completed", Duration=59, RecordingUrl=RECORDING)
    made = analysis(call, lambda made: made["input"]["transcript_source"] == "speech_to_text")
    heard = ask("GET", f"/v1/calls/{call}/transcript")["utterances"]
    for speaker in ("agent", "customer"):
        said = words(" ".join(turn["text"] for turn in truth if turn["speaker"] == speaker))
        wrong = distance(words(" ".join(turn["text"] for turn in heard if turn["speaker"] == speaker)), said) / len(said)
        print(f"{speaker}: {100 * wrong:.0f} % of the words are wrong")
        assert wrong < 0.3, heard
    assert made["input"]["timing_source"] == "vad", made["input"]
    insights = holds(made, len(heard))
    print(f"with a recording: {insights['model']}, {insights['usage']}")


field = {"name": "refund_promised", "type": "boolean", "description": "Whether a refund was promised.", "required": True}
settings = {"recordings": {"fetch": True, "transcribe": True, "agent_channel": "first"}, "insights": {"fields": [field]}}
ask("PUT", "/v1/analysis-settings", json.dumps(settings))
with_a_transcript()
with_a_recording()
