#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "bitcoin/transaction.hpp"
#include "util/bytes.hpp"
#include "util/result.hpp"

namespace psbt {

/// One key-value map of a PSBT. Keys keep their order and are unique; unknown ones are kept byte
/// for byte. A key is <type><keydata>, without its length.
struct PsbtMap {
  std::vector<std::pair<util::Bytes, util::Bytes>> entries;

  [[nodiscard]] const util::Bytes* get(const util::Bytes& key) const;
  void set(util::Bytes key, util::Bytes value);
  void remove(const util::Bytes& key);
};

/// A partially signed transaction: BIP 174 (version 0) or BIP 370 (version 2). Whatever its version,
/// the transaction's own fields are held apart from the maps, so that inserting an output is one
/// step and converting is a choice made when writing.
class Psbt {
 public:
  /// Errors are -32602 texts that say what is wrong: bad magic, truncated, duplicate keys, trailing
  /// bytes, counts that disagree, non-empty scriptSig in the unsigned transaction, unknown version.
  [[nodiscard]] static util::Result<Psbt> parse(const util::Bytes& bytes);
  [[nodiscard]] static util::Result<Psbt> from_base64(std::string_view text);

  /// Of a signed transaction: its witnesses are final, and what it spends is not known.
  [[nodiscard]] static Psbt of(const bitcoin::SignedTransaction& signed_tx);

  /// Spends these and has no outputs: what reserveinputs and unreserveinputs need to know.
  [[nodiscard]] static Psbt spending(const std::vector<bitcoin::Outpoint>& outpoints);

  [[nodiscard]] util::Bytes serialise(std::uint32_t version) const;
  [[nodiscard]] std::string base64(std::uint32_t version) const;
  /// Version it was parsed from: 0 or 2.
  [[nodiscard]] std::uint32_t version() const { return version_; }

  [[nodiscard]] const std::vector<bitcoin::TxInput>& inputs() const { return tx_.inputs; }
  [[nodiscard]] const std::vector<bitcoin::TxOutput>& outputs() const { return tx_.outputs; }
  /// Inserts before `index` (0..outputs().size()), with an empty map.
  void insert_output(std::size_t index, bitcoin::TxOutput output);
  /// Removes all that is not the transaction itself: what is known of the outputs that it spends, which can
  /// be large, and any signature. lightningd's signpsbt adds what it needs.
  void strip();
  /// As strip(), but what each input spends stays, as a witness UTXO: whoever has to see that signing does not change
  /// the txid needs no more.
  void keep_spent_outputs();
  void set_output_amount(std::size_t index, bitcoin::Sat amount);
  void remove_output(std::size_t index);
  /// Adds to what output `index` carries beside its amount and script, or changes it.
  void set_output_field(std::size_t index, util::Bytes key, util::Bytes value);

  /// Amount of input `index` from its witness or non-witness UTXO, when one of them is there and
  /// (for the latter) matches the outpoint's txid.
  [[nodiscard]] std::optional<bitcoin::Sat> input_amount(std::size_t index) const;
  /// scriptPubKey of input `index`, likewise.
  [[nodiscard]] std::optional<util::Bytes> input_script(std::size_t index) const;

  /// Of the block whose coinbase input `index` spends, where the PSBT has that transaction whole.
  [[nodiscard]] std::optional<std::uint32_t> coinbase_height(std::size_t index) const;

  [[nodiscard]] std::uint32_t transaction_version() const { return tx_.version; }
  /// 0 where it does not count: when no input asks for it (BIP 65).
  [[nodiscard]] std::uint32_t locktime() const;
  /// Unless its maker has said that no output may be added (BIP 370, PSBT_GLOBAL_TX_MODIFIABLE).
  [[nodiscard]] bool takes_outputs() const;
  /// Whether these are its inputs, in this order.
  [[nodiscard]] bool spends(const std::vector<bitcoin::Outpoint>& outpoints) const;

  /// What input `index` carries beside its outpoint and sequence.
  [[nodiscard]] const PsbtMap& input_map(std::size_t index) const { return input_maps_[index]; }

  /// Serialised, without signatures.
  [[nodiscard]] util::Bytes unsigned_transaction() const { return tx_.serialise(); }
  /// Final txid when all inputs are native segwit (scriptSigs empty).
  [[nodiscard]] bitcoin::Txid txid() const { return tx_.txid(); }
  /// Weight of the unsigned transaction without any witness: 4 times its serialised size.
  [[nodiscard]] std::uint64_t base_weight() const;

 private:
  class Reader;
  class Writer;

  [[nodiscard]] std::optional<bitcoin::TxOutput> spent_output(std::size_t index) const;

  std::uint32_t version_ = 0;
  bitcoin::Transaction tx_;
  /// What version 2 states when no input requires a locktime; tx_.locktime is what holds in the end.
  std::uint32_t fallback_locktime_ = 0;
  PsbtMap global_;
  std::vector<PsbtMap> input_maps_;   // one for each of tx_.inputs
  std::vector<PsbtMap> output_maps_;  // one for each of tx_.outputs
};

/// Bytes of a CompactSize for `n`: 1, 3, 5 or 9.
[[nodiscard]] std::uint64_t compact_size_length(std::uint64_t n);

}  // namespace psbt
