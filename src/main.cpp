#include <unistd.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <ctime>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "app/app.hpp"
#include "loop/loop.hpp"
#include "plugin/siblings.hpp"
#include "plugin/usage.hpp"

#if defined(__OPTIMIZE__) && !defined(__SANITIZE_ADDRESS__) && (!defined(_FORTIFY_SOURCE) || _FORTIFY_SOURCE < 2)
#error "src/hardening.h was not included, or something undoes it"
#endif
static_assert(_GLIBCXX_ASSERTIONS == 1);

namespace {

/// Not secret, only another one in every process.
std::uint64_t random_seed() {
  std::random_device device;
  return std::uint64_t{device()} << 32 | device();
}

int run_as_plugin() {
  loop::Loop loop;
  int status = 0;
  const char* version = std::getenv("LIGHTNINGD_VERSION");
  app::Environment environment{
      version != nullptr ? version : "",
      [] { return plugin::spenderp_runs(); },
      [&loop, &status](int wanted) {
        status = wanted;
        loop.stop();
      },
      random_seed(),
      [] { return static_cast<std::int64_t>(std::time(nullptr)); },
      &loop,
  };

  const auto stdio = loop.stdio(STDIN_FILENO, STDOUT_FILENO);
  app::App app(*stdio, loop, loop, std::move(environment));
  app.start();
  loop.run();
  return status;
}

}  // namespace

int main(int argc, char** argv) {
  const plugin::Invocation invocation{
      std::vector<std::string>(argv + (argc > 0 ? 1 : 0), argv + argc),
      std::getenv("LIGHTNINGD_PLUGIN") != nullptr,
      isatty(STDIN_FILENO) == 1,
  };
  if (const auto explanation = plugin::explain(invocation)) {
    std::fputs(explanation->text.c_str(), explanation->status == 0 ? stdout : stderr);
    return explanation->status;
  }
  return run_as_plugin();
}
