#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "lightningd/client.hpp"
#include "sim/chain.hpp"
#include "sim/corruption.hpp"
#include "sim/methods.hpp"
#include "sim/monitor.hpp"
#include "sim/peers.hpp"
#include "sim/random.hpp"
#include "sim/request.hpp"
#include "sim/rpc_faults.hpp"
#include "sim/setup.hpp"
#include "sim/users_wallet.hpp"
#include "sim/wallet.hpp"
#include "spark/runtime.hpp"
#include "util/str.hpp"

namespace sim {

/// What the parts of the node share. Owned by the node; made before them, gone after them.
struct Core {
  Core(spark::Runtime& runtime_, Setup setup_)
      : runtime(runtime_),
        setup(std::move(setup_)),
        random(setup.seed),
        users(setup, chain),
        wallet(random, setup),
        peers(random, setup),
        monitor({wallet, peers, chain, users}, setup.rpc_faults.empty()),
        rpc_faults(setup),
        corruption(setup) {}

  /// Something that lightningd does later: never, if it is killed before.
  void after(spark::Duration delay, util::Function<void()> task) {
    runtime.start_timer(delay, [this, life = lives, task = std::move(task)]() mutable {
      if (life == lives) task();
    });
  }
  /// A line of the log about something that happens outside the plugin.
  template <class... Parts>
  void trace(const Parts&... parts) {
    if (setup.trace) monitor.note(util::str(runtime.now().count(), " ms        ", parts...));
  }
  /// Whether this lightningd knows `withhold` and keeps the funding PSBT (v25.12).
  [[nodiscard]] bool can_withhold() const { return setup.version >= "v25.12"; }
  /// Whether a pong answers the ping of its peer; else the oldest that is not answered.
  [[nodiscard]] bool tells_pongs_apart() const { return setup.version >= "v25.09"; }

  spark::Runtime& runtime;
  Setup setup;
  Random random;
  Chain chain;
  UsersWallet users;
  Wallet wallet;
  Peers peers;
  Monitor monitor;
  RpcFaults rpc_faults;
  Corruption corruption;
  Methods methods;
  std::vector<lightningd::LogLine> log;  ///< of the level `info` and above
  Asked asked;                           ///< the request that is carried out right now
  std::uint64_t lives = 0;               ///< how often lightningd was killed
  bool running = true;                   ///< it is not between being killed and started
  std::uint32_t told_height = 0;         ///< by getinfo, the last time
  std::set<bitcoin::Txid> known;         ///< transactions in lightningd's own database
  /// Tells plugins that subscribed: a topic and its payload.
  std::function<void(const std::string& topic, const std::string& payload)> publish = [](auto&, auto&) {};
};

}  // namespace sim
