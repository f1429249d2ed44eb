#pragma once

#include <functional>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "bump/bump_offer.hpp"
#include "bump/bump_params.hpp"
#include "bump/bump_send.hpp"
#include "bumps/bumps.hpp"
#include "bumps/leftovers.hpp"
#include "plugin/command.hpp"
#include "spark/scope.hpp"

namespace bump {

/// multifundchannel-bump: pays for a transaction in the mempool with its change, and shows first what that takes. Owned
/// by the Service, one for all of these commands.
class Bumping {
 public:
  /// Which transaction a caller means.
  struct Target {
    std::string batch;  ///< id of the batch; empty when it was named by its transaction
    bitcoin::Txid txid;
  };
  struct Parts {
    spark::Runtime& runtime;
    jsonrpc::Caller& caller;
    const context::Settings& settings;
    journal::SealSource& seals;
    /// Why the transaction of a batch must not be bumped any more, by its id.
    std::function<std::optional<util::Error>(const std::string& batch)> why_not;
  };

  explicit Bumping(const Parts& parts);
  Bumping(const Bumping&) = delete;
  Bumping& operator=(const Bumping&) = delete;

  /// Call once: what was bumped before the start is read.
  void read() { bumps_.read(); }
  void bump(plugin::Command command, const BumpRequest& request, const Target& target);
  /// lightningd has seen a block.
  void block_added(std::uint32_t height) { leftovers_.block_added(height); }
  /// JSON text of an array: those whose transaction has not confirmed, all of them or those of one batch. Empty when
  /// there are none.
  [[nodiscard]] std::string list(const std::optional<std::string>& batch) const;
  /// The most that a bump of the transaction pays; 0: it was not bumped. Errors (-1): that is not known yet.
  [[nodiscard]] util::Result<bitcoin::Sat> fee_of(const bitcoin::Txid& txid) const;
  /// At the end of the process: nothing is sent any more.
  void leave(const util::Error& end);

 private:
  /// One command.
  struct Run {
    plugin::Command command;
    BumpRequest request;
    Target target;
    std::unique_ptr<BumpOffer> offer{};
    std::unique_ptr<BumpSend> send{};
  };

  void offered(Run& run, const util::Result<BumpTransaction>& transaction);
  void end(Run& run, const util::Result<std::string>& result);
  [[nodiscard]] context::Calls calls(const std::string& origin);

  jsonrpc::Caller& caller_;
  const context::Settings& settings_;
  const std::function<std::optional<util::Error>(const std::string& batch)> why_not_;
  bumps::Bumps bumps_;
  bumps::Leftovers leftovers_;
  std::vector<std::unique_ptr<Run>> runs_;
  spark::Scope scope_;  // last, so that it ends first
};

}  // namespace bump
