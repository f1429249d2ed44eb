"""The schemas and manual pages in contrib/doc, contrib/config.sample and the tables in docs/, against the plugin: what it
declares, what its parser takes, and what it answers in the simulated lightningd. Both ways: what the code has must be
documented, and what is documented must be there.

When this fails after a change: a new parameter, option, result field, cause or error code goes into contrib/doc/*.json
or contrib/config.sample, and into docs/; contrib/doc/render then makes the pages, and contrib/doc/errors the tables of
causes. A parameter of a new type, or one that takes less than its type, also goes into VALUES or SPECIAL below; a new
field of a result must come up in one of the runs of TestResults, and a new row of codes gets a case in test_errors.py.
"""
import importlib.machinery
import importlib.util
import json
import os
import re
import subprocess
import time

import pytest

import schema as form
from regtest import RpcError, wait_for

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def script(name):
    """contrib/doc/NAME as a module."""
    loader = importlib.machinery.SourceFileLoader(name, os.path.join(ROOT, "contrib", "doc", name))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


render = script("render")
errors = script("errors")

MAIN = "multifundchannel-spark"
NAMES = {"multifundchannel": MAIN}  # the name without spenderp, and that of the schema
NODE = "02" + "a" * 64
DESTINATIONS = [{"id": NODE, "amount": 100_000}]
PAYEE = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6"

# Type of a parameter: (what it takes, what it refuses).
VALUES = {
    "boolean": ([True, False, "true", "false"], ["yes", 1, {}]),
    "u16": ([12, "22", 65535], [-1, 65536, 1.5, "x", "", {}]),
    "u32": ([1, "7", 4294967295], [-1, 4294967296, 1.5, "x", "", {}]),
    "sat": ([0, 1000, "1000", "1000sat", "1000000msat", "0.00001btc"], [-1, 1.5, "1msat", "x", "", {}]),
    "sat_or_all": ([546, 1_000_000, "1000000sat", "1000000000msat", "0.01btc", "all", "40%", "12.5%", "*1", "*2"],
                   [-1, 545, 1.5, "546001msat", "0%", "101%", "*0", "*1.5", "x", "", {}]),
    "sat_or_share": ([330, "1000000sat", "0.01btc", "all", "40%", "*2"], [-1, 329, 1.5, "0%", "*0", "x", "", {}]),
    "msat": ([0, 1000, "1000", "1000msat", "1sat", "0.00000001btc"], [-1, 1.5, "x", "", {}]),
    "feerate": (["slow", "normal", "urgent", "minimum", "253perkw", "1000perkb", "6blocks", 253], ["", True, [], {}]),
    "outpoint": (["ab" * 32 + ":0"], ["ab" * 32, "x", 1, {}]),
}
# Parameters with rules of their own.
with open(os.path.join(ROOT, "contrib", "doc", "multifundchannel-prepare.json"), encoding="utf-8") as example:
    UNSIGNED = json.load(example)["examples"][0]["request"]["params"]["psbt"]
SPECIAL = {
    "psbt": ([UNSIGNED, UNSIGNED + "\n"], ["", "x", "00", UNSIGNED[:-8], 1, {}]),
    "change_address": ([], ["", "x", 1, {}]),  # beside the example's PSBT, which has an output for the change
    "dryrun": ([True, False, "true", "false", "ask"], ["yes", 1, {}]),
    "id": ([NODE, NODE + "@10.0.0.1:9735", NODE + "@host"], [NODE[2:], NODE + "@", "x", "", 1, {}]),
    "close_to": (["bc1qxxx"], ["", 1, {}]),
    "label": (["rent", "\u00e4" * 100, 7], ["", "a\nb", "\x1b", "\u202e", "x" * 101, {}, []]),
    "memo": (["rent", "\u00e4" * 100, 7], ["", "a\nb", "\x1b", "\u202e", "x" * 101, {}, []]),
    "request_amt": ([0, "0sat"], [1000, "x"]),
    "compact_lease": ([], ["029a00", 1]),
    "batch": (["ab" * 16], ["ab" * 15, "x", 1, {}]),
    "confirm": ([True, False], ["true", 1, {}]),
    "max_feerate": (["253perkw", "1000perkb", 253], ["slow", "6blocks", 0, "", True, [], {}]),
    "destinations": ([DESTINATIONS, f"{NODE}@host=1000, # one\n", [f"{NODE}=1000"]], [[], {}, "x", NODE, f"{NODE}=1"]),
    "utxos": ([["ab" * 32 + ":0"]], [[], {}, "x"]),
    "channel_type": ([[], [12, 22]], [{}, "x", 12]),
    "outputs": ([[{"address": PAYEE, "amount": 1000}]], [[], {}, "x"]),
    "address": ([PAYEE, PAYEE.upper(), "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc"], ["", "x", PAYEE[:-1], NODE, 1, {}]),
    "keep_change": ([330, "1000sat", "0.01btc"], [-1, 0, 329, 1.5, "all", "x", "", {}]),
}
# Where a command has rules of its own for a parameter that others have, too.
OF_COMMAND = {"multifundchannel-bump": {
    "batch": (["ab" * 16, "ab" * 32, "rent", 7], ["", "a\nb", "x" * 101, {}, []]),
    "dryrun": ([True, False, "true", "false"], ["ask", "yes", 1, {}]),
}}


def values_of(command, name, inside):
    """What it takes and what it refuses."""
    return OF_COMMAND.get(command, {}).get(name) or SPECIAL.get(name) or VALUES[inside["type"]]


# Documented, but made by no run here: lightningd v26.06 adds no data to errors of these calls, and the simulation's
# setchannel does not fail.
NEVER_SEEN = {"failed[].error.data"} | {
    f"{channel}.policy.error{member}" for channel in ("channel_ids[]", "batches[].destinations[]")
    for member in ("", ".code", ".message")}
# What every batch has that waits for its user, and every preview.
PREPARED = {"batch", "txid", "channel_ids", "failed", "all_outputs", "csv", "deadline_block", "fee_msat"}
CLOSE_TO = "bcrt1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qzf4jry"
PREVIEW = {"dryrun", "inputs", "fee_msat", "weight", "feerate", "destinations", "warnings"}
# Codes that the source names, and that no caller sees.
INTERNAL = {
    -32700: "a message of lightningd's, or a record, that is no JSON",
    -32600: "a message of lightningd's that is no JSON-RPC",
    -32601: "a method that lightningd never asks this plugin for",
    307: "fundchannel_cancel's, while undoing",
    308: "fundchannel_cancel's, while undoing",
    1200: "deldatastore's: the record is gone, as it should be",
}


def read(*path):
    with open(os.path.join(ROOT, *path), encoding="utf-8") as f:
        return f.read()


def sources():
    for directory, _, files in os.walk(os.path.join(ROOT, "src")):
        for name in files:
            if name.endswith((".cpp", ".hpp")):
                yield read(directory, name)


class Plugin:
    """The plugin at the end of two pipes, before init. A context manager."""

    def __init__(self, path):
        self.path = path

    def __enter__(self):
        self.process = subprocess.Popen([self.path], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
                                        env={**os.environ, "LIGHTNINGD_PLUGIN": "1"})
        self.buffer = ""
        self.manifest = self.ask("getmanifest", {"allow-deprecated-apis": False})["result"]
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()

    def ask(self, method, params):
        self.process.stdin.write(json.dumps({"jsonrpc": "2.0", "id": method, "method": method, "params": params}))
        self.process.stdin.write("\n\n")
        self.process.stdin.flush()
        while True:
            message = self.next_message()
            if "id" in message:
                return message

    def next_message(self):
        while True:
            try:
                message, end = json.JSONDecoder().raw_decode(self.buffer)
                self.buffer = self.buffer[end:].lstrip()
                return message
            except json.JSONDecodeError:
                line = self.process.stdout.readline()
                if not line:
                    raise EOFError(f"the plugin ended, saying {self.buffer}") from None
                self.buffer = (self.buffer + line).lstrip()

    def refusal(self, command, params):
        """The error's message and code for these parameters; None when they are right."""
        if isinstance(params, list):
            answer = self.ask("check", [command, *params])
        else:
            answer = self.ask("check", {"command_to_check": command, **params})
        error = answer.get("error")
        return error and (error["message"], error["code"])


@pytest.fixture
def plugin(pytestconfig):
    with Plugin(pytestconfig.option.plugin) as started:
        yield started


class TestForm:
    def test_every_schema_is_one(self):
        for command in render.commands():
            schema = render.load(command)
            assert schema["rpc"] == command
            for part in ("request", "response"):
                assert not form.mistakes(schema[part]), f"{command}, {part}"

    def test_schemas_are_formatted_as_jq_does(self):
        for command in render.commands():
            text = json.dumps(render.load(command), indent=2, ensure_ascii=False) + "\n"
            assert read("contrib", "doc", f"{command}.json") == text, command

    def test_pages_are_up_to_date(self):
        for command in render.commands():
            assert read("contrib", "doc", f"lightning-{command}.7") == render.render(command), "run contrib/doc/render"

    def test_pages_are_installed(self):
        installed = re.search(r"install_man\((.*?)\)", read("meson.build"), re.S).group(1)
        assert re.findall(r"'contrib/doc/lightning-(.*)\.7'", installed) == sorted(render.commands())

    def test_examples_are_right(self, plugin):
        for command in render.commands():
            schema = render.load(command)
            assert schema["examples"], f"{command} has none"
            for example in schema["examples"]:
                assert not form.problems(schema["response"], example["response"]), command
                name = next(m["name"] for m in plugin.manifest["rpcmethods"]
                            if NAMES.get(m["name"], m["name"]) == command)
                assert plugin.refusal(name, example["request"]["params"]) is None


class TestParameters:
    @pytest.fixture(autouse=True)
    def ask(self, plugin):
        self.plugin = plugin
        self.commands = {method["name"]: render.load(NAMES.get(method["name"], method["name"]))
                         for method in self.plugin.manifest["rpcmethods"]}

    def test_every_command_has_a_schema(self):
        assert sorted(NAMES.get(name, name) for name in self.commands) == render.commands()

    def test_usage_has_the_same_in_the_same_order(self):
        for method in self.plugin.manifest["rpcmethods"]:
            request = self.commands[method["name"]]["request"]
            wanted = [name if name in request["required"] else f"[{name}]" for name in request["properties"]]
            assert method["usage"].split() == wanted, method["name"]

    def test_parser_takes_the_same_in_the_same_order(self):
        for command, schema in self.commands.items():
            self.check_order(schema["request"], lambda values, c=command: self.plugin.refusal(c, values), command=command)

    def test_parser_takes_the_same_of_a_destination(self):
        command, destination = self.destination()
        self.check_order(destination, lambda values: self.plugin.refusal(command, [[values]]), "destinations[0]")

    def test_parser_takes_and_refuses_by_type(self):
        for command, schema in self.commands.items():
            request = schema["request"]
            needed = {name: values_of(command, name, request["properties"][name])[0][0] for name in request["required"]}
            self.check_values(request, lambda given, c=command, n=needed: self.plugin.refusal(c, {**n, **given}),
                              command=command)

    def test_parser_takes_and_refuses_by_type_of_a_destination(self):
        command, destination = self.destination()
        self.check_values(destination, lambda given: self.plugin.refusal(
            command, {"destinations": [{**DESTINATIONS[0], **given}]}), "destinations[0].")

    def test_parser_takes_the_same_of_an_output(self):
        command, output = self.output()
        self.check_order(output, lambda values: self.plugin.refusal(
            command, {"destinations": DESTINATIONS, "outputs": [values]}), "outputs[0]")
        self.check_values(output, lambda given: self.plugin.refusal(
            command, {"destinations": DESTINATIONS, "outputs": [{"address": PAYEE, "amount": 1000, **given}]}), "outputs[0].")

    def test_defaults_are_those_of_the_parsers(self):
        found = {}
        for text in sources():
            found.update(re.findall(r'optional\("(\w+)",\s+\w+\)\s*\.value_or\((true|false|\d+|bitcoin::\w+\{\})\)',
                                    text))
        code = {name: 0 if value.endswith("{}") else json.loads(value) for name, value in found.items()}
        documented = {}
        for schema in self.commands.values():
            for path, inside in form.nested(schema["request"]):
                if not isinstance(inside.get("default", ""), str):
                    documented[path.rpartition(".")[2]] = inside["default"]
        assert documented == code

    def test_the_usage_page_has_them(self):
        text = read("docs", "usage.md")
        text = text[text.index("\n## Parameters\n"):text.index("\n## Result\n")]
        cells = [*re.findall(r"^\| ([^|]+) \|", text, re.MULTILINE), re.search(r".*\(liquidity ads\)", text)[0]]
        named = {name for cell in cells for name in re.findall(r"`(\w+)`", cell)}
        command, destination = self.destination()
        documented = {*self.commands[command]["request"]["properties"], *destination["properties"],
                      *self.output()[1]["properties"]}
        assert documented - named == set()

    def test_the_usage_page_has_the_usages(self):
        """Each that is written there whole is all of it, in its order."""
        text = " ".join(read("docs", "usage.md").split())
        usages = {"multifundchannel" if NAMES.get(method["name"], method["name"]) == MAIN else method["name"]: method["usage"]
                  for method in self.plugin.manifest["rpcmethods"]}
        written = dict(re.findall(r"`(multifundchannel[\w-]*) ([^`]*\])`", text))
        assert sorted(written) == ["multifundchannel", "multifundchannel-bump", "multifundchannel-finish",
                                   "multifundchannel-prepare"]
        assert written == {name: usages[name] for name in written}

    def destination(self):
        command = next(name for name in self.commands if NAMES.get(name, name) == MAIN)
        return command, self.commands[command]["request"]["properties"]["destinations"]["items"]

    def output(self):
        command, _ = self.destination()
        return command, self.commands[command]["request"]["properties"]["outputs"]["items"]

    def check_order(self, request, refusal, where="", command=None):
        """By position: a wrong value must be complained about under the name that the schema has there."""
        def complaint(values):
            answer = refusal(values)
            assert answer is not None, f"taken, but not documented: {values}"
            return answer[0]

        names = list(request["properties"])
        right = [(DESTINATIONS[0].get(name) or values_of(command, name, request["properties"][name])[0][0])
                 if name in request["required"] else None for name in names]
        named = {name: value for name, value in zip(names, right) if value is not None}
        assert refusal(right) is None
        for i, name in enumerate(names):
            said = complaint([*right[:i], {"no": "value"}, *right[i + 1:]])
            assert re.search(rf"^{re.escape(where)}\.?{name}: ", said), said
        assert f"expected {len(names)}" in complaint([*right, 1])
        assert "unknown parameter: unheard_of" in complaint({**named, "unheard_of": 1})
        for name in named:
            without = {key: value for key, value in named.items() if key != name}
            assert f"missing required parameter: {name}" in complaint(without)

    def check_values(self, request, refusal, where="", command=None):
        for name, inside in request["properties"].items():
            assert name in SPECIAL or inside["type"] in VALUES, \
                f"{name}: say in VALUES what a {inside['type']} may be, or in SPECIAL"
            taken, refused = values_of(command, name, inside)
            text = " ".join(inside["description"])
            refused = refused + ([0, "0"] if "Must not be 0" in text else [])
            for value in taken:
                assert refusal({name: value}) is None, f"{name}={value}"
            for value in refused:
                answer = refusal({name: value})
                assert answer is not None, f"{name}={value!r} is accepted"
                assert re.search(rf"^{re.escape(where)}{name}\b", answer[0]), f"{name}={value!r}"
                assert answer[1] in [-32602] + ([310] if "310" in text else [])
            if inside["type"] == "array" and inside["items"]["type"] in VALUES:
                for value in VALUES[inside["items"]["type"]][1]:
                    assert re.search(rf"^{re.escape(where)}{name}\[0\]: ", refusal({name: [value]})[0]), value


class TestDocuments:
    """What the documents say of each other and of the tree."""

    PAGES = ["README.md", "CONTRIBUTING.md", *(os.path.join("docs", name) for name in sorted(os.listdir(
        os.path.join(ROOT, "docs"))))]

    def test_links_lead_somewhere(self):
        broken = []
        for page in self.PAGES:
            for target in re.findall(r"\]\((?!https?://)([^)#]+)(?:#[^)]*)?\)", read(page)):
                if not os.path.exists(os.path.join(ROOT, os.path.dirname(page), target)):
                    broken.append(f"{page}: {target}")
        assert not broken

    def test_files_that_are_named_are_there(self):
        """By their path, with their folder in src, or sources by their name alone."""
        sources_there = {name for folder in ("src", "tests") for _, _, names in os.walk(os.path.join(ROOT, folder))
                         for name in names}
        missing = []
        for page in self.PAGES:
            for name in re.findall(r"`((?:src|tests|contrib|docs)/[\w./-]+|\w+\.(?:cpp|hpp|py))", read(page)):
                if not (os.path.exists(os.path.join(ROOT, name)) if "/" in name else name in sources_there):
                    missing.append(f"{page}: {name}")
            for name in re.findall(r"`((?!src/|tests/)\w+/\w+\.(?:cpp|hpp))`", read(page)):
                if not os.path.exists(os.path.join(ROOT, "src", name)):
                    missing.append(f"{page}: {name}")
        assert not missing

    def test_functions_that_are_named_are_there(self):
        code = "\n".join(sources())
        named = re.findall(r"`([A-Z]\w+::\w+)`", read("docs", "architecture.md"))
        assert named and [name for name in named if not re.search(
            rf"\b{name}\(|class {name.split('::')[0]}\b(?=[^;]*?\{{).*?\b{name.split('::')[1]}\(", code, re.S)] == []

    def test_the_questions_are_numbered(self):
        """So that a question can be pointed at."""
        questions = re.findall(r"^(\d+)\. \*\*Where ", read("docs", "architecture.md"), re.M)
        assert len(questions) > 10 and [int(number) for number in questions] == list(range(1, len(questions) + 1))

    def test_every_document_is_in_the_readme(self):
        text = read("README.md")
        assert not [name for name in os.listdir(os.path.join(ROOT, "docs")) if f"(docs/{name})" not in text]

    def test_the_readme_is_short(self):
        assert len(read("README.md").splitlines()) <= 150


class TestOptions:
    def test_the_sample_and_so_the_page_have_them(self, plugin):
        options = {option["name"]: option for option in plugin.manifest["options"]}
        sample = render.sample_options()
        assert sorted(sample) == sorted(options)
        for name, (default, text, dynamic) in sample.items():
            option = options[name]
            declared = option.get("default", "")
            assert default == (declared if isinstance(declared, str) else json.dumps(declared))
            assert dynamic == option.get("dynamic", False), name
            assert text[:len(option["description"]) + 1] == option["description"] + ".", name
            assert f"| `{name}` |" in read("docs", "options.md")


class TestErrors:
    @pytest.fixture(autouse=True)
    def load(self):
        self.errors = render.load(MAIN)["errors"]
        self.words = self.errors[self.errors.index("A *cause* is one of these:"):]

    def test_every_code_is_in_the_tables(self):
        names, aliases, used, numbers = {}, {}, set(), set()
        for text in sources():
            names.update(re.findall(r"constexpr int (\w+) = (-?\d+);", text))
            aliases.update(re.findall(r"constexpr int (\w+) = util::code::(\w+);", text))
            used.update(re.findall(r"\bcode::(\w+)", text))
            numbers.update(re.findall(r"constexpr int \w+ = (-\d{5}|\d{4});", text))
            numbers.update(re.findall(r'Rule\{"\w*", (-?\d+),', text))
        codes = {int(number) for number in numbers} | {int(names[aliases.get(name, name)]) for name in used}
        assert len(codes) > 20
        documented = {int(code) for line in self.errors for code in re.findall(r"-?\d+", self.codes_of(line))}
        assert not (codes - set(INTERNAL) - documented), "contrib/doc"
        rows = re.search(r"\n## Codes, .*?\n(.*?)\n## ", read("docs", "errors.md"), re.DOTALL)[1]
        in_table = {int(code) for cell in re.findall(r"^\| ([-\d, ]+) \|", rows, re.MULTILINE)
                    for code in re.findall(r"-?\d+", cell)}
        assert in_table == documented, "docs/errors.md"

    def test_causes_are_the_same_everywhere(self):
        code = {cause for *_, cause in errors.rules()} | {"unknown"}
        listed = {match[1] for match in (re.match(r"- (\w+): ", line) for line in self.words) if match}
        assert listed == code
        for command in (MAIN, "listmultifundchannels"):
            for path, inside in form.nested(render.load(command)["response"]):
                if path.endswith(".cause"):
                    assert set(inside["enum"]) == code, path
        assert {cause for cause, _ in errors.meanings()} == code, "the enum in cause.hpp"

    def test_the_errors_page_is_what_the_code_says(self):
        page = read("docs", "errors.md")
        assert errors.render(page) == page, "run contrib/doc/errors"

    @staticmethod
    def codes_of(line):
        match = re.match(r"- ([-\d, ]+): ", line)
        return match[1] if match else ""


class TestResults:
    """What the commands answer is what the schemas say, no more and no less."""

    PEERS = [{"name": "a"}, {"name": "b"}, {"name": "c", "fault": {"phase": "start", "kind": "refuse"}}]

    @pytest.fixture(autouse=True)
    def load(self, world):
        self.world = world
        self.schemas = {command: render.load(command)["response"] for command in render.commands()}

    def check(self, command, answer, seen=None):
        assert not form.problems(self.schemas[command], answer, seen=seen)
        if command == MAIN:
            self.check_form("dryrun" in answer, answer)

    def check_form(self, preview, answer):
        """A preview or a result: the schema has the members of both."""
        texts = {name: " ".join(inside["description"]) for name, inside in self.schemas[MAIN]["properties"].items()}
        foreign = {name for name, text in texts.items() if ("Not" if preview else "Only") + " with *dryrun*" in text}
        assert not (foreign & set(answer))
        wanted = PREVIEW if preview else PREPARED if "csv" in answer else {"tx", "txid", "channel_ids", "failed"}
        assert not (wanted - set(answer))

    def run_batch(self, w, **more):
        destinations = [{"id": f"{w.ids[name]}@{w.addresses[name]}", "amount": 1_000_000} for name in w.ids]
        # The second is warned about: the channel is smaller.
        destinations[0].update(feebase=1, feeppm=2, htlcmin=3, htlcmax=4, memo="rent")
        destinations[-1]["memo"] = "a friend"
        destinations[1].update(amount="*1", htlcmax="2btc")
        destinations[0]["close_to"] = CLOSE_TO
        if more.get("details") or more.get("dryrun"):
            more["outputs"] = [{"address": PAYEE, "amount": "1%", "label": "rent"}]
        return w.rpc("multifundchannel", {"destinations": destinations, **more})

    def failure(self, w, **more):
        with pytest.raises(RpcError) as caught:
            self.run_batch(w, **more)
        return caught.value

    def test_a_plain_result_is_the_builtin_s(self):
        with self.world({"peers": self.PEERS}) as w:
            answer = self.run_batch(w, minchannels=2)
        self.check(MAIN, answer)
        assert set(answer) == {"tx", "txid", "channel_ids", "failed"}
        assert set(answer["failed"][0]) == {"id", "method", "error"}
        assert set(answer["channel_ids"][0]) <= {"id", "channel_id", "channel_type", "outnum", "close_to"}

    def test_what_is_documented_comes_up(self):
        seen = {command: set() for command in self.schemas}
        late = {"name": "c", "fault": {"phase": "complete", "kind": "refuse"}}
        with self.world({"peers": [*self.PEERS[:2], late]}) as w:
            answer = self.run_batch(w, minchannels=2, details=True, label="rent", keep_change=300_000)
            self.check(MAIN, answer, seen[MAIN])
            assert self.run_batch(w, minchannels=2, details=True, label="rent", keep_change=300_000) == answer
            self.check("listmultifundchannels", w.rpc("listmultifundchannels", {"batch": answer["batch"]}),
                       seen["listmultifundchannels"])
            self.bumps(w, answer["batch"], seen)
        deaf = {"name": "a", "features": "08a8882a8a5981"}  # no option_upfront_shutdown_script
        with self.world({"peers": [deaf, self.PEERS[1]]}) as w:
            self.check(MAIN, self.run_batch(w, details=True), seen[MAIN])
        with self.world({"peers": self.PEERS[:2], "broadcast": "fails", "wallet": {"coins": [{"sat": 3000000}]}}) as w:
            batch = self.failure(w).data["batch"]
            listed = self.wait_for_note(w, batch)
            self.check("listmultifundchannels", listed, seen["listmultifundchannels"])
            assert [d["state"] for d in listed["batches"][0]["destinations"]] == ["secured", "secured"]
            for feerate in ({}, {"feerate": "1000000perkw"}):  # the second is worth a warning
                shown = self.abort_when_answered(w, {"batch": batch, **feerate})
                self.check("multifundchannel-abort", shown, seen["multifundchannel-abort"])
            self.check("multifundchannel-forget", w.rpc("multifundchannel-forget", {"batch": batch}),
                       seen["multifundchannel-forget"])
            answer = w.rpc("multifundchannel-forget", {"batch": batch, "confirm": True})
            self.check("multifundchannel-forget", answer)
            assert answer["forgotten"] and answer["gives_up"]
            self.check("listmultifundchannels", w.rpc("listmultifundchannels", {}))
        poisoned = [{"name": "a", "kind": "lnd"}, {"name": "b", "kind": "lnd", "fault": {"phase": "complete", "kind": "refuse"}}]
        with self.world({"peers": poisoned}) as w:
            self.failure(w)
            listed = wait_for(lambda: self.told_in_vain(w), "whom the batch has told in vain", 10)
            self.check("listmultifundchannels", listed, seen["listmultifundchannels"])
        self.previews(seen[MAIN])
        self.waiting(seen)
        documented = {(command, path) for command, response in self.schemas.items()
                      for path, _ in form.nested(response)}
        never = {path for command, path in documented if path not in seen[command]}
        assert never == NEVER_SEEN

    def bumps(self, w, batch, seen):
        bump = "multifundchannel-bump"
        for perkw in (20_000, 40_000):
            answer = w.rpc(bump, {"batch": batch, "feerate": f"{perkw}perkw", "dryrun": False, "max_fee": "100000sat"})
            self.check(bump, answer, seen[bump])
            assert answer["package_feerate_perkw"] == perkw
        self.check("listmultifundchannels", w.rpc("listmultifundchannels", {}), seen["listmultifundchannels"])

    def waiting(self, seen):
        """Batches that wait for their user."""
        prepare, finish, abort = "multifundchannel-prepare", "multifundchannel-finish", "multifundchannel-abort"
        late = {"name": "c", "fault": {"phase": "complete", "kind": "refuse"}}
        with self.world({"peers": [*self.PEERS[:2], late], "users_coin": 5_000_000}) as w:
            def of_user(**more):
                destinations = [{"id": f"{w.ids[n]}@{w.addresses[n]}", "amount": 1_000_000} for n in w.ids]
                destinations[0].update(close_to=CLOSE_TO, memo="rent", feebase=1)
                return w.rpc(prepare, {"psbt": w.rpc("sim-users-psbt", {})["psbt"], "destinations": destinations,
                                       "minchannels": 2, "outputs": [{"address": PAYEE, "amount": 1000, "label": "rent"}],
                                       **more})
            answer = of_user(details=True)
            self.check(prepare, answer, seen[prepare])
            self.check("listmultifundchannels", w.rpc("listmultifundchannels", {"batch": answer["batch"]}),
                       seen["listmultifundchannels"])
            self.check(abort, w.rpc(abort, {"batch": answer["batch"]}), seen[abort])
            signed = w.rpc("sim-users-sign", {"psbt": answer["psbt"]})["psbt"]
            self.check(finish, w.rpc(finish, {"batch": answer["batch"], "psbt": signed}), seen[finish])
        deaf = {"name": "a", "features": "08a8882a8a5981"}
        with self.world({"peers": [deaf, self.PEERS[1]]}) as w:
            self.check(MAIN, self.run_batch(w, details=True, send=False), seen[MAIN])
        with self.world({"peers": [deaf, self.PEERS[1]], "users_coin": 5_000_000}) as w:
            destinations = [{"id": f"{w.ids[n]}@{w.addresses[n]}", "amount": 1_000_000, "close_to": CLOSE_TO} for n in w.ids]
            self.check(prepare, w.rpc(prepare, {"psbt": w.rpc("sim-users-psbt", {})["psbt"], "destinations": destinations,
                                                "details": True}), seen[prepare])

    @staticmethod
    def told_in_vain(w):
        listed = w.rpc("listmultifundchannels", {})
        return "told_in_vain" in listed and listed

    def test_preview_is_what_is_documented(self):
        assert not self.previews()

    def previews(self, seen=None):
        """What is documented as being in previews only, and does not come up in these."""
        seen = set() if seen is None else seen
        off = {"name": "b", "fault": {"phase": "connect", "kind": "refuse"}}
        with self.world({"peers": [{"name": "a"}, off, {"name": "c"}]}) as w:
            self.check(MAIN, self.run_batch(w, dryrun=True, minchannels=3, max_fee=1), seen)
        with self.world({"peers": [{"name": "a"}, {"name": "b"}]}) as w:
            destinations = [{"id": f"{w.ids['a']}@{w.addresses['a']}", "amount": 17_000_000, "push_msat": 1},
                            {"id": f"{w.ids['b']}@{w.addresses['b']}", "amount": "0.01%", "push_msat": 16_000_000_000}]
            self.check(MAIN, w.rpc("multifundchannel", {"destinations": destinations, "dryrun": True}), seen)
        deaf = {"name": "b", "features": "08a8882a8a5981"}  # no option_upfront_shutdown_script
        with self.world({"peers": [{"name": "a"}, deaf, {"name": "c", "fault": {"phase": "start", "kind": "refuse"}}]}) as w:
            destinations = [{"id": f"{w.ids[name]}@{w.addresses[name]}", "amount": 1_000_000, "close_to": CLOSE_TO}
                            for name in w.ids]
            self.check(MAIN, w.rpc("multifundchannel", {"destinations": destinations, "dryrun": "ask"}), seen)
        with self.world({"peers": [{"name": "a"}], "wallet": {"coins": [{"sat": 3_000_000}, {"sat": 600}]}}) as w:
            everything = [{"id": f"{w.ids['a']}@{w.addresses['a']}", "amount": "all"}]
            self.check(MAIN, w.rpc("multifundchannel", {"destinations": everything, "dryrun": True}), seen)
        only = {path for path, _ in form.nested(self.schemas[MAIN])
                if path.split(".")[0].rstrip("[]") in PREVIEW | {"emergency_reserve_msat"}}
        return only - seen

    def test_errors_have_what_is_documented(self):
        text = "\n".join(render.load(MAIN)["errors"])
        with self.world({"peers": self.PEERS}) as w:
            refused = self.failure(w, details=True)
            self.check("listmultifundchannels", w.rpc("listmultifundchannels", {}))
        with self.world({"peers": self.PEERS[:2], "broadcast": "fails"}) as w:
            in_doubt = self.failure(w, details=True)
        with self.world({"peers": self.PEERS[:2], "wallet": {"coins": [{"sat": 10_000}]}}) as w:
            poor = self.failure(w, details=True)
        with self.world({"peers": self.PEERS[:2]}) as w:
            capped = [self.failure(w, max_fee=1), self.failure(w, max_feerate=1, details=True)]
        assert (refused.code, in_doubt.code, poor.code, capped[0].code) == (-1, 303, 313, -32602)
        for error in (refused, in_doubt, poor, *capped):
            for key in error.data:
                assert f"*{key}*" in text
        failed = {"properties": {"failed": self.schemas[MAIN]["properties"]["failed"]}}
        assert len(refused.data["failed"]) == 3
        assert not form.problems(failed, {"failed": refused.data["failed"]})
        seconds = {"properties": {"seconds": self.schemas[MAIN]["properties"]["seconds"]}}
        for error in (refused, in_doubt, poor):
            assert not form.problems(seconds, {"seconds": error.data["seconds"]})

    @staticmethod
    def abort_when_answered(w, params, tries=100):
        """The batch is sent again from time to time: while that is not answered, an abort is asked to try again."""
        for _ in range(tries):
            try:
                return w.rpc("multifundchannel-abort", params)
            except RpcError as e:
                if "lightningd has not answered sendpsbt yet: try again" not in e.message:
                    raise
                time.sleep(0.1)
        raise AssertionError("sendpsbt is never answered")

    def wait_for_note(self, w, batch):
        """Until settling has begun and says what it has found."""
        for _ in range(200):
            answer = w.rpc("listmultifundchannels", {"batch": batch})
            if answer["batches"][0].get("recovery"):
                return answer
            time.sleep(0.05)
        return pytest.fail(f"not settled: {answer}")
