#include <doctest/doctest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace plugin::test {
namespace {

struct Running : Fixture {
  Running() {
    plugin->add_method(keeping_method("multifundchannel", commands));
    start();
    CHECK(init() == reply("{}"));
  }

  Command command(std::string_view raw_id = "\"cln:1\"") {
    CHECK(ask("multifundchannel", "{}", raw_id).empty());
    REQUIRE(commands.size() == 1);
    Command command = std::move(commands.front());
    commands.clear();
    return command;
  }
  std::string sent() { return one(transport.take()); }

  std::vector<Command> commands;
};

std::string progress(std::string_view rest) {
  return jsonrpc::notification_text("progress", util::str(R"({"id":"cln:1",)", rest, "}"));
}

constexpr std::string_view dropped = "internal error: the command was dropped without an answer";

}  // namespace

TEST_CASE("ids come back byte for byte") {
  Running fixture;
  for (const auto* id : {R"("cli:multifundchannel#12/cln:multifundchannel#7")", "12", R"("a\/\u00e9\"b")"}) {
    auto command = fixture.command(id);
    CHECK(command.raw_id() == id);
    command.message(util::Level::info, "x");
    CHECK(fixture.sent().find(util::str(R"({"id":)", id, ",")) != std::string::npos);
    command.succeed("{}");
    CHECK(fixture.sent() == reply("{}", id));
  }
}

TEST_CASE("a command is answered exactly once") {
  Running fixture;
  auto command = fixture.command();
  SUBCASE("success first") {
    command.succeed(R"({"tx":"00"})");
    CHECK(fixture.sent() == reply(R"({"tx":"00"})"));
  }
  SUBCASE("failure first") {
    command.fail({301, "too poor", R"({"id":"02"})"});
    CHECK(fixture.sent() == jsonrpc::error_text("\"cln:1\"", {301, "too poor", R"({"id":"02"})"}));
  }
  command.succeed("{}");
  command.fail({-1, "x", {}});
  command.message(util::Level::info, "late");
  command.progress(0, 2, 0, 2);
  { const Command gone = std::move(command); }
  CHECK(fixture.sent().empty());
}

TEST_CASE("a dropped command answers with an internal error") {
  Running fixture;
  SUBCASE("destroyed") {
    { const auto command = fixture.command(); }
    CHECK(fixture.sent() == error(-1, std::string(dropped)));
  }
  SUBCASE("overwritten: the old one answers, the new one lives") {
    auto first = fixture.command("1");
    auto second = fixture.command("2");
    first = std::move(second);
    CHECK(fixture.sent() == error(-1, std::string(dropped), "1"));
    first.succeed("{}");
    CHECK(fixture.sent() == reply("{}", "2"));
  }
  SUBCASE("overwritten by one that has its answer: that one stays silent") {
    {
      auto first = fixture.command("1");
      auto second = fixture.command("2");
      second.succeed("{}");
      CHECK(fixture.sent() == reply("{}", "2"));
      first = std::move(second);
      CHECK(fixture.sent() == error(-1, std::string(dropped), "1"));
    }
    CHECK(fixture.sent().empty());
  }
  SUBCASE("moved: only the last holder answers") {
    auto first = fixture.command();
    {
      auto second = std::move(first);
      CHECK(fixture.sent().empty());
    }
    CHECK(fixture.sent() == error(-1, std::string(dropped)));
  }
}

TEST_CASE("a command that outlives the plugin is silent") {
  Running fixture;
  auto command = fixture.command();
  fixture.plugin.reset();
  command.message(util::Level::info, "x");
  command.progress(0, 2, 0, 2);
  command.succeed("{}");
  CHECK(fixture.transport.take().empty());
}

TEST_CASE("a message to the client is one line") {
  Running fixture;
  auto command = fixture.command();
  command.message(util::Level::warn, "one\n\ntwo\n");
  CHECK(fixture.transport.take() == std::vector<std::string>{jsonrpc::notification_text(
                                        "message", R"({"id":"cln:1","level":"warn","message":"one | two"})")});
  command.succeed("{}");
}

TEST_CASE("progress stays inside what lightning-cli can draw") {
  Running fixture;
  auto command = fixture.command();
  command.progress(1, 5, 0, 3);
  CHECK(fixture.sent() == progress(R"("num":1,"total":5,"stage":{"num":0,"total":3})"));
  command.progress(0, 1, 0, 3);
  CHECK(fixture.sent() == progress(R"("num":0,"total":2,"stage":{"num":0,"total":3})"));
  command.progress(0, 0, 7, 3);
  CHECK(fixture.sent() == progress(R"("num":0,"total":2,"stage":{"num":2,"total":3})"));
  command.progress(5, 5, 0, 1);
  CHECK(fixture.sent() == progress(R"("num":4,"total":5)"));
  command.succeed("{}");
}

TEST_CASE("only a command whose parameters could be parsed runs") {
  Fixture fixture;
  int parsed = 0, runs = 0;
  fixture.plugin->add_method({"refuses", "", "", [&parsed, &runs](const json::Value& params) -> util::Result<Run> {
                                ++parsed;
                                if (params.size() == 0) throw std::runtime_error("boom");
                                if (params.size() == 1) return util::Error{-32602, "no", {}};
                                return Run([&runs](Command command) {
                                  ++runs;
                                  command.succeed("{}");
                                });
                              }});
  fixture.start();
  CHECK(fixture.init() == reply("{}"));
  CHECK(fixture.ask("refuses", "[1]") == error(-32602, "no"));
  CHECK(fixture.ask("refuses", "[]") == error(-1, "internal error in refuses"));
  CHECK(runs == 0);
  CHECK(fixture.ask("refuses", "[1,2]") == reply("{}"));
  CHECK(runs == 1);
  CHECK(parsed == 3);  // each once
}

TEST_CASE("an exception of a command that runs answers the command and goes no further") {
  Fixture fixture;
  fixture.plugin->add_method(
      {"throws", "", "", [](const json::Value&) -> util::Result<Run> { return Run([](const Command&) { throw 7; }); }});
  fixture.start();
  CHECK(fixture.init() == reply("{}"));
  CHECK(fixture.ask("throws", "[]") == error(-1, std::string(dropped)));
  CHECK(fixture.logged->back() == "throws: unknown exception");
}

}  // namespace plugin::test
