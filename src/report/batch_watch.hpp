#pragma once

#include <array>
#include <memory>
#include <string>
#include <vector>

#include "report/batch_report.hpp"
#include "report/phase.hpp"
#include "report/progress.hpp"
#include "report/timeline.hpp"
#include "request/request.hpp"
#include "spark/runtime.hpp"
#include "util/function.hpp"

namespace report {

/// Knows where each peer of a batch is, and so where the batch is; keeps its timeline and tells the user.
/// Made before the batch, which tells it what happens; owned by the CommandRun.
class BatchWatch {
 public:
  /// A line for the user.
  using Say = util::Function<void(const std::string& line)>;

  BatchWatch(spark::Runtime& runtime, const std::vector<request::Destination>& destinations);

  /// Whom to tell from now on.
  void tell(Progress::Show show, Say say);

  /// The peer is about to connect, start or complete, or is through with that (send). It may go back.
  void peer_at(std::size_t destination, Phase phase);
  void peer_failed(std::size_t destination, const PeerFailure& failure);
  /// All that are left are secured, and the transaction is being signed and sent.
  void sending();
  /// The batch is over; what is left may be undone now.
  void ended(bool well);

  [[nodiscard]] const std::shared_ptr<Timeline>& timeline() const { return timeline_; }

 private:
  void update();

  std::shared_ptr<Timeline> timeline_;
  Progress progress_;
  Say say_;
  std::vector<Phase> peers_;
  std::array<std::size_t, phase_count> live_at_{};  ///< how many peers that are left are in each phase
};

}  // namespace report
