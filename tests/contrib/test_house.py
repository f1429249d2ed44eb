"""The rules of the code's shape that a script can check. docs/architecture.md has them in words.

What breaks a rule stands below by name. A name that breaks it no longer must go: the test fails for that, too.
"""

import os
import re
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SRC = os.path.join(ROOT, "src")

MOST_ROOMS = 10     # headers of a folder
MOST_LINES = 1500   # of a folder
LONGEST = 300       # lines of a source or a header
MOST_PARAMETERS = 4  # of a constructor

# What breaks a rule today.
TOO_MANY_ROOMS = set()
TOO_LONG = set()
TOO_MANY_PARAMETERS = set()


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
    too_many = {folder for folder in folders() if len(files(folder, ".hpp")) > MOST_ROOMS}
    assert too_many == TOO_MANY_ROOMS
    assert not {folder: size for folder in folders()
                if (size := sum(lines(folder, name) for name in files(folder, ".cpp", ".hpp"))) > MOST_LINES}


def test_a_folder_says_its_job():
    for folder in folders():
        first = read(folder, "meson.build").split("\n", 1)[0]
        assert re.fullmatch(r"# [A-Z].{20,}\.", first), folder


def test_a_source_is_short():
    assert {f"{folder}/{name}" for folder, name in sources() if lines(folder, name) > LONGEST} == TOO_LONG


def test_a_source_has_a_header():
    assert [f"{folder}/{name}" for folder, name in sources()
            if name.endswith(".cpp") and not os.path.exists(os.path.join(SRC, folder, name[:-4] + ".hpp"))] == []


def test_a_constructor_has_few_parameters():
    found = {f"{folder}/{name}: {of}" for folder, name in sources() if name.endswith(".hpp")
             for of, number in constructors(read(folder, name)) if number > MOST_PARAMETERS}
    assert found == TOO_MANY_PARAMETERS


def test_the_count_of_parameters_is_right():
    text = "class A {\n  explicit A(int x);\n  A();\n  A(std::map<int, int> a, F<void(int, int)> b,\n    int c);  // a, b\n};\n"
    assert sorted(constructors(text)) == [("A", 0), ("A", 1), ("A", 3)]


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
        patched = re.search(r"foreach source : \[(.*?)\]", f.read(), re.S).group(1)
    assert re.findall(r"'([\w/]+)'", patched) == list(patches())


@pytest.mark.parametrize("source", patches())
def test_a_patch_is_as_edit_makes_it(source):
    """But for the numbers of its lines."""
    def lines():
        return re.sub(r"^@@ .* @@$", "@@", patches()[source], flags=re.M)
    before = lines()
    subprocess.run([os.path.join(ROOT, "contrib", "mutations"), "--edit", source], check=True,
                   env={**os.environ, "EDITOR": "true"})
    assert lines() == before


def test_every_mutation_is_in_a_patch():
    with open(os.path.join(ROOT, "tests", "sim", "mutations.cpp")) as f:
        known = re.findall(r'\{"([\w-]+)", Invariant::', f.read())
    asked = {name for text in patches().values() for name in re.findall(r'^\+.*?mutated\("(.*)', text, re.M)}
    asked = {name for line in asked for name in re.findall(r'(?:^|mutated\(")([\w-]+)"', line)}
    assert known and asked == set(known)


def test_the_program_knows_no_mutation():
    assert [f"{folder}/{name}" for folder, name in sources() if "mutat" in read(folder, name)] == []


def test_a_folder_includes_only_what_is_below_it():
    """The build refuses a forbidden include; the order itself stands in src/meson.build."""
    order = re.findall(r"'(\w+)'", re.search(r"layers = \[(.*?)\]", read("meson.build"), re.S).group(1))
    assert sorted(order) == folders()
    for folder, name in sources():
        for other in re.findall(r'#include "(\w+)/', read(folder, name)):
            assert order.index(other) <= order.index(folder), f"{folder}/{name} includes {other}"


def test_every_word_of_bitcoind_has_a_row():
    """Each of the tables in send_verdict.cpp is in its unit test at least once."""
    known = re.findall(r'std::string_view\("([^"]+)"\)', read("sending", "send_verdict.cpp").split("/// bitcoin-cli")[0])
    with open(os.path.join(ROOT, "tests", "multifundchannel", "send_verdict_test.cpp")) as f:
        rows = [re.sub(r"^\d+: ", "", row) for row in re.findall(r'\{"-\d+",\s*"([^"]+)', f.read())]
    assert known and [word for word in known if not any(row.startswith(word) for row in rows)] == []
