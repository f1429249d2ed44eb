#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "lightningd/call_observer.hpp"
#include "report/batch_report.hpp"
#include "report/cause.hpp"
#include "report/phase.hpp"
#include "spark/runtime.hpp"

namespace report {

/// What one batch did and when: its phases, its calls, and the peers that it lost. Never parameters,
/// results or texts, so that it can be shown to anybody. Shared by the batch and its calls in flight.
/// Times count from when it was made.
class Timeline final : public lightningd::CallObserver {
 public:
  struct Slice {
    spark::Duration begin{0};
    std::optional<spark::Duration> end;  ///< nothing while it lasts
  };
  struct PhaseSlice {
    Phase phase;
    Slice slice;
  };
  struct Call {
    const char* method;
    std::optional<std::size_t> destination;  ///< nothing for a call that concerns no single peer
    Slice slice;
    int error = 0;  ///< lightningd's code, 0 when it succeeded
  };
  struct Loss {
    std::size_t destination;
    spark::Duration at;
    std::string method;
    int error;
    Cause cause;
  };

  /// `peers` in the order of the request.
  Timeline(spark::Runtime& runtime, std::vector<lightningd::NodeId> peers);

  void enter(Phase phase);
  void lose(std::size_t destination, const PeerFailure& failure);
  [[nodiscard]] std::size_t sent(const char* method, const lightningd::NodeId* peer) override;
  void answered(std::size_t call, const util::Error* error) override;

  [[nodiscard]] const std::vector<lightningd::NodeId>& peers() const { return peers_; }
  [[nodiscard]] const std::vector<PhaseSlice>& phases() const { return phases_; }
  [[nodiscard]] const std::vector<Call>& calls() const { return calls_; }
  [[nodiscard]] const std::vector<Loss>& losses() const { return losses_; }
  [[nodiscard]] spark::Duration now() const;

  /// How long each phase has taken so far, all its rounds together.
  [[nodiscard]] std::array<spark::Duration, phase_count> per_phase() const;
  /// How long lightningd and this peer took over each method, likewise.
  [[nodiscard]] std::map<std::string, spark::Duration> of_peer(std::size_t destination) const;

 private:
  [[nodiscard]] spark::Duration length(const Slice& slice) const;

  spark::Runtime& runtime_;
  const spark::Duration begun_;
  std::vector<lightningd::NodeId> peers_;
  std::map<lightningd::NodeId, std::size_t> destinations_;
  std::vector<PhaseSlice> phases_;
  std::vector<Call> calls_;
  std::vector<std::vector<std::size_t>> calls_of_;  ///< numbers of the calls that concern each destination
  std::vector<Loss> losses_;
};

}  // namespace report
