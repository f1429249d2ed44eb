#include "bitcoin/address.hpp"

#include <doctest/doctest.h>

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
  for (const auto* script : {"", "00", "0001aa", "0015751e76e8199196d454941c45d1b3a323f1433bd6", "6a04deadbeef",
                             "a914751e76e8199196d454941c45d1b3a323f1433bd687", "6114751e76e8199196d454941c45d1b3a323f1433bd6"}) {
    CAPTURE(script);
    CHECK(address(script, "bitcoin") == "none");
  }
}
