"""Tests of the scripts in contrib/, by running them. --slow also builds the release and tries it in Debian's root file
systems."""
import contextlib
import json
import os
import re
import shutil
import subprocess

import pytest

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CONTRIB = os.path.join(ROOT, "contrib")

needs = pytest.mark.needs


def processes(argument):
    """Pids of those that have this text in their command line."""
    found = []
    for pid in filter(str.isdigit, os.listdir("/proc")):
        with contextlib.suppress(OSError):
            with open(f"/proc/{pid}/cmdline", "rb") as f:
                if argument.encode() in f.read():
                    found.append(int(pid))
    return found


@needs("shellcheck")
def test_shellcheck_has_nothing_to_say(bench):
    scripts = []
    for directory in (CONTRIB, os.path.join(CONTRIB, "multifundchannel")):
        for path in (os.path.join(directory, name) for name in os.listdir(directory)):
            if os.path.isfile(path) and not os.path.islink(path):
                with open(path, "rb") as f:
                    if f.read(14).startswith((b"#!/bin/sh", b"# shellcheck")):
                        scripts.append(path)
    assert len(scripts) > 5, scripts
    bench.run("shellcheck", "--exclude=SC2046,SC2100", *scripts)  # contrib/check means what it splits and assigns


SCRIPTS = sorted(name for name in os.listdir(CONTRIB)
                 if os.path.isfile(os.path.join(CONTRIB, name)) and os.access(os.path.join(CONTRIB, name), os.X_OK)
                 and name != "listener.py")  # a plugin


@pytest.mark.parametrize("name", SCRIPTS)
def test_help_is_printed_and_nothing_else_is_done(name):
    for asked in ("--help", "-h"):
        said = subprocess.run([os.path.join(CONTRIB, name), asked], capture_output=True, text=True, timeout=20, check=False)
        assert said.returncode == 0 and not said.stderr, said
        assert "usage: " in said.stdout, said
    refused = subprocess.run([os.path.join(CONTRIB, name), "--no-such-option"], capture_output=True, text=True, timeout=20,
                             check=False)
    assert refused.returncode == 2 and "usage: " in refused.stderr and not refused.stdout, refused


# --- regtest.sh ---

@pytest.mark.parametrize("shell", [pytest.param(shell, marks=needs(shell, "nodes")) for shell in ("bash", "zsh")])
def test_a_regtest_network_in(bench, shell):
    said = bench.shell(r"""
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
    said = bench.shell(r"""
        start_ln 2 --alias=renamed
        l1-cli -F listpeerchannels
        l2-cli -F getinfo
        if fund_nodes 3; then echo 'a third one?'; fi
        destroy_ln
    """, shell)
    assert said.count("].state=CHANNELD_NORMAL") == 2 and "alias=renamed" in said, said
    assert "there is no node 3" in said and "a third one?" not in said, said
    assert not processes(bench.net) and not os.path.exists(bench.net)


@needs("bash", "nodes")
def test_a_regtest_network_ends_nothing_else(bench):
    """A pid file that is out of date names a stranger by now."""
    os.makedirs(os.path.join(bench.net, "l1"))
    os.chmod(bench.net, 0o700)
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


@needs("bash", "nodes")
def test_a_regtest_network_keeps_out_of_other_directories(bench):
    os.makedirs(bench.net)
    kept = os.path.join(bench.net, "kept")
    open(kept, "w").close()
    assert "is not ours" in bench.shell("start_ln 1", status=1)
    bench.shell("destroy_ln")
    assert os.path.exists(kept)


def a_trap(bench):
    """A network as another user could have left it: whoever believes it gives bitcoind's password away, and runs
    what that user likes. Programs that tell of their being called stand in for bitcoin-cli and the others."""
    net = os.path.join(bench.dir, "trap")
    for name in ("l1", "bitcoind/regtest"):
        os.makedirs(os.path.join(net, name))
    os.chmod(net, 0o700)
    for name, content in ((".multifundchannel-regtest", ""), ("nodes", "1\n"), ("l1/log", "a log"),
                          ("bitcoind/regtest/bitcoind.pid", f"{os.getpid()}\n")):
        with open(os.path.join(net, name), "w") as f:
            f.write(content)
    programs = os.path.join(bench.dir, "programs")
    os.makedirs(programs)
    for name in ("bitcoin-cli", "bitcoind", "lightning-cli", "lightningd", "less"):
        path = os.path.join(programs, name)
        with open(path, "w") as f:
            f.write(f"#!/bin/sh\necho {name} was called\n")
        os.chmod(path, 0o755)
    return net, programs


def open_to_all(net, _):
    os.chmod(net, 0o755)
    return net


def open_to_the_group(net, _):
    os.chmod(net, 0o770)
    return net


def behind_a_link(net, directory):
    os.symlink(net, os.path.join(directory, "link"))
    return os.path.join(directory, "link")


def behind_a_link_with_a_slash(net, directory):
    return behind_a_link(net, directory) + "/"


def with_a_link_for_its_mark(net, _):
    mark = os.path.join(net, ".multifundchannel-regtest")
    os.rename(mark, mark + ".target")
    os.symlink(mark + ".target", mark)
    return net


def of_another_user(net, _):
    if os.getuid() != 0:
        pytest.skip("needs root")
    os.chown(net, 12345, 12345)
    return net


@needs("bash")
@pytest.mark.parametrize("spoil", [open_to_all, open_to_the_group, behind_a_link, behind_a_link_with_a_slash,
                                   with_a_link_for_its_mark, of_another_user])
def test_a_regtest_network_that_others_may_have_made_is_not_touched(bench, spoil):
    net, programs = a_trap(bench)
    place = spoil(net, bench.dir)
    environment = {"REGTEST_DIR": place, "PATH": f"{programs}:{os.environ['PATH']}"}
    before = sorted(os.listdir(net))
    for command in ("start_ln 1", "fund_nodes", "open_channels", "connect 1 1", "ln_address 1", "mine", "bt-cli help",
                    "_regtest_cli 1 help", "stop_ln", "destroy_ln"):
        said = bench.shell(command, status=1, **environment)
        assert "is not ours" in said and "was called" not in said, f"{command}: {said}"
    said = bench.shell("type l1-cli && echo defined", status=1, **environment)
    assert "defined" not in said, said
    assert sorted(os.listdir(net)) == before


@needs("bash")
def test_where_a_regtest_network_is_by_default(bench):
    runtime = os.path.join(bench.dir, "runtime")
    os.makedirs(runtime)
    told = "echo $REGTEST_DIR"
    assert bench.shell(told, REGTEST_DIR="", XDG_RUNTIME_DIR=runtime) == f"{runtime}/multifundchannel-regtest\n"
    for other in ("", os.path.join(bench.dir, "nothing")):
        assert bench.shell(told, REGTEST_DIR="", XDG_RUNTIME_DIR=other) == f"{bench.dir}/.multifundchannel-regtest\n"


# --- the executable ---

@needs("readelf")
def test_the_plugin_is_hardened(bench):
    assert "PIE, full RELRO" in bench.run(os.path.join(CONTRIB, "check-hardening"), bench.plugin)


@needs("readelf", "gcc")
def test_what_is_not_hardened_is_noticed(bench):
    with open(os.path.join(bench.dir, "weak.c"), "w") as f:
        f.write("int main(void) { return 0; }\n")
    bench.run("gcc", "-no-pie", "-z", "norelro", "-z", "execstack", "-o", "weak", "weak.c")
    said = bench.run(os.path.join(CONTRIB, "check-hardening"), "weak", status=1)
    for what in ("PIE", "RELRO", "BIND_NOW", "not executable", "stack protector", "assertions"):
        assert what in said, said


HARDENED = ("-O2", "-fPIE", "-fstack-protector-strong")


@needs("g++")
@pytest.mark.parametrize("options, lacks", [
    ((), None), (("-O0",), None), (("-fstack-protector-all", "-fPIC"), None), (("-D_FORTIFY_SOURCE=3",), None),
    (("-fsanitize=address",), None), (("-fsanitize=address", "-O0"), None),
    (("-fno-stack-protector",), "no stack protector"), (("-fstack-protector",), "no stack protector"),
    (("-fno-pie",), "not position independent"), (("-D_FORTIFY_SOURCE=1",), "_FORTIFY_SOURCE is below 2"),
    (("-D_FORTIFY_SOURCE=0", "-fsanitize=undefined"), "_FORTIFY_SOURCE is below 2"),
    (("-D_GLIBCXX_NO_ASSERTIONS",), "assertions are switched off")])
def test_no_source_compiles_without_hardening(bench, options, lacks):
    """A static executable would not show it."""
    header = os.path.join(os.path.dirname(CONTRIB), "src", "hardening.h")
    with open(os.path.join(bench.dir, "source.cpp"), "w") as f:
        f.write("#include <string>\n#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && _FORTIFY_SOURCE < 2\n"
                "#error weak\n#endif\n#ifndef _GLIBCXX_ASSERTIONS\n#error weak\n#endif\nstd::string text;\n")
    said = bench.run("g++", *HARDENED, *options, "-include", header, "-c", "-o", "source.o", "source.cpp",
                     status=1 if lacks else 0)
    assert lacks is None or "hardening: " in said and lacks in said, said


@needs("bash", "nodes")
def test_the_example_for_ci(bench):
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


def test_the_sample_has_every_option_with_its_default(bench):
    request = '{"jsonrpc":"2.0","id":1,"method":"getmanifest","params":{}}\n\n'
    manifest = subprocess.run([bench.plugin], input=request, capture_output=True, text=True, timeout=10).stdout
    defaults = {m["name"]: m.get("default", "") for m in json.loads(manifest)["result"]["options"]}
    declared = {name: str(value).lower() if isinstance(value, bool) else str(value) for name, value in defaults.items()}
    shown = {name: value for name, value in sample_options().items() if name.startswith("multifundchannel-")}
    assert shown == declared, (shown, declared)


@needs("bash", "nodes")
def test_the_sample_is_accepted(bench):
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


@needs("bash", "nodes")
def test_install_into_a_running_node(bench):
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


@needs("bash", "nodes")
def test_install_in_place_of_one_from_elsewhere(bench):
    """Run from a build directory by the configuration, it would be there twice after the next restart."""
    copy = os.path.join(bench.dir, "build", "multifundchannel")
    os.makedirs(os.path.dirname(copy))
    shutil.copy(bench.plugin, copy)
    bench.shell("start_ln 1", MULTIFUNDCHANNEL=copy)
    said = install(bench, bench.plugin)
    assert f"stopping {copy}" in said and f"warning: the configuration has plugin={copy}" in said, said
    assert plugins(bench) == [os.path.join(bench.net, "l1", "plugins", "multifundchannel")]


@needs("bash", "nodes")
def test_install_goes_back_when_the_new_version_does_not_start(bench):
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


@needs("bash", "nodes")
def test_a_first_install_that_does_not_start_leaves_nothing(bench):
    bench.shell("start_ln 1", MULTIFUNDCHANNEL="none")
    bad = variant(bench, "bad", f'[ -z "$LIGHTNINGD_PLUGIN" ] || exit 1\nexec {bench.plugin}')
    assert "did not start" in install(bench, bad, status=1)
    assert os.listdir(os.path.join(bench.net, "l1", "plugins")) == []


def test_install_for_a_node_that_does_not_run(bench):
    directory = os.path.join(bench.net, "l1")
    os.makedirs(directory)
    said = install(bench, bench.plugin)
    place = os.path.join(directory, "plugins", "multifundchannel")
    assert "is in place" in said and os.access(place, os.X_OK), said
    assert "is in place" in install(bench, bench.plugin)
    install(bench, "--remove")
    assert not os.path.exists(place)


def test_install_says_what_is_wrong(bench):
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


@needs("bash", "nodes", "reckless", "node", "npm", "git")
def test_reckless_installs_updates_and_removes(bench):
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


def test_the_next_reckless_builds_by_the_manifest(bench):
    """As lightningd's master has it since August 2026: each command split at white space, in a clone's top folder, and
    once more for an update. Only the compiling is left out."""
    with open(os.path.join(ROOT, "manifest.json")) as f:
        manifest = json.load(f)
    assert manifest.pop("name") == "multifundchannel"  # it ignores what it does not know: the name is the repository's there
    known = {"short_description": str, "long_description": str, "entrypoint": str, "dependencies": list,
             "install_cmd": list, "required_options": list, "offer": str, "installable": bool}
    assert all(isinstance(value, known[name]) for name, value in manifest.items()), manifest
    tools = os.path.join(bench.dir, "tools")
    os.makedirs(tools)
    with open(os.path.join(tools, "meson"), "w") as f:
        f.write(FAKE_MESON)
    os.chmod(os.path.join(tools, "meson"), 0o755)
    for command in 2 * manifest["install_cmd"]:
        bench.run(*command.split(), PATH=f"{tools}:{os.environ['PATH']}")
    assert os.access(os.path.join(bench.dir, manifest["entrypoint"]), os.X_OK)


# --- the release ---

@pytest.mark.slow("takes minutes")
@needs("debootstrap")
def test_the_release_runs_everywhere(bench):
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
