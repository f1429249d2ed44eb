#!/usr/bin/env python3
"""Tests of the scripts in contrib/, by running them. Prints a line per test and, alone at the end,
`N passed, N failed, N skipped`.

What needs real nodes is skipped without lightningd, lightning-cli, bitcoind and bitcoin-cli on PATH, the rest
without what it names. --slow also builds the release and tries it in Debian's root file systems.
"""
import argparse
import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
import traceback

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTRIB = os.path.join(ROOT, "contrib")
sys.path.insert(0, os.path.join(ROOT, "tests", "regtest"))
sys.dont_write_bytecode = True

from regtest import free_port, missing_programs  # noqa: E402  (found by way of the path above)

TESTS = []  # (name, function, the programs it needs, slow)


class Skip(Exception):
    """Raised by a test that can not run here."""


def test(*programs, slow=False):
    def register(function):
        TESTS.append((function.__name__.replace("_", " "), function, programs, slow))
        return function
    return register


class Bench:
    """One test's directory and the plugin under test. The network in `dir`/net ends with the test."""

    def __init__(self, plugin, directory):
        self.plugin, self.dir = plugin, directory
        self.net = os.path.join(directory, "net")
        self.environment = {**os.environ, "REGTEST_DIR": self.net, "REGTEST_PORT": str(free_port()),
                            "MULTIFUNDCHANNEL": plugin, "HOME": directory}

    def run(self, *command, status=0, **more):
        """Returns what it printed."""
        done = subprocess.run(command, cwd=self.dir, env={**self.environment, **more}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=900)
        assert (done.returncode == 0) == (status == 0), f"status {done.returncode}: {done.stdout}"
        return done.stdout

    def shell(self, script, shell="bash", **more):
        """With regtest.sh sourced, as CI runs a script: the first failure ends it."""
        return self.run(shell, "-euc", f". {CONTRIB}/regtest.sh\n{script}", **more)

    def close(self):
        self.shell("destroy_ln")


def processes(argument):
    """Pids of those that have this text in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if argument.encode() in f.read():
                    found.append(int(pid))
    return found


@test("shellcheck")
def shellcheck_has_nothing_to_say(bench):
    scripts = []
    for directory in (CONTRIB, os.path.join(CONTRIB, "multifundchannel")):
        for path in (os.path.join(directory, name) for name in os.listdir(directory)):
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    if f.read(14).startswith((b"#!/bin/sh", b"# shellcheck")):
                        scripts.append(path)
    assert len(scripts) > 5, scripts
    bench.run("shellcheck", "--exclude=SC2046,SC2100", *scripts)  # contrib/check means what it splits and assigns


# --- regtest.sh ---

def a_network_from_start_to_end(bench, shell):
    said = bench.shell("""
        start_ln 3
        fund_nodes
        open_channels 1 2 3
        connect 2 3
        echo "channels: $(l1-cli -F listpeerchannels | grep -c '\]\.state=CHANNELD_NORMAL')"
        l1-cli plugin list
    """, shell)
    assert "channels: 2" in said, said
    assert bench.plugin in said, said
    running = processes(bench.net)
    said = bench.shell("stop_ln; echo stopped", shell)
    assert running and not processes(bench.net), said
    # Other numbers of nodes, an option, and what was there is there again.
    said = bench.shell("""
        start_ln 2 --alias=renamed
        l1-cli -F listpeerchannels
        l2-cli -F getinfo
        if fund_nodes 3; then echo 'a third one?'; fi
        destroy_ln
    """, shell)
    assert said.count("].state=CHANNELD_NORMAL") == 2 and "alias=renamed" in said, said
    assert "there is no node 3" in said and "a third one?" not in said, said
    assert not processes(bench.net) and not os.path.exists(bench.net)


@test("bash", "nodes")
def a_regtest_network_in_bash(bench):
    a_network_from_start_to_end(bench, "bash")


@test("zsh", "nodes")
def a_regtest_network_in_zsh(bench):
    a_network_from_start_to_end(bench, "zsh")


@test("bash", "nodes")
def a_regtest_network_ends_nothing_else(bench):
    """A pid file that is out of date names a stranger by now."""
    os.makedirs(os.path.join(bench.net, "l1"))
    open(os.path.join(bench.net, ".multifundchannel-regtest"), "w").close()
    with subprocess.Popen(["sleep", "1000"]) as stranger:
        try:
            with open(os.path.join(bench.net, "nodes"), "w") as f:
                f.write("1\n")
            with open(os.path.join(bench.net, "l1", "lightningd-regtest.pid"), "w") as f:
                f.write(f"{stranger.pid}\n")
            bench.shell("destroy_ln")
            assert stranger.poll() is None
        finally:
            stranger.kill()


@test("bash", "nodes")
def a_regtest_network_keeps_out_of_other_directories(bench):
    os.makedirs(bench.net)
    kept = os.path.join(bench.net, "kept")
    open(kept, "w").close()
    assert "is not ours" in bench.shell("start_ln 1", status=1)
    bench.shell("destroy_ln")
    assert os.path.exists(kept)


@test("bash", "nodes")
def the_example_for_ci(bench):
    with open(os.path.join(CONTRIB, "example-ci.yml")) as f:
        script = re.search(r"name: Test\n.*?run: \|\n(.*?)\n\n", f.read(), re.DOTALL).group(1)
    os.makedirs(os.path.join(bench.dir, "multifundchannel"))
    shutil.copy(os.path.join(CONTRIB, "regtest.sh"), os.path.join(bench.dir, "multifundchannel"))
    shutil.copy(bench.plugin, os.path.join(bench.dir, "multifundchannel", "multifundchannel"))
    said = bench.run("bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", script, MULTIFUNDCHANNEL="")
    assert '"status": "complete"' in said, said
    assert not processes(bench.net)


# --- the sample of the configuration ---

def sample_options():
    with open(os.path.join(CONTRIB, "config.sample")) as f:
        return dict(re.findall(r"^#([a-z-]+)=(.*)$", f.read(), re.MULTILINE))


@test()
def the_sample_has_every_option_with_its_default(bench):
    request = '{"jsonrpc":"2.0","id":1,"method":"getmanifest","params":{}}\n\n'
    manifest = subprocess.run([bench.plugin], input=request, capture_output=True, text=True, timeout=10).stdout
    defaults = {m["name"]: m.get("default", "") for m in json.loads(manifest)["result"]["options"]}
    declared = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}
    shown = {name: value for name, value in sample_options().items() if name.startswith("multifundchannel-")}
    assert shown == declared, (shown, declared)


@test("bash", "nodes")
def the_sample_is_accepted(bench):
    options = {**sample_options(), "plugin": bench.plugin}
    said = bench.shell("start_ln 1 " + " ".join(f"--{name}={value}" for name, value in options.items()) +
                       "\nl1-cli -F listconfigs; l1-cli -J help multifundchannel", MULTIFUNDCHANNEL="none")
    assert "peer_timeout" in said and f"={options['multifundchannel-peer-timeout']}" in said, said


# --- install ---

def install(bench, *arguments, status=0, **more):
    return bench.run(os.path.join(CONTRIB, "install"), "--lightning-dir", os.path.join(bench.net, "l1"),
                     "--network=regtest", *arguments, status=status, **more)


def variant(bench, name, script):
    """A plugin file with other bytes than the one under test."""
    path = os.path.join(bench.dir, name)
    with open(path, "w") as f:
        f.write(f"#!/bin/sh\n{script}\n")
    os.chmod(path, 0o755)
    return path


def plugins(bench):
    return re.findall(r'"name": "(.*/multifundchannel)"', bench.shell("l1-cli plugin list"))


@test("bash", "nodes")
def install_into_a_running_node(bench):
    place = os.path.join(bench.net, "l1", "plugins", "multifundchannel")
    bench.shell("start_ln 1", MULTIFUNDCHANNEL="none")
    assert "started" in install(bench, bench.plugin)
    assert plugins(bench) == [place]
    assert "up to date" in install(bench, bench.plugin)
    # Another version, which keeps the node's pid and takes the place of the old one.
    other = variant(bench, "other", f"exec {bench.plugin}")
    said = install(bench, other)
    assert "stopping" in said and "started" in said, said
    with open(other) as wanted, open(place) as got:
        assert got.read() == wanted.read()
    assert plugins(bench) == [place]
    # The node finds it by itself.
    bench.shell("stop_ln; start_ln 1", MULTIFUNDCHANNEL="none")
    assert plugins(bench) == [place]
    assert "removed" in install(bench, "--remove")
    assert plugins(bench) == [] and not os.path.exists(place)
    assert sorted(os.listdir(os.path.join(bench.net, "l1", "plugins"))) == []
    assert not [name for name in os.listdir(os.path.join(bench.net, "l1")) if name.startswith(".multifund")]


@test("bash", "nodes")
def install_in_place_of_one_from_elsewhere(bench):
    """Run from a build directory by the configuration, it would be there twice after the next restart."""
    copy = os.path.join(bench.dir, "build", "multifundchannel")
    os.makedirs(os.path.dirname(copy))
    shutil.copy(bench.plugin, copy)
    bench.shell("start_ln 1", MULTIFUNDCHANNEL=copy)
    said = install(bench, bench.plugin)
    assert f"stopping {copy}" in said and f"warning: the configuration has plugin={copy}" in said, said
    assert plugins(bench) == [os.path.join(bench.net, "l1", "plugins", "multifundchannel")]


@test("bash", "nodes")
def install_goes_back_when_the_new_version_does_not_start(bench):
    bench.shell("start_ln 1", MULTIFUNDCHANNEL="none")
    install(bench, bench.plugin)
    place = os.path.join(bench.net, "l1", "plugins", "multifundchannel")
    # Right when asked by hand, which leaves stdin at its end after one request; wrong under lightningd.
    bad = variant(bench, "bad", f'[ -z "$LIGHTNINGD_PLUGIN" ] || exit 1\nexec {bench.plugin}')
    said = install(bench, bad, status=1)
    assert "the old one is back" in said, said
    assert plugins(bench) == [place]
    with open(place, "rb") as got, open(bench.plugin, "rb") as wanted:
        assert got.read() == wanted.read()


@test("bash", "nodes")
def a_first_install_that_does_not_start_leaves_nothing(bench):
    bench.shell("start_ln 1", MULTIFUNDCHANNEL="none")
    bad = variant(bench, "bad", f'[ -z "$LIGHTNINGD_PLUGIN" ] || exit 1\nexec {bench.plugin}')
    assert "did not start" in install(bench, bad, status=1)
    assert os.listdir(os.path.join(bench.net, "l1", "plugins")) == []


@test()
def install_for_a_node_that_does_not_run(bench):
    directory = os.path.join(bench.net, "l1")
    os.makedirs(directory)
    said = install(bench, bench.plugin)
    place = os.path.join(directory, "plugins", "multifundchannel")
    assert "is in place" in said and os.access(place, os.X_OK), said
    assert "is in place" in install(bench, bench.plugin)
    install(bench, "--remove")
    assert not os.path.exists(place)


@test()
def install_says_what_is_wrong(bench):
    assert "no directory" in install(bench, bench.plugin, status=1)
    os.makedirs(os.path.join(bench.net, "l1"))
    assert "no executable at" in install(bench, "/nowhere", status=1)
    wrong = variant(bench, "wrong", "echo wrong kind of machine >&2; exit 126")
    assert "does not answer as the plugin should" in install(bench, wrong, status=1)
    assert not os.path.exists(os.path.join(bench.net, "l1", "plugins"))
    assert "usage:" in install(bench, "--whatever", status=1)


# --- reckless ---

FAKE_MESON = """#!/bin/sh
[ "$1" = setup ] || exit 0
mkdir -p build && cp "$MULTIFUNDCHANNEL" build/multifundchannel
"""


@test("bash", "nodes", "reckless", "node", "npm", "git")
def reckless_installs_updates_and_removes(bench):
    """With lightningd's own tool, from a git repository; only the compiling is left out."""
    # Not in the working directory: reckless would take the name for the folder there and forget the repository.
    source = os.path.join(bench.dir, "sources", "multifundchannel")
    shutil.copytree(ROOT, source, symlinks=True, ignore=shutil.ignore_patterns(".git", "build*", "__pycache__"))
    git = ["git", "-C", source, "-c", "user.name=test", "-c", "user.email=test@localhost", "-c", "commit.gpgsign=false"]
    for command in (["init", "-q"], ["add", "-A"], ["commit", "-qm", "all"]):
        bench.run(*git, *command)
    tools = os.path.join(bench.dir, "tools")
    os.makedirs(tools)
    for name, text in {"meson": FAKE_MESON, "ninja": "#!/bin/sh\n", "pkg-config": "#!/bin/sh\n"}.items():
        with open(os.path.join(tools, name), "w") as f:
            f.write(text)
        os.chmod(os.path.join(tools, name), 0o755)

    bench.shell("start_ln 1", MULTIFUNDCHANNEL="none")
    node = os.path.join(bench.net, "l1")
    with open(os.path.join(node, "regtest", "config"), "w"):
        pass  # reckless would ask whether to make it

    def reckless(*arguments):
        return bench.run("reckless", "-l", node, "--regtest", *arguments, PATH=f"{tools}:{os.environ['PATH']}")

    reckless("source", "add", source)
    reckless("source", "remove", "https://github.com/lightningd/plugins")
    said = reckless("-v", "install", "multifundchannel")
    assert "multifundchannel enabled" in said, said
    assert len(plugins(bench)) == 1
    assert "peer_timeout" in bench.shell("l1-cli -J help multifundchannel-spark")
    said = reckless("update", "multifundchannel")
    assert "already latest" in said, said
    bench.run(*git, "commit", "-q", "--allow-empty", "-m", "newer")
    assert "multifundchannel enabled" in reckless("update", "multifundchannel")
    bench.shell("stop_ln; start_ln 1", MULTIFUNDCHANNEL="none")
    assert len(plugins(bench)) == 1
    reckless("uninstall", "multifundchannel")
    assert plugins(bench) == []


# --- the release ---

@test("debootstrap", slow=True)
def the_release_runs_everywhere(bench):
    build = os.path.join(bench.dir, "build-release")
    bench.run(os.path.join(CONTRIB, "release"), build, HOME=os.environ["HOME"])
    archive, = [name for name in os.listdir(build) if name.endswith(".tar.gz")]
    said = bench.run(os.path.join(CONTRIB, "check-release"), "--archive", os.path.join(build, archive),
                     HOME=os.environ["HOME"])
    assert " 0 failed, 0 skipped" in said, said
    # What is in the archive finds its own executable.
    bench.run("tar", "-xzf", os.path.join(build, archive))
    directory = os.path.join(bench.dir, archive.removesuffix(".tar.gz"))
    node = os.path.join(bench.dir, "node")
    os.makedirs(node)
    assert "is in place" in bench.run(os.path.join(directory, "install"), "--lightning-dir", node)


def why_skipped(programs, slow, arguments):
    if slow and not arguments.slow:
        return "takes minutes: --slow"
    needed = [name for name in programs if name != "nodes" and not shutil.which(name)]
    if "nodes" in programs:
        needed += missing_programs()
    return "not on PATH: " + ", ".join(needed) if needed else ""


def run(function, plugin, keep):
    directory = tempfile.mkdtemp(prefix="mfc-contrib-")
    bench = Bench(plugin, directory)
    try:
        function(bench)
    finally:
        bench.close()
        if not keep:
            shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("-k", metavar="PATTERN", default="", help="run tests whose name contains this")
    parser.add_argument("--plugin", default=os.path.join(ROOT, "build", "multifundchannel"), help="default: %(default)s")
    parser.add_argument("--slow", action="store_true", help="also those that take minutes")
    parser.add_argument("--keep", action="store_true", help="keep the tests' directories")
    arguments = parser.parse_args()
    plugin = os.path.abspath(arguments.plugin)
    if not os.access(plugin, os.X_OK):
        print(f"no plugin at {plugin}: build it, or name it with --plugin")
        return 2
    counts = {"ok": 0, "FAILED": 0, "skipped": 0}
    for name, function, programs, slow in TESTS:
        if arguments.k not in name:
            continue
        started, outcome, note = time.monotonic(), "ok", why_skipped(programs, slow, arguments)
        try:
            if note:
                outcome = "skipped"
            else:
                run(function, plugin, arguments.keep)
        except Exception:
            outcome = "FAILED"
            traceback.print_exc(file=sys.stdout)
        counts[outcome] += 1
        print(f"{outcome:8} {time.monotonic() - started:6.1f} s  {name}{f'  ({note})' if note else ''}", flush=True)
    print(f"{counts['ok']} passed, {counts['FAILED']} failed, {counts['skipped']} skipped")
    return 1 if counts["FAILED"] else 0


if __name__ == "__main__":
    sys.exit(main())
