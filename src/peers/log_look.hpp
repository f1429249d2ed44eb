#pragma once

#include <vector>

#include "context/calls.hpp"
#include "lightningd/client.hpp"
#include "spark/scope.hpp"

namespace peers {

/// Looks at lightningd's log for the peers of a batch. Many may hang up at once, and each answer is the whole log: so
/// one getlog is on its way at a time, and whoever asks meanwhile gets the next one, which is of after the question.
/// Owned by a batch, and runs in its scope.
class LogLook {
 public:
  using Lines = std::vector<lightningd::LogLine>;
  /// The lines belong to all who have asked.
  using Then = util::Function<void(const util::Result<Lines>&)>;

  LogLook(context::Calls calls) : calls_(std::move(calls)) {}
  LogLook(const LogLook&) = delete;
  LogLook& operator=(const LogLook&) = delete;

  void ask(Then then);

 private:
  void send();
  void answered(const util::Result<Lines>& lines);

  context::Calls calls_;
  std::vector<Then> waiting_;  ///< for the one that is on its way
  std::vector<Then> next_;     ///< came after it was sent
};

}  // namespace peers
