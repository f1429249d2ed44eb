#include "sim/fault_schedule.hpp"

#include <algorithm>

namespace sim {
namespace {

constexpr spark::Duration crash_patience{5'000};

void draw_broadcasts(Random& random, Setup& setup) {
  static constexpr Broadcast kinds[] = {Broadcast::fails,   Broadcast::hides_success, Broadcast::never_answers,
                                        Broadcast::refused, Broadcast::hangs,         Broadcast::ghost};
  for (auto count = 1 + random.below(3); count > 0; --count) {
    setup.broadcasts.push_back(kinds[random.below(std::size(kinds))]);
  }
}

RpcFault draw_rpc_fault(Random& random) {
  static constexpr const char* methods[] = {
      "fundpsbt",          "utxopsbt",  "reserveinputs",    "unreserveinputs", "listfunds",
      "fundchannel_start", "connect",   "signpsbt",         "sendpsbt",        "fundchannel_complete",
      "listpeerchannels",  "datastore", "listdatastore",    "deldatastore",    "fundchannel_cancel",
      "disconnect",        "close",     "listtransactions", "makesecret"};
  static constexpr Mishap mishaps[] = {Mishap::reply_lost, Mishap::stuck,      Mishap::late, Mishap::held_up,
                                       Mishap::refused,    Mishap::unreadable, Mishap::cut};
  RpcFault fault;
  fault.what = mishaps[random.below(std::size(mishaps))];
  if (random.one_in(4)) {
    fault.count = 1'000'000;
    fault.one_in = 5 + random.below(40);
  } else {
    fault.method = methods[random.below(std::size(methods))];
    fault.from = 1 + random.below(4);
    fault.count = 1 + random.below(3);
  }
  // A call that is carried out long after its deadline would be something else than a slow lightningd: but for
  // those that change reservations.
  const bool wallet = fault.method == "reserveinputs" || fault.method == "unreserveinputs";
  const std::uint64_t longest = wallet && random.one_in(3) ? 120'000 : fault.what == Mishap::held_up ? 5'000 : 20'000;
  fault.delay = spark::Duration(random.below(longest));
  return fault;
}

void draw_datastore_fault(Random& random, Setup& setup) {
  static constexpr Mishap mishaps[] = {Mishap::unknown, Mishap::refused, Mishap::late, Mishap::stuck};
  RpcFault fault;
  fault.what = mishaps[random.below(std::size(mishaps))];
  fault.count = 1'000'000;
  fault.delay = spark::Duration(random.below(5'000));
  for (const auto* method : {"datastore", "deldatastore"}) {
    fault.method = method;
    setup.rpc_faults.push_back(fault);
  }
}

spark::Duration draw_moment(Random& random) { return spark::Duration(random.below(random.one_in(3) ? 60'000 : 2'000)); }

/// They take coins for spans that no sum of the plugin's own comes to: a reservation is a height and nothing else.
void draw_others(Random& random, Setup& setup) {
  static constexpr Deed deeds[] = {Deed::unreserve,  Deed::take,     Deed::spend,  Deed::open,
                                   Deed::open_fully, Deed::incoming, Deed::give_up};
  for (auto count = 1 + random.below(4); count > 0; --count) {
    const auto deed = deeds[random.below(std::size(deeds))];
    setup.acts.push_back(
        {draw_moment(random), deed, random.below(60), 30 + static_cast<std::uint32_t>(random.below(20))});
  }
}

/// Never so many at once that a first reservation lapses between two calls: after that it does not show what was ours.
void draw_blocks(Random& random, Setup& setup) {
  for (auto count = 1 + random.below(3); count > 0; --count) {
    const auto blocks = 1 + random.below(random.one_in(8) ? 9 : 2);
    setup.acts.push_back({draw_moment(random), Deed::mine, 0, static_cast<std::uint32_t>(blocks)});
  }
}

/// Early ones hit a batch, and its recovery after an earlier kill; late ones what is left to do then. Some
/// hit the moment right after a certain call.
void draw_kills(Random& random, Setup& setup) {
  static constexpr End ends[] = {End::kill_plugin, End::kill_plugin,     End::kill_lightningd,
                                 End::stop_plugin, End::stop_lightningd, End::kill_plugin};
  static constexpr const char* methods[] = {"signpsbt",      "sendpsbt",        "fundchannel_complete",
                                            "reserveinputs", "unreserveinputs", "fundchannel_cancel"};
  std::uint64_t event = 0;
  for (auto count = 1 + random.below(3); count > 0; --count) {
    event += random.below(std::uint64_t{64} << random.below(6));
    Kill kill;
    kill.event = event;
    kill.how = ends[random.below(std::size(ends))];
    kill.down = spark::Duration(random.below(random.one_in(4) ? 60'000 : 500));
    if (random.one_in(6)) kill.method = methods[random.below(std::size(methods))];
    setup.kills.push_back(std::move(kill));
  }
}

void draw_intrusions(Random& random, Setup& setup) {
  static constexpr Forgery kinds[] = {
      Forgery::junk,  Forgery::unsealed,  Forgery::sealed_elsewhere, Forgery::old_format, Forgery::damaged,
      Forgery::moved, Forgery::colluding, Forgery::replayed,         Forgery::deleted,    Forgery::giving_up};
  for (auto count = 1 + random.below(3); count > 0; --count) {
    const auto at = random.one_in(3) ? spark::Duration(0) : draw_moment(random);
    setup.intrusions.push_back({at, kinds[random.below(std::size(kinds))]});
  }
}

}  // namespace

void draw_faults(Random& random, Setup& setup) {
  if (random.one_in(5)) draw_broadcasts(random, setup);
  if (random.one_in(3)) setup.rpc_faults.push_back(draw_rpc_fault(random));
  if (random.one_in(12)) setup.rpc_faults.push_back(draw_rpc_fault(random));
  if (random.one_in(30)) setup.rpc_faults.push_back({Mishap::another, "signpsbt"});
  if (random.one_in(20)) draw_datastore_fault(random, setup);
  if (random.one_in(3)) setup.read_delay = spark::Duration(random.below(40));
  if (random.one_in(4)) draw_others(random, setup);
  if (random.one_in(3)) draw_blocks(random, setup);
  if (random.one_in(2)) draw_kills(random, setup);
  if (random.one_in(4)) draw_intrusions(random, setup);
  setup.greedy = random.one_in(6);
  // After a crash nobody can know what lightningd still carries out, so late.
  for (auto& fault : setup.rpc_faults) {
    if (!setup.kills.empty() && fault.what == Mishap::held_up) fault.delay = std::min(fault.delay, crash_patience);
  }
}

}  // namespace sim
