// The policy of one new channel: what a destination says of it, and what becomes of setchannel.
#include "request/policy.hpp"

#include <doctest/doctest.h>

#include "lightningd/codes.hpp"
#include "request_samples.hpp"

using namespace request;
using namespace request::test;
using bitcoin::Msat;
using State = PolicyRecord::State;
using Answer = util::Result<std::vector<std::string>>;

namespace {

std::optional<lightningd::ChannelPolicy> policy_of(const std::string& members) {
  const auto request = parse_members(members);
  REQUIRE_MESSAGE(request, error_of(request));
  return request->destinations.front().policy;
}

std::string policy_error(const std::string& members) { return error_of(parse_members(members)); }

const util::Error lost{-32091, "no answer", {}};
const util::Error no_such_channel{lightningd::code::invalid_params, "id: Channel id not found", {}};

}  // namespace

TEST_CASE("a policy has lightningd's units") {
  const auto policy =
      policy_of(R"("amount":1000,"feebase":1000,"feeppm":"250","htlcmin":"1sat","htlcmax":"1000000msat")");
  REQUIRE(policy);
  CHECK(policy->feebase == Msat{1'000});
  CHECK(policy->feeppm == 250);
  CHECK(policy->htlcmin == Msat{1'000});
  CHECK(policy->htlcmax == Msat{1'000'000});
}

TEST_CASE("what is left out of a policy stays as it is") {
  CHECK_FALSE(policy_of(R"("amount":1000)"));
  CHECK_FALSE(policy_of(R"("amount":1000,"feebase":null)"));
  const auto policy = policy_of(R"("amount":1000,"feeppm":0)");
  REQUIRE(policy);
  CHECK(policy->feeppm == 0);
  CHECK_FALSE(policy->feebase);
  CHECK_FALSE(policy->htlcmin);
  CHECK_FALSE(policy->htlcmax);
}

TEST_CASE("a policy by position follows what the builtin takes") {
  const auto request = parse_text(
      with_destinations("[\"" + node('1') + R"(",2000,null,null,null,null,null,null,null,null,"2sat",3,4,5])"));
  REQUIRE_MESSAGE(request, error_of(request));
  const auto& policy = request->destinations.front().policy;
  REQUIRE(policy);
  CHECK(policy->feebase == Msat{2'000});
  CHECK(policy->feeppm == 3);
  CHECK(policy->htlcmin == Msat{4});
  CHECK(policy->htlcmax == Msat{5});
}

TEST_CASE("a wrong policy is refused, and the parameter named") {
  CHECK(policy_error(R"("amount":1000,"feebase":4294967295)") == "");
  CHECK(policy_error(R"("amount":1000,"feebase":4294967296)") ==
        "-32602: destinations[0].feebase: is more than 4294967295msat, got 4294967296");
  CHECK(policy_error(R"("amount":1000,"feebase":"x")")
            .starts_with("-32602: destinations[0].feebase: should be a millisatoshi amount"));
  CHECK(policy_error(R"("amount":1000,"feeppm":-1)") ==
        "-32602: destinations[0].feeppm: should be an integer from 0 to 4294967295, got -1");
  CHECK(policy_error(R"("amount":1000,"htlcmin":true)")
            .starts_with("-32602: destinations[0].htlcmin: should be a millisatoshi amount"));
  CHECK(policy_error(R"("amount":1000,"htlcmin":11,"htlcmax":10)") ==
        "-32602: destinations[0].htlcmin: is more than htlcmax, 10msat, got 11");
  CHECK(policy_error(R"("amount":1000,"htlcmin":10,"htlcmax":10)") == "");
}

TEST_CASE("htlcmax is at most the amount, as far as that is known") {
  CHECK(policy_error(R"("amount":1000,"htlcmax":1000000)") == "");
  CHECK(policy_error(R"("amount":1000,"htlcmax":"1001sat")") ==
        "-32602: destinations[0].htlcmax: is more than the amount of 1000sat, got \"1001sat\"");
  CHECK(policy_error(R"("amount":"all","htlcmax":"1001sat")") == "");
}

TEST_CASE("setchannel is tried again after what decides nothing, but not for ever") {
  PolicyRecord policy{lightningd::ChannelPolicy()};
  for (std::uint32_t i = 1; i < PolicyRecord::most_attempts; ++i) {
    ++policy.attempts;
    policy.answered(lost);
    CHECK(policy.state == State::pending);
    CHECK(policy.error->message == "no answer");
  }
  ++policy.attempts;
  policy.answered(lost);
  CHECK(policy.state == State::refused);

  // An answer that comes late all the same.
  policy.answered(std::vector<std::string>{"a warning"});
  CHECK(policy.state == State::applied);
  CHECK_FALSE(policy.error);
  CHECK(policy.warnings == std::vector<std::string>{"a warning"});
}

TEST_CASE("setchannel is not tried again when there is no such channel") {
  PolicyRecord policy{lightningd::ChannelPolicy()};
  policy.attempts = 1;
  policy.answered(no_such_channel);
  CHECK(policy.state == State::refused);
}

TEST_CASE("a policy that was set stays set, whatever a second call is told") {
  PolicyRecord policy{lightningd::ChannelPolicy()};
  policy.answered(std::vector<std::string>());
  policy.answered(no_such_channel);
  CHECK(policy.state == State::applied);
  CHECK_FALSE(policy.error);
}
