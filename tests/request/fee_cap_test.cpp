#include "request/fee_cap.hpp"

#include <doctest/doctest.h>

#include "bitcoin/fees.hpp"

using namespace bitcoin;
using namespace request;
using bitcoin::Perkw;
using bitcoin::Sat;

namespace {

constexpr Cost cost{Sat{5'910}, Sat{}, Perkw{7'500}, 788};

}  // namespace

TEST_CASE("without a cap any fee will do") { CHECK(FeeCap{}.check(cost).ok()); }

TEST_CASE("the fee may be as high as its cap") {
  CHECK(FeeCap{Sat{5'910}, {}}.check(cost).ok());
  const auto above = FeeCap{Sat{5'909}, {}}.check(cost);
  REQUIRE_FALSE(above.ok());
  CHECK(above.error().code == -32602);
  CHECK(above.error().message == "max_fee: the fee would be 5910 sat, more than 5909 sat");
  CHECK(above.error().data == R"({"fee_msat":5910000,"max_fee_msat":5909000,"parameter":"max_fee"})");
}

TEST_CASE("the feerate is that of the fee that is paid") {
  CHECK(FeeCap{{}, Perkw{7'500}}.check(cost).ok());
  auto more = cost;
  more.fee = Sat{5'911};  // as when there was too little for a change output
  const auto above = FeeCap{{}, Perkw{7'500}}.check(more);
  REQUIRE_FALSE(above.ok());
  CHECK(above.error().code == -32602);
  CHECK(above.error().message ==
        "max_feerate: the feerate would be 7502 perkw (5911 sat for a weight of 788), more than 7500 perkw");
  CHECK(above.error().data ==
        R"({"fee_msat":5911000,"weight":788,"feerate_perkw":7502,"max_feerate_perkw":7500,"parameter":"max_feerate"})");
}
