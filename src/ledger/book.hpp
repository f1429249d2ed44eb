#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "ledger/opening_record.hpp"
#include "ledger/told_in_vain.hpp"
#include "lightningd/client.hpp"
#include "lightningd/ids.hpp"

namespace ledger {

struct Ledger;

/// What all batches of this process have open and reserved. lightningd has one uncommitted opening per peer and
/// shows neither whose that is nor who has reserved a coin; this tells.
class Book {
 public:
  void add(const std::shared_ptr<OpeningRecord>& record);
  /// Whether another batch's opening with the same peer, which has the total that lightningd shows, was
  /// accepted later: then this one's was gone by that time, and what is shown is not ours.
  [[nodiscard]] bool belongs_to_another(const OpeningRecord& record, bitcoin::Sat total) const;
  /// Whether another batch waits for the answer to a start: then it is open whose opening it is. One that has given up
  /// undoing it does not: two would wait for each other.
  [[nodiscard]] bool another_is_starting(const OpeningRecord& record) const;
  /// Whether another batch has, or may have, an opening or a channel with the peer: a fundchannel_cancel could
  /// take that.
  [[nodiscard]] bool another_is_opening(const OpeningRecord& record) const;
  /// Whether that only asks, and so is over soon.
  [[nodiscard]] bool is_inquired(const OpeningRecord& record) const;

  /// Whether a call of another batch may still make an opening with the peer, or has made one.
  [[nodiscard]] bool another_may_open(const OpeningRecord& record) const;

  /// The transaction of a batch is impossible: its channels are nobody's loss.
  void never_confirms(const bitcoin::Txid& txid) { impossible_.insert(txid); }
  [[nodiscard]] bool is_impossible(const bitcoin::Txid& txid) const { return impossible_.contains(txid); }

  /// Whom batches have told a transaction that was never sent.
  [[nodiscard]] ToldInVain& told_in_vain() { return told_in_vain_; }
  /// The peer's channel of a dead transaction is undone on our side.
  void undone(const OpeningRecord& record, const bitcoin::Outpoint& channel) {
    if (record.keeps_told) told_in_vain_.add(record.peer, channel);
  }

  /// A fundchannel_cancel on its way, for as long as this lives: it may take any channel of the peer that
  /// awaits lock-in.
  struct Cancel {
    lightningd::NodeId peer;
    std::chrono::milliseconds sent;
  };
  [[nodiscard]] std::shared_ptr<const Cancel> cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds now);
  /// Whether there is one that was sent at that time or later.
  [[nodiscard]] bool is_cancelling(const lightningd::NodeId& peer, std::chrono::milliseconds since) const;

  /// Whether a batch that is not over has this peer.
  [[nodiscard]] bool involves(const lightningd::NodeId& peer) const;

  /// The batch has reserved the coin while that was free.
  void reserved(const bitcoin::Outpoint& coin, const std::string& batch) {
    asked_.erase(coin);
    coins_[coin] = {batch, ++count_};
  }
  void reserved(const std::vector<lightningd::Reservation>& coins, const std::string& batch);
  /// Likewise those of them that nobody had reserved before.
  void reserved_alone(const std::vector<lightningd::Reservation>& coins, const std::string& batch);
  /// So many reservations there were.
  [[nodiscard]] std::uint64_t reservations() const { return count_; }
  /// Whether another batch has reserved it since then. Then the reservation of this one is gone, whatever height
  /// lightningd shows.
  [[nodiscard]] bool another_has_reserved(const bitcoin::Outpoint& coin, const std::string& batch,
                                          std::uint64_t since) const;

  /// The batch is about to reserve these coins, which it has seen free. Where two are in doubt, who asked first has
  /// them.
  void asks_for(const std::vector<bitcoin::Outpoint>& coins, const std::shared_ptr<const Ledger>& batch);
  /// It was refused them.
  void does_not_get(const std::vector<bitcoin::Outpoint>& coins, const Ledger& batch);
  /// Whether another batch has asked for it before, and has not heard that it was refused it.
  [[nodiscard]] bool another_has_asked_for(const bitcoin::Outpoint& coin, const Ledger& batch) const;

 private:
  /// Whether an opening of another batch with the same peer fits.
  template <class Fits>
  [[nodiscard]] bool any_other(const OpeningRecord& record, Fits fits) const;
  /// Who has asked first for the coin, and is not over; nothing: nobody, or who asked was refused it.
  [[nodiscard]] std::shared_ptr<const Ledger> first_asker(const bitcoin::Outpoint& coin) const;

  std::multimap<lightningd::NodeId, std::weak_ptr<OpeningRecord>> records_;
  std::size_t sweep_at_ = 0;  ///< with so many records the expired ones are removed
  std::vector<std::weak_ptr<const Cancel>> cancels_;
  std::map<bitcoin::Outpoint, std::pair<std::string, std::uint64_t>> coins_;  ///< who reserved it last, and when
  std::uint64_t count_ = 0;
  std::map<bitcoin::Outpoint, std::weak_ptr<const Ledger>> asked_;  ///< who asked first
  std::set<bitcoin::Txid> impossible_;
  ToldInVain told_in_vain_;
};

}  // namespace ledger
