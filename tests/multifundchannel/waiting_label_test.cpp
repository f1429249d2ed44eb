// A label of a batch that waits for its user, is given up, or has a channel's policy still to set: it pays once.
#include <algorithm>
#include <deque>
#include <vector>

#include "labels/labels.hpp"
#include "worlds.hpp"

using sim::Mishap;
using sim::Outcome;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::calls;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::listed;
using worlds::of_batch;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::state;
using worlds::with;

namespace {

const std::string confirmed = R"("confirm":true)";

/// A call whose batch waits, and another with the same label.
struct Call {
  std::string method, params, other;
};

const Call by_wallet{"multifundchannel", open({"a", "b"}, R"("send":false,"label":"rent")"),
                     open({"a"}, R"("send":false,"label":"rent")")};

/// Always with the same PSBT.
Call by_user(World& world) {
  const auto rest = R"("label":"rent","psbt":")" + world.node().core().users.psbt(true) + '"';
  return {"multifundchannel-prepare", open({"a", "b"}, rest), open({"a"}, rest)};
}

Call draw(World& world, bool users) { return users ? by_user(world) : by_wallet; }

Outcome call(World& world, const Call& what) { return world.call(what.method, what.params); }

sim::Setup with_users_coins() {
  auto setup = worlds::two_peers();
  setup.users_coins = {bitcoin::Sat{3'000'000}, bitcoin::Sat{500'000}};
  return setup;
}

std::string finish(World& world, const Outcome& prepared) {
  return field(prepared, "psbt").empty() ? of_batch(prepared) : worlds::signed_by_user(world, prepared);
}

/// How many batches there are in a state.
std::size_t batches(World& world, const std::string& state) {
  const auto document = json::Document::parse(listed(world), "list");
  REQUIRE(document.ok());
  const auto all = document->root().field("batches")->elements();
  return static_cast<std::size_t>(
      std::count_if(all.begin(), all.end(), [&state](const auto& batch) { return *batch.string("state") == state; }));
}

sim::Datastore::Key record_of(const Outcome& prepared) {
  return {"multifundchannel", "batch", worlds::text(prepared, "batch")};
}

/// Whether the labels on disk have an answer of a batch without a record.
bool has_orphan(World& world) {
  const auto& entries = world.node().datastore().entries();
  const auto labels = entries.find({"multifundchannel", "labels"});
  if (labels == entries.end()) return false;
  const std::string text(labels->second.data.begin(), labels->second.data.end());
  if (!says(text, "waits")) return false;
  return std::none_of(entries.begin(), entries.end(),
                      [&text](const auto& entry) { return entry.first.size() == 3 && says(text, entry.first.back()); });
}

/// One whose channel has a policy that lightningd does not take.
const std::string with_policy = R"({"destinations":[{"id":"$a@","amount":1000000,"feeppm":7}],"label":"rent"})";

sim::Setup refuses_policies() {
  auto setup = with({peer("a")});
  setup.coins = std::vector<sim::CoinSetup>(4);
  setup.rpc_faults = {{.what = Mishap::refused, .method = "setchannel", .count = 8}};
  return setup;
}

}  // namespace

TEST_CASE("the same call for a batch that waits gets the same answer, byte for byte, until it is finished") {
  for (const bool users : {false, true}) {
    CAPTURE(users);
    World world(with_users_coins());
    const auto what = draw(world, users);
    const auto first = world.start(what.method, what.params);
    const auto beside = world.start(what.method, what.params);
    world.finish_all();
    const auto prepared = world.outcome(first);
    REQUIRE(count(prepared, "channel_ids") == 2);
    CHECK(*world.outcome(beside).result == *prepared.result);
    for (int i = 0; i < 3; ++i) {
      CHECK(*call(world, what).result == *prepared.result);
      CHECK(says(error(world.call(what.method, what.other)).message, "which was called with other parameters"));
      i == 0 ? world.restart_lightningd() : (world.kill_plugin(), world.start_plugin());
    }
    world.run_for(minutes(1));
    CHECK(batches(world, "waiting") == 1);
    CHECK(says(error(world.call("multifundchannel-bump", R"({"batch":"rent","feerate":"9000perkw"})")).message,
               "is waiting"));
    const auto finished = world.call("multifundchannel-finish", finish(world, prepared));
    REQUIRE(finished.ok());
    for (int i = 0; i < 2; ++i) {
      const auto opened = call(world, what);
      CHECK(field(opened, "txid") == field(prepared, "txid"));
      CHECK(field(opened, "batch") == field(prepared, "batch"));
      CHECK(count(opened, "channel_ids") == 2);
      CHECK(field(opened, "psbt").empty());
      world.restart_lightningd();
    }
    CHECK(calls(world, "sendpsbt") == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a crash at any moment: the same call finds the batch that waits, and never prepares a second one") {
  for (const bool users : {false, true}) {
    for (std::uint64_t event = 0; event < 270; event += 5) {
      CAPTURE(event);
      auto setup = with_users_coins();
      setup.kills = {{.event = event, .how = sim::End::kill_plugin, .down = seconds(1)}};
      World world(setup);
      const auto what = draw(world, users);
      (void)world.start(what.method, what.params);
      world.finish_all(minutes(10));
      world.run_for(seconds(5));
      auto again = call(world, what);
      for (int i = 0; i < 20 && !again.ok(); ++i) {
        CHECK(says(error(again).message, "label: "));
        world.run_for(minutes(2));
        again = call(world, what);
      }
      REQUIRE(count(again, "channel_ids") == 2);
      CHECK(batches(world, "waiting") == 1);
      CHECK(field(again, "csv") != "");
      CHECK(world.call("multifundchannel-finish", finish(world, again)).ok());
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("a batch that waits, and whose answer is not kept, is told as what it is") {
  World world(with_users_coins());
  const auto prepared = call(world, by_wallet);
  world.kill_plugin();
  REQUIRE(world.call("deldatastore", R"({"key":["multifundchannel","labels"]})").ok());
  world.start_plugin();
  world.run_for(minutes(1));
  const auto refused = call(world, by_wallet);
  CHECK(error(refused).code == -1);
  CHECK(says(error(refused).message, "waits for its user; its answer"));
  REQUIRE(world.call("multifundchannel-finish", of_batch(prepared)).ok());
  world.run_for(minutes(1));
  CHECK(field(call(world, by_wallet), "txid") == field(prepared, "txid"));
  CHECK(calls(world, "sendpsbt") == 1);
}

// Its answer was kept already.
TEST_CASE("a batch that cannot be recorded as waiting fails, and of the calls that follow one prepares") {
  for (std::uint64_t write = 1; write < 8; ++write) {
    CAPTURE(write);
    auto setup = with_users_coins();
    setup.rpc_faults = {{.what = Mishap::refused, .method = "datastore", .from = write},
                        {.what = Mishap::stuck, .method = "fundchannel_cancel", .count = 2}};
    World world(setup);
    (void)call(world, by_wallet);
    const auto second = world.start(by_wallet.method, by_wallet.params);
    world.run_for(std::chrono::milliseconds(100));
    const auto third = world.start(by_wallet.method, by_wallet.params);  // the first may be undone still
    world.finish_all();
    const auto again = world.outcome(second);
    REQUIRE(again.ok());
    CHECK(*world.outcome(third).result == *again.result);
    CHECK(*call(world, by_wallet).result == *again.result);
    world.run_for(minutes(30));
    CHECK(*call(world, by_wallet).result == *again.result);
    CHECK(batches(world, "waiting") == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("the same call for a batch that is being given up is refused, and opens again when that is done") {
  for (const bool users : {false, true}) {
    World world(with_users_coins());
    const auto what = draw(world, users);
    const auto prepared = call(world, what);
    REQUIRE(world.call("multifundchannel-abort", of_batch(prepared, confirmed)).ok());
    const auto refused = call(world, what);
    CHECK(error(refused).code == -1);
    CHECK(says(error(refused).message, "is being undone, and was not sent"));
    world.run_for(minutes(10));
    const auto again = call(world, what);
    CHECK(field(again, "batch") != field(prepared, "batch"));
    CHECK(batches(world, "waiting") == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a crash while a batch is given up: the same call never gets the answer of a dead one") {
  for (std::uint64_t event = 0; event < 40; ++event) {
    CAPTURE(event);
    auto setup = with_users_coins();
    setup.kills = {{.event = event, .how = sim::End::kill_plugin, .down = seconds(1), .method = "deldatastore"}};
    World world(setup);
    const auto prepared = call(world, by_wallet);
    REQUIRE(world.call("multifundchannel-abort", of_batch(prepared, confirmed)).ok());
    world.run_for(minutes(10));
    world.kill_plugin();
    world.start_plugin();
    world.run_for(minutes(10));
    const auto again = call(world, by_wallet);
    CHECK(field(again, "batch") != field(prepared, "batch"));
    CHECK(batches(world, "waiting") == 1);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a label of a batch that waits is free when its record cannot be read and is forgotten, or was taken away") {
  for (const bool unreadable : {true, false}) {
    CAPTURE(unreadable);
    World world(with_users_coins());
    const auto prepared = call(world, by_wallet);
    const auto record = record_of(prepared);
    world.kill_plugin();
    auto& datastore = world.node().datastore();
    unreadable ? datastore.put(record, {'{', '}'}) : datastore.erase(record);
    world.start_plugin();
    world.run_for(minutes(1));
    if (unreadable) {
      CHECK(error(call(world, by_wallet)).code == 303);
      REQUIRE(world.call("multifundchannel-forget", of_batch(prepared, confirmed)).ok());
    }
    const auto again = call(world, by_wallet);
    CHECK(field(again, "batch") != field(prepared, "batch"));
    world.restart_lightningd();
    CHECK(*call(world, by_wallet).result == *again.result);
    CHECK(batches(world, "waiting") == 1);
  }
}

TEST_CASE("the record of a batch that has failed stays until its label's answer is taken back on disk") {
  for (std::uint64_t seed = 1; seed <= 60; ++seed) {
    CAPTURE(seed);
    auto setup = with_users_coins();
    setup.seed = seed;
    // It cannot be recorded as waiting, is undone in a second attempt, and some writes of the labels fail.
    setup.rpc_faults = {{.what = Mishap::refused, .method = "datastore", .from = 3, .count = 100, .one_in = 2},
                        {.what = Mishap::stuck, .method = "fundchannel_cancel", .count = 2}};
    World world(setup);
    (void)world.start(by_wallet.method, by_wallet.params);
    for (int i = 0; i < 1'000; ++i) {
      world.run_for(std::chrono::milliseconds(250));
      REQUIRE_FALSE(has_orphan(world));
    }
  }
}

TEST_CASE("a label that is freed before the kept ones were read stays free") {
  auto setup = with_users_coins();
  std::uint64_t asked = 0;
  for (const bool late : {false, true}) {
    // What is kept is asked for first: who was told in vain, the labels, and so on.
    if (late) setup.rpc_faults = {{.what = Mishap::stuck, .method = "listdatastore", .from = asked + 2}};
    World world(setup);
    const auto prepared = call(world, by_wallet);
    REQUIRE(world.call("multifundchannel-abort", of_batch(prepared, confirmed)).ok());
    world.kill_plugin();
    asked = calls(world, "listdatastore");
    world.start_plugin();
    world.run_for(seconds(1));
    CHECK(calls(world, "listdatastore") > asked + 2);
    world.run_for(minutes(60));
    CHECK(state(world) == "undone");
    const auto again = call(world, by_wallet);
    CHECK(field(again, "batch") != field(prepared, "batch"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("a label whose batch still waits is not forgotten for a hundred others") {
  auto setup = with_users_coins();
  setup.coins = std::vector<sim::CoinSetup>(110);
  setup.peers.push_back(peer("c"));
  World world(setup);
  const auto prepared = call(world, by_wallet);
  for (int i = 0; i <= 100; ++i) {
    world.peer("c").channels.clear();
    REQUIRE(world.call("multifundchannel", open({"c"}, R"("label":")" + std::to_string(i) + '"')).ok());
  }
  CHECK(*call(world, by_wallet).result == *prepared.result);
  world.restart_lightningd();
  CHECK(*call(world, by_wallet).result == *prepared.result);
  CHECK(batches(world, "waiting") == 1);
}

TEST_CASE("a batch that waits takes no place of the hundred labels of batches that have opened") {
  auto setup = with_users_coins();
  setup.coins = std::vector<sim::CoinSetup>(110);
  setup.peers.push_back(peer("c"));
  World world(setup);
  const auto open_with = [](int i) { return open({"c"}, R"("label":")" + std::to_string(i) + '"'); };
  const auto first = world.call("multifundchannel", open_with(0));
  REQUIRE(call(world, by_wallet).ok());
  for (int i = 1; i < 100; ++i) {
    world.peer("c").channels.clear();
    REQUIRE(world.call("multifundchannel", open_with(i)).ok());
  }
  CHECK(*world.call("multifundchannel", open_with(0)).result == *first.result);
  CHECK(batches(world, "waiting") == 1);
}

TEST_CASE("when the answers are too long together, those of opened batches go first, and no more than have to") {
  const auto holder = [](const std::string& batch, std::size_t size, bool waits) {
    return labels::Holder{{batch, ""}, batch, std::string(size, 'x'), waits};
  };
  std::deque<labels::Holder> all{holder("waits", 600'000, true), holder("1", 300'000, false),
                                 holder("2", 400'000, false), holder("3", 500'000, false),
                                 holder("now", 700'000, false)};
  const auto has_record = [](const std::string& batch) { return batch == "waits"; };
  const auto sizes = [&all] {
    std::vector<std::size_t> found;
    for (const auto& one : all) found.push_back(one.result->size());
    return found;
  };
  SUBCASE("a little") {
    labels::fit(all, has_record);
    CHECK(sizes() == std::vector<std::size_t>{600'000, 0, 0, 500'000, 700'000});
  }
  SUBCASE("the last one stays to the end") {
    all.back().result = std::string(1'900'000, 'x');
    labels::fit(all, has_record);
    CHECK(sizes() == std::vector<std::size_t>{0, 0, 0, 0, 1'900'000});
    all.back().result = std::string(2'100'000, 'x');
    labels::fit(all, has_record);
    CHECK(sizes() == std::vector<std::size_t>{0, 0, 0, 0, 0});
  }
}

TEST_CASE("a batch that has opened is forgotten while a policy is pending: its label stays, and pays once") {
  World world(refuses_policies());
  const auto first = world.call("multifundchannel", with_policy);
  REQUIRE(first.ok());
  CHECK(*world.call("multifundchannel", with_policy).result == *first.result);
  CHECK(state(world) == "settling");
  REQUIRE(world.call("multifundchannel-forget", of_batch(world, confirmed)).ok());
  CHECK(state(world) == "forgotten");
  for (int i = 0; i < 2; ++i) {
    const auto again = world.call("multifundchannel", with_policy);
    REQUIRE(again.ok());
    CHECK(*again.result == *first.result);
    world.kill_plugin();
    world.start_plugin();
  }
  CHECK(calls(world, "sendpsbt") == 1);
}

TEST_CASE("a finished batch is forgotten while a policy is pending: its label stays, and says what has opened") {
  World world(refuses_policies());
  auto params = with_policy;
  params.insert(1, R"("send":false,)");
  const auto prepared = world.call("multifundchannel", params);
  REQUIRE(prepared.ok());
  REQUIRE(world.call("multifundchannel-finish", of_batch(prepared)).ok());
  world.run_for(seconds(20));
  REQUIRE(world.call("multifundchannel-forget", of_batch(prepared, confirmed)).ok());
  const auto again = world.call("multifundchannel", params);
  CHECK(field(again, "txid") == field(prepared, "txid"));
  CHECK(field(again, "csv").empty());
  CHECK(calls(world, "sendpsbt") == 1);
}

TEST_CASE("an abort of a batch that had opened: while it is under way the same call is refused, and then opens") {
  World world(refuses_policies());
  const auto first = world.call("multifundchannel", with_policy);
  REQUIRE(first.ok());
  world.run_for(minutes(1));
  const auto begun = world.call("multifundchannel-abort", of_batch(world, R"("feerate":"20000perkw","confirm":true)"));
  REQUIRE_MESSAGE(begun.ok(), begun.result.error().message);
  CHECK(error(world.call("multifundchannel", with_policy)).code == 303);
  world.run_for(minutes(10));
  world.mine(6);
  world.run_for(minutes(60));
  CHECK(state(world) == "undone");
  world.kill_plugin();
  world.start_plugin();
  const auto again = world.call("multifundchannel", with_policy);
  REQUIRE(again.ok());
  CHECK(field(again, "txid") != field(first, "txid"));
}

TEST_CASE("a crash while an abort ends a batch that had opened: the same call never gets its answer") {
  for (std::uint64_t event = 0; event < 40; ++event) {
    CAPTURE(event);
    auto setup = refuses_policies();
    setup.kills = {{.event = event, .how = sim::End::kill_plugin, .down = seconds(1), .method = "deldatastore"}};
    World world(setup);
    const auto first = world.call("multifundchannel", with_policy);
    REQUIRE(first.ok());
    world.run_for(minutes(1));
    REQUIRE(world.call("multifundchannel-abort", of_batch(world, R"("feerate":"20000perkw","confirm":true)")).ok());
    world.run_for(minutes(10));
    world.mine(6);
    world.run_for(minutes(60));
    const auto again = world.call("multifundchannel", with_policy);
    REQUIRE(again.ok());
    CHECK(field(again, "txid") != field(first, "txid"));
  }
}
