#pragma once

#include <optional>
#include <vector>

#include "bitcoin/ids.hpp"
#include "chain/chain_look.hpp"
#include "context/calls.hpp"
#include "psbt/psbt.hpp"
#include "spark/scope.hpp"

namespace chain {

/// What bitcoind shows of a transaction that may have been sent.
enum class Seen {
  broadcast,   ///< an output of it
  unsent,      ///< all of its inputs, unspent
  impossible,  ///< some of them: another transaction spends the others
  nothing,     ///< nothing: bitcoind may be away
  unknown,     ///< a question failed, so that what else was seen proves nothing
};

struct Sight {
  Seen seen = Seen::unknown;
  std::vector<std::optional<bitcoin::TxOutput>> inputs;  ///< what each of them spends, as long as it is unspent
};

/// Asks for an output of the transaction and for all that it spends, at once. bitcoind's "no" proves nothing: it may be
/// away. An output that is there does. A question that fails is asked once more. Runs in the scope of its calls, which
/// outlives it.
class TransactionLook {
 public:
  using Then = util::Function<void(const Sight& sight)>;

  explicit TransactionLook(const context::Calls& calls) : calls_(calls) {}

  /// `output` is one of the transaction that nobody is expected to have spent.
  void look(const psbt::Psbt& transaction, const bitcoin::Outpoint& output, Then then) const;

 private:
  using Output = std::optional<bitcoin::TxOutput>;
  using Answer = util::Function<void(const util::Result<Output>& output)>;

  [[nodiscard]] spark::Spark look_at(const bitcoin::Outpoint& outpoint, Answer answer) const;
  void ask(const bitcoin::Outpoint& outpoint, lightningd::Reply<Output> then) const;

  const context::Calls& calls_;
};

}  // namespace chain
