#pragma once

#include <map>
#include <memory>
#include <string>

#include "lightningd/ids.hpp"
#include "spark/runtime.hpp"

namespace peers {

/// The connects that lightningd has not answered, of all batches and previews. lightningd works on one attempt for each
/// peer: another address joins the queue of the attempt that is under way and gets its turn when the one before was
/// given up, after a minute. Nothing ends it earlier: `disconnect` does not know the peer yet. How long each peer took
/// the last time is known as well. One per process.
class PendingConnects {
 public:
  struct Attempt {
    std::string address;  ///< as given; empty when lightningd knows some
    spark::Duration since{};
  };
  /// To be kept until lightningd has answered, and given back then.
  using Held = std::shared_ptr<const Attempt>;

  [[nodiscard]] Held begin(const lightningd::NodeId& peer, const std::string& address, spark::Duration now);
  /// What the timeout of a connect has to add, when one with the peer from before it is still under way; else nothing.
  [[nodiscard]] std::string earlier(const lightningd::NodeId& peer, const Held& than, spark::Duration now) const;

  /// lightningd has answered, well or not.
  void answered(const lightningd::NodeId& peer, Held attempt, spark::Duration now);
  /// How long it is likely to take: as long as the last time, and through Tor some seconds.
  [[nodiscard]] spark::Duration expected(const lightningd::NodeId& peer, const std::string& address) const;

 private:
  std::multimap<lightningd::NodeId, std::weak_ptr<const Attempt>> attempts_;
  std::map<lightningd::NodeId, spark::Duration> took_;
};

}  // namespace peers
