"""The examples in README.md and docs/ can be pasted: all blocks that are marked as `console` run, in one shell, in the
order of PAGES, and what is shown comes out of them.

What is shown is shortened by `..`. Ids and numbers are others each time; error codes are not. Of JSON, everything between
quotes must come up in what the command prints; any other line must be there as a whole. A command with nothing below it
only has to succeed. What settles behind the scenes is asked for until it is as shown, or PATIENCE is over.
"""
import os
import re
import subprocess
import threading

import pytest

from regtest import patience

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
# page -> what to do before it; the text of the page says so, or leaves it to the reader.
PAGES = {
    "README.md": "",
    "docs/usage.md": "mine 6; fund_nodes 1; fund_nodes 1",
    "docs/options.md": "",
    "docs/observing.md": "fund_nodes 1",
    "docs/cold-wallet.md": "fund_nodes 1",
    "docs/recovery.md": "",
    "docs/regtest.md": "destroy_ln",
}
PATIENCE = 60  # seconds
END = "-- end of the command, status "

VARYING = re.compile(r"\.\.+|[0-9a-f]{6,}|\d+(?:\.\d+)?")
QUOTED = re.compile(r'"code": -?\d+|"(?:[^"\\]|\\.)*"')


def blocks(page):
    """[(command, what it shows)] of the blocks that can be pasted."""
    with open(os.path.join(ROOT, page), encoding="utf-8") as f:
        text = "".join(re.findall(r"^```console\n(.*?)^```$", f.read(), re.MULTILINE | re.DOTALL))
    found = []
    for line in text.splitlines():
        if line.startswith("$ "):
            found.append([line[2:], []])
        elif found and not found[-1][1] and not complete(found[-1][0]):
            found[-1][0] += "\n" + line
        else:
            found[-1][1].append(line)
    return found


def complete(command):
    return subprocess.run(["bash", "-n", "-c", command], capture_output=True, check=False).returncode == 0


def pattern(text):
    """Fits the text, with other ids and numbers, and anything for `..`."""
    parts, end = [], 0
    for match in VARYING.finditer(text):
        kind = match[0]
        parts += [re.escape(text[end:match.start()]),
                  ".*?" if kind.startswith("..") else r"[\d.]+" if re.fullmatch(r"\d+(\.\d+)?", kind) else "[0-9a-f]+"]
        end = match.end()
    return "".join([*parts, re.escape(text[end:])])


def missing(shown, printed):
    """Of what is shown: what was not printed."""
    wanted = []
    for line in shown:
        if re.match(r"\s|[{}]", line):
            wanted += [piece if piece.startswith('"code"') else pattern(piece) for piece in QUOTED.findall(line)]
        else:
            wanted.append(f"^{pattern(line.rstrip())}\\s*$")
    return [piece for piece in wanted if not re.search(piece, printed, re.MULTILINE | re.DOTALL)]


class Shell:
    """A bash that is typed into, as a reader would. A context manager."""

    def __init__(self, environment):
        self.environment = environment

    def __enter__(self):
        self.process = subprocess.Popen(["bash", "--noprofile", "--norc"], cwd=ROOT, env=self.environment, text=True,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(60)
        self.process.stdout.close()

    def run(self, command):
        """(what it printed, whether it succeeded)"""
        end = threading.Timer(patience(120), self.process.kill)  # reading below then comes to its end
        end.start()
        try:
            # No command may read what is typed after it.
            self.process.stdin.write(f"{{ {command}\n}} </dev/null\necho \"{END}$?\"\n")
            self.process.stdin.flush()
            printed = ""
            for line in self.process.stdout:
                if END in line:
                    before, status = line.split(END)
                    return printed + before, status.strip() == "0"
                printed += line
            return pytest.fail(f"the shell ended in: {command}\n{printed}")
        finally:
            end.cancel()


def try_example(shell, command, shown):
    printed, good = shell.run(command)
    asked_again = threading.Event()
    for _ in range(PATIENCE if command.startswith("l1-cli listmultifundchannels") else 0):
        if not missing(shown, printed):
            break
        asked_again.wait(1)
        printed, good = shell.run(command)
    left = missing(shown, printed)
    assert not left, f"$ {command}\ndoes not print {left}, but\n{printed}"
    assert good or '"code": ' in printed and shown, f"$ {command}\nfailed:\n{printed}"


@pytest.mark.needs("bash", "nodes", "jq")
def test_the_examples_can_be_pasted(bench):
    with Shell({**bench.environment, "PAGER": "cat"}) as shell:
        for page, before in PAGES.items():
            examples = blocks(page)
            assert examples, f"{page} has none"
            if before:
                shell.run(before)
            for command, shown in examples:
                try_example(shell, command, shown)


def test_what_is_shown_is_looked_for():
    printed = '{\n   "code": -1,\n   "message": "input 0badcafe0badcafe:1 stays until block 317"\n}\n'
    shown = ['{ "code": -1,', '  "message": "input 11111111..:0 stays .. block 5" }']
    assert not missing(shown, printed)
    assert missing(['{ "code": -2 }'], printed)
    assert missing(['  "message": "something else"'], printed)
    assert not missing(["txid=02fbc1..", "fee_msat=12"], "fee_msat=199\ntxid=abcdefabcdef\n")
    assert missing(["txid=02fbc1.."], "a txid=abcdefabcdef\n")
