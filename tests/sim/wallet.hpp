#pragma once

#include <cstdint>
#include <deque>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "sim/random.hpp"
#include "sim/setup.hpp"
#include "spark/runtime.hpp"
#include "util/bytes.hpp"

namespace sim {

/// One output of the wallet, with its reservation as lightningd's database holds it.
struct Coin {
  enum class State { available, reserved, spent };

  bitcoin::Outpoint outpoint;
  bitcoin::Sat amount;
  util::Bytes script;
  util::Bytes transaction;              ///< the one that made it, without witnesses; may be empty
  std::optional<std::uint32_t> height;  ///< of its block
  State state = State::available;
  std::uint32_t reserved_until = 0;
  std::uint32_t others_until = 0;        ///< height until which another program wants it kept; 0: nobody
  spark::Duration taken_at{-1'000'000};  ///< when another program took it last
  std::string owner{};                   ///< which of the plugin's batches reserved it while it was free
  spark::Duration owned_since{0};
  std::string freed_by{};             ///< which of them has freed it last
  std::uint64_t owned_in_life = 0;    ///< of the plugin
  util::Bytes key{};                  ///< the public key that its script names; empty: any will do
  std::set<std::uint32_t> heights{};  ///< to which it was ever reserved
  bool meddled = false;               ///< another user has freed or taken it, whosever it was
  bool unforeseen = false;            ///< its height is one that nobody could have written down
  bool lapsed = false;                ///< while its owner had time to see that coming
};

/// The node's coins. A reservation is a block height: reserving again adds blocks, unreserving
/// subtracts them.
class Wallet {
 public:
  Wallet(Random& random, const Setup& setup);

  /// Coins keep their address for the life of the wallet.
  [[nodiscard]] std::deque<Coin>& coins() { return coins_; }
  [[nodiscard]] const std::deque<Coin>& coins() const { return coins_; }
  [[nodiscard]] Coin* find(const bitcoin::Outpoint& outpoint);

  [[nodiscard]] bool is_reserved(const Coin& coin) const;
  /// Free to be chosen: not spent, not reserved.
  [[nodiscard]] bool is_free(const Coin& coin) const { return coin.state != Coin::State::spent && !is_reserved(coin); }
  void reserve(Coin& coin, std::uint32_t blocks);
  void unreserve(Coin& coin, std::uint32_t blocks);
  /// Whoever has reserved it: nobody has any more.
  void free(Coin& coin);
  /// Whether another user still holds a coin that it took.
  [[nodiscard]] bool is_taken() const;
  /// Another user frees it, and reserves it for so many blocks unless that is 0.
  void take(Coin& coin, std::uint32_t blocks, spark::Duration now);

  [[nodiscard]] util::Bytes new_script(ScriptKind kind);
  /// Of all addresses that were given out.
  [[nodiscard]] const std::set<util::Bytes>& scripts() const { return scripts_; }
  [[nodiscard]] bool owns(const util::Bytes& script) const { return scripts_.contains(script); }
  /// The oldest coins, as long as they are spent.
  void forget_spent();
  /// A coin that pays to a script of ours, made by somebody.
  Coin& receive(const CoinSetup& coin);
  /// An unconfirmed output of a transaction of ours.
  void add_change(const bitcoin::Outpoint& outpoint, bitcoin::Sat amount, util::Bytes script);

  std::uint32_t height;  ///< of the chain's tip, as the node sees it

 private:
  Random& random_;
  std::deque<Coin> coins_;
  std::set<util::Bytes> scripts_;
};

}  // namespace sim
