#include <doctest/doctest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace plugin::test {
namespace {

/// A plugin with a method that wants {"amount": number} or [number], and some options.
struct Asked : Fixture {
  Asked() {
    plugin->add_method({"multifundchannel", "amount", "opens", [](const json::Value& params) -> util::Result<Run> {
                          if (const auto passed = check(params); !passed) return passed.error();
                          return Run([](Command command) { command.succeed("{}"); });
                        }});
    add("fixed", OptionType::integer, false);
    add("number", OptionType::integer, true);
    add("text", OptionType::string, true);
    add("switch", OptionType::boolean, true);
    start();
    CHECK(init() == reply("{}"));
  }

  static util::Result<void> check(const json::Value& params) {
    if (params.is_array() && params.size() == 1) return {};
    if (params.size() != 1) return util::Error{-32602, "one parameter, please", {}};
    const auto amount = params.u64("amount");
    return amount ? util::Result<void>() : amount.error();
  }

  void add(std::string name, OptionType type, bool dynamic) {
    const auto take = [this](const json::Value& value) {
      set.push_back(value.dump());
      return util::Result<void>();
    };
    const auto not_13 = [](const json::Value& value) {
      return value.dump() == "13" ? util::Result<void>(util::Error{-32602, "13 is unlucky", {}}) : util::Result<void>();
    };
    plugin->add_option({std::move(name), type, "", "", dynamic, take, not_13});
  }

  std::vector<std::string> set;
};

}  // namespace

TEST_CASE("check asks the method about the rest of the parameters") {
  Asked fixture;
  const auto good = reply(R"({"command_to_check":"multifundchannel"})");
  CHECK(fixture.ask("check", R"({"command_to_check":"multifundchannel","amount":5})") == good);
  CHECK(fixture.ask("check", R"({"amount":5,"command_to_check":"multifundchannel"})") == good);
  CHECK(fixture.ask("check", R"(["multifundchannel",5])") == good);
  CHECK(fixture.ask("check", R"(["multifundchannel",5,6])").find(R"("error":{"code":-32602)") != std::string::npos);
  const auto bad = fixture.ask("check", R"({"command_to_check":"multifundchannel","amount":"x"})");
  CHECK(bad.find(R"("error":{"code":-32602)") != std::string::npos);
  CHECK(bad.find("params.amount") != std::string::npos);
}

TEST_CASE("check without a command or with an unknown one is an error") {
  Asked fixture;
  CHECK(fixture.ask("check", "[]") == error(-32602, "missing required parameter: command_to_check"));
  CHECK(fixture.ask("check", "[7]").find(R"("code":-32602)") != std::string::npos);
  CHECK(fixture.ask("check", "{}").find(R"("code":-32602)") != std::string::npos);
  CHECK(fixture.ask("check", R"(["getinfo"])") == error(-32601, "unknown command getinfo"));
}

TEST_CASE("setconfig sets a dynamic option, given as text") {
  Asked fixture;
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":"-42"})") == reply("{}"));
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":42})") == reply("{}"));
  CHECK(fixture.ask("setconfig", R"({"config":"text","val":"42"})") == reply("{}"));
  CHECK(fixture.ask("setconfig", R"({"config":"switch","val":"no"})") == reply("{}"));
  CHECK(fixture.ask("setconfig", R"({"config":"switch","val":"true"})") == reply("{}"));
  CHECK(fixture.ask("setconfig", R"({"config":"switch"})") == reply("{}"));
  CHECK(fixture.set == std::vector<std::string>{"-42", "42", R"("42")", "false", "true", "true"});
}

TEST_CASE("setconfig refuses what does not fit, and sets nothing") {
  Asked fixture;
  CHECK(fixture.ask("setconfig", R"({"config":"other","val":"1"})") == error(-32602, "unknown option other"));
  CHECK(fixture.ask("setconfig", R"({"config":"fixed","val":"1"})") ==
        error(-32602, "fixed cannot be changed at run time"));
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":"4x"})") ==
        error(-32602, R"(number: should be an integer, not "4x")"));
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":""})") ==
        error(-32602, R"(number: should be an integer, not "")"));
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":true})") ==
        error(-32602, "number: should be an integer, not true"));
  CHECK(fixture.ask("setconfig", R"({"config":"number"})") ==
        error(-32602, "number: should be given a value, not nothing"));
  CHECK(fixture.ask("setconfig", R"({"config":"text","val":1})") == error(-32602, "text: should be a string, not 1"));
  CHECK(fixture.ask("setconfig", R"({"config":"switch","val":"maybe"})") ==
        error(-32602, R"(switch: should be true or false, not "maybe")"));
  CHECK(fixture.ask("setconfig", R"({"config":"number","val":"13"})") == error(-32602, "13 is unlucky"));
  CHECK(fixture.ask("setconfig", "{}").find(R"("code":-32602)") != std::string::npos);
  CHECK(fixture.set.empty());
}

TEST_CASE("check of setconfig decides without setting") {
  Asked fixture;
  CHECK(fixture.ask("check", R"({"command_to_check":"setconfig","config":"number","val":"5"})") ==
        reply(R"({"command_to_check":"setconfig"})"));
  CHECK(fixture.ask("check", R"({"command_to_check":"setconfig","config":"number","val":"13"})") ==
        error(-32602, "13 is unlucky"));
  CHECK(fixture.set.empty());
}

TEST_CASE("an unknown method is a JSON-RPC error") {
  Asked fixture;
  CHECK(fixture.ask("fundchannel", "{}") == error(-32601, "unknown method fundchannel"));
}

TEST_CASE("the rpc_command hook asks only about its filter") {
  Fixture fixture;
  std::vector<std::string> asked;
  std::string decision = R"({"replace":{"jsonrpc":"2.0","id":"a","method":"multifundchannel-spark","params":{}}})";
  fixture.plugin->redirect("multifundchannel", [&asked, &decision](const json::Value& request) {
    asked.push_back(request.dump());
    if (decision == "throw") throw std::runtime_error("boom");
    return decision;
  });
  fixture.start();
  const auto call = R"({"rpc_command":{"id":"a","method":"multifundchannel","params":{}}})";
  const auto go_on = reply(R"({"result":"continue"})");

  SUBCASE("a call of the filter's method is decided") {
    CHECK(fixture.ask("rpc_command", call) == reply(decision));
    CHECK(asked == std::vector<std::string>{R"({"id":"a","method":"multifundchannel","params":{}})"});
  }
  SUBCASE("anything else is continued at once") {
    CHECK(fixture.ask("rpc_command", R"({"rpc_command":{"id":"a","method":"pay","params":{}}})") == go_on);
    CHECK(fixture.ask("rpc_command", R"({"rpc_command":{"id":"a","params":{}}})") == go_on);
    CHECK(fixture.ask("rpc_command", R"({"rpc_command":{"id":"a","method":7}})") == go_on);
    CHECK(fixture.ask("rpc_command", R"({"rpc_command":7})") == go_on);
    CHECK(fixture.ask("rpc_command", "[]") == go_on);
    for (const auto* typed :
         {"[010,lbl,desc]", "[010,lbl,desc,]", R"({"amount_msat":1_000,"label":-,})", R"(["\ud800"])"}) {
      const auto invoice = util::str(R"({"rpc_command":{"id":"a","method":"invoice","params":)", typed, "}}");
      CHECK_MESSAGE(fixture.ask("rpc_command", invoice) == go_on, typed);
    }
    CHECK(asked.empty());
  }
  SUBCASE("a decision that fails continues: a reply without result stops the node") {
    for (const auto* bad : {"throw", "", "{", "[]", "7"}) {
      decision = bad;
      CHECK(fixture.ask("rpc_command", call) == go_on);
    }
  }
}

TEST_CASE("a hook call without a redirect is continued") {
  Fixture fixture;
  fixture.start();
  CHECK(fixture.ask("rpc_command", R"({"rpc_command":{"id":"a","method":"","params":{}}})") ==
        reply(R"({"result":"continue"})"));
}

}  // namespace plugin::test
