#include "journal/record_seal.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

using journal::RecordSeal;
using util::MacKey;

namespace {

using Name = std::vector<std::string>;

const Name name{"multifundchannel", "batch", std::string(32, 'a')};
constexpr std::string_view content = R"({"version":2,"batch":"x"})";

RecordSeal seal(char digit) { return RecordSeal(*MacKey::from_hex(std::string(64, digit))); }

std::string refusal(const RecordSeal& by, const Name& under, const std::string& record) {
  const auto opened = by.open(under, record);
  REQUIRE_FALSE(opened);
  return opened.error().message;
}

}  // namespace

TEST_CASE("a sealed record is JSON that ends with its mac, and opens to what it was") {
  const auto record = seal('1').close(name, content);
  CHECK(record.starts_with(R"({"version":2,"batch":"x","mac":")"));
  CHECK(record.size() == content.size() + 73);
  const auto opened = seal('1').open(name, record);
  REQUIRE_MESSAGE(opened, opened.error().message);
  CHECK(*opened == content);
}

TEST_CASE("a record opens under its own name and with the key of its node only") {
  const auto record = seal('1').close(name, content);
  CHECK(refusal(seal('2'), name, record) == "not written by this node's plugin");
  const std::vector<Name> others{{"multifundchannel", "batch", std::string(32, 'b')},
                                 {"multifundchannel", "batc", "h" + std::string(32, 'a')},
                                 {"multifundchannel", "batch " + std::string(32, 'a')},
                                 {}};
  for (const auto& other : others) CHECK(refusal(seal('1'), other, record) == "not written by this node's plugin");
}

TEST_CASE("a record with any one bit changed, or cut anywhere, does not open") {
  const auto record = seal('1').close(name, content);
  const std::string upper_hex = "ABCDEF";
  for (std::size_t i = 0; i < record.size(); ++i) {
    CHECK_FALSE(seal('1').open(name, record.substr(0, i)));
    for (int bit = 0; bit < 8; ++bit) {
      auto changed = record;
      changed[i] = static_cast<char>(changed[i] ^ 1 << bit);
      // Hex digits of either case are the same mac.
      const bool same = bit == 5 && upper_hex.find(changed[i]) != std::string::npos && i >= content.size() + 7;
      CHECK(seal('1').open(name, changed).ok() == same);
    }
  }
  CHECK_FALSE(seal('1').open(name, record + " "));
}

TEST_CASE("whoever sees a record without a mac is told what it may be") {
  const auto key = seal('1');
  CHECK(refusal(key, name, std::string(content)) == "not written by this node's plugin");
  CHECK(refusal(key, name, "").find("not written by this node's plugin") != std::string::npos);
  CHECK(refusal(key, name, "no JSON").find("not written by this node's plugin") != std::string::npos);
  const auto older = refusal(key, name, R"({"version":1,"batch":"x"})");
  CHECK(older.find("a version that did not sign its records yet (format 1)") != std::string::npos);
  const auto newer = refusal(key, name, R"({"version":3,"batch":"x"})");
  CHECK(newer.find("newer version of this plugin (format 3, known: 2)") != std::string::npos);
}
