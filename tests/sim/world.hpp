#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "json/value.hpp"
#include "multifundchannel/app.hpp"
#include "sim/lightningd.hpp"
#include "sim/setup.hpp"
#include "sim/virtual_time.hpp"
#include "util/result.hpp"

namespace sim {

/// What became of one call.
struct Outcome {
  bool answered = false;                             ///< false: virtual time ran out, or nothing was left to happen
  util::Result<std::string> result = util::Error{};  ///< JSON text
  spark::Duration took{0};
  std::vector<std::string> notifications;  ///< method and params of each
  std::size_t replies = 0;

  [[nodiscard]] bool ok() const { return answered && result.ok(); }
};

/// One whole world in one process, on virtual time: the simulated lightningd and the real plugin. The
/// constructor returns when the plugin is initialised. Everything follows from the setup.
class World {
 public:
  static constexpr spark::Duration patience{std::chrono::hours(24)};

  explicit World(Setup setup);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Whether the plugin got through init.
  [[nodiscard]] bool ready() const { return ready_; }

  /// Calls and lets time pass until the reply is there. In `params`, "$name" in quotes stands for
  /// that peer's node id and "$name@" for id@address.
  Outcome call(const std::string& method, const std::string& params, spark::Duration limit = patience);
  /// Calls without waiting; `outcome` of the number returned grows as time passes.
  std::size_t start(const std::string& method, const std::string& params);
  [[nodiscard]] const Outcome& outcome(std::size_t call) const { return *calls_[call]; }
  /// Lets time pass until all started calls are answered.
  void finish_all(spark::Duration limit = patience);
  /// Lets time pass, whatever happens.
  void run_for(spark::Duration duration) { time_.run_for(duration); }

  [[nodiscard]] std::string peer_id(std::string_view name);
  [[nodiscard]] Peer& peer(std::string_view name);
  [[nodiscard]] Node& node() { return lightningd_->node(); }
  [[nodiscard]] VirtualTime& time() { return time_; }

  /// lightningd announces that it shuts down; it goes on answering the plugin's calls.
  void announce_shutdown() { lightningd_->announce_shutdown(); }
  /// Whether the plugin has asked to end.
  [[nodiscard]] bool ended() const { return ended_; }

  /// As kill -9 and a new start. Killing lightningd kills its plugin too.
  void kill_plugin();
  void start_plugin();
  void restart_lightningd();

  /// Lets what goes on behind the replies come to its end, then gives everything that breaks an
  /// invariant of the design: empty is good.
  [[nodiscard]] std::vector<std::string> check_invariants();

 private:
  class Connector;

  [[nodiscard]] std::string expand(std::string params);
  [[nodiscard]] bool run_until_answered(std::size_t call, spark::Duration limit);

  VirtualTime time_;
  std::unique_ptr<Lightningd> lightningd_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<util::Transport> stdio_;
  std::unique_ptr<multifundchannel::App> app_;
  bool ready_ = false;
  bool ended_ = false;
  std::vector<std::shared_ptr<Outcome>> calls_;
};

}  // namespace sim
