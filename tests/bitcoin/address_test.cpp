#include "bitcoin/address.hpp"

#include <doctest/doctest.h>

#include "bitcoin/fees.hpp"

namespace {

std::string address(const char* script, const char* network) {
  return bitcoin::segwit_address(*util::from_hex(script), network).value_or("none");
}

}  // namespace

// The vectors of BIP 350, in small letters.
TEST_CASE("a witness program is written as an address") {
  CHECK(address("0014751e76e8199196d454941c45d1b3a323f1433bd6", "bitcoin") ==
        "bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4");
  CHECK(address("00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262", "testnet") ==
        "tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7");
  CHECK(address("5128751e76e8199196d454941c45d1b3a323f1433bd6751e76e8199196d454941c45d1b3a323f1433bd6", "bitcoin") ==
        "bc1pw508d6qejxtdg4y5r3zarvary0c5xw7kw508d6qejxtdg4y5r3zarvary0c5xw7kt5nd6y");
  CHECK(address("6002751e", "bitcoin") == "bc1sw50qgdz25j");
  CHECK(address("5210751e76e8199196d454941c45d1b3a323", "bitcoin") == "bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs");
  CHECK(address("512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798", "bitcoin") ==
        "bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0");
  CHECK(address("5120000000c4a5cad46221b2a187905e5266362b99d5e91c6ce24d165dab93e86433", "signet") ==
        "tb1pqqqqp399et2xygdj5xreqhjjvcmzhxw4aywxecjdzew6hylgvsesf3hn0c");
}

TEST_CASE("what is no witness program, or of an unknown network, has no address") {
  CHECK(address("0014751e76e8199196d454941c45d1b3a323f1433bd6", "liquid") == "none");
  for (const auto* script :
       {"", "00", "0001aa", "0015751e76e8199196d454941c45d1b3a323f1433bd6", "6a04deadbeef",
        "a914751e76e8199196d454941c45d1b3a323f1433bd687", "6114751e76e8199196d454941c45d1b3a323f1433bd6"}) {
    CAPTURE(script);
    CHECK(address(script, "bitcoin") == "none");
  }
}

namespace {

/// The script that an address pays to, or what is wrong with it.
std::string script_of(const std::string& text) {
  const auto address = bitcoin::parse_address(text);
  return address ? util::to_hex(address->script) : address.error().message;
}

/// The address of a script, in which a hash has 20 bytes like this one.
std::string base58(const std::string& before, const char* byte, const std::string& after, const char* network) {
  std::string hash;
  for (int i = 0; i < 20; ++i) hash += byte;
  return bitcoin::address_of(*util::from_hex(before + hash + after), network).value_or("none");
}

std::string networks(const std::string& text) {
  std::string found;
  for (const auto* network : {"bitcoin", "testnet", "signet", "regtest", "liquid"}) {
    if (bitcoin::parse_address(text)->is_of(network)) found += std::string(network) + ' ';
  }
  return found;
}

}  // namespace

// Vectors of BIP 173 and 350, and what bitcoind made on regtest.
TEST_CASE("an address is read as its script") {
  CHECK(script_of("BC1QW508D6QEJXTDG4Y5R3ZARVARY0C5XW7KV8F3T4") == "0014751e76e8199196d454941c45d1b3a323f1433bd6");
  CHECK(script_of("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7") ==
        "00201863143c14c5166804bd19203356da136c985678cd4d27a1b8c6329604903262");
  CHECK(script_of("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqzk5jj0") ==
        "512079be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  CHECK(script_of("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") == "76a91462e907b15cbf27d5425399ebf6f0fb50ebb88f1888ac");
  CHECK(script_of("1111111111111111111114oLvT2") == "76a914000000000000000000000000000000000000000088ac");
  CHECK(script_of("3P14159f73E4gFr7JterCCQh9QjiTjiZrG") == "a914e9c3dd0c07aac76179ebc76a6c78d4d67c6c160a87");
  CHECK(script_of("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc") == "a9144e9f39ca4688ff102128ea4ccda34105324305b087");
}

TEST_CASE("an address tells its network, as far as it can") {
  CHECK(networks("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa") == "bitcoin ");
  CHECK(networks("2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc") == "testnet signet regtest ");
  CHECK(networks("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4") == "bitcoin ");
  CHECK(networks("tb1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3q0sl5k7") == "testnet signet ");
  CHECK(networks("bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080") == "regtest ");
}

TEST_CASE("what is no address is refused, with what is wrong") {
  const auto says = [](const std::string& text, const std::string& what) {
    CAPTURE(text);
    CHECK_MESSAGE(script_of(text).find(what) != std::string::npos, script_of(text));
  };
  says("", "not an address");
  says("mine", "not an address");
  says("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNb", "wrong checksum");
  says("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfN", "wrong");
  says("11111111111111111111", "length");
  says(std::string(60, 'z'), "length");
  says("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t5", "wrong checksum");
  says("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3T4", "mixes upper and lower case");
  says("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3tb", "character that no segwit address has");
  says("bc1", "wrong length");
  says("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4" + std::string(60, 'q'), "wrong length");
  // The invalid ones of BIP 350.
  says("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqh2y7hd", "checksum of another witness version");
  says("BC1S0XLXVLHEMJA6C4DQV22UAPCTQUPFHLXM9H8Z3K2E72Q4K9HCZ7VQ54WELL", "checksum of another witness version");
  says("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kemeawh", "checksum of another witness version");
  says("bc1pw5dgrnzv", "wrong length");
  says("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v8n0nx0muaewav253zgeav", "wrong length");
  says("BC1QR508D6QEJXTDG4Y5R3ZARVARYV98GJ9P", "wrong length");
  says("bc1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7v07qwwzcrf", "not a segwit address");
  says("bc1gmk9yu", "not a segwit address");
  says("bc1zw508d6qejxtdg4y5r3zarvaryvaxxpcs", "witness version that nobody can spend");
}

TEST_CASE("the dust limit is bitcoind's, by the kind of script") {
  CHECK(bitcoin::dust_limit(bitcoin::parse_address("1A1zP1eP5QGefi2DMPTfTL5SLmv7DivfNa")->script).value == 546);
  CHECK(bitcoin::dust_limit(bitcoin::parse_address("3P14159f73E4gFr7JterCCQh9QjiTjiZrG")->script).value == 540);
  const auto of = [](const std::string& script) { return bitcoin::dust_limit(*util::from_hex(script)).value; };
  CHECK(of("0014" + std::string(40, '5')) == 294);
  CHECK(of("0020" + std::string(64, '5')) == 330);
  CHECK(of("5120" + std::string(64, '5')) == 330);
}

// By bitcoind's way of writing them, worked out in Python.
TEST_CASE("a script with a hash is written in base58, and read again") {
  const std::string key = "76a914", key_end = "88ac", script = "a914", script_end = "87";
  CHECK(base58(key, "04", key_end, "bitcoin") == "1NEWnMyDUTaYuUsoRVWQQznykg8Yc2Ynn");
  CHECK(base58(key, "00", key_end, "bitcoin") == "1111111111111111111114oLvT2");
  CHECK(base58(key, "04", key_end, "regtest") == "mftBoqSx2VtqL1xVWzTtELD7qkGqS32asd");
  CHECK(base58(script, "04", script_end, "bitcoin") == "324FSKrQmNmxe5BJvXA6q3Mj8Gxr3ijc2q");
  CHECK(base58(script, "00", script_end, "signet") == "2MsFDzHRUAMpjHxKyoEHU3aMCMsVtMqs1PV");
  CHECK(base58("0014", "00", "", "regtest") == address(("0014" + std::string(40, '0')).c_str(), "regtest"));
  for (const auto* byte : {"00", "04", "7f", "ff"}) {
    CHECK(script_of(base58(key, byte, key_end, "bitcoin")).starts_with(key + byte + byte));
    CHECK(script_of(base58(script, byte, script_end, "testnet")).starts_with(script + byte + byte));
  }
}

TEST_CASE("another script has no base58 address, and none has one of an unknown network") {
  CHECK(base58("76a914", "04", "88ac", "liquid") == "none");
  CHECK(base58("76a914", "04", "88ad", "bitcoin") == "none");
  CHECK(base58("76a914", "04", "88", "bitcoin") == "none");
  CHECK(base58("a914", "04", "8787", "bitcoin") == "none");
  CHECK(base58("a913", "04", "87", "bitcoin") == "none");
  CHECK(base58("", "04", "", "bitcoin") == "none");
}
