#include "sim/chaos.hpp"

#include "json/writer.hpp"
#include "sim/random.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

Fault draw_fault(Random& random) {
  static constexpr Phase phases[] = {Phase::connect, Phase::start, Phase::started, Phase::complete, Phase::opened};
  static constexpr Kind kinds[] = {Kind::refuse, Kind::disconnect, Kind::silent};
  Fault fault;
  fault.phase = phases[random.below(std::size(phases))];
  fault.kind = kinds[random.below(std::size(kinds))];
  fault.once = random.one_in(2);
  fault.after = spark::Duration(random.below(400));
  return fault;
}

PeerSetup draw_peer(Random& random, std::size_t index, bool calm) {
  PeerSetup peer;
  peer.name = util::str("p", index);
  peer.delay = spark::Duration(random.below(200));
  peer.connected = random.one_in(3);
  if (!calm) {
    for (auto faults = random.below(3); faults > 0; --faults) peer.faults.push_back(draw_fault(random));
  }
  if (random.one_in(6)) peer.channels.push_back({"CHANNELD_NORMAL", random.one_in(2), false});
  if (random.one_in(6)) peer.channels.push_back({"CHANNELD_AWAITING_LOCKIN", random.one_in(2), random.one_in(2)});
  if (random.one_in(8)) peer.features = "0808880a8a5981";  // another set, still with anchors and wumbo
  if (random.one_in(8)) peer.features = "0800000a0259a1";  // no wumbo
  return peer;
}

std::vector<CoinSetup> draw_coins(Random& random) {
  std::vector<CoinSetup> coins;
  for (auto count = 1 + random.below(5); count > 0; --count) {
    CoinSetup coin;
    coin.amount = {1'000 + random.below(random.one_in(3) ? 100'000'000 : 3'000'000)};
    coin.confirmed = !random.one_in(5);
    coin.kind = random.one_in(2) ? ScriptKind::p2tr : ScriptKind::p2wpkh;
    if (random.one_in(10)) coin.kind = ScriptKind::p2sh_p2wpkh;
    if (random.one_in(6)) coin.reserved_by_others = 1 + static_cast<std::uint32_t>(random.below(100));
    coins.push_back(coin);
  }
  return coins;
}

std::string draw_batch(Random& random, std::size_t from, std::size_t to) {
  json::Writer writer;
  writer.object().key("destinations").array();
  const auto all = random.one_in(4) ? from + random.below(to - from) : to;
  for (auto i = from; i < to; ++i) {
    writer.object().field("id", util::str("$p", i, random.one_in(2) ? "@" : ""));
    if (i == all) {
      writer.field("amount", "all");
    } else {
      writer.field("amount", 20'000 + random.below(400'000));
    }
    if (random.one_in(5)) writer.field("announce", false);
    if (random.one_in(5)) writer.field("push_msat", 1'000'000);
    writer.end();
  }
  writer.end();
  if (random.one_in(2)) writer.field("minchannels", 1 + random.below(to - from));
  if (random.one_in(3)) writer.field("feerate", util::str(300 + random.below(20'000), "perkw"));
  if (random.one_in(4)) writer.field("minconf", 0);
  return writer.end().take();
}

}  // namespace

Chaos draw_chaos(std::uint64_t seed) {
  Random random(seed);
  Chaos chaos;
  chaos.setup.seed = seed;
  chaos.setup.coins = draw_coins(random);
  chaos.setup.reply_delay = spark::Duration(random.below(3));
  chaos.setup.reply_jitter = spark::Duration(random.one_in(2) ? random.below(50) : 0);
  static constexpr Broadcast broadcasts[] = {Broadcast::fails, Broadcast::hides_success, Broadcast::never_answers};
  if (random.one_in(8)) chaos.setup.broadcast = broadcasts[random.below(std::size(broadcasts))];

  const bool calm = random.one_in(4);
  const auto peers = 1 + random.below(6);
  for (std::size_t i = 0; i < peers; ++i) chaos.setup.peers.push_back(draw_peer(random, i, calm));
  const auto middle = random.one_in(3) ? random.below(peers) : 0;
  if (middle > 0) chaos.batches.push_back(draw_batch(random, 0, middle));
  chaos.batches.push_back(draw_batch(random, middle, peers));
  return chaos;
}

}  // namespace sim
