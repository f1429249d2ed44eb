#include "recovery/resending.hpp"

#include <utility>

#include "context/looks.hpp"
#include "sending/below_floor.hpp"
#include "sending/evidence.hpp"
#include "sending/found_channels.hpp"
#include "sending/own_script.hpp"
#include "sending/result.hpp"
#include "sending/send_psbt.hpp"
#include "sending/send_verdict.hpp"
#include "util/str.hpp"

namespace recovery {

using report::BatchState;
using util::Error;
using util::Result;
using util::str;

// The commitments of all peers are secured. The inputs must still be ours.
void Resending::run(bool never_sent) {
  if (batch_.must_wait()) return retry("lightningd has not answered reserveinputs yet");
  if (!batch_.journal->surely_completes()) return record_sending(never_sent);
  // Only what is impossible has been freed with its channels still there.
  if (!batch_.ledger->reservation.held()) return owner_.not_complete("its inputs are free already", never_sent);
  batch_.keep_coins([this, never_sent](const Result<wallet::Holding::Taken>& taken) {
    if (!taken) return retry(taken.error().message);
    if (!*taken) return prove_change([this, never_sent] { check_channels([this, never_sent] { sign(never_sent); }); });
    owner_.not_complete(str("input ", (*taken)->str(), " is spent, or another program has reserved it"), never_sent);
  });
}

// A save may have been overtaken by what has stopped the Settlement before this one.
void Resending::record_sending(bool never_sent) {
  batch_.save(
      [this, never_sent](const Result<void>& saved) { saved ? run(never_sent) : retry(saved.error().message); });
}

// That of a record; in a batch that ran in this process lightningd has proposed it just now. Where lightningd cannot be
// asked (before v24.11), the record is believed.
void Resending::prove_change(util::Function<void()> then) {
  if (!batch_.ledger->plan->change || batch_.ledger->plan->is_change_ours) return then();
  sending::ask_ownership(batch_.calls, *batch_.ledger->plan->change,
                         [this, then = std::move(then)](const Result<sending::Ownership>& ownership) mutable {
                           if (!ownership) return retry(ownership.error().message);
                           if (*ownership == sending::Ownership::foreign) {
                             return owner_.retry("the transaction is not signed: its change is not the wallet's",
                                                 BatchState::unsettled);
                           }
                           batch_.ledger->plan->change_is_ours(*ownership == sending::Ownership::ours);
                           then();
                         });
}

void Resending::sign(bool never_sent) {
  auto signed_psbt = [this, never_sent](const Result<util::SharedText>& text) {
    if (!text) return retry(str("signpsbt: ", text.error().message));
    const auto psbt = psbt::Psbt::from_base64(**text);
    if (!psbt || psbt->txid() != batch_.ledger->plan->txid) return retry("signpsbt answered another transaction");
    auto send_it = [this, final_psbt = sending::to_send(*psbt, *batch_.ledger->plan)] { send(final_psbt); };
    never_sent ? check_floor(*psbt, std::move(send_it)) : check_channels(std::move(send_it));
  };
  auto bare = psbt::Psbt::from_base64(*batch_.ledger->plan->psbt);
  if (!bare) return owner_.retry(str("psbt: ", bare.error().message), BatchState::unsettled);
  bare->strip();  // what a map says of how to sign would be done
  batch_.calls.client.signpsbt(util::share(bare->base64(0)),
                               batch_.calls.local<util::SharedText>("signpsbt", signed_psbt));
}

// A first sendpsbt that is refused would leave the signed transaction in the channels, for lightningd to send it at its
// next start.
void Resending::check_floor(const psbt::Psbt& psbt, util::Function<void()> then) {
  auto told = [this, psbt, then = std::move(then)](const Result<lightningd::FeerateLimits>& feerates) mutable {
    const auto lacking = feerates ? sending::below_floor(psbt, feerates->floor) : std::nullopt;
    if (!lacking) return check_channels(std::move(then));
    owner_.refused(*lacking + ": it is sent when that has fallen");
  };
  batch_.calls.client.feerates(batch_.calls.local<lightningd::FeerateLimits>("feerates", std::move(told)));
}

// A peer that sends an error makes lightningd drop a withheld channel at any moment.
void Resending::check_channels(util::Function<void()> then) {
  auto listed = [this, then = std::move(then)](const Result<Channels>& channels) mutable {
    if (!channels) return retry(channels.error().message);
    const sending::FoundChannels found = sending::find_channels(*batch_.ledger, *channels);
    if (found.present != found.wanted) return owner_.judge(*channels);
    const sending::Evidence evidence(*batch_.ledger, batch_.ledger->plan->psbt);
    const auto plain = evidence.check(*channels, sending::Evidence::Channels::withheld_or_released);
    if (!plain) return owner_.retry(plain.error().message, BatchState::unsettled);
    then();
  };
  context::look_at_channels(batch_.calls, std::nullopt, std::move(listed));
}

void Resending::send(const util::SharedText& signed_psbt) {
  batch_.ledger->send_begins();
  batch_.note(str("sending ", batch_.ledger->plan->txid.hex()));
  auto answered = [this](const Result<lightningd::Sent>& answer) {
    if (answer) return owner_.sent();
    not_sent(answer.error());
  };
  sending::send_psbt(batch_.calls, signed_psbt, batch_.ledger,
                     batch_.calls.local<lightningd::Sent>("sendpsbt", std::move(answered)));
}

// Nothing of what is refused is taken back here: an earlier attempt may have ended in doubt, or the caller has sent the
// transaction by another node. Our bitcoind does not want it now, but another one may have it.
void Resending::not_sent(const Error& error) {
  batch_.wait_for_lost_send();
  const bool closed = !batch_.may_still_be_sent() && batch_.process.node.withhold;
  const bool refused = closed && sending::verdict_on(error) == sending::SendVerdict::refused;
  if (!refused) return retry(str("sendpsbt: ", error.message));
  owner_.refused("bitcoind refuses it: " + sending::refusal_text(error));
}

}  // namespace recovery
