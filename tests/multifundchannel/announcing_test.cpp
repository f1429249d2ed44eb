// What other plugins are told of a batch.
#include "worlds.hpp"

using sim::Announcement;
using sim::Broadcast;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::error;
using worlds::field;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::two_peers;
using worlds::with;

namespace {

const std::vector<Announcement>& told(World& world) { return world.node().core().monitor.announcements().all(); }

/// "opened", "unsettled failed" ..
std::string topics(World& world) {
  std::string names;
  for (const auto& one : told(world)) {
    names += (names.empty() ? "" : " ") + one.topic.substr(std::string_view("multifundchannel_").size());
  }
  return names;
}

/// The JSON text of a member of what was told last; "" when it is not there.
std::string last(World& world, const std::string& name) {
  REQUIRE(!told(world).empty());
  const auto document = json::Document::parse(told(world).back().content, "content");
  REQUIRE(document.ok());
  const auto value = document->root().find(name);
  return value ? value->dump() : "";
}

}  // namespace

TEST_CASE("a batch that opens is announced once, as listmultifundchannels shows it") {
  auto setup = two_peers();
  setup.peers[1].faults = {{.phase = sim::Phase::start}};
  World world(setup);
  const auto opened =
      world.call("multifundchannel", open({"a", "b"}, R"("minchannels":1,"label":"rent","details":true)"));
  REQUIRE(opened.ok());
  CHECK(topics(world) == "opened");
  CHECK(last(world, "batch") == field(opened, "batch"));
  CHECK(last(world, "label") == R"("rent")");
  CHECK(last(world, "txid") == field(opened, "txid"));
  CHECK(last(world, "state") == R"("opened")");
  const auto destinations = last(world, "destinations");
  const auto channel = field(opened, "channel_ids");
  CHECK(says(destinations, R"("state":"opened","channel_id":)"));
  CHECK(says(destinations, channel.substr(channel.find("\"channel_id\""), 79)));
  CHECK(says(destinations, R"("outnum":)"));
  CHECK(says(destinations, R"("state":"failed","method":"fundchannel_start","error":{"code":)"));
  CHECK(says(worlds::listed(world), told(world).back().content));
  CHECK(!says(told(world).back().content, field(opened, "tx")));
  worlds::check_invariants(world);
  CHECK(topics(world) == "opened");
}

TEST_CASE("a batch that fails is announced with the call and the error of each peer") {
  auto setup = two_peers();
  setup.peers[0].faults = {{.phase = sim::Phase::complete, .once = true}};
  World world(setup);
  const auto failed = world.call("multifundchannel", open({"a", "b"}));
  CHECK(topics(world) == "failed");
  CHECK(last(world, "state") == R"("failed")");
  CHECK(says(last(world, "error"), error(failed).message));
  CHECK(says(last(world, "destinations"), R"("method":"fundchannel_complete","error":{"code":)"));
  CHECK(says(last(world, "destinations"), R"("state":"undone")"));
  worlds::check_invariants(world);
  CHECK(topics(world) == "failed");
}

TEST_CASE("what is refused for its parameters is no batch, what fails later is one") {
  World world(two_peers());
  CHECK(error(world.call("multifundchannel", open({"a"}, R"("minchannels":"x")"))).code == -32602);
  CHECK(error(world.call("multifundchannel", R"({"destinations":[]})")).code == -32602);
  CHECK(topics(world).empty());
  CHECK(error(world.call("multifundchannel", open({"a"}, R"("max_fee":1)"))).code == -32602);
  CHECK(topics(world) == "failed");
  worlds::check_invariants(world);
}

TEST_CASE("previews and inquiries are not announced, whatever becomes of them") {
  for (const std::uint64_t event : {0, 40, 80, 120, 160}) {
    auto setup = two_peers();
    if (event > 0) setup.kills = {{.event = event, .how = sim::End::kill_plugin, .down = seconds(1)}};
    World world(setup);
    (void)world.start("multifundchannel", open({"a", "b"}, R"("dryrun":true)"));
    (void)world.start("multifundchannel", open({"a", "b"}, R"("dryrun":"ask")"));
    world.finish_all();
    worlds::check_invariants(world);
    CHECK(topics(world).empty());
  }
}

TEST_CASE("a batch in doubt is unsettled, and opened or failed when that is known") {
  for (const auto broadcast : {Broadcast::fails, Broadcast::hides_success, Broadcast::never_answers}) {
    CAPTURE(static_cast<int>(broadcast));
    World world(two_peers(broadcast));
    CHECK(error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
    world.run_for(std::chrono::milliseconds(1));
    REQUIRE(!told(world).empty());
    CHECK(told(world).front().is("multifundchannel_unsettled"));
    CHECK(says(told(world).front().content, R"("txid":")"));
    world.run_for(minutes(30));
    worlds::check_invariants(world);
    CHECK((topics(world) == "unsettled opened" || topics(world) == "unsettled unsettled opened"));
  }
}

TEST_CASE("a batch that was never sent and is aborted has failed") {
  auto setup = two_peers();
  setup.broadcasts.clear();
  setup.broadcast = Broadcast::fails;
  World world(setup);
  CHECK(error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
  const auto batch = worlds::field_of_batch(world, "batch");
  world.run_for(seconds(30));
  world.node().core().setup.broadcast = Broadcast::works;
  REQUIRE(world.call("multifundchannel-abort", R"({"batch":")" + batch + R"(","confirm":true})").ok());
  worlds::check_invariants(world);
  CHECK(topics(world).starts_with("unsettled"));
  CHECK(topics(world).ends_with("failed"));
  CHECK(last(world, "state") == R"("undone")");
}

TEST_CASE("a batch that waits for its user is announced when he has finished or aborted it") {
  for (const bool finishes : {true, false}) {
    World world(two_peers());
    const auto waiting = world.call("multifundchannel", open({"a", "b"}, R"("send":false)"));
    REQUIRE(waiting.ok());
    world.run_for(minutes(10));
    world.restart_lightningd();
    world.run_for(minutes(10));
    CHECK(topics(world).empty());
    const auto rest = finishes ? std::string("}") : std::string(R"(,"confirm":true})");
    const auto method = finishes ? "multifundchannel-finish" : "multifundchannel-abort";
    REQUIRE(world.call(method, R"({"batch":)" + field(waiting, "batch") + rest).ok());
    worlds::check_invariants(world);
    CHECK(topics(world) == (finishes ? "opened" : "failed"));
  }
}

TEST_CASE("a forgotten batch is not announced any more") {
  auto setup = two_peers();
  setup.broadcasts.clear();
  setup.broadcast = Broadcast::fails;
  World world(setup);
  CHECK(error(world.call("multifundchannel", open({"a", "b"}))).code == 303);
  const auto batch = worlds::field_of_batch(world, "batch");
  REQUIRE(world.call("multifundchannel-forget", R"({"batch":")" + batch + R"(","confirm":true})").ok());
  world.run_for(minutes(10));
  CHECK(topics(world) == "unsettled");
}

TEST_CASE("a write that is answered after a later one does not keep a stopped batch from being told of") {
  auto setup = two_peers();
  const std::uint64_t writes = worlds::with_txprepare() ? 6 : 4;
  setup.rpc_faults = {
      {.what = sim::Mishap::late, .method = "datastore", .from = writes, .count = 1, .delay = seconds(1)},
      {.what = sim::Mishap::late, .method = "unreserveinputs", .count = 1, .delay = seconds(2)}};
  World world(setup);
  (void)world.start("multifundchannel", open({"a", "b"}));
  const auto& history = world.node().datastore().history();
  const auto is_ready_to_be_sent = [&history] {
    return !history.empty() &&
           says({history.back().second.begin(), history.back().second.end()}, R"("phase":"sending")");
  };
  for (int i = 0; i < 60'000 && !is_ready_to_be_sent(); ++i) world.run_for(std::chrono::milliseconds(1));
  REQUIRE(is_ready_to_be_sent());
  CHECK(history.size() == writes);
  world.stop(sim::End::stop_plugin, seconds(1));
  world.finish_all();
  CHECK(topics(world) == "failed");
  worlds::check_invariants(world);
  CHECK(topics(world) == "failed");
}

TEST_CASE("a crash at any moment: the end of a batch that has a record is announced, and never another end") {
  for (const auto how : {sim::End::kill_plugin, sim::End::kill_lightningd, sim::End::stop_plugin}) {
    for (std::uint64_t event = 0; event < 200; event += 3) {
      CAPTURE(event);
      auto setup = two_peers();
      setup.kills = {{.event = event, .how = how, .down = seconds(1)}};
      World world(setup);
      (void)world.start("multifundchannel", open({"a", "b"}));
      world.finish_all(minutes(10));
      worlds::check_invariants(world);
      for (const auto& one : told(world)) {
        CHECK(one.batch == told(world).front().batch);
        CHECK((!one.is_end() || one.topic == world.node().core().monitor.announcements().end_of(one.batch)->topic));
      }
    }
  }
}
