#include "psbt/final_transaction.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <map>
#include <sstream>

#include "bitcoin/byte_writer.hpp"

using bitcoin::Outpoint;
using bitcoin::Txid;
using psbt::final_transaction;
using psbt::Psbt;
using util::Bytes;

namespace {

struct FinalVector {
  Psbt psbt;
  std::string base64;
  std::string tx;
};

std::map<std::string, FinalVector> read_final_vectors() {
  std::ifstream file(TEST_DATA "/final_vectors.txt");
  std::map<std::string, FinalVector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    std::string name, base64, tx;
    fields >> name >> base64 >> tx;
    const auto psbt = Psbt::from_base64(base64);
    REQUIRE_MESSAGE(psbt, name);
    vectors.insert_or_assign(name, FinalVector{*psbt, base64, tx});
  }
  return vectors;
}

std::string final_hex(const Psbt& psbt) {
  const auto tx = final_transaction(psbt);
  return tx ? util::to_hex(*tx) : "none";
}

/// One input with the given entries and no other, one output.
Psbt psbt_with(const std::vector<std::pair<Bytes, Bytes>>& entries) {
  Psbt unsigned_psbt = Psbt::spending({Outpoint{*Txid::from_hex(std::string(64, '9')), 1}});
  unsigned_psbt.insert_output(0, {bitcoin::Sat{5000}, Bytes{0x51}});
  bitcoin::ByteWriter map;
  for (const auto& [key, value] : entries) map.sized_bytes(key).sized_bytes(value);
  auto bytes = unsigned_psbt.serialise(0);
  const Bytes extra = map.take();
  // The last two bytes end the maps of the input and the output.
  bytes.insert(bytes.end() - 2, extra.begin(), extra.end());
  const auto psbt = Psbt::parse(bytes);
  REQUIRE_MESSAGE(psbt, psbt.error().message);
  return *psbt;
}

/// The first place where `what` stands in `where` is damaged.
Psbt damaged(const Psbt& psbt, const Bytes& what, std::uint8_t to) {
  auto bytes = psbt.serialise(0);
  const auto at = std::search(bytes.begin(), bytes.end(), what.begin(), what.end());
  REQUIRE(at != bytes.end());
  *at = to;
  const auto parsed = Psbt::parse(bytes);
  REQUIRE(parsed);
  return *parsed;
}

const std::string before_witness =
    "020000000001"
    "01" +
    std::string(64, '9') +
    "0100000000ffffffff"
    "01"
    "8813000000000000"
    "01"
    "51";

}  // namespace

TEST_CASE("what a wallet of lightningd spends is finished as bitcoind does it") {
  const auto vectors = read_final_vectors();
  for (const auto* name : {"p2wpkh", "p2tr", "to_remote", "to_remote_leased", "pk", "all"}) {
    CAPTURE(name);
    const auto& vector = vectors.at(name);
    CHECK(final_hex(vector.psbt) == vector.tx);
    // Whichever version it is read from.
    const auto again = Psbt::from_base64(vector.psbt.base64(2));
    REQUIRE(again);
    CHECK(final_hex(*again) == vector.tx);
    CHECK(psbt::check_signed(vector.psbt));
  }
}

TEST_CASE("without its delay, or with a script that is not known, there is no transaction") {
  const auto vectors = read_final_vectors();
  for (const auto* name : {"to_remote_too_early", "leased_too_early", "multi", "pkh", "wrapped"}) {
    CAPTURE(name);
    CHECK(final_hex(vectors.at(name).psbt) == "none");
  }
}

TEST_CASE("neither the wrong witness script nor another's signature is taken") {
  const auto vectors = read_final_vectors();
  const auto& psbt = vectors.at("to_remote").psbt;
  const auto* script = psbt.input_map(0).get({0x05});
  REQUIRE(script != nullptr);
  REQUIRE(script->size() == 37);  // <key> OP_CHECKSIGVERIFY 1 OP_CSV
  CHECK(final_hex(damaged(psbt, Bytes(script->begin() + 1, script->end()), 0x03 ^ (*script)[1] ^ 0x02)) == "none");
  CHECK(final_hex(psbt_with({{{0x05}, *script}})) == "none");  // nobody says what it spends

  Bytes other_key = {0x02};
  other_key.resize(34, 0xAA);
  other_key[1] = 0x03;
  const auto* output = psbt.input_map(0).get({0x01});
  REQUIRE(output != nullptr);
  CHECK(final_hex(psbt_with({{{0x01}, *output}, {{0x05}, *script}, {other_key, Bytes{1, 2, 3}}})) == "none");
}

TEST_CASE("a final witness is taken as it stands, but not beside a scriptSig") {
  CHECK(final_hex(psbt_with({{{0x08}, Bytes{1, 1, 0xCC}}})) == before_witness + "0101cc" + "00000000");
  CHECK(final_hex(psbt_with({{{0x08}, Bytes{1, 1, 0xCC}}, {{0x07}, Bytes{1, 0x51}}})) == "none");
}

TEST_CASE("an input without a signature is named") {
  const auto checked = psbt::check_signed(psbt_with({}));
  REQUIRE_FALSE(checked);
  CHECK(checked.error().message == "input 0 has no signature");
}
