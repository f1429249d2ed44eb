// What a batch answers as `tx` when sendpsbt does not say it.
#include <map>

#include "../util/flat.hpp"
#include "broadcast_sample.hpp"
#include "json/value.hpp"
#include "jsonrpc/message.hpp"
#include "lightningd/codes.hpp"
#include "worlds.hpp"

namespace {

/// Signed, but without the outputs that it spends: which witness finishes it cannot be told.
std::string exotic_psbt() {
  auto bytes = record_sample::transaction().serialise(0);
  constexpr std::size_t maps = 2 + 3;  // of inputs and outputs, each with its end only
  bytes.resize(bytes.size() - maps);
  for (int input = 0; input < 2; ++input) {
    bytes.insert(bytes.end(), {1, 0x13, 64});
    bytes.insert(bytes.end(), 64, 7);
    bytes.push_back(0);
  }
  bytes.insert(bytes.end(), 3, 0);
  const auto psbt = psbt::Psbt::parse(bytes);
  REQUIRE_MESSAGE(psbt.ok(), psbt.error().message);
  return psbt->base64(0);
}

/// What comes of a batch with such a transaction when sendpsbt errs and listtransactions answers so.
SampleBroadcast::End when_sendpsbt_errs(const std::string& transactions) {
  SampleBroadcast sample;
  auto& wire = sample.wire;
  const std::map<std::string, std::string> results{{"feerates", R"({"perkw":{"floor":253,"min_acceptable":253}})"},
                                                   {"listpeerchannels", sample.channels()},
                                                   {"signpsbt", R"({"signed_psbt":")" + exotic_psbt() + "\"}"},
                                                   {"listtransactions", transactions}};
  for (std::size_t i = 0; i < wire->sent.size(); ++i) {
    const auto asked = jsonrpc::Message::parse(flat(wire->sent.at(i)));
    REQUIRE(asked.ok());
    const auto found = results.find(asked->method());
    wire->say(found != results.end() ? jsonrpc::reply_text(asked->raw_id(), found->second)
                                     : jsonrpc::error_text(asked->raw_id(), {-1, asked->method() + " failed", {}}));
  }
  return sample.end;
}

}  // namespace

TEST_CASE("sendpsbt erred, the wallet knows the transaction, and nobody can tell it in full: there is no empty `tx`") {
  const auto txid = record_sample::transaction().txid().hex();
  const auto ended = when_sendpsbt_errs(R"({"transactions":[{"hash":")" + txid + R"("}]})");
  CHECK_FALSE(ended.tx);
  REQUIRE(ended.error);
  CHECK(ended.error->code == lightningd::code::broadcast_fail);
  CHECK(worlds::says(ended.error->message, "it may be on its way"));
  CHECK(worlds::says(ended.error->data, R"("txid":")" + txid));
  CHECK_FALSE(worlds::says(ended.error->data, R"("tx":)"));
}
