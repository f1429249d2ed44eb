#include "sim/corruption.hpp"

#include "sim/sloppy.hpp"

namespace sim {

std::string Corruption::pass(std::string text) {
  if (!is_on() || !random_.one_in(one_in_)) return text;
  constexpr std::string_view end = "\n\n";
  if (text.ends_with(end)) text.resize(text.size() - end.size());
  auto bad = sim::damaged(text, random_);
  if (bad != text) ++damaged;
  bad += end;
  return random_.one_in(8) ? "no message at all\n\n" + bad : bad;
}

}  // namespace sim
