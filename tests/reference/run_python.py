"""Runs the Python samples that `SAMPLES` lists, one after the other, each as a program of its own; prints what each printed."""

import contextlib
import io
import json
import os

for sample in json.loads(os.environ["SAMPLES"]):
    os.environ["VENNA_API_KEY"] = sample["key"]
    with open(sample["file"]) as file:
        program = compile(file.read(), sample["file"], "exec")
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        exec(program, {"__name__": "__main__"})
    print(json.dumps(printed.getvalue()))
