#include "sim/outsiders.hpp"

namespace sim {
namespace {

/// Odd, so that it is no amount that anybody asks the plugin for.
constexpr bitcoin::Sat others_amount{777'777};

}  // namespace

Outsiders::Outsiders(Core& core, Sending& sending, Channels& channels, Openings& openings)
    : core_(core), sending_(sending), channels_(channels), openings_(openings) {
  for (const auto& one : core.setup.acts) {
    core.runtime.start_timer(one.at, [this, one] { act(one); });
  }
}

void Outsiders::mine(std::uint32_t blocks) {
  for (; blocks > 0; --blocks) {
    sending_.mine();
    if (core_.running) channels_.lock_in();
  }
}

void Outsiders::give_up() {
  for (auto& peer : core_.peers.all()) openings_.give_up_for_others(peer);
}

void Outsiders::act(const Act& act) {
  static constexpr const char* names[] = {"mine",       "unreserve", "take",    "spend", "open",
                                          "open_fully", "incoming",  "give_up", "floor"};
  core_.trace("=== others: ", names[static_cast<std::size_t>(act.deed)], ' ', act.target, ' ', act.number);
  if (act.deed == Deed::mine) return mine(act.number);
  if (act.deed == Deed::floor) {
    core_.setup.feerate_floor = act.number;
    return;
  }
  if (!core_.running) return;
  if (act.deed == Deed::unreserve || act.deed == Deed::take || act.deed == Deed::spend) return meddle(act);
  auto& peers = core_.peers.all();
  if (!peers.empty()) deal_with(peers[act.target % peers.size()], act);
}

/// Their own coins they may treat as they like; here it is about those that the plugin may have.
void Outsiders::meddle(const Act& act) {
  auto& coins = core_.wallet.coins();
  if (coins.empty()) return;
  Coin& coin = coins[act.target % coins.size()];
  if (coin.state == Coin::State::spent || core_.chain.spender(coin.outpoint)) return;
  core_.wallet.take(coin, act.deed == Deed::unreserve ? 0 : act.number, core_.runtime.now());
  if (act.deed == Deed::spend) sending_.spend_for_others(coin);
}

void Outsiders::deal_with(Peer& peer, const Act& act) {
  switch (act.deed) {
    case Deed::open:
      return openings_.open_for_others(peer, others_amount, false);
    case Deed::open_fully:
      return openings_.open_for_others(peer, others_amount, true);
    case Deed::give_up:
      return openings_.give_up_for_others(peer);
    case Deed::incoming:
      if (peer.connected) channels_.incoming(peer, others_amount);
      return;
    case Deed::mine:
    case Deed::unreserve:
    case Deed::take:
    case Deed::spend:
    case Deed::floor:
      return;
  }
}

}  // namespace sim
