#include "journal/seal_source.hpp"

#include <utility>

#include "context/calls.hpp"
#include "util/str.hpp"

namespace journal {

using util::Error;
using util::MacKey;
using util::Result;

namespace {

/// Another one means other keys, and records that nobody knows any more.
constexpr std::string_view purpose = "multifundchannel records";

}  // namespace

SealSource::SealSource(spark::Runtime& runtime, lightningd::Client client, const context::Settings& settings)
    : client_(std::move(client)), settings_(settings), scope_(runtime, nullptr) {}

void SealSource::get(lightningd::Reply<Seal> then) {
  if (seal_) return then(seal_);
  waiting_.push_back(std::move(then));
  if (waiting_.size() > 1) return;
  client_.makesecret(purpose, context::Calls{scope_, client_, settings_}.local<MacKey>(
                                  "makesecret", [this](Result<MacKey> key) { answered(std::move(key)); }));
}

void SealSource::answered(Result<MacKey> key) {
  if (key) seal_ = std::make_shared<const RecordSeal>(std::move(*key));
  const auto result = key ? Result<Seal>(seal_)
                          : Result<Seal>(Error{-1,
                                               util::str("without a key of lightningd's no record can be told from "
                                                         "what others write: makesecret: ",
                                                         key.error().message),
                                               {}});
  for (auto& then : std::exchange(waiting_, {})) then(result);
}

}  // namespace journal
