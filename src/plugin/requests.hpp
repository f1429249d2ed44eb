#pragma once

#include <functional>
#include <string>

#include "json/value.hpp"
#include "jsonrpc/message.hpp"
#include "plugin/manifest.hpp"
#include "util/result.hpp"

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

/// What the program does when lightningd begins and ends.
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

/// What lightningd asks of every plugin: doc/developers-guide/plugin-development of its repository. Owned by the
/// Plugin, like the manifest and the hooks.
class Requests {
 public:
  Requests(const Manifest& manifest, const Hooks& hooks, std::string lightningd_version)
      : manifest_(manifest), hooks_(hooks), version_(std::move(lightningd_version)) {}
  Requests(const Requests&) = delete;
  Requests& operator=(const Requests&) = delete;

  /// The JSON text of the result; an error for a method that nobody knows.
  [[nodiscard]] util::Result<std::string> answer(const jsonrpc::Message& message);
  /// The answer to a request that cannot be read.
  [[nodiscard]] util::Result<std::string> refuse(const jsonrpc::Message& message);
  /// Whether init was answered, and not with an error.
  [[nodiscard]] bool initialised() const { return initialised_; }

 private:
  [[nodiscard]] std::string getmanifest();
  [[nodiscard]] util::Result<std::string> init(const json::Value& params);
  [[nodiscard]] util::Result<void> configure(const json::Value& params);
  [[nodiscard]] util::Result<std::string> check(const json::Value& params);
  [[nodiscard]] util::Result<void> setconfig(const json::Value& params, bool check_only);
  [[nodiscard]] std::string rpc_command(const json::Value& params);

  const Manifest& manifest_;
  const Hooks& hooks_;
  std::string version_;
  bool initialised_ = false;
};

}  // namespace plugin
