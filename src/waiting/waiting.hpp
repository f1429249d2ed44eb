#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "bitcoin/transaction.hpp"
#include "chain/transaction_look.hpp"
#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "report/batch_report.hpp"
#include "sending/found_channels.hpp"
#include "waiting/batch_look.hpp"
#include "waiting/callers.hpp"
#include "waiting/left_batch.hpp"

namespace waiting {

/// A batch whose channels are secured, while its transaction waits for the user: to be signed by him, or only to be
/// sent. Looks again and again whether the channels are there, and whether the user has broadcast the transaction by
/// himself. Then it is handed to sendpsbt all the same: only that releases the channels, and a channel that is withheld
/// is forgotten, with its money, when it is closed. Owned by the Settlement, in whose scope it runs.
class Waiting {
 public:
  /// Each call comes at the end of what was asked for, and may end this.
  class Owner {
   public:
    /// The transaction is out, and its channels are released.
    virtual void sent() = 0;
    /// The next look is due later.
    virtual void retry(const std::string& why, report::BatchState state) = 0;
    /// The phase has changed, and is on disk.
    virtual void attempt() = 0;

   protected:
    ~Owner() = default;
  };

  Waiting(LeftBatch& batch, Owner& owner) : batch_(batch), owner_(owner), look_(batch), callers_(batch) {}
  Waiting(const Waiting&) = delete;
  Waiting& operator=(const Waiting&) = delete;

  /// Whether it is this one's to bring the batch to its end: as long as it waits, and when it is sent, if the user
  /// signs.
  [[nodiscard]] bool applies() const;
  [[nodiscard]] bool is_busy() const { return busy_; }
  void look();

  /// Sends it: what the user has signed, or what the wallet is to sign. `then` gets the result of
  /// multifundchannel-finish. Errors: -32602 for what is not the batch's transaction, signed; -1 when a channel is
  /// gone; those of sendpsbt.
  /// Whoever asks again while it is under way gets the same answer.
  void finish(std::optional<psbt::Psbt> signed_psbt, Callers::Finished then);
  /// Of a batch that is being sent already, for which this does not apply any more: answer() tells `then`, too.
  void join(Callers::Finished then) { callers_.add_finishing(std::move(then)); }
  /// Gives it up: nothing was sent, and nothing is from then on. Error -1 when it is in the mempool or the chain.
  void give_up(lightningd::Reply<void> then);

  /// For the callers of finish() and give_up(): what became of it.
  void answer(const util::Result<void>& outcome, bool over = false) { callers_.answer(outcome, over); }
  /// The batch is ending: who was put off is answered as well.
  void stop(const util::Error& why) {
    callers_.answer(why);
    callers_.call_put_off();
  }

 private:
  using Channels = std::vector<lightningd::PeerChannel>;
  using Recorded = std::optional<bitcoin::SignedTransaction>;
  using Next = util::Function<void(const Picture& picture)>;

  [[nodiscard]] bool begin() { return !std::exchange(busy_, true); }
  /// Ends it: the caller of finish() first.
  void wait(const std::string& why, report::BatchState state = report::BatchState::waiting) {
    wait(util::Error{-1, why, {}}, why, state);
  }
  /// The caller is told something else.
  void wait(const util::Error& told, const std::string& why, report::BatchState state = report::BatchState::waiting);
  /// What is seen of it; unless that ends it.
  void ask(Next then);
  void unless_known(util::Function<void()> then);
  void judge(const Channels& channels, chain::Seen seen);
  void judge_users(const sending::FoundChannels& found, const std::string& gone, chain::Seen seen);
  void keep_coins();
  void find_broadcast();
  void tell_deadline();
  void finish_seen(const Picture& picture, std::optional<psbt::Psbt> signed_psbt);
  void check_signed(psbt::Psbt signed_psbt, const chain::Sight& sight);
  void check_floor(psbt::Psbt signed_psbt);
  void look_again(const psbt::Psbt& signed_psbt);
  void announce(util::Function<void()> then);
  void send(const psbt::Psbt& signed_psbt);
  void sent();
  void not_sent(const util::Error& error);
  void wait_again(const std::string& why);
  void given_up(const util::Result<void>& saved);

  LeftBatch& batch_;
  Owner& owner_;
  BatchLook look_;
  Callers callers_;
  std::uint32_t height_ = 0;  ///< of the chain, at the last look; 0: lightningd did not tell
  bool busy_ = false;
  bool warned_ = false;  ///< that it waits for long
};

}  // namespace waiting
