#include "sim/chaos.hpp"

#include <algorithm>
#include <initializer_list>
#include <string_view>

#include "json/writer.hpp"
#include "lightningd/codes.hpp"
#include "sim/fault_schedule.hpp"
#include "sim/handwriting.hpp"
#include "sim/near_misses.hpp"
#include "sim/random.hpp"
#include "sim/raw_psbt.hpp"
#include "sim/script.hpp"
#include "sim/slips.hpp"
#include "sim/sloppy.hpp"
#include "sim/world.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

/// After the last answer: kills and faults meet what a batch left to be settled.
constexpr spark::Duration trouble{std::chrono::minutes(3)};

Fault draw_fault(Random& random) {
  static constexpr Phase phases[] = {Phase::connect, Phase::start, Phase::started, Phase::complete, Phase::opened};
  static constexpr Kind kinds[] = {Kind::refuse, Kind::disconnect, Kind::silent};
  Fault fault;
  fault.phase = phases[random.below(std::size(phases))];
  fault.kind = kinds[random.below(std::size(kinds))];
  fault.once = random.one_in(2);
  fault.after = spark::Duration(random.below(random.one_in(4) ? 8'000 : 400));
  return fault;
}

PeerSetup draw_peer(Random& random, std::size_t index, bool calm) {
  PeerSetup peer;
  peer.name = util::str("p", index);
  peer.delay = spark::Duration(random.below(random.one_in(20) ? 5000 : 200));
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

/// A mempool that wants more, from the beginning or from some moment on: around the feerates that are asked for.
void draw_floor(Random& random, Setup& setup) {
  if (random.one_in(6)) setup.feerate_floor = 253 + static_cast<std::uint32_t>(random.below(9'000));
  if (!random.one_in(8)) return;
  const auto number = 253 + static_cast<std::uint32_t>(random.below(12'000));
  setup.acts.push_back({spark::Duration(random.below(3'000)), Deed::floor, 0, number});
}

/// With something to give up, half of the time.
void draw_aborts(Random& random, Chaos& chaos) {
  static constexpr Broadcast sent[] = {Broadcast::refused, Broadcast::refused, Broadcast::fails,
                                       Broadcast::hides_success, Broadcast::ghost};
  if (random.one_in(2)) {
    auto& broadcasts = chaos.setup.broadcasts;
    broadcasts.clear();
    if (random.one_in(2)) {
      for (auto& peer : chaos.setup.peers) peer.faults.clear();
    }
    for (auto count = 1 + random.below(4); count > 0; --count)
      broadcasts.push_back(sent[random.below(std::size(sent))]);
  }
  if (random.one_in(4)) chaos.setup.rpc_faults.push_back({Mishap::stuck, "datastore", 3 + random.below(6), 1});
  for (auto count = 1 + random.below(3); count > 0; --count) {
    json::Writer more;
    more.object();
    if (!random.one_in(4)) more.field("confirm", true);
    if (random.one_in(2))
      more.field("feerate", util::str(253 + random.below(random.one_in(8) ? 3'000'000 : 20'000), "perkw"));
    const auto blocks = random.one_in(2) ? random.below(8) : 0;
    const auto taken = random.one_in(3) ? 1 + random.below(200) : 0;
    chaos.aborts.push_back({spark::Duration(random.below(60'000)), more.end().take(),
                            static_cast<std::uint32_t>(blocks), static_cast<std::uint32_t>(taken),
                            spark::Duration(random.below(4'000))});
  }
}

/// A member of each batch that is in one of these states, as JSON text.
std::vector<std::string> of_batches(World& world, std::string_view member,
                                    std::initializer_list<std::string_view> states) {
  std::vector<std::string> found;
  const auto listed = world.call("listmultifundchannels", "{}", std::chrono::seconds(10));
  const auto document = listed.answered && listed.ok() ? json::Document::parse(*listed.result, "batches")
                                                       : util::Result<json::Document>(util::Error{});
  const auto batches = document ? document->root().find("batches") : std::nullopt;
  for (const auto& batch : batches ? batches->elements() : std::vector<json::Value>()) {
    const auto state = *batch.string("state");
    if (std::find(states.begin(), states.end(), state) != states.end()) found.push_back(batch.find(member)->dump());
  }
  return found;
}

void live_bumps(World& world, const std::vector<Chaos::Bump>& bumps) {
  for (const auto& bump : bumps) {
    world.run_for(bump.after);
    for (const auto& txid : of_batches(world, "txid", {"opened"})) {
      (void)world.start("multifundchannel-bump", R"({"batch":)" + txid + "," + bump.more.substr(1));
    }
    if (bump.kill_after.count() > 0) {
      world.run_for(bump.kill_after);
      world.kill_plugin();
      world.run_for(std::chrono::seconds(1));
      world.start_plugin();
    }
    world.run_for(std::chrono::seconds(30));
    if (bump.block) world.mine(1);
  }
}

/// Another program takes what the plugin has reserved.
void take_reserved(World& world, std::uint32_t blocks) {
  auto& wallet = world.node().core().wallet;
  for (auto& coin : wallet.coins()) {
    const bool ours = wallet.is_reserved(coin) && !coin.owner.empty() && coin.state != Coin::State::spent;
    if (ours) wallet.take(coin, blocks, world.time().now());
  }
}

/// Batches that wait for their user, and what there is to sign, as far as the user was told.
std::map<std::string, std::string> waiting(World& world, std::size_t calls) {
  std::map<std::string, std::string> found;
  for (const auto& quoted : of_batches(world, "batch", {"waiting"})) found[quoted.substr(1, quoted.size() - 2)];
  for (std::size_t i = 0; i < calls; ++i) {
    const auto result = world.outcome(i).ok() ? json::Document::parse(*world.outcome(i).result, "result")
                                              : util::Result<json::Document>(util::Error{});
    const auto batch = result ? result->root().find("batch") : std::nullopt;
    const auto psbt = result ? result->root().find("psbt") : std::nullopt;
    if (batch && psbt && found.contains(std::string(*batch->string()))) {
      found[std::string(*batch->string())] = std::string(*psbt->string());
    }
  }
  return found;
}

void finish(World& world, const std::string& batch, const std::string& psbt) {
  json::Writer params;
  params.object().field("batch", batch);
  if (!psbt.empty()) params.field("psbt", world.node().core().users.sign(psbt));
  (void)world.start("multifundchannel-finish", params.end().take());
}

void broadcast(World& world, const std::string& psbt) {
  const auto bare = psbt::Psbt::from_base64(psbt);
  const auto raw = bare ? RawPsbt::from(*bare) : std::nullopt;
  if (!raw) return;
  auto& core = world.node().core();
  core.monitor.broadcast_by_user(raw->transaction());
  (void)core.chain.submit(raw->transaction());
}

void decide(World& world, const Chaos& chaos) {
  for (const auto decision : chaos.decisions) {
    world.run_for(std::chrono::seconds(20));
    for (const auto& [batch, psbt] : waiting(world, chaos.batches.size())) {
      if (decision == Chaos::Decision::finish) finish(world, batch, psbt);
      if (decision == Chaos::Decision::broadcast) broadcast(world, psbt);
      if (decision != Chaos::Decision::give_up) continue;
      (void)world.start("multifundchannel-abort", util::str(R"({"batch":")", batch, R"(","confirm":true})"));
    }
    world.finish_all();
    if (decision == Chaos::Decision::block) world.mine(1);
  }
  if (!chaos.decisions.empty()) world.mine(1);  // whatever was broadcast
}

void live_aborts(World& world, const std::vector<Chaos::Abort>& aborts) {
  for (const auto& abort : aborts) {
    world.run_for(abort.after);
    for (const auto& batch : of_batches(world, "batch", {"settling", "refused", "unsettled", "aborting"})) {
      const auto rest = abort.more == "{}" ? "}" : "," + abort.more.substr(1);
      (void)world.start("multifundchannel-abort", R"({"batch":)" + batch + rest);
    }
    if (abort.taken > 0) {
      world.run_for(abort.taken_after);
      take_reserved(world, abort.taken);
    }
    for (auto block = abort.blocks; block > 0; --block) {
      world.run_for(std::chrono::seconds(30));
      world.mine(1);
    }
  }
}

std::string draw_batch(Random& random, std::size_t peers, std::size_t coins) {
  std::vector<std::size_t> chosen;
  for (std::size_t i = 0; i < peers; ++i) {
    if (!random.one_in(4)) chosen.push_back(i);
  }
  if (chosen.empty()) chosen.push_back(random.below(peers));
  json::Writer writer;
  writer.object().key("destinations").array();
  const auto all = random.one_in(4) ? random.below(chosen.size()) : chosen.size();
  const bool shares = all == chosen.size() && random.one_in(4);
  for (std::size_t i = 0; i < chosen.size(); ++i) {
    writer.object().field("id", util::str("$p", chosen[i], random.one_in(2) ? "@" : ""));
    if (i == all) {
      writer.field("amount", "all");
    } else if (shares && random.one_in(2)) {
      // Six peers at most, so that the percentages leave something for the weights.
      const bool weight = random.one_in(2);
      writer.field("amount", weight ? util::str('*', 1 + random.below(5)) : util::str(1 + random.below(16), ".5%"));
    } else {
      writer.field("amount", 20'000 + random.below(400'000));
    }
    if (random.one_in(5)) writer.field("announce", false);
    if (random.one_in(5)) writer.field("push_msat", 1'000'000);
    writer.end();
  }
  writer.end();
  if (random.one_in(2)) writer.field("minchannels", 1 + random.below(chosen.size()));
  if (random.one_in(3)) writer.field("feerate", util::str(300 + random.below(20'000), "perkw"));
  if (random.one_in(4)) writer.field("minconf", 0);
  if (random.one_in(8)) {
    writer.key("utxos").array().value(util::str("$coin", random.below(coins))).end();
  }
  if (random.one_in(6)) writer.field("peer_timeout", 1 + random.below(60));
  if (random.one_in(4)) writer.field("details", true);
  if (random.one_in(20)) random.one_in(2) ? writer.field("dryrun", "ask") : writer.field("dryrun", true);
  return writer.end().take();
}

/// Feerates around bitcoind's limit of 2,500,000 perkw. From numbers of their own, so that they change nothing else.
void draw_dear(std::uint64_t seed, Chaos& chaos) {
  Random random(seed + 0x25);
  for (auto& batch : chaos.batches) {
    if (!random.one_in(24) || batch.params.find("\"feerate\"") != std::string::npos) continue;
    const auto feerate = util::str(2'400'000 + random.below(200'000), "perkw");
    batch.params.insert(batch.params.find('{') + 1, util::str(R"("feerate":")", feerate, R"(",)"));
  }
}

/// Destinations as a person writes them. From numbers of their own, too.
void draw_handwriting(std::uint64_t seed, Chaos& chaos) {
  Random random(seed + 0x26);
  for (auto& batch : chaos.batches) {
    if (random.one_in(6)) batch.params = handwritten(batch.params, random);
  }
}

/// Memos, some of which are none. From numbers of their own, too.
void draw_memos(std::uint64_t seed, Chaos& chaos) {
  Random random(seed + 0x27);
  static constexpr std::string_view memos[] = {
      R"("rent")", R"("\u00e4 \"A\", # 02=1")", R"("a\nb")", R"("\u202e")", "7", R"("")"};
  for (auto& batch : chaos.batches) {
    const auto at = batch.params.find("\"amount\":");
    if (!random.one_in(10) || at == std::string::npos) continue;
    const auto& memo = memos[random.one_in(8) ? random.below(std::size(memos)) : random.below(2)];
    batch.params.insert(at, util::str("\"memo\":", memo, ","));
  }
}

/// A call that goes wrong, beside those of draw_faults().
RpcFault draw_other_fault(Random& random, const char* method) {
  static constexpr Mishap mishaps[] = {Mishap::reply_lost, Mishap::stuck,   Mishap::late,       Mishap::held_up,
                                       Mishap::refused,    Mishap::refused, Mishap::unreadable, Mishap::cut};
  RpcFault fault{mishaps[random.below(std::size(mishaps))], method};
  fault.from = 1 + random.below(3);
  fault.count = 1 + random.below(4);
  fault.delay = spark::Duration(random.below(5'000));
  if (random.one_in(2)) fault.code = lightningd::code::invalid_params;
  return fault;
}

/// Policies of channels. From numbers of their own, too.
void draw_policies(std::uint64_t seed, Chaos& chaos) {
  static constexpr const char* methods[] = {"txprepare", "txdiscard", "getutxout", "getinfo"};
  Random random(seed + 0x29);
  if (random.one_in(6)) {
    for (auto& batch : chaos.batches) {
      const auto at = batch.params.find("\"amount\":");
      if (at == std::string::npos) continue;
      const char* const more = random.one_in(2) ? R"("htlcmax":"5000sat",)" : "";
      batch.params.insert(at, util::str("\"feeppm\":", random.below(5'000), ',', more));
    }
    if (random.one_in(2)) chaos.setup.rpc_faults.push_back(draw_other_fault(random, "setchannel"));
  } else if (random.one_in(12)) {
    chaos.setup.rpc_faults.push_back(draw_other_fault(random, methods[random.below(std::size(methods))]));
  }
}

/// Payments beside the channels, and change to keep. From numbers of its own, so that what it does not meet stays as it
/// was. A slip or a sloppy hand may have made something else of the parameters: then it is refused, or nothing.
void draw_payments(std::uint64_t seed, Chaos& chaos) {
  static constexpr ScriptKind kinds[] = {ScriptKind::p2tr, ScriptKind::p2wpkh};
  Random random(seed + 0x9a1);
  for (auto& batch : chaos.batches) {
    if (!random.one_in(5)) continue;
    const auto at = batch.params.find('{');
    if (at == std::string::npos || batch.params.find("\"dryrun\"") != std::string::npos) continue;
    const bool all = batch.params.find("\"all\"") != std::string::npos;
    json::Writer more;
    more.object();
    if (random.one_in(3)) more.field("keep_change", 330 + random.below(300'000));
    if (!random.one_in(4)) {
      more.key("outputs").array();
      for (auto count = 1 + random.below(4); count > 0; --count) {
        more.object().field("address", segwit_address(make_script(random, kinds[random.below(std::size(kinds))])));
        const bool share = !all && random.one_in(4);
        if (share) more.field("amount", random.one_in(2) ? "1.25%" : "*2");
        if (!share) more.field("amount", 546 + random.below(300'000));
        if (random.one_in(2)) more.field("label", "invoice 7");
        more.end();
      }
      more.end();
    }
    const auto text = more.end().take();
    if (text == "{}") continue;
    batch.params.insert(at + 1, text.substr(1, text.size() - 2) + ",");
  }
}

/// Callers who name their batch and ask again, the same or something else. From numbers of their own, too; after all
/// that draws batches.
void draw_labels(std::uint64_t seed, Chaos& chaos) {
  Random random(seed + 0x28);
  if (!random.one_in(4)) return;
  for (auto& batch : chaos.batches) {
    batch.params.insert(batch.params.rfind('}'), util::str(R"(,"label":"L)", random.below(2), '"'));
  }
  for (auto repeats = 1 + random.below(4); repeats > 0; --repeats) {
    auto again = chaos.batches[random.below(chaos.batches.size())];
    again.at += spark::Duration(random.below(random.one_in(2) ? 600'000 : 3'000));
    if (random.one_in(6)) again.params.insert(again.params.rfind('}'), R"(,"max_fee":2000000)");
    chaos.batches.push_back(again);
  }
  std::stable_sort(chaos.batches.begin(), chaos.batches.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
}

/// What lightningd and peers write into their errors. From numbers of its own, so that it changes nothing else.
void draw_texts(std::uint64_t seed, Setup& setup) {
  constexpr std::uint64_t other_stream = 0x9E3779B97F4A7C15ull;
  Random random(seed ^ other_stream);
  static const std::string texts[] = {"\x1b[2Jgone\x7f",
                                      "right to left \xe2\x80\xae, a line \xe2\x80\xa8 and C1 \xc2\x9b",
                                      "not UTF-8 \xff\xc0", std::string(60'000, 'x'), std::string(3'000, '!')};
  for (auto& peer : setup.peers) {
    for (auto& fault : peer.faults) {
      if (random.one_in(4)) fault.text = texts[random.below(std::size(texts))];
    }
  }
  if (!random.one_in(12)) return;
  static constexpr const char* methods[] = {"sendpsbt", "sendpsbt", "signpsbt", "fundchannel_complete"};
  setup.rpc_faults.push_back({Mishap::repeats, methods[random.below(std::size(methods))], 1, 1 + random.below(3)});
}

/// Blocks that come while peers take their time, coins that are not worth their fee at many feerates, and peers that
/// remind our node of a channel that it has lost. From numbers of its own, too.
void draw_slowness(std::uint64_t seed, Setup& setup) {
  constexpr std::uint64_t other_stream = 0xD1B54A32D192ED03ull;
  Random random(seed ^ other_stream);
  for (auto& coin : setup.coins) {
    if (random.one_in(8)) coin.amount = {330 + random.below(4'000)};
  }
  for (auto& peer : setup.peers) {
    for (auto& fault : peer.faults) {
      if (fault.kind == Kind::disconnect && random.one_in(2)) fault.kind = Kind::reminds;
    }
  }
  if (!random.one_in(8)) return;
  const auto pause = 1'000 + random.below(6'000);
  for (std::uint64_t i = 1 + random.below(25); i > 0; --i) {
    setup.acts.push_back({spark::Duration(i * pause), Deed::mine, 0, 1});
  }
}

/// Peers that are not all Core Lightning. From numbers of its own, so that what it does not meet stays as it was: the
/// seeds that tests and mutations name are among those.
void draw_kinds(std::uint64_t seed, Setup& setup) {
  constexpr std::uint64_t other_stream = 0x44;
  static constexpr PeerKind kinds[] = {PeerKind::cln, PeerKind::lnd, PeerKind::lnd, PeerKind::eclair, PeerKind::ldk};
  Random random(seed + other_stream);
  if (!random.one_in(4)) return;
  for (auto& peer : setup.peers) peer.kind = kinds[random.below(std::size(kinds))];
}

/// Batches that wait for their user. From numbers of its own, too.
void draw_waiting(std::uint64_t seed, Chaos& chaos) {
  constexpr std::uint64_t other_stream = 0x3A17;
  static constexpr Chaos::Decision decisions[] = {Chaos::Decision::finish, Chaos::Decision::finish,
                                                  Chaos::Decision::give_up, Chaos::Decision::broadcast,
                                                  Chaos::Decision::block};
  Random random(seed + other_stream);
  if (!random.one_in(6)) return;
  chaos.setup.users_coins = {bitcoin::Sat{200'000 + random.below(3'000'000)}, bitcoin::Sat{100'000}};
  bool users = random.one_in(2);
  for (auto& batch : chaos.batches) {
    if (batch.params.find("\"dryrun\"") != std::string::npos || random.one_in(4)) continue;
    if (std::exchange(users, false)) {
      json::Writer params;
      params.object().field("psbt", random.one_in(4) ? "$users_psbt_without_change" : "$users_psbt");
      params.key("destinations").array();
      for (const auto& peer : chaos.setup.peers) {
        params.object()
            .field("id", util::str("$", peer.name, "@"))
            .field("amount", 20'000 + random.below(60'000))
            .end();
      }
      params.end();
      if (random.one_in(2)) params.field("minchannels", 1);
      batch.params = params.end().take();
      batch.method = "multifundchannel-prepare";
    } else if (batch.params.starts_with('{')) {
      batch.params.insert(1, R"("send":false,)");
    }
  }
  for (auto count = random.below(5); count > 0; --count) {
    chaos.decisions.push_back(decisions[random.below(std::size(decisions))]);
  }
}

/// Bumps of what has opened. From numbers of their own, too.
void draw_bumps(std::uint64_t seed, Chaos& chaos) {
  constexpr std::uint64_t other_stream = 0xB0395;
  Random random(seed + other_stream);
  if (!random.one_in(5)) return;
  auto& broadcasts = chaos.setup.broadcasts;
  if (broadcasts.empty() && seed % 4 == 0) broadcasts = {Broadcast::works, Broadcast::refused};
  std::uint64_t perkw = 5'000 + random.below(20'000);
  for (auto count = 1 + random.below(3); count > 0; --count) {
    json::Writer more;
    more.object().field("feerate", util::str(perkw, "perkw"));
    if (random.one_in(6)) more.field("dryrun", true);
    if (random.one_in(6)) more.field("max_fee", random.below(20'000));
    const bool kill = chaos.setup.kills.empty() && random.one_in(4);
    const spark::Duration kill_after(kill ? 1 + random.below(60) : 0);
    chaos.bumps.push_back({spark::Duration(random.below(60'000)), more.end().take(), kill_after, random.one_in(5)});
    perkw += random.below(10'000);
  }
}

/// Before v25.12 a channel cannot be withheld. What cannot be promised there is not asked for: a channel
/// whose peer fails it is closed, and stays; and fundchannel_cancel cannot tell two channels of one peer
/// that await their lock-in, so there is no other.
void make_old(Setup& setup) {
  setup.version = setup.seed % 2 == 0 ? "v25.05" : "v25.09";
  for (auto& peer : setup.peers) {
    std::erase_if(peer.faults, [](const Fault& fault) { return fault.phase == Phase::opened; });
    std::erase_if(peer.channels, [](const ChannelSetup& channel) { return channel.state != "CHANNELD_NORMAL"; });
  }
  std::erase_if(setup.acts, [](const Act& act) { return act.deed == Deed::open_fully || act.deed == Deed::incoming; });
}

std::size_t faults_of(const Setup& setup) {
  auto count = setup.rpc_faults.size() + setup.broadcasts.size() + setup.intrusions.size() + setup.acts.size();
  for (const auto& peer : setup.peers) count += peer.faults.size();
  return count;
}

}  // namespace

Chaos draw_chaos(std::uint64_t seed) {
  Random random(seed);
  Chaos chaos;
  Setup& setup = chaos.setup;
  setup.seed = seed;
  setup.coins = draw_coins(random);
  setup.reply_delay = spark::Duration(random.below(3));
  setup.reply_jitter = spark::Duration(random.one_in(2) ? random.below(50) : 0);
  setup.spenderp = !random.one_in(8);
  if (random.one_in(4)) setup.options["multifundchannel-progress"] = "true";

  const bool calm = random.one_in(4);
  const auto peers = 1 + random.below(6);
  for (std::size_t i = 0; i < peers; ++i) setup.peers.push_back(draw_peer(random, i, calm));
  if (!calm) draw_faults(random, setup);

  const bool old = random.one_in(12);
  if (old) make_old(setup);
  const auto batches = old || !random.one_in(3) ? 1 : 2 + random.below(2);
  for (std::size_t i = 0; i < batches; ++i) {
    const auto at = spark::Duration(i == 0 || random.one_in(2) ? 0 : random.below(random.one_in(4) ? 30'000 : 3'000));
    chaos.batches.push_back({at, draw_batch(random, peers, setup.coins.size())});
  }
  std::stable_sort(chaos.batches.begin(), chaos.batches.end(),
                   [](const auto& a, const auto& b) { return a.at < b.at; });
  if (random.one_in(4)) setup.options["multifundchannel-dry-run"] = R"("txprepare")";
  if (random.one_in(10)) draw_near_miss(random, chaos);
  // After all that was there before it, so that what is drawn before stays the same.
  draw_floor(random, setup);
  // Of its own, so that what the seeds have drawn before stays as it was.
  Random slips(seed + 0x51195);
  for (auto& batch : chaos.batches) {
    if (slips.one_in(6)) batch.params = draw_slip(slips, std::move(batch.params));
  }
  draw_dear(seed, chaos);
  draw_memos(seed, chaos);
  draw_handwriting(seed, chaos);
  draw_policies(seed, chaos);
  if (random.one_in(3)) {
    for (auto& batch : chaos.batches) batch.params = sloppy(batch.params, random);
  }
  if (!calm) draw_texts(seed, setup);
  if (random.one_in(3)) draw_aborts(random, chaos);
  draw_slowness(seed, setup);
  draw_kinds(seed, setup);
  draw_payments(seed, chaos);
  draw_labels(seed, chaos);
  if (!old) draw_waiting(seed, chaos);
  draw_bumps(seed, chaos);
  return chaos;
}

ChaosResult run_chaos(std::uint64_t seed, bool trace) { return run_chaos(draw_chaos(seed), trace); }

ChaosResult run_chaos(Chaos chaos, bool trace) {
  chaos.setup.trace = trace;
  World world(chaos.setup);
  const auto begin = world.time().now();
  for (const auto& batch : chaos.batches) {
    world.run_for(begin + batch.at - world.time().now());
    (void)world.start(batch.method, batch.params);
  }
  world.finish_all();
  decide(world, chaos);
  live_bumps(world, chaos.bumps);
  live_aborts(world, chaos.aborts);
  world.run_for(trouble);
  (void)world.start("listmultifundchannels", "{}");
  world.finish_all();
  ChaosResult result;
  for (std::size_t i = 0; i < chaos.batches.size(); ++i) ++(world.outcome(i).ok() ? result.opened : result.failed);
  result.lived = world.time().now() - begin;
  result.kills = chaos.setup.kills.size();
  result.faults = faults_of(chaos.setup);
  result.broken = world.check_invariants();
  const auto& core = world.node().core();
  for (const auto& txid : core.monitor.bumps()) result.bumps += core.chain.height(txid).has_value();
  for (const auto& txid : core.monitor.aborts()) result.aborts += core.chain.height(txid).has_value();
  result.log = core.monitor.log();
  for (std::size_t i = 0; i < world.calls(); ++i) {
    const auto& answer = world.outcome(i).result;
    if (!world.outcome(i).answered) continue;
    result.answers.push_back(answer ? *answer : util::str(answer.error().code, ' ', answer.error().message));
  }
  return result;
}

}  // namespace sim
