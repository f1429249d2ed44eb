#pragma once

#include <string>
#include <utility>
#include <vector>

#include "lightningd/client.hpp"
#include "util/function.hpp"
#include "util/result.hpp"
#include "waiting/left_batch.hpp"

namespace waiting {

/// Who has asked to finish a batch, or to give it up, and is not answered yet; and who came in the middle of a look.
/// Owned by the Waiting.
class Callers {
 public:
  using Finished = lightningd::Reply<std::string>;

  explicit Callers(LeftBatch& batch) : batch_(batch) {}
  Callers(const Callers&) = delete;
  Callers& operator=(const Callers&) = delete;

  [[nodiscard]] bool finish() const { return !finishing_.empty(); }
  [[nodiscard]] bool give_up() const { return static_cast<bool>(giving_up_); }

  /// Whoever asks for the same while it is under way is answered with the others.
  void add_finishing(Finished then) { finishing_.push_back(std::move(then)); }
  void set_giving_up(lightningd::Reply<void> then) { giving_up_ = std::move(then); }
  [[nodiscard]] lightningd::Reply<void> take_giving_up() { return std::exchange(giving_up_, nullptr); }

  /// What became of it: to all of them. `over`: an error is the end of the batch, and not only of this attempt.
  void answer(const util::Result<void>& outcome, bool over = false);

  /// `call` is made when the present look is over.
  void put_off(util::Function<void()> call) { put_off_.push_back(std::move(call)); }
  void call_put_off() {
    for (auto& call : std::exchange(put_off_, {})) call();
  }

 private:
  [[nodiscard]] util::Error told(const util::Error& error) const;

  LeftBatch& batch_;
  std::vector<Finished> finishing_;
  lightningd::Reply<void> giving_up_;
  std::vector<util::Function<void()>> put_off_;
};

}  // namespace waiting
