#include "plugin/filter.hpp"

#include <doctest/doctest.h>

#include <vector>

#include "fixture.hpp"

namespace plugin::test {
namespace {

constexpr auto result = R"({"tx":"02","txid":"ab","channel_ids":[{"id":"02aa","outnum":0,"channel_type":)"
                        R"({"bits":[12],"names":["x"]}},{"id":"02bb","outnum":1}],"failed":[)"
                        R"({"id":"02cc","error":{"code":-1,"message":"no","data":{"a":1}}}]})";

std::string filtered(const std::string& filter) {
  const auto document = json::Document::parse(filter, "filter");
  REQUIRE(document);
  auto parsed = Filter::parse(document->root());
  return parsed ? parsed->apply(result) : parsed.error().message;
}

}  // namespace

TEST_CASE("a filter leaves what it names, in the result's order") {
  CHECK(filtered(R"({"txid":true,"tx":true})") == R"({"tx":"02","txid":"ab"})");
  CHECK(filtered(R"({"channel_ids":[{"id":true}]})") == R"({"channel_ids":[{"id":"02aa"},{"id":"02bb"}]})");
  CHECK(filtered(R"({"channel_ids":true})") ==
        R"({"channel_ids":[{"id":"02aa","outnum":0,"channel_type":{"bits":[12],"names":["x"]}},)"
        R"({"id":"02bb","outnum":1}]})");
  CHECK(filtered(R"({"channel_ids":[{"channel_type":{"bits":true}}]})") ==
        R"({"channel_ids":[{"channel_type":{"bits":[12]}},{}]})");
  CHECK(filtered(R"({"nothing":true,"failed":[{"error":{"code":true}}]})") == R"({"failed":[{"error":{"code":-1}}]})");
  CHECK(filtered(R"({"txid":{"what":true}})") == R"({"txid":"ab"})");
  CHECK(filtered(R"({"channel_ids":[{"outnum":true}],"channel_ids":[{"id":true}]})") ==
        R"({"channel_ids":[{"outnum":0},{"outnum":1}]})");
}

// As lightningd v26.06.6 does it; tests/regtest/test_filter.py asks a real one.
TEST_CASE("of an object that is named as a whole, plain members are left out") {
  CHECK(filtered(R"({"failed":[{"error":true}]})") == R"({"failed":[{"error":{"data":{"a":1}}}]})");
  CHECK(filtered("{}") == R"({"channel_ids":[{"id":"02aa","outnum":0,"channel_type":{"bits":[12],"names":["x"]}},)"
                          R"({"id":"02bb","outnum":1}],"failed":[{"id":"02cc","error":{"code":-1,"message":"no",)"
                          R"("data":{"a":1}}}]})");
}

TEST_CASE("a filter of another form than the result is told of") {
  CHECK(filtered(R"({"channel_ids":{"id":true}})") ==
        R"({"channel_ids":[],"warning_parameter_filter":".channel_ids is an array"})");
  CHECK(filtered(R"({"failed":[{"error":[{"code":true}]}]})") ==
        R"({"failed":[{"error":{}}],"warning_parameter_filter":".failed[].error is an object"})");
  CHECK(filtered(R"({"failed":{"id":true},"channel_ids":{"id":true}})") ==
        R"({"channel_ids":[],"failed":[],"warning_parameter_filter":".channel_ids is an array"})");
}

TEST_CASE("what is no filter is refused in lightningd's words") {
  CHECK(filtered("[]") == "filter: Expected object: invalid token '[]'");
  CHECK(filtered("true") == "filter: Expected object: invalid token 'true'");
  CHECK(filtered(R"({"txid":false})") == "filter: value must be true: invalid token 'false'");
  CHECK(filtered(R"({"txid":1})") == "filter: value must be true: invalid token '1'");
  CHECK(filtered(R"({"failed":[]})") == "filter: Arrays can only have one element: invalid token '[]'");
  CHECK(filtered(R"({"failed":[{"id":true},{"id":true}]})").starts_with("filter: Arrays can only have one element"));
}

TEST_CASE("a command's result is filtered, its errors are not") {
  Fixture fixture;
  std::vector<Command> commands;
  fixture.plugin->add_method(keeping_method("multifundchannel", commands));
  fixture.start();
  fixture.init();
  const auto ask = [&fixture](const std::string& filter) {
    fixture.transport.deliver(R"({"jsonrpc":"2.0","id":"cln:1","method":"multifundchannel","params":{},"filter":)" +
                              filter + "}\n\n");
  };
  ask(R"({"txid":true})");
  ask(R"({"txid":true})");
  REQUIRE(commands.size() == 2);
  commands[0].succeed(result);
  commands[1].fail({303, "not this time", R"({"txid":"ab","tx":"02"})"});
  CHECK(
      fixture.transport.take() ==
      std::vector<std::string>{reply(R"({"txid":"ab"})"),
                               jsonrpc::error_text("\"cln:1\"", {303, "not this time", R"({"txid":"ab","tx":"02"})"})});
  ask("7");
  CHECK(fixture.transport.take() ==
        std::vector<std::string>{error(-32602, "filter: Expected object: invalid token '7'")});
}

}  // namespace plugin::test
