#include "json/writer.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>

#include "json/value.hpp"

using json::Writer;
using std::string_view_literals::operator""sv;

namespace {

std::string written(std::string_view text) {
  Writer writer;
  writer.value(text);
  return writer.take();
}

}  // namespace

TEST_CASE("objects and arrays, nested, without any white space") {
  Writer w;
  w.object().field("id", "02ab").key("amounts").array().value(1).value(2).array().end().end();
  w.key("empty").object().end().raw_field("last", "null").end();
  CHECK(w.take() == R"({"id":"02ab","amounts":[1,2,[]],"empty":{},"last":null})");
}

TEST_CASE("a single value at the root") {
  Writer w;
  CHECK(w.take().empty());
  CHECK(w.value("text").take() == R"("text")");
  CHECK(w.value(true).take() == "true");
  CHECK(w.raw("[1]").take() == "[1]");
}

TEST_CASE("every kind of value keeps its kind") {
  const std::string text = "string";
  const char* pointer = "pointer";
  Writer w;
  w.array().value(text).value(pointer).value("view"sv).value("literal").value(true).value(false);
  w.value(-1).value(1u).value(std::uint8_t{200}).value(std::int16_t{-7}).end();
  CHECK(w.take() == R"(["string","pointer","view","literal",true,false,-1,1,200,-7])");
}

TEST_CASE("integers of 64 bits keep all digits") {
  Writer w;
  w.array().value(std::numeric_limits<std::uint64_t>::max()).value(std::numeric_limits<std::int64_t>::min());
  w.value(std::numeric_limits<std::int64_t>::max()).value(std::uint64_t{0}).end();
  CHECK(w.take() == "[18446744073709551615,-9223372036854775808,9223372036854775807,0]");
}

TEST_CASE("strings: each character is taken or escaped in the same way wherever it stands") {
  for (int byte = 0; byte < 256; ++byte) {
    const char c = static_cast<char>(byte);
    const auto alone = written(std::string(1, c));
    const auto escaped = alone.substr(1, alone.size() - 2);
    for (std::size_t at = 0; at < 19; ++at) {
      CAPTURE(byte);
      CAPTURE(at);
      std::string text(19, '~');
      text[at] = c;
      CHECK(written(text) == "\"" + std::string(at, '~') + escaped + std::string(18 - at, '~') + "\"");
    }
  }
}

TEST_CASE("strings: what has to be escaped is, and nothing else") {
  CHECK(written("") == R"("")");
  CHECK(written("cHNidP8B/+==") == R"("cHNidP8B/+==")");
  CHECK(written("a/b'<>&") == R"("a/b'<>&")");
  CHECK(written("\"") == R"("\"")");
  CHECK(written("\\") == R"("\\")");
  CHECK(written("say \"hi\" \\o/") == R"("say \"hi\" \\o/")");
  CHECK(written("\b\f\n\r\t") == R"("\b\f\n\r\t")");
  CHECK(written("\0\x01\x1f"sv) == R"("\u0000\u0001\u001f")");
  CHECK(written("\x7f") == R"("\u007f")");
  // Terminals obey C1 as they do C0, and programs take the separators for the end of a line.
  CHECK(written("\xc2\x80 \xc2\x9b \xc2\xa0") == "\"\\u0080 \\u009b \xc2\xa0\"");
  CHECK(written("\xe2\x80\xa8\xe2\x80\xa9") == R"("\u2028\u2029")");
  CHECK(written("\xe2\x80\xae\xe2\x81\xa6\xd8\x9c") == R"("\u202e\u2066\u061c")");
  CHECK(written("\xe2\x82\xac \xf0\x9f\x91\x8d") == "\"\xe2\x82\xac \xf0\x9f\x91\x8d\"");
}

TEST_CASE("strings that are not UTF-8 get U+FFFD, also next to escapes") {
  CHECK(written("a\xffz") == "\"a\xef\xbf\xbdz\"");
  CHECK(written("\"\xc3") == "\"\\\"\xef\xbf\xbd\"");
  Writer w;
  w.object().field("bad\x80key", "\xed\xa0\x80").end();
  CHECK(w.take() == "{\"bad\xef\xbf\xbdkey\":\"\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\"}");
}

TEST_CASE("keys are escaped like strings") {
  Writer w;
  w.object().field("a\"\n", 1).field("", 2).end();
  CHECK(w.take() == R"({"a\"\n":1,"":2})");
}

TEST_CASE("raw JSON stands as it is, in every place") {
  Writer w;
  w.object()
      .raw_field("id", R"("cli:x#1\/2")")
      .key("list")
      .array()
      .raw("1e400")
      .raw(R"({"a":[]})")
      .value(1)
      .end()
      .end();
  CHECK(w.take() == R"({"id":"cli:x#1\/2","list":[1e400,{"a":[]},1]})");
}

TEST_CASE("raw JSON made by another writer nests") {
  std::string text = "0";
  for (int i = 0; i < 5; ++i) {
    Writer w;
    text = w.object().raw_field("in", text).end().take();
  }
  CHECK(text == R"({"in":{"in":{"in":{"in":{"in":0}}}}})");
}

TEST_CASE("take() empties the writer, also one that was not finished") {
  Writer w;
  w.object().key("open").array().value(1);
  CHECK(w.take() == R"({"open":[1)");
  CHECK(w.take().empty());
  w.array().value(2).end();
  CHECK(w.take() == "[2]");
}

TEST_CASE("end() without anything open does nothing") {
  Writer w;
  CHECK(w.end().take().empty());
  CHECK(w.array().end().end().end().take() == "[]");
}

TEST_CASE("a writer can be moved while it is in use") {
  Writer first;
  first.object().key("k");
  Writer second = std::move(first);
  second.value("v").end();
  Writer third;
  third.value(true);
  third = std::move(second);
  CHECK(third.take() == R"({"k":"v"})");
}

TEST_CASE("what is written is read back") {
  std::string text;
  for (int c = 0; c < 128; ++c) text += static_cast<char>(c);
  text += "\xc2\x80\xe2\x82\xac\xf0\x9f\x91\x8d";
  Writer w;
  const auto document = json::Document::parse(w.object().field(text, text).end().take(), "x");
  REQUIRE(document);
  CHECK(*document->root().string(text) == text);
}

TEST_CASE("deep nesting is no problem") {
  constexpr int depth = 10'000;
  Writer w;
  for (int i = 0; i < depth; ++i) w.array();
  for (int i = 0; i < depth; ++i) w.end();
  CHECK(w.take() == std::string(depth, '[') + std::string(depth, ']'));
}
