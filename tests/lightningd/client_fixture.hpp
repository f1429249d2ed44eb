#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "../jsonrpc/memory_connector.hpp"
#include "../util/flat.hpp"
#include "lightningd/client.hpp"

namespace test {

using namespace bitcoin;
using namespace lightningd;

inline const std::string node_hex = "02" + std::string(64, 'a');
inline const std::string txid_hex(64, '1');
inline const std::string channel_hex(64, '2');
inline const auto node = *NodeId::from_hex(node_hex);
inline const Outpoint outpoint{*Txid::from_hex(txid_hex), 3};

/// A client whose far end is the test.
struct Fixture {
  test::MemoryConnector connector;
  jsonrpc::Caller caller{connector, "path"};
  Client client{caller, ""};
  std::shared_ptr<test::Wire> wire;

  Fixture() {
    caller.start();
    wire = connector.accept();
  }

  /// "<method> <params>" of the only request.
  [[nodiscard]] std::string request() const {
    REQUIRE(wire->sent.size() == 1);
    const auto message = jsonrpc::Message::parse(flat(wire->sent[0]));
    REQUIRE(message.ok());
    return message->method() + " " + message->params().dump();
  }
};

/// What one call of the client sends, and what it makes of a reply.
template <class T>
struct Call {
  /// `start` makes the call.
  template <class Start>
  explicit Call(Start start) {
    start(fixture.client, Reply<T>([this](util::Result<T> reply) { answer.emplace(std::move(reply)); }));
    request = fixture.request();
  }

  util::Result<T>& replied(const std::string& member) {
    fixture.wire->say(R"({"jsonrpc":"2.0","id":"multifundchannel:x#1",)" + member + "}\n\n");
    REQUIRE(answer);
    return *answer;
  }
  util::Result<T>& result(const std::string& json) { return replied("\"result\":" + json); }
  auto& value(const std::string& json) {
    auto& reply = result(json);
    if (!reply.ok()) FAIL(reply.error().message);
    return *reply;
  }

  Fixture fixture;
  std::string request;
  std::optional<util::Result<T>> answer;
};

/// Copies of `object` that each lack one of `names` or have it in the wrong form must be refused, with
/// a text that names the method and the member.
template <class MakeCall>
void check_required(MakeCall make_call, const std::string& method, const std::string& object, const std::string& prefix,
                    const std::vector<std::string>& names) {
  for (const auto& name : names) {
    for (const std::string& replacement : {"\"x_" + name + "\":", "\"" + name + "\":{},\"x\":"}) {
      auto bad = object;
      const auto member = "\"" + name + "\":";
      REQUIRE(bad.find(member) != std::string::npos);
      bad.replace(bad.find(member), member.size(), replacement);
      auto call = make_call();
      auto& reply = call.result(bad);
      REQUIRE_MESSAGE(!reply.ok(), bad);
      CHECK(reply.error().code == lightningd::unreadable_reply);
      CHECK_MESSAGE(reply.error().message.starts_with("unexpected reply to " + method + ": " + prefix + name + ": "),
                    reply.error().message);
    }
  }
}

}  // namespace test
