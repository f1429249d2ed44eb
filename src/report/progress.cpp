#include "report/progress.hpp"

#include <algorithm>

namespace report {

namespace {

constexpr std::size_t reports_in_a_phase = 100;
constexpr std::size_t stages = 4;

}  // namespace

void Progress::at(Phase phase, std::size_t done) {
  if (phase < Phase::connect || phase > Phase::send) return;
  if (phase != phase_) {
    // A bar that is left behind is full, unless the batch went back.
    if (phase > phase_ && reported_ < peers_) report(peers_);
    phase_ = phase;
    return report(done);
  }
  const std::size_t enough = std::max<std::size_t>(1, peers_ / reports_in_a_phase);
  if (done >= reported_ + enough || (done == peers_ && reported_ < peers_)) report(done);
}

// lightning-cli counts from zero and draws a full bar for the last number; with none done it shows one.
void Progress::report(std::size_t done) {
  if (!show_ || phase_ == Phase::prepare) return;
  reported_ = done;
  const std::size_t total = std::max<std::size_t>(peers_, 2);
  const std::size_t num = done == peers_ ? total - 1 : std::max<std::size_t>(done, 1) - 1;
  show_(num, total, static_cast<std::size_t>(phase_) - static_cast<std::size_t>(Phase::connect), stages);
}

}  // namespace report
