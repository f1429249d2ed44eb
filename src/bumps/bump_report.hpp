#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "bitcoin/amounts.hpp"
#include "bitcoin/ids.hpp"
#include "json/writer.hpp"

namespace bumps {

enum class BumpState {
  sending,  ///< it was about to be signed and sent, and nothing has confirmed that yet
  sent,     ///< lightningd has said so
};

[[nodiscard]] const char* name_of(BumpState state);
/// Reverses name_of(); nothing for another text.
[[nodiscard]] std::optional<BumpState> bump_state_named(std::string_view name);

/// A transaction that pays for another one with its change, as listmultifundchannels shows it.
struct BumpReport {
  std::string batch;       ///< id of the batch; empty when it was named by its transaction alone
  bitcoin::Txid parent;    ///< the transaction that is paid for
  bitcoin::Txid txid;      ///< its child
  bitcoin::Sat fee;        ///< of the child
  bitcoin::Perkw feerate;  ///< of both with all unconfirmed ancestors
  BumpState state = BumpState::sending;
};

/// An object.
void write_bump(json::Writer& out, const BumpReport& bump);

}  // namespace bumps
