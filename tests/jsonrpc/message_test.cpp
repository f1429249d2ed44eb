#include "jsonrpc/message.hpp"

#include <doctest/doctest.h>

#include <string>

using jsonrpc::Message;

namespace {

Message parsed(std::string_view text) {
  auto message = Message::parse(text);
  if (!message.ok()) FAIL(message.error().message);
  return std::move(*message);
}

std::string raw_id(std::string_view text) { return parsed(text).raw_id(); }

std::string complaint(std::string_view text) {
  const auto message = Message::parse(text);
  return message.ok() ? "" : message.error().message;
}

/// The error of a reply with this `error` member.
util::Error error_of(std::string_view member) {
  const auto message = parsed(std::string(R"({"id":1,"error":)").append(member).append("}"));
  auto result = message.result();
  REQUIRE(!result.ok());
  return result.error();
}

}  // namespace

TEST_CASE("a request has id, method and params") {
  const auto message = parsed(R"({"jsonrpc":"2.0","id":"cli:x#1/cln:y#2","method":"pay","params":{"a":1}})");
  CHECK(!message.is_reply());
  CHECK(message.raw_id() == "\"cli:x#1/cln:y#2\"");
  CHECK(message.method() == "pay");
  CHECK(*message.params().u64("a") == 1);
  CHECK(message.params().path() == "params");
}

TEST_CASE("a notification has no id; missing or null params are an empty array") {
  for (const auto* text : {R"({"method":"shutdown"})", R"({"method":"shutdown","params":null})"}) {
    const auto message = parsed(text);
    CHECK(message.raw_id().empty());
    CHECK(message.method() == "shutdown");
    CHECK(message.params().is_array());
    CHECK(message.params().size() == 0);
  }
}

TEST_CASE("the raw id keeps its bytes") {
  CHECK(raw_id(R"({"id":1})") == "1");
  CHECK(raw_id(R"({"id":1.0})") == "1.0");
  CHECK(raw_id(R"({"id":-1e3,"method":"m"})") == "-1e3");
  CHECK(raw_id(R"({"id":12345678901234567890123})") == "12345678901234567890123");
  CHECK(raw_id(R"({"id":null,"error":{}})") == "null");
  CHECK(raw_id(R"({"id":""})") == R"("")");
  CHECK(raw_id(R"({"id":"\u0041\/\"\\"})") == R"("\u0041\/\"\\")");
  CHECK(raw_id("{ \n \"id\" \t :\r \"a b\" \n }") == "\"a b\"");
  CHECK(raw_id("{\"id\":7\n,\"method\":\"m\"}") == "7");
}

TEST_CASE("only the message's own id counts, wherever it stands") {
  CHECK(raw_id(R"({"params":{"id":1,"x":[{"id":2}]},"method":"m","id":3})") == "3");
  CHECK(raw_id(R"({"method":"\"id\":4","params":["\"id\":5","}\\"],"x":{},"y":[],"z":true,"id":"six"})") == "\"six\"");
  CHECK(raw_id(R"({"x":"id","params":[[],[["]"]]],"id":8,"method":"m"})") == "8");
  CHECK(raw_id(R"({"params":{"id":9},"method":"m"})").empty());
  CHECK(raw_id(R"({"ID":1,"method":"m"})").empty());
}

TEST_CASE("what has neither id nor method is an error") {
  CHECK(complaint("") == "malformed JSON-RPC message: no object");
  CHECK(complaint("[]") == "malformed JSON-RPC message: no object");
  CHECK(complaint("{}") == "malformed JSON-RPC message: neither id nor method");
  CHECK(complaint(R"({"id":[]})") == "malformed JSON-RPC message: id is no string, number or null");
  CHECK(complaint("{\"ID\":1") == "message: cannot be read: at byte 7: the text ends before its value does");
  CHECK(complaint(R"({"id":{"id":1},"x":[})") == "message: cannot be read: at byte 20: } where ] is due");
  CHECK(complaint(R"({"\u0069d":1})") == "malformed JSON-RPC message: neither id nor method");
}

TEST_CASE("a sloppy message is read as lightningd reads it") {
  const auto message = parsed(R"({"jsonrpc":"2.0",,"id":"a","id":"b",,"method":"pay","method":"no","params":[1k,],})");
  CHECK(!message.problem());
  CHECK(message.raw_id() == "\"a\"");
  CHECK(message.method() == "pay");
  CHECK(message.params().as_typed() == "[1k]");
  CHECK(raw_id(R"({"method":"m","id"::0x1,})") == "0x1");
  CHECK(raw_id(R"({:"id":true,"method":"m"})") == "true");
  CHECK(parsed(R"({"id":1,"method":5})").method() == "5");
  CHECK(parsed(R"({"id":1,"method":""})").method() == "\"\"");
}

TEST_CASE("an escaped name is another name, for lightningd and here") {
  const auto message =
      parsed(R"({"m\u0065thod":"init","method":"pay","\u0069d":1,"id":2,"\u0070arams":[1],"params":[2]})");
  CHECK(message.method() == "pay");
  CHECK(message.raw_id() == "2");
  CHECK(message.params().dump() == "[2]");
}

TEST_CASE("a message that cannot be read keeps its id and its method, and says what is wrong") {
  const std::string deep(100'000, '[');
  for (const auto& params : {deep + std::string(100'000, ']'), deep, std::string("{\"a\":}"), std::string("\"\\x\""),
                             std::string("\0", 1), std::string("{]}")}) {
    for (const auto& text : {R"({"id":"x","method":"pay","params":)" + params + "}",
                             R"({"params":)" + params + R"(,"method":"pay","id":"x"})"}) {
      const auto message = Message::parse(text);
      // Where brackets do not match, what comes behind them cannot be told.
      if (!message.ok()) {
        CHECK(text.starts_with(R"({"params")"));
        continue;
      }
      REQUIRE(message->problem());
      CHECK(message->problem()->message.starts_with("message: cannot be read: at byte "));
      CHECK(message->raw_id() == "\"x\"");
      CHECK(message->method() == "pay");
      CHECK(message->params().size() == 0);
      CHECK_FALSE(message->result().ok());
    }
  }
}

TEST_CASE("a reply has a result, whose paths begin with it") {
  const auto message = parsed(R"({"jsonrpc":"2.0","id":"x","result":{"psbt":5}})");
  CHECK(message.is_reply());
  const auto result = message.result();
  REQUIRE(result.ok());
  CHECK(result->string("psbt").error().message.starts_with("result.psbt: "));

  CHECK(parsed(R"({"id":1,"error":null,"result":5})").result().ok());
  CHECK(parsed(R"({"id":1,"result":null})").result()->is_null());
}

TEST_CASE("a reply's error keeps code, message and raw data") {
  auto error = error_of(R"({"code":301,"message":"no \"money\"","data":{"a":[1, 2.50]}})");
  CHECK(error.code == 301);
  CHECK(error.message == "no \"money\"");
  CHECK(error.data == R"({"a":[1,2.50]})");

  error = error_of(R"({"code":-32601,"message":"","data":null})");
  CHECK(error.code == -32601);
  CHECK(error.message.empty());
  CHECK(error.data.empty());
}

TEST_CASE("an error without a valid code and message is code -1 and shows what came") {
  for (const auto* member : {R"({"message":"m"})", R"({"code":1})", R"({"code":"1","message":"m"})",
                             R"({"code":1,"message":2})", R"({"code":99999999999,"message":"m"})", "\"text\"", "5"}) {
    const auto error = error_of(member);
    CHECK(error.code == -1);
    CHECK(error.message == std::string("error without a valid code and message: ") + member);
  }
  CHECK(error_of(R"({"data":[7]})").data == "[7]");
}

TEST_CASE("a reply without result and error is an error") {
  const auto message = parsed(R"({"jsonrpc":"2.0","id":1})");
  CHECK(message.is_reply());
  CHECK(message.result().error().code == -1);
  CHECK(message.result().error().message == R"(reply without result and error: {"jsonrpc":"2.0","id":1})");
}

TEST_CASE("an error beside a result wins") {
  CHECK(parsed(R"({"id":1,"result":{},"error":{"code":7,"message":"m"}})").result().error().code == 7);
}

TEST_CASE("texts end with the only blank line") {
  CHECK(jsonrpc::reply_text("\"a\\/b\"", R"({"x":1})") ==
        "{\"jsonrpc\":\"2.0\",\"id\":\"a\\/b\",\"result\":{\"x\":1}}\n\n");
  CHECK(jsonrpc::reply_text("1", "{\n\n\"x\":1\n}") == "{\"jsonrpc\":\"2.0\",\"id\":1,\"result\":{\"x\":1}}\n\n");
  CHECK(jsonrpc::notification_text("log", R"({"level":"info"})") ==
        "{\"jsonrpc\":\"2.0\",\"method\":\"log\",\"params\":{\"level\":\"info\"}}\n\n");
  CHECK(jsonrpc::error_text("7", util::Error{-32602, "say \"a\"\n\n", ""}) ==
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":-32602,\"message\":\"say \\\"a\\\"\\n\\n\"}}\n\n");
  CHECK(jsonrpc::error_text("7", util::Error{1, "m", "{\n\n\"d\":[]}"}) ==
        "{\"jsonrpc\":\"2.0\",\"id\":7,\"error\":{\"code\":1,\"message\":\"m\",\"data\":{\"d\":[]}}}\n\n");
}
