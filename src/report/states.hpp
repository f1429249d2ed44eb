#pragma once

namespace report {

/// What a batch is to whoever asks for it.
enum class BatchState {
  running,
  waiting,  ///< its channels are secured, and its transaction waits for the user
  opened,
  failed,     ///< its caller was told so, and nothing is left of it
  settling,   ///< its command has left it; it is brought to an end
  refused,    ///< bitcoind does not take its transaction now
  aborting,   ///< its transaction is being made impossible
  unsettled,  ///< nobody but the operator can decide
  undone,
  forgotten,
};
[[nodiscard]] const char* name_of(BatchState state);

/// How far one destination is.
enum class DestinationState { waiting, starting, started, completing, secured, opened, failed, undone };
[[nodiscard]] const char* name_of(DestinationState state);

/// The call to lightningd that a peer is in, or has failed in. `check`: it was not asked at all.
enum class PeerMethod { connect, fundchannel_start, fundchannel_complete, check };
[[nodiscard]] const char* name_of(PeerMethod method);

}  // namespace report
