#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>

#include "bitcoin/ids.hpp"
#include "lightningd/ids.hpp"

namespace ledger {

/// Peers that were told a transaction which was never sent, and keep its channel pending all the same: LND. Until they
/// forget it they refuse another, unless their operator lets them have several (maxpendingchannels).
class ToldInVain {
 public:
  /// Blocks for which LND keeps a pending channel that nobody funds (BOLT 2).
  static constexpr std::uint32_t kept_for = 2'016;
  /// The latest ones; more would be a strange node.
  static constexpr std::size_t most = 1'000;

  struct Entry {
    bitcoin::Outpoint channel;  ///< its funding output
    std::uint32_t height = 0;   ///< of the chain when it was noted; 0: not known yet

    /// The block at which the peer has forgotten it; nothing while the height is not known.
    [[nodiscard]] std::optional<std::uint32_t> until() const;
    bool operator==(const Entry&) const = default;
  };
  using Entries = std::map<lightningd::NodeId, Entry>;

  /// `changed` comes after each change, but not for what restore() adds.
  void when_changed(std::function<void()> changed) { changed_ = std::move(changed); }
  void add(const lightningd::NodeId& peer, const bitcoin::Outpoint& channel);
  /// The peer takes channels again: one with it opens.
  void remove(const lightningd::NodeId& peer);
  /// As it was kept in the datastore. What was noted since the start is newer.
  void restore(const Entries& entries);
  /// The chain has this height: who has forgotten is removed.
  void set_height(std::uint32_t height);

  /// nullptr when there is none.
  [[nodiscard]] const Entry* find(const lightningd::NodeId& peer) const;
  [[nodiscard]] const Entries& all() const { return entries_; }

 private:
  void change() const;

  Entries entries_;
  std::uint32_t height_ = 0;
  std::function<void()> changed_;
};

}  // namespace ledger
