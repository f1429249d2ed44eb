// multifundchannel-bump.

#include <string>
#include <vector>

#include "bitcoin/transaction.hpp"
#include "util/bytes.hpp"
#include "worlds.hpp"

using sim::Broadcast;
using sim::Mishap;
using sim::RpcFault;
using sim::World;
using std::chrono::minutes;
using std::chrono::seconds;
using worlds::count;
using worlds::error;
using worlds::field;
using worlds::field_of_batch;
using worlds::listed;
using worlds::open;
using worlds::peer;
using worlds::says;
using worlds::text;
using worlds::with;

namespace {

constexpr auto low = R"("feerate":"253perkw")";

std::uint64_t number(const sim::Outcome& outcome, const std::string& name) { return std::stoull(field(outcome, name)); }

/// Opens one channel at a low feerate, and names the transaction.
std::string open_low(World& world, const std::string& more = "") {
  const auto opened = world.call("multifundchannel", open({"a"}, std::string(low) + more));
  return text(opened, "txid");
}

sim::Outcome bump(World& world, const std::string& batch, const std::string& more) {
  return world.call("multifundchannel-bump", R"({"batch":")" + batch + "\"," + more + "}");
}

sim::Coin& coin_of(World& world, const std::string& txid) {
  for (auto& coin : world.node().core().wallet.coins()) {
    if (coin.outpoint.txid.hex() == txid) return coin;
  }
  throw std::logic_error("the wallet has no coin of " + txid);
}

bool in_mempool(World& world, const std::string& txid) {
  return world.node().core().chain.has(*bitcoin::Txid::from_hex(txid));
}

void drop(World& world, const std::string& txid) { world.node().core().chain.drop(*bitcoin::Txid::from_hex(txid)); }

/// As the wallet has recorded it.
bitcoin::Transaction transaction_of(World& world, const std::string& txid) {
  const auto listed = world.call("listtransactions", "{}");
  const auto document = json::Document::parse(*listed.result, "result");
  const auto transactions = document->root().field("transactions");
  for (const auto& one : transactions->elements()) {
    if (*one.string("hash") != txid) continue;
    return bitcoin::SignedTransaction::parse(*util::from_hex(*one.string("rawtx")))->transaction;
  }
  throw std::logic_error("the wallet has not recorded " + txid);
}

/// The height to which the wallet has reserved the output of a bump, or the change of a transaction; 0: it has not.
std::uint32_t reserved_to(World& world, const std::string& txid) {
  const auto& coin = coin_of(world, txid);
  return world.node().core().wallet.is_reserved(coin) ? coin.reserved_until : 0;
}

std::uint32_t height(World& world) { return world.node().core().wallet.height; }

/// It is sent again, as lightningd does at its start.
void resend(World& world, const std::string& txid) {
  (void)world.node().core().chain.submit(transaction_of(world, txid));
}

/// A block that holds nothing of these; they drop out of the mempool.
void mine_without(World& world, const std::vector<std::string>& txids) {
  for (const auto& txid : txids) drop(world, txid);
  world.mine(1);
  world.run_for(seconds(10));
}

/// Blocks that leave it out; it stays in the mempool.
void mine_past(World& world, const std::string& txid, int blocks) {
  for (int block = 0; block < blocks; ++block) {
    drop(world, txid);
    world.mine(1);
    resend(world, txid);
    world.run_for(seconds(10));
  }
}

/// A transaction with two bumps, the second in the place of the first.
struct Bumped {
  std::string txid, first, second;
};

Bumped bump_twice(World& world) {
  Bumped all;
  all.txid = open_low(world);
  all.first = text(bump(world, all.txid, R"("feerate":"2500perkw")"), "bump_txid");
  all.second = text(bump(world, all.txid, R"("feerate":"5000perkw")"), "bump_txid");
  world.run_for(seconds(10));
  return all;
}

/// A batch whose transaction is sent, and whose policy lightningd refuses for long.
sim::Setup without_policy() {
  auto setup = with({peer("a")});
  setup.rpc_faults = {RpcFault{Mishap::refused, "setchannel", 1, 1'000}};
  return setup;
}

std::string open_without_policy(World& world, const std::string& more = "") {
  const auto opened =
      world.call("multifundchannel",
                 R"({"destinations":[{"id":"$a@","amount":1000000,"feeppm":250}],"feerate":"253perkw")" + more + "}");
  world.run_for(seconds(10));
  REQUIRE(worlds::state(world) == "settling");
  return text(opened, "txid");
}

}  // namespace

TEST_CASE("a bump pays for the whole package, by the batch's id, its label or its txid") {
  for (const std::string by : {"batch", "label", "txid"}) {
    CAPTURE(by);
    World world(with({peer("a")}));
    const auto txid = open_low(world, R"(,"label":"monday")");
    const auto batch = by == "txid" ? txid : by == "label" ? "monday" : field_of_batch(world, "batch");
    const auto shown = bump(world, batch, R"("feerate":"2500perkw","dryrun":true)");
    CHECK(field(shown, "bumped") == "false");
    CHECK(world.node().sending().sent().size() == 1);
    CHECK_FALSE(says(listed(world), "bumps"));

    const auto bumped = bump(world, batch, R"("feerate":"2500perkw")");
    CHECK(field(bumped, "bumped") == "true");
    CHECK(text(bumped, "txid") == txid);
    CHECK(number(bumped, "package_feerate_perkw") == 2'500);
    // 10 sat a vbyte, for both together.
    CHECK(number(bumped, "package_fee_msat") == number(bumped, "package_vbytes") * 10'000);
    CHECK(number(bumped, "fee_msat") == number(shown, "fee_msat"));
    const auto child = text(bumped, "bump_txid");
    CHECK(in_mempool(world, child));
    CHECK(in_mempool(world, txid));
    CHECK(says(listed(world), R"("bump_txid":")" + child));
    world.mine(1);
    world.run_for(seconds(10));
    CHECK_FALSE(says(listed(world), "bumps"));
    worlds::check_invariants(world);
  }
}

TEST_CASE("a label means the batch that has opened, not a call before that has failed") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {RpcFault{Mishap::refused, "fundchannel_start", 1, 1}};
  World world(setup);
  const auto params = open({"a"}, std::string(low) + R"(,"label":"monday")");
  (void)error(world.call("multifundchannel", params));
  CHECK(says(error(bump(world, "monday", R"("feerate":"2500perkw")")).message, " is failed: only a transaction that"));
  const auto txid = text(world.call("multifundchannel", params), "txid");
  for (const auto& name : {std::string("monday"), txid}) {
    CHECK(text(bump(world, name, R"("feerate":"2500perkw","dryrun":true)"), "txid") == txid);
  }
  std::string upper;
  for (const char c : txid) upper += static_cast<char>(std::toupper(static_cast<unsigned char>(c)));
  CHECK(text(bump(world, upper, R"("feerate":"2500perkw")"), "txid") == txid);
  CHECK_FALSE(says(listed(world), R"("batch":"")"));
  worlds::check_invariants(world);
}

TEST_CASE("a second bump replaces the first, and one that pays too little for that says how much it takes") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto first = bump(world, txid, R"("feerate":"2500perkw")");
  const auto child = text(first, "bump_txid");
  for (const auto* feerate : {R"("feerate":"2500perkw")", R"("feerate":"2550perkw")"}) {
    const auto refused = error(bump(world, txid, feerate));
    CHECK(refused.code == -32602);
    CHECK(says(refused.message, "feerate: the bump before, " + child));
  }
  const auto asked = error(bump(world, txid, R"("feerate":"2500perkw")")).message;
  const auto at = asked.find("which is ") + 9;
  const auto enough = asked.substr(at, asked.find("perkw", at) - at);
  const auto second = bump(world, txid, R"("feerate":")" + enough + R"(perkw")");
  CHECK(text(second, "replaces") == child);
  CHECK_FALSE(in_mempool(world, child));
  CHECK(in_mempool(world, text(second, "bump_txid")));
  const auto third = bump(world, txid, R"("feerate":"9000perkw")");
  CHECK(number(third, "fee_msat") > number(second, "fee_msat"));
  CHECK(count(world.call("listmultifundchannels", "{}"), "bumps") == 1);
  worlds::check_invariants(world);
}

TEST_CASE("what cannot be bumped says why, with figures") {
  World world(with({peer("a"), peer("b")}));
  CHECK(says(error(bump(world, "nobody", low)).message, "batch: no batch has this id or label"));
  const std::string unknown(64, 'a');
  CHECK(says(error(bump(world, unknown, low)).message, "has not recorded its transaction " + unknown));
  const auto txid = open_low(world);
  for (const auto* wrong :
       {R"("feerate":"quick")", R"("feerate":"")", R"("feerate":[])", R"("feerate":"2500perkw","dryrun":"perhaps")",
        R"("feerate":"2500perkw","max_fee":"1%")", R"("dryrun":true)"}) {
    CAPTURE(wrong);
    CHECK(error(bump(world, txid, wrong)).code == -32602);
  }
  CHECK(says(error(bump(world, txid, low)).message, "feerate: the transaction pays "));
  CHECK(
      says(error(bump(world, txid, R"("feerate":"2500perkw","max_fee":1000)")).message, "max_fee: the fee would be "));
  CHECK(says(error(bump(world, txid, R"("feerate":"1200000perkw")")).message, "feerate: "));
  CHECK(world.node().sending().sent().size() == 1);
  world.mine(1);
  world.run_for(seconds(10));
  CHECK(says(error(bump(world, txid, R"("feerate":"2500perkw")")).message, "has confirmed, in block "));
  worlds::check_invariants(world);
}

TEST_CASE("a node that is catching up does not know what has confirmed") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  world.node().core().setup.synced = false;
  const auto refused = error(bump(world, txid, R"("feerate":"2500perkw")"));
  CHECK(refused.code == -1);
  CHECK(says(refused.message, "whether the transaction has confirmed is not known: "));
  CHECK(world.node().sending().sent().size() == 1);
}

TEST_CASE("without change there is nothing to pay with") {
  World world(with({peer("a")}));
  const auto opened = world.call("multifundchannel",
                                 R"({"destinations":[{"id":"$a@","amount":"all"}],"feerate":"253perkw","minconf":1})");
  const auto txid = text(opened, "txid");
  const auto refused = error(bump(world, txid, R"("feerate":"2500perkw")"));
  CHECK(says(refused.message, "batch: its "));
  CHECK(world.node().sending().sent().size() == 1);
}

TEST_CASE("change that is too small is told with figures") {
  auto setup = with({peer("a")});
  setup.coins = {sim::CoinSetup{.amount = bitcoin::Sat{1'002'000}}};
  setup.emergency = bitcoin::Sat{0};
  World world(setup);
  const auto txid = open_low(world);
  const auto refused = error(bump(world, txid, R"("feerate":"25000perkw")"));
  CHECK(refused.code == -1);
  CHECK(says(refused.message, "batch: its change of "));
  CHECK(says(refused.message, "330 sat must be left"));
  worlds::check_invariants(world);
}

TEST_CASE("another spender or holder of the change is left alone") {
  SUBCASE("reserved") {
    World world(with({peer("a")}));
    const auto txid = open_low(world);
    world.node().core().wallet.take(coin_of(world, txid), 500, world.time().now());
    CHECK(says(error(bump(world, txid, R"("feerate":"2500perkw")")).message, "is reserved by another program"));
    worlds::check_invariants(world);
  }
  SUBCASE("spent") {
    World world(with({peer("a"), peer("b")}));
    const auto txid = open_low(world);
    std::string change;
    for (const auto& coin : world.node().core().wallet.coins()) {
      if (coin.outpoint.txid.hex() == txid) change = coin.outpoint.str();
    }
    const auto second =
        world.call("multifundchannel", open({"b"}, R"("feerate":"5000perkw","utxos":[")" + change + "\"]"));
    const auto other = text(second, "txid");
    CHECK(says(error(bump(world, txid, R"("feerate":"2500perkw")")).message, "is spent by " + other));
    CHECK(in_mempool(world, other));
    // That one has change of its own, which pays for both.
    CHECK(field(bump(world, other, R"("feerate":"6000perkw")"), "package_feerate_perkw") == "6000");
    worlds::check_invariants(world);
  }
  SUBCASE("reserved since a bump of ours that was not sent") {
    auto setup = with({peer("a")});
    setup.broadcasts = {Broadcast::works, Broadcast::fails};
    World world(setup);
    const auto txid = open_low(world);
    CHECK(error(bump(world, txid, R"("feerate":"2500perkw")")).code == 303);
    CHECK(says(listed(world), "bumps"));
    world.node().core().wallet.take(coin_of(world, txid), 500, world.time().now());
    CHECK(says(error(bump(world, txid, R"("feerate":"5000perkw")")).message, "is reserved by another program"));
    CHECK(world.node().sending().sent().size() == 1);
    worlds::check_invariants(world);
  }
  SUBCASE("the output of the bump before is reserved, by a batch that waits") {
    World world(with({peer("a"), peer("b")}));
    const auto txid = open_low(world);
    const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
    (void)world.call("multifundchannel", open({"b"}, R"("feerate":"5000perkw","send":false,"utxos":[")" +
                                                         coin_of(world, child).outpoint.str() + R"("])"));
    CHECK(says(error(bump(world, txid, R"("feerate":"5000perkw")")).message, "its output is reserved until block"));
    CHECK(in_mempool(world, child));
    worlds::check_invariants(world);
  }
  SUBCASE("not in the mempool") {
    auto setup = with({peer("a")});
    World world(setup);
    const auto txid = open_low(world);
    world.node().core().chain.drop(*bitcoin::Txid::from_hex(txid));
    CHECK(says(error(bump(world, txid, R"("feerate":"2500perkw")")).message, "bitcoind does not show its transaction"));
  }
}

TEST_CASE("a bump that bitcoind refuses is taken back, and one in doubt can be replaced") {
  SUBCASE("refused") {
    auto setup = with({peer("a")});
    setup.broadcasts = {Broadcast::works, Broadcast::refused};
    World world(setup);
    const auto txid = open_low(world);
    const auto refused = error(bump(world, txid, R"("feerate":"2500perkw")"));
    CHECK(refused.code == -1);
    CHECK(says(refused.message, "bitcoind refuses the bump: min relay fee not met"));
    CHECK_FALSE(says(listed(world), "bumps"));
    CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
    worlds::check_invariants(world);
  }
  SUBCASE("never sent: the next one has nothing to outbid") {
    auto setup = with({peer("a")});
    setup.broadcasts = {Broadcast::works, Broadcast::fails};
    World world(setup);
    const auto txid = open_low(world);
    CHECK(error(bump(world, txid, R"("feerate":"25000perkw")")).code == 303);
    const auto next = bump(world, txid, R"("feerate":"2500perkw")");
    CHECK(number(next, "package_feerate_perkw") == 2'500);
    CHECK_FALSE(says(*next.result, "replaces"));
    worlds::check_invariants(world);
  }
  SUBCASE("not reserved, or not signed, or not on disk: all is as before") {
    for (const auto* method : {"reserveinputs", "datastore", "signpsbt"}) {
      CAPTURE(method);
      auto setup = with({peer("a")});
      World before(setup);
      (void)open_low(before);
      setup.rpc_faults = {RpcFault{Mishap::refused, method, worlds::calls(before, method) + 1, 1}};
      World world(setup);
      const auto txid = open_low(world);
      CHECK(error(bump(world, txid, R"("feerate":"2500perkw")")).code == -1);
      CHECK_FALSE(says(listed(world), "bumps"));
      CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
      worlds::check_invariants(world);
    }
  }
  SUBCASE("perhaps reserved: the next one goes on from it") {
    auto setup = with({peer("a")});
    World before(setup);
    (void)open_low(before);
    setup.rpc_faults = {RpcFault{Mishap::reply_lost, "reserveinputs", worlds::calls(before, "reserveinputs") + 1, 1}};
    World world(setup);
    const auto txid = open_low(world);
    CHECK(error(bump(world, txid, R"("feerate":"2500perkw")")).code == -1);
    CHECK(coin_of(world, txid).reserved_until > world.node().core().wallet.height);
    CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
    worlds::check_invariants(world);
  }
  SUBCASE("bitcoind has it already: it is sent") {
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{Mishap::refused, "sendpsbt", 2, 1}};
    setup.rpc_faults[0].text =
        R"(Error broadcasting transaction: error code: -27\nerror message:\nTransaction already in block chain\n)"
        ". Unsent tx discarded 0200";
    World world(setup);
    const auto txid = open_low(world);
    const auto bumped = bump(world, txid, R"("feerate":"2500perkw")");
    CHECK(field(bumped, "bumped") == "true");
    CHECK(says(listed(world), text(bumped, "bump_txid")));
  }
  SUBCASE("the plugin is stopped before the answer to sendpsbt: it may be on its way") {
    auto setup = with({peer("a")});
    setup.broadcasts = {Broadcast::works, Broadcast::never_answers};
    World world(setup);
    const auto txid = open_low(world);
    const auto call = world.start("multifundchannel-bump", R"({"batch":")" + txid + R"(","feerate":"2500perkw"})");
    world.run_for(seconds(2));
    REQUIRE(worlds::calls(world, "sendpsbt") == 2);
    world.announce_shutdown();
    world.finish_all();
    const auto& doubt = error(world.outcome(call));
    CHECK(doubt.code == 303);
    CHECK(says(doubt.message,
               "was signed, but sending it was not confirmed (the plugin was stopped): it may be on its way"));
    worlds::check_invariants(world);
  }
  SUBCASE("in doubt") {
    auto setup = with({peer("a")});
    setup.broadcasts = {Broadcast::works, Broadcast::hides_success};
    World world(setup);
    const auto txid = open_low(world);
    (void)bump(world, txid, R"("feerate":"2500perkw")");
    const auto again = bump(world, txid, R"("feerate":"5000perkw")");
    CHECK(field(again, "bumped") == "true");
    worlds::check_invariants(world);
  }
}

TEST_CASE("a bump survives crashes, wherever they fall, and the next one goes on from it") {
  for (const bool node : {false, true}) {
    for (const int milliseconds : {0, 1, 2, 3, 5, 8, 12, 20, 40, 80}) {
      CAPTURE(node);
      CAPTURE(milliseconds);
      World world(with({peer("a")}));
      const auto txid = open_low(world);
      (void)world.start("multifundchannel-bump", R"({"batch":")" + txid + R"(","feerate":"2500perkw"})");
      world.run_for(std::chrono::milliseconds(milliseconds));
      node ? world.kill_lightningd() : world.kill_plugin();
      world.run_for(seconds(1));
      node ? world.start_lightningd() : world.start_plugin();
      world.run_for(minutes(2));
      const auto again = bump(world, txid, R"("feerate":"5000perkw")");
      CHECK(number(again, "package_feerate_perkw") == 5'000);
      world.mine(1);
      world.run_for(minutes(1));
      CHECK_FALSE(says(listed(world), "bumps"));
      worlds::check_invariants(world);
    }
  }
}

TEST_CASE("two bumps of one transaction at a time are one too many") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto first = world.start("multifundchannel-bump", R"({"batch":")" + txid + R"(","feerate":"2500perkw"})");
  CHECK(says(error(bump(world, txid, R"("feerate":"5000perkw")")).message, "another bump of its transaction"));
  world.run_for(seconds(10));
  CHECK(field(world.outcome(first), "bumped") == "true");
  worlds::check_invariants(world);
}

TEST_CASE("a block that comes while a bump is worked out is no crash, and nothing is sent") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {RpcFault{Mishap::late, "getutxout", 2, 100, 1, seconds(2)}};
  World world(setup);
  const auto txid = open_low(world);
  (void)bump(world, txid, R"("feerate":"2500perkw")");
  const auto sent = world.node().sending().sent().size();
  const auto second = world.start("multifundchannel-bump", R"({"batch":")" + txid + R"(","feerate":"5000perkw"})");
  world.run_for(seconds(1));
  world.mine(1);
  world.run_for(minutes(1));
  const auto refused = error(world.outcome(second));
  CHECK(refused.code == -1);
  CHECK(says(refused.message, "its transaction has confirmed meanwhile, or cannot confirm any more"));
  CHECK(world.node().sending().sent().size() == sent);
  worlds::check_invariants(world);
}

TEST_CASE("a block that comes before the first bump is signed ends it") {
  auto setup = with({peer("a")});
  setup.rpc_faults = {RpcFault{Mishap::late, "utxopsbt", 1, 100, 1, seconds(2)}};
  World world(setup);
  const auto txid = open_low(world);
  const auto started = world.start("multifundchannel-bump", R"({"batch":")" + txid + R"(","feerate":"2500perkw"})");
  world.run_for(seconds(1));
  world.mine(1);
  world.run_for(minutes(1));
  CHECK(says(error(world.outcome(started)).message, "its transaction has confirmed meanwhile"));
  CHECK(world.node().sending().sent().size() == 1);
  CHECK(reserved_to(world, txid) == 0);
  CHECK_FALSE(says(listed(world), "bumps"));
  worlds::check_invariants(world);
}

TEST_CASE("while bitcoind has blocks that lightningd has not seen nothing is bumped") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  world.node().core().setup.unseen_blocks = 2;
  const auto refused = error(bump(world, txid, R"("feerate":"2500perkw")"));
  CHECK(refused.code == -1);
  CHECK(says(refused.message, "bitcoind has block 112, and lightningd has seen those up to 110: try again"));
  CHECK(world.node().sending().sent().size() == 1);
  world.node().core().setup.unseen_blocks = 0;
  CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
  worlds::check_invariants(world);
}

TEST_CASE("a backend that does not tell its height is no obstacle to a bump") {
  for (const auto what : {Mishap::unknown, Mishap::refused, Mishap::unreadable}) {
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{what, "getchaininfo", 1, 100}};
    World world(setup);
    const auto txid = open_low(world);
    CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
    CHECK(worlds::calls(world, "getchaininfo") == (what == Mishap::unreadable ? 1 : 0));
    worlds::check_invariants(world);
  }
}

TEST_CASE("the output of a bump that was replaced is reserved, since it does not exist") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  world.run_for(seconds(10));
  CHECK(reserved_to(world, first) == 0);
  const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
  world.run_for(seconds(10));
  CHECK(reserved_to(world, first) == height(world) + 2016);
  CHECK(reserved_to(world, second) == 0);
  // That is no obstacle to the next one.
  const auto third = text(bump(world, txid, R"("feerate":"9000perkw")"), "bump_txid");
  world.run_for(seconds(10));
  CHECK(reserved_to(world, first) == height(world) + 2016);
  CHECK(reserved_to(world, second) == height(world) + 2016);
  CHECK(reserved_to(world, third) == 0);
  // They never come to be, and lightningd keeps them.
  world.mine(5);
  world.run_for(seconds(10));
  CHECK(reserved_to(world, first) < height(world) + 3000);
  world.mine(1);
  world.run_for(seconds(10));
  CHECK(reserved_to(world, first) > height(world) + 900'000);
  CHECK(reserved_to(world, second) > height(world) + 900'000);
  CHECK(reserved_to(world, third) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("what was replaced and confirms all the same is free again, and what had replaced it is reserved") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
  world.run_for(seconds(10));
  REQUIRE(reserved_to(world, first) > 0);
  SUBCASE("ours alone") {
    drop(world, second);
    resend(world, first);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) == 0);
    CHECK(reserved_to(world, second) == height(world) + 2016);
  }
  SUBCASE("another program has reserved it since") {
    world.node().core().wallet.take(coin_of(world, first), 500, world.time().now());
    const auto theirs = reserved_to(world, first);
    drop(world, second);
    resend(world, first);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) == theirs);
  }
  worlds::check_invariants(world);
}

TEST_CASE("the output of a bump that was replaced is reserved again when that has lapsed, and after a crash") {
  SUBCASE("lapsed") {
    World world(with({peer("a")}));
    const auto txid = open_low(world);
    const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
    const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
    world.run_for(seconds(10));
    mine_without(world, {txid, first, second});
    world.mine(2016);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) > height(world) + 1000);
    resend(world, txid);
    resend(world, second);
    worlds::check_invariants(world);
  }
  SUBCASE("after a crash, wherever it falls") {
    for (int milliseconds = 0; milliseconds < 60; milliseconds += 4) {
      CAPTURE(milliseconds);
      World world(with({peer("a")}));
      const auto txid = open_low(world);
      const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
      const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
      world.run_for(std::chrono::milliseconds(milliseconds));
      world.kill_plugin();
      world.run_for(seconds(1));
      world.start_plugin();
      world.run_for(minutes(1));
      mine_without(world, {txid, first, second});
      CHECK(reserved_to(world, first) > height(world) + 1000);
      CHECK(reserved_to(world, first) <= height(world) + 2016);
      resend(world, txid);
      resend(world, second);
      worlds::check_invariants(world);
    }
  }
  SUBCASE("refused at first: that is no failure of the bump") {
    auto setup = with({peer("a")});
    setup.rpc_faults = {RpcFault{Mishap::refused, "reserveinputs", 1, 0}};
    World before(setup);
    const auto parent = open_low(before);
    (void)bump(before, parent, R"("feerate":"2500perkw")");
    setup.rpc_faults = {RpcFault{Mishap::refused, "reserveinputs", worlds::calls(before, "reserveinputs") + 1, 1}};
    World world(setup);
    const auto txid = open_low(world);
    const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
    const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) == 0);
    mine_without(world, {txid, first, second});
    CHECK(reserved_to(world, first) == height(world) + 2016);
    resend(world, txid);
    resend(world, second);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a later bump leaves the emergency reserve alone, whatever the wallet shows of the bump before") {
  auto setup = with({peer("a")});
  setup.coins = {sim::CoinSetup{.amount = bitcoin::Sat{1'060'500}}};
  setup.emergency = bitcoin::Sat{50'000};
  World world(setup);
  const auto txid = open_low(world);
  CHECK(field(bump(world, txid, R"("feerate":"2500perkw")"), "bumped") == "true");
  const auto refused = error(bump(world, txid, R"("feerate":"12500perkw")"));
  CHECK(says(refused.message, "min-emergency-msat"));
  CHECK(field(bump(world, txid, R"("feerate":"5000perkw")"), "bumped") == "true");
  worlds::check_invariants(world);
}

TEST_CASE("a batch that was sent is bumped although its policy is not set yet") {
  for (const std::string by : {"batch", "label", "txid"}) {
    CAPTURE(by);
    World world(without_policy());
    const auto txid = open_without_policy(world, R"(,"label":"monday")");
    const auto batch = by == "txid" ? txid : by == "label" ? "monday" : field_of_batch(world, "batch");
    CHECK(text(bump(world, batch, R"("feerate":"2500perkw")"), "txid") == txid);
    worlds::check_invariants(world);
  }
}

TEST_CASE("a batch that is being aborted is not bumped") {
  World world(without_policy());
  const auto txid = open_without_policy(world, R"(,"label":"monday")");
  const auto batch = field_of_batch(world, "batch");
  (void)world.call("multifundchannel-abort", worlds::of_batch(world, R"("feerate":"2500perkw","confirm":true)"));
  for (const auto& by : {batch, std::string("monday"), txid}) {
    CAPTURE(by);
    const auto refused = error(bump(world, by, R"("feerate":"2500perkw")"));
    CHECK(refused.code == -32602);
    CHECK(says(refused.message, "batch: " + batch + " is aborting: "));
  }
  worlds::check_invariants(world);
}

TEST_CASE("an abort of a batch that was bumped pays more than both, and replaces both") {
  World world(without_policy());
  const auto txid = open_without_policy(world);
  const auto bumped = bump(world, txid, R"("feerate":"5000perkw")");
  const auto begun =
      world.call("multifundchannel-abort", worlds::of_batch(world, R"("feerate":"253perkw","confirm":true)"));
  CHECK(number(begun, "fee_msat") > number(bumped, "package_fee_msat"));
  world.run_for(minutes(1));
  CHECK(in_mempool(world, text(begun, "txid")));
  CHECK_FALSE(in_mempool(world, txid));
  CHECK_FALSE(in_mempool(world, text(bumped, "bump_txid")));
  // The change and the bump's output never come to be, and lightningd keeps both.
  for (int block = 0; block < 8; ++block) {
    world.mine(1);
    world.run_for(minutes(10));
  }
  CHECK(worlds::state(world) == "undone");
  CHECK(reserved_to(world, txid) > height(world) + 900'000);
  CHECK(reserved_to(world, text(bumped, "bump_txid")) > height(world) + 900'000);
  CHECK(reserved_to(world, text(begun, "txid")) == 0);
  worlds::check_invariants(world);
}

TEST_CASE("of a bump and an abort that are worked out at the same time one is refused") {
  auto setup = without_policy();
  setup.options.clear();  // txprepare has calls of its own
  World before(setup);
  (void)open_without_policy(before);
  const auto asked = worlds::calls(before, "utxopsbt");
  setup.rpc_faults.push_back(RpcFault{Mishap::late, "utxopsbt", asked + 1, 1, 1, seconds(2)});
  World world(setup);
  const auto txid = open_without_policy(world);
  const auto abort = worlds::of_batch(world, R"("feerate":"2500perkw","confirm":true)");
  const auto bump = R"({"batch":")" + txid + R"(","feerate":"2500perkw"})";
  SUBCASE("the abort begins first") {
    const auto started = world.start("multifundchannel-bump", bump);
    world.run_for(seconds(1));
    const auto begun = world.call("multifundchannel-abort", abort);
    world.run_for(minutes(1));
    const auto refused = error(world.outcome(started));
    CHECK(refused.code == -1);
    CHECK(says(refused.message, "is aborting: "));
    CHECK(in_mempool(world, text(begun, "txid")));
    CHECK_FALSE(says(listed(world), "bumps"));
  }
  SUBCASE("the bump is on record first") {
    const auto started = world.start("multifundchannel-abort", abort);
    world.run_for(seconds(1));
    const auto bumped = world.call("multifundchannel-bump", bump);
    world.run_for(minutes(1));
    const auto refused = error(world.outcome(started));
    CHECK(refused.code == -1);
    CHECK(says(refused.message, "batch: a bump of its transaction was begun meanwhile: try again"));
    const auto again = world.call("multifundchannel-abort", abort);
    CHECK(number(again, "fee_msat") > number(bumped, "package_fee_msat"));
    world.run_for(minutes(1));
    CHECK(in_mempool(world, text(again, "txid")));
  }
}

TEST_CASE("as long as it is not known what was bumped, nothing that may have been sent is aborted") {
  auto setup = without_policy();
  World before(setup);
  (void)open_without_policy(before);
  // What is kept is asked for first: who was told in vain, the labels, the bumps.
  setup.rpc_faults.push_back(RpcFault{Mishap::stuck, "listdatastore", worlds::calls(before, "listdatastore") + 3, 1});
  World world(setup);
  const auto txid = open_without_policy(world);
  const auto bumped = bump(world, txid, R"("feerate":"5000perkw")");
  const auto abort = worlds::of_batch(world, R"("feerate":"253perkw","confirm":true)");
  world.kill_plugin();
  world.start_plugin();
  std::string why;
  do {
    world.run_for(seconds(1));
    why = error(world.call("multifundchannel-abort", abort)).message;
  } while (says(why, "it is being settled in this very moment"));
  CHECK_MESSAGE(says(why, "which transactions are bumped is not known yet"), why);
  world.run_for(minutes(2));
  CHECK(number(world.call("multifundchannel-abort", abort), "fee_msat") > number(bumped, "package_fee_msat"));
}

TEST_CASE("the change of a transaction that confirms without its bump is free again") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  REQUIRE(reserved_to(world, txid) > height(world) + 2000);
  SUBCASE("ours alone") {
    drop(world, child);
    world.mine(6);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, txid) == 0);
  }
  SUBCASE("another program has reserved it since") {
    world.node().core().wallet.take(coin_of(world, txid), 500, world.time().now());
    const auto theirs = reserved_to(world, txid);
    drop(world, child);
    world.mine(6);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, txid) == theirs);
  }
  worlds::check_invariants(world);
}

TEST_CASE(
    "the output of a bump that has dropped out is reserved, until it confirms or something else spends the change") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  drop(world, child);
  world.mine(6);
  world.run_for(seconds(10));
  CHECK(reserved_to(world, child) == height(world) + 2016);
  CHECK(reserved_to(world, txid) == 0);
  SUBCASE("it comes back") {
    resend(world, child);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, child) == 0);
  }
  // The simulation's wallet records what spends an even amount, since it gets change of that.
  auto& change = coin_of(world, txid);
  SUBCASE("it comes back late, when its record is looked at less often") {
    for (int block = 0; block < 200; ++block) {
      world.mine(1);
      world.run_for(seconds(10));
    }
    resend(world, child);
    world.mine(1);
    for (int block = 0; block < 36; ++block) {
      world.mine(1);
      world.run_for(seconds(10));
    }
    CHECK(reserved_to(world, child) == 0);
  }
  SUBCASE("what the wallet does not record spends the change: that is no proof") {
    change.amount = bitcoin::Sat{change.amount.value | 1};
    world.node().sending().spend_for_others(change);
    world.mine(10);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, child) > height(world) + 1000);
    CHECK(reserved_to(world, child) < height(world) + 3000);
  }
  SUBCASE("what the wallet records spends the change") {
    change.amount = bitcoin::Sat{change.amount.value & ~std::uint64_t{1}};
    world.node().sending().spend_for_others(change);
    world.mine(5);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, child) < height(world) + 3000);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, child) > height(world) + 900'000);
  }
  SUBCASE("after a crash another program's reservation of the change is its own") {
    world.kill_plugin();
    world.start_plugin();
    world.run_for(minutes(1));
    world.node().core().wallet.take(coin_of(world, txid), 2016, world.time().now());
    const auto theirs = reserved_to(world, txid);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, txid) == theirs);
  }
  worlds::check_invariants(world);
}

TEST_CASE("a look right after a block goes by that block, though getinfo still shows the one before") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  world.node().core().setup.getinfo_lag = 1;
  drop(world, child);
  world.mine(6);
  world.run_for(seconds(10));
  CHECK(reserved_to(world, txid) == 0);
  world.node().core().setup.getinfo_lag = 0;
  worlds::check_invariants(world);
}

TEST_CASE("nothing is final as long as a bump is in the mempool, however deep its transaction is") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto first = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  const auto second = text(bump(world, txid, R"("feerate":"5000perkw")"), "bump_txid");
  mine_past(world, second, 8);
  CHECK(reserved_to(world, txid) > height(world) + 1000);
  CHECK(reserved_to(world, first) > height(world) + 1000);
  CHECK(reserved_to(world, first) < height(world) + 3000);
  SUBCASE("it confirms") {
    world.mine(5);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) < height(world) + 3000);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) > height(world) + 900'000);
  }
  SUBCASE("the one before confirms after all") {
    drop(world, second);
    resend(world, first);
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, first) == 0);
    CHECK(reserved_to(world, second) == height(world) + 2016);
  }
  worlds::check_invariants(world);
}

TEST_CASE("while lightningd reads old blocks again, what it does not show yet is no proof that a bump is dead") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  mine_past(world, child, 7);
  // The bump was in a block. lightningd has rolled that back, and its wallet does not: the change stays spent.
  coin_of(world, txid).state = sim::Coin::State::spent;
  mine_past(world, child, 1);
  CHECK(reserved_to(world, child) == 0);
  world.mine(7);
  world.run_for(seconds(10));
  CHECK(reserved_to(world, child) == 0);
}

TEST_CASE("the record of a bump stays until what is dead is reserved for good, and what has confirmed is free") {
  auto setup = with({peer("a")});
  setup.options.clear();  // txprepare has calls of its own
  SUBCASE("not reserved at first") {
    for (const auto what : {Mishap::refused, Mishap::stuck}) {
      CAPTURE(static_cast<int>(what));
      setup.rpc_faults.clear();
      World before(setup);
      (void)bump_twice(before);
      before.mine(5);
      before.run_for(minutes(2));
      setup.rpc_faults = {RpcFault{what, "reserveinputs", worlds::calls(before, "reserveinputs") + 1, 1}};
      World world(setup);
      const auto all = bump_twice(world);
      world.mine(5);
      world.run_for(minutes(2));
      world.mine(1);
      world.run_for(minutes(2));
      CHECK(reserved_to(world, all.first) < height(world) + 3000);
      world.mine(1);
      world.run_for(minutes(2));
      CHECK(reserved_to(world, all.first) > height(world) + 900'000);
      CHECK(reserved_to(world, all.second) == 0);
      worlds::check_invariants(world);
    }
  }
  SUBCASE("not freed at first") {
    World before(setup);
    (void)bump_twice(before);
    setup.rpc_faults = {RpcFault{Mishap::refused, "unreserveinputs", worlds::calls(before, "unreserveinputs") + 1, 6}};
    World world(setup);
    const auto all = bump_twice(world);
    drop(world, all.second);
    resend(world, all.first);
    for (int block = 0; block < 6; ++block) {
      world.mine(1);
      world.run_for(seconds(10));
    }
    CHECK(reserved_to(world, all.first) > height(world));
    world.mine(1);
    world.run_for(seconds(10));
    CHECK(reserved_to(world, all.first) == 0);
    CHECK(reserved_to(world, all.second) > height(world) + 900'000);
    worlds::check_invariants(world);
  }
}

TEST_CASE("an output that is reserved late, so that the next attempt is refused, is no obstacle to a bump") {
  auto setup = with({peer("a")});
  World before(setup);
  (void)bump(before, open_low(before), R"("feerate":"2500perkw")");
  const auto reserved = worlds::calls(before, "reserveinputs");
  World again(setup);
  (void)bump_twice(again);
  // The first attempt has no answer in time. It is carried out between the next look and the second attempt.
  setup.rpc_faults = {
      RpcFault{Mishap::held_up, "reserveinputs", reserved + 1, 1, 1, seconds(70)},
      RpcFault{Mishap::late, "listfunds", worlds::calls(again, "listfunds") + 1, 1, 1, seconds(10)},
  };
  World world(setup);
  const auto all = bump_twice(world);
  world.run_for(seconds(55));
  CHECK(reserved_to(world, all.first) == 0);
  mine_without(world, {all.txid, all.first, all.second});
  world.run_for(minutes(1));
  CHECK(reserved_to(world, all.first) == height(world) + 2016);
  CHECK(worlds::calls(world, "reserveinputs") == reserved + 2);
  resend(world, all.txid);
  resend(world, all.second);
  CHECK(text(bump(world, all.txid, R"("feerate":"9000perkw","dryrun":true)"), "replaces") == all.second);
  worlds::check_invariants(world);
}

TEST_CASE("a bump whose block is replaced by another one is the plugin's own still") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto child = text(bump(world, txid, R"("feerate":"2500perkw")"), "bump_txid");
  world.mine(1);
  world.run_for(seconds(10));
  CHECK_FALSE(says(listed(world), "bumps"));
  world.node().sending().replace_block();
  world.run_for(seconds(10));
  CHECK(says(listed(world), R"("bump_txid":")" + child));
  CHECK(text(bump(world, txid, R"("feerate":"5000perkw")"), "replaces") == child);
  worlds::check_invariants(world);
}

TEST_CASE("above bitcoind's limit the error names the highest feerate that is taken, and that is taken") {
  World world(with({peer("a")}));
  const auto txid = open_low(world);
  const auto refused = error(bump(world, txid, R"("feerate":"2000000perkw")"));
  CHECK(refused.code == -32602);
  const auto at = refused.message.find("(ask for ") + 9;
  const auto most = refused.message.substr(at, refused.message.find("perkw", at) - at);
  CHECK(says(refused.data, "\"ask_for_perkw\":" + most));
  CHECK(std::stoull(most) < 2'000'000);
  CHECK(error(bump(world, txid, R"("dryrun":true,"feerate":")" + std::to_string(std::stoull(most) + 5) + "perkw\""))
            .code == -32602);
  CHECK(field(bump(world, txid, R"("feerate":")" + most + "perkw\""), "bumped") == "true");
  worlds::check_invariants(world);
}
