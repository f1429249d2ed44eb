#include <doctest/doctest.h>

#include "fixture.hpp"

namespace plugin::test {
namespace {

json::Document manifest(Fixture& fixture) {
  auto parsed = json::Document::parse(fixture.ask("getmanifest", R"({"allow-deprecated-apis":false})"), "reply");
  REQUIRE(parsed.ok());
  return std::move(*parsed);
}

std::string member(const json::Document& manifest, std::string_view name) {
  const auto found = manifest.root().find("result")->find(name);
  return found ? found->dump() : "missing";
}

}  // namespace

TEST_CASE("the manifest of a plugin with nothing in it") {
  Fixture fixture;
  fixture.start();
  const auto reply = manifest(fixture);
  CHECK(member(reply, "options") == "[]");
  CHECK(member(reply, "rpcmethods") == "[]");
  CHECK(member(reply, "subscriptions") == R"(["shutdown"])");
  CHECK(member(reply, "hooks") == "missing");
  CHECK(member(reply, "notifications") == "[]");
  CHECK(member(reply, "nonnumericids") == "true");
  CHECK(member(reply, "dynamic") == "true");
  CHECK(member(reply, "cancheck") == "true");
  CHECK(member(reply, "featurebits") == "missing");
}

TEST_CASE("methods, options, subscriptions and the hook are in the manifest") {
  Fixture fixture;
  std::vector<Command> commands;
  fixture.plugin->add_method(keeping_method("multifundchannel-spark", commands));
  fixture.plugin->add_option({"mfc-timeout", OptionType::integer, "seconds", "60", true, nullptr, nullptr});
  fixture.plugin->add_option({"mfc-switch", OptionType::boolean, "on or off", "true", false, nullptr, nullptr});
  fixture.plugin->add_option({"mfc-dir", OptionType::string, "a place", "", false, nullptr, nullptr});
  fixture.plugin->subscribe("disconnect", [](const json::Value&) {});
  fixture.plugin->redirect("multifundchannel", [](const json::Value&) { return std::string(); });
  fixture.plugin->announce("mfc_opened");
  fixture.start();
  const auto reply = manifest(fixture);
  CHECK(member(reply, "rpcmethods") == R"([{"name":"multifundchannel-spark","usage":"destinations [feerate]",)"
                                       R"("description":"opens channels","category":"channels"}])");
  CHECK(member(reply, "options") ==
        R"([{"name":"mfc-dir","type":"string","description":"a place"},)"
        R"({"name":"mfc-switch","type":"bool","description":"on or off","default":true},)"
        R"({"name":"mfc-timeout","type":"int","description":"seconds","default":60,"dynamic":true}])");
  CHECK(member(reply, "subscriptions") == R"(["shutdown","disconnect"])");
  CHECK(member(reply, "hooks") == R"([{"name":"rpc_command","filters":["multifundchannel"]}])");
  CHECK(member(reply, "notifications") == R"([{"method":"mfc_opened"}])");
}

TEST_CASE("before_manifest is the last chance to add a method") {
  Fixture fixture;
  std::vector<Command> commands;
  fixture.hooks.before_manifest = [&fixture, &commands] {
    fixture.plugin->add_method(keeping_method("multifundchannel", commands));
  };
  fixture.start();
  CHECK(member(manifest(fixture), "rpcmethods").find(R"("name":"multifundchannel")") != std::string::npos);
}

TEST_CASE("a usage never makes JSON write a \\u escape") {
  Fixture fixture;
  std::vector<Command> commands;
  auto method = keeping_method("multifundchannel", commands);
  method.usage = "a\x01 b\x1f";
  fixture.plugin->add_method(std::move(method));
  fixture.start();
  const auto text = fixture.ask("getmanifest", "{}");
  CHECK(text.find("\\u") == std::string::npos);
  CHECK(text.find(R"("usage":"a  b ")") != std::string::npos);
}

TEST_CASE("an exception before the manifest is an error reply") {
  Fixture fixture;
  fixture.hooks.before_manifest = [] { throw std::runtime_error("boom"); };
  fixture.start();
  CHECK(fixture.ask("getmanifest", "{}") == error(-1, "internal error in getmanifest"));
}

}  // namespace plugin::test
