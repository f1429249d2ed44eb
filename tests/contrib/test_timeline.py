"""Tests of contrib/timeline, as a program and by its parts."""
import importlib.machinery
import importlib.util
import json
import os
import subprocess
import sys
import tempfile
import xml.etree.ElementTree as ElementTree

import pytest

PROGRAM = os.path.join(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))),
                       "contrib", "timeline")
LOADER = importlib.machinery.SourceFileLoader("timeline", PROGRAM)
timeline = importlib.util.module_from_spec(importlib.util.spec_from_loader("timeline", LOADER))
sys.modules["timeline"] = timeline
LOADER.exec_module(timeline)

SVG = "{http://www.w3.org/2000/svg}"
PEERS = ["02" + "a" * 64, "03" + "b" * 64]
BATCH = "cli:multifundchannel#1/cln:multifundchannel#45"


def trace_of(peers, start=500_000):
    """A trace as the plugin writes it, with one call for each peer and the last one lost."""
    events = [{"name": "connect", "ph": "X", "pid": 1, "tid": 1, "cat": "phase", "ts": 0, "dur": 400_000}]
    for peer in range(peers):
        events.append({"name": "fundchannel_start", "ph": "X", "pid": 1, "tid": 3 + peer, "cat": "call",
                       "ts": start, "dur": 100_000 + peer, "args": {"result": "ok"}})
    events.append({"name": "out: refused", "ph": "i", "pid": 1, "tid": 2 + peers, "s": "t", "ts": 600_000,
                   "args": {"cause": "refused"}})
    names = ["batch", "node"] + [f"peer {i} 02aaaaaa" for i in range(peers)]
    events.append({"name": "process_name", "ph": "M", "pid": 1, "tid": 0, "args": {"name": "multifundchannel 1234"}})
    for row, name in enumerate(names):
        events.append({"name": "thread_name", "ph": "M", "pid": 1, "tid": row + 1, "args": {"name": name}})
        events.append({"name": "thread_sort_index", "ph": "M", "pid": 1, "tid": row + 1, "args": {"sort_index": row}})
    return {"displayTimeUnit": "ms", "otherData": {"batch": "1234"}, "traceEvents": events}


def hexed(message):
    return json.dumps(message).encode().hex()


def log_lines(batch=BATCH, by="spenderp"):
    """What lightningd logs at the level io about two connects and one that hangs."""
    def call(number, method):
        return f"{batch}/{by}:{method}#{number}"
    requests = [{"jsonrpc": "2.0", "id": call(i, "connect"), "method": "connect", "params": {"id": f"{peer}@host:{i}"}}
                for i, peer in enumerate(PEERS)]
    both = "".join(json.dumps(request) for request in requests).encode().hex()
    cut = len(both) // 2 // 2 * 2  # in the middle of a request, as a read from a socket may end
    return [
        "2026-11-23T11:02:32.000Z INFO    lightningd: something else",
        f"2026-11-23T11:02:32.100Z jsonrpc#33: [IN] {both[:cut]}",
        f'2026-11-23T11:02:32.100Z jsonrpc#33: "{call(0, "connect")}"[IN] ',
        f"2026-11-23T11:02:32.101Z jsonrpc#33: [IN] {both[cut:]}",
        f'2026-11-23T11:02:32.101Z jsonrpc#33: "{call(1, "connect")}"[IN] ',
        f'2026-11-23T11:02:32.101Z jsonrpc#34: "another/cln:getinfo#2"[IN] ',
        "2026-11-23T11:02:32.300Z jsonrpc#33: [OUT] " + hexed({"id": call(0, "connect"), "result": {"id": PEERS[0]}}),
        "2026-11-23T11:02:32.350Z jsonrpc#33: [OUT] " + hexed({"id": call(1, "connect"), "error": {"code": 401}}),
        f'2026-11-23T11:02:32.400Z jsonrpc#33: "{call(2, "fundpsbt")}"[IN] ',
        "2026-11-23T11:02:32.450Z jsonrpc#33: [OUT] " + hexed({"id": call(2, "fundpsbt"), "result": {"psbt": "x"}}),
        f'2026-11-23T11:02:32.500Z jsonrpc#33: "{call(3, "signpsbt")}"[IN] ',
    ]


def titles_in(svg):
    """The texts that a browser shows for a slice under the pointer."""
    return [element.text for element in ElementTree.fromstring(svg).iter(SVG + "title")]


class TestTraces:
    def test_rows_and_slices(self):
        trace = timeline.from_events(trace_of(2))
        assert [row.title for row in trace.rows] == ["batch", "node", "peer 0 02aaaaaa", "peer 1 02aaaaaa"]
        assert trace.title == "multifundchannel 1234"
        assert trace.rows[0].slices[0].phase
        assert trace.rows[2].slices[0].end == pytest.approx(0.6)
        assert [row.losses for row in trace.rows] == [[], [], [], [(0.6, "out: refused")]]

    def test_threads_with_one_sort_index_share_a_row(self):
        document = trace_of(1)
        document["traceEvents"] += [
            {"name": "thread_name", "ph": "M", "pid": 1, "tid": 9, "args": {"name": "peer 0 02aaaaaa"}},
            {"name": "thread_sort_index", "ph": "M", "pid": 1, "tid": 9, "args": {"sort_index": 2}},
            {"name": "fundchannel_cancel", "ph": "X", "pid": 1, "tid": 9, "cat": "call", "ts": 550_000, "dur": 1,
             "args": {"error": 307}}]
        row = timeline.from_events(document).rows[2]
        assert [(s.name, s.failed) for s in row.slices] == [("fundchannel_start", False), ("fundchannel_cancel", True)]
        assert len(timeline.lanes(row.slices)) == 2

    def test_slices_that_touch_do_not_overlap(self):
        slices = [timeline.Slice("a", 0.1, 0.1 + 0.2), timeline.Slice("b", 0.3, 0.4)]
        assert slices[0].end > slices[1].begin
        assert len(timeline.lanes(slices)) == 1


class TestLogs:
    def test_calls_peers_and_errors(self):
        trace = timeline.from_log(log_lines())
        assert trace.title == "multifundchannel of spenderp"
        assert [row.title for row in trace.rows] == ["batch", "node", "peer 0 02aaaaaa", "peer 1 03bbbbbb"]
        first, second = trace.rows[2].slices[0], trace.rows[3].slices[0]
        assert (first.name, first.note, first.failed) == ("connect", "ok", False)
        assert first.end - first.begin == pytest.approx(0.2, abs=1e-4)
        assert (second.note, second.failed) == ("error 401", True)
        assert [(s.name, s.note) for s in trace.rows[1].slices] == [("fundpsbt", "ok"), ("signpsbt", "no answer")]

    def test_the_last_batch_counts(self):
        lines = log_lines() + log_lines("cli:2/cln:multifundchannel-spark#46", "multifundchannel")
        assert timeline.from_log(lines).title == "multifundchannel of multifundchannel"

    def test_a_log_becomes_a_trace_with_the_same_slices(self):
        trace = timeline.from_log(log_lines())
        again = timeline.from_events(json.loads(json.dumps(timeline.to_events(trace))))
        assert self.slices(again) == self.slices(trace)

    @staticmethod
    def slices(trace):
        return [[(s.name, round(s.begin, 6), round(s.end, 6), s.failed) for s in row.slices] for row in trace.rows]


class TestDrawings:
    @pytest.mark.parametrize("peers", [5, 200])
    def test_readable_with_peers(self, peers):
        svg = timeline.draw([timeline.from_events(trace_of(peers))])
        root = ElementTree.fromstring(svg)
        assert float(root.get("height")) < 1300
        assert sum("fundchannel_start" in title for title in titles_in(svg)) == peers
        sizes = [float(text.get("font-size")) for text in root.iter(SVG + "text")]
        assert min(sizes) >= 8
        names = [t for t in root.iter(SVG + "text") if (t.text or "").startswith("peer ")]
        assert len(names) >= min(peers, 50)
        lines = sorted(float(name.get("y")) for name in names)
        assert all(b - a >= 8 for a, b in zip(lines, lines[1:])), "names overlap"
        for box in root.iter(SVG + "rect"):
            assert float(box.get("x", 0)) + float(box.get("width")) <= timeline.WIDTH

    def test_two_traces_share_one_axis(self):
        short, long = timeline.from_events(trace_of(2)), timeline.from_events(trace_of(2, start=3_900_000))
        root = ElementTree.fromstring(timeline.draw([short, long]))
        starts = [float(box.get("x")) for box in root.iter(SVG + "rect")
                  if box.find(SVG + "title") is not None and "fundchannel_start" in box.find(SVG + "title").text]
        assert starts[2] > starts[0] + 500
        axis = [text.text for text in root.iter(SVG + "text") if text.get("text-anchor") == "middle"]
        assert axis[:len(axis) // 2] == axis[len(axis) // 2:]

    def test_what_a_peer_says_is_no_markup(self):
        document = trace_of(1)
        document["traceEvents"][1]["name"] = '<script>"&'
        assert '<script>"&' in titles_in(timeline.draw([timeline.from_events(document)]))[1]

    def test_ticks_are_few_and_reach_the_end(self):
        for end in (0.004, 0.09, 1.0, 7.3, 61, 3600):
            ticks = timeline.ticks(end)
            assert len(ticks) <= 13
            assert len(ticks) >= 4
            assert ticks[-1] <= end


class TestProgram:
    def run_on(self, *files, options=()):
        """`files`: contents. Returns status, output and errors."""
        with tempfile.TemporaryDirectory() as directory:
            paths = [os.path.join(directory, f"trace{i}") for i in range(len(files))]
            for path, text in zip(paths, files):
                with open(path, "w", encoding="utf-8") as file:
                    file.write(text)
            done = subprocess.run([sys.executable, PROGRAM, *paths, *options], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True, check=False)
            return done.returncode, done.stdout, done.stderr

    def test_a_trace_beside_a_log(self):
        status, svg, _ = self.run_on("\n".join(log_lines()), json.dumps(trace_of(3)), options=["--title", "builtin"])
        assert status == 0
        words = [text.text for text in ElementTree.fromstring(svg).iter(SVG + "text")]
        assert any(word.startswith("builtin: ") for word in words)
        assert any(word.startswith("multifundchannel 1234: ") for word in words)

    def test_to_trace(self):
        status, text, _ = self.run_on("\n".join(log_lines()), options=["--to-trace", "-"])
        assert status == 0
        assert "traceEvents" in json.loads(text)

    @pytest.mark.parametrize("text", ["", "hello\n", "{", "{}", '{"traceEvents":[{}]}', '{"traceEvents":7}'])
    def test_what_is_no_trace(self, text):
        status, _, errors = self.run_on(text)
        assert status == 1
        assert errors.count("\n") == 1, errors
        assert errors.startswith("timeline: "), errors
