// What arrives as bytes of the protocols, or comes back from lightningd's datastore.

#include <string>

#include "bitcoin/transaction.hpp"
#include "bumps/bumps.hpp"
#include "fuzz/targets.hpp"
#include "journal/journal_format.hpp"
#include "journal/record_seal.hpp"
#include "labels/labels.hpp"
#include "lightningd/replies.hpp"
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

void records(std::string_view bytes) {
  if (const auto read = journal::read_ledger(bytes)) {
    const auto text = journal::write_ledger(**read);
    const auto again = journal::read_ledger(text);
    require(again.ok(), "a record that is written can be read");
    require(journal::write_ledger(**again) == text, "a record that is read again is written as the same");
  }
  if (const auto read = bumps::read_bumps(bytes)) {
    const auto text = bumps::write_bumps(*read);
    const auto again = bumps::read_bumps(text);
    require(again.ok() && bumps::write_bumps(*again) == text, "bumps that are written are read as the same");
  }
  if (const auto labels = labels::read_labels(bytes)) {
    const auto text = labels::write_labels(*labels);
    const auto again = labels::read_labels(text);
    require(again.ok() && labels::write_labels(*again) == text, "labels that are written are read as the same");
  }
  static const journal::RecordSeal seal(*util::MacKey::from_hex(std::string(64, '7')));
  require(!seal.open({"multifundchannel", "a"}, bytes), "nobody else makes our seal");
}

void replies(std::string_view bytes) {
  namespace r = lightningd::replies;
  if (bytes.empty()) return;
  const auto which = static_cast<unsigned char>(bytes[0]);
  const auto document = json::Document::read(bytes.substr(1), "result");
  if (!document) return;
  const auto result = document->root();
  switch (which % 23) {
    case 0:
      return ignore(r::usage(result));
    case 1:
      return ignore(r::node_info(result));
    case 2:
      return ignore(r::log_lines(result));
    case 3:
      return ignore(r::feerate_limits(result));
    case 4:
      return ignore(r::node_limits(result));
    case 5:
      return ignore(r::connected(result));
    case 6:
      return ignore(r::is_connected(result));
    case 7:
      return ignore(r::feerate(result));
    case 8:
      return ignore(r::funded(result));
    case 9:
      return ignore(r::reservations(result));
    case 10:
      return ignore(r::started(result));
    case 11:
      return ignore(r::completed(result));
    case 12:
      return ignore(r::peer_channels(result));
    case 13:
      return ignore(r::wallet_outputs(result));
    case 14:
      return ignore(r::signed_psbt(result));
    case 15:
      return ignore(r::sent(result));
    case 16:
      return ignore(r::prepared(result));
    case 17:
      return ignore(r::p2tr_address(result));
    case 18:
      return ignore(r::addresses(result));
    case 19:
      return ignore(r::secret(result));
    case 20:
      return ignore(r::generation(result));
    case 21:
      return ignore(r::stored_texts(result));
    default:
      return ignore(r::policy_warnings(result));
  }
}

}  // namespace fuzz
