// One target with libFuzzer, which brings its own main(). FUZZ_TARGET is its name.
#include "fuzz/targets.hpp"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const fuzz::Target& target = fuzz::target_named(FUZZ_TARGET);
  target.run({reinterpret_cast<const char*>(data), size});
  return 0;
}
