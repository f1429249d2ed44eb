#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "sim/world.hpp"

/// What the tests of whole commands share. With DRY_RUN in the environment all of them run with that dry run.
namespace worlds {

inline bool with_txprepare() {
  const char* dry_run = std::getenv("DRY_RUN");
  return dry_run != nullptr && std::string_view(dry_run) == "txprepare";
}

inline sim::PeerSetup peer(std::string name, std::vector<sim::Fault> faults = {}) {
  sim::PeerSetup setup;
  setup.name = std::move(name);
  setup.faults = std::move(faults);
  return setup;
}

/// One that runs LND.
inline sim::PeerSetup lnd(std::string name, std::vector<sim::Fault> faults = {}) {
  auto setup = peer(std::move(name), std::move(faults));
  setup.kind = sim::PeerKind::lnd;
  return setup;
}

inline sim::Setup with(std::vector<sim::PeerSetup> peers) {
  sim::Setup setup;
  setup.peers = std::move(peers);
  if (with_txprepare()) setup.options["multifundchannel-dry-run"] = R"("txprepare")";
  return setup;
}

/// {"destinations":[{"id":"$a@","amount":1000000},...] and then `more`.
inline std::string open(const std::vector<std::string>& names, const std::string& more = "") {
  std::string text = R"({"destinations":[)";
  for (const auto& name : names) {
    if (name != names.front()) text += ',';
    text += R"({"id":"$)" + name + R"(@","amount":1000000})";
  }
  return text + "]" + (more.empty() ? "" : "," + more) + "}";
}

/// The JSON text of one field of the outcome's result, or "" when it has none.
inline std::string field(const sim::Outcome& outcome, const std::string& name) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto document = json::Document::parse(*outcome.result, "result");
  REQUIRE(document.ok());
  const auto value = document->root().find(name);
  return value ? value->dump() : "";
}

/// How many entries the array `name` of the result has.
inline std::size_t count(const sim::Outcome& outcome, const std::string& name) {
  REQUIRE_MESSAGE(outcome.ok(), outcome.result.error().message);
  const auto document = json::Document::parse(*outcome.result, "result");
  REQUIRE(document.ok());
  const auto value = document->root().find(name);
  return value ? value->size() : 0;
}

inline const util::Error& error(const sim::Outcome& outcome) {
  REQUIRE(outcome.answered);
  REQUIRE(!outcome.result.ok());
  return outcome.result.error();
}

/// How often the plugin has called a method of lightningd.
inline std::uint64_t calls(sim::World& world, const std::string& method) {
  const auto& all = world.node().core().methods.calls();
  const auto found = all.find(method);
  return found == all.end() ? 0 : found->second;
}

/// The JSON text of listmultifundchannels.
inline std::string listed(sim::World& world) { return *world.call("listmultifundchannels", "{}").result; }

/// The text of one field of the first batch in listmultifundchannels, or "".
inline std::string field_of_batch(sim::World& world, const std::string& name) {
  const auto all = listed(world);
  const auto before = "\"" + name + "\":\"";
  const auto at = all.find(before);
  if (at == std::string::npos) return "";
  const auto from = at + before.size();
  return all.substr(from, all.find('"', from) - from);
}

/// Of the first batch.
inline std::string state(sim::World& world) { return field_of_batch(world, "state"); }

/// The parameters of a command about the first batch there, and `more`.
inline std::string of_batch(sim::World& world, const std::string& more = "") {
  return R"({"batch":")" + field_of_batch(world, "batch") + '"' + (more.empty() ? "" : "," + more) + "}";
}

/// Of the one that `prepared` has answered for.
inline std::string of_batch(const sim::Outcome& prepared, const std::string& more = "") {
  return R"({"batch":)" + field(prepared, "batch") + (more.empty() ? "" : "," + more) + "}";
}

/// With coins for several batches.
inline sim::Setup two_peers(sim::Broadcast first = sim::Broadcast::works) {
  auto setup = with({peer("a"), peer("b")});
  setup.coins = std::vector<sim::CoinSetup>(4);
  setup.broadcasts = {first};
  return setup;
}

/// What a JSON text without escapes says.
inline std::string unquoted(const std::string& json) { return json.substr(1, json.size() - 2); }

/// A text of a command's result.
inline std::string text(const sim::Outcome& outcome, const std::string& name) { return unquoted(field(outcome, name)); }

/// The parameters of multifundchannel-finish for the batch that `prepared` has answered for, signed by its user.
inline std::string signed_by_user(sim::World& world, const sim::Outcome& prepared) {
  return of_batch(prepared, R"("psbt":")" + world.node().core().users.sign(text(prepared, "psbt")) + '"');
}

/// How many channels lightningd shows.
inline std::size_t channels(sim::World& world) { return count(world.call("listpeerchannels", "{}"), "channels"); }

/// How many of the wallet's coins are reserved.
inline std::size_t reserved(sim::World& world) {
  const auto& wallet = world.node().core().wallet;
  const auto& coins = wallet.coins();
  return static_cast<std::size_t>(
      std::count_if(coins.begin(), coins.end(), [&wallet](const auto& coin) { return wallet.is_reserved(coin); }));
}

inline bool says(const std::string& text, const std::string& what) { return text.find(what) != std::string::npos; }

/// Fails the test with every violation of an invariant that there is. With LOG in the environment the
/// plugin's log is shown as well.
inline void check_invariants(sim::World& world) {
  const auto violations = world.check_invariants();
  for (const auto& violation : violations) FAIL_CHECK(violation);
  if (violations.empty() || !std::getenv("LOG")) return;
  for (const auto& line : world.node().core().monitor.log()) MESSAGE(line);
}

}  // namespace worlds
