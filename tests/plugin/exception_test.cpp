// What runs out of memory in the middle of a message must not take the next one with it.
#include <doctest/doctest.h>

#include <algorithm>
#include <cstdlib>
#include <new>

#include "fixture.hpp"

namespace {

/// The allocation that fails; none when 0.
std::size_t fails_at = 0;

void* allocate(std::size_t size) {
  if (fails_at > 0 && --fails_at == 0) throw std::bad_alloc();
  if (void* memory = std::malloc(size)) return memory;
  throw std::bad_alloc();
}

}  // namespace

void* operator new(std::size_t size) { return allocate(size); }
void* operator new[](std::size_t size) { return allocate(size); }
void operator delete(void* memory) noexcept { std::free(memory); }
void operator delete[](void* memory) noexcept { std::free(memory); }
void operator delete(void* memory, std::size_t) noexcept { std::free(memory); }
void operator delete[](void* memory, std::size_t) noexcept { std::free(memory); }

namespace plugin::test {

TEST_CASE("whichever allocation fails while a message is handled, the next message of the same read is answered") {
  constexpr auto request = [](std::string_view id) {
    return util::str(R"({"jsonrpc":"2.0","id":")", id, R"(","method":"nobody-has-such-a-method","params":{}})", "\n\n");
  };
  const std::string first = request("the first, with more characters than fit into a small string");
  const std::string second = request("the second, likewise");
  std::size_t lost = 0;
  for (std::size_t n = 2; n <= 100; ++n) {  // the first is of the reading itself
    CAPTURE(n);
    Fixture fixture;
    fixture.start();
    fixture.init();
    const std::string both = first + second;
    fails_at = n;
    try {
      fixture.transport.deliver(both);
    } catch (const std::bad_alloc&) {
      FAIL_CHECK("it went into the loop");
    }
    const bool failed = fails_at == 0;
    fails_at = 0;
    const auto answers = fixture.transport.take();
    const auto answered = [&answers](std::string_view id) {
      return std::any_of(answers.begin(), answers.end(),
                         [id](const auto& text) { return text.find(id) != std::string::npos; });
    };
    if (!failed || answered("the first")) break;  // what fails then is the second's
    ++lost;
    CHECK(answered("the second"));
    CHECK(fixture.gone.empty());
  }
  CHECK(lost > 0);
}

}  // namespace plugin::test
