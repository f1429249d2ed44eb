
#include <doctest/doctest.h>

#include <string>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "lightningd/features.hpp"
#include "lightningd/ids.hpp"

using namespace bitcoin;
using namespace lightningd;

namespace {

const std::string counting_hex = "000102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f";

}  // namespace

TEST_CASE("an outpoint has one text") {
  const auto outpoint = Outpoint::parse(counting_hex + ":4294967295");
  REQUIRE(outpoint);
  CHECK(outpoint->txid.hex() == counting_hex);
  CHECK(outpoint->vout == 4294967295u);
  CHECK(outpoint->str() == counting_hex + ":4294967295");
  CHECK(Outpoint::parse(counting_hex + ":0")->str() == counting_hex + ":0");
}

TEST_CASE("anything else is no outpoint") {
  for (const std::string end :
       {"", ":", ":-1", ":+1", ": 1", ":1 ", ":01", ":1x", ":0x1", ":4294967296", ";1", "0:1"}) {
    CHECK_MESSAGE(!Outpoint::parse(counting_hex + end), end);
  }
  CHECK(!Outpoint::parse(""));
  CHECK(!Outpoint::parse(counting_hex.substr(2) + ":1"));
  CHECK(!Outpoint::parse(counting_hex.substr(1) + "g:1"));
}

TEST_CASE("a v1 channel id is the reversed txid with the output number in its last bytes") {
  const auto txid = *Txid::from_hex(counting_hex);
  CHECK(v1_channel_id(txid, 0).hex() == "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020100");
  CHECK(v1_channel_id(txid, 1).hex() == "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403020101");
  CHECK(v1_channel_id(txid, 0x1234).hex() == "1f1e1d1c1b1a191817161514131211100f0e0d0c0b0a09080706050403021334");
}

TEST_CASE("ids of 32 bytes keep the order of their hex") {
  const auto id = Txid::from_hex(counting_hex);
  REQUIRE(id);
  CHECK(id->bytes().front() == 0x00);
  CHECK(id->bytes().back() == 0x1f);
  CHECK(Txid::from_bytes(id->bytes()) == *id);
  CHECK(!Txid::from_hex(counting_hex + "00"));
  CHECK(!Txid::from_hex(counting_hex.substr(2)));
  CHECK(!Txid::from_hex(""));
}

TEST_CASE("a node id is a compressed public key") {
  const std::string rest(64, 'a');
  CHECK(NodeId::from_hex("02" + rest)->hex() == "02" + rest);
  CHECK(NodeId::from_hex("03" + std::string(64, 'A'))->hex() == "03" + rest);
  CHECK(NodeId::from_hex("02" + rest)->brief() == "02aaaaaa");
  for (const std::string start : {"00", "01", "04", "", "0", "0202", "g2"}) {
    CHECK_MESSAGE(!NodeId::from_hex(start + rest), start);
  }
}

TEST_CASE("feature bits count from the end") {
  const auto features = Features::from_hex("8000000000000000a2");
  REQUIRE(features);
  for (const std::size_t bit : {1, 5, 7, 71}) CHECK(features->has(bit));
  for (const std::size_t bit : {0, 2, 6, 8, 70, 72, 1000}) CHECK(!features->has(bit));
  CHECK(features->offers(0));
  CHECK(!features->offers(2));
  CHECK(features->hex() == "8000000000000000a2");
  CHECK(Features::from_hex("10000000")->offers(feature::dual_fund));
  CHECK(Features::from_hex("20000000")->offers(feature::dual_fund));
}

TEST_CASE("features may be empty but must be hex") {
  CHECK(!Features::from_hex("")->has(0));
  CHECK(!Features::from_hex("8"));
  CHECK(!Features::from_hex("zz"));
}

TEST_CASE("msat are a thousandth of sat") { CHECK(to_msat(max_money).value == 2'100'000'000'000'000'000ull); }
