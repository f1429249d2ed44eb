#include "sim/filter.hpp"

#include <doctest/doctest.h>

namespace {

constexpr const char* channels =
    R"({"channels":[{"state":"NORMAL","funding":{"psbt":"cHNi","withheld":true}},{"id":1}]})";

sim::Filter filter(const char* text) { return sim::Filter(json::Document::parse(text, "filter")->root()); }

TEST_CASE("without a filter all of a result is wanted") {
  CHECK(sim::Filter().apply(channels) == channels);
  CHECK(sim::Filter().wants({"channels", "funding", "psbt"}));
}

TEST_CASE("a filter leaves in what it names, in every element of an array") {
  const auto some = filter(R"({"channels":[{"state":true,"funding":{"withheld":true}}],"others":true})");
  CHECK(some.apply(channels) == R"({"channels":[{"state":"NORMAL","funding":{"withheld":true}},{}]})");
  CHECK(some.wants({"channels", "funding", "withheld"}));
  CHECK_FALSE(some.wants({"channels", "funding", "psbt"}));
  CHECK_FALSE(some.wants({"peers"}));
}

TEST_CASE("a member that is named is wanted with all that is in it") {
  const auto whole = filter(R"({"channels":[{"funding":true}]})");
  CHECK(whole.apply(channels) == R"({"channels":[{"funding":{"psbt":"cHNi","withheld":true}},{}]})");
  CHECK(whole.wants({"channels", "funding", "psbt"}));
}

}  // namespace
