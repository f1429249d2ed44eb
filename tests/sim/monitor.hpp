#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <string_view>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "lightningd/ids.hpp"
#include "sim/announcements.hpp"
#include "sim/chain.hpp"
#include "sim/peers.hpp"
#include "sim/raw_psbt.hpp"
#include "sim/request.hpp"
#include "sim/tellings.hpp"
#include "sim/users_wallet.hpp"
#include "sim/wallet.hpp"

namespace sim {

/// The invariants of the design, by their numbers there.
enum class Invariant {
  secured_before_signing = 1,
  nothing_undone_after_sending,
  nothing_left,
  one_reply,
  others_untouched,
  every_destination_once,
  ends_in_time,
  transaction_is_right,
  never_crashes,  ///< nor does anything that would make lightningd kill it
  no_secret_logged,
  signs_only_ours,  ///< each output is the funding of a channel of ours, or the wallet's
  texts_are_clean,
  inputs_stay_reserved,  ///< while a batch waits for its peers
  told_last,             ///< is a peer that keeps a channel whose transaction is given up
  told_while_all_are_there,
  told_in_vain_is_known,
  label_opens_once,
  sent_by_its_user,  ///< what waits for that
  announced_rightly,
  bump_is_ours,             ///< it pays the wallet, is asked for, and on record before it is signed
  recorded_before_signing,  ///< or, if its user signs it, before it is sent
};

/// "invariant 3 (nothing left): text".
[[nodiscard]] std::string describe(Invariant invariant, std::string_view text);

/// Watches what is done to the node and notes everything that breaks an invariant of the design, at
/// the moment it happens. Owned by the node; its other parts tell it. What only shows in the end is
/// for settled.hpp.
class Monitor {
 public:
  /// What it looks at.
  struct Scene {
    Wallet& wallet;
    Peers& peers;
    const Chain& chain;
    const UsersWallet& users;
  };

  /// `prompt`: no call is held up.
  Monitor(const Scene& scene, bool prompt);

  void violation(Invariant invariant, std::string_view text) { violations_.push_back(describe(invariant, text)); }
  [[nodiscard]] const std::vector<std::string>& violations() const { return violations_; }

  /// fundchannel_start answered: this is what the peer was told.
  void told(const Peer& peer, const Opening& opening);
  [[nodiscard]] bool was_told(const util::Bytes& script) const { return told_.contains(script); }
  /// fundchannel_complete is about to go out, for a transaction with these outputs.
  void completing(const Peer& peer, const std::vector<bitcoin::TxOutput>& outputs, const Asked& asked,
                  spark::Duration now);
  /// It has answered.
  void secured(const bitcoin::Outpoint& funding) { tellings_.secured(funding); }
  /// A ping goes out, or is `refused` by lightningd. Gives its number.
  std::size_t pinging(const Peer& peer, bool refused, const Asked& asked);
  void ponged(std::size_t ping, spark::Duration now) { tellings_.pong(ping, now); }
  [[nodiscard]] const Tellings& tellings() const { return tellings_; }
  /// fundpsbt or utxopsbt chose the coin, for a transaction of this feerate.
  void funding(const Coin& coin, std::uint32_t feerate);
  /// The same transaction's change output, which tells it from others that spend the same coins.
  void planned(const util::Bytes& change, std::uint32_t feerate) { plans_[change] = feerate; }
  /// Whether `all` took the coin although it costs at least what it brings; what the user chose is never at a loss.
  void at_a_loss(const bitcoin::Outpoint& coin, bool loss) {
    loss ? (void)losses_.insert(coin) : (void)losses_.erase(coin);
  }
  /// What fundpsbt has answered to `all`.
  struct Choice {
    std::set<bitcoin::Outpoint> all, worthy;  ///< its coins, and those that are worth their fee: none, when all are
    bitcoin::Sat change;                      ///< for the reserve
  };
  /// It has answered the batch.
  void chosen(const Asked& asked, Choice choice);
  /// utxopsbt has answered `all` for these coins: those of other users may be free, or taken, by now.
  void proposed_again(const Asked& asked, const std::set<bitcoin::Outpoint>& coins, bitcoin::Sat change);
  /// What a caller wants the transaction to pay beside its channels, and what goes with it.
  struct Wanted {
    std::map<util::Bytes, std::optional<bitcoin::Sat>> payments{};  ///< by script; nothing: a share
    std::size_t minchannels = 1;
    bitcoin::Sat keep_change{};
  };
  void wanted(const std::string& origin, Wanted wanted) { wanted_by_origin_[origin] = std::move(wanted); }
  /// Every script that a caller wants to be paid.
  [[nodiscard]] bool is_payment(const util::Bytes& script) const;

  void signing(const RawPsbt& psbt, const Asked& asked, spark::Duration now);
  /// What is carried out now was asked for over a connection that has ended: a signature gets to nobody.
  void nobody_hears(bool nobody) { nobody_hears_ = nobody; }
  /// sendpsbt got past all that could refuse it: from here on it may be broadcast.
  void sending(const RawPsbt& psbt, std::uint32_t version, const Asked& asked, spark::Duration now);
  /// Every transaction that may have been broadcast.
  [[nodiscard]] const std::map<bitcoin::Txid, bitcoin::Transaction>& attempted() const { return attempted_; }
  [[nodiscard]] bool send_attempted(const Coin& coin) const { return attempted_inputs_.contains(coin.outpoint); }
  /// Whether the user has aborted a batch.
  [[nodiscard]] bool any_aborted() const { return !abort_confirmed_.empty(); }
  /// Transactions that spend a coin of a batch back to the wallet, and were signed.
  [[nodiscard]] const std::set<bitcoin::Txid>& aborts() const { return aborts_; }
  /// Whether a peer's error ended the channel between the plugin's last look and its sendpsbt.
  [[nodiscard]] bool lost_in_between(const bitcoin::Outpoint& funding) const {
    return lost_in_between_.contains(funding);
  }
  /// One of its inputs went into something else: it never can be broadcast any more.
  [[nodiscard]] bool is_dead(const bitcoin::Transaction& transaction) const;
  /// Another transaction spends one of its inputs, six blocks deep or so many.
  [[nodiscard]] bool is_impossible(const bitcoin::Transaction& transaction, std::uint32_t depth = 6) const;
  /// Whether the plugin has closed the channel.
  [[nodiscard]] bool closed(const Channel& channel) const { return closed_.contains(channel.funding); }
  /// bitcoind has refused it: it is nowhere but in lightningd's channels.
  void refused(const bitcoin::Txid& txid) { refused_.insert(txid); }
  /// lightningd will not answer this sendpsbt: whoever asked waits for it.
  void unanswered(const bitcoin::Txid& txid) { unanswered_[txid] = life_; }
  [[nodiscard]] bool waits_for_answer(const bitcoin::Txid& txid) const {
    const auto asked = unanswered_.find(txid);
    return asked != unanswered_.end() && asked->second == life_;
  }
  /// bitcoind has it.
  void accepted(const bitcoin::Txid& txid);

  /// A peer's error ends the withheld channel.
  void failing(const Channel& channel, spark::Duration now) { failed_[channel.funding] = now; }
  /// The plugin starts: what it did before it knows from its records only.
  void plugin_starts() {
    ++life_;
    plugin_lives_ = true;
  }
  /// It was killed, or has ended.
  void plugin_ends() { plugin_lives_ = false; }
  [[nodiscard]] bool was_restarted() const { return life_ > 1; }
  /// The user has confirmed multifundchannel-abort for this batch.
  void abort_confirmed(const std::string& batch);
  /// Whether its user has confirmed that it is given up.
  [[nodiscard]] bool is_aborted(const std::string& batch) const;
  /// The user is about to send it himself, whatever has become of its channels.
  void broadcast_by_user(const bitcoin::Transaction& transaction);
  /// Every transaction that he has sent.
  [[nodiscard]] const std::map<bitcoin::Txid, bitcoin::Transaction>& sent_by_user() const { return by_user_; }
  /// The channel had gone before, or by a peer's error: lightningd forgets it then, as long as it is withheld.
  [[nodiscard]] bool is_users_loss(const bitcoin::Outpoint& funding) const {
    return by_user_.contains(funding.txid) && (lost_by_user_.contains(funding) || failed_.contains(funding));
  }
  /// The user has called multifundchannel-finish for this batch.
  void finish_asked(const std::string& batch) { finish_asked_.insert(batch.substr(0, 8)); }
  /// The plugin has told other plugins of a batch.
  void announced(const std::string& topic, std::string_view params);
  [[nodiscard]] const Announcements& announcements() const { return announcements_; }
  /// The user has confirmed multifundchannel-forget for this batch.
  void forget_confirmed(const std::string& batch) { announcements_.forgotten(batch); }
  /// The plugin has removed this record.
  void record_removed(const std::string& batch) {
    if (plugin_lives_) announcements_.removed(batch);
  }
  /// Transactions that pay for another one, and were signed.
  [[nodiscard]] const std::set<bitcoin::Txid>& bumps() const { return bumps_; }
  /// The user has called multifundchannel-bump, and not only to see what it would do.
  void bump_asked() { bump_asked_ = true; }
  /// The plugin has written its record of bumps.
  void bumps_recorded(const util::Bytes& data) { bumps_recorded_.assign(data.begin(), data.end()); }
  /// The plugin has written this record.
  void recorded(const std::string& batch, const util::Bytes& data);
  /// Another program has changed what the plugin had recorded: it knows no better. `withholds`: lightningd still shows
  /// whether a channel's transaction may be out.
  void tampered(bool withholds) {
    tampered_ = true;
    misled_ = !withholds;
  }
  /// Nothing tells the plugin any more that it has tried to send a transaction.
  [[nodiscard]] bool misled() const { return misled_; }
  /// Calls of this origin are made for that batch.
  void named(const std::string& origin, const std::string& batch);
  /// listfunds shows the coins.
  void looked_at_coins(const std::string& origin, spark::Duration now);
  /// listpeerchannels shows the channels, of one peer or of all.
  void looked(const std::string& origin, const std::optional<lightningd::NodeId>& peer, spark::Duration now);
  /// close takes the channel.
  void ending(const Channel& channel, const char* by);
  /// fundchannel_cancel takes the peer's first channel that awaits lock-in: that should be its caller's.
  void cancelling(const Peer& peer, const Channel& channel, const Asked& asked);
  /// So does something that kills openingd.
  void ending(const Peer& peer, const Opening& opening, const char* by, const Asked& asked);
  /// A free coin is about to be reserved.
  void reserving(Coin& coin, const Asked& asked, spark::Duration now) const;
  /// lightningd has seen a block.
  void mined(std::uint32_t height, spark::Duration now) { mined_[height] = now; }
  /// Whoever reserved coins just now will not hear of it, or late.
  void nobody_heard(const Asked& asked, spark::Duration now);
  /// unreserveinputs has reduced the reservation.
  void unreserved(Coin& coin, const Asked& asked, spark::Duration now);
  /// `close` is about to free it, whoever has reserved it: lightningd does so for a withheld channel.
  void freeing(Coin& coin, const Asked& asked, spark::Duration now);

  /// Whatever it remembers of what is over: it is slow to look through the past of very many batches.
  void forget_past();

  /// A signed PSBT or transaction, which must not show up in any log.
  void secret(std::string text) { secrets_.push_back(std::move(text)); }
  /// The plugin wrote this message.
  void said(std::string_view message);
  /// The plugin has stored this text, in the datastore or in a file.
  void stored(std::string_view text);
  /// A line of the plugin's.
  void logged(std::string line);
  /// Another line for the log.
  void note(std::string line) { log_.push_back(std::move(line)); }
  [[nodiscard]] const std::vector<std::string>& log() const { return log_; }

 private:
  void check_secrets(std::string_view text, std::string_view allowed, const char* deed);
  void check_payees(const RawPsbt& psbt, const Asked& asked);
  /// Nothing when its batch is not known: then it has no payments.
  [[nodiscard]] const Wanted* wanted_by(const Asked& asked) const;
  void check_payments(const RawPsbt& psbt, const Asked& asked, Invariant invariant);
  void check_marks(const RawPsbt& psbt);
  void check_reservations(const RawPsbt& psbt, const Asked& asked);
  /// Whether its reservation has ended, with blocks so slow that it could have been extended before.
  [[nodiscard]] bool has_lapsed_slowly(const Coin& coin) const;
  void check_commitments(const RawPsbt& psbt, const char* deed, const Asked& asked, spark::Duration now);
  /// The batch that makes calls of this origin; empty: none, or not known.
  [[nodiscard]] std::string batch_of(const std::string& origin) const;
  void check_owner(const Coin& coin, const char* deed, const Asked& asked);
  [[nodiscard]] bool just_taken(const Coin& coin, const Asked& asked, spark::Duration now) const;
  /// When the caller of a request last saw the peer's channels before it asked.
  [[nodiscard]] spark::Duration last_look(const Asked& asked, const lightningd::NodeId& peer) const;
  [[nodiscard]] spark::Duration last_look(const Asked& asked) const;
  /// One that was sent.
  [[nodiscard]] bool can_never_confirm(const bitcoin::Txid& txid) const;
  /// It spends coins back to the wallet, for a batch whose abort the user has confirmed.
  [[nodiscard]] bool is_abort(const bitcoin::Transaction& transaction, const Asked& asked) const;
  [[nodiscard]] std::optional<std::uint64_t> fee_of(const bitcoin::Transaction& transaction) const;
  [[nodiscard]] bool is_spent_in_a_block(const bitcoin::Transaction& transaction) const;
  void check_abort_fee(const bitcoin::Transaction& transaction);
  void check_abort(const bitcoin::Transaction& transaction, const Asked& asked, spark::Duration now);
  /// It spends the change of a transaction that was sent back to the wallet.
  [[nodiscard]] bool is_bump(const bitcoin::Transaction& transaction) const;
  void check_bump(const bitcoin::Transaction& transaction, const Asked& asked, spark::Duration now);
  void check_recorded(const bitcoin::Txid& txid, const char* deed, const Asked& asked);
  void check_users_word(const bitcoin::Txid& txid, const Asked& asked);
  /// Of one of the wallet's, or the user's.
  [[nodiscard]] std::optional<bitcoin::TxOutput> spent(const bitcoin::Outpoint& outpoint) const;
  [[nodiscard]] std::size_t channels_of(const bitcoin::Txid& txid) const;
  void check_outputs(const RawPsbt& psbt, const Asked& asked);
  /// What was left out does not count for the emergency reserve.
  void check_reserve(const bitcoin::Transaction& transaction, const Asked& asked);
  void check_fee(const RawPsbt& psbt);
  [[nodiscard]] std::set<std::uint32_t> planned_feerates(const bitcoin::Transaction& transaction) const;
  /// It may have been broadcast, and still may be.
  [[nodiscard]] bool is_alive(const bitcoin::Txid& txid) const;

  Wallet& wallet_;
  Peers& peers_;
  const Chain& chain_;
  const UsersWallet& users_;
  const bool prompt_;
  const spark::Duration between_calls_;
  std::map<std::uint32_t, spark::Duration> mined_;  ///< when each block came
  std::vector<std::string> violations_;
  Tellings tellings_;
  std::map<util::Bytes, bitcoin::Sat> told_;                       // by funding script
  std::map<bitcoin::Outpoint, std::set<std::uint32_t>> feerates_;  // of all that was planned with it
  std::set<bitcoin::Outpoint> losses_;
  std::map<std::string, Wanted> wanted_by_origin_, wanted_;  // the latter by batch
  std::map<std::string, Choice> beside_dust_;                // by batch
  std::map<util::Bytes, std::uint32_t> plans_;               // feerates by the script of the change
  std::map<bitcoin::Outpoint, spark::Duration> failed_;      // when a peer's error ended it
  std::set<bitcoin::Outpoint> lost_in_between_;
  std::map<std::string, std::string, std::less<>> batches_;  // the first digits of its id, by origin
  using Looks = std::map<std::string, std::vector<spark::Duration>, std::less<>>;
  Looks looks_;                                         // at all channels, by batch
  std::map<lightningd::NodeId, Looks> looks_at_peers_;  // at those of one peer
  Looks looks_at_coins_;
  std::uint64_t life_ = 0;
  bool plugin_lives_ = false;
  Announcements announcements_;
  bool nobody_hears_ = false;
  std::map<bitcoin::Txid, bitcoin::Transaction> by_user_;
  std::set<bitcoin::Outpoint> lost_by_user_;
  std::set<std::string> waiting_, finish_asked_;                  // likewise
  std::set<std::string> sending_recorded_;                        // likewise: the record says now that it may be sent
  std::set<std::string> abort_confirmed_;                         // batches, by the first digits of the id
  std::map<std::string, std::set<std::string>> aborts_recorded_;  // their txids, by batch
  std::set<bitcoin::Txid> aborts_;                                // signed
  std::map<std::string, spark::Duration> aborting_since_;         // when the first was signed, by batch
  bool bump_asked_ = false;
  std::string bumps_recorded_;     // the record's text
  std::set<bitcoin::Txid> bumps_;  // signed
  bool tampered_ = false, misled_ = false;
  std::set<bitcoin::Outpoint> closed_;
  std::set<bitcoin::Txid> refused_;
  std::map<bitcoin::Txid, std::uint64_t> unanswered_;  ///< and the plugin's life that asked
  std::set<bitcoin::Txid> withdrawn_;                  // refused, and its only channel is gone
  std::vector<std::string> secrets_;
  std::vector<std::string> log_;
  std::map<bitcoin::Txid, bitcoin::Transaction> attempted_;
  std::map<bitcoin::Outpoint, bitcoin::Txid> attempted_inputs_;  // the last that spends it
};

}  // namespace sim
