// What can be told before any peer is asked is told then, and says what to do.
#include <algorithm>
#include <cctype>

#include "lightningd/codes.hpp"
#include "worlds.hpp"

using sim::World;
using worlds::error;
using worlds::field;
using worlds::open;
using worlds::peer;
using worlds::with;

namespace {

namespace code = lightningd::code;

/// Two destinations: `a` with `more` in it, and `b`.
std::string batch(const std::string& more, const std::string& rest = "", const std::string& id = "$a@") {
  return R"({"destinations":[{"id":"$b@","amount":1000000},{"id":")" + id + R"(","amount":1000000)" +
         (more.empty() ? "" : "," + more) + "}]" + (rest.empty() ? "" : "," + rest) + "}";
}

std::uint64_t calls(World& world, const char* method) {
  const auto& calls = world.node().core().methods.calls();
  const auto found = calls.find(method);
  return found == calls.end() ? 0 : found->second;
}

/// The call and its preview fail with -32602 (or `wanted`, lightningd's own code) and this text, and nothing has
/// happened.
void check_refused(World& world, const std::string& params, const std::string& text,
                   int wanted = code::invalid_params) {
  for (const auto& dryrun : {std::string(), std::string(R"(,"dryrun":true)")}) {
    CAPTURE(params);
    const auto outcome = world.call("multifundchannel", params.substr(0, params.size() - 1) + dryrun + "}");
    const auto refusal = error(outcome);
    CHECK(refusal.code == wanted);
    CHECK_MESSAGE(refusal.message.find(text) != std::string::npos, refusal.message);
  }
  for (const auto* method : {"connect", "fundpsbt", "fundchannel_start", "datastore"}) {
    CAPTURE(method);
    CHECK(calls(world, method) == 0);
  }
  worlds::check_invariants(world);
}

}  // namespace

TEST_CASE("our own node is no destination, however its id is written") {
  World world(with({peer("a"), peer("b")}));
  auto shouted = world.node().id();
  for (auto& digit : shouted) digit = static_cast<char>(std::toupper(digit));
  const auto text = "destinations[1].id: this is our own node";
  check_refused(world, batch("", "", "$self"), text);
  check_refused(world, batch("", "", "$self@127.0.0.1:9735"), text);
  check_refused(world, batch("", "", shouted), text);
}

TEST_CASE("without fee estimates nobody is asked, and the remedy is named") {
  auto setup = with({peer("a"), peer("b")});
  setup.opening_feerate = 0;
  World world(std::move(setup));
  check_refused(world, batch("", R"("feerate":"7500perkw","commitment_feerate":"7500perkw")"),
                "Cannot estimate fees: without an estimate", code::generic);
  check_refused(world, batch(""), "force-feerates", 501);
}

TEST_CASE("a push that no peer can take is refused with the largest that works") {
  World world(with({peer("a"), peer("b")}));
  // With anchors 3750 perkw for 1124 weight and 660 sat; without, 7500 perkw for 724 weight: 5430 sat. The cheaper
  // counts.
  const auto text = "destinations[1].push_msat: 1000000000 of 1000000000 msat leaves too little";
  check_refused(world, batch(R"("push_msat":1000000000)"), text);
  check_refused(world, batch(R"("push_msat":999999999)"), "995125000 msat is the largest that works");
  check_refused(world, batch(R"("push_msat":995125001)"), "995125000 msat is the largest that works");
}

namespace {

struct Largest {
  const char* field;
  std::uint64_t value;
  const char* words;  ///< behind the value
  std::string options;
  bool told_beforehand;  ///< that more does not work: else only when the features of the peer are known
};

/// It opens both channels; one more does not.
void check_largest(const sim::PeerSetup& a, const Largest& largest) {
  for (const std::uint64_t more : {0, 1}) {
    CAPTURE(more);
    World world(with({a, peer("b")}));
    const auto outcome = world.call("multifundchannel",
                                    batch(util::str('"', largest.field, "\":", largest.value + more), largest.options));
    const auto words = util::str(largest.value, largest.words);
    if (largest.told_beforehand && more > 0) {
      CHECK(error(outcome).code == code::invalid_params);
      CHECK(error(outcome).message.find(words) != std::string::npos);
      continue;
    }
    const auto failed = field(outcome, "failed");
    if (more == 0) {
      CHECK(failed == "[]");
    } else {
      CHECK_MESSAGE(failed.find(words) != std::string::npos, failed);
      CHECK(failed.find(R"("cause":"limits")") != std::string::npos);
    }
    CHECK(calls(world, "fundchannel_start") == (more == 0 ? 2 : 1));
    worlds::check_invariants(world);
  }
}

}  // namespace

TEST_CASE("the largest push works, and one more does not, with and without anchors") {
  for (const bool anchors : {true, false}) {
    CAPTURE(anchors);
    auto a = peer("a");
    if (!anchors) a.features = "0800000a0259a1";
    // Without anchors the plain feerate counts; with them it must not.
    const std::string feerate = R"("commitment_feerate":"1000perkw","minchannels":1,"details":true)";
    const std::uint64_t most = 1'000'000'000 - (anchors ? 4'875'000 : 724'000);
    // Nobody makes a cheaper channel than one without anchors here: that is known beforehand.
    check_largest(a, {"push_msat", most, " msat is the largest that works", feerate, !anchors});
  }
}

TEST_CASE("what lightningd would refuse of a destination it is asked for beforehand") {
  World world(with({peer("a"), peer("b")}));
  check_refused(world, batch(R"("close_to":"bc1qrp33g0q5c5txsp9arysrx4k6zdkfs4nce4xj0gdcccefvpysxf3qccfmv3")"),
                "destinations[1].close_to: Destination address is not on network", code::generic);
  check_refused(world, batch(R"("close_to":"bcrt1qbad")"),
                "destinations[1].close_to: Could not parse destination address", code::generic);
  check_refused(world, batch(R"("channel_type":[12,20])"), "destinations[1].channel_type: channel_type not supported");
  check_refused(world, batch("", "", world.peer_id("a") + "@127.0.0.1:port"),
                R"(destinations[1].id: malformed host @part, got "@127.0.0.1:port")");
  check_refused(world, batch("", "", world.peer_id("a") + "@some.name:0"), "destinations[1].id: malformed host");
}

TEST_CASE("the call tells of a close_to as its preview does, in the log and in the details") {
  struct Case {
    const char* address;
    const char* features;  // of the peer
    const char* text;      // nothing: nothing is told
  };
  constexpr auto witness = "bcrt1qw508d6qejxtdg4y5r3zarvary0c5xw7kygt080";
  constexpr auto taproot = "bcrt1p0xlxvlhemja6c4dqv22uapctqupfhlxm9h8z3k2e72q4k9hcz7vqc8gma6";
  constexpr auto base58 = "mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn";
  constexpr auto like_us = sim::PeerSetup::default_features;
  for (const auto& [address, features, text] :
       {Case{witness, like_us, ""}, Case{taproot, like_us, ""},
        Case{base58, like_us, "a peer with anchors may refuse P2PKH and P2SH addresses"},
        Case{base58, "0898880a0a59a1", ""},  // no anchors
        Case{taproot, "089888028a59a1", "the peer does not offer option_shutdown_anysegwit"},
        Case{witness, "0898880a8a5981", "the peer does not offer option_upfront_shutdown_script"}}) {
    CAPTURE(address);
    CAPTURE(features);
    auto a = peer("a");
    a.features = features;
    World world(with({a, peer("b")}));
    const auto close_to = std::string(R"("close_to":")") + address + '"';
    const auto previewed = field(world.call("multifundchannel", batch(close_to, R"("dryrun":true)")), "warnings");
    const auto told = field(world.call("multifundchannel", batch(close_to, R"("details":true)")), "warnings");
    const auto expected = *text == '\0' ? std::string() : "destinations[1].close_to: " + std::string(text);
    CHECK_MESSAGE(previewed.find(expected) != std::string::npos, previewed);
    CHECK_MESSAGE(told.find(expected) != std::string::npos, told);
    CHECK(told.empty() == expected.empty());
    const auto& log = world.node().core().monitor.log();
    CHECK(std::any_of(log.begin(), log.end(),
                      [&expected](const auto& line) { return line.find(expected) != std::string::npos; }));
    worlds::check_invariants(world);
  }
}

TEST_CASE("an announced channel has no alias") {
  World world(with({peer("a"), peer("b")}));
  const auto text = "destinations[1].channel_type: has option_scid_alias";
  check_refused(world, batch(R"("channel_type":[12,22,46])"), text);
  check_refused(world, batch(R"("channel_type":[12,22,47],"announce":true)"), text);
  const auto outcome = world.call("multifundchannel", batch(R"("channel_type":[12,22,46],"announce":false)"));
  CHECK(outcome.ok());
  worlds::check_invariants(world);
}

TEST_CASE("a reserve of more than half the amount is refused") {
  World world(with({peer("a"), peer("b")}));
  check_refused(world, batch(R"("reserve":1000000)"), "destinations[1].reserve: is more than half of the amount");
  check_refused(world, batch(R"("reserve":500001)"), "destinations[1].reserve: is more than half of the amount");
}

TEST_CASE("a reserve that no peer's channel can bear is refused with the largest that works") {
  World world(with({peer("a"), peer("b")}));
  // The cheaper commitment costs 4875 sat (see above), and min-capacity-sat is 10000.
  check_refused(world, batch(R"("reserve":492563)"),
                "destinations[1].reserve: 492563 sat is more than 492562 sat, the largest that works");
  check_refused(world, batch(R"("reserve":500000)"), "Not opening because");
}

TEST_CASE("the largest reserve works, and one more does not, with and without anchors") {
  for (const bool anchors : {true, false}) {
    CAPTURE(anchors);
    auto a = peer("a");
    if (!anchors) a.features = "0800000a0259a1";
    const std::string feerate = R"("commitment_feerate":"8000perkw","minchannels":1,"details":true)";
    const std::uint64_t most = (1'000'000 - 10'000 - (anchors ? 4'875 : 5'792)) / 2;
    // Nobody makes a cheaper channel than one with anchors here: that is known beforehand.
    check_largest(a, {"reserve", most, " sat, the largest that works", feerate, anchors});
  }
}

TEST_CASE("an error of commitment_feerate carries its name") {
  World world(with({peer("a"), peer("b")}));
  check_refused(world, batch("", R"("commitment_feerate":"quick")"), "commitment_feerate: ");
}

TEST_CASE("an amount that looks like all says how that is written") {
  World world(with({peer("a"), peer("b")}));
  for (const auto* amount : {R"("All")", R"("ALL")", R"("max")", R"("MAX")"}) {
    const auto params = std::string(R"({"destinations":[{"id":"$a@","amount":)") + amount + "}]}";
    check_refused(world, params, R"(("all", "40%" and "*2" are shares of what is left))");
  }
}
