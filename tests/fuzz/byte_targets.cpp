// What arrives as bytes of the protocols.

#include <string>

#include "bitcoin/transaction.hpp"
#include "fuzz/targets.hpp"
#include "psbt/psbt.hpp"
#include "request/users_psbt.hpp"

namespace fuzz {

namespace {

util::Bytes bytes_of(std::string_view text) { return {text.begin(), text.end()}; }

/// Whoever reads what was written finds the same transaction, and writes the same.
void check_written(const psbt::Psbt& psbt, std::uint32_t version) {
  const auto bytes = psbt.serialise(version);
  const auto again = psbt::Psbt::parse(bytes);
  require(again.ok(), "a PSBT that is written can be read");
  require(again->version() == version, "a PSBT is written in the version that was asked for");
  require(again->txid() == psbt.txid(), "writing a PSBT does not change its txid");
  require(again->locktime() == psbt.locktime(), "writing a PSBT does not change its locktime");
  require(again->serialise(version) == bytes, "a PSBT that is read again is written as the same");
}

void check_both(const psbt::Psbt& psbt) {
  check_written(psbt, 0);
  check_written(psbt, 2);
}

void check_psbt(const psbt::Psbt& read) {
  check_both(read);
  for (std::size_t i = 0; i < read.inputs().size(); ++i) {
    (void)read.input_amount(i);
    (void)read.input_script(i);
    (void)read.coinbase_height(i);
  }
  (void)read.base_weight();
  auto more = read;
  more.insert_output(0, {bitcoin::Sat{1'000}, util::Bytes(34, 7)});
  more.insert_output(more.outputs().size(), {bitcoin::Sat{2'000}, util::Bytes(22, 8)});
  check_both(more);
  more.set_output_amount(0, bitcoin::Sat{3'000});
  more.set_output_field(0, {0x6C}, {1, 2, 3});
  more.remove_output(more.outputs().size() - 1);
  check_both(more);
  const auto locktime = more.locktime();
  const auto txid = more.txid();
  more.keep_spent_outputs();
  require(more.txid() == txid && more.locktime() == locktime, "what is left of a PSBT is the same transaction");
  check_both(more);
  more.strip();
  require(more.txid() == txid && more.locktime() == locktime, "a stripped PSBT is the same transaction");
  check_both(more);
}

template <class T>
void ignore(const util::Result<T>& result) {
  if (!result) require(!result.error().message.empty(), "an error has a message");
}

}  // namespace

void psbt(std::string_view bytes) {
  const auto read = psbt::Psbt::parse(bytes_of(bytes));
  ignore(read);
  ignore(request::read_psbt(bytes));
  if (read) check_psbt(*read);
}

void transaction(std::string_view bytes) {
  const auto raw = bytes_of(bytes);
  const auto bare = bitcoin::Transaction::parse(raw);
  if (bare) require(bare->serialise() == raw, "a transaction is written as it was read");
  const auto signed_tx = bitcoin::SignedTransaction::parse(raw);
  if (signed_tx) {
    require(signed_tx->witnesses.size() == signed_tx->transaction.inputs.size(), "each input has its witness");
    require(signed_tx->weight() + 3 * raw.size() >= 4 * signed_tx->transaction.serialise().size(),
            "a weight is at least that of what is no witness");
    check_both(psbt::Psbt::of(*signed_tx));
  }
  const auto previous = bitcoin::PreviousTransaction::parse(raw);
  if (previous && signed_tx) {
    require(previous->txid == signed_tx->transaction.txid(), "a transaction has one txid, however it is read");
  }
}

}  // namespace fuzz
