#pragma once

#include <functional>
#include <list>
#include <memory>
#include <string>

#include "sim/node.hpp"
#include "sim/plugin_host.hpp"
#include "sim/request.hpp"

namespace sim {

class RpcConnection;

/// The whole simulated lightningd: the node, one plugin, and clients on any number of connections.
/// Lives as long as the simulation; the runtime must outlive it.
class Lightningd {
 public:
  Lightningd(spark::Runtime& runtime, Setup setup);
  ~Lightningd();
  Lightningd(const Lightningd&) = delete;
  Lightningd& operator=(const Lightningd&) = delete;

  [[nodiscard]] Node& node() { return node_; }
  [[nodiscard]] const Node& node() const { return node_; }

  /// Starts the protocol with a plugin at the other end.
  void start_plugin(std::unique_ptr<util::Transport> transport, PluginHost::Place place, std::function<void()> ready,
                    std::function<void()> gone);
  /// Closes its pipes; its commands fail.
  void drop_plugin();
  /// As kill -9 of the plugin, before its end of the pipes is closed: of what it was about to write some
  /// is lost. What it has written to its RPC connections is read and carried out.
  void plugin_dies();
  /// As kill -9 of lightningd and of the plugin with it: all connections close, nothing is answered.
  void kill();
  /// What lightningd tells a plugin before it closes its pipes.
  void announce_shutdown();
  /// A client of the RPC socket.
  void accept(std::unique_ptr<util::Transport> transport);

  /// Whether anybody has such a command.
  [[nodiscard]] bool knows(const std::string& method) const;
  /// One request, from wherever: redirected by the hook, then carried out by the plugin or the node.
  void handle(Request request, Reply reply);

 private:
  friend class RpcConnection;
  void execute(const Request& request, Reply reply);
  void redirect(const Request& request, const std::string& hook_result, Reply reply);
  void check(const Request& request, Reply reply);
  void fundchannel(const Request& request, Reply reply);
  void check_builtin_result(const std::string& result);
  void forget(RpcConnection& connection);

  Node node_;
  std::unique_ptr<PluginHost> plugin_;
  std::list<std::unique_ptr<RpcConnection>> connections_;
};

}  // namespace sim
