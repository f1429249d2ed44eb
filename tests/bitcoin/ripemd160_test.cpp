#include "bitcoin/ripemd160.hpp"

#include <doctest/doctest.h>

#include <string>

#include "util/bytes.hpp"

namespace {

util::Bytes bytes_of(const std::string& text) { return {text.begin(), text.end()}; }

std::string digest(const std::string& text) {
  const auto hash = bitcoin::ripemd160(bytes_of(text));
  return util::to_hex(hash.data(), hash.size());
}

}  // namespace

TEST_CASE("RIPEMD-160 hashes what its authors have published") {
  CHECK(digest("") == "9c1185a5c5e9fc54612808977ee8f548b2258d31");
  CHECK(digest("abc") == "8eb208f7e05d987a9b044a8e98c6b087f15a0bfc");
  CHECK(digest("message digest") == "5d0689ef49d2fae572b881b123a85ffa21595f36");
  CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "12a053384a9c0c88e405a06c27dcf49ada62eb2b");
  CHECK(digest("12345678901234567890123456789012345678901234567890123456789012345678901234567890") ==
        "9b752e45573d4b39f4dbd3323cab82bf63326bfb");
}

TEST_CASE("a public key is named by the program that BIP 173 has for it") {
  const auto key = util::from_hex("0279be667ef9dcbbac55a06295ce870b07029bfcdb2dce28d959f2815b16f81798");
  REQUIRE(key);
  const auto hash = bitcoin::hash160(*key);
  CHECK(util::to_hex(hash.data(), hash.size()) == "751e76e8199196d454941c45d1b3a323f1433bd6");
}
