#include "worlds.hpp"

using namespace std::chrono_literals;
using sim::Fault;
using sim::Kind;
using sim::Mishap;
using sim::Phase;
using sim::RpcFault;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

std::size_t calls_of(World& world, const std::string& method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// Runs a batch that is undone because `bad` refuses in the phase, up to where it is decided, with a call
/// of `stuck` that lightningd never answers.
struct Undoing {
  explicit Undoing(Phase phase, const char* stuck) : world(setup(phase, stuck)) {
    const auto call = world.start("multifundchannel", open({"good", "bad"}));
    world.run_for(500ms);
    // The caller hears of it after the grace for what can be undone at once, and not only when all is.
    CHECK_FALSE(world.outcome(call).answered);
    world.run_for(3s);
    CHECK(world.outcome(call).answered);
  }

  static sim::Setup setup(Phase phase, const char* stuck) {
    auto setup = with({peer("good"), peer("bad", {Fault{phase, Kind::refuse}})});
    setup.peers.back().delay = 20ms;  // so that `good` has come as far as it can
    setup.rpc_faults = {RpcFault{Mishap::stuck, stuck}};
    return setup;
  }

  /// The batches as the user sees them.
  std::string list() { return worlds::field(world.call("listmultifundchannels", "{}"), "batches"); }
  bool shows(const std::string& state) { return list().find("\"state\":\"" + state + "\"") != std::string::npos; }

  World world;
};

}  // namespace

TEST_CASE("a cancel that is never answered is given ten seconds, then the peer is disconnected") {
  for (const auto phase : {Phase::start, Phase::complete}) {
    CAPTURE(static_cast<int>(phase));
    // A secured channel that a cancel does not end is closed, since the transaction was withheld.
    const auto* harder = phase == Phase::start ? "disconnect" : "close";
    Undoing undoing(phase, "fundchannel_cancel");
    undoing.world.run_for(6s);
    CHECK(calls_of(undoing.world, harder) == 0);
    undoing.world.run_for(1s);
    CHECK(calls_of(undoing.world, harder) == 1);
    worlds::check_invariants(undoing.world);
  }
}

TEST_CASE("unreserving that is never answered is given ten seconds, then the batch is settled in the background") {
  Undoing undoing(Phase::start, "unreserveinputs");
  undoing.world.run_for(6s);
  CHECK_MESSAGE(undoing.shows("failed"), undoing.list());
  undoing.world.run_for(1s);
  CHECK_MESSAGE(undoing.shows("settling"), undoing.list());
  worlds::check_invariants(undoing.world);
}
