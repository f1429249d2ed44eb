#include "jsonrpc/caller.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "../util/flat.hpp"
#include "memory_connector.hpp"
#include "util/log.hpp"

using jsonrpc::Caller;

namespace {

/// A caller, its connector and what its calls were answered: "<tag>: <result>" or "<tag>! <code> <message>".
struct Fixture {
  test::MemoryConnector connector;
  std::unique_ptr<Caller> caller = std::make_unique<Caller>(connector, "lightning-rpc");
  std::vector<std::string> answers;

  jsonrpc::OnReply note(std::string tag) {
    return [this, tag = std::move(tag)](util::Result<json::Value> reply) {
      const auto& error = reply.ok() ? util::Error{} : reply.error();
      answers.push_back(reply.ok() ? tag + ": " + reply->dump()
                                   : tag + "! " + std::to_string(error.code) + " " + error.message);
    };
  }
  void call(const std::string& tag, util::Rope params = std::string("{}")) {
    caller->call("", tag, std::move(params), note(tag));
  }
  std::shared_ptr<test::Wire> connected(bool stalled = false) {
    caller->start();
    return connector.accept(stalled);
  }
};

std::string result(int number, const std::string& value) {
  return R"({"jsonrpc":"2.0","id":"multifundchannel:m#)" + std::to_string(number) + R"(","result":)" + value + "}\n\n";
}

/// The raw id of the only request that a call with this origin sends.
std::string id_for(const std::string& origin) {
  Fixture f;
  const auto wire = f.connected();
  f.caller->call(origin, "connect", std::string("{}"), f.note("x"));
  const auto message = jsonrpc::Message::parse(flat(wire->sent.at(0)));
  REQUIRE(message.ok());
  return message->raw_id();
}

using Answers = std::vector<std::string>;

}  // namespace

TEST_CASE("an origin that would make no JSON of a request is left out") {
  CHECK(id_for("\"q\xB2\"") == R"("multifundchannel:connect#1")");
  CHECK(id_for(R"({"a":1})") == R"("multifundchannel:connect#1")");
  CHECK(id_for("\"a\x01\"") == R"("multifundchannel:connect#1")");
  CHECK(id_for(R"("a\q")") == R"("multifundchannel:connect#1")");
}

TEST_CASE("a request is one JSON object with a blank line after it") {
  Fixture f;
  const auto wire = f.connected();
  f.caller->call("\"cli:fundchannel#3\"", "getinfo", std::string(R"({"a":1})"), f.note("x"));
  REQUIRE(wire->sent.size() == 1);
  CHECK(flat(wire->sent[0]) ==
        "{\"jsonrpc\":\"2.0\",\"id\":\"cli:fundchannel#3/multifundchannel:getinfo#1\",\"method\":\"getinfo\","
        "\"params\":{\"a\":1}}\n\n");
  CHECK(f.connector.paths == Answers{"lightning-rpc"});
}

TEST_CASE("a filter stands beside the parameters") {
  Fixture f;
  const auto wire = f.connected();
  f.caller->call("", "listfunds", std::string("{}"), f.note("x"), R"({"outputs":[{"txid":true}]})");
  CHECK(flat(wire->sent.at(0)) ==
        "{\"jsonrpc\":\"2.0\",\"id\":\"multifundchannel:listfunds#1\",\"method\":\"listfunds\","
        "\"params\":{},\"filter\":{\"outputs\":[{\"txid\":true}]}}\n\n");
}

TEST_CASE("ids continue the command's id and stay valid JSON") {
  CHECK(id_for("") == R"("multifundchannel:connect#1")");
  CHECK(id_for("\"\"") == R"("multifundchannel:connect#1")");
  CHECK(id_for("17") == R"("17/multifundchannel:connect#1")");
  CHECK(id_for(R"("a\"\\\u0041\/")") == R"("a\"\\\u0041\//multifundchannel:connect#1")");
}

TEST_CASE("shared pieces of the parameters are sent, not copied") {
  Fixture f;
  const auto wire = f.connected();
  const auto psbt = util::share(std::string(1000, 'A'));
  util::Rope params("[\"");
  params.add(psbt);
  params.add("\"]");
  f.call("m", std::move(params));
  const auto& pieces = wire->sent.at(0).pieces();
  CHECK(std::find(pieces.begin(), pieces.end(), psbt) != pieces.end());
}

TEST_CASE("each call gets its own reply, in whatever order and pieces they come") {
  Fixture f;
  const auto wire = f.connected();
  f.call("a");
  f.call("b");
  f.call("c");
  CHECK(f.caller->in_flight() == 3);
  const auto bytes = result(3, "3") + result(1, "[1]");
  wire->say(bytes.substr(0, 20));
  CHECK(f.answers.empty());
  wire->say(bytes.substr(20));
  wire->say(R"({"id":"multifundchannel:m#2","error":{"code":301,"message":"no money"}})");
  CHECK(f.answers == Answers{"c: 3", "a: [1]", "b! 301 no money"});
  CHECK(f.caller->in_flight() == 0);
}

TEST_CASE("what nobody waits for is ignored and logged") {
  Fixture f;
  std::vector<std::string> logged;
  util::set_log_sink([&logged](util::Level level, std::string_view line) {
    CHECK(level == util::Level::debug);
    logged.emplace_back(line);
  });
  const auto wire = f.connected();
  f.call("a");
  wire->say(result(2, "{}"));
  wire->say(R"({"id":"#","result":1} {"id":"x#1 ","result":1} {"id":"x#-1","result":1} {"id":1,"result":1})");
  wire->say(R"({"id":"x#99999999999999999999","result":1} {"id":null,"error":{"code":1,"message":"m"}})");
  wire->say(R"({"method":"notified#1"} {"id":"x#1","method":"request"})");
  CHECK(f.answers.empty());
  CHECK(logged.size() == 9);
  wire->say(result(1, "{}"));
  wire->say(result(1, "{}"));
  CHECK(f.answers == Answers{"a: {}"});
  CHECK(logged.size() == 10);
  util::set_log_sink(nullptr);
}

TEST_CASE("calls wait for the connection, in order") {
  Fixture f;
  f.call("a");
  f.call("b");
  CHECK(f.connector.paths.size() == 1);
  CHECK(f.caller->in_flight() == 2);
  const auto wire = f.connector.accept();
  REQUIRE(wire->sent.size() == 2);
  CHECK(flat(wire->sent[0]).find("\"a\"") != std::string::npos);
  CHECK(flat(wire->sent[1]).find("\"b\"") != std::string::npos);
}

TEST_CASE("when connecting fails, what waits fails as unsent; the next call connects again") {
  Fixture f;
  f.call("a");
  f.call("b");
  f.connector.refuse("no such file");
  CHECK(f.answers == Answers{"a! -32091 a: cannot connect to lightning-rpc: no such file",
                             "b! -32091 b: cannot connect to lightning-rpc: no such file"});
  f.call("c");
  REQUIRE(f.connector.waiting.size() == 1);
  f.connector.accept()->say(result(3, "{}"));
  CHECK(f.answers.back() == "c: {}");
}

TEST_CASE("when the connection breaks, what was sent is lost and what waits is unsent") {
  Fixture f;
  const auto wire = f.connected(true);
  f.call("a");
  f.call("b", std::string(Caller::window, ' '));
  wire->close("end of file");
  CHECK(f.answers ==
        Answers{"a! -32090 a: connection to lightningd lost, it may or may not have been carried out: end of file",
                "b! -32091 b: connection to lightningd lost before it was sent: end of file"});
  CHECK(f.caller->in_flight() == 0);
  CHECK(f.connector.waiting.empty());

  f.call("c");
  f.connector.accept()->say(result(3, "{}"));
  CHECK(f.answers.back() == "c: {}");
}

TEST_CASE("bytes of the lost connection do not mix with those of the next") {
  Fixture f;
  auto wire = f.connected();
  f.call("a");
  wire->say("{\"id\":");
  wire->close("gone");
  f.call("b");
  f.connector.accept()->say(result(2, "{}"));
  CHECK(f.answers.back() == "b: {}");
}

TEST_CASE("no more than the window is with the transport") {
  Fixture f;
  const auto wire = f.connected(true);
  for (int i = 0; i < 5; ++i) f.call("m", std::string(Caller::window / 2 - 200, ' '));
  CHECK(wire->sent.size() == 2);
  CHECK(wire->pending <= Caller::window);
  CHECK(f.caller->in_flight() == 5);
  wire->drain(10);
  CHECK(wire->sent.size() == 2);
  wire->drain(wire->sent[0].size() - 10);
  CHECK(wire->sent.size() == 3);
  wire->drain(wire->pending);
  CHECK(wire->sent.size() == 5);
}

TEST_CASE("a request larger than the window goes alone") {
  Fixture f;
  const auto wire = f.connected(true);
  f.call("large", std::string(Caller::window + 1, ' '));
  CHECK(wire->sent.size() == 1);
  f.call("small");
  f.call("large", std::string(Caller::window + 1, ' '));
  CHECK(wire->sent.size() == 1);
  wire->drain(wire->pending);
  CHECK(wire->sent.size() == 2);
  wire->drain(wire->pending);
  CHECK(wire->sent.size() == 3);
}

TEST_CASE("a callback may make calls") {
  Fixture f;
  const auto wire = f.connected();
  f.caller->call("", "m", std::string("{}"), [&f](util::Result<json::Value>) { f.call("inner"); });
  wire->say(result(1, "{}") + result(2, "{}"));
  CHECK(f.answers == Answers{"inner: {}"});
}

TEST_CASE("a callback of a lost call may call again, which connects again") {
  Fixture f;
  const auto wire = f.connected();
  f.caller->call("", "m", std::string("{}"), [&f](util::Result<json::Value>) { f.call("again"); });
  wire->close("gone");
  CHECK(f.answers.empty());
  REQUIRE(f.connector.waiting.size() == 1);
  f.connector.accept()->say(result(2, "{}"));
  CHECK(f.answers == Answers{"again: {}"});
}

TEST_CASE("a callback may destroy the caller: no other callback runs") {
  for (const bool reply : {true, false}) {
    Fixture f;
    const auto wire = f.connected();
    for (int i = 0; i < 2; ++i) {
      f.caller->call("", "m", std::string("{}"), [&f](util::Result<json::Value>) {
        f.answers.emplace_back("destroyed");
        f.caller.reset();
      });
    }
    reply ? wire->say(result(1, "{}") + result(2, "{}")) : wire->close("gone");
    CHECK(f.answers == Answers{"destroyed"});
    CHECK(wire->receiver == nullptr);
  }
}

TEST_CASE("a callback's own things may hold the caller") {
  test::MemoryConnector connector;
  auto owned = std::make_unique<Caller>(connector, "path");
  auto& caller = *owned;
  caller.call("", "m", std::string("{}"), [owned = std::move(owned)](util::Result<json::Value>) {});
  const auto wire = connector.accept();
  wire->say(result(1, "{}") + result(2, "{}"));
  CHECK(wire->receiver == nullptr);
}

TEST_CASE("destroying the caller drops its calls, and a connection that comes later") {
  Fixture f;
  f.call("a");
  f.caller.reset();
  const auto wire = f.connector.accept();
  CHECK(wire->receiver == nullptr);
  CHECK(wire->sent.empty());
  CHECK(f.answers.empty());
}

TEST_CASE("what cannot be read and is nobody's is skipped: the calls go on") {
  for (const auto* bytes : {"garbage\n\n", "{\"id\":}", "{\"id\":[]}", "{}", "}\n\n", "{\"result\":nope]}"}) {
    CAPTURE(bytes);
    Fixture f;
    const auto wire = f.connected();
    f.call("a");
    f.call("b");
    wire->say(result(1, "{}") + bytes + result(2, "{}"));
    CHECK(f.answers == Answers{"a: {}", "b: {}"});
    CHECK(wire->receiver != nullptr);
  }
}

TEST_CASE("a reply that cannot be read fails its own call only, and in doubt") {
  for (const auto* bad : {"{\"a\":}", "[\"x\":2]", "\"\\x\"", "{\"a\":1 2}"}) {
    CAPTURE(bad);
    Fixture f;
    const auto wire = f.connected();
    f.call("a");
    f.call("b");
    wire->say(result(1, bad) + result(2, "{}"));
    REQUIRE(f.answers.size() == 2);
    CHECK(f.answers[0].starts_with("a! -32092 a: unexpected reply: message: cannot be read: at byte "));
    CHECK(f.answers[1] == "b: {}");
    CHECK(f.caller->in_flight() == 0);
  }
}

TEST_CASE("a reply whose form is sloppy is not guessed at") {
  for (const auto* bad : {R"({"channels":[,]})", R"({"psbt":nope,"channels":[,]})", R"({"a":1,})", R"({"a":-})"}) {
    CAPTURE(bad);
    Fixture f;
    const auto wire = f.connected();
    f.call("a");
    wire->say(result(1, bad));
    REQUIRE(f.answers.size() == 1);
    CHECK(f.answers[0].starts_with("a! -32092 a: unexpected reply: message: not valid JSON at byte "));
  }
}

TEST_CASE("a reply with a string of bad bytes is read") {
  Fixture f;
  const auto wire = f.connected();
  f.call("a");
  wire->say(result(1, R"({"note":"\ud800"})"));
  CHECK(f.answers == Answers{R"(a: {"note":"\\ud800"})"});
}

TEST_CASE("start connects once") {
  Fixture f;
  f.caller->start();
  f.caller->start();
  CHECK(f.connector.waiting.size() == 1);
  f.connector.accept();
  f.caller->start();
  CHECK(f.connector.paths.size() == 1);
}
