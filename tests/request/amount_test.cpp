#include "params/amount.hpp"

#include <doctest/doctest.h>

#include <string>

#include "request/request.hpp"

using namespace request;
using bitcoin::Msat;
using bitcoin::Sat;

namespace {

/// Parses the JSON text with `parse`; `fallback` stands for an error, whose message goes to `why`.
template <class Amount>
Amount parsed(std::string_view text, util::Result<Amount> (*parse)(const json::Value&), std::string& why) {
  const auto document = json::Document::parse(text, "amount");
  REQUIRE(document);
  const auto amount = parse(document->root());
  why = amount ? "" : amount.error().message;
  if (!amount) CHECK(amount.error().code == -32602);
  return amount ? *amount : Amount{};
}

std::uint64_t sat(std::string_view text) {
  std::string why;
  const Sat amount = parsed(text, params::parse_sat, why);
  CHECK(why == "");
  return amount.value;
}

std::uint64_t msat(std::string_view text) {
  std::string why;
  const Msat amount = parsed(text, params::parse_msat, why);
  CHECK(why == "");
  return amount.value;
}

std::string sat_error(std::string_view text) {
  std::string why;
  (void)parsed(text, params::parse_sat, why);
  return why;
}

std::string msat_error(std::string_view text) {
  std::string why;
  (void)parsed(text, params::parse_msat, why);
  return why;
}

}  // namespace

TEST_CASE("satoshi") {
  CHECK(sat("123") == 123);
  CHECK(sat("\"123\"") == 123);
  CHECK(sat("0") == 0);
  CHECK(sat("\"123sat\"") == 123);
  CHECK(sat("\"123000msat\"") == 123);
  CHECK(sat("\"0msat\"") == 0);
  CHECK(sat("\"0.01btc\"") == 1'000'000);
  CHECK(sat("\"0.00000001btc\"") == 1);
  CHECK(sat("\"1.5btc\"") == 150'000'000);
  CHECK(sat("\"2btc\"") == 200'000'000);
  CHECK(sat("\"21000000btc\"") == 2'100'000'000'000'000);
  CHECK(sat("2100000000000000") == 2'100'000'000'000'000);
}

TEST_CASE("lightningd looks at the beginning of a unit, and takes noughts before a number") {
  CHECK(sat("\"5sats\"") == 5);
  CHECK(sat("\"5satoshi\"") == 5);
  CHECK(sat("\"1.btc\"") == 100'000'000);
  CHECK(sat("\"1.5btcs\"") == 150'000'000);
  CHECK(sat("\"0100\"") == 100);
  CHECK(msat("\"5satoshi\"") == 5'000);
  // It takes "0100001msat" for 100,001 sat.
  CHECK(sat_error("\"0100001msat\"") ==
        "amount: should be a satoshi amount, without a fraction of one, got \"0100001msat\"");
}

TEST_CASE("not satoshi") {
  const std::string wanted = "amount: should be a satoshi amount, as 123, 123sat, 123000msat or 0.01btc, got ";
  for (const std::string text : {R"("")",        R"("1.5sat")",
                                 R"("1.5")",     "1.5",
                                 "1e5",          "-1",
                                 R"("-1")",      R"("+1")",
                                 R"(" 1")",      R"("1 ")",
                                 R"("1 sat")",   R"("sat")",
                                 R"("btc")",     R"(".5btc")",
                                 R"("1.sat")",   R"("1.2.3btc")",
                                 R"("1.")",      R"("1SAT")",
                                 R"("0x10")",    R"("all")",
                                 "true",         "null",
                                 "[1]",          R"({"a":1})",
                                 R"("0.5msat")", R"("0.000000000001btc")"})
    CHECK(sat_error(text) == wanted + text);
}

TEST_CASE("fractions of a satoshi") {
  for (const std::string text : {R"("123msat")", R"("123456msat")", R"("0500msat")", R"("0.000000001btc")"})
    CHECK(sat_error(text) == "amount: should be a satoshi amount, without a fraction of one, got " + text);
}

TEST_CASE("more than there is") {
  for (const std::string text :
       {"2100000000000001", R"("21000000.00000001btc")", R"("18446744073709551616")", R"("18446744073709551615")",
        R"("99999999999999999999999999btc")", "18446744073709551616", R"("2100000000000000001msat")"})
    CHECK(sat_error(text) == "amount: is more than 21 million btc, got " + text);
  CHECK(msat_error("2100000000000000001") == "amount: is more than 21 million btc, got 2100000000000000001");
}

TEST_CASE("millisatoshi: a bare number counts those") {
  CHECK(msat("123") == 123);
  CHECK(msat("\"123\"") == 123);
  CHECK(msat("\"123msat\"") == 123);
  CHECK(msat("\"123sat\"") == 123'000);
  CHECK(msat("\"0.01btc\"") == 1'000'000'000);
  CHECK(msat("\"0.00000000001btc\"") == 1);
  CHECK(msat("2100000000000000000") == 2'100'000'000'000'000'000);
  CHECK(msat_error("\"1.5sat\"") ==
        "amount: should be a millisatoshi amount, as 123, 123msat, 123sat or 0.01btc, got \"1.5sat\"");
}
