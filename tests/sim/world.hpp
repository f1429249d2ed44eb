#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "app/app.hpp"
#include "sim/lightningd.hpp"
#include "sim/memory_files.hpp"
#include "sim/outcome.hpp"
#include "sim/plugin_life.hpp"
#include "sim/setup.hpp"
#include "sim/virtual_time.hpp"

namespace sim {

/// One whole world in one process, on virtual time: the simulated lightningd and the real plugin. The
/// constructor returns when the plugin is initialised. Everything follows from the setup.
class World {
 public:
  static constexpr spark::Duration patience{std::chrono::hours(24)};

  explicit World(Setup setup);
  ~World();
  World(const World&) = delete;
  World& operator=(const World&) = delete;

  /// Whether the plugin runs and got through init.
  [[nodiscard]] bool ready() const { return ready_; }

  /// Calls and lets time pass until the reply is there. In `params`, "$name" in quotes stands for
  /// that peer's node id, "$name@" for id@address, and "$coin0" for the first coin's outpoint. Names of peers may also
  /// stand inside of a text, before a = or a space.
  Outcome call(const std::string& method, const std::string& params, spark::Duration limit = patience);
  /// Calls without waiting; `outcome` of the number returned grows as time passes.
  std::size_t start(const std::string& method, const std::string& params);
  [[nodiscard]] const Outcome& outcome(std::size_t call) const { return *calls_[call]; }
  [[nodiscard]] std::size_t calls() const { return calls_.size(); }
  /// Lets time pass until all started calls are answered.
  void finish_all(spark::Duration limit = patience);
  /// Lets time pass, whatever happens.
  void run_for(spark::Duration duration);

  [[nodiscard]] std::string peer_id(std::string_view name);
  [[nodiscard]] Peer& peer(std::string_view name);
  [[nodiscard]] Node& node() { return lightningd_->node(); }
  [[nodiscard]] VirtualTime& time() { return time_; }
  /// What the plugin writes, apart from what goes to lightningd.
  [[nodiscard]] MemoryFiles& files() { return files_; }
  void mine(std::uint32_t blocks) { node().mine(blocks); }

  /// lightningd announces that it shuts down; it goes on answering the plugin's calls.
  void announce_shutdown();
  /// Whether the plugin has asked to end.
  [[nodiscard]] bool ended() const { return ended_; }

  /// Counts everything that happens: each message that arrives, each timer, each task. Kills of the
  /// setup happen before the event with their number, counted from when the plugin was ready first.
  [[nodiscard]] std::uint64_t events() const { return time_.steps() - first_event_; }

  /// As kill -9 of the plugin. Requests that it has written are still carried out.
  void kill_plugin();
  /// Starts it, and returns when it is initialised.
  void start_plugin();
  /// Asks it to end, as `plugin stop` and `lightning-cli stop` do, and kills what has not ended in time.
  void stop(End how, spark::Duration down);

  /// As kill -9 of lightningd and the plugin.
  void kill_lightningd();
  /// Starts both, and returns when the plugin is initialised.
  void start_lightningd();
  void restart_lightningd();

  /// No more kills and faults; what was killed is started, and goes on until nothing happens any more,
  /// while the blocks come that free an orphaned reservation, and the coins that others took.
  void settle();
  /// Settles, then gives everything that breaks an invariant of the design: empty is good.
  [[nodiscard]] std::vector<std::string> check_invariants();

 private:
  class Connector;

  bool step();
  void kill_if_due();
  void plugin_exits();
  void stopped(spark::Duration down);
  void plugin_closed();
  void forget_plugin();
  void launch();
  [[nodiscard]] std::string expand(std::string params);
  void note_payments(const std::string& origin, const std::string& params);
  void note_abort(const std::string& params);
  void note_forget(const std::string& params);
  void note_finish(const std::string& params);
  [[nodiscard]] bool run_until_answered(std::size_t call, spark::Duration limit);

  VirtualTime time_;
  MemoryFiles files_{time_};
  std::unique_ptr<Lightningd> lightningd_;
  std::unique_ptr<Connector> connector_;
  std::unique_ptr<PluginLife> life_;
  std::unique_ptr<util::Transport> stdio_;
  std::unique_ptr<app::App> app_;
  std::uint64_t starts_ = 0;
  std::uint64_t first_event_ = 0;
  std::vector<Kill> kills_;  // the next one is the last
  bool ready_ = false;
  bool ended_ = false;
  bool shutting_down_ = false;
  std::optional<std::pair<End, spark::Duration>> stopping_;  // and how long it stays down
  std::vector<std::shared_ptr<Outcome>> calls_;
};

}  // namespace sim
