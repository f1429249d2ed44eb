#include <algorithm>
#include <chrono>

#include "worlds.hpp"

// How long batches take in which all is well. Only the line takes time in these worlds: whatever a batch takes beyond
// the crossings that its peers need, it has waited for nothing.

using namespace std::chrono_literals;
using sim::PeerKind;
using sim::PeerSetup;
using sim::World;
using spark::Duration;
using worlds::count;
using worlds::open;
using worlds::with;

namespace {

constexpr int to_connect = 4;  // crossings: Noise, then init
constexpr int to_open = 4;     // a round trip for start, one for complete
constexpr int connects_at_a_time = 10;

PeerSetup at(const std::string& name, Duration delay) {
  auto setup = worlds::peer(name);
  setup.delay = delay;
  return setup;
}

std::vector<std::string> names_of(const std::vector<PeerSetup>& peers) {
  std::vector<std::string> names;
  for (const auto& peer : peers) names.push_back(peer.name);
  return names;
}

Duration took(World& world, const std::string& params, std::size_t channels) {
  const auto outcome = world.call("multifundchannel", params);
  CHECK(count(outcome, "channel_ids") == channels);
  return outcome.took;
}

/// Ten that are connected, so many of them LND.
Duration ten_connected(int lnds, Duration delay) {
  std::vector<PeerSetup> peers;
  for (int i = 0; i < 10; ++i) {
    peers.push_back(at("p" + std::to_string(i), delay));
    peers.back().connected = true;
    if (i < lnds) peers.back().kind = PeerKind::lnd;
  }
  World world(with(peers));
  const auto time = took(world, open(names_of(peers)), 10);
  worlds::check_invariants(world);
  return time;
}

/// 36 that are near, and then 4 that are far: as they are asked for, each of those would begin when the near ones are
/// done.
struct Forty {
  Forty(Duration near, Duration far) {
    for (int i = 0; i < 40; ++i) peers.push_back(at("p" + std::to_string(i), i < 36 ? near : far));
  }

  /// No order of connecting takes less. Whoever is farthest starts and completes beside that, or after it.
  [[nodiscard]] Duration least() const {
    Duration slowest{0}, sum{0};
    for (const auto& peer : peers) {
      slowest = std::max(slowest, peer.delay);
      sum += peer.delay;
    }
    return std::max(slowest, sum / connects_at_a_time) * to_connect;
  }
  [[nodiscard]] Duration most() const { return least() * 105 / 100 + peers.back().delay * to_open; }
  [[nodiscard]] sim::Setup setup() const {
    auto setup = with(peers);
    setup.coins.resize(2);  // one for each batch
    return setup;
  }

  std::vector<PeerSetup> peers;
};

struct Distances {
  std::string text;
  Duration near, far;
};

// "3 s away" can be the line's length, or what a connect takes.
const Distances distances[] = {{"3 s each way, and 100 ms", 100ms, 3s},
                               {"a connect takes 3 s, and 100 ms", 25ms, 750ms},
                               {"the sum decides", 100ms, 300ms}};

}  // namespace

TEST_CASE("ten connected peers: two round trips; one more for those that come last, where there are others") {
  const auto at_home = ten_connected(0, 0ms);
  CHECK(at_home <= 10ms);
  for (const Duration delay : {100ms, 1ms}) {
    CAPTURE(delay.count());
    CHECK(ten_connected(0, delay) == at_home + delay * to_open);
    CHECK(ten_connected(10, delay) == at_home + delay * to_open);
    CHECK(ten_connected(5, delay) == at_home + delay * (to_open + 2));
  }
}

TEST_CASE("peers that took long to connect begin first the next time") {
  for (const auto& distance : distances) {
    CAPTURE(distance.text);
    const Forty forty(distance.near, distance.far);
    World world(forty.setup());
    const auto first = took(world, open(names_of(forty.peers)), 40);
    CHECK(first > forty.most());
    for (auto& peer : world.node().core().peers.all()) peer.connected = false;
    CHECK(took(world, open(names_of(forty.peers)), 40) <= forty.most());
    worlds::check_invariants(world);
  }
}

TEST_CASE("onion addresses begin first at once") {
  for (const auto& distance : distances) {
    CAPTURE(distance.text);
    const Forty forty(distance.near, distance.far);
    World world(forty.setup());
    std::string params = R"({"destinations":[)";
    for (const auto& peer : forty.peers) {
      const auto id = peer.delay == distance.near
                          ? "$" + peer.name + "@"
                          : world.peer_id(peer.name) + "@" + std::string(56, 'a') + ".onion:9735";
      params += (params.back() == '[' ? "" : ",") + std::string(R"({"id":")") + id + R"(","amount":1000000})";
    }
    CHECK(took(world, params + "]}", 40) <= forty.most());
    worlds::check_invariants(world);
  }
}
