// Payments in the transaction that opens the channels, and change that is to stay.
#include <map>

#include "bitcoin/address.hpp"
#include "sim/script.hpp"
#include "worlds.hpp"

using sim::Broadcast;
using sim::CoinSetup;
using sim::Fault;
using sim::Kind;
using sim::Phase;
using sim::World;
using std::chrono::milliseconds;
using std::chrono::minutes;
using worlds::calls;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::with;

namespace {

constexpr std::uint64_t coin = 100'000'000;
constexpr std::uint64_t emergency = 25'000;
constexpr auto p2pkh = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
constexpr auto p2sh = "2MzQwSSnBHWHqSAqtTVQ6v47XtaisrJa1Vc";

std::string address(char digit) {
  return *bitcoin::segwit_address(*util::from_hex("5120" + std::string(64, digit)), "regtest");
}

std::string output(const std::string& address, const std::string& amount, const std::string& more = "") {
  return R"({"address":")" + address + R"(","amount":)" + amount + (more.empty() ? "" : "," + more) + "}";
}

std::string outputs(const std::string& list, const std::string& more = "") {
  return R"("details":true,"outputs":[)" + list + "]" + (more.empty() ? "" : "," + more);
}

/// What the transaction pays to each script, in sat.
std::map<std::string, std::uint64_t> paid(World& world) {
  std::map<std::string, std::uint64_t> amounts;
  REQUIRE(world.node().core().monitor.attempted().size() == 1);
  for (const auto& [txid, transaction] : world.node().core().monitor.attempted()) {
    for (const auto& output : transaction.outputs) amounts[util::to_hex(output.script)] += output.amount.value;
  }
  return amounts;
}

std::string script_of(const std::string& address) { return util::to_hex(bitcoin::parse_address(address)->script); }

std::uint64_t msat(const json::Value& object, const std::string& name) { return *object.u64(name) / 1000; }

/// The member of a result's or a preview's object, in sat.
std::uint64_t sat(const sim::Outcome& outcome, const std::string& name, const std::string& member = "") {
  const auto document = json::Document::parse(*outcome.result, "result");
  return member.empty() ? msat(document->root(), name) : msat(*document->root().find(name), member);
}

sim::Setup plain(std::vector<std::string> names, std::uint64_t amount) {
  std::vector<sim::PeerSetup> peers;
  for (auto& name : names) {
    peers.push_back(peer(name));
    peers.back().features = "0898880a0259a1";  // neither anchors nor large channels: no emergency reserve
  }
  auto setup = with(peers);
  setup.coins = {CoinSetup{bitcoin::Sat{amount}}};
  return setup;
}

}  // namespace

TEST_CASE("payments of every kind go out with the channels, exactly, and the result says where") {
  World world(with({peer("a"), peer("b")}));
  const auto list = output(address('1'), "500000", R"("label":"rent")") + "," + output(p2pkh, "546") + "," +
                    output(p2sh, R"("0.002btc")");
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, outputs(list)));
  CHECK(count(outcome, "channel_ids") == 2);
  const auto document = json::Document::parse(*outcome.result, "result");
  const auto shown = document->root().find("outputs")->elements();
  REQUIRE(shown.size() == 3);
  CHECK(*shown[0].string("address") == address('1'));
  CHECK(*shown[0].string("label") == "rent");
  CHECK(*shown[0].u64("amount_msat") == 500'000'000);
  CHECK_FALSE(shown[1].find("label"));
  const auto& transaction = world.node().core().monitor.attempted().begin()->second;
  for (const auto& one : shown) {
    const auto& at = transaction.outputs[*one.u64("outnum")];
    CHECK(util::to_hex(at.script) == script_of(std::string(*one.string("address"))));
    CHECK(at.amount.value == msat(one, "amount_msat"));
  }
  auto amounts = paid(world);
  CHECK(amounts[script_of(p2pkh)] == 546);
  CHECK(amounts[script_of(p2sh)] == 200'000);
  std::uint64_t sum = sat(outcome, "fee_msat");
  for (const auto& [script, amount] : amounts) sum += amount;
  CHECK(sum == coin);
  CHECK(sat(outcome, "change", "amount_msat") == coin - 2'000'000 - 700'546 - sat(outcome, "fee_msat"));
  worlds::check_invariants(world);
}

TEST_CASE("the least payments go out, however the coins are reserved") {
  World world(with({peer("a")}));
  const auto key_hash = *bitcoin::segwit_address(*util::from_hex("0014" + std::string(40, '4')), "regtest");
  const auto outcome =
      world.call("multifundchannel", open({"a"}, outputs(output(key_hash, "294") + "," + output(p2sh, "540"))));
  CHECK(count(outcome, "outputs") == 2);
  CHECK(paid(world)[script_of(key_hash)] == 294);
  CHECK(paid(world)[script_of(p2sh)] == 540);
  worlds::check_invariants(world);
}

TEST_CASE("a transaction that bitcoind would not relay for its weight is refused before any peer is asked") {
  auto setup = with({peer("a")});
  setup.coins = std::vector<CoinSetup>(40, CoinSetup{bitcoin::Sat{1'000'000}});
  World world(setup);
  std::string list;
  for (int i = 0; i < 2'300; ++i) {
    util::Bytes script = *util::from_hex("5120" + std::string(64, '3'));
    script[5] = static_cast<std::uint8_t>(i % 256);
    script[6] = static_cast<std::uint8_t>(i / 256);
    list += (i > 0 ? "," : "") + output(*bitcoin::segwit_address(script, "regtest"), "10000");
  }
  const auto refusal = error(world.call("multifundchannel", open({"a"}, outputs(list))));
  CHECK(refusal.code == -32602);
  CHECK_MESSAGE(says(refusal.message, "outputs: the transaction would weigh 4"), refusal.message);
  CHECK(calls(world, "fundchannel_start") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("a call without payments has no word of them") {
  World world(with({peer("a")}));
  CHECK(field(world.call("multifundchannel", open({"a"})), "outputs") == "");
  CHECK_FALSE(says(worlds::listed(world), "outputs"));
}

TEST_CASE("payments and channels share what is left") {
  World world(with({peer("a"), peer("b")}));
  const auto outcome = world.call(
      "multifundchannel",
      R"({"destinations":[{"id":"$a@","amount":"*1"},{"id":"$b@","amount":1000000}],)" +
          outputs(output(address('1'), R"("25%")") + "," + output(p2pkh, R"("*2")") + "," + output(p2sh, "300000")) +
          "}");
  CHECK(count(outcome, "channel_ids") == 2);
  auto amounts = paid(world);
  const auto left = coin - emergency - sat(outcome, "fee_msat") - 1'300'000;
  CHECK(amounts[script_of(address('1'))] == left / 4);
  CHECK(amounts[script_of(p2pkh)] == (left - left / 4) - (left - left / 4) / 3);
  CHECK(amounts[script_of(p2sh)] == 300'000);
  CHECK(sat(outcome, "change", "amount_msat") == emergency);
  worlds::check_invariants(world);
}

TEST_CASE("`all` of a payment is what the channels leave") {
  World world(plain({"a"}, 5'000'000));
  const auto outcome = world.call("multifundchannel", open({"a"}, outputs(output(p2pkh, R"("all")"))));
  CHECK(count(outcome, "channel_ids") == 1);
  CHECK(paid(world)[script_of(p2pkh)] == 4'000'000 - sat(outcome, "fee_msat"));
  CHECK(field(outcome, "change") == "");
  worlds::check_invariants(world);
}

TEST_CASE("when a peer drops out the payments stay, and a share grows") {
  World world(with({peer("a"), peer("b", {Fault{Phase::start, Kind::refuse}})}));
  const auto outcome = world.call(
      "multifundchannel", open({"a", "b"}, outputs(output(address('1'), "500000") + "," + output(p2pkh, R"("50%")"),
                                                   R"("minchannels":1)")));
  CHECK(count(outcome, "channel_ids") == 1);
  CHECK(count(outcome, "failed") == 1);
  CHECK(count(outcome, "outputs") == 2);
  auto amounts = paid(world);
  CHECK(amounts[script_of(address('1'))] == 500'000);
  CHECK(amounts[script_of(p2pkh)] == (coin - emergency - sat(outcome, "fee_msat") - 1'500'000) / 2);
  worlds::check_invariants(world);
}

TEST_CASE("no payment goes out without the channels that are demanded") {
  for (const auto phase : {Phase::connect, Phase::start, Phase::complete}) {
    World world(with({peer("a"), peer("b", {Fault{phase, Kind::refuse}})}));
    const auto outcome = world.call("multifundchannel", open({"a", "b"}, outputs(output(p2pkh, "500000"))));
    CHECK_FALSE(outcome.ok());
    CHECK(world.node().core().monitor.attempted().empty());
    CHECK(calls(world, "signpsbt") == 0);
    worlds::check_invariants(world);
  }
}

TEST_CASE("what is wrong with a payment is refused before anything happens") {
  World world(with({peer("a")}));
  const auto refused = [&world](const std::string& list, const std::string& text) {
    const auto refusal = error(world.call("multifundchannel", open({"a"}, outputs(list))));
    CHECK(refusal.code == -32602);
    CHECK_MESSAGE(says(refusal.message, text), refusal.message);
    const auto check =
        world.call("check", R"({"command_to_check":"multifundchannel-spark",)" + open({"a"}, outputs(list)).substr(1));
    CHECK_FALSE(check.ok());
  };
  refused(output("bc1qw508d6qejxtdg4y5r3zarvary0c5xw7kv8f3t4", "1000"),
          "outputs[0].address: is not an address of this network, regtest");
  refused(output(address('1'), "1000") + "," + output(address('1'), "1000"), "outputs[1]: this address came before");
  refused(output(p2pkh, "545"), "outputs[0].amount: output would be dust");
  CHECK(calls(world, "fundpsbt") == 0);
  CHECK(calls(world, "connect") == 0);
  CHECK(calls(world, "datastore") == 0);
}

TEST_CASE("a share of nothing is refused by its name") {
  World world(plain({"a"}, 1'016'000));
  const auto refusal = error(world.call(
      "multifundchannel", open({"a"}, outputs(output(address('1'), R"("1%")") + "," + output(p2pkh, R"("99%")")))));
  CHECK(refusal.code == -32602);
  CHECK_MESSAGE(says(refusal.message, "outputs[0].amount: the share 1% would be "), refusal.message);
  worlds::check_invariants(world);
}

TEST_CASE("a preview shows the payments and what they cost, as the batch then pays it") {
  World world(with({peer("a"), peer("b")}));
  const auto list = output(p2pkh, R"("*3")", R"("label":"to Anna")") + "," + output(address('2'), "700000");
  const auto preview = world.call("multifundchannel", open({"a", "b"}, outputs(list, R"("dryrun":true)")));
  const auto document = json::Document::parse(*preview.result, "result");
  const auto shown = document->root().find("outputs")->elements();
  REQUIRE(shown.size() == 2);
  CHECK(*shown[0].string("share") == "*3");
  CHECK(*shown[0].string("label") == "to Anna");
  CHECK_FALSE(shown[0].find("outnum"));
  CHECK(msat(shown[1], "amount_msat") == 700'000);
  CHECK(calls(world, "datastore") == 0);
  const auto outcome = world.call("multifundchannel", open({"a", "b"}, outputs(list)));
  CHECK(field(outcome, "fee_msat") == field(preview, "fee_msat"));
  CHECK(field(outcome, "weight") == field(preview, "weight"));
  CHECK(paid(world)[script_of(p2pkh)] == msat(shown[0], "amount_msat"));
  worlds::check_invariants(world);
}

TEST_CASE("the fee cap counts the payments") {
  World world(with({peer("a")}));
  std::string list;
  for (char digit = '1'; digit <= '9'; ++digit) list += (digit > '1' ? "," : "") + output(address(digit), "1000");
  const auto refusal =
      error(world.call("multifundchannel", open({"a"}, outputs(list, R"("feerate":"2500perkw","max_fee":3000)"))));
  CHECK_MESSAGE(says(refusal.message, "max_fee: the fee would be "), refusal.message);
  CHECK(world.call("multifundchannel", open({"a"}, R"("feerate":"2500perkw","max_fee":3000)")).ok());
  worlds::check_invariants(world);
}

TEST_CASE("a crash at any step leaves a batch whose payments go out with its channels, or not at all") {
  int sent = 0;
  for (int kill = 0; kill < 400; kill += 3) {
    CAPTURE(kill);
    World world(with({peer("a"), peer("b")}));
    (void)world.start("multifundchannel", open({"a", "b"}, outputs(output(p2pkh, "500000", R"("label":"rent")") + "," +
                                                                   output(address('1'), R"("10%")"))));
    world.run_for(milliseconds(kill));
    world.kill_plugin();
    world.run_for(milliseconds(50));
    world.start_plugin();
    world.run_for(minutes(10));
    const auto& attempted = world.node().core().monitor.attempted();
    CHECK(attempted.size() <= 1);
    if (!attempted.empty()) {
      ++sent;
      CHECK(paid(world)[script_of(p2pkh)] == 500'000);
    }
    worlds::check_invariants(world);
  }
  CHECK(sent > 0);
}

TEST_CASE("what a crash left is listed with its payments, and signed again with them") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcasts = {Broadcast::fails};
  World world(setup);
  (void)world.start("multifundchannel", open({"a", "b"}, outputs(output(p2pkh, "500000", R"("label":"rent")"))));
  while (calls(world, "sendpsbt") == 0) world.run_for(milliseconds(1));
  world.kill_plugin();
  world.run_for(milliseconds(50));
  world.start_plugin();
  world.run_for(milliseconds(100));
  const auto shown = worlds::listed(world);
  CHECK_MESSAGE(says(shown, R"("outputs":[{"address":"mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn","amount_msat":500000000,)"),
                shown);
  CHECK(says(shown, R"("label":"rent"})"));
  world.run_for(minutes(10));
  CHECK(worlds::state(world) == "opened");
  CHECK(paid(world)[script_of(p2pkh)] == 500'000);
  worlds::check_invariants(world);
}

TEST_CASE("a batch with payments can be aborted: nobody is paid") {
  auto setup = with({peer("a"), peer("b")});
  setup.broadcasts = std::vector<Broadcast>(40, Broadcast::refused);
  World world(setup);
  CHECK_FALSE(world.call("multifundchannel", open({"a", "b"}, outputs(output(p2pkh, "500000")))).ok());
  world.run_for(minutes(1));
  const auto batch = worlds::field_of_batch(world, "batch");
  world.node().core().setup.broadcasts.clear();
  CHECK(field(world.call("multifundchannel-abort", R"({"batch":")" + batch + R"(","confirm":true})"), "aborting") ==
        "true");
  for (int block = 0; block < 8; ++block) {
    world.run_for(minutes(10));
    world.mine(1);
  }
  world.run_for(minutes(10));
  CHECK(worlds::state(world) == "undone");
  for (const auto& txid : world.node().sending().sent()) {
    CHECK_FALSE(world.node().core().monitor.attempted().contains(txid));
  }
  worlds::check_invariants(world);
}

TEST_CASE("change that is to stay is kept, with more coins if need be") {
  auto setup = plain({"a"}, 1'010'000);
  setup.coins.push_back(CoinSetup{bitcoin::Sat{400'000}});
  World world(setup);
  const auto outcome = world.call("multifundchannel", open({"a"}, R"("details":true,"keep_change":300000)"));
  CHECK(sat(outcome, "change", "amount_msat") == 410'000 - sat(outcome, "fee_msat"));
  worlds::check_invariants(world);
}

TEST_CASE("change that is to stay is there, even when it is all that is left") {
  // Both what lightningd leaves as excess and what it makes change of.
  for (const std::uint64_t more : {0, 1, 100, 300, 400, 2'000, 3'000}) {
    CAPTURE(more);
    World first(plain({"a"}, 1'100'000));
    const auto preview =
        first.call("multifundchannel", open({"a"}, R"("feerate":"1000perkw","keep_change":10000,"dryrun":true)"));
    const auto fee = sat(preview, "fee_msat");
    World world(plain({"a"}, 1'010'030 + fee + more));
    const auto outcome =
        world.call("multifundchannel", open({"a"}, R"("feerate":"1000perkw","details":true,"keep_change":10000)"));
    REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
    CHECK(sat(outcome, "fee_msat") == fee);
    CHECK(sat(outcome, "change", "amount_msat") == 10'030 + more);
    worlds::check_invariants(world);
  }
}

TEST_CASE("change that cannot be kept is refused, with the numbers") {
  World world(plain({"a"}, 1'010'000));
  for (const auto* more : {R"("keep_change":300000)", R"("keep_change":300000,"dryrun":true)"}) {
    const auto refusal = error(world.call("multifundchannel", open({"a"}, more)));
    CHECK(refusal.code == 301);
    CHECK_MESSAGE(refusal.message.starts_with("keep_change: Could not afford "), refusal.message);
    CHECK_MESSAGE(says(refusal.message, "(300000 sat are to stay as change, and "), refusal.message);
  }
  CHECK(calls(world, "connect") <= 2);
  CHECK(calls(world, "fundchannel_start") == 0);
  worlds::check_invariants(world);
}

TEST_CASE("with shares the change that is to stay is set aside first") {
  World world(plain({"a", "b"}, 5'000'000));
  const auto outcome =
      world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":"*1"},{"id":"$b@","amount":"*1"}],)" +
                                         outputs(output(p2pkh, R"("50%")"), R"("keep_change":70000)") + "}");
  CHECK(count(outcome, "channel_ids") == 2);
  CHECK(sat(outcome, "change", "amount_msat") == 70'000);
  CHECK(paid(world)[script_of(p2pkh)] == (5'000'000 - 70'000 - sat(outcome, "fee_msat")) / 2);
  worlds::check_invariants(world);

  const auto preview = R"({"destinations":[{"id":"$a@","amount":"all"}],"keep_change":8000000})";
  World poor(plain({"a"}, 5'000'000));
  const auto refusal = error(poor.call("multifundchannel", preview));
  CHECK(refusal.code == 301);
  CHECK_MESSAGE(says(refusal.message, "keep_change: the coins are 5000000 sat together; 8000000 sat of change"),
                refusal.message);
  worlds::check_invariants(poor);
}

TEST_CASE("what lightningd keeps for emergencies is change that stays, too") {
  for (const std::uint64_t keep : {10'000, 90'000}) {
    World world(with({peer("a")}));
    const auto outcome =
        world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":"all"}],"details":true,)"
                                       R"("keep_change":)" +
                                           std::to_string(keep) + "}");
    CHECK(sat(outcome, "change", "amount_msat") == std::max(keep, emergency));
    worlds::check_invariants(world);
  }
}

TEST_CASE("when a peer drops out the change that is to stay is still there") {
  for (const auto* amount : {R"("*1")", "1000000"}) {
    World world(plain({"a", "b"}, 5'000'000));
    world.peer("b").setup.faults = {Fault{Phase::start, Kind::refuse}};
    const auto outcome =
        world.call("multifundchannel", R"({"destinations":[{"id":"$a@","amount":)" + std::string(amount) +
                                           R"(},{"id":"$b@","amount":)" + amount +
                                           R"(}],"minchannels":1,"details":true,"keep_change":70000})");
    CHECK(count(outcome, "channel_ids") == 1);
    CHECK(sat(outcome, "change", "amount_msat") >= 70'000);
    worlds::check_invariants(world);
  }
}
