#!/usr/bin/env -S python3 -IS
"""A plugin of lightningd that does nothing: the node shows two more feature bits, as LND does.

lightningd's own --dev-force-features ends with an abort for a bit that it does not know (v26.06.6, common/features.c).
"""
import json
import sys

AMP, SCRIPT_ENFORCED_LEASE = 31, 2023  # both optional; lnwire/features.go
BITS = f"{1 << AMP | 1 << SCRIPT_ENFORCED_LEASE:x}"
MANIFEST = {"options": [], "rpcmethods": [], "dynamic": False, "featurebits": {"init": BITS, "node": BITS}}

request = ""
for line in sys.stdin:
    request += line
    if line == "\n":
        method, number = (json.loads(request)[key] for key in ("method", "id"))
        result = MANIFEST if method == "getmanifest" else {}
        print(json.dumps({"jsonrpc": "2.0", "id": number, "result": result}), end="\n\n", flush=True)
        request = ""
