#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "jsonrpc/framer.hpp"
#include "jsonrpc/message.hpp"
#include "plugin/command.hpp"
#include "util/function.hpp"
#include "util/log.hpp"
#include "util/result.hpp"
#include "util/transport.hpp"

namespace plugin {

/// What init told us.
struct Configuration {
  std::string lightning_dir;
  std::string rpc_file;
  bool startup = true;
  std::string network;
  std::string init_features;  ///< feature_set.init in hex: what this node offers to peers
  std::string version;        ///< LIGHTNINGD_VERSION, may be empty
  /// lightningd reports `rpc-file` as it was configured: usually relative to its directory.
  [[nodiscard]] std::string rpc_path() const {
    return rpc_file.starts_with('/') ? rpc_file : lightning_dir + "/" + rpc_file;
  }
};

/// A command of ours: `check` decides about the parameters alone (and is what lightningd's `check`
/// asks); `run` gets parameters that passed it.
struct Method {
  std::string name;
  std::string usage;        ///< must not contain characters that JSON escapes as \u
  std::string description;  ///< needed by v23.08 to v24.05
  std::function<util::Result<void>(const json::Value& params)> check;
  std::function<void(Command, const json::Value& params)> run;
};

/// An option of ours. `set` is called with the value at init (the default too, since lightningd
/// sends it) and, for a dynamic one, at setconfig; an error refuses the value. It always gets the
/// JSON type that `type` says, although setconfig sends every value as a string.
struct Option {
  std::string name;
  std::string type;  ///< "string", "int", "bool" or "flag"
  std::string description;
  std::string default_json;  ///< JSON text; empty: none
  bool dynamic = false;
  std::function<util::Result<void>(const json::Value& value)> set;
  /// Decides about a value without taking it (lightningd's `check setconfig`); may be empty. `set`
  /// gets only values that passed it.
  std::function<util::Result<void>(const json::Value& value)> check;
};

/// The plugin's side of lightningd's plugin protocol, on one transport (standard input and output).
/// Lives as long as the process; no handler may destroy it. Methods, options and handlers are set
/// before start(). An exception that escapes a handler becomes an error reply or a log line.
class Plugin final : private util::Receiver {
 public:
  struct Hooks {
    /// Called at getmanifest, before the manifest is written: the last chance to add methods.
    std::function<void()> before_manifest;
    /// Called at init with what lightningd told us. An error disables the plugin (result.disable).
    std::function<util::Result<void>(const Configuration&)> init;
    /// lightningd shuts down or stops us: finish, then exit. The plugin exits when stdin closes.
    std::function<void()> shutdown;
    /// Standard input closed or broke, or the protocol was violated beyond repair.
    std::function<void(const std::string& reason)> gone;
  };

  Plugin(util::Transport& transport, std::string lightningd_version);
  ~Plugin();
  Plugin(const Plugin&) = delete;
  Plugin& operator=(const Plugin&) = delete;

  void set_hooks(Hooks hooks) { hooks_ = std::move(hooks); }
  void add_method(Method method);
  void add_option(Option option);
  /// Registers an rpc_command hook filtered to `filter`. `decide` gets the intercepted request
  /// {id, method, params} and returns the JSON of the hook's result: {"result":"continue"} or
  /// {"replace":{...}}. Anything that is no call of `filter` is continued without asking.
  void redirect(std::string filter, std::function<std::string(const json::Value& request)> decide);
  /// Subscribes to a notification topic ("shutdown" is subscribed always).
  void subscribe(std::string topic, std::function<void(const json::Value& params)> handler);

  /// Starts reading.
  void start();
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
  /// The answer to a request that cannot be read.
  [[nodiscard]] util::Result<std::string> refuse(const jsonrpc::Message& message);
  void lose(const std::string& reason);
  void send(std::string text);
  void reply(const std::string& raw_id, const util::Result<std::string>& result);

  // What lightningd asks of every plugin (requests.cpp); each returns the result's JSON text.
  [[nodiscard]] util::Result<std::string> answer(const jsonrpc::Message& message);
  [[nodiscard]] util::Result<std::string> getmanifest();
  [[nodiscard]] util::Result<std::string> init(const json::Value& params);
  [[nodiscard]] util::Result<void> configure(const json::Value& params);
  [[nodiscard]] util::Result<std::string> check(const json::Value& params);
  [[nodiscard]] util::Result<void> setconfig(const json::Value& params, bool check_only);
  [[nodiscard]] std::string rpc_command(const json::Value& params);

  util::Transport& transport_;
  std::string version_;
  jsonrpc::Framer framer_;
  Hooks hooks_;
  std::map<std::string, Method, std::less<>> methods_;
  std::map<std::string, Option, std::less<>> options_;
  std::map<std::string, std::function<void(const json::Value&)>, std::less<>> subscriptions_;
  std::string redirect_filter_;
  std::function<std::string(const json::Value&)> redirect_decide_;
  std::shared_ptr<Plugin*> self_;  // what commands hold weakly
  bool initialised_ = false;
  bool gone_ = false;
};

}  // namespace plugin
