#include <doctest/doctest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace plugin::test {

TEST_CASE("log lines are one notification each") {
  Fixture fixture;
  fixture.start();
  fixture.plugin->log(util::Level::debug, "a");
  fixture.plugin->log(util::Level::error, "b \"c\"\nd\n");
  fixture.plugin->log(util::Level::info, "");
  CHECK(fixture.transport.take() ==
        std::vector<std::string>{jsonrpc::notification_text("log", R"({"level":"debug","message":"a"})"),
                                 jsonrpc::notification_text("log", R"({"level":"error","message":"b \"c\""})"),
                                 jsonrpc::notification_text("log", R"({"level":"error","message":"d"})")});
}

TEST_CASE("a log line that would end lightningd is cut") {
  Fixture fixture;
  fixture.start();
  fixture.plugin->log(util::Level::info, std::string(300'000, 'x'));
  fixture.plugin->log(util::Level::info, std::string(8192, 'y'));
  const auto logged = fixture.transport.take();
  REQUIRE(logged.size() == 2);
  CHECK(logged[0].size() < 9000);
  CHECK(logged[0].find("xxx... (300000 bytes)") != std::string::npos);
  CHECK(logged[1].find(std::string(8192, 'y') + '"') != std::string::npos);
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

TEST_CASE("what is no JSON-RPC is logged and ends the plugin's life") {
  Fixture fixture;
  fixture.start();
  SUBCASE("text between messages") { fixture.transport.deliver("hello"); }
  SUBCASE("an object that is no message") { fixture.transport.deliver(R"({"hello":1})"); }
  SUBCASE("broken JSON") { fixture.transport.deliver(R"({"method":nope})"); }
  REQUIRE(fixture.gone.size() == 1);
  CHECK_FALSE(fixture.gone.front().empty());
  REQUIRE(fixture.logged->size() == 1);
  CHECK(fixture.logged->front().find(fixture.gone.front()) != std::string::npos);
  CHECK(fixture.ask("getmanifest", "{}").empty());
  fixture.transport.close("end of file");
  CHECK(fixture.gone.size() == 1);
}

TEST_CASE("messages behind a malformed one are not read") {
  Fixture fixture;
  int seen = 0;
  fixture.plugin->subscribe("connect", [&seen](const json::Value&) { ++seen; });
  fixture.start();
  const std::string connect = R"({"jsonrpc":"2.0","method":"connect","params":{}})";
  fixture.transport.deliver(connect + R"({"hello":1})" + connect);
  fixture.transport.deliver(connect);
  CHECK(seen == 1);
}

TEST_CASE("a reply that nobody waits for is ignored") {
  Fixture fixture;
  fixture.start();
  fixture.transport.deliver(R"({"jsonrpc":"2.0","id":"x","result":{}})");
  CHECK(fixture.transport.take().empty());
  CHECK(fixture.gone.empty());
}

}  // namespace plugin::test
