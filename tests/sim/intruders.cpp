#include "sim/intruders.hpp"

#include <algorithm>

#include "journal/journal_format.hpp"
#include "psbt/psbt.hpp"
#include "sim/script.hpp"
#include "util/str.hpp"

namespace sim {
namespace {

using bitcoin::Sat;
using ledger::BatchPhase;
using ledger::Ledger;
using ledger::OpeningRecord;
using psbt::Psbt;

constexpr std::uint64_t intruders_stream = 0x1B873593ull;
/// What others' openings have: a record that names it claims them.
constexpr Sat intruders_amount{777'777};

Datastore::Key name_of(const std::string& batch) { return {"multifundchannel", "batch", batch}; }

util::Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string with_version(std::string text, int version) {
  const std::string ours = util::str("\"version\":", journal::format_version);
  return text.replace(text.find(ours), ours.size(), util::str("\"version\":", version));
}

}  // namespace

Intruders::Intruders(Core& core, Datastore& datastore, const Secrets& secrets)
    : core_(core), datastore_(datastore), secrets_(secrets), random_(core.setup.seed ^ intruders_stream) {
  for (const auto& one : core.setup.intrusions) {
    if (one.at.count() == 0) {
      intrude(one);
    } else {
      core.runtime.start_timer(one.at, [this, one] { intrude(one); });
    }
  }
}

void Intruders::intrude(const Intrusion& intrusion) {
  static constexpr const char* names[] = {"junk",  "unsealed", "sealed elsewhere", "old",       "damaged",
                                          "moved", "replayed", "deleted",          "colluding", "giving up"};
  core_.trace("=== intruder: ", names[static_cast<std::size_t>(intrusion.what)]);
  switch (intrusion.what) {
    case Forgery::junk:
    case Forgery::unsealed:
    case Forgery::sealed_elsewhere:
    case Forgery::old_format:
      return plant(intrusion);
    case Forgery::damaged:
    case Forgery::moved:
      return tamper(intrusion.what);
    case Forgery::replayed:
      return replay();
    case Forgery::deleted:
      return remove();
    case Forgery::colluding:
      return collude();
    case Forgery::giving_up:
      return give_up();
  }
}

void Intruders::plant(const Intrusion& intrusion) {
  Ledger ledger = forged(random_);
  if (random_.one_in(2)) add_theft(ledger);
  const auto name = name_of(ledger.id);
  std::string text = journal::write_ledger(ledger);
  if (intrusion.what == Forgery::old_format) text = with_version(text, 1);
  if (intrusion.what == Forgery::sealed_elsewhere) {
    const journal::RecordSeal seal(*util::MacKey::from_hex(util::to_hex(random_.bytes(32))));
    text = seal.close(name, text);
  }
  if (intrusion.what == Forgery::junk) {
    const auto at = random_.below(text.size());
    text = random_.one_in(2) ? text.substr(0, at) : text.replace(at, 1 + random_.below(40), "\"sat\":[");
  }
  planted_.insert(name);
  datastore_.put(name, bytes_of(text));
}

void Intruders::tamper(Forgery how) {
  std::vector<Datastore::Key> names;
  for (const auto& [name, entry] : datastore_.entries()) {
    if (name.size() == 3 && !planted_.contains(name)) names.push_back(name);
  }
  if (names.empty()) return;
  const auto& name = names[random_.below(names.size())];
  auto data = datastore_.entries().at(name).data;
  if (how == Forgery::moved) {
    const auto copy = name_of(util::to_hex(random_.bytes(16)));
    planted_.insert(copy);
    return datastore_.put(copy, data);
  }
  data[random_.below(data.size())] ^= static_cast<std::uint8_t>(1 + random_.below(127));
  tampered_ = true;
  core_.monitor.tampered(core_.can_withhold());
  datastore_.put(name, data);
}

/// The mac does not tell an older version from the newest.
void Intruders::replay() {
  const auto& history = datastore_.history();
  if (history.empty()) return;
  const auto& [name, data] = history[random_.below(history.size())];
  tampered_ = true;
  core_.monitor.tampered(core_.can_withhold());
  datastore_.put(name, data);
}

void Intruders::remove() {
  std::vector<Datastore::Key> names;
  for (const auto& [name, entry] : datastore_.entries()) {
    if (name.size() == 3 && !planted_.contains(name)) names.push_back(name);
  }
  if (names.empty()) return;
  tampered_ = true;
  core_.monitor.tampered(core_.can_withhold());
  datastore_.erase(names[random_.below(names.size())]);
}

Ledger Intruders::forged(Random& random) const {
  Ledger ledger;
  ledger.id = util::to_hex(random.bytes(16));
  ledger.begun = 1'800'000'000;
  ledger.phase = BatchPhase::opening;
  ledger.reservation.blocks = 144;
  for (const auto& coin : core_.wallet.coins()) {
    if (coin.state != Coin::State::spent) ledger.reservation.heights[coin.outpoint] = coin.reserved_until;
  }
  for (const auto& peer : core_.peers.all()) {
    ledger.openings.push_back(std::make_shared<OpeningRecord>());
    ledger.openings.back()->peer = peer.id;
    ledger.openings.back()->planned = intruders_amount;
    ledger.openings.back()->amount = intruders_amount;
  }
  return ledger;
}

void Intruders::add_theft(Ledger& ledger) const {
  std::vector<bitcoin::Outpoint> inputs;
  for (const auto& [input, height] : ledger.reservation.heights) inputs.push_back(input);
  auto psbt = Psbt::spending(inputs);
  psbt.insert_output(0, {intruders_amount, util::Bytes(22, 0x01)});
  ledger.phase = BatchPhase::sending;
  ledger.plan = ledger::FundingPlan{psbt.txid(), util::share(psbt.base64(0)), {}, {}};
  ledger.plan->outnums.resize(ledger.openings.size());
  // An honest reader asks for a channel; the first version took none for all of them.
  if (core_.setup.seed % 2 == 0 && !ledger.openings.empty()) ledger.plan->outnums[0] = 0;
}

Coin* Intruders::coin_to_take(bool fresh) {
  auto& coins = core_.wallet.coins();
  const auto coin = std::find_if(coins.begin(), coins.end(), [this, fresh](const Coin& c) {
    if (funds_a_channel(c)) return false;
    if (fresh && (claimed_.contains(c.outpoint) || core_.monitor.send_attempted(c))) return false;
    return core_.wallet.is_free(c) && c.height && !is_p2sh(c.script) && c.amount > Sat{10'000};
  });
  return coin == coins.end() ? nullptr : &*coin;
}

bool Intruders::funds_a_channel(const Coin& coin) const {
  const auto& all = core_.peers.all();
  return std::any_of(all.begin(), all.end(), [&coin](const Peer& peer) {
    return std::any_of(peer.channels.begin(), peer.channels.end(), [&coin](const Channel& channel) {
      if (!channel.psbt) return false;
      const auto psbt = Psbt::from_base64(*channel.psbt);
      return psbt && std::any_of(psbt->inputs().begin(), psbt->inputs().end(),
                                 [&coin](const auto& input) { return input.outpoint == coin.outpoint; });
    });
  });
}

/// A record of ours, one that has gone wrong or that was made by one who may call makesecret, says that a transaction
/// is ready to be sent which spends our coin. It funds a channel that a peer has opened to us; or one of ours that is
/// smaller than its output.
void Intruders::collude() {
  if (!core_.can_withhold() || core_.peers.all().empty() || !secrets_.asked()) return;
  Coin* const coin = coin_to_take(false);
  if (coin == nullptr) return;
  auto psbt = Psbt::spending({coin->outpoint});
  const bool ours = random_.one_in(2);
  const Sat amount{coin->amount.value - 5'000};
  psbt.insert_output(0, {amount, make_funding_script(random_)});
  auto& peer = core_.peers.all()[random_.below(core_.peers.all().size())];
  Channel& channel = peer.channels.emplace_back();
  channel.funding = {psbt.txid(), 0};
  channel.id = lightningd::v1_channel_id(psbt.txid(), 0);
  channel.amount = ours ? amount - Sat{2'000} : amount;
  channel.state = "CHANNELD_AWAITING_LOCKIN";
  channel.opened_by_us = channel.withheld = channel.forged = ours;
  channel.others = !ours;
  channel.channel_type = R"({"bits":[12],"names":["static_remotekey/even"]})";
  channel.psbt = util::share(psbt.base64(2));

  take(*coin);
  plant(ready_to_send(*coin, psbt, peer.id));
}

/// Who may call makesecret and datastore says that a batch is being given up, with a coin that is free: all but the fee
/// goes to him.
void Intruders::give_up() {
  if (core_.peers.all().empty() || !secrets_.asked()) return;
  Coin* const coin = coin_to_take(true);
  if (coin == nullptr) return;
  take(*coin);
  auto psbt = Psbt::spending({coin->outpoint});
  psbt.insert_output(0, {Sat{coin->amount.value - 5'000}, make_funding_script(random_)});
  auto ledger = ready_to_send(*coin, psbt, core_.peers.all()[random_.below(core_.peers.all().size())].id);
  auto theft = Psbt::spending({coin->outpoint});
  const Sat fee{2'000};
  theft.insert_output(0, {coin->amount - fee, make_funding_script(random_)});
  ledger.abort = ledger::AbortRecord{theft.txid(), {coin->outpoint}, fee, util::share(theft.base64(0))};
  plant(ledger);
}

/// As a batch would: no other has it any more.
void Intruders::take(Coin& coin) {
  coin.unforeseen = true;
  coin.owner.clear();
  core_.wallet.reserve(coin, 145);
}

/// A batch of one channel, which is the transaction's only output.
Ledger Intruders::ready_to_send(const Coin& coin, const Psbt& psbt, const lightningd::NodeId& peer) {
  Ledger ledger;
  ledger.id = util::to_hex(random_.bytes(16));
  ledger.begun = 1'800'000'000;
  ledger.phase = BatchPhase::sending;
  ledger.reservation.blocks = 145;
  ledger.reservation.heights[coin.outpoint] = coin.reserved_until;
  ledger.openings.push_back(std::make_shared<OpeningRecord>());
  ledger.openings[0]->peer = peer;
  ledger.openings[0]->planned = ledger.openings[0]->amount = psbt.outputs()[0].amount;
  ledger.plan = ledger::FundingPlan{psbt.txid(), util::share(psbt.base64(0)), {0}, {}};
  return ledger;
}

/// Under a good mac.
void Intruders::plant(const Ledger& ledger) {
  const auto name = name_of(ledger.id);
  planted_.insert(name);
  for (const auto& [coin, height] : ledger.reservation.heights) claimed_.insert(coin);
  datastore_.put(name, bytes_of(secrets_.seal().close(name, journal::write_ledger(ledger))));
}

}  // namespace sim
