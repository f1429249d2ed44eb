#include "plugin/usage.hpp"

#include <doctest/doctest.h>

namespace plugin::test {

TEST_CASE("lightningd starts the plugin, whatever standard input is") {
  CHECK_FALSE(explain({{}, true, false}));
  CHECK_FALSE(explain({{}, true, true}));
  CHECK_FALSE(explain({{"--dev-debug-self", "--developer"}, true, false}));
}

TEST_CASE("a pipe on standard input is enough to be a plugin") { CHECK_FALSE(explain({{}, false, false})); }

TEST_CASE("from a terminal it explains itself") {
  for (const auto& arguments : {std::vector<std::string>{}, {"--help"}, {"-h"}}) {
    const auto explanation = explain({arguments, false, true});
    REQUIRE(explanation);
    CHECK(explanation->status == 0);
    CHECK(explanation->text.find("<lightning-dir>/plugins/") != std::string::npos);
    CHECK(explanation->text.find("plugin=/") != std::string::npos);
    CHECK(explanation->text.find("lightning-cli plugin start") != std::string::npos);
  }
}

TEST_CASE("--version") {
  const auto explanation = explain({{"--version"}, false, false});
  REQUIRE(explanation);
  CHECK(explanation->status == 0);
  CHECK(explanation->text == "multifundchannel " MULTIFUNDCHANNEL_VERSION "\n");
}

TEST_CASE("an unknown option is an error") {
  for (const bool by_lightningd : {false, true}) {
    const auto explanation = explain({{"--developer", "--frobnicate"}, by_lightningd, false});
    REQUIRE(explanation);
    CHECK(explanation->status == 2);
    CHECK(explanation->text.find("--frobnicate") != std::string::npos);
  }
}

}  // namespace plugin::test
