#pragma once

#include <functional>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "json/value.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "sim/core.hpp"
#include "sim/reply.hpp"
#include "sim/request.hpp"
#include "util/transport.hpp"

namespace sim {

/// lightningd's side of the plugin protocol, for one plugin. Strict: whatever would make lightningd
/// kill the plugin is a violation. Owned by the Lightningd.
class PluginHost final : private util::Receiver {
 public:
  struct Place {
    std::string lightning_dir = "/simulated/regtest";
    std::string rpc_file = "lightning-rpc";
  };

  /// `ready` is called once the plugin is initialised; `gone` when it closed its end.
  PluginHost(Core& core, std::unique_ptr<util::Transport> transport, Place place, std::function<void()> ready,
             std::function<void()> gone);
  ~PluginHost();

  [[nodiscard]] bool owns(const std::string& method) const { return methods_.contains(method); }
  [[nodiscard]] bool can_check() const { return can_check_; }
  [[nodiscard]] bool intercepts(const std::string& method) const;

  /// Forwards a command as `method` ("check", or what the client called).
  void forward(const Request& request, Reply reply);
  /// Asks the rpc_command hook; the answer is its result.
  void ask_hook(const Request& request, Reply reply);
  /// A notification, if the plugin subscribed to it.
  void notify(const std::string& topic, const std::string& payload);
  /// The plugin is killed: what it has told other plugins is in the pipe, and is read still.
  void hear_out();

 private:
  void received(std::string_view bytes) override;
  void drained() override {}
  void closed(const std::string& reason) override;

  [[nodiscard]] bool dispatch(std::string_view text);
  void replied(const jsonrpc::Message& message);
  void notified(const jsonrpc::Message& message);
  void announced(const jsonrpc::Message& message);
  /// The plugin did something that lightningd would kill it for, or worse.
  void wrong(std::string_view text, Invariant invariant = Invariant::never_crashes);
  void not_started(const char* request, const util::Error& error);
  void manifest(const json::Value& result);
  void register_method(const json::Value& method);
  void register_hook(const json::Value& hook);
  void send_init(const json::Value& manifest);
  void send(const std::string& id, const std::string& method, const std::string& params, Reply reply);
  void expect(std::string_view text, Reply reply);
  [[nodiscard]] std::string next_id(const std::string& raw_id, const std::string& method);

  Core& core_;
  std::unique_ptr<util::Transport> transport_;
  Place place_;
  std::function<void()> ready_;
  std::function<void()> gone_;
  jsonrpc::Framer framer_;
  std::uint64_t next_ = 1;
  bool can_check_ = false;
  bool hooks_all_ = false;
  std::set<std::string> methods_;
  std::set<std::string> filters_;
  std::set<std::string> topics_;
  std::set<std::string> announced_;       // topics of its own
  std::map<std::string, Reply> pending_;  // by our id, raw
  std::set<std::string> answered_;
};

}  // namespace sim
