#include "funding/final_transaction.hpp"

#include <doctest/doctest.h>

#include "funding/byte_writer.hpp"

using funding::ByteWriter;
using funding::final_transaction;
using funding::Psbt;
using lightningd::Outpoint;
using lightningd::Txid;
using util::Bytes;

namespace {

/// One input with the given entries, one output; BIP 370.
util::Result<Psbt> psbt_with(const std::vector<std::pair<Bytes, Bytes>>& entries) {
  Psbt unsigned_psbt = Psbt::spending({Outpoint{*Txid::from_hex(std::string(64, '9')), 1}});
  unsigned_psbt.insert_output(0, {lightningd::Sat{5000}, Bytes{0x51}});
  ByteWriter map;
  for (const auto& [key, value] : entries) map.sized_bytes(key).sized_bytes(value);
  auto bytes = unsigned_psbt.serialise(0);
  const Bytes extra = map.take();
  // The last two bytes end the maps of the input and the output.
  bytes.insert(bytes.end() - 2, extra.begin(), extra.end());
  return Psbt::parse(bytes);
}

std::string final_hex(const std::vector<std::pair<Bytes, Bytes>>& entries) {
  const auto psbt = psbt_with(entries);
  REQUIRE_MESSAGE(psbt, psbt.error().message);
  const auto tx = final_transaction(*psbt);
  REQUIRE_MESSAGE(tx, tx.error().message);
  return util::to_hex(*tx);
}

const std::string before_witness = "020000000001" "01" + std::string(64, '9') + "0100000000ffffffff"
                                   "01" "8813000000000000" "01" "51";

Bytes with(Bytes bytes, std::size_t size, std::uint8_t fill) {
  bytes.resize(bytes.size() + size, fill);
  return bytes;
}

}  // namespace

TEST_CASE("a P2WPKH signature becomes signature and public key") {
  const Bytes key = with({0x02, 0x03}, 32, 0xAA);
  CHECK(final_hex({{key, Bytes{1, 2, 3}}}) ==
        before_witness + "02" "03010203" "21" "03" + util::to_hex(Bytes(32, 0xAA)) + "00000000");
}

TEST_CASE("a taproot key signature stands alone") {
  const Bytes signature(64, 0xBB);
  CHECK(final_hex({{{0x13}, signature}}) == before_witness + "01" "40" + util::to_hex(signature) + "00000000");
}

TEST_CASE("a final witness is taken as it stands") {
  CHECK(final_hex({{{0x08}, Bytes{1, 1, 0xCC}}}) == before_witness + "0101cc" + "00000000");
}

TEST_CASE("an input without a signature is named") {
  const auto psbt = psbt_with({});
  REQUIRE(psbt);
  const auto tx = final_transaction(*psbt);
  REQUIRE_FALSE(tx);
  CHECK(tx.error().message == "input 0 has no signature");
}
