// The chaos of a plugin that is made wrong on purpose: each mutation must break the invariant that it is
// meant for, in a world where the right plugin breaks none. For contrib/mutations, and to look at one world.

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/chaos.hpp"
#include "sim/mutations.hpp"

namespace {

using sim::Mutation;

constexpr const char* usage =
    "usage: mutants --list [--quick]          names the mutations, or those that are caught soon\n"
    "       mutants --mutation NAME SEEDS     lives the world that is known to catch it, then those from\n"
    "                                         seed 1 on until it is caught, so many at most\n"
    "       mutants --mutation NAME --show SEED\n"
    "                                         shows all that happens in one\n";

std::uint64_t number(const char* text) { return std::strtoull(text, nullptr, 10); }

int list(bool quick) {
  for (const auto& mutation : sim::mutations()) {
    if (!quick || mutation.quick) std::printf("%.*s\n", static_cast<int>(mutation.name.size()), mutation.name.data());
  }
  return 0;
}

int show(const Mutation& mutation, std::uint64_t seed) {
  sim::mutate(mutation.name);
  const auto result = sim::run_chaos(seed, true);
  for (const auto& line : result.log) std::printf("%s\n", line.c_str());
  for (const auto& broken : result.broken) std::printf("%s\n", broken.c_str());
  return 0;
}

/// Another invariant may break as well, or before: what counts is the one that it is meant for.
bool is_caught(const Mutation& mutation, std::uint64_t seed) {
  const auto meant = sim::describe(mutation.invariant, "");
  sim::mutate(mutation.name);
  const auto wrong = sim::run_chaos(seed);
  const bool broken = std::any_of(wrong.broken.begin(), wrong.broken.end(),
                                  [&meant](const std::string& text) { return text.starts_with(meant); });
  if (!broken) return false;
  sim::mutate("");
  return sim::run_chaos(seed).broken.empty();
}

int hunt(const Mutation& mutation, std::uint64_t seeds) {
  std::string invariant = sim::describe(mutation.invariant, "");
  invariant.resize(invariant.size() - 2);  // ": "
  invariant = invariant.substr(invariant.find(' ') + 1);
  for (std::uint64_t i = mutation.known > 0 ? 0 : 1; i <= seeds; ++i) {
    const auto seed = i == 0 ? mutation.known : i;
    if (!is_caught(mutation, seed)) continue;
    std::printf("%-30s | %-33s | %llu\n", std::string(mutation.name).c_str(), invariant.c_str(),
                static_cast<unsigned long long>(seed));
    return 0;
  }
  std::printf("%-30s | %-33s | not caught in %llu\n", std::string(mutation.name).c_str(), invariant.c_str(),
              static_cast<unsigned long long>(seeds));
  return 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--list") return list(argc > 2 && std::string(argv[2]) == "--quick");
  const auto& all = sim::mutations();
  const auto mutation = std::find_if(all.begin(), all.end(),
                                     [argc, argv](const Mutation& one) { return argc > 2 && one.name == argv[2]; });
  if (first != "--mutation" || mutation == all.end() || argc < 4) {
    std::fputs(usage, stderr);
    return 2;
  }
  if (argc == 5 && std::string(argv[3]) == "--show") return show(*mutation, number(argv[4]));
  return hunt(*mutation, number(argv[3]));
}
