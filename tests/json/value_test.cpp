#include "json/value.hpp"

#include <doctest/doctest.h>

#include <cstdint>
#include <limits>
#include <string>
#include <utility>

using json::Document;
using json::Value;
using std::string_view_literals::operator""sv;

namespace {

Document parsed(std::string_view text, std::string name = "params") {
  auto document = Document::parse(text, std::move(name));
  REQUIRE(document);
  return std::move(*document);
}

std::string excerpt(std::string_view text, std::size_t limit) { return parsed(text).root().excerpt(limit); }

}  // namespace

TEST_CASE("each value is of exactly one kind") {
  const std::pair<std::string_view, bool (Value::*)() const> kinds[] = {
      {"null", &Value::is_null},     {"{}", &Value::is_object},    {"[]", &Value::is_array},
      {R"("1")", &Value::is_string}, {"1", &Value::is_number},     {"1.5", &Value::is_number},
      {"1e99", &Value::is_number},   {"-0", &Value::is_number},    {"false", &Value::is_bool},
      {"true", &Value::is_bool},     {R"("")", &Value::is_string},
  };
  for (const auto& [text, is_kind] : kinds) {
    CAPTURE(text);
    const auto document = parsed(text);
    const auto value = document.root();
    CHECK((value.*is_kind)());
    CHECK(value.is_null() + value.is_object() + value.is_array() + value.is_string() + value.is_number() +
              value.is_bool() ==
          1);
  }
}

TEST_CASE("booleans") {
  CHECK(*parsed("true").root().boolean());
  CHECK_FALSE(*parsed("false").root().boolean());
  CHECK(parsed("1").root().boolean().error().message == "params: expected true or false, got 1");
}

TEST_CASE("strings, with zero bytes inside") {
  const auto document = parsed(R"(["","a\u0000b"])");
  const auto elements = document.root().elements();
  CHECK(elements[0].string()->empty());
  CHECK(*elements[1].string() == "a\0b"sv);
}

TEST_CASE("u64 reads all of 64 bits and nothing else") {
  CHECK(*parsed("0").root().u64() == 0);
  CHECK(*parsed("18446744073709551615").root().u64() == 18446744073709551615u);
  CHECK(*parsed("9007199254740993").root().u64() == 9007199254740993u);  // a double cannot hold it
  for (const std::string text :
       {"-1", "1.5", "1.0", "1e3", "18446744073709551616", "\"1\"", "null", "true", "[]", "{}"}) {
    CHECK(parsed(text).root().u64().error().message ==
          "params: expected an integer from 0 to 18446744073709551615, got " + text);
  }
}

TEST_CASE("u32 reads all of 32 bits and nothing else") {
  CHECK(*parsed("4294967295").root().u32() == 4294967295u);
  for (const std::string text : {"4294967296", "-1", "0.5", "\"7\""}) {
    CHECK(parsed(text).root().u32().error().message == "params: expected an integer from 0 to 4294967295, got " + text);
  }
}

TEST_CASE("i64 reads all of 64 bits and nothing else") {
  CHECK(*parsed("-9223372036854775808").root().i64() == std::numeric_limits<std::int64_t>::min());
  CHECK(*parsed("9223372036854775807").root().i64() == std::numeric_limits<std::int64_t>::max());
  for (const std::string text : {"9223372036854775808", "-9223372036854775809", "-1.5", "{}"}) {
    CHECK(parsed(text).root().i64().error().message ==
          "params: expected an integer from -9223372036854775808 to 9223372036854775807, got " + text);
  }
}

TEST_CASE("an error names the whole path, what was expected and what stood there") {
  const auto document = parsed(R"({"destinations":[{},{},{},{"amount":[1,2]}]})");
  const auto amount = document.root().field("destinations")->elements()[3].string("amount");
  CHECK(amount.error().code == -32602);
  CHECK(amount.error().message == "params.destinations[3].amount: expected a string, got [1,2]");
  CHECK(amount.error().data.empty());
}

TEST_CASE("field: a member, or an error that says why there is none") {
  const auto document = parsed(R"({"a":{"b":null},"":7})");
  const auto root = document.root();
  CHECK(root.field("a")->field("b")->is_null());
  CHECK(root.field("a")->field("b")->path() == "params.a.b");
  CHECK(*root.u64("") == 7);
  CHECK(root.field("c").error().message == "params.c: missing");
  CHECK(root.field("c").error().code == -32602);
  CHECK(root.field("A").error().message == "params.A: missing");
  CHECK(root.field("a\0"sv).error().code == -32602);
  CHECK(parsed("[1]").root().field("a").error().message == "params: expected an object, got [1]");
  CHECK(root.field("a")->field("b")->field("c").error().message == "params.a.b: expected an object, got null");
}

TEST_CASE("find: nothing when missing, null, or no object") {
  const auto document = parsed(R"({"a":null,"b":false})");
  CHECK_FALSE(document.root().find("a"));
  CHECK_FALSE(document.root().find("c"));
  CHECK_FALSE(document.root().find(std::string_view()));
  REQUIRE(document.root().find("b"));
  CHECK(document.root().find("b")->path() == "params.b");
  for (const auto text : {"[]"sv, "null"sv, "1"sv, "1.5"sv, R"("b")"sv}) CHECK_FALSE(parsed(text).root().find("b"));
}

TEST_CASE("typed members: the value, or the error of the member or of its type") {
  const auto document = parsed(R"({"s":"text","n":5,"t":true})");
  const auto root = document.root();
  CHECK(*root.string("s") == "text");
  CHECK(*root.u64("n") == 5);
  CHECK(*root.boolean("t"));
  CHECK(root.string("n").error().message == "params.n: expected a string, got 5");
  CHECK(root.u64("s").error().message == R"(params.s: expected an integer from 0 to 18446744073709551615, got "text")");
  CHECK(root.boolean("s").error().message == R"(params.s: expected true or false, got "text")");
  CHECK(root.string("x").error().message == "params.x: missing");
  CHECK(root.u64("x").error().message == "params.x: missing");
  CHECK(root.boolean("x").error().message == "params.x: missing");
}

TEST_CASE("elements come in order, with their paths") {
  const auto document = parsed("[10,[20]]", "list");
  const auto elements = document.root().elements();
  REQUIRE(elements.size() == 2);
  CHECK(*elements[0].u64() == 10);
  CHECK(elements[0].path() == "list[0]");
  CHECK(elements[1].elements()[0].path() == "list[1][0]");
}

TEST_CASE("members come in order, twice when they occur twice; reads see the first") {
  const auto document = parsed(R"({"z":1,"a\u0000":2,"z":3})");
  const auto members = document.root().members();
  REQUIRE(members.size() == 3);
  CHECK(members[0].first == "z");
  CHECK(members[1].first == "a\0"sv);
  CHECK(*members[2].second.u64() == 3);
  CHECK(members[2].second.path() == "params.z");
  CHECK(*document.root().u64("z") == 1);
}

TEST_CASE("only arrays have elements, only objects have members, only these have a size") {
  CHECK(parsed("[1,2,3]").root().size() == 3);
  CHECK(parsed(R"({"a":1})").root().size() == 1);
  for (const auto text : {"{}"sv, R"({"a":1})"sv, R"("ab")"sv, "7"sv, "7.5"sv, "null"sv, "true"sv}) {
    CHECK(parsed(text).root().elements().empty());
  }
  for (const auto text : {"[]"sv, "[1]"sv, R"("ab")"sv, "7"sv, "7.5"sv, "null"sv, "true"sv}) {
    CHECK(parsed(text).root().members().empty());
  }
  for (const auto text : {"[]"sv, "{}"sv, R"("ab")"sv, "7"sv, "7.5"sv, "null"sv})
    CHECK(parsed(text).root().size() == 0);
}

TEST_CASE("a renamed value is the same value under another name") {
  const auto document = parsed(R"({"result":{"id":1}})", "reply");
  const auto renamed = document.root().field("result")->renamed("getinfo");
  CHECK(renamed.string("id").error().message == "getinfo.id: expected a string, got 1");
  CHECK(document.root().path() == "reply");
}

TEST_CASE("dump gives a part of the document") {
  const auto document = parsed(R"({"a":{"b":[1.50,"x"]}})");
  CHECK(document.root().field("a")->dump() == R"({"b":[1.50,"x"]})");
}

TEST_CASE("an excerpt has at most as many bytes as asked for, and shows that it was cut") {
  CHECK(excerpt("[1,2,3,4]", 9) == "[1,2,3,4]");
  CHECK(excerpt("[1,2,3,4]", 8) == "[1,2,...");
  CHECK(excerpt("[1,2,3,4]", 3) == "...");
  CHECK(excerpt("[1,2,3,4]", 1) == ".");
  CHECK(excerpt("[1,2,3,4]", 0).empty());
}

TEST_CASE("an excerpt is not cut within a character") {
  const auto euros = "\"\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\"";  // 11 bytes
  CHECK(excerpt(euros, 11) == euros);
  CHECK(excerpt(euros, 10) == "\"\xe2\x82\xac\xe2\x82\xac...");
  CHECK(excerpt(euros, 9) == "\"\xe2\x82\xac...");
  CHECK(excerpt(euros, 8) == "\"\xe2\x82\xac...");
  CHECK(excerpt(euros, 6) == "\"...");
}

TEST_CASE("errors stay short, whatever stood there") {
  const auto document = parsed("\"" + std::string(1'000'000, 'a') + "\"");
  const auto error = document.root().boolean().error();
  CHECK(error.message == "params: expected true or false, got \"" + std::string(76, 'a') + "...");
}
