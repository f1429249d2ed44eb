#include "sim/tellings.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "sim/model.hpp"
#include "util/str.hpp"

namespace {

using namespace model;
using sim::PeerKind;

/// Two peers have started, and there is a transaction for both.
struct Started {
  Started(PeerKind a, PeerKind b) : model(with_peers({of_kind("a", a), of_kind("b", b)})), psbt(start_both()) {}

  static sim::PeerSetup of_kind(std::string name, PeerKind kind) {
    auto setup = peer(std::move(name));
    setup.kind = kind;
    return setup;
  }

  std::string start_both() {
    auto both = psbt::Psbt::from_base64(start_one(model, "a"));
    const auto started =
        model.call("fundchannel_start", util::str(R"({"id":")", model.id("b"), R"(","amount":50000})"));
    both->insert_output(1, {bitcoin::Sat{50'000}, util::from_hex(field(started, "scriptpubkey")).value()});
    return both->base64(0);
  }

  void complete(const std::string& name) {
    REQUIRE(model.call("fundchannel_complete", complete_params(model, name, psbt)).starts_with("{"));
  }

  bool breaks(sim::Invariant invariant) {
    const auto violations = model.violations();
    const auto meant = sim::describe(invariant, "");
    return std::any_of(violations.begin(), violations.end(),
                       [&meant](const std::string& text) { return text.starts_with(meant); });
  }

  Model model;
  std::string psbt;
};

}  // namespace

TEST_CASE("an LND peer that is told before one of another kind has secured the transaction is noticed") {
  struct Case {
    PeerKind a, b;
    bool wrong;
  };
  for (const auto& [a, b, wrong] :
       {Case{PeerKind::lnd, PeerKind::cln, true}, Case{PeerKind::lnd, PeerKind::ldk, true},
        Case{PeerKind::cln, PeerKind::lnd, false}, Case{PeerKind::lnd, PeerKind::lnd, false},
        Case{PeerKind::cln, PeerKind::eclair, false}}) {
    Started batch(a, b);
    batch.complete("a");
    batch.complete("b");
    CHECK(batch.breaks(sim::Invariant::told_last) == wrong);
    CHECK(!batch.breaks(sim::Invariant::told_while_all_are_there));
  }
}

TEST_CASE("who is told although another peer has not answered a ping is noticed") {
  for (const auto& [first, second] :
       {std::pair(PeerKind::cln, PeerKind::lnd), std::pair(PeerKind::lnd, PeerKind::lnd)}) {
    Started batch(first, second);
    batch.model.core().peers.by_name("b")->frozen = true;
    batch.complete("a");
    batch.model.start("ping", batch.model.of("b"), std::make_shared<std::string>());
    batch.model.time.run_for(std::chrono::seconds(2));
    CHECK(!batch.breaks(sim::Invariant::told_while_all_are_there));
    batch.model.start("fundchannel_complete", complete_params(batch.model, "b", batch.psbt),
                      std::make_shared<std::string>());
    // Where nobody was told before, waiting for the pong would have taken time.
    CHECK(batch.breaks(sim::Invariant::told_while_all_are_there) == (first == PeerKind::cln));
  }
  Started batch(PeerKind::cln, PeerKind::cln);
  batch.model.core().peers.by_name("b")->frozen = true;
  batch.model.start("ping", batch.model.of("b"), std::make_shared<std::string>());
  batch.model.time.run_for(std::chrono::seconds(12));
  batch.complete("a");
  CHECK(batch.breaks(sim::Invariant::told_while_all_are_there));
}

TEST_CASE("who is told although lightningd has refused a ping to another peer is noticed") {
  Started batch(PeerKind::cln, PeerKind::cln);
  batch.model.lightningd.node().die(*batch.model.core().peers.by_name("b"), false);
  CHECK(batch.model.call("ping", batch.model.of("b")).starts_with("error"));
  batch.complete("a");
  CHECK(batch.breaks(sim::Invariant::told_while_all_are_there));
}

TEST_CASE("a ping that was answered, and one from before the peer has started, are nothing") {
  Started answered(PeerKind::cln, PeerKind::lnd);
  CHECK(answered.model.call("ping", answered.model.of("b")).starts_with("{"));
  CHECK(answered.model.call("ping", answered.model.of("a")).starts_with("{"));
  answered.complete("a");
  answered.complete("b");
  CHECK(answered.model.violations().empty());

  auto setup = with_peers({peer("a", {{sim::Phase::started, sim::Kind::silent, true}})});
  setup.coins.resize(2);
  Model again(std::move(setup));
  (void)start_one(again, "a");
  CHECK(again.call("ping", again.of("a")) == "never");
  CHECK(again.call("disconnect", util::str("[\"", again.id("a"), "\",true]")) == "{}");
  CHECK(again.call("connect", again.of("a")).starts_with("{"));
  const auto psbt = start_one(again, "a");
  CHECK(again.call("fundchannel_complete", complete_params(again, "a", psbt)).starts_with("{"));
  CHECK(again.violations().empty());
}
