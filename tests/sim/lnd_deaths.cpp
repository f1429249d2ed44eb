#include "sim/lnd_deaths.hpp"

#include <algorithm>
#include <optional>

#include "json/writer.hpp"
#include "sim/random.hpp"
#include "sim/world.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

using util::str;

constexpr std::size_t of_each_kind = 10;
/// After the answer: what is undone is undone.
constexpr spark::Duration time_to_undo{std::chrono::minutes(10)};

struct Mixture {
  Setup setup;
  std::string params;
};

Mixture draw_mixture(std::uint64_t seed) {
  Random random(seed);
  Mixture batch;
  batch.setup.seed = seed;
  std::vector<PeerKind> kinds(2 * of_each_kind, PeerKind::cln);
  std::fill_n(kinds.begin(), of_each_kind, PeerKind::lnd);
  random.shuffle(kinds);
  json::Writer params;
  params.object().key("destinations").array();
  for (std::size_t i = 0; i < kinds.size(); ++i) {
    PeerSetup peer;
    peer.name = str("p", i);
    peer.kind = kinds[i];
    peer.connected = random.one_in(2);
    peer.delay = spark::Duration(1 + random.below(random.one_in(20) ? 3'000 : 200));
    batch.setup.peers.push_back(std::move(peer));
    params.object().field("id", str("$p", i, "@")).field("amount", 1'000'000).end();
  }
  params.end();
  if (random.one_in(2)) params.field("minchannels", 1);
  batch.params = params.end().take();
  return batch;
}

/// When each peer is told the transaction in a batch in which nobody dies, after its begin.
std::vector<spark::Duration> moments_of_completes(const Mixture& batch) {
  World world(batch.setup);
  const auto begin = world.time().now();
  (void)world.call("multifundchannel", batch.params);
  const auto& peers = world.node().core().peers.all();
  std::vector<spark::Duration> moments(peers.size());
  for (const auto& telling : world.node().core().monitor.tellings().told()) {
    const auto peer = std::find_if(peers.begin(), peers.end(), [&](const Peer& one) { return one.id == telling.peer; });
    moments[static_cast<std::size_t>(peer - peers.begin())] = telling.at - begin;
  }
  return moments;
}

std::size_t left_pending(const Core& core) {
  const auto& peers = core.peers.all();
  return static_cast<std::size_t>(std::count_if(peers.begin(), peers.end(), [&core](const Peer& peer) {
    return std::any_of(peer.kept.begin(), peer.kept.end(),
                       [&core](const KeptChannel& kept) { return !core.chain.has(kept.funding.txid); });
  }));
}

std::size_t lnd_peers_told(const Core& core, spark::Duration until) {
  std::set<lightningd::NodeId> told;
  for (const auto& telling : core.monitor.tellings().told()) {
    if (telling.kind == PeerKind::lnd && telling.at <= until) told.insert(telling.peer);
  }
  return told.size();
}

/// Its last pong was there before it died, not more than two round trips of the slowest peer ago, and it was not asked
/// again before anybody of its kind was told.
bool was_just_there(const Core& core, const Peer& victim, spark::Duration died) {
  spark::Duration slowest{0}, first_told = spark::Duration::max();
  for (const auto& peer : core.peers.all()) slowest = std::max(slowest, peer.setup.delay);
  for (const auto& telling : core.monitor.tellings().told()) {
    if (telling.kind == PeerKind::lnd) first_told = std::min(first_told, telling.at);
  }
  bool there = false;
  for (const auto& ping : core.monitor.tellings().pings()) {
    if (ping.peer != victim.id || ping.asked > first_told) continue;
    there = ping.answered && *ping.answered <= died && died - *ping.answered <= slowest * 4;
  }
  return there;
}

}  // namespace

DeathResult live_death(std::uint64_t seed, bool in_complete) {
  const auto batch = draw_mixture(seed);
  const auto moments = moments_of_completes(batch);
  Random random(seed ^ (in_complete ? 0x5EC0u : 0xBEF0u));
  const auto number = random.below(moments.size());
  const auto& setup = batch.setup.peers[number];
  const auto told = moments[number].count();
  const auto span = in_complete ? setup.delay.count() * 2 : told;
  const spark::Duration moment((in_complete ? told : 0) +
                               static_cast<std::int64_t>(random.below(static_cast<std::uint64_t>(span))));

  World world(batch.setup);
  auto& core = world.node().core();
  Peer& victim = world.peer(setup.name);
  const auto call = world.start("multifundchannel", batch.params);
  world.run_for(moment);
  const auto died = world.time().now();
  DeathResult result;
  result.silent = random.one_in(2);
  result.of_lnd = setup.kind == PeerKind::lnd;
  if (in_complete) {
    result.death = Death::in_complete;
    result.bound = lnd_peers_told(core, died);
  }
  world.node().die(victim, result.silent);
  world.finish_all();
  world.run_for(time_to_undo);
  // A Core Lightning peer does not complete then, and no LND peer is told.
  const bool unseen = result.of_lnd && result.silent && was_just_there(core, victim, died);
  if (!in_complete && unseen) result.death = Death::just_before;
  result.opened = world.outcome(call).ok();
  result.left = left_pending(core);
  result.broken = core.monitor.violations();
  result.who = str(setup.name, ", ", habits_of(setup.kind).name, result.silent ? ", silent" : ", disconnected",
                   " after ", moment.count(), " ms, its complete after ", told);
  return result;
}

}  // namespace sim
