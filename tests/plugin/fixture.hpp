#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "../util/flat.hpp"
#include "json/value.hpp"
#include "plugin/plugin.hpp"
#include "util/log.hpp"
#include "util/transport.hpp"

namespace plugin::test {

/// Standard input and output in memory.
class MemoryTransport final : public util::Transport {
 public:
  void start(util::Receiver& receiver) override { receiver_ = &receiver; }
  void send(util::Rope message) override { sent_.push_back(flat(message)); }
  [[nodiscard]] std::size_t pending() const override { return 0; }

  void deliver(std::string_view bytes) { receiver_->received(bytes); }
  void close(const std::string& reason) { receiver_->closed(reason); }
  /// What was sent since the last call.
  [[nodiscard]] std::vector<std::string> take() { return std::exchange(sent_, {}); }

 private:
  util::Receiver* receiver_ = nullptr;
  std::vector<std::string> sent_;
};

/// A plugin with lightningd's side in the test's hands, and a log that is kept.
class Fixture {
 public:
  Fixture() : plugin(std::make_unique<Plugin>(transport, "v26.06.6")) {
    auto lines = logged;
    util::set_log_sink([lines](util::Level, std::string_view line) { lines->emplace_back(line); });
    hooks.gone = [this](const std::string& reason) { gone.push_back(reason); };
  }
  ~Fixture() { util::set_log_sink({}); }
  Fixture(const Fixture&) = delete;
  Fixture& operator=(const Fixture&) = delete;

  void start() {
    plugin->set_hooks(hooks);
    plugin->start();
  }

  /// Sends a request and returns the one text that it was answered with, "" when there was none.
  std::string ask(std::string_view method, std::string_view params, std::string_view raw_id = "\"cln:1\"") {
    transport.deliver(
        util::str(R"({"jsonrpc":"2.0","id":)", raw_id, R"(,"method":")", method, R"(","params":)", params, "}\n\n"));
    return one(transport.take());
  }
  void notify(std::string_view method, std::string_view params) {
    transport.deliver(util::str(R"({"jsonrpc":"2.0","method":")", method, R"(","params":)", params, "}\n\n"));
  }
  /// init with these options, and what configuration lightningd always gives.
  std::string init(std::string_view options = "{}") {
    return ask("init", util::str(R"({"options":)", options, R"(,"configuration":{"lightning-dir":"/tmp/l1/regtest",)",
                                 R"("rpc-file":"lightning-rpc","startup":true,"network":"regtest",)",
                                 R"("feature_set":{"init":"08a0","node":"88a0"}}})"));
  }

  static std::string one(const std::vector<std::string>& texts) {
    return texts.empty() ? "" : texts.size() == 1 ? texts.front() : "more than one message";
  }

  MemoryTransport transport;
  std::unique_ptr<Plugin> plugin;
  Hooks hooks;
  std::shared_ptr<std::vector<std::string>> logged = std::make_shared<std::vector<std::string>>();
  std::vector<std::string> gone;
};

/// A method that accepts everything and hands its commands to `commands`.
inline Method keeping_method(std::string name, std::vector<Command>& commands) {
  return {std::move(name), "destinations [feerate]", "opens channels",
          [&commands](const json::Value&) -> util::Result<Run> {
            return Run([&commands](Command command) { commands.push_back(std::move(command)); });
          }};
}

inline std::string reply(std::string_view result, std::string_view raw_id = "\"cln:1\"") {
  return jsonrpc::reply_text(raw_id, result);
}
inline std::string error(int code, std::string message, std::string_view raw_id = "\"cln:1\"") {
  return jsonrpc::error_text(raw_id, {code, std::move(message), {}});
}

}  // namespace plugin::test
