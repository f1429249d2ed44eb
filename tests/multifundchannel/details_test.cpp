#include <set>

#include "lightningd/codes.hpp"
#include "worlds.hpp"

using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

json::Document parsed(const std::string& text) {
  auto document = json::Document::parse(text, "text");
  REQUIRE(document);
  return std::move(*document);
}

std::set<std::string> names_in(const json::Value& object) {
  std::set<std::string> names;
  for (const auto& [name, value] : object.members()) names.emplace(name);
  return names;
}

std::string text_of(const json::Value& object, const char* name) {
  const auto value = object.find(name);
  return value ? value->dump() : "";
}

/// The entry of `list` about this peer.
json::Value about(const json::Value& list, const std::string& id) {
  for (const auto& entry : list.elements()) {
    if (text_of(entry, "id") == "\"" + id + "\"") return entry;
  }
  FAIL("nothing about " << id);
  return list;
}

sim::Setup three_of_which_one_refuses() {
  auto slow = peer("a");
  slow.delay = std::chrono::milliseconds(100);
  return with({slow, peer("b", {Fault{Phase::start, Kind::refuse}}), peer("c")});
}

}  // namespace

TEST_CASE("without details the result has exactly the builtin's fields") {
  World world(three_of_which_one_refuses());
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1,"details":false)"));
  REQUIRE(outcome.ok());
  const auto result = parsed(*outcome.result);
  CHECK(names_in(result.root()) == std::set<std::string>{"tx", "txid", "channel_ids", "failed"});
  for (const auto& channel : result.root().find("channel_ids")->elements()) {
    CHECK(names_in(channel) == std::set<std::string>{"id", "channel_id", "channel_type", "outnum"});
  }
  CHECK(names_in(result.root().find("failed")->elements()[0]) == std::set<std::string>{"id", "method", "error"});
}

TEST_CASE("details of a success") {
  World world(three_of_which_one_refuses());
  const auto outcome = world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1,"details":true)"));
  REQUIRE(outcome.ok());
  const auto result = parsed(*outcome.result);
  const auto root = result.root();
  CHECK(*root.u64("fee_msat") == (*root.u64("weight") + 3) / 4 * 4 * 7'500);  // of whole vbytes
  CHECK(text_of(root, "feerate") == R"({"perkw":7500,"sat_per_vbyte":30.000})");
  const auto change = root.find("change");
  REQUIRE(change);
  CHECK(change->string("outpoint")->starts_with(*root.string("txid")));
  CHECK(*change->u64("amount_msat") == 100'000'000'000 - 2'000'000'000 - *root.u64("fee_msat"));
  CHECK(root.string("batch")->size() == 32);
  CHECK(names_in(*root.find("seconds")) ==
        std::set<std::string>{"prepare", "connect", "start", "complete", "send", "total"});

  // Two ways of 100 ms each for a connect and a start.
  const auto slow = about(*root.find("channel_ids"), world.peer_id("a"));
  CHECK(text_of(*slow.find("seconds"), "fundchannel_start") == "0.200");
  const auto refuser = about(*root.find("failed"), world.peer_id("b"));
  CHECK(text_of(refuser, "cause") == "\"refused\"");
  CHECK(names_in(*refuser.find("seconds")) == std::set<std::string>{"connect", "fundchannel_start"});
  CHECK(text_of(*refuser.find("seconds"), "fundchannel_start") == "0.002");
  CHECK(names_in(refuser) == std::set<std::string>{"id", "method", "error", "cause", "seconds"});
}

TEST_CASE("details of a batch that lost too many peers") {
  World world(three_of_which_one_refuses());
  const auto error = worlds::error(world.call("multifundchannel", open({"a", "b", "c"}, R"("details":true)")));
  const auto data = parsed(error.data);
  const auto root = data.root();
  CHECK(text_of(root, "cause") == "\"refused\"");
  CHECK(text_of(root, "method") == "\"fundchannel_start\"");
  CHECK(root.string("batch")->size() == 32);
  CHECK(root.find("seconds"));
  CHECK(text_of(about(*root.find("failed"), world.peer_id("a")), "cause") == "\"given_up\"");
  CHECK(text_of(about(*root.find("failed"), world.peer_id("b")), "cause") == "\"refused\"");
  worlds::check_invariants(world);

  World plain(three_of_which_one_refuses());
  const auto without = parsed(worlds::error(plain.call("multifundchannel", open({"a", "b", "c"}))).data);
  CHECK(names_in(without.root()) == std::set<std::string>{"id", "method", "failed"});
}

TEST_CASE("details of an error that no peer has caused") {
  auto setup = with({peer("a")});
  setup.coins = {sim::CoinSetup{bitcoin::Sat{20'000}}};
  World world(std::move(setup));
  const auto error = worlds::error(world.call("multifundchannel", open({"a"}, R"("details":true)")));
  CHECK(error.code == 301);
  const auto data = parsed(error.data);
  CHECK(names_in(data.root()) == std::set<std::string>{"batch", "cause", "seconds"});
  CHECK(text_of(data.root(), "cause") == "\"funds\"");
}

TEST_CASE("details of a send in doubt name the batch once") {
  auto setup = with({peer("a")});
  setup.broadcast = sim::Broadcast::never_answers;
  World world(std::move(setup));
  const auto outcome = world.call("multifundchannel", open({"a"}, R"("details":true)"));
  if (outcome.ok()) return;  // it was found to be sent all the same
  const auto data = parsed(worlds::error(outcome).data);
  CHECK(text_of(data.root(), "cause") == "\"broadcast\"");
  CHECK(names_in(data.root()).size() == data.root().members().size());
}

TEST_CASE("listmultifundchannels has the cause, whatever the caller wanted to know") {
  World world(three_of_which_one_refuses());
  (void)world.call("multifundchannel", open({"a", "b", "c"}, R"("minchannels":1)"));
  const auto listed = parsed(*world.call("listmultifundchannels", "{}").result);
  const auto batch = listed.root().find("batches")->elements().at(0);
  CHECK(text_of(about(*batch.find("destinations"), world.peer_id("b")), "cause") == "\"refused\"");
  CHECK(text_of(about(*batch.find("destinations"), world.peer_id("a")), "cause").empty());
}

TEST_CASE("listmultifundchannels has the amounts of a batch that never had its coins") {
  auto setup = with({peer("a")});
  setup.coins = {};
  World world(std::move(setup));
  const auto wanted = worlds::error(world.call("multifundchannel", open({"a"})));
  CHECK(wanted.code == lightningd::code::cannot_afford);
  const auto listed = parsed(*world.call("listmultifundchannels", "{}").result);
  const auto batch = listed.root().find("batches")->elements().at(0);
  CHECK(text_of(about(*batch.find("destinations"), world.peer_id("a")), "amount_msat") == "1000000000");
}
