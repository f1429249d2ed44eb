#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <string>

#include "spark/runtime.hpp"

namespace context {

/// How the wallet is asked whether it can pay, while it reserves the inputs: txprepare_dry_run.hpp tells the
/// difference.
enum class DryRun { fundpsbt, txprepare };

/// Deadlines and limits. One per process, owned by the App; options change it. Batches that run keep the copy that they
/// started with; max_connects and the directory of traces are not theirs.
struct Settings {
  /// For each peer in each phase: connect, fundchannel_start, fundchannel_complete.
  spark::Duration peer_timeout = std::chrono::seconds(60);
  /// How long an undo waits for the answer of a healthy peer before it disconnects it.
  spark::Duration undo_patience = std::chrono::seconds(5);
  /// For calls that only concern lightningd itself, while undoing.
  spark::Duration cleanup_timeout = std::chrono::seconds(10);
  /// As long as a fundchannel_cancel is not answered, its peer is not asked to start. One that lightningd has not
  /// come to for this long it will not carry out any more.
  spark::Duration cancel_patience = std::chrono::seconds(60);
  /// For each call that concerns lightningd itself, while opening.
  spark::Duration local_timeout = std::chrono::seconds(60);
  /// How long the answer to the user waits for what can be undone at once.
  spark::Duration reply_grace = std::chrono::seconds(3);
  /// sendpsbt without an answer for this long counts as "maybe sent".
  spark::Duration send_timeout = std::chrono::seconds(60);
  /// How long the answer to the user waits for setchannel, when policies were asked for.
  spark::Duration policy_timeout = std::chrono::seconds(3);
  /// Peers forget idle openings (LND after ten minutes): older ones are started again.
  spark::Duration opening_age = std::chrono::minutes(5);
  /// A started peer that was last heard of so long ago is pinged before any peer is told the transaction.
  spark::Duration quiet_peer = std::chrono::seconds(3);
  /// For each ping. Behind Tor an answer may take seconds.
  spark::Duration ping_timeout = std::chrono::seconds(10);
  /// Connects in flight; connectd works on ten at a time and makes the others wait a second each.
  std::size_t max_connects = 10;
  /// After this long an unanswered connect gives its place to another and waits on outside.
  spark::Duration connect_patience = std::chrono::seconds(3);
  /// Before a record from before the start is settled: what a killed process had written, lightningd
  /// still carries out.
  spark::Duration settle_delay = std::chrono::seconds(2);
  /// So long after a batch was left, lightningd may carry out calls that were lost with a connection or a
  /// process; its record is kept until nothing was found later than that.
  spark::Duration settle_quiet = std::chrono::seconds(6);
  /// A call that reserves or frees inputs and is not answered for this long will not be carried out any more.
  spark::Duration lost_after = std::chrono::minutes(10);
  /// When the journal is read once more after the start.
  std::array<spark::Duration, 2> read_again{std::chrono::seconds(10), std::chrono::seconds(60)};
  /// The first pause after an attempt to settle a batch, and the longest.
  spark::Duration settle_pause = std::chrono::seconds(1);
  spark::Duration longest_settle_pause = std::chrono::minutes(5);
  /// How long a command waits for batches from before the start to be looked at once.
  spark::Duration recovery_patience = std::chrono::seconds(15);
  DryRun dry_run = DryRun::fundpsbt;
  /// Blocks of the first reservation, and what is added before anything is completed. Inputs are known to be ours by
  /// the height that they are reserved to: see tell_apart().
  std::uint32_t first_reservation = 12;
  std::uint32_t longer_reservation = 132;
  /// Of a bump's change, until sendpsbt adds its own. Fewer than the 12 and more of everything else here and in
  /// lightningd: no other reservation that begins now, or later, ends at the same block.
  static constexpr std::uint32_t bump_reservation = 11;
  /// A batch that is not settled has its inputs reserved for so many blocks more, at least.
  std::uint32_t reservation_margin = 36;
  /// An inputs' reservation that ends within so many blocks is extended while peers are waited for.
  std::uint32_t early_extension = 6;
  /// For so many blocks in all the inputs of a sent transaction are reserved: two weeks, as the builtin reserves them.
  /// People and tools free coins by that number.
  std::uint32_t sent_reservation = 2016;

  /// For the batch with this number: those that follow each other share no height, nor do they share one with
  /// lightningd's own commands, which reserve for 72 blocks or a multiple.
  void tell_apart(std::uint64_t batch) {
    if (dry_run == DryRun::txprepare) first_reservation += static_cast<std::uint32_t>(batch % 12);
    longer_reservation = 145 + static_cast<std::uint32_t>(batch % 71) - first_reservation;
  }
  /// What sendpsbt adds to the blocks of before.
  [[nodiscard]] std::uint32_t blocks_when_sent(std::uint32_t before) const {
    return before + reservation_margin < sent_reservation ? sent_reservation - before : sent_reservation;
  }
  /// What is added to a reservation that would end too soon. lightningd's own commands reserve for 72 blocks or a
  /// multiple: ours are told from theirs by the sum.
  [[nodiscard]] std::uint32_t blocks_more(std::uint32_t before) const {
    return longer_reservation + ((before + longer_reservation) % 72 == 0 ? 1 : 0);
  }

  /// The same for undoing, where what concerns lightningd alone has to be quick.
  [[nodiscard]] Settings while_undoing() const {
    Settings settings = *this;
    settings.local_timeout = cleanup_timeout;
    return settings;
  }
  /// Whether the caller is told how far the batch is.
  bool progress = false;
  /// Where each batch leaves a trace of its calls; empty: nowhere.
  std::string trace_dir;
};

}  // namespace context
