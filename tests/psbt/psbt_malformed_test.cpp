// PSBTs come from lightningd and, through it, from peers: whatever they hold is refused or kept, and
// never more.
#include <doctest/doctest.h>

#include <string>

#include "psbt_samples.hpp"

using namespace psbt;
using namespace psbt::test;

namespace {

bool contains(const std::string& text, std::string_view part) { return text.find(part) != std::string::npos; }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const auto at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

/// The error after replacing the first `from` of the sample.
std::string error_with(std::string_view from, std::string_view to) {
  return parse_error(replaced(std::string(libwally_v2), from, to));
}

}  // namespace

TEST_CASE("errors say where and what, with lightningd's code for parameters") {
  const auto psbt = Psbt::parse(unhex("70736274fe00"));
  REQUIRE_FALSE(psbt);
  CHECK(psbt.error().code == -32602);
  CHECK(psbt.error().message == "PSBT: does not begin with the bytes psbt\\xff");
  CHECK(parse_error("") == "PSBT: does not begin with the bytes psbt\\xff");
}

TEST_CASE("versions") {
  CHECK(error_with("01fb0402000000", "01fb0401000000") == "PSBT: unknown version 1");
  CHECK(error_with("01fb0402000000", "01fb0403000000") == "PSBT: unknown version 3");
  CHECK(contains(error_with("01fb0402000000", "01fb0400000000"), "does not belong in version 0"));
  CHECK(contains(error_with("01fb0402000000", "01fb03020000"), "PSBT_GLOBAL_VERSION has 3 bytes, not 4"));
  CHECK(contains(error_with("01fb0402000000", ""), "does not belong in version 0"));
  CHECK(parse_error("70736274ff00") == "PSBT: no unsigned transaction");
}

TEST_CASE("version 0 with an explicit version is the same PSBT") {
  const std::string v0 = util::to_hex(sample().serialise(0));
  const auto explicit_v0 = Psbt::parse(unhex(replaced(v0, "00000000",
                                                      "0001fb040000000000"
                                                      "000000")));
  CHECK_FALSE(explicit_v0);  // that was inside the transaction
  std::string hex = v0;
  hex.insert(hex.size() - 8, "01fb0400000000");
  const auto psbt = Psbt::parse(unhex(hex));
  REQUIRE(psbt);
  CHECK(util::to_hex(psbt->serialise(0)) == v0);
}

TEST_CASE("bytes after the last map") {
  CHECK(parse_error(std::string(libwally_v2) + "00") == "PSBT: 1 bytes after the last map");
}

TEST_CASE("duplicate keys in each kind of map") {
  CHECK(error_with("01060103", "0106010301060103") == "PSBT: global map: duplicate key 06");
  CHECK(error_with("010f0401000000", "010f0401000000010f0401000000") == "PSBT: input 0: duplicate key 0f");
  CHECK(error_with("010308905f010000000000", "010308905f010000000000010308905f010000000000") ==
        "PSBT: output 1: duplicate key 03");
}

TEST_CASE("counts") {
  // One input more than there are maps, or one less.
  CHECK_FALSE(error_with("01040101", "01040102").empty());
  CHECK_FALSE(error_with("01040101", "01040100").empty());
  CHECK_FALSE(error_with("01050102", "01050101").empty());
  CHECK_FALSE(error_with("01050102", "01050103").empty());
  // Absurd ones are refused before anything is counted or allocated.
  CHECK(contains(error_with("01040101", "010409ffffffffffffffffff"), "18446744073709551615 inputs"));
  CHECK(contains(error_with("01050102", "010509ffffffffffffffffff"), "18446744073709551615 outputs"));
  CHECK(contains(error_with("01050102", "010505fe00000080"), "2147483648 outputs"));
  // No CompactSize, or bytes after it.
  CHECK(error_with("01040101", "010400") == "PSBT: no well-formed PSBT_GLOBAL_INPUT_COUNT");
  CHECK(error_with("01050102", "0105020200") == "PSBT: no well-formed PSBT_GLOBAL_OUTPUT_COUNT");
}

TEST_CASE("a CompactSize that is longer than needed") {
  CHECK(contains(error_with("01050102", "010503fd0200"), "PSBT_GLOBAL_OUTPUT_COUNT"));
  CHECK(contains(error_with("01060103",
                            "fd010006"
                            "0103"),
                 "truncated or malformed"));
  CHECK(contains(error_with("01060103", "0106fe0100000003"), "truncated or malformed"));
  CHECK(contains(error_with("01060103", "0106ff010000000000000003"), "truncated or malformed"));
}

TEST_CASE("sizes beyond the end") {
  CHECK(contains(error_with("01060103", "0106ffffffffffffffffff03"), "global map: truncated or malformed"));
  CHECK(contains(error_with("01060103",
                            "ffffffffffffffffff06"
                            "0103"),
                 "global map: truncated or malformed"));
}

TEST_CASE("amounts beyond all money, negative ones included") {
  CHECK(contains(error_with("010308905f010000000000", "010308ffffffffffffffff"), "over 21 million btc"));
  CHECK(contains(error_with("010308905f010000000000", "0103080140075af0750700"), "output 1: 2100000000000001 sat"));
  CHECK(error_with("010308905f010000000000", "0103080040075af0750700").empty());
}

TEST_CASE("an unsigned transaction in version 0") {
  const std::string v0 = util::to_hex(sample().serialise(0));
  SUBCASE("amount beyond all money") {
    CHECK(contains(parse_error(replaced(v0, "905f010000000000", "0140075af0750700")), "over 21 million btc"));
  }
  SUBCASE("counts that lie") {
    const std::string claims = replaced(v0,
                                        "02000000"
                                        "01",
                                        "02000000"
                                        "fc");
    CHECK(contains(parse_error(claims), "not a transaction without witnesses"));
  }
  SUBCASE("a count of 2^64 - 1 in 18 bytes") {
    CHECK(contains(parse_error("70736274ff01000d02000000ffffffffffffffffff00"), "not a transaction"));
  }
}

TEST_CASE("many keys in one map are checked in reasonable time") {
  // 40,000 unknown keys of three bytes: comparing each with each would take a minute under sanitizers.
  std::string entries;
  for (unsigned i = 0; i < 40'000; ++i) {
    const util::Bytes key{0xF0, static_cast<std::uint8_t>(i >> 8), static_cast<std::uint8_t>(i)};
    entries += "03" + util::to_hex(key) + "00";
  }
  CHECK(error_with("01060103", "01060103" + entries).empty());
  CHECK(error_with("01060103", "01060103" + entries + "03f0000100") == "PSBT: global map: duplicate key f00001");
}
