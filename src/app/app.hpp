#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "spark/runtime.hpp"
#include "util/files.hpp"
#include "util/transport.hpp"

namespace app {

/// What the program knows of its surroundings, apart from its two streams and the clock.
struct Environment {
  std::string lightningd_version;       ///< LIGHTNINGD_VERSION; empty when unknown
  std::function<bool()> spenderp_runs;  ///< asked once, at getmanifest; true when it cannot be known
  std::function<void(int)> exit;        ///< asked to end the process with this status
  std::uint64_t seed = 0;               ///< of the ids of batches and the order of outputs; new in each process
  std::function<std::int64_t()> unix_time = [] { return 0; };  ///< seconds since 1970
  util::Files* files = nullptr;                                ///< for traces; without, there are none
};

/// The whole plugin, with all input and output injected: main gives it libuv's streams and clock,
/// tests give it memory and virtual time. Lives as long as the process.
class App {
 public:
  App(util::Transport& stdio, util::Connector& connector, spark::Runtime& runtime, Environment environment);
  ~App();
  App(const App&) = delete;
  App& operator=(const App&) = delete;

  /// Starts listening to lightningd.
  void start();

 private:
  struct Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace app
