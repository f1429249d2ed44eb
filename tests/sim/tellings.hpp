#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "lightningd/ids.hpp"
#include "sim/peer_kind.hpp"
#include "spark/runtime.hpp"

namespace sim {

/// fundchannel_complete went out to a peer.
struct Telling {
  std::string batch;  ///< the first digits of its id
  lightningd::NodeId peer;
  PeerKind kind = PeerKind::cln;
  bitcoin::Outpoint funding;
  spark::Duration at{0};
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
  void tell(Telling telling) { told_.push_back(std::move(telling)); }
  /// Its number.
  std::size_t ping(Ping ping) {
    pings_.push_back(std::move(ping));
    return pings_.size() - 1;
  }
  void pong(std::size_t number, spark::Duration now) { pings_[number].answered = now; }

  [[nodiscard]] const std::vector<Telling>& told() const { return told_; }
  [[nodiscard]] const std::vector<Ping>& pings() const { return pings_; }

 private:
  std::vector<Telling> told_;
  std::vector<Ping> pings_;
};

}  // namespace sim
