#pragma once

#include <cstddef>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/transaction.hpp"
#include "lightningd/ids.hpp"
#include "sim/peer_kind.hpp"
#include "spark/runtime.hpp"
#include "util/bytes.hpp"

namespace sim {

/// fundchannel_complete went out to a peer.
struct Telling {
  std::string batch;  ///< the first digits of its id
  lightningd::NodeId peer;
  PeerKind kind = PeerKind::cln;
  bitcoin::Outpoint funding;
  spark::Duration asked{0};  ///< when the call came to lightningd
  spark::Duration at{0};     ///< when it was carried out
};

/// A batch asked whether a peer is there.
struct Ping {
  std::string batch;
  lightningd::NodeId peer;
  spark::Duration asked{0};
  bool refused = false;                     ///< by our own node: not connected, or a ping is under way
  std::optional<spark::Duration> answered;  ///< when the pong had come
};

/// Who was told which transaction, and who was asked for a sign of life before. A part of the monitor.
class Tellings {
 public:
  /// A peer to whom a funding output belongs.
  struct Participant {
    lightningd::NodeId peer;
    PeerKind kind = PeerKind::cln;
    spark::Duration since{0};  ///< when its fundchannel_start came
  };

  /// `grace`: what is known for so long has come to the plugin.
  explicit Tellings(spark::Duration grace) : grace_(grace) {}

  void started(const util::Bytes& script, Participant participant) { participants_[script] = participant; }
  void secured(const bitcoin::Outpoint& funding) { secured_.insert(funding); }
  void tell(Telling telling) { told_.push_back(std::move(telling)); }
  /// Its number.
  std::size_t ping(Ping ping) {
    pings_.push_back(std::move(ping));
    return pings_.size() - 1;
  }
  void pong(std::size_t number, spark::Duration now) { pings_[number].answered = now; }

  /// What is wrong with telling the peer so early: it keeps the channel, and another one's is not secured.
  [[nodiscard]] std::optional<std::string> too_early(const Telling& telling,
                                                     const std::vector<bitcoin::TxOutput>& outputs) const;
  /// What is wrong with telling it at all: another peer of the transaction is known to be gone.
  [[nodiscard]] std::optional<std::string> in_vain(const Telling& telling,
                                                   const std::vector<bitcoin::TxOutput>& outputs) const;

  [[nodiscard]] const std::vector<Telling>& told() const { return told_; }
  [[nodiscard]] const std::vector<Ping>& pings() const { return pings_; }

 private:
  /// Those whose channels of the transaction are not secured.
  [[nodiscard]] std::vector<Participant> open_ones(const Telling& telling,
                                                   const std::vector<bitcoin::TxOutput>& outputs) const;
  /// All its peers keep what they are told.
  [[nodiscard]] bool all_keep(const std::vector<bitcoin::TxOutput>& outputs) const;
  /// What the batch had asked last, before it told; nothing from before the peer has started.
  [[nodiscard]] const Ping* last_ping(const Telling& telling, const Participant& participant) const;

  spark::Duration grace_;
  std::map<util::Bytes, Participant> participants_;  // by funding script
  std::set<bitcoin::Outpoint> secured_;
  std::vector<Telling> told_;
  std::vector<Ping> pings_;
};

}  // namespace sim
