#include "fuzz/targets.hpp"

#include <cstdio>
#include <cstdlib>
#include <string>

namespace fuzz {

namespace {

constexpr Target all[] = {
    {"frames", frames},   {"message", message},         {"json_strict", json_strict}, {"json_lenient", json_lenient},
    {"written", written}, {"parameters", parameters},   {"amounts", amounts},         {"psbt", psbt},
    {"records", records}, {"transaction", transaction}, {"replies", replies},         {"session", session},
};

}  // namespace

std::span<const Target> targets() { return all; }

const Target& target_named(std::string_view name) {
  for (const auto& target : all) {
    if (target.name == name) return target;
  }
  std::fprintf(stderr, "no fuzz target %s\n", std::string(name).c_str());
  std::exit(2);
}

void require(bool holds, const char* what) {
  if (holds) return;
  std::fprintf(stderr, "broken: %s\n", what);
  std::abort();
}

}  // namespace fuzz
