#include "util/function.hpp"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

using util::Function;

static_assert(!std::is_copy_constructible_v<Function<void()>>);
static_assert(std::is_nothrow_move_constructible_v<Function<void()>>);
static_assert(std::is_nothrow_move_assignable_v<Function<void()>>);
static_assert(!std::is_constructible_v<Function<void()>, int>);
static_assert(!std::is_constructible_v<Function<int()>, void (*)()>);

namespace {

int twice(int number) { return 2 * number; }

}  // namespace

TEST_CASE("an empty function is false") {
  CHECK_FALSE(Function<void()>());
  CHECK_FALSE(Function<void()>(nullptr));
  Function<int(int)> function = twice;
  CHECK(function);
  function = nullptr;
  CHECK_FALSE(function);
}

TEST_CASE("moving leaves the source empty") {
  Function<int(int)> source = twice;
  Function<int(int)> target = std::move(source);
  CHECK_FALSE(source);  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK(target(21) == 42);
  CHECK(std::exchange(target, {})(4) == 8);
  CHECK_FALSE(target);
}

TEST_CASE("it owns what it captures, also what can only be moved") {
  auto owned = std::make_shared<int>(7);
  const std::weak_ptr<int> watch = owned;
  {
    Function<int()> function = [token = std::make_unique<std::shared_ptr<int>>(std::move(owned))] { return **token; };
    CHECK(function() == 7);
    CHECK_FALSE(watch.expired());
  }
  CHECK(watch.expired());
}

TEST_CASE("arguments that can only be moved, and references, pass through") {
  Function<std::unique_ptr<int>(std::unique_ptr<int>, std::string&)> function = [](std::unique_ptr<int> n,
                                                                                   std::string& log) {
    log += "called";
    ++*n;
    return n;
  };
  std::string log;
  CHECK(*function(std::make_unique<int>(1), log) == 2);
  CHECK(log == "called");
}

TEST_CASE("a callable with state keeps it between calls") {
  Function<int()> next = [n = 0]() mutable { return ++n; };
  CHECK(next() == 1);
  CHECK(next() == 2);
}

TEST_CASE("one that returns void takes a callable that returns something") {
  int calls = 0;
  Function<void()> function = [&calls] { return ++calls; };
  function();
  CHECK(calls == 1);
}

TEST_CASE("a function moved out of its table may change the table while it runs") {
  std::vector<Function<void()>> table(1);
  std::string log;
  table[0] = [&table, &log] {
    table.clear();  // would destroy the running function if it still were in the table
    table.resize(100);
    table[0] = [&log] { log += "second"; };
    log += "first ";
  };
  std::exchange(table[0], {})();
  std::exchange(table[0], {})();
  CHECK(log == "first second");
}

TEST_CASE("a function may call itself") {
  Function<int(int)> factorial = [&factorial](int n) { return n < 2 ? 1 : n * factorial(n - 1); };
  CHECK(factorial(5) == 120);
}

TEST_CASE("assigning destroys what was there before") {
  const auto token = std::make_shared<int>();
  Function<void()> function = [token] {};
  CHECK(token.use_count() == 2);
  function = [] {};
  CHECK(token.use_count() == 1);
}

TEST_CASE("one whose type was erased is the same again as what it was") {
  util::AnyFunction any;
  CHECK_FALSE(any);
  any = Function<int(int)>(twice);
  CHECK(any);
  auto function = Function<int(int)>::of(std::move(any));
  CHECK_FALSE(any);  // NOLINT(bugprone-use-after-move): this is what is tested
  CHECK(function(21) == 42);
}
