// The unit tests of a plugin that is made wrong on purpose, for the mutations that no invariant of a simulated world
// tells: each must fail the test case that it is meant for, which passes with the right plugin. For contrib/mutations.

#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdio>
#include <sstream>
#include <string>

#include "sim/mutations.hpp"

namespace {

using sim::TestedMutation;

constexpr const char* usage =
    "usage: mutant_tests --list               names the mutations\n"
    "       mutant_tests --mutation NAME      runs the test case that is to catch it, right and wrong\n";

int list() {
  for (const auto& mutation : sim::tested_mutations()) {
    std::printf("%.*s\n", static_cast<int>(mutation.name.size()), mutation.name.data());
  }
  return 0;
}

bool passes(std::string test, std::string_view mutation) {
  std::replace(test.begin(), test.end(), ',', '?');  // which else ends a pattern of doctest
  std::ostringstream output;
  doctest::Context context;
  context.setCout(&output);
  context.addFilter("test-case", test.c_str());
  sim::mutate(mutation);
  const bool passed = context.run() == 0;
  sim::mutate("");
  const auto text = output.str();
  int run = 0;
  const auto sum = text.find("test cases:");
  const bool one = sum != std::string::npos && std::sscanf(text.c_str() + sum, "test cases: %d", &run) == 1 && run == 1;
  return passed && one;
}

int judge(const TestedMutation& mutation) {
  const std::string test(mutation.test), name(mutation.name);
  const char* verdict = "caught";
  if (!passes(test, "")) {
    verdict = "the test case fails without it, or is not there";
  } else if (passes(test, mutation.name)) {
    verdict = "not caught";
  }
  std::printf("%-30s | %-33s | %s\n", name.c_str(), "a test case", verdict);
  return verdict == std::string("caught") ? 0 : 1;
}

}  // namespace

int main(int argc, char** argv) {
  const std::string first = argc > 1 ? argv[1] : "";
  if (first == "--list") return list();
  const auto& all = sim::tested_mutations();
  const auto mutation = std::find_if(
      all.begin(), all.end(), [argc, argv](const TestedMutation& one) { return argc > 2 && one.name == argv[2]; });
  if (first == "--mutation" && mutation != all.end()) return judge(*mutation);
  std::fputs(usage, stderr);
  return 2;
}
