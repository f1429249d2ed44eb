#include "util/safe_text.hpp"

#include <doctest/doctest.h>

using util::safe_text;
using util::shortened;
using util::without_controls;
using util::without_secrets;

namespace {

const std::string base64(99, 'Q');
const std::string txid(64, 'a');
const std::string node_id = "02" + txid;

}  // namespace

TEST_CASE("a run of 100 characters of base64 or hex is cut, one of 99 is not") {
  CHECK(without_secrets(base64) == base64);
  CHECK(without_secrets(base64 + "=") == "(100 characters cut)");
  CHECK(without_secrets("PSBT not finalizeable cHNi" + base64) == "PSBT not finalizeable (103 characters cut)");
  CHECK(without_secrets("invalid token '" + base64 + base64 + "'") == "invalid token '(198 characters cut)'");
  CHECK(without_secrets("discarded " + std::string(5000, 'f') + ".") == "discarded (5000 characters cut).");
  CHECK(without_secrets("a " + base64 + "+ b " + base64 + "/ c") == "a (100 characters cut) b (100 characters cut) c");
}

TEST_CASE("neither the other alphabet of base64 nor the escapes of JSON hide a run") {
  const std::string half(60, 'x');
  for (const auto* between : {"-", "_", "+", "/", "=", R"(\/)", R"(\\/)", R"(\u002f)", R"(\\u002b)"}) {
    CAPTURE(between);
    CHECK(without_secrets(half + between + half).find('x') == std::string::npos);
  }
}

TEST_CASE("what users need is kept: ids, txids and lists of them") {
  for (const auto* between : {",", ", ", ":", "@", "\n", R"(\n)", "\"", "."}) {
    CAPTURE(between);
    const auto text = node_id + between + txid + between + txid;
    CHECK(without_secrets(text) == text);
  }
  CHECK(without_secrets("") == "");
  CHECK(without_secrets("nothing, of the kind") == "nothing, of the kind");
}

TEST_CASE("characters that change what stands around them become question marks") {
  CHECK(without_controls("a\x1b[31mb\x7f"
                         "c\rd") == "a?[31mb?c?d");
  CHECK(without_controls(std::string("a\0b", 3)) == "a?b");
  CHECK(without_controls("tab\tand\nline") == "tab\tand\nline");
  CHECK(without_controls("\xc2\x80 \xc2\x9b \xc2\x9f") == "? ? ?");                         // C1
  CHECK(without_controls("\xe2\x80\xa8 \xe2\x80\xa9") == "? ?");                            // separators
  CHECK(without_controls("\xe2\x80\xae \xe2\x81\xa6 \xe2\x80\x8f \xd8\x9c") == "? ? ? ?");  // directions
  CHECK(without_controls("\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\xa0") ==
        "\xc3\xa9\xe2\x82\xac\xf0\x9f\x98\x80\xc2\xa0");
  CHECK(without_controls("\xe2\x80") == "\xe2\x80");  // not UTF-8: the JSON writer's business
  CHECK(without_controls("\xc2") == "\xc2");
}

TEST_CASE("long texts are cut between two characters and tell how long they were") {
  CHECK(shortened("abcdef", 6) == "abcdef");
  CHECK(shortened("abcdefg", 6) == "abcdef... (7 bytes)");
  CHECK(shortened("abcde\xe2\x82\xac", 6) == "abcde... (8 bytes)");
  CHECK(shortened("\x80\x80\x80\x80", 2) == "... (4 bytes)");
}

TEST_CASE("a secret is cut before the text is: no half of it is left") {
  const auto text = safe_text(std::string(1950, ' ') + base64 + base64);
  CHECK(text == std::string(1950, ' ') + "(198 characters cut)");
  CHECK(safe_text(std::string(64'000, '!')) == std::string(2000, '!') + "... (64000 bytes)");
}
