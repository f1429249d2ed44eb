#include <doctest/doctest.h>

#include <memory>

#include "json/value.hpp"
#include "util/str.hpp"

using json::Document;
using std::string_view_literals::operator""sv;

namespace {

/// The text as it is after reading and writing; the error message when it cannot be read.
std::string round_trip(std::string_view text) {
  const auto document = Document::parse(text, "msg");
  return document ? document->root().dump() : document.error().message;
}

std::string nested(std::size_t depth) { return std::string(depth, '[') + std::string(depth, ']'); }

std::string many(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("dump() is compact and keeps the order of members") {
  CHECK(round_trip(" { \"b\" : [ 1 , true , null ] ,\r\n\t\"a\" : { } , \"c\":[]} \n") ==
        R"({"b":[1,true,null],"a":{},"c":[]})");
  for (const auto text : {"null"sv, "true"sv, "false"sv, "0"sv, R"("")"sv, R"("x")"sv, "[]"sv, "{}"sv}) {
    CHECK(round_trip(text) == text);
  }
}

TEST_CASE("every number comes back digit for digit") {
  for (const auto text : {"0"sv,
                          "1"sv,
                          "-1"sv,
                          "4294967296"sv,
                          "9007199254740993"sv,
                          "9223372036854775808"sv,
                          "18446744073709551615"sv,
                          "-9223372036854775808"sv,
                          "18446744073709551616"sv,
                          "-9223372036854775809"sv,
                          "123456789012345678901234567890"sv,
                          "0.1"sv,
                          "1.50"sv,
                          "-0.0"sv,
                          "1e3"sv,
                          "1E+3"sv,
                          "2.5e-300"sv,
                          "1e308"sv,
                          "9e308"sv,
                          "[1.0,-2e5,3]"sv,
                          R"({"a":1e2,"b":"1e2"})"sv}) {
    CHECK(round_trip(text) == text);
  }
}

TEST_CASE("strings: escapes are read, and written as short as possible") {
  CHECK(round_trip(R"("\"\\\/\b\f\n\r\t")") == R"("\"\\/\b\f\n\r\t")");
  CHECK(round_trip(R"("\u0041\u00e4\u20ac\ud83d\udc4d")") == "\"A\xc3\xa4\xe2\x82\xac\xf0\x9f\x91\x8d\"");
  CHECK(round_trip("\"\xe2\x82\xac\"") == "\"\xe2\x82\xac\"");
  CHECK(round_trip(R"(["\u0000","a\u0000b","\u001f\u007f"])") == R"(["\u0000","a\u0000b","\u001f\u007f"])");
  CHECK(round_trip(R"({"k\u0000":1,"k":2})") == R"({"k\u0000":1,"k":2})");
}

TEST_CASE("members that occur twice are kept") { CHECK(round_trip(R"({"a":1,"a":2})") == R"({"a":1,"a":2})"); }

TEST_CASE("what is not JSON is an error that says where and why") {
  const auto error = [](std::string_view text) { return Document::parse(text, "msg").error(); };
  CHECK(error("").code == -32700);
  CHECK(error("").message == "msg: not valid JSON at byte 0: The document is empty.");
  CHECK(error("  ").message == "msg: not valid JSON at byte 2: The document is empty.");
  CHECK(error("[1,]").message == "msg: not valid JSON at byte 3: Invalid value.");
  CHECK(error("{\"a\":1").message == "msg: not valid JSON at byte 6: Missing a comma or '}' after an object member.");
  CHECK(error("[1} ").message == "msg: not valid JSON at byte 2: Missing a comma or ']' after an array element.");
}

TEST_CASE("bytes after the value are an error") {
  const std::string_view message = "The document root must not be followed by other values.";
  CHECK(round_trip("{} x") == util::str("msg: not valid JSON at byte 3: ", message));
  CHECK(round_trip("1 2") == util::str("msg: not valid JSON at byte 2: ", message));
  CHECK(round_trip("{}\0"sv) == util::str("msg: not valid JSON at byte 2: ", message));
  CHECK(round_trip("[1]\0[2]"sv) == util::str("msg: not valid JSON at byte 3: ", message));
}

TEST_CASE("texts of every wrong kind are refused") {
  for (const auto text : {
           "nul"sv,
           "True"sv,
           "'a'"sv,
           "\"a"sv,
           "\"a\\"sv,
           "{a:1}"sv,
           "{\"a\" 1}"sv,
           "{\"a\":}"sv,
           "{1:1}"sv,
           "[1 2]"sv,
           "[,1]"sv,
           "{,}"sv,
           "{\"a\":1,}"sv,
           "]"sv,
           "["sv,
           "{"sv,
           "[1]]"sv,
           "// c\n1"sv,
           "1 // c"sv,  // structure
           "-"sv,
           "+1"sv,
           "01"sv,
           "-01"sv,
           "1."sv,
           ".5"sv,
           "1e"sv,
           "1e+"sv,
           "0x1"sv,
           "NaN"sv,
           "Infinity"sv,
           "-Inf"sv,
           "1\0"sv,
           "\0"sv,
           "[\0]"sv,
           "\"\0\""sv,
           "\"\n\""sv,
           "\"\x1f\""sv,  // raw control characters
           R"("\x")"sv,
           R"("\u12")"sv,
           R"("\u12g4")"sv,
           R"("\ud800")"sv,
           R"("\ud800\u0041")"sv,  // escapes
           R"("\udc00")"sv,
           R"({"\udfff":1})"sv,  // low half alone
           "\"\xff\""sv,
           "\"\xff"
           "1\""sv,
           "\"\xc0\xaf\""sv,
           "\"\xed\xa0\x80\""sv,
           "\"\xe2\x82\""sv,  // not UTF-8
           "{\"\xff\":1}"sv,
           "\xef\xbb\xbf{}"sv,
           "\xff"sv,
       }) {
    CAPTURE(text);
    CHECK_FALSE(Document::parse(text, "msg"));
  }
}

TEST_CASE("a string that is not UTF-8 is named as the reason") {
  CHECK(round_trip("[\"\xff\"]") == "msg: not valid JSON at byte 4: The string before is not valid UTF-8.");
}

TEST_CASE("100 levels are allowed, 101 are not") {
  CHECK(round_trip(nested(100)) == nested(100));
  CHECK(round_trip(nested(101)) == "msg: not valid JSON at byte 101: Nesting deeper than 100 levels.");
  CHECK(Document::parse(many(R"({"a":)", 100) + "1" + std::string(100, '}'), "msg"));
  CHECK_FALSE(Document::parse(many(R"({"a":)", 101) + "1" + std::string(101, '}'), "msg"));
  CHECK_FALSE(Document::parse(many(R"([{"a":)", 51), "msg"));
}

TEST_CASE("a million levels are an error, not a crash") {
  CHECK_FALSE(Document::parse(nested(1'000'000), "msg"));
  CHECK_FALSE(Document::parse(std::string(1'000'000, '['), "msg"));
  CHECK_FALSE(Document::parse(many(R"({"a":)", 1'000'000), "msg"));
}

TEST_CASE("levels are counted down again: many neighbours are not deep") {
  const auto text = "[" + many("[{}],", 1000) + "0]";
  CHECK(round_trip(text) == text);
}

TEST_CASE("a known limit: a number beyond any double is refused, with its place") {
  CHECK(round_trip("[1e400]") == "msg: not valid JSON at byte 1: Number too big to be stored in double.");
}

TEST_CASE("the text may go away after parsing, and the document may move") {
  auto text = std::make_unique<std::string>(R"({"key":"a long text that is not stored inside of the value","n":1.5})");
  auto parsed = Document::parse(*text, "msg");
  const auto before = parsed->root();
  text.reset();
  Document moved = std::move(*parsed);
  CHECK(*before.string("key") == "a long text that is not stored inside of the value");
  CHECK(moved.root().dump() == before.dump());
  moved = std::move(*Document::parse("[2]", "other"));
  CHECK(moved.root().dump() == "[2]");
  CHECK(moved.root().path() == "other");
}
