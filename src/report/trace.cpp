#include "report/trace.hpp"

#include <algorithm>
#include <vector>

#include "json/writer.hpp"
#include "util/log.hpp"
#include "util/str.hpp"

namespace report {

using json::Writer;
using spark::Duration;
using util::str;

namespace {

constexpr std::size_t batch_row = 0;
constexpr std::size_t node_row = 1;
constexpr std::size_t first_peer_row = 2;

std::int64_t microseconds(Duration duration) { return std::chrono::microseconds(duration).count(); }

/// Slices of one thread must not overlap, but calls for one peer may (an undo beside a call that hangs): a
/// row has as many threads, one below the other, as it has calls at the same time.
class Threads {
 public:
  explicit Threads(std::size_t rows) : free_at_(rows) {}

  /// The number of the thread within its row. Slices come in the order in which they begin.
  std::size_t lane_for(std::size_t row, Duration begin, Duration end) {
    auto& lanes = free_at_[row];
    const auto lane = std::find_if(lanes.begin(), lanes.end(), [begin](Duration free) { return free <= begin; });
    const auto number = static_cast<std::size_t>(lane - lanes.begin());
    if (lane == lanes.end()) lanes.emplace_back();
    lanes[number] = end;
    return number;
  }
  [[nodiscard]] std::size_t rows() const { return free_at_.size(); }
  [[nodiscard]] std::size_t lanes(std::size_t row) const { return std::max<std::size_t>(free_at_[row].size(), 1); }
  [[nodiscard]] std::size_t id(std::size_t row, std::size_t lane) const { return 1 + row + lane * rows(); }

 private:
  std::vector<std::vector<Duration>> free_at_;
};

/// Writes the events of one trace, in the format's words: pid, tid, ts and dur in microseconds.
class TraceWriter {
 public:
  TraceWriter(const Timeline& timeline, Writer& out)
      : timeline_(timeline), out_(out), threads_(first_peer_row + timeline.peers().size()), now_(timeline.now()) {}

  void write(const std::string& batch) {
    for (const auto& [phase, slice] : timeline_.phases()) {
      begin_slice(name_of(phase), "phase", slice, batch_row);
      out_.end();
    }
    for (const auto& call : timeline_.calls()) write_call(call);
    for (const auto& loss : timeline_.losses()) write_loss(loss);
    name("process_name", 0, str("multifundchannel ", batch));
    for (std::size_t row = 0; row < threads_.rows(); ++row) name_row(row);
  }

 private:
  void begin_event(const std::string& name, const char* kind, std::size_t thread) {
    out_.object().field("name", name).field("ph", kind).field("pid", 1).field("tid", thread);
  }

  void begin_slice(const char* name, const char* category, const Timeline::Slice& slice, std::size_t row) {
    const auto end = slice.end.value_or(now_);
    begin_event(name, "X", threads_.id(row, threads_.lane_for(row, slice.begin, end)));
    out_.field("cat", category).field("ts", microseconds(slice.begin));
    out_.field("dur", microseconds(end - slice.begin));
  }

  void write_call(const Timeline::Call& call) {
    begin_slice(call.method, "call", call.slice, call.destination ? first_peer_row + *call.destination : node_row);
    out_.key("args").object();
    if (!call.slice.end) {
      out_.field("result", "no answer");
    } else if (call.error != 0) {
      out_.field("error", call.error);
    } else {
      out_.field("result", "ok");
    }
    out_.end().end();
  }

  void write_loss(const Timeline::Loss& loss) {
    begin_event(str("out: ", name_of(loss.cause)), "i", threads_.id(first_peer_row + loss.destination, 0));
    out_.field("cat", "failure").field("s", "t").field("ts", microseconds(loss.at));
    out_.key("args")
        .object()
        .field("method", loss.method)
        .field("error", loss.error)
        .field("cause", name_of(loss.cause));
    out_.end().end();
  }

  void name_row(std::size_t row) {
    for (std::size_t lane = 0; lane < threads_.lanes(row); ++lane) {
      const auto thread = threads_.id(row, lane);
      name("thread_name", thread, title(row));
      begin_event("thread_sort_index", "M", thread);
      out_.key("args").object().field("sort_index", row).end().end();
    }
  }

  void name(const char* what, std::size_t thread, const std::string& text) {
    begin_event(what, "M", thread);
    out_.key("args").object().field("name", text).end().end();
  }

  [[nodiscard]] std::string title(std::size_t row) const {
    if (row == batch_row) return "batch";
    if (row == node_row) return "node";
    const auto destination = row - first_peer_row;
    return str("peer ", destination, ' ', timeline_.peers()[destination].brief());
  }

  const Timeline& timeline_;
  Writer& out_;
  Threads threads_;
  const Duration now_;
};

}  // namespace

std::string trace_json(const Timeline& timeline, const std::string& batch, std::int64_t begun) {
  Writer out;
  out.object().field("displayTimeUnit", "ms");
  out.key("otherData").object().field("batch", batch).field("begun", begun).end();
  out.key("traceEvents").array();
  TraceWriter(timeline, out).write(batch);
  return out.end().end().take();
}

void write_trace(util::Files& files, const std::string& directory, const Timeline& timeline,
                 const ledger::Ledger& batch) {
  const auto path = str(directory, "/multifundchannel-", batch.id, ".json");
  files.write_file(path, trace_json(timeline, batch.id, batch.begun), [](const util::Result<void>& written) {
    if (!written) util::warn("trace: ", written.error().message);
  });
}

}  // namespace report
