"""The rules of the code's shape that a script can check. docs/architecture.md has them in words.

What breaks a rule stands below by name. A name that breaks it no longer must go: the test fails for that, too.
"""

import glob
import os
import re
import subprocess
from collections import Counter

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SRC = os.path.join(ROOT, "src")

MOST_ROOMS = 10     # headers of a folder
MOST_LINES = 1500   # of a folder
LONGEST = 300       # lines of a source or a header
MOST_PARAMETERS = 4  # of a constructor

# The folders that know a library. Another one could include its headers all the same: they are the system's.
KNOWN_IN = {"uv": "loop", "rapidjson": "json", "spdlog": "util", "sodium": "util"}

# What breaks a rule today.
TEXT_AS_STATE = {
    # JSON, handed on as it is
    "lightningd/client.hpp: channel_type",
    # a batch's phase as a reader of listmultifundchannels sees it, made by name_of()
    "report/batch_report.hpp: phase",
}


def folders():
    return sorted(name for name in os.listdir(SRC) if os.path.isdir(os.path.join(SRC, name)))


def files(folder, *ends):
    return sorted(name for name in os.listdir(os.path.join(SRC, folder)) if name.endswith(ends))


def read(*path):
    with open(os.path.join(SRC, *path)) as f:
        return f.read()


def sources():
    return [(folder, name) for folder in folders() for name in files(folder, ".cpp", ".hpp")]


def lines(folder, name):
    return read(folder, name).count("\n")


def without_comments(text):
    return re.sub(r"//[^\n]*", "", text)


def constructors(text):
    """Class and number of parameters of each constructor that a header declares."""
    text = without_comments(text)
    for name in set(re.findall(r"^\s*(?:class|struct) (\w+)[^;]*?\{", text, re.M)):
        for match in re.finditer(rf"^\s+(?:explicit )?{name}\(", text, re.M):
            depth, parts, inside = 1, 1, ""
            for c in text[match.end():]:
                depth += c in "(<[{"
                depth -= c in ")>]}"
                if depth == 0:
                    break
                parts += c == "," and depth == 1
                inside += c
            yield name, parts if inside.strip() else 0


def test_a_folder_is_small():
    assert [folder for folder in folders() if len(files(folder, ".hpp")) > MOST_ROOMS] == []
    assert not {folder: size for folder in folders()
                if (size := sum(lines(folder, name) for name in files(folder, ".cpp", ".hpp"))) > MOST_LINES}


def test_a_folder_says_its_job():
    for folder in folders():
        first = read(folder, "meson.build").split("\n", 1)[0]
        assert re.fullmatch(r"# [A-Z].{20,}\.", first), folder


def uncalled(texts):
    """Functions that a header declares and nothing names beside that and its definition. A name that stands for something
    else, too, is not found: there is no false alarm. Those in capitals are RapidJSON's to call."""
    texts = {path: re.sub(r'"(?:[^"\\\n]|\\.)*"', '""', without_comments(text)) for path, text in texts.items()}
    words = Counter(re.findall(r"\w+", " ".join(texts.values())))
    for path, text in texts.items():
        if not path.endswith(".hpp"):
            continue
        source = texts.get(path[:-4] + ".cpp", "")
        declared = Counter(re.findall(r"^ {0,4}(?:\[\[nodiscard\]\] )?(?!return )\w[\w:<>,&* ]*[ &*]([a-z_]\w*)\([^;{]*[;{]", text, re.M))
        for name, times in declared.items():
            defined = len(re.findall(rf"^\w[\w:<>,&* ]*[ &*:]{name}\([^;]*?\{{", source, re.M))
            if words[name] <= times + defined:
                yield f"{path}: {name}"


def test_the_program_calls_what_it_has():
    """What only tests call belongs to them."""
    assert list(uncalled({f"{folder}/{name}": read(folder, name) for folder, name in sources()})) == []


def test_what_is_not_called_is_found():
    header = "class A {\n  void called();\n  [[nodiscard]] std::string not_called() const {\n  }\n  int nor(B<int> b);\n};\n"
    source = "int A::nor(B<int> b) {\n}\nvoid A::called() {\n  called();  // not_called();\n}\n"
    assert list(uncalled({"a/a.hpp": header, "a/a.cpp": source})) == ["a/a.hpp: not_called", "a/a.hpp: nor"]


def test_a_source_is_short():
    assert [f"{folder}/{name}" for folder, name in sources() if lines(folder, name) > LONGEST] == []


def test_a_source_has_a_header():
    assert [f"{folder}/{name}" for folder, name in sources()
            if name.endswith(".cpp") and not os.path.exists(os.path.join(SRC, folder, name[:-4] + ".hpp"))] == []


def test_a_constructor_has_few_parameters():
    assert [f"{folder}/{name}: {of}" for folder, name in sources()
            for of, number in constructors(read(folder, name)) if number > MOST_PARAMETERS] == []


def test_the_count_of_parameters_is_right():
    text = "class A {\n  explicit A(int x);\n  A();\n  A(std::map<int, int> a, F<void(int, int)> b,\n    int c);  // a, b\n};\n"
    assert sorted(constructors(text)) == [("A", 0), ("A", 1), ("A", 3)]


def test_a_class_stands_in_one_source():
    """Its methods are defined beside its header, or in its header, and nowhere else."""
    scattered = []
    for folder, name in sources():
        if not name.endswith(".cpp") or name[:-4] + ".hpp" not in files(folder, ".hpp"):
            continue
        own = without_comments(read(folder, name[:-4] + ".hpp") + read(folder, name))
        for of in re.findall(r"^(?:[\w:<>,&* ]+[ &*])?(?:\w+::)*([A-Z]\w*)::~?\w+\([^;]*\{", own, re.M):
            if not re.search(rf"\b(?:class|struct) (?:\w+::)?{of}\b(?!::)[^;{{]*\{{", own):
                scattered.append(f"{folder}/{name}: {of}")
    assert scattered == []


def test_a_state_is_an_enum():
    """No member is a text that says in which state something is, or of which kind."""
    found = {f"{folder}/{name}: {of}" for folder, name in sources()
             for of in re.findall(r"^ +(?:const )?std::string(?:_view)? ((?:\w+_)?(?:state|status|phase|stage|step|kind|type|mode|cause|verdict|outcome))_?[;{ ]",
                                  without_comments(read(folder, name)), re.M)}
    assert found == TEXT_AS_STATE
    # Nor does a function say so in a text that others then compare.
    assert [f"{folder}/{name}: {of}" for folder, name in sources()
            for of in re.findall(r"\b(\w+_of)\([^;{}]*\) [!=]= \"", without_comments(read(folder, name)))] == []


def members_of_records():
    """By name: of what src/ledger has on record of a batch."""
    found = set()
    for path in ("ledger/ledger", "ledger/funding_plan", "ledger/opening_record", "ledger/abort_record",
                 "ledger/payment_record", "ledger/prepared_record", "ledger/reservation_record", "request/policy"):
        public = without_comments(read(f"{path}.hpp")).split(" private:")[0]
        found.update(re.findall(r"^ +(?!using )(?:[^()\n]* )?(\w+);", re.sub(r" = [^;]*;|\{\};", ";", public), re.M))
    return found


def writes_to_records(text):
    """Assignments and the like to a member of what is called as a record is, and references by which it could be."""
    members = "|".join(sorted(members_of_records()))
    of = r"(?:ledger|reservation|plan|abort|prepared|payment|opening|record|policy|openings\[\w+\])_?(?:\(\))?(?:->|\.)"
    text = without_comments(text)
    changes = r"(?:reset|emplace|try_emplace|clear|erase|insert|push_back|emplace_back|resize|swap)\("
    found = re.findall(rf"\b{of}(?:{members})(?:\[[^]]*\])?(?: [-+|]?= |\.{changes}|(?:\+\+|--))", text)
    found += re.findall(rf"(?:\+\+|--|std::exchange\(|std::move\()[\w.>()-]*{of}(?:{members})\b(?!\.|->|\()", text)
    leaves = "|".join(sorted(members_of_records() - {"abort", "openings", "plan", "prepared", "reservation"}))
    return found + re.findall(rf"(?<!const )auto& \w+ = [^;]*\b{of}(?:{leaves});", text)


def test_a_record_is_changed_by_its_own_methods():
    """Outside src/ledger, and the journal that reads it, the ledger is only read. What is below knows none."""
    order = re.findall(r"'(\w+)'", re.search(r"layers = \[(.*?)\]", read("meson.build"), re.S).group(1))
    above = set(order[order.index("ledger") + 1:]) - {"journal"}
    assert [f"{folder}/{name}: {what}" for folder, name in sources() if folder in above
            for what in writes_to_records(read(folder, name))] == []


def test_a_write_to_a_record_is_seen():
    for wrong in ("ledger_->phase = phase;", "batch_.ledger->plan.reset();", "record.heights[input] = height;",
                  "++opening->policy->attempts;", "const auto before = std::exchange(ledger->abort, other);",
                  "record.heights.erase(input);", "peer->record()->planned = amount;",
                  "auto& since = batch_.ledger->plan->waits_since;"):
        assert writes_to_records(wrong), wrong
    for right in ("if (ledger_->phase == BatchPhase::sending) ledger_->send_begins();",
                  "const auto& heights = reservation.heights;", "auto& record = ledger_->reservation;"):
        assert writes_to_records(right) == [], right


def test_an_enum_has_one_name_of():
    """Which text stands for a value is known in one place."""
    names = [of for folder, name in sources() if name.endswith(".cpp")
             for of in re.findall(r"^const char\* name_of\((?:const )?([\w:]+)&? \w+\) \{", read(folder, name), re.M)]
    assert names and sorted(names) == sorted(set(names))


def test_a_library_is_known_to_one_folder():
    for folder, name in sources():
        for library in re.findall(r"#include <(\w+)[./]", read(folder, name)):
            assert KNOWN_IN.get(library, folder) == folder, f"{folder}/{name} includes {library}"


def test_a_lambda_names_what_it_captures():
    """By itself it could refer to what is gone when it runs."""
    assert [f"{folder}/{name}" for folder, name in sources()
            if re.search(r"\[\s*[&=]\s*[],]", without_comments(read(folder, name)))] == []


def test_a_result_cannot_be_dropped():
    """The class itself says so: no function has to."""
    assert re.search(r"class \[\[nodiscard\]\] Result\b", read("util", "result.hpp"))


def test_the_words_are_plain():
    texts = [os.path.join(SRC, folder, name) for folder, name in sources()]
    texts += [os.path.join(ROOT, name) for name in os.listdir(ROOT) if name.endswith(".md")]
    for top in ("docs", "contrib"):
        texts += [os.path.join(where, name) for where, _, names in os.walk(os.path.join(ROOT, top)) for name in names
                  if re.search(r"(\.(md|json|py|sh|\d)|^[\w-]+)$", name) and "__pycache__" not in where]
    for path in texts:
        with open(path) as f:
            found = re.search(r"\b(somebody else|prolong\w*|let go|can not|anew)\b", f.read())
        assert not found, f"{os.path.relpath(path, ROOT)}: {found}"


@pytest.mark.parametrize("folder", folders())
def test_a_namespace_is_its_folder(folder):
    for name in files(folder, ".cpp", ".hpp"):
        assert re.findall(r"^namespace (\w+)(?:::\w+)? \{", read(folder, name), re.M)[:1] in ([folder], []), name


def patches():
    """Of the mutations, by the source that each changes."""
    top = os.path.join(ROOT, "tests", "sim", "mutations")
    found = {}
    for folder in sorted(os.listdir(top)):
        for name in sorted(os.listdir(os.path.join(top, folder))):
            with open(os.path.join(top, folder, name)) as f:
                found[f"{folder}/{name.removesuffix('.patch')}"] = f.read()
    return found


def test_the_mutants_have_every_patch():
    """One that is missing keeps its mutations from being tried at all."""
    with open(os.path.join(ROOT, "tests", "sim", "meson.build")) as f:
        patched = re.search(r"^patched = \{(.*?)\}", f.read(), re.S | re.M).group(1)
    assert [f"{folder}/{name}" for folder, names in re.findall(r"'(\w+)': \[(.*?)\]", patched)
            for name in re.findall(r"'(\w+)'", names)] == list(patches())


@pytest.mark.parametrize("source", patches())
def test_a_patch_is_as_edit_makes_it(source, tmp_path):
    """But for the numbers of its lines."""
    def without_numbers(patch):
        return re.sub(r"^@@ .* @@$", "@@", patch, flags=re.M)
    made = tmp_path / "patch"
    subprocess.run([os.path.join(ROOT, "contrib", "mutations"), "--edit", source, str(made)], check=True,
                   env={**os.environ, "EDITOR": "true"})
    assert without_numbers(made.read_text()) == without_numbers(patches()[source])


@pytest.mark.needs("clang-format")
def test_every_source_is_formatted():
    """By clang-format 14, which Debian 12 has: other versions break lines elsewhere."""
    version = subprocess.run(["clang-format", "--version"], check=True, capture_output=True, text=True).stdout
    if " 14." not in version:
        pytest.skip(f"another clang-format: {version}")
    found = [path for folder in ("src", "tests") for path in glob.glob(os.path.join(ROOT, folder, "**", "*.?pp"), recursive=True)]
    assert len(found) > 300
    done = subprocess.run(["clang-format", "--dry-run", "-Werror", *found], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[:3000]


def test_every_mutation_is_in_a_patch():
    with open(os.path.join(ROOT, "tests", "sim", "mutations.cpp")) as f:
        known = re.findall(r'\{"([\w-]+)",\s+(?:Invariant::|")', f.read())
    asked = {name for text in patches().values() for name in re.findall(r'^\+.*?mutated\("(.*)', text, re.M)}
    asked = {name for line in asked for name in re.findall(r'(?:^|mutated\(")([\w-]+)"', line)}
    assert known and asked == set(known)


def test_check_runs_every_test_of_scripts():
    """Those of `meson test`, and those that it names itself."""
    named = set()
    for path in ("tests/meson.build", "contrib/check"):
        with open(os.path.join(ROOT, path)) as f:
            named.update(re.findall(r"contrib/(test_\w+\.py)", f.read()))
    assert named == {name for name in os.listdir(os.path.dirname(__file__)) if name.startswith("test_")}


def test_the_program_knows_no_mutation():
    assert [f"{folder}/{name}" for folder, name in sources() if "mutat" in read(folder, name)] == []


def test_a_folder_includes_only_what_is_below_it():
    """The build refuses a forbidden include; the order itself stands in src/meson.build."""
    order = re.findall(r"'(\w+)'", re.search(r"layers = \[(.*?)\]", read("meson.build"), re.S).group(1))
    assert sorted(order) == folders()
    for folder, name in sources():
        for other in re.findall(r'#include "(\w+)/', read(folder, name)):
            assert order.index(other) <= order.index(folder), f"{folder}/{name} includes {other}"


def test_the_page_of_the_tree_has_each_folder():
    """With what it knows, from the top to the bottom."""
    with open(os.path.join(ROOT, "docs", "architecture.md"), encoding="utf-8") as f:
        rows = re.findall(r"^\| `src/(\w+)` \| (.*?)(?: and below)? \|", f.read(), re.M)
    order = re.findall(r"'(\w+)'", re.search(r"layers = \[(.*?)\]", read("meson.build"), re.S).group(1))
    assert [folder for folder, _ in rows] == order[::-1]
    needs = {folder: set(re.findall(r"'(\w+)'", re.search(r"^needs = \[(.*)\]", read(folder, "meson.build"), re.M).group(1)))
             for folder in order}
    below = {}
    for folder in order:
        below[folder] = needs[folder].union(*(below[other] for other in needs[folder]))
    for folder, knows in rows:
        named = set(knows.split(", ")) - {"nothing"}
        assert named <= needs[folder] <= named.union(*(below[other] for other in named)), folder


def test_every_word_of_bitcoind_has_a_row():
    """Each of the tables in send_verdict.cpp is in its unit test at least once."""
    known = re.findall(r'std::string_view\("([^"]+)"\)', read("sending", "send_verdict.cpp").split("/// bitcoin-cli")[0])
    with open(os.path.join(ROOT, "tests", "multifundchannel", "send_verdict_test.cpp")) as f:
        rows = [re.sub(r"^\d+: ", "", row) for row in re.findall(r'\{"-\d+",\s*"([^"]+)', f.read())]
    assert known and [word for word in known if not any(row.startswith(word) for row in rows)] == []
