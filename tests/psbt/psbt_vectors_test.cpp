// The test vectors of BIP 174 and BIP 370, and what becomes of them when they are damaged.
#include <doctest/doctest.h>

#include <fstream>
#include <sstream>
#include <string>
#include <vector>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/transaction.hpp"
#include "psbt_samples.hpp"

using namespace bitcoin;
using namespace psbt;
using namespace psbt::test;
using util::Bytes;

namespace {

struct Vector {
  std::string bip;
  bool valid = false;
  std::string locktime;
  std::string name;
  std::string base64;
};

std::vector<Vector> read_vectors() {
  std::ifstream file(TEST_DATA "/bip_vectors.txt");
  std::vector<Vector> vectors;
  for (std::string line; std::getline(file, line);) {
    if (line.starts_with('#')) continue;
    std::istringstream fields(line);
    Vector vector;
    std::string verdict;
    std::getline(fields, vector.bip, '|');
    std::getline(fields, verdict, '|');
    std::getline(fields, vector.locktime, '|');
    std::getline(fields, vector.name, '|');
    std::getline(fields, vector.base64);
    vector.valid = verdict == "valid";
    vectors.push_back(vector);
  }
  return vectors;
}

/// The unsigned transaction of version 0, which is the first entry of the global map.
Transaction unsigned_tx(const Psbt& psbt) {
  const Bytes v0 = psbt.serialise(0);
  ByteReader in(v0);
  in.skip(7);
  return *Transaction::parse(in.sized_bytes());
}

/// Writing and reading again must reproduce the PSBT, in both versions.
bool is_stable(const Psbt& psbt) {
  for (const std::uint32_t version : {0u, 2u}) {
    const Bytes written = psbt.serialise(version);
    const auto again = Psbt::parse(written);
    if (!again || again->version() != version || again->serialise(version) != written) return false;
    if (again->inputs().size() != psbt.inputs().size() || again->outputs() != psbt.outputs()) return false;
  }
  return true;
}

/// Damaged bytes are refused with a reason, or are a PSBT with which all is well.
bool is_handled(const Bytes& bytes) {
  const auto psbt = Psbt::parse(bytes);
  if (!psbt) return psbt.error().code == -32602 && psbt.error().message.starts_with("PSBT: ");
  for (std::size_t i = 0; i < psbt->inputs().size(); ++i)
    if (psbt->input_amount(i) > bitcoin::max_money) return false;
  return is_stable(*psbt);
}

}  // namespace

TEST_CASE("the BIPs' vectors parse or are refused as the BIPs say") {
  const auto vectors = read_vectors();
  REQUIRE(vectors.size() == 92);
  for (const Vector& vector : vectors) {
    CAPTURE(vector.bip);
    CAPTURE(vector.name);
    const auto psbt = Psbt::from_base64(vector.base64);
    CHECK(psbt.ok() == vector.valid);
    if (!psbt) continue;
    CHECK(psbt->version() == (vector.bip == "0174" ? 0u : 2u));
    CHECK(psbt->base_weight() == 4 * unsigned_tx(*psbt).serialise().size());
    CHECK(is_stable(*psbt));
    CHECK(Psbt::parse(psbt->serialise(0))->txid() == psbt->txid());
    CHECK(Psbt::parse(psbt->serialise(2))->txid() == psbt->txid());
  }
}

TEST_CASE("valid vectors of BIP 174 are written back byte for byte, also by way of version 2") {
  for (const Vector& vector : read_vectors()) {
    if (!vector.valid || vector.bip != "0174") continue;
    CAPTURE(vector.name);
    const auto psbt = Psbt::from_base64(vector.base64);
    REQUIRE(psbt);
    CHECK(psbt->base64(0) == vector.base64);
    const auto v2 = Psbt::parse(psbt->serialise(2));
    REQUIRE(v2);
    CHECK(v2->base64(0) == vector.base64);
  }
}

TEST_CASE("locktimes are determined as BIP 370 says") {
  std::size_t checked = 0;
  for (const Vector& vector : read_vectors()) {
    if (vector.locktime == "-") continue;
    CAPTURE(vector.name);
    const auto psbt = Psbt::from_base64(vector.base64);
    REQUIRE(psbt);
    CHECK(std::to_string(unsigned_tx(*psbt).locktime) == vector.locktime);
    ++checked;
  }
  CHECK(checked == 9);
  CHECK(unsigned_tx(sample()).locktime == 100);  // the fallback
}

TEST_CASE("why locktimes are refused") {
  std::string reason;
  for (const Vector& vector : read_vectors())
    if (vector.name.ends_with("of 10000, Input 2 has PSBT_IN_REQUIRED_TIME_LOCKTIME of 1657048460") && !vector.valid)
      reason = Psbt::from_base64(vector.base64).error().message;
  CHECK(reason == "PSBT: some inputs require a locktime in blocks only, others one in seconds only");
}

TEST_CASE("cut at any byte, no vector parses") {
  for (const Vector& vector : read_vectors()) {
    if (!vector.valid) continue;
    CAPTURE(vector.name);
    const Bytes bytes = *util::from_base64(vector.base64);
    std::size_t parsed = 0;
    for (auto end = bytes.begin(); end != bytes.end(); ++end) parsed += Psbt::parse(Bytes(bytes.begin(), end)).ok();
    CHECK(parsed == 0);
  }
}

TEST_CASE("with a bit flipped or a byte replaced, vectors are refused or stay consistent") {
  for (const Vector& vector : read_vectors()) {
    // Those that differ in nothing but one flag would only repeat each other.
    if (!vector.valid || vector.name.find("PSBT_GLOBAL_TX_MODIFIABLE set") != std::string::npos) continue;
    CAPTURE(vector.name);
    Bytes bytes = *util::from_base64(vector.base64);
    std::vector<std::size_t> mishandled;
    for (std::size_t i = 0; i < bytes.size(); ++i) {
      const std::uint8_t original = bytes[i];
      // Bits in turn; every eighth byte becomes one of those that begin or precede a long CompactSize.
      bytes[i] = static_cast<std::uint8_t>(i % 8 == 7 ? 0xFB + i % 5 : original ^ (1u << (i % 7)));
      if (!is_handled(bytes)) mishandled.push_back(i);
      bytes[i] = original;
    }
    CHECK(mishandled == std::vector<std::size_t>{});
  }
}
