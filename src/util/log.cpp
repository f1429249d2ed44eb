#include "util/log.hpp"

#include <spdlog/details/null_mutex.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <memory>
#include <utility>

namespace util {
namespace {

spdlog::level::level_enum spdlog_level(Level level) {
  switch (level) {
    case Level::debug:
      return spdlog::level::debug;
    case Level::info:
      return spdlog::level::info;
    case Level::warn:
      return spdlog::level::warn;
    case Level::error:
      break;
  }
  return spdlog::level::err;
}

Level our_level(spdlog::level::level_enum level) {
  if (level >= spdlog::level::err) return Level::error;
  if (level == spdlog::level::warn) return Level::warn;
  if (level == spdlog::level::info) return Level::info;
  return Level::debug;
}

/// Hands each line to the LogSink, or to standard error while there is none. Lives as long as the
/// program. No mutex: everything here runs on the loop's thread.
class Forwarder final : public spdlog::sinks::base_sink<spdlog::details::null_mutex> {
 public:
  Forwarder() { set_pattern("%l: %v"); }  // for standard error; lightningd adds its own time and level

  void forward_to(LogSink target) {
    target_ = std::move(target);
    ++changes_;
  }

 private:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!target_) return write_to_stderr(message);
    // The target is moved out while it runs: what it logs itself goes to standard error instead of
    // recursing, and it may replace itself.
    auto target = std::exchange(target_, nullptr);
    const auto changes = changes_;
    target(our_level(message.level), std::string_view(message.payload.data(), message.payload.size()));
    if (changes_ == changes) target_ = std::move(target);
  }

  void write_to_stderr(const spdlog::details::log_msg& message) {
    spdlog::memory_buf_t line;
    formatter_->format(message, line);
    std::fwrite(line.data(), 1, line.size(), stderr);
  }

  void flush_() override { std::fflush(stderr); }

  LogSink target_;
  unsigned changes_ = 0;
};

/// The one logger of the program.
struct Log {
  Log() {
    logger->set_level(spdlog::level::debug);
    // spdlog's own default logger writes to standard output, which is the protocol channel.
    spdlog::set_default_logger(logger);
  }

  std::shared_ptr<Forwarder> forwarder = std::make_shared<Forwarder>();
  std::shared_ptr<spdlog::logger> logger = std::make_shared<spdlog::logger>("multifundchannel", forwarder);
};

Log& instance() {
  static Log log;
  return log;
}

}  // namespace

std::string_view level_name(Level level) {
  switch (level) {
    case Level::debug:
      return "debug";
    case Level::info:
      return "info";
    case Level::warn:
      return "warn";
    case Level::error:
      break;
  }
  return "error";
}

void set_log_sink(LogSink sink) { instance().forwarder->forward_to(std::move(sink)); }

void log(Level level, std::string_view line) {
  // A string view, never a format string: the line may hold a peer's words.
  instance().logger->log(spdlog_level(level), spdlog::string_view_t(line.data(), line.size()));
}

void log(Level level, std::initializer_list<Piece> line) { log(level, join(line)); }

}  // namespace util
