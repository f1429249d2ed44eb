#include "json/utf8.hpp"

#include <doctest/doctest.h>

using std::string_view_literals::operator""sv;

TEST_CASE("well-formed UTF-8, at the ends of each range") {
  for (const auto text : {""sv, "plain"sv, "\0"sv, "\x7f"sv, "\xc2\x80"sv, "\xdf\xbf"sv, "\xe0\xa0\x80"sv,
                          "\xec\xbf\xbf"sv, "\xed\x9f\xbf"sv, "\xee\x80\x80"sv, "\xef\xbf\xbf"sv, "\xf0\x90\x80\x80"sv,
                          "\xf3\xbf\xbf\xbf"sv, "\xf4\x8f\xbf\xbf"sv, "a\xe2\x82\xac\xf0\x9f\x91\x8d!"sv}) {
    CAPTURE(text);
    CHECK(json::is_utf8(text));
    CHECK(json::repaired_utf8(text) == text);
  }
}

TEST_CASE("each bad byte becomes one U+FFFD, the good text around it stays") {
#define FFFD "\xef\xbf\xbd"
  const std::pair<std::string_view, std::string_view> cases[] = {
      {"a\x80z", "a" FFFD "z"},                             // continuation without a lead
      {"\xc0\xaf", FFFD FFFD},                              // overlong "/"
      {"\xc1\xbf", FFFD FFFD},                              // overlong
      {"\xe0\x9f\xbf", FFFD FFFD FFFD},                     // overlong
      {"\xf0\x8f\xbf\xbf", FFFD FFFD FFFD FFFD},            // overlong
      {"\xed\xa0\x80", FFFD FFFD FFFD},                     // U+D800, a surrogate
      {"\xed\xbf\xbf", FFFD FFFD FFFD},                     // U+DFFF, a surrogate
      {"\xf4\x90\x80\x80", FFFD FFFD FFFD FFFD},            // above U+10FFFF
      {"\xf5\x80", FFFD FFFD},                              // never a lead
      {"\xfe\xff", FFFD FFFD},                              // never in UTF-8
      {"a\xc3", "a" FFFD},                                  // cut off
      {"\xe2\x82", FFFD FFFD},                              // cut off
      {"\xf0\x9f\x91", FFFD FFFD FFFD},                     // cut off
      {"\xe2\x28\xa1", FFFD "(" FFFD},                      // second byte
      {"\xe2\x82z", FFFD FFFD "z"},                         // third byte
      {"\xf0\x9f\x91\xc3\xa4", FFFD FFFD FFFD "\xc3\xa4"},  // fourth byte is the next one's lead
  };
#undef FFFD
  for (const auto& [bad, repaired] : cases) {
    CAPTURE(repaired);
    CHECK_FALSE(json::is_utf8(bad));
    CHECK(json::repaired_utf8(bad) == repaired);
    CHECK(json::is_utf8(repaired));
  }
}

TEST_CASE("nothing behind the end of the text counts") {
  CHECK_FALSE(json::is_utf8("\xc3\xa4"sv.substr(0, 1)));
  CHECK_FALSE(json::is_utf8("\xe2\x82\xac"sv.substr(0, 2)));
  CHECK(json::repaired_utf8("\xe2\x82\xac"sv.substr(0, 1)) == "\xef\xbf\xbd");
}

TEST_CASE("a byte that is no UTF-8 is found wherever it stands") {
  for (std::size_t at = 0; at < 19; ++at) {
    CAPTURE(at);
    std::string text(19, 'a');
    CHECK(json::is_utf8(text));
    text[at] = '\x80';
    CHECK_FALSE(json::is_utf8(text));
    text.replace(at, 1, "\xe2\x82\xac");
    CHECK(json::is_utf8(text));
  }
}
