#include "sim/monitor.hpp"

#include <algorithm>

#include "sim/coin_selection.hpp"
#include "util/str.hpp"

namespace sim {

using util::str;

void Monitor::funding(const Coin& coin, std::uint32_t feerate) {
  if (coin.others_until > wallet_.height) violation(str("takes ", coin.outpoint.str(), ", which others have reserved"));
  if (attempted_inputs_.contains(coin.outpoint)) {
    violation(str("takes ", coin.outpoint.str(), ", which a transaction that was sent spends"));
  }
  feerates_[coin.outpoint] = feerate;
}

void Monitor::signing(const RawPsbt& psbt) { check_commitments(psbt, "signed"); }

void Monitor::sending(const RawPsbt& psbt, std::uint32_t version) {
  const auto txid = psbt.transaction().txid();
  if (version != 2) violation(str("sendpsbt got version ", version, ": the reservations are not checked"));
  check_commitments(psbt, "sent");
  check_outputs(psbt);
  check_fee(psbt);
  attempted_.insert(txid);
  for (const auto& input : psbt.transaction().inputs) attempted_inputs_.insert(input.outpoint);
}

/// Every funding output has its channel, with the commitment transactions exchanged.
void Monitor::check_commitments(const RawPsbt& psbt, const char* deed) {
  const auto& outputs = psbt.transaction().outputs;
  const auto txid = psbt.transaction().txid();
  for (std::uint32_t i = 0; i < outputs.size(); ++i) {
    if (!told_.contains(outputs[i].script)) continue;
    const Channel* channel = peers_.find_channel(lightningd::Outpoint{txid, i});
    if (channel == nullptr || !channel->is_live()) {
      violation(str(deed, " ", txid.hex(), " although output ", i, " has no commitment"));
    }
  }
}

void Monitor::check_outputs(const RawPsbt& psbt) {
  const auto& outputs = psbt.transaction().outputs;
  std::size_t fundings = 0;
  for (const auto& output : outputs) {
    const auto told = told_.find(output.script);
    if (told != told_.end()) ++fundings;
    if (told != told_.end() && told->second != output.amount) {
      violation(str("a funding output of ", output.amount.value, "sat: its peer was told ", told->second.value));
    }
    if (told == told_.end() && !wallet_.owns(output.script)) {
      violation(str("an output to nobody we know: ", util::to_hex(output.script)));
    }
  }
  if (fundings == 0) violation("sent a transaction that funds no channel");
}

/// The fee is within 1 % of the feerate asked for; without change it may keep what was too little
/// for a change output.
void Monitor::check_fee(const RawPsbt& psbt) {
  lightningd::Sat in{0}, out{0};
  std::uint32_t feerate = 0;
  for (const auto& input : psbt.transaction().inputs) {
    const Coin* coin = wallet_.find(input.outpoint);
    if (coin == nullptr) return violation(str("spends ", input.outpoint.str(), ", which is not ours"));
    in = in + coin->amount;
    feerate = feerates_[input.outpoint];
  }
  bool change = false;
  for (const auto& output : psbt.transaction().outputs) {
    out = out + output.amount;
    change = change || wallet_.owns(output.script);
  }
  if (in < out) return violation(str("spends ", out.value, "sat of ", in.value));

  static constexpr std::uint64_t dust = 330;
  const auto fee = (in - out).value;
  const auto asked = CoinSelection::fee(feerate, psbt.weight()).value;
  const auto dropped = change ? 0 : dust + CoinSelection::fee(feerate, CoinSelection::change_output_weight).value;
  const auto tolerance = asked / 100 + 1;
  if (fee + tolerance < asked || fee > asked + tolerance + dropped) {
    violation(str("a fee of ", fee, "sat where ", asked, " were asked for (", feerate, " perkw)"));
  }
}

void Monitor::ending(const Channel& channel, const char* by) {
  if (channel.others) violation(str(by, " hit a channel that is not ours: ", channel.id.hex()));
  if (attempted_.contains(channel.funding.txid)) {
    violation(str(by, " after a send was attempted: ", channel.id.hex()));
  }
}

void Monitor::unreserved(const Coin& coin) {
  if (coin.others_until > wallet_.height && coin.reserved_until < coin.others_until) {
    violation(str("shortened a reservation of others: ", coin.outpoint.str()));
  }
  if (attempted_inputs_.contains(coin.outpoint)) {
    violation(str("unreserved after a send was attempted: ", coin.outpoint.str()));
  }
}

void Monitor::logged(std::string line) {
  for (const auto& secret : secrets_) {
    if (line.size() >= secret.size() && line.find(secret) != std::string::npos) {
      violation("logged a signed PSBT or transaction");
    }
  }
  log_.push_back(std::move(line));
}

std::vector<std::string> Monitor::leftovers() const {
  std::vector<std::string> left;
  for (const Coin& coin : wallet_.coins()) {
    const auto allowed = std::max(coin.others_until, wallet_.height);
    if (wallet_.is_reserved(coin) && coin.reserved_until > allowed && !attempted_inputs_.contains(coin.outpoint)) {
      left.push_back(str("still reserved: ", coin.outpoint.str(), " until block ", coin.reserved_until));
    }
  }
  for (const Peer& peer : peers_.all()) {
    if (peer.opening) left.push_back(str("an opening with ", peer.setup.name, " is left"));
    for (const Channel& channel : peer.channels) {
      if (channel.others) continue;
      if (!attempted_.contains(channel.funding.txid)) {
        left.push_back(str("a channel with ", peer.setup.name, " is left, state ", channel.state));
      } else if (channel.withheld) {
        left.push_back(str("the channel with ", peer.setup.name, " still is withheld"));
      }
    }
  }
  return left;
}

}  // namespace sim
