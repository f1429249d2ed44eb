"""The rules of the code's shape that a script can check. docs/architecture.md has them in words.

What breaks a rule stands below by name. A name that breaks it no longer must go: the test fails for that, too.
"""

import os
import re

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
SRC = os.path.join(ROOT, "src")

MOST_ROOMS = 10     # headers of a folder
MOST_LINES = 1500   # of a folder
LONGEST = 300       # lines of a source or a header
MOST_PARAMETERS = 4  # of a constructor

# What breaks a rule today.
TOO_MANY_ROOMS = {
    "util",
}
TOO_LONG = {
    "batch/batch.cpp",
    "lightningd/client.cpp",
    "lightningd/replies.cpp",
}
WITHOUT_HEADER = {
    "app/service_records.cpp",
    "batch/batch_funding.cpp",
    "plugin/requests.cpp",
}
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
    assert {f"{folder}/{name}" for folder, name in sources()
            if name.endswith(".cpp") and not os.path.exists(os.path.join(SRC, folder, name[:-4] + ".hpp"))} == WITHOUT_HEADER


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


def test_the_mutants_have_every_source_that_knows_a_mutation():
    """One that is missing keeps its mutation from being tried at all."""
    with open(os.path.join(ROOT, "tests", "sim", "meson.build")) as f:
        compiled = re.findall(r"src / '([\w/]+\.cpp)'", f.read())
    assert compiled == [f"{folder}/{name}" for folder, name in sources()
                        if name.endswith(".cpp") and "util::mutated(" in read(folder, name)]


def test_a_folder_includes_only_what_is_below_it():
    """The build refuses a forbidden include; the order itself stands in src/meson.build."""
    order = re.findall(r"'(\w+)'", re.search(r"layers = \[(.*?)\]", read("meson.build"), re.S).group(1))
    assert sorted(order) == folders()
    for folder, name in sources():
        for other in re.findall(r'#include "(\w+)/', read(folder, name)):
            assert order.index(other) <= order.index(folder), f"{folder}/{name} includes {other}"
