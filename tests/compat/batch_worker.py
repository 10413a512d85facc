"""A worker with the semantics of vLLM's `run-batch`: it knows a URL to read requests from and one to write results to, no key.

    batch_worker.py INPUT_URL OUTPUT_URL

The input is read by one GET. The output is written by PUT, which is tried five times until the answer is 200. Each request is
answered with its own last message, as a model of one thought would.
"""

from __future__ import annotations

import asyncio
import json
import sys
import tempfile

import aiohttp

TRIES = 5
PAUSE_SECONDS = 0.2


def answer(line: str) -> str:
    request = json.loads(line)
    message = {"role": "assistant", "content": request["body"]["messages"][-1]["content"].upper()}
    body = {"id": f"chatcmpl-{request['custom_id']}", "object": "chat.completion", "choices": [{"index": 0, "message": message}]}
    response = {"status_code": 200, "request_id": f"batch-{request['custom_id']}", "body": body}
    return json.dumps({"id": f"out-{request['custom_id']}", "custom_id": request["custom_id"], "response": response, "error": None})


async def read(url: str) -> str:
    async with aiohttp.ClientSession() as session, session.get(url) as answered:
        answered.raise_for_status()
        return await answered.text()


async def write(url: str, lines: list[str]) -> None:
    with tempfile.TemporaryFile() as file:
        file.write("".join(f"{line}\n" for line in lines).encode())
        for attempt in range(1, TRIES + 1):
            # aiohttp closes the file that it sends.
            with open(f"/proc/self/fd/{file.fileno()}", "rb") as body:
                try:
                    async with aiohttp.ClientSession() as session, session.put(url, data=body) as answered:
                        if answered.status == 200:
                            return print(f"written at try {attempt}")
                        print(f"try {attempt}: {answered.status} {await answered.text()}", file=sys.stderr)
                except aiohttp.ClientError as error:
                    print(f"try {attempt}: {error!r}", file=sys.stderr)
            await asyncio.sleep(PAUSE_SECONDS)
    sys.exit("the output was not written")


async def main(source: str, target: str) -> None:
    lines = (await read(source)).splitlines()
    await write(target, [answer(line) for line in lines if line.strip()])


asyncio.run(main(*sys.argv[1:]))
