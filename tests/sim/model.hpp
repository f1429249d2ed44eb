#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "json/value.hpp"
#include "psbt/psbt.hpp"
#include "sim/lightningd.hpp"
#include "sim/virtual_time.hpp"
#include "util/str.hpp"

/// What the tests of the simulated lightningd share.
namespace model {

/// A simulated lightningd without a plugin, driven by hand.
struct Model {
  explicit Model(sim::Setup setup) : lightningd(time, std::move(setup)) {}

  /// "never" when no reply comes within ten minutes; else the result, or "error <code>: <message>".
  std::string call(const std::string& method, const std::string& params) {
    auto answer = std::make_shared<std::string>("never");
    start(method, params, answer);
    for (int i = 0; i < 600 && *answer == "never"; ++i) time.run_for(std::chrono::seconds(1));
    return *answer;
  }

  void start(const std::string& method, const std::string& params, const std::shared_ptr<std::string>& answer) {
    lightningd.handle({"1", method, params, {}, time.now()}, sim::Reply([answer](util::Result<std::string> result) {
                        *answer =
                            result ? *result : util::str("error ", result.error().code, ": ", result.error().message);
                      }));
  }

  std::string id(std::string_view name) { return core().peers.by_name(name)->id.hex(); }
  std::string of(std::string_view name) { return util::str("{\"id\":\"", id(name), "\"}"); }
  sim::Core& core() { return lightningd.node().core(); }
  std::vector<std::string> violations() { return core().monitor.violations(); }

  sim::VirtualTime time;
  sim::Lightningd lightningd;
};

inline std::string field(const std::string& text, std::string_view name) {
  const auto document = json::Document::parse(text, "reply");
  REQUIRE_MESSAGE(document.ok(), text);
  const auto value = document->root().find(name);
  REQUIRE_MESSAGE(value.has_value(), text);
  return sim::token_text(*value);
}

inline sim::PeerSetup peer(std::string name, std::vector<sim::Fault> faults = {}) {
  sim::PeerSetup setup;
  setup.name = std::move(name);
  setup.connected = true;
  setup.faults = std::move(faults);
  return setup;
}

inline sim::Setup with_peers(std::vector<sim::PeerSetup> peers) {
  sim::Setup setup;
  setup.peers = std::move(peers);
  return setup;
}

constexpr const char* fund_params =
    R"({"satoshi":1000000,"feerate":"7500perkw","startweight":217,"reserve":12,"excess_as_change":true})";

/// Funds one channel of 1,000,000 sat and starts it: the PSBT with the funding output in it.
inline std::string start_one(Model& model, const std::string& name) {
  const auto funded = model.call("fundpsbt", fund_params);
  const auto started =
      model.call("fundchannel_start", util::str("{\"id\":\"", model.id(name), "\",\"amount\":1000000,\"mindepth\":1}"));
  auto psbt = psbt::Psbt::from_base64(field(funded, "psbt"));
  REQUIRE(psbt.ok());
  psbt->insert_output(0, {bitcoin::Sat{1'000'000}, util::from_hex(field(started, "scriptpubkey")).value()});
  return psbt->base64(0);
}

inline std::string complete_params(Model& model, const std::string& name, const std::string& psbt) {
  return util::str("{\"id\":\"", model.id(name), "\",\"psbt\":\"", psbt, "\",\"withhold\":true}");
}

}  // namespace model
