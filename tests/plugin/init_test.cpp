#include <doctest/doctest.h>

#include <stdexcept>

#include "fixture.hpp"

namespace plugin::test {

TEST_CASE("init hands over the configuration") {
  Fixture fixture;
  Configuration seen;
  fixture.hooks.init = [&seen](const Configuration& configuration) {
    seen = configuration;
    return util::Result<void>();
  };
  fixture.start();
  CHECK(fixture.init() == reply("{}"));
  CHECK(seen.lightning_dir == "/tmp/l1/regtest");
  CHECK(seen.rpc_path() == "/tmp/l1/regtest/lightning-rpc");
  CHECK(seen.startup);
  CHECK(seen.network == "regtest");
  CHECK(seen.init_features == "08a0");
  CHECK(seen.version == "v26.06.6");
}

TEST_CASE("an absolute rpc-file is the path itself") {
  Configuration configuration;
  configuration.lightning_dir = "/tmp/l1/regtest";
  configuration.rpc_file = "/run/lightning-rpc";
  CHECK(configuration.rpc_path() == "/run/lightning-rpc");
}

TEST_CASE("init sets the options that lightningd sends, in the type they declare") {
  Fixture fixture;
  std::vector<std::string> seen;
  const auto keep = [&seen](const json::Value& value) {
    seen.push_back(value.dump());
    return util::Result<void>();
  };
  fixture.plugin->add_option({"a-int", OptionType::integer, "", "1", false, keep, nullptr});
  fixture.plugin->add_option({"b-bool", OptionType::boolean, "", "false", false, keep, nullptr});
  fixture.plugin->add_option({"d-string", OptionType::string, "", "", false, keep, nullptr});
  fixture.plugin->add_option({"e-unset", OptionType::string, "", "", false, keep, nullptr});
  fixture.start();
  CHECK(fixture.init(R"({"a-int":7,"b-bool":true,"d-string":"12","other":3})") == reply("{}"));
  CHECK(seen == std::vector<std::string>{"7", "true", R"("12")"});
}

TEST_CASE("what init refuses disables the plugin with a reason") {
  Fixture fixture;
  fixture.plugin->add_option({"mfc-timeout", OptionType::integer, "", "60", false,
                              [](const json::Value&) { return util::Result<void>(); },
                              [](const json::Value& value) {
                                if (*value.i64() > 0) return util::Result<void>();
                                return util::Result<void>(util::Error{-32602, "must be above 0", {}});
                              }});
  std::vector<Command> commands;
  fixture.plugin->add_method(keeping_method("multifundchannel", commands));
  util::Result<void> verdict;
  fixture.hooks.init = [&verdict](const Configuration&) { return verdict; };
  fixture.start();

  SUBCASE("an option of the wrong type") {
    CHECK(fixture.init(R"({"mfc-timeout":"soon"})") ==
          reply(R"({"disable":"mfc-timeout: should be an integer, not \"soon\""})"));
  }
  SUBCASE("an option that its owner refuses") {
    CHECK(fixture.init(R"({"mfc-timeout":0})") == reply(R"({"disable":"must be above 0"})"));
  }
  SUBCASE("the init hook") {
    verdict = util::Error{-1, "no lightningd that old", {}};
    CHECK(fixture.init() == reply(R"({"disable":"no lightningd that old"})"));
  }
  SUBCASE("an exception") {
    fixture.hooks.init = [](const Configuration&) -> util::Result<void> { throw std::runtime_error("boom"); };
    fixture.plugin->set_hooks(fixture.hooks);
    CHECK(fixture.init() == reply(R"({"disable":"internal error in init"})"));
  }
  SUBCASE("no configuration") {
    CHECK(fixture.ask("init", R"({"options":{}})").find(R"("result":{"disable":)") != std::string::npos);
  }
  SUBCASE("a configuration that misses a member") {
    CHECK(fixture.ask("init", R"({"configuration":{"lightning-dir":"/x","startup":true,"network":"regtest"}})")
              .find("rpc-file") != std::string::npos);
  }
  CHECK(fixture.ask("multifundchannel", "{}") == error(-3, "multifundchannel: the plugin is not initialised"));
  CHECK(commands.empty());
}

TEST_CASE("a command before init gets a clear error, one after it runs") {
  Fixture fixture;
  std::vector<Command> commands;
  fixture.plugin->add_method(keeping_method("multifundchannel", commands));
  fixture.start();
  CHECK(fixture.ask("multifundchannel", "{}") == error(-3, "multifundchannel: the plugin is not initialised"));
  REQUIRE(commands.empty());
  CHECK(fixture.init() == reply("{}"));
  CHECK(fixture.ask("multifundchannel", "{}").empty());
  CHECK(commands.size() == 1);
}

}  // namespace plugin::test
