#!/usr/bin/env python3
"""The chain backend of the tests' peers, a plugin of lightningd: bcli without its processes.

bcli starts bitcoin-cli six times a second and node, and that alone kept two processors busy. This one keeps one
connection to bitcoind. Nothing that is tested runs on a peer; the funders have bcli.

Environment: MFC_BITCOIN_PORT, and MFC_BITCOIN_AUTH, which is user:password in base64.
"""
import decimal
import http.client
import json
import os
import sys
import time

CONNECTION = http.client.HTTPConnection("127.0.0.1", int(os.environ["MFC_BITCOIN_PORT"]))
HEADERS = {"Authorization": "Basic " + os.environ["MFC_BITCOIN_AUTH"]}
STARTS_UP = -28  # bitcoind's error until it can answer
FLOOR = 1000     # sat/kvB; all nodes are told their feerates
ALREADY_IN_CHAIN = -27
METHODS = {"getchaininfo": "last_height", "estimatefees": "", "getrawblockbyheight": "height",
           "sendrawtransaction": "tx allowhighfees", "getutxout": "txid vout"}


def bitcoind(method, *params):
    """The result and the error; asks again until bitcoind is back."""
    body = json.dumps({"id": 0, "method": method, "params": params})
    while True:
        try:
            CONNECTION.request("POST", "/", body, HEADERS)
            reply = json.loads(CONNECTION.getresponse().read(), parse_float=decimal.Decimal)
            if not reply["error"] or reply["error"]["code"] != STARTS_UP:
                return reply["result"], reply["error"]
        except (OSError, ValueError, http.client.HTTPException):  # while it stops, it answers with plain text
            CONNECTION.close()  # the next request connects again
        time.sleep(0.2)


def getchaininfo(**_):
    info, _ = bitcoind("getblockchaininfo")
    return {"chain": info["chain"], "headercount": info["headers"], "blockcount": info["blocks"],
            "ibd": info["initialblockdownload"]}


def estimatefees():
    return {"feerate_floor": FLOOR, "feerates": [{"blocks": blocks, "feerate": FLOOR} for blocks in (2, 6, 12, 100)]}


def getrawblockbyheight(height):
    blockhash, _ = bitcoind("getblockhash", height)
    block = bitcoind("getblock", blockhash, 0)[0] if blockhash else None
    return {"blockhash": blockhash, "block": block}


def sendrawtransaction(tx, **_):
    _, error = bitcoind("sendrawtransaction", tx)
    sent = not error or error["code"] == ALREADY_IN_CHAIN
    return {"success": sent, "errmsg": "" if sent else f"error code: {error['code']}\nerror message:\n{error['message']}"}


def getutxout(txid, vout):
    output, _ = bitcoind("gettxout", txid, vout)
    if not output:
        return {"amount": None, "script": None}
    return {"amount": int(output["value"] * 10**8), "script": output["scriptPubKey"]["hex"]}


def getmanifest(**_):
    methods = [{"name": name, "usage": usage, "description": "For lightningd's own use."}
               for name, usage in METHODS.items()]
    return {"options": [], "subscriptions": [], "hooks": [], "rpcmethods": methods, "dynamic": False}


def init(**_):
    return {}


def params_of(method, params):
    """By name, as they may come in their order."""
    return params if isinstance(params, dict) else dict(zip(METHODS[method].split(), params))


def requests():
    text, decoder = "", json.JSONDecoder()
    while chunk := os.read(sys.stdin.fileno(), 1 << 16):
        text += chunk.decode()
        while text := text.lstrip():
            try:
                request, end = decoder.raw_decode(text)
            except ValueError:
                break  # the rest of it comes
            yield request
            text = text[end:]


for asked in requests():
    if "id" not in asked:
        continue
    answer = globals()[asked["method"]](**params_of(asked["method"], asked["params"]))
    print(json.dumps({"jsonrpc": "2.0", "id": asked["id"], "result": answer}), end="\n\n", flush=True)
