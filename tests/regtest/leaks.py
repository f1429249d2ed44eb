"""What must never be in a log, a trace, the datastore or a notification: signed transactions, witnesses, keys. And what a
sanitizer has found, where the plugin was built with one."""
import base64
import binascii
import contextlib
import os
import re
import sqlite3

SIGNED = re.compile(r"0[1-9]0000000001(?:0[1-9a-f]|[1-9a-f][0-9a-f])[0-9a-f]{120,}")  # version, segwit's marker and flag
PSBT = re.compile(r"cHNidP[A-Za-z0-9+/]{40,}={0,2}")
# BIP 174 and 371: of an input, what somebody has signed, in whatever form.
WITNESSES = {0x02: "a partial signature", 0x07: "a final scriptSig", 0x08: "a final witness",
             0x13: "a taproot key signature", 0x14: "a taproot script signature"}

# What is answered again under a label holds `tx`, as the first answer did. It was broadcast by then: anybody can have it.
KEPT_ANSWERS = b"multifundchannel\0labels"


def _compact_size(data, at):
    first = data[at]
    width = {0xFD: 2, 0xFE: 4, 0xFF: 8}.get(first, 0)
    return (int.from_bytes(data[at + 1:at + 1 + width], "little") if width else first), at + 1 + width


def _maps(psbt):
    """The key types of each map: the global one, those of the inputs, those of the outputs."""
    at, types, found = 5, set(), []
    while at < len(psbt):
        size, at = _compact_size(psbt, at)
        if size == 0:
            found.append(types)
            types = set()
            continue
        types.add(psbt[at])
        value, at = _compact_size(psbt, at + size)
        at += value
    return found


def leaks(text, keys=()):
    """What of that is in the text. `keys`: more words that must not be there."""
    found = [f"a signed transaction: {match.group()[:40]}.." for match in SIGNED.finditer(text)]
    for match in PSBT.finditer(text):
        with contextlib.suppress(binascii.Error, IndexError):  # cut off in the middle
            psbt = base64.b64decode(match.group())
            for types in _maps(psbt)[1:]:
                # An output's 0x02 is a derivation path: no output has an input's 0x01, the coin.
                signed = types & WITNESSES.keys() if 0x01 in types or 0x0E in types else set()
                found += [f"{WITNESSES[kind]} in a PSBT" for kind in signed]
    return found + ["a key" for key in keys if key in text]


def _text(path):
    with open(path, "rb") as f:
        return f.read().decode(errors="replace")


def _words_of_secret(directory):
    """What hsm_secret holds: 32 bytes, or since v25.12 a mnemonic."""
    with open(os.path.join(directory, "regtest", "hsm_secret"), "rb") as f:
        content = f.read()
    mnemonic = content[32:].decode(errors="replace").strip()
    first = [content[:32].hex()] if any(content[:32]) else []
    return [content.hex(), *first] + ([mnemonic] if len(mnemonic.split()) >= 12 else [])


def sanitizer_reports(text):
    """The lines that say what AddressSanitizer, LeakSanitizer or UndefinedBehaviorSanitizer has found."""
    return [line for line in text.splitlines() if re.search(r"ERROR: \w+Sanitizer|: runtime error: ", line)]


def leaks_of(directory, plugin="multifundchannel", keys=()):
    """Of a node's directory, running or not: what the plugin has logged and stored, and what sanitizers said of it on
    standard error, which is lightningd's, too. `keys`: as in leaks()."""
    # Some tests start it by a script of another name.
    ours = re.compile(rf"plugin-(?:{re.escape(plugin)}|multifundchannel)(?:-\w+)?:")
    lines = [line for line in _text(os.path.join(directory, "log")).splitlines() if ours.search(line)]
    database = sqlite3.connect(f"file:{directory}/regtest/lightningd.sqlite3?mode=ro", uri=True, timeout=30)
    with contextlib.closing(database):
        for key, data in database.execute("SELECT key, data FROM datastore"):
            if key.startswith(b"multifundchannel") and key != KEPT_ANSWERS:
                lines.append(data.decode(errors="replace"))
    found = leaks("\n".join(lines), [*_words_of_secret(directory), *keys])
    return found + sanitizer_reports(_text(os.path.join(directory, "out")))
