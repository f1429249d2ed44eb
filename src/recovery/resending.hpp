#pragma once

#include <string>
#include <vector>

#include "lightningd/client.hpp"
#include "psbt/psbt.hpp"
#include "report/states.hpp"
#include "waiting/left_batch.hpp"

namespace recovery {

/// Signs and sends the transaction of a batch that was left when it was ready to be sent, once more and as often as it
/// takes. Owned by the Settlement; runs in its scope.
class Resending {
 public:
  /// Each call ends one attempt.
  class Owner {
   public:
    /// The transaction is out, and its channels are released.
    virtual void sent() = 0;
    /// The next attempt is due later.
    virtual void retry(const std::string& why, report::BatchState state) = 0;
    /// bitcoind does not want it, or would not: the next attempt is due much later.
    virtual void refused(const std::string& why) = 0;
    /// An input is not the batch's any more.
    virtual void not_complete(const std::string& what, bool never_sent) = 0;
    /// A channel of it has vanished: these are there.
    virtual void judge(const std::vector<lightningd::PeerChannel>& channels) = 0;

   protected:
    ~Owner() = default;
  };

  Resending(waiting::LeftBatch& batch, Owner& owner) : batch_(batch), owner_(owner) {}
  Resending(const Resending&) = delete;
  Resending& operator=(const Resending&) = delete;

  /// One attempt, when the channels of all peers are there. `never_sent`: that is proven, since all are withheld.
  void run(bool never_sent);

 private:
  using Channels = std::vector<lightningd::PeerChannel>;

  void record_sending(bool never_sent);
  void prove_change(util::Function<void()> then);
  void sign(bool never_sent);
  void check_floor(const psbt::Psbt& psbt, util::Function<void()> then);
  void check_channels(util::Function<void()> then);
  void send(const util::SharedText& signed_psbt);
  void not_sent(const util::Error& error);
  void retry(const std::string& why) { owner_.retry(why, report::BatchState::settling); }

  waiting::LeftBatch& batch_;
  Owner& owner_;
};

}  // namespace recovery
