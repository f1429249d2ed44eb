#include "sim/chaos.hpp"

#include <doctest/doctest.h>

#include <cstdlib>
#include <initializer_list>
#include <map>
#include <set>
#include <string_view>

#include "sim/situations.hpp"

namespace {

/// A number from the environment: to run more seeds, or one that failed.
std::uint64_t setting(const char* name, std::uint64_t otherwise) {
  const char* text = std::getenv(name);
  return text == nullptr ? otherwise : std::strtoull(text, nullptr, 10);
}

std::string lines(const std::vector<std::string>& texts) {
  std::string all;
  for (const auto& text : texts) all += "\n  " + text;
  return all;
}

/// Worlds in which an invariant was broken once.
void check_clean(std::initializer_list<std::uint64_t> seeds) {
  for (const auto seed : seeds) {
    CAPTURE(seed);
    const auto result = sim::run_chaos(seed, false);
    CHECK_MESSAGE(result.broken.empty(), lines(result.broken));
  }
}

}  // namespace

// SIM_SEED=<n> lives the world of one seed and shows what happens in it, SIM_SEEDS=<n> that many.
TEST_CASE("whatever happens, the invariants hold") {
  const auto first = setting("SIM_SEED", 1);
  const auto seeds = setting("SIM_SEEDS", std::getenv("SIM_SEED") == nullptr ? 1'000 : 1);
  std::size_t opened = 0, failed = 0, aborts = 0, bumps = 0;
  for (auto seed = first; seed < first + seeds; ++seed) {
    CAPTURE(seed);
    const auto result = sim::run_chaos(seed, seeds == 1);
    opened += result.opened;
    failed += result.failed;
    aborts += result.aborts;
    bumps += result.bumps;
    CHECK_MESSAGE(result.broken.empty(), lines(result.broken));
    if (seeds == 1) MESSAGE(lines(result.log));
  }
  // Worlds where nothing works, or everything does, would prove little.
  if (seeds >= 100) CHECK(opened > seeds / 5);
  if (seeds >= 100) CHECK(failed > seeds / 5);
  if (seeds >= 1'000) CHECK(aborts > seeds / 400);
  if (seeds >= 1'000) CHECK(bumps > seeds / 400);
}

TEST_CASE("peers of every kind are met, mixed with others") {
  std::map<sim::PeerKind, std::size_t> peers;
  std::size_t mixtures = 0;
  for (std::uint64_t seed = 1; seed <= 400; ++seed) {
    std::set<sim::PeerKind> kinds;
    for (const auto& peer : sim::draw_chaos(seed).setup.peers) {
      ++peers[peer.kind];
      kinds.insert(peer.kind);
    }
    mixtures += kinds.size() > 1;
  }
  CHECK(mixtures > 40);
  for (const auto kind : {sim::PeerKind::lnd, sim::PeerKind::eclair, sim::PeerKind::ldk}) CHECK(peers[kind] > 40);
}

TEST_CASE("a stop in the moment in which a batch is settled breaks nothing") {
  check_clean({15021, 21481});  // each ended the process once
}

// The first batch's start was answered, though late, after its opening had gone and the second one's had come.
TEST_CASE("a late answer does not make a batch take its own opening for another's") { check_clean({300923}); }

// One batch failed between announcing its txprepare and sending it, when the other's had reserved the same coin.
TEST_CASE("a batch that has not asked txprepare yet does not free what another's has reserved") {
  check_clean({711020});
}

// Before it is signed again the coins are looked at, which may take long: the channels are looked at after that. And
// inputs that are reserved again do not make it forget what was announced for the others.
TEST_CASE("a batch from before a crash signs by a look of just now, and frees what it may have extended") {
  check_clean({311689, 791495});
}

// Two channels were to be closed, whose coins were free: each had them reserved, the second while the first one's
// reserveinputs was not answered yet. That came last of all, when the batch was over. In the other seed the next pass
// asked, which works on a copy of the record.
TEST_CASE("coins are not reserved again while lightningd has not answered the last time") {
  check_clean({750300, 958265});
}

// Another batch had reserved the coin between the choice and a txprepare that may have reserved it.
TEST_CASE("a coin that another batch reserved after it was chosen is not taken for ours") { check_clean({889743}); }

// Two of three coins had been reserved again, to the height to which another batch had reserved the third.
TEST_CASE("what was reserved again does not explain the reservation of the other coins") { check_clean({903275}); }

// A coin reserved for as long as a sendpsbt would have added, which was never asked, was another batch's; and a reply
// with `"channels":[,]` was read as none, so that a batch was undone that may have been sent.
TEST_CASE("nothing is claimed that sendpsbt did not add, and no sloppy reply is guessed at") {
  check_clean({200285, 213464, 409931, 481777});
}

TEST_CASE("a situation is counted once for each world that reached it") {
  sim::ChaosResult reached;
  reached.log = {"batch 00 peer 0: close 01", "batch 00 peer 1: close 02", "batch 00: signed"};
  reached.answers = {"{}", "301 Could not afford it"};
  reached.kills = 2;
  sim::SituationCount count;
  count.add(reached);
  count.add(reached);
  count.add({});
  std::map<std::string_view, std::uint64_t> worlds;
  for (std::size_t i = 0; i < count.worlds().size(); ++i) worlds[sim::situations()[i].name] = count.worlds()[i];
  CHECK(worlds.size() == sim::situations().size());  // each has a name of its own
  CHECK(worlds.at("undoing: a withheld channel is closed") == 2);
  CHECK(worlds.at("asking for too much: 301") == 2);
  CHECK(worlds.at("connection: lost") == 0);
  CHECK(count.kills() == 4);
}

// Two batches that were given the same coin were in doubt about txprepare at the same time, or one was before the other
// had its answer.
TEST_CASE("a batch in doubt does not take another batch's reservation for its own") { check_clean({444457, 481438}); }

// Each of two batches waited for the other to show whose the opening was, which the peer had never answered.
TEST_CASE("two batches that undo an opening with one silent peer do not wait for each other") { check_clean({820482}); }

// A look at a batch that waits was due while its record was being written: it went by the phase that was not on disk
// yet.
TEST_CASE("a batch that is being finished or given up is looked at by nobody else") {
  check_clean({7658, 166966, 314211});
}

// lightningd was slow to say whether the peer is connected, or did not say it at all.
TEST_CASE("a peer that does not answer is dropped though lightningd is slow") { check_clean({659172, 923328, 969604}); }

// The only channel vanished before sendpsbt, which said that it had failed: that no channel is released told nothing.
TEST_CASE("without a channel that tells, an error of sendpsbt is a doubt") { check_clean({1010821, 1353057}); }

// Another program had freed the coin of a batch in doubt, and the next batch had sent its own transaction with it.
TEST_CASE("an abort does not replace what another batch has sent") { check_clean({1038066}); }

// A call was stuck for ever when an abort had won.
TEST_CASE("what was opened and aborted is told of as failed, and as nothing else") { check_clean({1265775}); }

// Its reservation had lapsed when it was extended, and what looked like another program's could not be given back.
TEST_CASE("a coin that lapses just before its extension stays ours") { check_clean({1045421}); }
