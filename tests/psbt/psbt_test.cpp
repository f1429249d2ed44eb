#include "psbt/psbt.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "bitcoin/byte_reader.hpp"
#include "bitcoin/byte_writer.hpp"
#include "psbt_samples.hpp"

using namespace psbt;
using namespace psbt::test;
using bitcoin::Sat;
using util::Bytes;

TEST_CASE("a version 2 PSBT of libwally parses and is written back byte for byte") {
  const Psbt psbt = sample();
  CHECK(psbt.version() == 2);
  REQUIRE(psbt.inputs().size() == 1);
  CHECK(psbt.inputs()[0].outpoint.str() == "0909090909090909090909090909090909090909090909090909090909090909:1");
  CHECK(psbt.inputs()[0].sequence == 0xFFFFFFFD);
  REQUIRE(psbt.outputs().size() == 2);
  CHECK(psbt.outputs()[0].amount == Sat{50'000});
  CHECK(psbt.outputs()[1].amount == Sat{90'000});
  CHECK(util::to_hex(psbt.outputs()[1].script).starts_with("00203333"));
  CHECK(psbt.txid().hex() == libwally_v2_txid);
  CHECK(util::to_hex(psbt.serialise(2)) == libwally_v2);
}

TEST_CASE("a version 2 PSBT keeps its transaction as version 0, and becomes itself again") {
  const Psbt v0 = *Psbt::parse(sample().serialise(0));
  CHECK(v0.version() == 0);
  CHECK(v0.txid().hex() == libwally_v2_txid);
  // PSBT_GLOBAL_TX_MODIFIABLE cannot be told in version 0; everything else survives.
  std::string expected(libwally_v2);
  expected.erase(expected.find("01060103"), 8);
  CHECK(util::to_hex(v0.serialise(2)) == expected);
}

TEST_CASE("base64 goes both ways") {
  const auto psbt = Psbt::from_base64(sample().base64(2));
  REQUIRE(psbt);
  CHECK(util::to_hex(psbt->serialise(2)) == libwally_v2);
  const auto bad = Psbt::from_base64("cHNidP8?");
  REQUIRE_FALSE(bad);
  CHECK(bad.error().code == -32602);
  CHECK(bad.error().message == "PSBT: not base64");
}

TEST_CASE("unknown keys keep their bytes and their order in every map and both versions") {
  // Proprietary and unknown keys, not sorted, among known ones.
  const std::vector<std::string> global{"05f00102030402beef", "0cfc096c696768746e696e670803aabbcc", "02f10901ff"};
  const std::vector<std::string> input{"02f50101aa", "0cfc096c696768746e696e6701080102030405060708", "01f000"};
  const std::vector<std::string> output{"0cfc096c696768746e696e67010888888888888888aa", "03ee010200", "01bb01cc"};
  const auto joined = [](const std::vector<std::string>& e) { return e[0] + e[1] + e[2]; };
  std::string hex = util::to_hex(sample().serialise(0));
  hex.replace(hex.size() - 8, 8, joined(global) + "00" + joined(input) + "00" + joined(output) + "0000");
  const auto psbt = Psbt::parse(unhex(hex));
  REQUIRE(psbt);
  CHECK(util::to_hex(psbt->serialise(0)) == hex);

  // Version 2 puts fields of its own between them.
  const std::string v2 = util::to_hex(psbt->serialise(2));
  for (const auto& entries : {global, input, output}) {
    CHECK(v2.find(entries[0]) < v2.find(entries[1]));
    CHECK(v2.find(entries[1]) < v2.find(entries[2]));
    CHECK(v2.find(entries[2]) != std::string::npos);
  }
  const auto again = Psbt::parse(unhex(v2));
  REQUIRE(again);
  CHECK(util::to_hex(again->serialise(0)) == hex);
}

TEST_CASE("outputs are inserted with empty maps and in front of the index") {
  Psbt psbt = sample();
  psbt.insert_output(1, p2wsh(1'000, 0x77));
  psbt.insert_output(3, p2wsh(2'000, 0x78));
  REQUIRE(psbt.outputs().size() == 4);
  CHECK(psbt.outputs()[0].amount == Sat{50'000});
  CHECK(psbt.outputs()[1].amount == Sat{1'000});
  CHECK(psbt.outputs()[2].amount == Sat{90'000});
  CHECK(psbt.outputs()[3].amount == Sat{2'000});
  for (const std::uint32_t version : {0u, 2u}) {
    const auto again = Psbt::parse(psbt.serialise(version));
    REQUIRE(again);
    CHECK(again->outputs() == psbt.outputs());
    CHECK(again->txid() == psbt.txid());
  }
  CHECK(psbt.txid().hex() != libwally_v2_txid);
}

TEST_CASE("changing and removing outputs takes their maps along") {
  // Three outputs with one unknown key each: 01 -> value 0a, 0b, 0c.
  Psbt plain = sample();
  plain.insert_output(2, p2wsh(3, 0x03));
  std::string hex = util::to_hex(plain.serialise(0));
  hex.replace(hex.size() - 6, 6,
              "02f001010a00"
              "02f001010b00"
              "02f001010c00");
  Psbt psbt = *Psbt::parse(unhex(hex));
  const auto order = [](const Psbt& p) {
    const std::string text = util::to_hex(p.serialise(0));
    std::string found;
    for (std::size_t i = text.find("02f00101"); i != std::string::npos; i = text.find("02f00101", i + 1))
      found += text[i + 9];
    return found;
  };
  CHECK(order(psbt) == "abc");

  psbt.set_output_amount(1, Sat{7});
  CHECK(psbt.outputs()[1].amount == Sat{7});
  psbt.remove_output(0);
  CHECK(order(psbt) == "bc");
  CHECK(psbt.outputs()[0].amount == Sat{7});

  SUBCASE("an index out of range changes nothing") {
    const Bytes before = psbt.serialise(2);
    psbt.remove_output(2);
    psbt.set_output_amount(2, Sat{1});
    CHECK(psbt.serialise(2) == before);
    psbt.insert_output(99, p2wsh(1, 1));
    CHECK(psbt.outputs()[2].amount == Sat{1});
  }
}

TEST_CASE("300 outputs take a three-byte count in both versions") {
  Psbt psbt = sample();
  for (std::size_t i = 0; i < 300; ++i) psbt.insert_output(i, p2wsh(1'000 + i, 0x55));
  // 302 = 012E, little-endian.
  CHECK(util::to_hex(psbt.serialise(2)).find("010503fd2e01") != std::string::npos);
  const Bytes v0 = psbt.serialise(0);
  const auto again = Psbt::parse(v0);
  REQUIRE(again);
  CHECK(again->outputs() == psbt.outputs());
  CHECK(again->txid() == psbt.txid());
  CHECK(Psbt::parse(psbt.serialise(2))->outputs() == psbt.outputs());
}

TEST_CASE("2,300 outputs, as many as a standard transaction holds, are no effort") {
  const auto start = std::chrono::steady_clock::now();
  Psbt psbt = sample();
  for (std::size_t i = 0; i < 2'300; ++i) psbt.insert_output(psbt.outputs().size(), p2wsh(1'000 + i, 0x55));
  const auto again = Psbt::parse(psbt.serialise(0));
  REQUIRE(again);
  CHECK(again->txid() == psbt.txid());
  CHECK(Psbt::parse(psbt.serialise(2))->txid() == psbt.txid());
  // Milliseconds when all is well; the bound is for anything quadratic, on a slow machine.
  CHECK(std::chrono::steady_clock::now() - start < std::chrono::seconds(2));
}

TEST_CASE("base weight is four times the size of the unsigned transaction") {
  Psbt psbt = sample();
  // 4 + 1 + 41 + 1 + 2 * 43 + 4
  CHECK(psbt.base_weight() == 4 * 137);
  for (int i = 0; i < 251; ++i) psbt.insert_output(0, p2wsh(1, 1));
  CHECK(psbt.base_weight() == 4 * (137 + 2 + 251 * 43));
}

TEST_CASE("lengths of CompactSize") {
  CHECK(compact_size_length(0xFC) == 1);
  CHECK(compact_size_length(0xFD) == 3);
  CHECK(compact_size_length(0xFFFF) == 3);
  CHECK(compact_size_length(0x10000) == 5);
  CHECK(compact_size_length(0xFFFFFFFF) == 5);
  CHECK(compact_size_length(0x100000000) == 9);
}

TEST_CASE("a CompactSize of any length is read as it was written") {
  for (const std::uint64_t number : {0xFCull, 0xFDull, 0xFFFFull, 0x10000ull, 0xFFFFFFFFull, 0x100000000ull}) {
    CAPTURE(number);
    const auto bytes = bitcoin::ByteWriter().compact_size(number).take();
    CHECK(bytes.size() == compact_size_length(number));
    bitcoin::ByteReader in(bytes);
    CHECK(in.compact_size() == number);
    CHECK(in.finished());
  }
}

TEST_CASE("PsbtMap sets, replaces and removes by key, in order") {
  PsbtMap map;
  map.set({1}, {10});
  map.set({2, 3}, {20});
  map.set({1}, {11});
  REQUIRE(map.entries.size() == 2);
  CHECK(*map.get({1}) == Bytes{11});
  CHECK(map.get({2}) == nullptr);
  map.remove({2});
  CHECK(map.entries.size() == 2);
  map.remove({1});
  CHECK(map.entries.front().first == Bytes{2, 3});
}

TEST_CASE("a PSBT made of outpoints alone, as reserveinputs wants it, can be read again") {
  const auto vectors = Psbt::parse(unhex(std::string(libwally_v2)));
  REQUIRE(vectors);
  const auto outpoint = vectors->inputs()[0].outpoint;
  const auto psbt = Psbt::from_base64(Psbt::spending({outpoint, {outpoint.txid, 7}}).base64(0));
  REQUIRE(psbt);
  REQUIRE(psbt->inputs().size() == 2);
  CHECK(psbt->inputs()[0].outpoint == outpoint);
  CHECK(psbt->inputs()[1].outpoint.vout == 7);
  CHECK(psbt->outputs().empty());
}
