#include "util/mac_key.hpp"

#include <doctest/doctest.h>

#include <string>
#include <utility>

#include "util/bytes.hpp"

using util::MacKey;

namespace {

std::string hex_of(const util::Mac& mac) { return util::to_hex(mac.data(), mac.size()); }

}  // namespace

// RFC 4231, test cases 1 and 2; a shorter key is the same as one that is filled up with zeros.
TEST_CASE("HMAC-SHA256 gives what the RFC says") {
  std::string twenty;
  for (int i = 0; i < 20; ++i) twenty += "0b";
  const auto first = MacKey::from_hex(twenty + std::string(24, '0'));
  REQUIRE(first);
  CHECK(hex_of(first->mac("Hi There")) == "b0344c61d8db38535ca8afceaf0bf12b881dc200c9833da726e9376c2e32cff7");
  const auto second = MacKey::from_hex("4a656665" + std::string(56, '0'));
  REQUIRE(second);
  CHECK(hex_of(second->mac("what do ya want for nothing?")) ==
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
}

TEST_CASE("a mac is for one text and one key") {
  const auto key = MacKey::from_hex(std::string(64, 'a'));
  const auto other = MacKey::from_hex(std::string(63, 'a') + 'b');
  REQUIRE((key && other));
  auto mac = key->mac("text");
  CHECK(key->made(mac, "text"));
  CHECK_FALSE(key->made(mac, "texT"));
  CHECK_FALSE(key->made(mac, ""));
  CHECK_FALSE(other->made(mac, "text"));
  mac[31] ^= 1;
  CHECK_FALSE(key->made(mac, "text"));
}

TEST_CASE("a key has 64 hex digits, and moves") {
  for (const std::size_t digits : {0, 62, 63, 65, 66}) CHECK_FALSE(MacKey::from_hex(std::string(digits, 'a')));
  CHECK_FALSE(MacKey::from_hex(std::string(64, 'g')));
  auto key = MacKey::from_hex(std::string(64, 'a'));
  const auto mac = key->mac("text");
  auto moved = std::move(*key);
  CHECK(moved.made(mac, "text"));
  CHECK_FALSE(key->made(mac, "text"));  // NOLINT(bugprone-use-after-move): nothing is left of it
  *key = std::move(moved);
  CHECK(key->made(mac, "text"));
}
