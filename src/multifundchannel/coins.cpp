#include "multifundchannel/coins.hpp"

#include <map>
#include <utility>

#include "multifundchannel/local_call.hpp"
#include "util/log.hpp"

namespace multifundchannel {

using funding::Psbt;
using lightningd::Funded;
using lightningd::Outpoint;
using lightningd::Reply;
using lightningd::Reservation;
using lightningd::Sat;
using lightningd::WalletOutput;
using util::Error;
using util::Result;
using util::str;

namespace {

Result<funding::Template> read_template(const Funded& funded) {
  auto psbt = Psbt::from_base64(funded.psbt);
  if (!psbt) return Error{-1, str("the wallet's PSBT: ", psbt.error().message), {}};
  funding::Template draft;
  draft.psbt = std::move(*psbt);
  draft.feerate = funded.feerate;
  draft.weight = funded.estimated_final_weight;
  draft.excess = Sat{funded.excess.value / 1000};
  draft.has_change = funded.change_outnum.has_value();
  if (const auto checked = funding::check_inputs(draft.psbt); !checked) return checked.error();
  return draft;
}

void record_heights(funding::ReservationRecord& record, const std::vector<Reservation>& reservations) {
  for (const auto& reservation : reservations) record.heights[reservation.outpoint] = reservation.reserved_to_block;
}

void record_first(funding::ReservationRecord& record, std::uint32_t blocks, const Result<Funded>& funded) {
  if (funded) {
    record.psbt = util::share(funded->psbt);
    record.blocks = blocks;
    record_heights(record, funded->reservations);
  } else if (lightningd::in_doubt(funded.error())) {
    util::warn("it is in doubt whether inputs were reserved; if so, they are free again after ", blocks, " blocks");
  }
  record.answered();
}

/// `fresh`: the inputs were free, so the blocks are all there are.
void record_more(funding::ReservationRecord& record, bool fresh, const Result<std::vector<Reservation>>& reservations) {
  if (reservations) {
    record.blocks = record.doubtful_blocks + (fresh ? 0 : record.blocks);
    record_heights(record, *reservations);
  }
  if (reservations || !lightningd::in_doubt(reservations.error())) record.doubtful_blocks = 0;
  record.answered();
}

/// How an input that we reserved stands in the wallet now.
enum class Hold { ours, free, somebody_elses, spent };

Hold hold_on(const std::vector<WalletOutput>& outputs, const Outpoint& outpoint, std::uint32_t height,
             std::uint32_t doubtful_blocks) {
  for (const auto& output : outputs) {
    if (output.outpoint != outpoint) continue;
    if (output.status == "spent") return Hold::spent;
    if (!output.reserved) return Hold::free;
    const auto to = output.reserved_to_block;
    return to == height || to == height + doubtful_blocks ? Hold::ours : Hold::somebody_elses;
  }
  return Hold::spent;
}

}  // namespace

Coins::Coins(spark::Scope& scope, const lightningd::Client& client, const Settings& settings,
             std::shared_ptr<funding::Ledger> ledger)
    : scope_(scope), client_(client), settings_(settings), ledger_(std::move(ledger)) {}

void Coins::reserve(const Choice& choice, const Payees& payees, Reply<Proposal> then) {
  choice_ = choice;
  fund(payees, true, std::move(then));
}

void Coins::repropose(const Payees& payees, Reply<Proposal> then) { fund(payees, false, std::move(then)); }

void Coins::fund(const Payees& payees, bool first, Reply<Proposal> then) {
  lightningd::FundParams params;
  params.all = payees.all;
  params.amount = payees.fixed;
  params.feerate = str(choice_.feerate.value, "perkw");
  params.startweight = funding::start_weight(payees.count);
  params.opening_anchor_channel = choice_.anchor_channel;
  auto guarded =
      local_call<Funded>(scope_, settings_, "fundpsbt or utxopsbt",
                         [this, payees, first, then = std::move(then)](const Result<Funded>& answer) mutable {
                           funded(payees, first, std::move(then), answer);
                         });
  if (!first) {
    std::vector<Outpoint> held;
    for (const auto& [outpoint, height] : ledger_->reservation.heights) held.push_back(outpoint);
    client_.utxopsbt(params, held, true, std::move(guarded));
    return;
  }

  // What was reserved is recorded whoever still listens; the rest runs only while the batch lives.
  params.reserve_blocks = settings_.first_reservation;
  ledger_->reservation.sent();
  auto recorded = [ledger = ledger_, blocks = params.reserve_blocks,
                   guarded = std::move(guarded)](Result<Funded> answer) mutable {
    record_first(ledger->reservation, blocks, answer);
    guarded(std::move(answer));
  };
  if (choice_.has_utxos) {
    client_.utxopsbt(params, choice_.utxos, false, std::move(recorded));
  } else {
    client_.fundpsbt(params, choice_.minconf, std::move(recorded));
  }
}

void Coins::funded(const Payees& payees, bool first, Reply<Proposal> then, const Result<Funded>& answer) {
  if (!answer) return then(answer.error());
  auto draft = read_template(*answer);
  if (!draft) return then(draft.error());
  Proposal proposal{std::move(*draft), Sat{}};
  if (payees.all) {
    const auto amount = funding::all_amount(proposal.draft, payees.fixed, payees.count);
    if (!amount) return then(amount.error());
    if (*amount > payees.all_cap) return fund_capped(payees, first, std::move(then));
    proposal.all_amount = *amount;
  }
  then(std::move(proposal));
}

// Without large channels `all` is capped, and the rest is change. Other inputs may do then, so the
// first choice is given back and made anew.
void Coins::fund_capped(const Payees& payees, bool first, Reply<Proposal> then) {
  const Payees capped{payees.count, payees.fixed + payees.all_cap, false, {}};
  auto with_cap = [cap = payees.all_cap, then = std::move(then)](Result<Proposal> proposal) mutable {
    if (proposal) proposal->all_amount = cap;
    then(std::move(proposal));
  };
  if (!first) return fund(capped, false, std::move(with_cap));
  release([this, capped, then = Reply<Proposal>(std::move(with_cap))](const Result<void>& released) mutable {
    if (!released) return then(released.error());
    fund(capped, true, std::move(then));
  });
}

void Coins::extend(Reply<void> then) {
  if (extended_) {
    scope_.runtime().post(scope_.guard<>("extended", [then = std::move(then)]() mutable { then({}); }));
    return;
  }
  extended_ = true;
  reserve_inputs(ledger_->reservation.psbt, false, settings_.longer_reservation, std::move(then));
}

void Coins::reserve_inputs(const util::SharedText& psbt, bool exclusive, std::uint32_t blocks, Reply<void> then) {
  using Answer = Result<std::vector<Reservation>>;
  auto guarded = local_call<std::vector<Reservation>>(scope_, settings_, "reserveinputs",
                                                      [then = std::move(then)](const Answer& answer) mutable {
                                                        then(answer ? Result<void>() : Result<void>(answer.error()));
                                                      });
  ledger_->reservation.sent();
  ledger_->reservation.doubtful_blocks = blocks;
  client_.reserveinputs(psbt, exclusive, blocks,
                        [ledger = ledger_, exclusive, guarded = std::move(guarded)](Answer answer) mutable {
                          record_more(ledger->reservation, exclusive, answer);
                          guarded(std::move(answer));
                        });
}

void Coins::hold(Reply<void> then) {
  listfunds([this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    reserve_lost(std::move(then), *outputs);
  });
}

void Coins::reserve_lost(Reply<void> then, const Outputs& outputs) {
  auto& record = ledger_->reservation;
  std::vector<Outpoint> lost;
  for (const auto& [outpoint, height] : record.heights) {
    const Hold hold = hold_on(outputs, outpoint, height, record.doubtful_blocks);
    if (hold == Hold::free) lost.push_back(outpoint);
    if (hold == Hold::spent || hold == Hold::somebody_elses) {
      return then(Error{-1, str("input ", outpoint.str(), " was taken by somebody else meanwhile"), {}});
    }
  }
  if (lost.empty()) return then({});
  const auto psbt = with_inputs(lost);
  if (!psbt) return then(psbt.error());
  reserve_inputs(*psbt, true, record.blocks, std::move(then));
}

void Coins::release(Reply<void> then) {
  listfunds([this, then = std::move(then)](const Result<Outputs>& outputs) mutable {
    if (!outputs) return then(outputs.error());
    release_ours(std::move(then), *outputs);
  });
}

void Coins::release_ours(Reply<void> then, const Outputs& outputs) {
  auto& record = ledger_->reservation;
  std::vector<Outpoint> ours;
  bool extended = false;
  for (const auto& [outpoint, height] : record.heights) {
    const Hold hold = hold_on(outputs, outpoint, height, record.doubtful_blocks);
    if (hold == Hold::somebody_elses) util::info("input ", outpoint.str(), " is reserved by somebody else now");
    if (hold != Hold::ours) continue;
    ours.push_back(outpoint);
    extended = extended || hold_on(outputs, outpoint, height, 0) != Hold::ours;
  }
  if (ours.empty()) {
    record.released();
    return then({});
  }
  const auto psbt = with_inputs(ours);
  if (!psbt) return then(psbt.error());
  const auto blocks = record.blocks + (extended ? record.doubtful_blocks : 0);
  using Answer = Result<std::vector<Reservation>>;
  client_.unreserveinputs(
      *psbt, blocks,
      local_call<std::vector<Reservation>>(scope_, settings_, "unreserveinputs",
                                           [this, then = std::move(then)](const Answer& answer) mutable {
                                             if (!answer) return then(answer.error());
                                             ledger_->reservation.released();
                                             then({});
                                           }));
}

// The reservation's PSBT with the other inputs removed; lightningd looks at outpoints only.
Result<util::SharedText> Coins::with_inputs(const std::vector<Outpoint>& outpoints) const {
  const auto& record = ledger_->reservation;
  if (outpoints.size() == record.heights.size()) return record.psbt;
  auto psbt = Psbt::from_base64(*record.psbt);
  if (!psbt) return psbt.error();
  psbt->keep_inputs(outpoints);
  return util::share(psbt->base64(0));
}

void Coins::listfunds(Reply<Outputs> then) {
  client_.listfunds(local_call<Outputs>(scope_, settings_, "listfunds", std::move(then)));
}

}  // namespace multifundchannel
