#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sim/chaos.hpp"

namespace sim {

/// Something worth reaching: what a phase can come to, a way to clean up, a row of recovery, an answer.
struct Situation {
  enum class Seen { in_the_log, in_an_answer };

  std::string_view name;
  Seen where = Seen::in_the_log;
  std::string_view text;  ///< a line of the log, or an answer, holds it
};

[[nodiscard]] const std::vector<Situation>& situations();

/// In how many worlds each of situations() was reached, as many numbers; and what else was in them.
class SituationCount {
 public:
  void add(const ChaosResult& world);
  [[nodiscard]] const std::vector<std::uint64_t>& worlds() const { return worlds_; }
  [[nodiscard]] spark::Duration lived() const { return lived_; }
  [[nodiscard]] std::uint64_t kills() const { return kills_; }
  [[nodiscard]] std::uint64_t faults() const { return faults_; }

 private:
  spark::Duration lived_{0};
  std::uint64_t kills_ = 0, faults_ = 0;
  std::vector<std::uint64_t> worlds_ = std::vector<std::uint64_t>(situations().size(), 0);
};

}  // namespace sim
