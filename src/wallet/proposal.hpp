#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "funding/division.hpp"
#include "funding/economy.hpp"
#include "funding/funding_transaction.hpp"
#include "lightningd/client.hpp"
#include "request/request.hpp"
#include "util/result.hpp"

namespace wallet {

/// Who is to be paid in one round.
struct Payees {
  funding::Outputs outputs{};            ///< of all, with and without a share
  bitcoin::Sat fixed;                    ///< sum of the amounts of those without
  std::vector<request::Claim> claims{};  ///< of those with
  std::vector<bitcoin::Sat> amounts{};   ///< of those without, one by one
  /// What the wallet itself has to get back with shares: what the user wants to keep; and when coins were left out,
  /// what lightningd would keep for emergencies if these did not count. They would be worth little then.
  bitcoin::Sat least_change{};
  bitcoin::Sat keep_change{};  ///< what the user wants to get back at least

  /// Adds the request's payments, and what it wants to keep.
  void add_payments(const request::Request& request);
};

/// By Claim::payee.
using Shares = std::map<std::size_t, bitcoin::Sat>;

/// What the payment gets, with these shares.
[[nodiscard]] bitcoin::Sat amount_of(const request::Request& request, const request::Payment& payment,
                                     const Shares& shares);

/// How to choose inputs.
struct Choice {
  bitcoin::Perkw feerate;
  std::uint32_t minconf = 1;
  std::vector<bitcoin::Outpoint> utxos;  ///< exactly these, when has_utxos
  bool has_utxos = false;
  bool anchor_channel = false;  ///< the wallet's emergency reserve must stay
};

/// How the wallet was asked.
enum class Round {
  first,     ///< with any coins, or those that the user chose
  worthy,    ///< with those that are worth it, after a first round that could not pay for the others
  narrowed,  ///< with those of the first round that are worth it
  again,     ///< with the same coins for other payees
};

/// What the wallet offers for the payees.
struct Proposal {
  funding::Template draft;
  Shares shares;                          ///< what each share gets
  bitcoin::Sat paid;                      ///< to all payees together
  std::vector<funding::Coin> left_out{};  ///< coins that would cost more than they bring
};

/// What the wallet's answer comes to: a proposal, or another question.
struct Reading {
  std::optional<Proposal> proposal;
  Shares shares;   ///< when there is none: what each share gets...
  Payees settled;  ///< ...for which the wallet is to be asked again, with the shares as fixed amounts,
  std::vector<funding::Coin> left_out{};  ///< without these coins...
  bool choose_again = false;              ///< ...or with any coins...
  std::vector<bitcoin::Outpoint> coins;   ///< ...or with these, the same
  std::string trimmed{};                  ///< for the log: `all` was more than the peer takes
};

/// `then` gets the proposal with these shares in it, for which it was asked again; with its own when there are none.
[[nodiscard]] lightningd::Reply<Proposal> with_shares(Shares shares, lightningd::Reply<Proposal> then);
/// `then` gets the proposal with these coins in it, without which it was asked again.
[[nodiscard]] lightningd::Reply<Proposal> with_left_out(std::vector<funding::Coin> coins,
                                                        lightningd::Reply<Proposal> then);

/// What fundpsbt and utxopsbt are asked, apart from coins and reservation. What the user wants to keep decides which
/// coins are chosen, and is change then.
[[nodiscard]] lightningd::FundParams fund_params(bitcoin::Perkw feerate, bool anchor_channel, const Payees& payees,
                                                 Round round);
/// Asks lightningd for them: utxopsbt, where the choice names the coins, or fundpsbt.
void choose_coins(const lightningd::Client& client, const lightningd::FundParams& params, const Choice& choice,
                  lightningd::Reply<lightningd::Funded> then);

/// An error of fundpsbt or utxopsbt: what part `keep_change` has in a shortage is said as well.
[[nodiscard]] util::Error about_change(util::Error error, const Payees& payees, bitcoin::Perkw feerate);
/// Whether the change is what the user wants to keep, and bitcoind relays a transaction with so many payments. The
/// error (301, -32602) says how much it would be.
[[nodiscard]] util::Result<void> check_wishes(const bitcoin::Cost& cost, const request::Request& request);

/// Reads the answer for these payees; `free_choice` when lightningd chose the coins. Errors: -1 for a PSBT that
/// cannot be read, -32602 for an input that is not native segwit and for shares that are too small.
[[nodiscard]] util::Result<Reading> read_answer(const lightningd::Funded& funded, const Payees& payees, Round round,
                                                bool free_choice);

/// Whether a first round may have failed because of coins that are not worth their fee.
[[nodiscard]] bool may_be_dust(const util::Error& error, const Payees& payees, Round round, bool free_choice);
/// Then: what shows which coins there are, and what has to stay for emergencies. At the lowest feerate, coins that are
/// not worth it cost the least.
[[nodiscard]] lightningd::FundParams survey_params(bool anchor_channel, const Payees& payees);
/// What such an answer comes to at the wanted feerate: the worthy coins and those that are left out; or nothing, when
/// these are not the reason.
[[nodiscard]] std::optional<Reading> read_survey(const lightningd::Funded& funded, bitcoin::Perkw feerate,
                                                 const Payees& payees);

/// Who offers large channels as we do takes any amount as a share, others up to the limit.
[[nodiscard]] bitcoin::Sat most_for(const lightningd::Features& node, const lightningd::Features& peer);

}  // namespace wallet
