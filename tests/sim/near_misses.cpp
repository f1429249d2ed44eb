#include "sim/near_misses.hpp"

#include <algorithm>

#include "json/writer.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

constexpr bitcoin::Sat plenty{5'000'000};

PeerSetup near(std::string name) {
  PeerSetup peer;
  peer.name = std::move(name);
  peer.connected = true;
  return peer;
}

Chaos::Batch open(spark::Duration at, std::initializer_list<const char*> names, std::uint64_t peer_timeout,
                  std::size_t minchannels = 0) {
  json::Writer writer;
  writer.object().key("destinations").array();
  for (const auto* name : names) writer.object().field("id", util::str('$', name)).field("amount", 1'000'000).end();
  writer.end().field("peer_timeout", peer_timeout);
  if (minchannels > 0) writer.field("minchannels", minchannels);
  return {at, writer.end().take()};
}

/// The channel with p0 is to be undone, because p1 never answers, and vanishes by p0's error at about that time; then
/// another batch's with p0 comes next, or another program's.
void two_channels(Random& random, Chaos& chaos) {
  const auto peer_timeout = 1 + random.below(3);
  const auto undoing = peer_timeout * 1'000;
  Fault error;
  error.phase = Phase::opened;
  error.once = true;
  error.after = spark::Duration(undoing - 300 + random.below(600));
  Fault silence;
  silence.phase = Phase::complete;
  silence.kind = Kind::silent;
  Setup& setup = chaos.setup;
  setup.peers = {near("p0"), near("p1"), near("p2")};
  setup.peers[0].faults = {error};
  setup.peers[1].faults = {silence};
  setup.coins.assign(2, CoinSetup{plenty});
  setup.reply_delay = spark::Duration(random.below(80));
  chaos.batches = {open(spark::Duration(0), {"p0", "p1"}, peer_timeout)};
  const auto soon = spark::Duration(undoing - 900 + random.below(1'200));
  if (random.one_in(2)) {
    setup.acts = {{soon, Deed::open_fully, 0, 1}};
  } else {
    chaos.batches.push_back(open(soon, {"p0", "p2"}, 60));
  }
  if (!random.one_in(3)) return;
  RpcFault fault;
  fault.what = Mishap::held_up;
  fault.method = "fundchannel_cancel";
  fault.delay = spark::Duration(random.below(4'000));
  setup.rpc_faults = {fault};
}

/// p0 is gone for good just before it is asked to start again, because p1 has refused.
void gone_for_good(Random& random, Chaos& chaos) {
  Fault unreachable;
  Fault leaves;
  leaves.phase = Phase::opened;
  leaves.kind = Kind::disconnect;
  leaves.after = spark::Duration(random.below(600));
  Fault refusal;
  refusal.phase = Phase::complete;
  refusal.after = spark::Duration(random.below(600));
  Setup& setup = chaos.setup;
  setup.peers = {near("p0"), near("p1"), near("p2")};
  setup.peers[0].faults = {unreachable, leaves};
  setup.peers[1].faults = {refusal};
  setup.coins = {CoinSetup{plenty}};
  chaos.batches = {open(spark::Duration(0), {"p0", "p1", "p2"}, 1 + random.below(60), 1)};
}

/// The only coin is freed by the one batch, and at about that time reserved by the other.
void one_coin(Random& random, Chaos& chaos) {
  Fault refusal;
  refusal.phase = random.one_in(2) ? Phase::start : Phase::complete;
  Fault slow;
  slow.phase = Phase::start;
  slow.kind = Kind::silent;
  RpcFault fault;
  fault.what = random.one_in(2) ? Mishap::held_up : Mishap::late;
  fault.method = "unreserveinputs";
  fault.delay = spark::Duration(random.below(25'000));
  Setup& setup = chaos.setup;
  setup.peers = {near("p0"), near("p1")};
  setup.peers[0].faults = {refusal};
  if (random.one_in(2)) setup.peers[1].faults = {slow};
  setup.coins = {CoinSetup{plenty}};
  setup.rpc_faults = {fault};
  chaos.batches = {open(spark::Duration(0), {"p0"}, 60), open(spark::Duration(random.below(30'000)), {"p1"}, 20)};
}

}  // namespace

void draw_near_miss(Random& random, Chaos& chaos) {
  Setup& setup = chaos.setup;
  setup.version = Setup().version;
  setup.kills.clear();
  setup.rpc_faults.clear();
  setup.broadcasts.clear();
  setup.acts.clear();
  if (random.one_in(8)) return gone_for_good(random, chaos);
  random.one_in(2) ? two_channels(random, chaos) : one_coin(random, chaos);
}

}  // namespace sim
