#pragma once

#include <memory>
#include <string>
#include <string_view>
#include <utility>

#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "plugin/command.hpp"
#include "plugin/manifest.hpp"
#include "plugin/requests.hpp"
#include "util/log.hpp"
#include "util/result.hpp"
#include "util/transport.hpp"

namespace plugin {

/// The plugin's side of lightningd's plugin protocol, on one transport (standard input and output).
/// Lives as long as the process; no handler may destroy it. Methods, options and handlers are set
/// before start(). An exception that escapes a handler becomes an error reply or a log line.
class Plugin final : private util::Receiver {
 public:
  Plugin(util::Transport& transport, std::string lightningd_version);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  void add_method(Method method) { manifest_.add(std::move(method)); }
  void add_option(Option option) { manifest_.add(std::move(option)); }
  /// Registers an rpc_command hook filtered to `filter`. `decide` gets the intercepted request
  /// {id, method, params} and returns the JSON of the hook's result: {"result":"continue"} or
  /// {"replace":{...}}. Anything that is no call of `filter` is continued without asking.
  void redirect(std::string filter, Manifest::Decide decide) {
    manifest_.redirect(std::move(filter), std::move(decide));
  }
  /// Subscribes to a notification topic ("shutdown" is subscribed always).
  void subscribe(std::string topic, Manifest::Handler handler) {
    manifest_.subscribe(std::move(topic), std::move(handler));
  }

  /// A topic of ours that other plugins may subscribe to.
  void announce(std::string topic) { manifest_.announce(std::move(topic)); }

  /// Starts reading.
  void start();
  /// Tells the subscribers of a topic that was announced: `content`, JSON text, under the topic's name, as plugins of
  /// lightningd do since v25.09.
  void notify(const std::string& topic, const std::string& content);
  /// A log line for lightningd's log; used by the log sink.
  void log(util::Level level, std::string_view line);

 private:
  friend class Command;
  void received(std::string_view bytes) override;
  void drained() override {}
  void closed(const std::string& reason) override;

  [[nodiscard]] bool dispatch(std::string_view text);
  void run(const Method& method, const jsonrpc::Message& message);
  void notification(const jsonrpc::Message& message);
  /// What cannot be read and what nobody waits for: one line for it.
  void skip(std::string_view text, const util::Error& why);
  void lose(const std::string& reason);
  void send(std::string text);
  void reply(const std::string& raw_id, const util::Result<std::string>& result);

  util::Transport& transport_;
  jsonrpc::Framer framer_;
  Hooks hooks_;
  Manifest manifest_;
  Requests requests_;
  std::shared_ptr<Plugin*> self_;  // what commands hold weakly
  bool gone_ = false;
};

}  // namespace plugin
