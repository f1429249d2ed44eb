// What our codec makes of files, for whoever compares it with another decoder's: one line of JSON for each.
//
// usage: decode (psbt|transaction) FILE...
#include <cstdio>
#include <fstream>
#include <iterator>
#include <string>
#include <string_view>

#include "bitcoin/transaction.hpp"
#include "json/writer.hpp"
#include "psbt/psbt.hpp"
#include "util/bytes.hpp"

namespace {

util::Bytes read(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write_inputs(json::Writer& out, const psbt::Psbt& psbt) {
  out.key("inputs").array();
  for (std::size_t i = 0; i < psbt.inputs().size(); ++i) {
    const auto& input = psbt.inputs()[i];
    out.object().field("txid", input.outpoint.txid.hex()).field("vout", input.outpoint.vout);
    out.field("sequence", input.sequence);
    if (const auto amount = psbt.input_amount(i)) out.field("sat", amount->value);
    if (const auto script = psbt.input_script(i)) out.field("script", util::to_hex(*script));
    out.end();
  }
  out.end();
}

void write_outputs(json::Writer& out, const psbt::Psbt& psbt) {
  out.key("outputs").array();
  for (const auto& output : psbt.outputs()) {
    out.object().field("sat", output.amount.value).field("script", util::to_hex(output.script)).end();
  }
  out.end();
}

/// Version 0 of what is read in version 2: bitcoind reads no other.
std::string through_version_2(const psbt::Psbt& psbt) {
  const auto again = psbt::Psbt::parse(psbt.serialise(2));
  return again ? again->base64(0) : again.error().message;
}

void write(json::Writer& out, const psbt::Psbt& psbt) {
  out.object().field("v0", psbt.base64(0)).field("v2", psbt.base64(2)).field("through_v2", through_version_2(psbt));
  out.field("txid", psbt.txid().hex());
  out.field("version", psbt.transaction_version()).field("locktime", psbt.locktime());
  write_inputs(out, psbt);
  write_outputs(out, psbt);
  out.end();
}

/// As it is, and with one more output in front, which is how a channel comes into it.
void write_psbt(json::Writer& out, const util::Bytes& bytes) {
  auto psbt = psbt::Psbt::parse(bytes);
  if (!psbt) {
    out.field("refused", psbt.error().message);
    return;
  }
  out.key("read");
  write(out, *psbt);
  psbt->insert_output(0, {bitcoin::Sat{12'345}, util::Bytes(34, 7)});
  out.key("inserted");
  write(out, *psbt);
}

/// In each of the three forms in which the plugin meets one.
void write_transaction(json::Writer& out, const util::Bytes& bytes) {
  if (const auto bare = bitcoin::Transaction::parse(bytes)) {
    out.key("bare").object().field("txid", bare->txid().hex()).field("hex", util::to_hex(bare->serialise())).end();
  }
  if (const auto previous = bitcoin::PreviousTransaction::parse(bytes)) {
    out.key("previous").object().field("txid", previous->txid.hex());
    out.list("sats", previous->outputs, [](const bitcoin::TxOutput& output) { return output.amount.value; });
    out.list("scripts", previous->outputs, [](const bitcoin::TxOutput& output) { return util::to_hex(output.script); });
    out.end();
  }
  if (const auto signed_tx = bitcoin::SignedTransaction::parse(bytes)) {
    out.key("signed").object().field("weight", signed_tx->weight()).key("psbt");
    write(out, psbt::Psbt::of(*signed_tx));
    out.end();
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const auto describe = argv[1] == std::string_view("psbt") ? write_psbt : write_transaction;
  for (int i = 2; i < argc; ++i) {
    json::Writer out;
    out.object().field("file", argv[i]);
    describe(out, read(argv[i]));
    std::puts(out.end().take().c_str());
  }
  return 0;
}
