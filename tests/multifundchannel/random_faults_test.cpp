#include <cstdlib>
#include <random>

#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::open;
using worlds::peer;

namespace {

using Random = std::mt19937_64;

std::size_t draw(Random& random, std::size_t below) { return random() % below; }

sim::PeerSetup random_peer(Random& random, std::string name) {
  auto setup = peer(std::move(name));
  setup.delay = std::chrono::milliseconds(draw(random, 3) == 0 ? draw(random, 3000) : draw(random, 50));
  setup.connected = draw(random, 3) == 0;
  if (draw(random, 3) == 0) {
    Fault fault;
    fault.phase = static_cast<Phase>(draw(random, 5));
    fault.kind = static_cast<Kind>(draw(random, 3));
    fault.once = draw(random, 2) == 0;
    fault.after = std::chrono::milliseconds(draw(random, 500));
    setup.faults.push_back(std::move(fault));
  }
  while (draw(random, 4) == 0) {
    const char* states[] = {"CHANNELD_NORMAL", "CHANNELD_AWAITING_LOCKIN"};
    setup.channels.push_back({states[draw(random, 2)], draw(random, 2) == 0, false, {}});
  }
  return setup;
}

sim::Setup random_setup(Random& random) {
  sim::Setup setup = worlds::with({});
  setup.seed = random();
  setup.coins.assign(1 + draw(random, 4), {});
  const std::size_t peers = 1 + draw(random, 5);
  for (std::size_t i = 0; i < peers; ++i) setup.peers.push_back(random_peer(random, "p" + std::to_string(i)));
  if (draw(random, 8) == 0) setup.broadcast = static_cast<sim::Broadcast>(draw(random, 4));
  setup.reply_jitter = std::chrono::milliseconds(draw(random, 20));
  setup.spenderp = draw(random, 4) != 0;
  if (draw(random, 6) == 0) {
    // Without withhold nothing can remove a channel of ours behind another that awaits lock-in, or one
    // that a peer's error has made lightningd close.
    setup.version = "v25.09";
    for (auto& one : setup.peers) {
      one.channels.clear();
      std::erase_if(one.faults, [](const Fault& fault) { return fault.phase == Phase::opened; });
    }
  }
  return setup;
}

std::string random_params(Random& random, const sim::Setup& setup) {
  std::vector<std::string> names;
  for (const auto& one : setup.peers) {
    if (draw(random, 4) != 0) names.push_back(one.name);
  }
  if (names.empty()) names.push_back(setup.peers.front().name);
  auto params = open(names, "\"minchannels\":" + std::to_string(1 + draw(random, names.size())));
  if (draw(random, 4) == 0) params.replace(params.find("1000000"), 7, "\"all\"");
  return params;
}

void run(std::uint64_t seed) {
  CAPTURE(seed);
  Random random(seed);
  const auto setup = random_setup(random);
  World world(setup);
  const std::size_t batches = setup.version == sim::Setup{}.version ? 1 + draw(random, 2) : 1;
  for (std::size_t i = 0; i < batches; ++i) {
    world.start("multifundchannel", random_params(random, setup));
    world.run_for(std::chrono::milliseconds(draw(random, 300)));
  }
  world.finish_all();
  worlds::check_invariants(world);
}

}  // namespace

// A failing seed is printed; SEED=<n> runs that one alone, SEEDS=<n> that many.
TEST_CASE("whatever peers and broadcast do, the invariants hold") {
  if (const char* seed = std::getenv("SEED")) return run(std::strtoull(seed, nullptr, 10));
  const char* seeds = std::getenv("SEEDS");
  const std::uint64_t count = seeds ? std::strtoull(seeds, nullptr, 10) : 500;
  for (std::uint64_t seed = 1; seed <= count; ++seed) run(seed);
}
