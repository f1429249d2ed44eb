#include <doctest/doctest.h>

#include <string>

#include "json/value.hpp"
#include "util/str.hpp"

using json::Document;
using std::string_view_literals::operator""sv;

namespace {

/// What the text means: strict JSON, with words as strings. The error message when it cannot be read.
std::string meaning(std::string_view text) {
  const auto document = Document::read(text, "msg");
  return document ? document->root().dump() : document.error().message;
}

std::string complaint(std::string_view text) {
  const auto document = Document::read(text, "msg");
  return document ? "was read" : document.error().message;
}

std::string repeated(std::string_view text, int times) {
  std::string out;
  for (int i = 0; i < times; ++i) out += text;
  return out;
}

}  // namespace

TEST_CASE("commas are as good as white space") {
  CHECK(meaning(R"([{"a":1,},])") == R"([{"a":1}])");
  CHECK(meaning("[,1,,2,]") == "[1,2]");
  CHECK(meaning("[1 2\n\"x\"[]{}]") == R"([1,2,"x",[],{}])");
  CHECK(meaning("{,}") == "{}");
  CHECK(meaning(R"({,"a":1,,"b":2})") == R"({"a":1,"b":2})");
}

TEST_CASE("colons too many are no matter where lightningd takes none") {
  CHECK(meaning(R"({:"a"::1})") == R"({"a":1})");
  CHECK(meaning(R"([:1,"x":,2])") == R"([1,"x",2])");
  // Whatever is behind the colon belongs to the token before it, even to an object that was closed.
  CHECK(meaning(R"({"a":{}:"b":1,"c":2})") == R"({"a":{"b":1,"c":2}})");
  CHECK(meaning("[[]:1]") == "[[1]]");
}

TEST_CASE("what has no quotes is a word with its characters") {
  CHECK(meaning("[100000sat,100k,1_000,-,nope,0100000,07ab,+1,.5,1.,TRUE,nul]") ==
        R"(["100000sat","100k","1_000","-","nope","0100000","07ab","+1",".5","1.","TRUE","nul"])");
  CHECK(meaning("[07ab:0,1:]") == R"(["07ab:0","1:"])");
  CHECK(meaning(R"([12"3,a{b,a[b,'x'])") == R"(["12\"3","a{b","a[b","'x'"])");
  const auto document = Document::read(R"({"amount":100k,"n":1})", "msg");
  const auto amount = *document->root().field("amount");
  CHECK(amount.is_word());
  CHECK_FALSE(amount.is_string());
  CHECK_FALSE(amount.is_number());
  CHECK_FALSE(amount.is_null());
  CHECK(amount.as_typed() == "100k");
  CHECK(amount.u64().error().message == "msg.amount: expected an integer from 0 to 18446744073709551615, got 100k");
  CHECK(document->root().as_typed() == R"({"amount":100k,"n":1})");
}

TEST_CASE("literals and numbers stay what they are, of any size") {
  CHECK(meaning("[true,false,null,1,-1,1.50,1e400,]") == "[true,false,null,1,-1,1.50,1e400]");
  const std::string digits(400, '9');
  CHECK(meaning(digits) == digits);
  CHECK(Document::read("[1e400]", "msg")->root().elements().front().is_number());
}

TEST_CASE("strings may hold line breaks, control characters and halves of surrogate pairs") {
  CHECK(meaning("\"a\nb\x01\"") == R"("a\nb\u0001")");
  CHECK(meaning("[\"\\u0041\n\"]") == R"(["A\n"])");
  // lightningd never looks at escapes: where they make no sense the characters stand.
  CHECK(meaning(R"("x\ud800\u0041")") == R"("x\\ud800\\u0041")");
  CHECK(meaning("\"\xff\"") == "\"\xef\xbf\xbd\"");
}

TEST_CASE("names are what stands between their quotes: an escaped one is another") {
  const auto document = Document::read(R"({"\u0069d":1,"id":2})", "msg");
  CHECK(*document->root().u64("id") == 2);
  CHECK(document->root().members().front().first == R"(\u0069d)");
  CHECK(document->root().as_typed() == R"({"\u0069d":1,"id":2})");
  CHECK(meaning("{\"a\nb\":1}") == "{\"a\\nb\":1}");
  // Quotes and backslashes inside a name do not look like its beginning.
  CHECK(*Document::read(R"({"\"a\n":1})", "msg")->root().u64(R"(\"a\n)") == 1);
}

TEST_CASE("of two members with one name the first is found, however the text was read") {
  for (const auto text : {R"({"a":1,"a":2})"sv, R"({"a":1,"a":2,})"sv}) {
    CHECK(*Document::read(text, "msg")->root().u64("a") == 1);
    CHECK(meaning(text) == R"({"a":1,"a":2})");
  }
}

TEST_CASE("what lightningd refuses is refused, with its place") {
  CHECK(complaint("") == "msg: cannot be read: at byte 0: there is nothing");
  CHECK(complaint(R"({"a" 1})") == "msg: cannot be read: at byte 2: a name without a value");
  CHECK(complaint(R"({"a":})") == "msg: cannot be read: at byte 2: a name without a value");
  CHECK(complaint(R"({"a":,1})") == "msg: cannot be read: at byte 2: a name without a value");
  CHECK(complaint("{a:1}") == "msg: cannot be read: at byte 1: a value without a name");
  CHECK(complaint("[1 :2]") == "msg: cannot be read: at byte 4: a value that belongs to a value");
  CHECK(complaint("{1}") == "msg: cannot be read: at byte 1: a value without a name");
  CHECK(complaint(R"({"a":1 2})") == "msg: cannot be read: at byte 7: a second value for one name");
  CHECK(complaint(R"({"a":{}"b":1})") == "msg: cannot be read: at byte 8: a second value for one name");
  CHECK(complaint(R"(["a":1])") == "msg: cannot be read: at byte 2: a name where none may be");
  CHECK(complaint("[1}") == "msg: cannot be read: at byte 2: } where ] is due");
  CHECK(complaint("{]") == "msg: cannot be read: at byte 1: ] where } is due");
  CHECK(complaint("]") == "msg: cannot be read: at byte 0: a bracket is closed that was not opened");
  CHECK(complaint("[1") == "msg: cannot be read: at byte 2: the text ends before its value does");
  CHECK(complaint("\"a") == "msg: cannot be read: at byte 0: a string without an end");
  CHECK(complaint("\"\0\""sv) == "msg: cannot be read: at byte 1: a zero byte");
  CHECK(complaint("[\0]"sv) == "msg: cannot be read: at byte 1: a character that only a string may hold");
  CHECK(complaint("[\xc3\xa4]") == "msg: cannot be read: at byte 1: a character that only a string may hold");
  CHECK(complaint(R"("\x")") == "msg: cannot be read: at byte 1: an escape that JSON does not have");
  CHECK(complaint(R"("\u12g4")") == "msg: cannot be read: at byte 1: an escape that JSON does not have");
  CHECK(complaint("{},{}") == "msg: cannot be read: at byte 2: something behind the end");
  CHECK(complaint("{}:\"a\":[") == "msg: cannot be read: at byte 2: something behind the end");
}

TEST_CASE("101 levels are an error, and so are 100,000, in linear time") {
  CHECK(meaning(std::string(100, '[') + "," + std::string(100, ']')).size() == 200);
  const std::string deep = "msg: cannot be read: at byte 100: nesting deeper than 100 levels";
  CHECK(complaint(std::string(101, '[') + std::string(101, ']')) == deep);
  CHECK(complaint(std::string(100'000, '[') + std::string(100'000, ']')) == deep);
  CHECK(complaint(std::string(100'000, '{')) == deep);
  CHECK(complaint(repeated("[]:", 1'000'000)).starts_with("msg: cannot be read: at byte "));
  CHECK(meaning("[" + repeated("1:,", 1'000'000) + "]").size() == 5'000'001);
}
