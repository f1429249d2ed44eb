#include <doctest/doctest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace plugin::test {

TEST_CASE("what is logged is one line, and one notification") {
  Fixture fixture;
  fixture.start();
  fixture.plugin->log(util::Level::debug, "a");
  fixture.plugin->log(util::Level::error, "b \"c\"\nd\n");
  fixture.plugin->log(util::Level::info, "");
  CHECK(fixture.transport.take() ==
        std::vector<std::string>{jsonrpc::notification_text("log", R"({"level":"debug","message":"a"})"),
                                 jsonrpc::notification_text("log", R"({"level":"error","message":"b \"c\" | d"})")});
}

TEST_CASE("a log line that would end lightningd is cut") {
  Fixture fixture;
  fixture.start();
  fixture.plugin->log(util::Level::info, std::string(300'000, '!'));
  fixture.plugin->log(util::Level::info, std::string(8192, '?'));
  const auto logged = fixture.transport.take();
  REQUIRE(logged.size() == 2);
  CHECK(logged[0].size() < 9000);
  CHECK(logged[0].find("!!!... (300000 bytes)") != std::string::npos);
  CHECK(logged[1].find(std::string(8192, '?') + '"') != std::string::npos);
}

TEST_CASE("neither a PSBT nor a control character gets into a log line, whoever wrote it") {
  Fixture fixture;
  fixture.start();
  fixture.plugin->log(util::Level::warn,
                      "sendpsbt: PSBT not finalizeable " + std::string(200, 'Q') + "\x1b[2J\xc2\x9b");
  CHECK(fixture.transport.take() ==
        std::vector<std::string>{jsonrpc::notification_text(
            "log", R"({"level":"warn","message":"sendpsbt: PSBT not finalizeable (200 characters cut)?[2J?"})")});
}

TEST_CASE("an error repeats at most 100 characters of a name, and no control character") {
  Fixture fixture;
  fixture.start();
  const auto unknown = fixture.ask(std::string(5000, ' ') + "x", "{}");
  CHECK(unknown == error(-32601, "unknown method " + std::string(100, ' ') + "... (5001 bytes)"));
  CHECK(fixture.ask(R"(a\u007f\u202eb)", "{}") == error(-32601, "unknown method a??b"));
}

TEST_CASE("requests arrive in any pieces, several at once") {
  Fixture fixture;
  fixture.start();
  const std::string request = R"({"jsonrpc":"2.0","id":"x","method":"nothing","params":{}})";
  for (const char c : request + "\n\n") fixture.transport.deliver(std::string_view(&c, 1));
  CHECK(fixture.transport.take().size() == 1);
  fixture.transport.deliver(request + request);
  CHECK(fixture.transport.take().size() == 2);
}

TEST_CASE("shutdown calls the hook, in the form of every version") {
  Fixture fixture;
  int shutdowns = 0;
  fixture.hooks.shutdown = [&shutdowns] { ++shutdowns; };
  fixture.start();
  fixture.notify("shutdown", R"({"shutdown":{}})");
  fixture.notify("shutdown", "{}");
  CHECK(shutdowns == 2);
  CHECK(fixture.transport.take().empty());
  CHECK(fixture.gone.empty());
}

TEST_CASE("notifications reach their subscriber") {
  Fixture fixture;
  std::vector<std::string> seen;
  fixture.plugin->subscribe("disconnect", [&seen](const json::Value& params) {
    seen.push_back(params.dump());
    if (seen.size() == 2) throw std::runtime_error("boom");
  });
  fixture.start();
  fixture.notify("disconnect", R"({"disconnect":{"id":"02"}})");
  fixture.notify("connect", R"({"connect":{"id":"02"}})");
  CHECK(seen == std::vector<std::string>{R"({"disconnect":{"id":"02"}})"});
  fixture.notify("disconnect", "{}");
  CHECK(fixture.logged->back() == "disconnect: boom");
  fixture.notify("disconnect", "{}");
  CHECK(seen.size() == 3);
  CHECK(fixture.transport.take().empty());
}

TEST_CASE("a closed standard input ends the plugin's life, once") {
  Fixture fixture;
  fixture.start();
  fixture.transport.close("end of file");
  CHECK(fixture.gone == std::vector<std::string>{"end of file"});
  fixture.plugin->log(util::Level::info, "nobody listens");
  CHECK(fixture.transport.take().empty());
}

TEST_CASE("what is no JSON-RPC is logged in one line and skipped") {
  for (const auto* bytes :
       {"hello\n\n", R"({"hello":1})", R"({"id":[],"method":"getmanifest"})", R"({"x":nope]})", "}\n\n"}) {
    CAPTURE(bytes);
    Fixture fixture;
    int seen = 0;
    fixture.plugin->subscribe("connect", [&seen](const json::Value&) { ++seen; });
    fixture.start();
    const std::string connect = R"({"jsonrpc":"2.0","method":"connect","params":{}})";
    fixture.transport.deliver(connect + bytes + connect);
    CHECK(seen == 2);
    CHECK(fixture.gone.empty());
    REQUIRE(fixture.logged->size() == 1);
    CHECK(fixture.logged->front().starts_with("lightningd sent what cannot be read: "));
    CHECK(fixture.transport.take().empty());
  }
}

TEST_CASE("a notification that cannot be read is skipped") {
  Fixture fixture;
  fixture.start();
  fixture.notify("shutdown", "{\"a\":}");
  CHECK(fixture.logged->size() == 1);
  CHECK(fixture.gone.empty());
}

TEST_CASE("a request that cannot be read is refused by its id, and says where") {
  Fixture fixture;
  std::vector<Command> commands;
  fixture.plugin->add_method(keeping_method("pay", commands));
  fixture.start();
  fixture.init();
  const std::string deep = std::string(100'000, '[') + std::string(100'000, ']');
  CHECK(fixture.ask("pay", deep) ==
        error(-32602, "message: cannot be read: at byte 153: nesting deeper than 100 levels"));
  CHECK(fixture.ask("pay", R"({"a":})") ==
        error(-32602, "message: cannot be read: at byte 56: a name without a value"));
  CHECK(fixture.ask("check", deep).find("-32602") != std::string::npos);
  CHECK(fixture.ask("setconfig", deep).find("-32602") != std::string::npos);
  CHECK(fixture.ask("rpc_command", deep) == reply(R"({"result":"continue"})"));
  CHECK(fixture.ask("getmanifest", deep).find("rpcmethods") != std::string::npos);
  CHECK(fixture.ask("init", deep).find(R"("result":{"disable":")") != std::string::npos);
  CHECK(commands.empty());
  CHECK(fixture.gone.empty());
}

TEST_CASE("a stream without an end to a message ends the plugin's life, once") {
  Fixture fixture;
  fixture.start();
  fixture.transport.deliver("{\"a\":\"");
  const std::string piece(std::size_t{64} << 20, 'x');
  for (int i = 0; i < 4; ++i) fixture.transport.deliver(piece);
  REQUIRE(fixture.gone.size() == 1);
  CHECK(fixture.logged->back().find(fixture.gone.front()) != std::string::npos);
  CHECK(fixture.ask("getmanifest", "{}").empty());
  fixture.transport.close("end of file");
  CHECK(fixture.gone.size() == 1);
}

TEST_CASE("a reply that nobody waits for is ignored") {
  Fixture fixture;
  fixture.start();
  fixture.transport.deliver(R"({"jsonrpc":"2.0","id":"x","result":{}})");
  CHECK(fixture.transport.take().empty());
  CHECK(fixture.gone.empty());
}

}  // namespace plugin::test
