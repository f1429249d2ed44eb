#!/usr/bin/env python3
"""An example: a plugin that hears what multifundchannel tells of its batches. It appends each to a file, a line of JSON
with the topic and the batch.

lightning-cli plugin start /path/to/listener.py     the file is multifundchannel.told in the node's directory

usage: listener.py [FILE [TOPIC...]]                another file; other topics, such as "*"
"""
import json
import os
import sys

TOPICS = ["multifundchannel_opened", "multifundchannel_failed", "multifundchannel_unsettled"]


def messages(lines):
    """Each ends with an empty line."""
    text = ""
    for line in lines:
        text += line
        if not line.strip() and text.strip():
            yield json.loads(text)
            text = ""


def told(message):
    """The content is under the topic's name; before v25.09 all that is in `payload`."""
    topic, params = message["method"], message["params"]
    return params.get("payload", params).get(topic)


def main(path=None, *topics):
    def answer(request, result):
        print(json.dumps({"jsonrpc": "2.0", "id": request["id"], "result": result}), end="\n\n", flush=True)

    for message in messages(sys.stdin):
        if message["method"] == "getmanifest":
            answer(message, {"options": [], "rpcmethods": [], "dynamic": True, "subscriptions": topics or TOPICS})
        elif message["method"] == "init":
            directory = message["params"]["configuration"]["lightning-dir"]
            path = path or os.path.join(directory, "multifundchannel.told")
            answer(message, {})
        elif message["method"] in TOPICS:
            with open(path, "a", encoding="utf-8") as file:
                file.write(json.dumps({"topic": message["method"], **told(message)}) + "\n")


if __name__ == "__main__":
    # lightningd gives that to every plugin when it was itself started with it.
    main(*(argument for argument in sys.argv[1:] if argument != "--developer"))
