#include "rivals/abort.hpp"

#include <algorithm>
#include <utility>

#include "chain/depth.hpp"
#include "context/calls.hpp"
#include "context/looks.hpp"
#include "sending/found_channels.hpp"
#include "sending/send_verdict.hpp"
#include "util/str.hpp"
#include "wallet/holds.hpp"

namespace rivals {

using lightningd::NodeInfo;
using util::Result;
using util::str;

Abort::Abort(context::Calls calls, const ledger::Book& book, std::shared_ptr<ledger::Ledger> ledger)
    : calls_(std::move(calls)), book_(book), ledger_(std::move(ledger)) {}

void Abort::look(Done done) {
  done_ = std::move(done);
  auto listed = [this](const Result<Transactions>& transactions) {
    if (!transactions) return wait(transactions.error().message);
    auto told = [this, all = *transactions](const Result<NodeInfo>& node) {
      if (!node) return wait(node.error().message);
      judge(all, node->blockheight);
    };
    calls_.client.getinfo(calls_.local<NodeInfo>("getinfo", std::move(told)));
  };
  chain::ChainLook(calls_.client).all_recorded(calls_.local<Transactions>("listtransactions", std::move(listed)));
}

void Abort::judge(const Transactions& transactions, std::uint32_t height) {
  height_ = height;
  auto done = std::exchange(done_, nullptr);
  if (const auto depth = depth_of_own(*ledger_->plan, transactions, height); depth > 0) {
    depth_ = depth;
    if (depth >= chain::deep_enough)
      return done(Outcome::lost, "the batch's own transaction has confirmed, the abort is over");
    return done(Outcome::waiting, str("the batch's own transaction is in the chain, ", depth, " of ",
                                      chain::deep_enough, " blocks deep"));
  }
  const auto rival = find_rival(*ledger_->plan, transactions, height);
  if (!rival) return done(Outcome::unsent, "");
  depth_ = rival->depth;
  const auto what = str("an input is spent by ", rival->txid.hex(), ", which is ", rival->depth, " of ",
                        chain::deep_enough, " blocks deep");
  done(rival->is_final() ? Outcome::won : Outcome::waiting, what);
}

void Abort::send(Done done) {
  done_ = std::move(done);
  auto psbt = psbt::Psbt::from_base64(*ledger_->abort->psbt);
  if (!psbt || !is_as_recorded(*psbt)) {
    return wait("the abort's transaction is not signed: it is not the one of the record");
  }
  output_ = psbt->outputs()[0];
  if (ledger_->abort->is_script_ours) return look_at_channels();
  sending::ask_ownership(calls_, output_.script,
                         [this](const Result<sending::Ownership>& ownership) { owned(ownership); });
}

// Whoever can make records that the plugin believes would have the coins otherwise.
void Abort::owned(const Result<sending::Ownership>& ownership) {
  if (!ownership) return wait(ownership.error().message);
  switch (*ownership) {
    case sending::Ownership::ours:
      ledger_->abort->script_is_ours();
      return look_at_channels();
    case sending::Ownership::foreign:
      return wait("the abort's transaction is not signed: its output is not the wallet's");
    case sending::Ownership::unknown:
      return wait(
          "the abort's transaction is not signed: it was made before the plugin's start, and this lightningd cannot "
          "tell "
          "whether its output is the wallet's; call multifundchannel-abort again");
  }
}

// One that needs no confirmations may have come to be in use since the user has decided.
void Abort::look_at_channels() {
  auto listed = [this](const Result<Channels>& channels) {
    if (!channels) return wait(channels.error().message);
    const auto* used = sending::find_in_use(*ledger_, *channels);
    if (used == nullptr) return look_at_inputs();
    wait(str("the abort's transaction is not signed: channel ", used->funding->str(),
             " is in use by now, and its peer ", used->peer.hex(),
             " counts on the batch's transaction; multifundchannel-forget ends the wait"));
  };
  context::look_at_channels(calls_, std::nullopt, std::move(listed));
}

void Abort::look_at_inputs() {
  context::look_at_coins(calls_, [this](const Result<Outputs>& outputs) {
    if (!outputs) return wait(outputs.error().message);
    sign(*outputs);
  });
}

bool Abort::is_as_recorded(const psbt::Psbt& psbt) const {
  const auto& record = *ledger_->abort;
  return ledger_->phase == ledger::BatchPhase::sending && psbt.txid() == record.txid && psbt.spends(record.inputs) &&
         psbt.outputs().size() == 1 &&
         std::all_of(record.inputs.begin(), record.inputs.end(),
                     [this](const auto& input) { return ledger_->reservation.heights.contains(input); });
}

// lightningd signs what anybody has reserved, and the abort's would replace what another batch has sent with that.
void Abort::sign(const Outputs& outputs) {
  const auto& inputs = ledger_->abort->inputs;
  const wallet::Holds held(outputs, *ledger_, book_);
  const auto foreign = std::find_if(inputs.begin(), inputs.end(),
                                    [&held](const bitcoin::Outpoint& input) { return !held.is_ours(input); });
  if (foreign != inputs.end()) {
    return wait(
        str("the abort's transaction is not signed: input ", foreign->str(),
            " is spent, or another program has reserved it; call multifundchannel-abort again to spend others"));
  }
  if (!pays_recorded_fee(outputs)) {
    return wait("the abort's transaction is not signed: its fee is not the one of the record");
  }
  calls_.client.signpsbt(
      ledger_->abort->psbt,
      calls_.local<util::SharedText>("signpsbt", [this](const Result<util::SharedText>& text) { signed_psbt(text); }));
}

bool Abort::pays_recorded_fee(const Outputs& outputs) const {
  const auto& record = *ledger_->abort;
  bitcoin::Sat in;
  for (const auto& output : outputs) {
    const bool spent = std::find(record.inputs.begin(), record.inputs.end(), output.outpoint) != record.inputs.end();
    if (spent) in = in + output.amount;
  }
  return in == output_.amount + record.fee;
}

// Sent again each time: neither lightningd nor a bitcoind that has lost its mempool does so. No blocks are added to
// the reservation, which is kept by the settlement.
void Abort::signed_psbt(const Result<util::SharedText>& text) {
  if (!text) return wait(str("signpsbt: ", text.error().message));
  const auto psbt = psbt::Psbt::from_base64(**text);
  if (!psbt || psbt->txid() != ledger_->abort->txid) return wait("signpsbt answered another transaction");
  auto answered = [this](const Result<lightningd::Sent>& answer) {
    const auto sent = str("sent ", ledger_->abort->txid.hex(), ", which spends input ", ledger_->abort->inputs[0].str(),
                          ledger_->abort->inputs.size() > 1 ? " and others" : "");
    if (answer) return wait(sent);
    const auto said = sending::refusal_text(answer.error());
    if (sending::verdict_on(answer.error()) != sending::SendVerdict::refused)
      return wait(str("sending the abort's transaction: ", said));
    wait(str("bitcoind refuses the abort's transaction (", said,
             "): call multifundchannel-abort again, with a higher feerate"));
  };
  calls_.client.sendpsbt(util::share(psbt->base64(2)), 0,
                         calls_.local<lightningd::Sent>("sendpsbt", std::move(answered)));
}

void Abort::wait(const std::string& what) { std::exchange(done_, nullptr)(Outcome::waiting, what); }

}  // namespace rivals
