#pragma once

#include <functional>
#include <set>
#include <string>
#include <utility>

#include "sim/methods.hpp"
#include "sim/monitor.hpp"
#include "sim/peers.hpp"
#include "sim/random.hpp"
#include "sim/setup.hpp"
#include "sim/wallet.hpp"
#include "spark/runtime.hpp"

namespace sim {

/// What the parts of the node share. Owned by the node; made before them, gone after them.
struct Core {
  Core(spark::Runtime& runtime_, Setup setup_)
      : runtime(runtime_),
        setup(std::move(setup_)),
        random(setup.seed),
        wallet(random, setup),
        peers(random, setup),
        monitor(wallet, peers) {}

  void after(spark::Duration delay, util::Function<void()> task) { runtime.start_timer(delay, std::move(task)); }

  spark::Runtime& runtime;
  Setup setup;
  Random random;
  Wallet wallet;
  Peers peers;
  Monitor monitor;
  Methods methods;
  std::set<lightningd::Txid> mempool;  ///< the network's, whatever lightningd was told
  std::set<lightningd::Txid> known;    ///< transactions in lightningd's own database
  /// Tells plugins that subscribed: a topic and its payload.
  std::function<void(const std::string& topic, const std::string& payload)> publish = [](auto&, auto&) {};
};

}  // namespace sim
