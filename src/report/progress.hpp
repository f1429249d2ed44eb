#pragma once

#include <cstddef>
#include <utility>

#include "report/phase.hpp"
#include "util/function.hpp"

namespace report {

/// Turns the phases of a batch into a bar each for the user: connect, start, complete, send. Says at
/// most about a hundred times in a phase how far it is. Owned by the BatchWatch.
class Progress {
 public:
  /// As plugin::Command::progress takes them.
  using Show = util::Function<void(std::size_t num, std::size_t total, std::size_t stage, std::size_t stages)>;

  explicit Progress(std::size_t peers) : peers_(peers) {}
  void show_with(Show show) { show_ = std::move(show); }

  /// The batch is in `phase`, and `done` of its peers are through with it or have dropped out.
  void at(Phase phase, std::size_t done);
  /// The phase is over, for all.
  void finished() { report(peers_); }

 private:
  void report(std::size_t done);

  const std::size_t peers_;
  Show show_;
  Phase phase_ = Phase::prepare;
  std::size_t reported_ = 0;
};

}  // namespace report
